/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: what the stream told, in a file, so that rules can be run over it again.
 *
 * Owns: the frames and the checks. Must not know: rules, containers; what is theirs travels as bytes.
 *
 * A file is a magic number and frames: struct stream_frame, then .bytes bytes, then zeros up to a multiple of 8. Numbers are
 * those of the machine that wrote it (little-endian: another's magic number does not fit). Readers step over kinds that they
 * do not know, and refuse versions that they do not know of kinds that they do.
 */
#ifndef ENFORCER_STREAM_RECORD_H
#define ENFORCER_STREAM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "enforcer/process_tree.h"
#include "enforcer/stream.h"

#define STREAM_RECORD_MAGIC 0x31304345524648ull /* "HFREC01" */
#define STREAM_FRAME_BYTES_MAX 65536 /* of one frame: above the longest event, process and list of names */

enum stream_frame_kind {
	STREAM_FRAME_NONE,
	STREAM_FRAME_HEADER,	/* struct stream_record_header: the first frame, once */
	STREAM_FRAME_PROCESS,	/* as it was when the recording began */
	STREAM_FRAME_CONTAINER, /* the engine's bytes */
	STREAM_FRAME_USERS,	/* the engine's bytes */
	STREAM_FRAME_EVENT,	/* a record as it came from the kernel */
	STREAM_FRAME_DRIFT,	/* the engine's bytes: a verdict of the enforcer */
	STREAM_FRAME_END,	/* struct stream_record_end: the last; a file without one was cut off */
	_STREAM_FRAME_MAX
};

struct stream_frame {
	uint32_t bytes;
	uint16_t kind;
	uint16_t version;
};

struct stream_record_header {
	int64_t boot_to_real_ns; /* to be added to times of events */
	char hostname[64];
	char version[32]; /* of the program that wrote it */
};

struct stream_record_end {
	uint64_t events;
	uint64_t lost; /* events that happened and are not in it */
};

struct stream_writer;

/* Writes magic and header to fd (borrowed until stream_writer_close()). 0 or -errno. */
int stream_writer_new(int fd, const struct stream_record_header *header, struct stream_writer **ret);
/* All processes of a tree, in order of their start. */
int stream_writer_put_tree(struct stream_writer *writer, const struct process_tree *tree);
/* Bytes of a kind of the caller's choice, version 1. -EMSGSIZE: more than STREAM_FRAME_BYTES_MAX. */
int stream_writer_put(struct stream_writer *writer, enum stream_frame_kind kind, const void *bytes, size_t n);
/* The event as it was decoded from. */
int stream_writer_put_event(struct stream_writer *writer, const struct stream_event *event);
/* Writes the end frame with @lost and what is still in memory. NULL-safe, sets *writer to NULL. 0 or -errno: the file is not whole. */
int stream_writer_close(struct stream_writer **writer, uint64_t lost);

struct stream_reader;

/* What one frame holds; borrowed until the next is read. */
struct stream_item {
	enum stream_frame_kind kind; /* never one that is not known */
	struct stream_event event;   /* STREAM_FRAME_EVENT */
	struct process process;	     /* STREAM_FRAME_PROCESS: for process_tree_add() */
	const void *bytes;	     /* every kind: as they stand there, 8-byte aligned */
	size_t n_bytes;
	struct stream_record_end end; /* STREAM_FRAME_END */
};

/**
 * stream_reader_new - begin to read a recording
 * @fd: (borrowed until stream_reader_free()); read from where it stands; nothing in it is believed
 *
 * Return: 0; -EBADMSG: no recording; -EPROTO: of another version; -ENOMEM; -errno of read.
 */
int stream_reader_new(int fd, struct stream_reader **ret, struct stream_record_header *ret_header);
void stream_reader_free(struct stream_reader **reader);

/* 1: an item, 0: the end of the file; -EBADMSG: makes no sense from here on; -EPROTO: a frame of a later version; -ENODATA: the
 * file ends in the middle. */
int stream_reader_next(struct stream_reader *reader, struct stream_item *ret);

#endif
