/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from the root to the directory being walked, and the names still to be visited on it.
 * Owns: frames, waiting names, which directory descriptors stay open, climbing back. Must not know: files, statistics.
 *
 * A directory is listed once, completely, and the names of its sub-directories wait in one byte stack. The first levels keep
 * their descriptors; below them only the current directory is open, and coming back is one ".." from below. So descriptors
 * are bounded whatever the depth, and a tree of depth n costs O(n).
 */
#ifndef IMAGEDB_DIRSTACK_H
#define IMAGEDB_DIRSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IMAGEDB_KEPT_DESCRIPTORS	32u	/* deeper than nearly all of any image, far below the usual limit of 1,024 */

struct imagedb_frame {
	int fd;			/* -1 when it is not among the kept ones */
	dev_t dev;
	ino_t ino;
	uint32_t path_len;
	size_t names_start;
};

/* Zero-initialise, set the bounds, set current_fd to -1. */
struct imagedb_dirstack {
	struct imagedb_frame *frames;
	uint32_t depth;		/* frames in use */
	uint32_t frames_capacity;
	char *names;
	size_t names_used;
	size_t names_capacity;
	size_t names_max;
	char *path;		/* of the top frame, NUL-terminated */
	size_t path_len;
	size_t path_capacity;
	size_t path_max;
	int current_fd;		/* the one open directory below the kept ones, or -1 */
	uint32_t current_depth;	/* its depth, the root being 0 */
};

/** imagedb_dirstack_release() - close and free everything; NULL members are fine */
void imagedb_dirstack_release(struct imagedb_dirstack *stack);

/**
 * imagedb_dirstack_push() - enter a directory; the stack takes @fd, on failure too
 * @stack:	the stack, whose path is already the directory's
 * @fd:		the directory
 *
 * Return: 0, no memory (-ENOMEM), or the error of fstat().
 */
int imagedb_dirstack_push(struct imagedb_dirstack *stack, int fd);

/** imagedb_dirstack_pop() - leave the top directory; its waiting names must be used up or are dropped */
void imagedb_dirstack_pop(struct imagedb_dirstack *stack);

/** imagedb_dirstack_add_name() - let @name wait in the top frame; -ENOSPC beyond the bound, -ENOMEM */
int imagedb_dirstack_add_name(struct imagedb_dirstack *stack, const char *name, size_t len);

/** imagedb_dirstack_has_names() - does a name wait in the top frame? */
bool imagedb_dirstack_has_names(const struct imagedb_dirstack *stack);

/**
 * imagedb_dirstack_next_name() - take one waiting name of the top frame; there must be one
 *
 * Return: the name, valid until the next call that adds one.
 */
const char *imagedb_dirstack_next_name(struct imagedb_dirstack *stack, size_t *ret_len);

/**
 * imagedb_dirstack_set_path() - make the path that of an entry of the top frame's directory
 *
 * Return: 0, longer than the bound (-ENAMETOOLONG), no memory (-ENOMEM).
 */
int imagedb_dirstack_set_path(struct imagedb_dirstack *stack, const char *name, size_t len);

/** imagedb_dirstack_reset_path() - make the path that of the top frame's directory again */
void imagedb_dirstack_reset_path(struct imagedb_dirstack *stack);

/**
 * imagedb_dirstack_directory() - the descriptor of the top frame's directory, borrowed
 *
 * Return: a descriptor; -ESTALE or another error when the way back is gone, because a directory was moved.
 */
int imagedb_dirstack_directory(struct imagedb_dirstack *stack);

#endif /* IMAGEDB_DIRSTACK_H */
