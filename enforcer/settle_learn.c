// SPDX-License-Identifier: Apache-2.0
/*
 * Roots one after the other, in each its files in the order of the scan. Contracts: settle_learn.h.
 */
#include "enforcer/settle_learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/log.h"
#include "imagedb/imagedb.h"

struct file {
	char *path; /* NULL: it was read */
	struct hf_settled_key inode;
	uint64_t bytes, ctime_ns; /* as the catalogue has it */
	uint32_t entry;
	bool learned;
	uint8_t sha256[sizeof(((struct imagedb_digest *)0)->sha256)];
};

struct root {
	struct settle_place place;
	struct file *files;
	size_t n, room;
	size_t at; /* the next one to be read */
	uint64_t due_ns, pause_ns; /* of the scan */
	bool scanned;
	struct root *next;
};

struct learner {
	struct learn_ops ops;
	struct root *roots; /* in the order of their coming */
	size_t n_roots, n_files;
};

int learner_new(const struct learn_ops *ops, struct learner **ret)
{
	struct learner *learner = calloc(1, sizeof(*learner));

	if (!learner)
		return -ENOMEM;
	learner->ops = *ops;
	*ret = learner;
	return 0;
}

static void free_root(struct learner *learner, struct root **at)
{
	struct root *gone = *at;

	*at = gone->next;
	learner->n_roots--;
	learner->n_files -= gone->n;
	for (size_t i = 0; i < gone->n; i++)
		free(gone->files[i].path);
	free(gone->files);
	free(gone);
}

void learner_free(struct learner **learner)
{
	if (!*learner)
		return;
	while ((*learner)->roots)
		free_root(*learner, &(*learner)->roots);
	free(*learner);
	*learner = NULL;
}

static struct root *find_root(const struct learner *learner, uint64_t container)
{
	struct root *root = learner->roots;

	while (root && root->place.container != container)
		root = root->next;
	return root;
}

int learner_add(struct learner *learner, const struct settle_place *place)
{
	struct root **end = &learner->roots, *root;

	if (find_root(learner, place->container))
		return 0;
	if (learner->n_roots >= LEARN_ROOTS_MAX)
		return -ENOSPC;
	root = calloc(1, sizeof(*root));
	if (!root)
		return -ENOMEM;
	root->place = *place;
	root->place.layers = NULL;
	root->pause_ns = SETTLE_FIRST_NS;
	while (*end)
		end = &(*end)->next;
	*end = root;
	learner->n_roots++;
	return 0;
}

void learner_forget(struct learner *learner, uint64_t container)
{
	struct root **at = &learner->roots;

	while (*at && (*at)->place.container != container)
		at = &(*at)->next;
	if (*at)
		free_root(learner, at);
}

/* --- scanning --------------------------------------------------------------------------------------------------------- */

struct finding {
	struct learner *learner;
	struct root *root;
};

