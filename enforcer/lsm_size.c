// SPDX-License-Identifier: Apache-2.0
/*
 * How much the kernel half's tables hold.
 *
 * Owns: which table grows with what. Must not know: what the tables are used for.
 *
 *   I1  Pinned tables keep their size: programs that enforce use them, and a table of another size would be another table.
 *   I2  A version that takes over from another has room for all that the other held: containers keep their slots.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "enforcer/util.h"
#include "holdfast.skel.h"

#define CATALOG_DEFAULT (HF_MAX_CATALOG / 2) /* some 350 images of 1,500 executables; an empty table of the whole size takes 8 MB more */
#define VOLUMES_EACH (HF_MAX_VOLUMES / HF_MAX_CONTAINERS) /* declared mounts of an average container */
#define WRITTEN_EACH (HF_MAX_WRITTEN / HF_MAX_CONTAINERS) /* image files that it opens for writing */
#define SETTLED_EACH (HF_MAX_SETTLED / HF_MAX_CONTAINERS) /* … of which the bytes were compared */
#define POLICIES_EACH (HF_MAX_POLICIES / HF_MAX_CONTAINERS) /* its own, and the one before a reload in quarantine */

/* Entries of a pinned map; 0: there is none. */
static uint32_t pinned_entries(const char *path)
{
	_cleanup_(close_fd) int fd = bpf_obj_get(path);
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &bytes) ? info.max_entries : 0;
}

/* Of the same table of other versions, the largest. */
static uint32_t others_entries(const char *name)
{
	uint32_t versions[LSM_VERSIONS_MAX], most = 0;
	size_t n = lsm_versions(versions, false);

	for (size_t i = 0; i < n; i++) {
		char folder[LSM_PATH_BYTES], path[LSM_PATH_BYTES + 64];
		uint32_t entries;

		lsm_version_folder(versions[i], folder);
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		entries = pinned_entries(path);
		most = entries > most ? entries : most;
	}
	return most;
}

static int size_map(struct bpf_map *map, uint32_t entries)
{
	const char *path = bpf_map__pin_path(map);
	uint32_t pinned = path ? pinned_entries(path) : 0;

	if (!pinned) {
		uint32_t others = others_entries(bpf_map__name(map));

		pinned = others > entries ? others : entries;
	}
	return bpf_map__set_max_entries(map, pinned);
}

int lsm_size_maps(struct lsm *lsm, const struct lsm_limits *limits)
{
	uint32_t catalog = limits && limits->executables ? limits->executables : CATALOG_DEFAULT;
	uint32_t slots = limits && limits->containers ? limits->containers + HF_SLOT_FIRST : HF_MAX_CONTAINERS;
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} rows[] = {
		{ lsm->skel->maps.hf_catalog, catalog },
		{ lsm->skel->maps.hf_layer_files, catalog },
		{ lsm->skel->maps.hf_containers, slots },
		{ lsm->skel->maps.hf_policies, POLICIES_EACH * slots },
		{ lsm->skel->maps.hf_roots, 2 * slots },
		{ lsm->skel->maps.hf_cgroups, 2 * slots },
		{ lsm->skel->maps.hf_uppers, slots },
		{ lsm->skel->maps.hf_shares, slots },
		{ lsm->skel->maps.hf_volumes, VOLUMES_EACH * slots },
		{ lsm->skel->maps.hf_written, WRITTEN_EACH * slots },
		{ lsm->skel->maps.hf_written_counts, slots },
		{ lsm->skel->maps.hf_settled, SETTLED_EACH * slots },
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(rows); i++)
		err = size_map(rows[i].map, rows[i].entries);
	lsm->skel->rodata->written_share = bpf_map__max_entries(lsm->skel->maps.hf_written) / HF_WRITTEN_SHARE;
	if (!err && bpf_map__max_entries(lsm->skel->maps.hf_containers) > HF_MAX_CONTAINERS)
		err = -EINVAL; /* somebody else's: the daemon's own tables of slots are smaller */
	return err;
}

struct lsm_sizes lsm_sizes(const struct lsm *lsm)
{
	return (struct lsm_sizes){
		.catalog = bpf_map__max_entries(lsm->skel->maps.hf_catalog),
		.containers = bpf_map__max_entries(lsm->skel->maps.hf_containers),
		.policies = bpf_map__max_entries(lsm->skel->maps.hf_policies),
		.exceptions = bpf_map__max_entries(lsm->skel->maps.hf_exceptions),
		.volumes = bpf_map__max_entries(lsm->skel->maps.hf_volumes),
	};
}
