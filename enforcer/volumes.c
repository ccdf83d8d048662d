// SPDX-License-Identifier: Apache-2.0
/*
 * Mount and policy to enum hf_volume_kind.
 *
 *   I1  One folder mounted twice is one key: the kind that allows more stands, but a writable mount makes it writable for both,
 *       and the kernel half takes READ_ONLY for WRITABLE where the mount it sees is not read-only.
 */
#include "enforcer/volumes.h"

#include <stdbool.h>
#include <string.h>

#include "enforcer/container.h"
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

static enum hf_volume_kind kind_of(const struct container *c, const struct container_mount *mount)
{
	for (size_t v = 0; v < c->policy->n_volumes; v++) {
		const struct policy_volume *allowed = &c->policy->volumes[v];

		if (path_is(allowed->path, mount->destination) && (mount->read_only || !allowed->read_only))
			return HF_VOLUME_ALLOWED;
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

/* The kind of a mount's folder: the best of all mounts that show it. */
static enum hf_volume_kind kind_of_folder(const struct container *c, const struct container_mount *mount)
{
	enum hf_volume_kind best = kind_of(c, mount);

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct container_mount *other = &c->mounts[i];
		enum hf_volume_kind kind;

		if (other->dev != mount->dev || other->root_ino != mount->root_ino)
			continue;
		kind = kind_of(c, other);
		if (rank(kind) < rank(best))
			best = kind;
	}
	return best;
}

int volumes_publish(struct lsm *lsm, const struct container *c)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct container_mount *mount = &c->mounts[i];
		struct hf_volume_key key = { .container = c->kernel_id, .root_ino = mount->root_ino, .dev = mount->dev };
		int err = mount->dev ? lsm_volume_add(lsm, &key, kind_of_folder(c, mount)) : 0;

		if (err)
			return err;
	}
	return 0;
}