static int grow(struct root *root)
{
	size_t room = root->room ? 2 * root->room : 64;
	struct file *grown = root->n < root->room ? root->files : reallocarray(root->files, room, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	root->room = root->n < root->room ? root->room : room;
	root->files = grown;
	return 0;
}

static int take_candidate(const char *path, void *data)
{
	struct finding *finding = data;
	struct root *root = finding->root;
	struct file file = { 0 };

	if (finding->learner->n_files >= LEARN_FILES_MAX)
		return -ENOSPC;
	if (grow(root))
		return -ENOMEM;
	file.path = strdup(path);
	if (!file.path)
		return -ENOMEM;
	root->files[root->n++] = file;
	finding->learner->n_files++;
	return 0;
}

/* I2 */
static void put_off(struct root *root, uint64_t now_ns)
{
	root->due_ns = now_ns + root->pause_ns;
	root->pause_ns = 2 * root->pause_ns < SETTLE_LONGEST_NS ? 2 * root->pause_ns : SETTLE_LONGEST_NS;
}

static void scan(struct learner *learner, struct root *root, uint64_t now_ns)
{
	struct finding finding = { .learner = learner, .root = root };
	int err = learner->ops.scan(&root->place, take_candidate, &finding, learner->ops.file.data);

	if (err == -EAGAIN && !root->n) {
		put_off(root, now_ns);
		return;
	}
	root->scanned = true;
	if (err)
		log_warning("settling: the image of a root without lasting layers was not seen whole (%s): some of its files stay as the "
			    "policy's unsettled has it once they are opened for writing", strerror(-err));
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

/* I1: whether it is the image's, untouched. */
static bool is_original(const struct learner *learner, const struct root *root, int fd, struct hf_settling *ret)
{
	const struct settle_place *place = &root->place;
	struct hf_settling asked = { .question = HF_SETTLE_LEARN, .container = place->container, .layer_set = place->layer_set,
				     .root_dev = place->root_dev, .on_overlay = place->on_overlay };

	return !learner->ops.file.ask(fd, &asked, ret, learner->ops.file.data) && ret->status == HF_SETTLE_ORIGINAL;
}

static bool is_same(const struct hf_settling *a, const struct hf_settling *b)
{
	return !memcmp(&a->file, &b->file, sizeof(a->file)) && !memcmp(&a->image, &b->image, sizeof(a->image)) &&
	       a->image_bytes == b->image_bytes && a->image_ctime_ns == b->image_ctime_ns;
}

static void read_file(struct learner *learner, struct root *root, struct file *file)
{
	const struct settle_ops *ops = &learner->ops.file;
	const struct settle_file where = { .place = root->place, .path = file->path };
	_cleanup_(close_fd) int fd = ops->open(&where, ops->data);
	struct hf_settling before, after;
	struct imagedb_digest digest;

	if (fd < 0 || !is_original(learner, root, fd, &before) || ops->hash(fd, &before, false, &digest, ops->data) ||
	    !(digest.algorithms & IMAGEDB_ALGORITHM_SHA256) || digest.size != before.image_bytes ||
	    !is_original(learner, root, fd, &after) || !is_same(&before, &after))
		return;
	file->inode = before.image;
	file->bytes = before.image_bytes;
	file->ctime_ns = before.image_ctime_ns;
	file->entry = before.entry & HF_ENTRY_EXECUTABLE;
	memcpy(file->sha256, digest.sha256, sizeof(file->sha256));
	file->learned = true;
}

static uint64_t due_of(const struct root *root)
{
	if (!root->scanned)
		return root->due_ns;
	return root->at < root->n ? 0 : UINT64_MAX;
}

static struct root *next_root(const struct learner *learner, uint64_t now_ns)
{
	struct root *root = learner->roots;

	while (root && due_of(root) > now_ns)
		root = root->next;
	return root;
}

void learner_step(struct learner *learner, uint64_t now_ns)
{
	struct root *root = next_root(learner, now_ns);
	struct file *file;

	if (!root)
		return;
	if (!root->scanned) {
		scan(learner, root, now_ns);
		return;
	}
	file = &root->files[root->at++];
	read_file(learner, root, file);
	free(file->path);
	file->path = NULL;
}

uint64_t learner_due(const struct learner *learner)
{
	uint64_t due_ns = UINT64_MAX;

	for (const struct root *root = learner->roots; root; root = root->next)
		due_ns = due_of(root) < due_ns ? due_of(root) : due_ns;
	return due_ns;
}

size_t learner_left(const struct learner *learner)
{
	size_t n = 0;

	for (const struct root *root = learner->roots; root; root = root->next)
		n += root->scanned ? root->n - root->at : 1;
	return n;
}

/* --- answers ---------------------------------------------------------------------------------------------------------- */

int learner_digest(const struct learner *learner, uint64_t container, const struct hf_settling *state, struct imagedb_digest *ret)
{
	const struct root *root = find_root(learner, container);

	for (size_t i = 0; root && i < root->at; i++) {
		const struct file *file = &root->files[i];

		if (!file->learned || memcmp(&file->inode, &state->image, sizeof(file->inode)) ||
		    file->bytes != state->image_bytes || file->ctime_ns != state->image_ctime_ns)
			continue;
		*ret = (struct imagedb_digest){ .size = file->bytes, .algorithms = IMAGEDB_ALGORITHM_SHA256 };
		memcpy(ret->sha256, file->sha256, sizeof(ret->sha256));
		return 0;
	}
	return -EAGAIN;
}

int learner_find(const struct learner *learner, uint64_t container, const struct imagedb_digest *digest, uint32_t *ret_entry)
{
	const struct root *root = find_root(learner, container);
	bool found = false;

	*ret_entry = 0;
	for (size_t i = 0; root && i < root->at; i++) {
		const struct file *file = &root->files[i];

		if (!file->learned || file->bytes != digest->size || memcmp(file->sha256, digest->sha256, sizeof(file->sha256)))
			continue;
		*ret_entry |= file->entry;
		found = true;
	}
	if (found)
		return 0;
	return root && (!root->scanned || root->at < root->n) ? -EAGAIN : -ENOENT;
}
