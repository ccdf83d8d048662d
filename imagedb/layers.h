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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * imagedb_layers_of_options() - identity of an overlay's layers
 * @options:	the superblock options of its line in mountinfo, borrowed
 * @base:	folder that relative layers are meant from; NULL: only containerd's are understood, by the writable layer beside them
 * @ret:	output: text, to be freed
 *
 * Blocks on the layers. Return: 0, the layers cannot be told for sure (-EINVAL: escaped or relative names, a layer that is gone
 * or no folder, none), or no memory (-ENOMEM).
 */
int imagedb_layers_of_options(const char *options, const char *base, char **ret);

/** imagedb_layers_of_list() - the same from "TOP:…:BOTTOM", with "::" before layers that only give data; -ENOENT, -ENOTDIR too */
int imagedb_layers_of_list(const char *list, char **ret);

/**
 * struct imagedb_mounted_layers - the overlay that a folder is the root of
 * @identity:	of its layers; to be freed
 * @writable:	it has a writable layer, whose files are no part of the set
 * @user_xattr:	its layers say what is hidden in user.overlay.* attributes (rootless)
 * @metacopy:	its layers may hold metadata only, the data lying further down
 */
struct imagedb_mounted_layers {
	char *identity;
	bool writable;
	bool user_xattr;
	bool metacopy;
};

/**
 * imagedb_layers_of_mount() - the layers of the overlay that a folder is the root of
 * @root_fd:	the folder, borrowed
 * @ret:	output
 *
 * Looks it up in our own /proc/self/mountinfo. Return: 0, not the root of an overlay (-ENODEV), the layers cannot be told for
 * sure (-EINVAL), no memory (-ENOMEM), or an error of /proc.
 */
int imagedb_layers_of_mount(int root_fd, struct imagedb_mounted_layers *ret);

/* One layer of an identity. */
struct imagedb_layer {
	const char *path;	/* borrowed */
	bool data_only;
	bool changed;		/* is no longer the folder that the identity names, or is gone */
};

/** imagedb_layer_fn - called for each layer; anything but 0 ends the walk and is what it returns */
typedef int (*imagedb_layer_fn)(const struct imagedb_layer *layer, void *data);

/** imagedb_layers_each() - the layers of an identity from top to bottom; -EINVAL: it is none, -ENOMEM. Blocks on the layers. */
int imagedb_layers_each(const char *identity, imagedb_layer_fn fn, void *data);

#endif /* IMAGEDB_LAYERS_H */
