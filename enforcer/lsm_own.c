// SPDX-License-Identifier: Apache-2.0
/*
 * What is the enforcer's own: the numbers of its maps, programs and links, in the map that self-protection asks.
 *
 * Owns: hf_own. Must not know: who is kept away from them.
 *
 *   I1  Whatever is pinned in our folder is ours, and so are the programs behind the links and the maps behind the programs: also
 *       those that have no pin of their own.
 *   I2  Numbers are not used again, so what is gone may stand there for a while; it is taken out by the next start.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "enforcer/util.h"

#define MAPS_OF_A_PROGRAM 64u /* that the kernel allows for */

struct own {
	int fd; /* of hf_own */
	struct hf_own_key keys[HF_MAX_OWN];
	size_t n;
};

static bool has(const struct own *own, const struct hf_own_key *key)
{
	for (size_t i = 0; i < own->n; i++) {
		if (own->keys[i].kind == key->kind && own->keys[i].id == key->id)
			return true;
	}
	return false;
}

static int add(struct own *own, enum hf_own_kind kind, uint32_t id)
{
	struct hf_own_key key = { .kind = kind, .id = id };
	uint32_t one = 1;

	if (has(own, &key))
		return 0;
	if (own->n == HF_MAX_OWN)
		return -ENOSPC;
	own->keys[own->n++] = key;
	return bpf_map_update_elem(own->fd, &key, &one, BPF_ANY) ? -errno : 0;
}

static int add_map(struct own *own, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &bytes) ? -errno : add(own, HF_OWN_MAP, info.id);
}

static int add_program(struct own *own, int fd)
{
	uint32_t ids[MAPS_OF_A_PROGRAM];
	struct bpf_prog_info info = { .map_ids = (uint64_t)(uintptr_t)ids, .nr_map_ids = MAPS_OF_A_PROGRAM };
	uint32_t bytes = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &bytes) ? -errno : add(own, HF_OWN_PROGRAM, info.id);

	for (uint32_t i = 0; !err && i < info.nr_map_ids && i < MAPS_OF_A_PROGRAM; i++)
		err = add(own, HF_OWN_MAP, ids[i]);
	return err;
}

static int add_link(struct own *own, int fd)
{
	_cleanup_(close_fd) int program = -1;
	struct bpf_link_info info = { 0 };
	uint32_t bytes = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &bytes) ? -errno : add(own, HF_OWN_LINK, info.id);

	if (err)
		return err;
	program = bpf_prog_get_fd_by_id(info.prog_id);
	return program < 0 ? -errno : add_program(own, program);
}

static int add_pin(struct own *own, const char *name)
{
	char path[LSM_PATH_BYTES + 256];
	_cleanup_(close_fd) int fd = -1;

	snprintf(path, sizeof(path), LSM_PIN_FOLDER "/%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	name += strncmp(name, "new_", 4) ? 0 : 4; /* of a daemon that was killed before it renamed it */
	if (!strncmp(name, "link_", 5))
		return add_link(own, fd);
	return strncmp(name, "prog_", 5) ? add_map(own, fd) : add_program(own, fd);
}

static int add_pins(struct own *own)
{
	DIR *dir = opendir(LSM_PIN_FOLDER);
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			err = add_pin(own, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* Links of surveys are not pinned. */
static int add_surveys(struct own *own, const struct lsm *lsm)
{
	int err = 0;

	for (size_t i = 0; !err && i < _LSM_SURVEY_MAX; i++) {
		if (lsm->surveys[i] >= 0)
			err = add_link(own, lsm->surveys[i]);
	}
	return err;
}

/* I2 */
static void remove_gone(const struct own *own)
{
	struct hf_own_key key, next;
	int err = bpf_map_get_next_key(own->fd, NULL, &next);

	for (size_t i = 0; !err && i < 2 * HF_MAX_OWN; i++) {
		key = next;
		err = bpf_map_get_next_key(own->fd, &key, &next);
		if (!has(own, &key))
			bpf_map_delete_elem(own->fd, &key);
	}
}

int lsm_own_note(struct lsm *lsm)
{
	_cleanup_(free_ptr) struct own *own = calloc(1, sizeof(*own));
	_cleanup_(close_fd) int fd = bpf_obj_get(LSM_PIN_FOLDER "/hf_own");
	int err;

	if (!own)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	own->fd = fd;
	err = add_pins(own);
	if (!err)
		err = add_surveys(own, lsm);
	if (!err)
		remove_gone(own);
	return err;
}
