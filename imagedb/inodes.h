/* SPDX-License-Identifier: Apache-2.0 */
/* Owns: the set of inodes with several names that a scan has met. Must not know: files, directories, the walk. */
#ifndef IMAGEDB_INODES_H
#define IMAGEDB_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct imagedb_inode {
	dev_t dev;
	ino_t ino;
};

/* Zero-initialise. Open addressing; an inode number of 0 marks a free slot and is never remembered. */
struct imagedb_inodes {
	struct imagedb_inode *slots;
	size_t capacity;
	size_t used;
};

/**
 * imagedb_inodes_add() - remember an inode
 * @set:	the set
 * @inode:	what to remember
 * @ret_known:	output: it was there before
 *
 * The set never shrinks; its growth is bounded by the caller's bound on candidates. Return: 0 or no memory (-ENOMEM).
 */
int imagedb_inodes_add(struct imagedb_inodes *set, struct imagedb_inode inode, bool *ret_known);

/** imagedb_inodes_release() - free the set's memory; it is empty and usable afterwards */
void imagedb_inodes_release(struct imagedb_inodes *set);

/* Spreads inodes over the slots (digest.c has the hash library). */
uint64_t imagedb_inode_hash(struct imagedb_inode inode);

#endif /* IMAGEDB_INODES_H */
