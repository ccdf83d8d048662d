// SPDX-License-Identifier: Apache-2.0
/* Owns: the set of inodes with several names that a scan has met. Must not know: files, directories, the walk. */
#include "imagedb/inodes.h"
#include "imagedb/util.h"

#define FIRST_CAPACITY	256u	/* a Debian root has some dozen hard-linked programs */

/* The slot that holds the inode or would take it. There always is a free one: at most half are used. */
static struct imagedb_inode *find_slot(struct imagedb_inode *slots, size_t capacity, struct imagedb_inode inode)
{
	size_t i = imagedb_inode_hash(inode) & (capacity - 1);

	while (slots[i].ino && (slots[i].ino != inode.ino || slots[i].dev != inode.dev))
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

static int grow(struct imagedb_inodes *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : FIRST_CAPACITY;
	struct imagedb_inode *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->capacity; i++) {
		if (set->slots[i].ino)
			*find_slot(slots, capacity, set->slots[i]) = set->slots[i];
	}
	free(set->slots);
	set->slots = slots;
	set->capacity = capacity;
	return 0;
}

int imagedb_inodes_add(struct imagedb_inodes *set, struct imagedb_inode inode, bool *ret_known)
{
	struct imagedb_inode *slot;

	if (inode.ino == 0) {
		*ret_known = false;
		return 0;
	}
	if (set->used >= set->capacity / 2) {
		int r = grow(set);

		if (r < 0)
			return r;
	}
	slot = find_slot(set->slots, set->capacity, inode);
	*ret_known = slot->ino != 0;
	if (!*ret_known) {
		*slot = inode;
		set->used++;
	}
	return 0;
}

void imagedb_inodes_release(struct imagedb_inodes *set)
{
	free(set->slots);
	*set = (struct imagedb_inodes){ 0 };
}
