/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders of YAML. Owns all file I/O of the library. Must not know what the files say. */
#ifndef HOLDFAST_POLICIES_FILES_H
#define HOLDFAST_POLICIES_FILES_H

#include "policies/arena.h"
#include "policies/error.h"

/* @path is valid only during the call. A value other than 0 ends the walk. */
typedef int (*policy_file_fn)(const char *path, void *arg);

/**
 * policy_files_each - the files that @path stands for
 *
 * Of a folder each *.yaml and *.yml in the order of its name, no dot files, no subfolders; else @path itself, also if
 * there is no such file. Blocks.
 *
 * Return: 0; what @fn gave; -errno with @err filled.
 */
int policy_files_each(const char *path, policy_file_fn fn, void *arg, struct policy_error *err);

/**
 * policy_file_read - all of a regular file
 * @arena: holds *@ret, which has a NUL behind
 *
 * Return: 0; -errno with @err filled; -EFBIG above POLICY_FILE_BYTES_MAX; -EAGAIN: it grew meanwhile. Blocks, but for no
 * FIFO.
 */
int policy_file_read(const char *path, struct policy_arena *arena, char **ret, size_t *ret_len, struct policy_error *err);

#endif
