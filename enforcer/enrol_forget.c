// SPDX-License-Identifier: Apache-2.0
/*
 * Removal of layer sets from the kernel half.
 *
 *   I1  A file of a plain root is watched for all sets that hold it by one note: the note goes with the last of them. Sets and notes
 *       are made and removed on one thread, so none comes in between.
 */
#include "enforcer/enrol_forget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/layers.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/store_devices.h"
#include "enforcer/util.h"

struct forgetting {
	struct lsm *lsm;
	const struct layers *layers;
	uint32_t id; /* 0: every set that is not known */
	uint32_t *folders; /* sets that may hold files of plain roots */
	size_t n_folders;
	uint32_t kept[HF_MAX_STORE_DEVICES]; /* devices that files of other sets lie on */
	size_t n_kept;
	bool many; /* there were more of them */
};

static void note_device(struct forgetting *f, uint32_t dev)
{
	for (size_t i = 0; i < f->n_kept; i++) {
		if (f->kept[i] == dev)
			return;
	}
	if (f->n_kept < ARRAY_SIZE(f->kept))
		f->kept[f->n_kept++] = dev;
	else
		f->many = true;
}

static bool is_held(const struct forgetting *f, const struct hf_catalog_key *key)
{
	struct hf_catalog_key other = *key;

	for (size_t i = 0; i < f->n_folders; i++) {
		other.layer_set = f->folders[i];
		if (other.layer_set != key->layer_set && lsm_catalog_has(f->lsm, &other))
			return true;
	}
	return false;
}

static bool forget(const struct hf_catalog_key *key, void *data)
{
	struct forgetting *f = data;

	if (f->id ? key->layer_set != f->id : layers_known(f->layers, key->layer_set)) {
		note_device(f, key->dev);
		return false;
	}
	if (!is_held(f, key))
		lsm_watch_remove(f->lsm, key);
	return true;
}

static int64_t run(struct forgetting *f)
{
	_cleanup_(free_ptr) uint32_t *folders = calloc(layers_count(f->layers) + 1, sizeof(*folders));

	int64_t n;
	int err = 0;

	if (!folders)
		return -ENOMEM;
	f->folders = folders;
	f->n_folders = layers_of_folders(f->layers, folders, layers_count(f->layers));
	n = lsm_catalog_remove_if(f->lsm, forget, f);
	if (n >= 0 && !f->many)
		err = store_devices_keep(f->lsm, f->kept, f->n_kept, NULL);
	if (err)
		log_warning("devices that carry no layers any more cannot be taken out: %s", strerror(-err));
	return n;
}

int64_t enrol_forget_set(struct lsm *lsm, const struct layers *layers, uint32_t id)
{
	struct forgetting f = { .lsm = lsm, .layers = layers, .id = id };

	return run(&f);
}

int64_t enrol_forget_leftovers(struct lsm *lsm, const struct layers *layers)
{
	struct forgetting f = { .lsm = lsm, .layers = layers };

	return run(&f);
}
