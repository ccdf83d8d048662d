/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that lines are appended to, whole ones, whatever others do to it. Used by event_writer.c and, for a question, by event_sink.c.
 *
 * Owns: opening, rotation, lines that were written in part, and those that the disk may not have yet: a write only reaches the
 * kernel, which forgets what its disk refuses later. Must not know: what waits to be written, or when to try again.
 * One thread at a time; a write waits for the disk as any write does.
 */
#ifndef ENFORCER_EVENT_FILE_H
#define ENFORCER_EVENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines that the disk may not have yet are kept up to here, and it is waited for then: some hundred events. */
#define EVENT_FILE_UNSURE_BYTES 262144

struct event_file {
	const char *path; /* borrowed */
	uint64_t max_bytes; /* renamed to PATH.1 beyond; 0 never */
	int fd;		  /* -1: not open */
	uint64_t bytes;	  /* its length, as far as we know */
	uint64_t dev, ino;
	size_t torn; /* bytes of the line to be written that stand at its end */
	int error; /* what the last line met, 0: nothing */
	bool ragged; /* it ends in the middle of a line that nobody will finish */
	char *unsure; /* what was written since the disk last had all; allocated with the first line */
	size_t unsure_bytes;
	uint64_t unsure_from; /* where it stands in the file */
	bool doubted; /* the disk has refused it: it must be written again */
};

/* Opens, or creates, the file at path; the one that was open is closed then, and lines that its disk does not take are written
 * to the new one. On failure that one stays.
 * 0; -errno (-ELOOP: a symbolic link; -EINVAL: not a regular file). */
int event_file_open(struct event_file *file);
/* Waits for the disk a last time. Returns how many lines it did not take. */
size_t event_file_close(struct event_file *file);

/* Puts a whole line of n bytes, its newline included, behind the last one. On failure a part of it may stand there: the next
 * call is with the same line. A file that was removed is made anew, one that was cut short is written on, and one that fails for
 * another reason than room is looked for under its path again. Nothing is added to lines that the disk has refused. 0; -errno. */
int event_file_put(struct event_file *file, const char *line, size_t n);

/* Waits until the disk has all lines. 0; -errno when it has not: call again later, which writes them once more, to where they stood. */
int event_file_sync(struct event_file *file);
static inline bool event_file_is_unsure(const struct event_file *file)
{
	return file->unsure_bytes > 0;
}

/* True when the file behind fd, n bytes long, does not end with a newline. */
bool event_file_is_ragged(int fd, uint64_t bytes);

#endif
