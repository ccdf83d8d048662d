/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots that are a plain folder: which one it is, and which executables it had when a container first started on it.
 *
 * Owns: the name of a folder over restarts, and the comparison with the first start. Must not know: the kernel's tables, the scan.
 */
#ifndef ENFORCER_ENROL_FOLDER_H
#define ENFORCER_ENROL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf-lsm/abi.h"

struct folder_list;
struct images;

/**
 * enrol_folder_identity - name of a root folder that no other folder ever has
 * @root_fd: (borrowed) O_PATH will do
 * @type: (borrowed) its file system as mountinfo names it
 *
 * The path alone would not do: a folder may be removed and made again. Inode number and time of birth tell, within the file
 * system or subvolume that statfs names. Blocks on the folder. Return: text to be freed, in the form of imagedb/layers.h; NULL:
 * it cannot be told (FUSE, no time of birth, another mount namespace's path) or no memory.
 */
char *enrol_folder_identity(int root_fd, const char *type);

/* True for the name of a folder, false for that of an overlay's layers. NULL: false. */
bool enrol_folder_is(const char *identity);

/**
 * folder_list_load - the executables of the first start
 * @images: (borrowed) NULL: there is no database
 * @identity: (borrowed)
 * @ret: (output) folder_list_free()
 *
 * Blocks on the disk. Return: 0; -ENOENT: no container was started on it before, as far as the database knows; -ENOMEM; -errno.
 */
int folder_list_load(struct images *images, const char *identity, struct folder_list **ret);
void folder_list_free(struct folder_list **list);

/**
 * folder_list_holds - whether a file is one of the first start's, unchanged
 * @list: of the folder
 * @fd: (borrowed) the file, open for reading
 * @now: (borrowed) the kernel half's answer to it
 *
 * Same inode, size and ctime; or, with another ctime (chmod, chown, link, rename), the same digest if there was time to take it.
 * Blocks on the file when it has to be read.
 */
bool folder_list_holds(const struct folder_list *list, int fd, const struct hf_enrol *now);

#endif
