// SPDX-License-Identifier: Apache-2.0
/*
 * Begin, compare, end. Contracts: settle_work.h.
 */
#include "enforcer/settle_work.h"

#include <errno.h>
#include <string.h>

#include "imagedb/imagedb.h"

struct look {
	const struct settle_ops *ops;
	const struct settle_file *file;
	int fd;
	struct hf_settling state; /* the kernel half's last answer */
};

static int ask(struct look *look, uint32_t question, uint32_t kind, uint32_t entry)
{
	const struct settle_place *place = &look->file->place;
	struct hf_settling asked = { .question = question, .kind = kind, .entry = entry, .container = place->container,
				     .layer_set = place->layer_set, .root_dev = place->root_dev,
				     .on_overlay = place->on_overlay };

	return look->ops->ask(look->fd, &asked, &look->state, look->ops->data);
}

/* 0: what the answer is; -errno of what was not to be had. Of another length it needs no digest. */
static int compare_with_image(struct look *look, uint32_t *ret_kind)
{
	struct imagedb_digest image = { 0 }, now = { 0 };
	int err = 0;

	*ret_kind = HF_SETTLED_DIFFERENT;
	if (look->state.bytes != look->state.image_bytes)
		return 0;
	err = look->ops->image(look->file, &look->state, &image, look->ops->data);
	if (!err && !(image.algorithms & IMAGEDB_ALGORITHM_SHA256))
		err = -EAGAIN; /* no other digest proves anything, in either way */
	if (!err)
		err = look->ops->hash(look->fd, &look->state, false, &now, look->ops->data);
	if (!err && !(now.algorithms & IMAGEDB_ALGORITHM_SHA256))
		err = -EAGAIN;
	if (err)
		return err;
	if (now.size == image.size &&
	    !memcmp(now.sha256, image.sha256, sizeof(now.sha256)))
		*ret_kind = HF_SETTLED_EQUAL;
	return 0;
}

/* ASKED as an answer takes the question back. */
static int compare_with_all(struct look *look, uint32_t *ret_kind, uint32_t *ret_entry)
{
	struct imagedb_digest now = { 0 };
	int err = look->ops->hash(look->fd, &look->state, true, &now, look->ops->data);

	*ret_kind = HF_SETTLED_COPY;
	if (!err)
		err = look->ops->find(look->file, &now, ret_entry, look->ops->data);
	if (err != -ENOENT && err != -EPERM)
		return err;
	*ret_kind = HF_SETTLED_ASKED;
	return 0;
}

static bool is_young(const struct hf_settling *state, uint64_t now_ns)
{
	return state->ctime_ns + SETTLE_STILL_NS > now_ns;
}

static enum settle_result begun(struct look *look)
{
	uint32_t kind = HF_SETTLED_ASKED, entry = 0;
	int err = look->state.image.ino ? compare_with_image(look, &kind) : compare_with_all(look, &kind, &entry);

	if (err) /* the question stands; a fresh one takes its place */
		return SETTLE_RESULT_LATER;
	err = ask(look, HF_SETTLE_END, kind, entry);
	if (err)
		return SETTLE_RESULT_LATER;
	return look->state.status == HF_SETTLE_DONE ? SETTLE_RESULT_DONE : SETTLE_RESULT_LATER;
}

static enum settle_result compare(struct look *look)
{
	uint64_t now_ns = look->ops->now(look->ops->data); /* before the kernel half looks */
	int err = ask(look, HF_SETTLE_BEGIN, look->file->place.copies ? HF_SETTLED_COPY : HF_SETTLED_ASKED, 0);

	if (err)
		return SETTLE_RESULT_DONE; /* cannot be mapped, so it cannot run either */
	switch (look->state.status) {
	case HF_SETTLE_BEGUN:
		return is_young(&look->state, now_ns) ? SETTLE_RESULT_LATER : begun(look);
	case HF_SETTLE_WRITER:
		return SETTLE_RESULT_LATER;
	default:
		return SETTLE_RESULT_DONE;
	}
}

enum settle_result settle_compare(const struct settle_ops *ops, const struct settle_file *file)
{
	struct look look = { .ops = ops, .file = file };
	_cleanup_(close_fd) int fd = ops->open(file, ops->data);

	look.fd = fd;
	return fd < 0 ? SETTLE_RESULT_DONE : compare(&look);
}
