// SPDX-License-Identifier: Apache-2.0
/*
 * Mount and policy to enum hf_volume_kind.
 *
 *   I1  One folder mounted twice is one key: the kind that allows more stands, but a writable mount makes it writable for both,
 *       and the kernel half takes what holds while it is read-only for WRITABLE where the mount it sees is not, or was written to.
 */
#include "enforcer/volumes.h"

#include <stdbool.h>
#include <string.h>

#include "enforcer/container.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"

static bool path_is(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	while (n > 1 && a[n - 1] == '/')
		n--;
	while (m > 1 && b[m - 1] == '/')
		m--;
	return n == m && !strncmp(a, b, n);
}

/* *ret_while: it is of that kind for being read-only. */
static enum hf_volume_kind kind_of(const struct container *c, const struct container_mount *mount, bool *ret_while)
{
	*ret_while = mount->read_only;
	for (size_t v = 0; v < c->policy->n_volumes; v++) {
		const struct policy_volume *allowed = &c->policy->volumes[v];

		if (path_is(allowed->path, mount->destination) && (mount->read_only || !allowed->read_only)) {
			*ret_while = allowed->read_only;
			return HF_VOLUME_ALLOWED;
		}
	}
	if (mount->read_only && mount->is_file && c->facts.program && path_is(c->facts.program, mount->destination))
		return HF_VOLUME_INIT;
	return mount->read_only ? HF_VOLUME_READ_ONLY : HF_VOLUME_WRITABLE;
}

/* What allows more comes first. */
static int rank(enum hf_volume_kind kind)
{
	static const int ranks[_HF_VOLUME_MAX] = {
		[HF_VOLUME_ALLOWED] = 0,
		[HF_VOLUME_INIT] = 1,
		[HF_VOLUME_READ_ONLY] = 2,
		[HF_VOLUME_WRITABLE] = 3,
	};

	return ranks[kind];
}

/* The kind of a mount's folder: the best of all mounts that show it; of equals the one that does not end. */
static enum hf_volume_kind kind_of_folder(const struct container *c, const struct container_mount *mount, bool *ret_while)
{
	enum hf_volume_kind best = kind_of(c, mount, ret_while);

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct container_mount *other = &c->mounts[i];
		enum hf_volume_kind kind;
		bool while_read_only;

		if (other->dev != mount->dev || other->root_ino != mount->root_ino)
			continue;
		kind = kind_of(c, other, &while_read_only);
		if (rank(kind) < rank(best) || (kind == best && !while_read_only)) {
			best = kind;
			*ret_while = while_read_only;
		}
	}
	return best;
}

size_t volumes_mark_written(struct container *c, uint64_t root_ino, uint32_t dev)
{
	size_t marked = 0;

	for (size_t i = 0; i < c->n_mounts; i++) {
		struct container_mount *mount = &c->mounts[i];

		if (!mount->read_only || mount->dev != dev || (root_ino && mount->root_ino != root_ino))
			continue;
		mount->read_only = false;
		marked++;
		log_warning("container %s: it wrote to its read-only volume %s: code on it counts as that of a writable one",
			    c->facts.id, mount->destination);
	}
	return marked;
}

int volumes_publish(struct lsm *lsm, const struct container *c)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct container_mount *mount = &c->mounts[i];
		struct hf_volume_key key = { .container = c->kernel_id, .root_ino = mount->root_ino, .dev = mount->dev };
		bool while_read_only = false;
		enum hf_volume_kind kind = kind_of_folder(c, mount, &while_read_only);
		int err = mount->dev ? lsm_volume_add(lsm, &key, kind, while_read_only) : 0;

		if (err)
			return err;
	}
	return 0;
}
