/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer set is: the identity of an overlay's layers as text, the same for the daemon and the command line tool.
 * Owns: how that text is made from mount options. Must not know: containers, the store.
 *
 * "path=dev:ino@ctime;" for each layer from top to bottom, "data:" in front of one that only gives data. The path is the real
 * one, without symbolic links, so that short links to the same layer are the same layer; device, inode number and change time
 * make a folder that is used again for something else another layer.
 */
#ifndef IMAGEDB_LAYERS_H
#define IMAGEDB_LAYERS_H

#include <stddef.h>
#include <stdint.h>

/**
 * imagedb_layers_of_options() - identity of an overlay's layers
 * @options:	the superblock options of its line in mountinfo, borrowed
 * @base:	folder that relative layers are meant from, NULL when that cannot be told
 * @ret:	output: text, to be freed
 *
 * Blocks on the layers. Return: 0, the layers cannot be told for sure (-EINVAL: escaped or relative names, a layer that is gone
 * or no folder, none), or no memory (-ENOMEM).
 */
int imagedb_layers_of_options(const char *options, const char *base, char **ret);

/** imagedb_layers_of_list() - the same from "TOP:…:BOTTOM", with "::" before layers that only give data; -ENOENT, -ENOTDIR too */
int imagedb_layers_of_list(const char *list, char **ret);

/**
 * imagedb_layers_of_mount() - identity of the layers of the overlay that a folder is the root of
 * @root_fd:	the folder, borrowed
 * @ret:	output: text, to be freed
 *
 * Looks it up in our own /proc/self/mountinfo. Return: 0, not the root of an overlay (-ENODEV), the layers cannot be told for
 * sure (-EINVAL), no memory (-ENOMEM), or an error of /proc.
 */
int imagedb_layers_of_mount(int root_fd, char **ret);

#endif /* IMAGEDB_LAYERS_H */
