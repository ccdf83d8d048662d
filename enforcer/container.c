// SPDX-License-Identifier: Apache-2.0
/*
 * The table of containers, and the small life of struct container.
 *
 * Owns: two arrays of the same pointers, one by kernel id for the look-up of each event, one by start for listings.
 * Must not know: where containers come from or what their end means.
 */
#include "enforcer/container.h"
#include "enforcer/oci_declared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf-lsm/abi.h"
#include "enforcer/util.h"

/* Shortest prefix of an id that names a container: fewer characters are a typing mistake rather than a choice. */
#define PREFIX_BYTES_MIN 4

struct container_table {
	size_t n;
	struct container *by_id[HF_MAX_CONTAINERS]; /* rising kernel id; each has a slot of the kernel half, so no more */
	struct container *by_start[HF_MAX_CONTAINERS];
};

/**
 * container_table_new - make an empty table
 * @ret: (output) to be given to container_table_free(); untouched on failure
 *
 * Return: 0; -ENOMEM.
 */
int container_table_new(struct container_table **ret)
{
	struct container_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	*ret = table;
	return 0;
}

/**
 * container_table_free - free the table and the containers in it
 * @table: (taken) may be NULL or point to NULL; set to NULL
 */
void container_table_free(struct container_table **table)
{
	struct container_table *gone = table ? *table : NULL;

	if (!gone)
		return;
	*table = NULL;
	for (size_t i = 0; i < gone->n; i++)
		container_free(&gone->by_id[i]);
	free(gone);
}

/* Index of the first container whose id is not below kernel_id. */
static size_t find_id(const struct container_table *table, uint64_t kernel_id)
{
	size_t low = 0, high = table->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->by_id[middle]->kernel_id < kernel_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Index behind all containers that started no later: equal starts keep the order of their arrival. */
static size_t find_start(const struct container_table *table, uint64_t started_ns)
{
	size_t i = table->n;

	while (i > 0 && table->by_start[i - 1]->started_ns > started_ns)
		i--;
	return i;
}

static void insert_at(struct container **array, size_t n, size_t i, struct container *container)
{
	memmove(array + i + 1, array + i, (n - i) * sizeof(*array));
	array[i] = container;
}

static void remove_at(struct container **array, size_t n, size_t i)
{
	memmove(array + i, array + i + 1, (n - i - 1) * sizeof(*array));
	array[n - 1] = NULL;
}

/**
 * container_table_add - put a container into the table
 * @table: (borrowed)
 * @container: (taken on success, and set to NULL) facts.id, kernel_id and started_ns must not change from now on
 *
 * Cost: linear in the number of containers.
 * Two runtimes may give the same facts.id.
 * Return: 0; -EEXIST: one with the same kernel_id is there; -ENOSPC: the table is full.
 */
int container_table_add(struct container_table *table, struct container **container)
{
	struct container *c = *container;

	if (container_by_kernel_id(table, c->kernel_id))
		return -EEXIST;
	if (table->n == ARRAY_SIZE(table->by_id))
		return -ENOSPC;
	insert_at(table->by_id, table->n, find_id(table, c->kernel_id), c);
	insert_at(table->by_start, table->n, find_start(table, c->started_ns), c);
	table->n++;
	*container = NULL;
	return 0;
}

/**
 * container_table_take - take a container out of the table
 * @table: (borrowed)
 * @kernel_id: struct hf_container.id
 *
 * Return: the container, to be given to container_free() by the caller; NULL when there is none.
 */
struct container *container_table_take(struct container_table *table, uint64_t kernel_id)
{
	struct container *c = container_by_kernel_id(table, kernel_id);
	size_t i = 0;

	if (!c)
		return NULL;
	while (table->by_start[i] != c)
		i++;
	remove_at(table->by_start, table->n, i);
	remove_at(table->by_id, table->n, find_id(table, kernel_id));
	table->n--;
	return c;
}

/**
 * container_by_kernel_id - look up the container of an event
 * @table: (borrowed)
 * @kernel_id: struct hf_container.id
 *
 * Cost: logarithmic. Return: the container, borrowed until it is taken; NULL when there is none.
 */
struct container *container_by_kernel_id(struct container_table *table, uint64_t kernel_id)
{
	size_t i = find_id(table, kernel_id);

	return i < table->n && table->by_id[i]->kernel_id == kernel_id ? table->by_id[i] : NULL;
}

/**
 * container_by_name - look up a container as people name it
 * @table: (borrowed)
 * @id: (borrowed) the whole id, or the first characters of it
 *
 * Return: the container, borrowed until it is taken, of several with the whole id the one that started last; NULL when none has
 * this id, and the prefix is too short or more than one has it.
 */
struct container *container_by_name(struct container_table *table, const char *id)
{
	struct container *found = NULL;
	size_t bytes = strlen(id), hits = 0;

	for (size_t i = table->n; i-- > 0;) {
		struct container *c = table->by_start[i];

		if (!c->facts.id || strncmp(c->facts.id, id, bytes) != 0)
			continue;
		if (c->facts.id[bytes] == '\0')
			return c;
		found = c;
		hits++;
	}
	return hits == 1 && bytes >= PREFIX_BYTES_MIN ? found : NULL;
}

/* Number of containers. */
size_t container_count(const struct container_table *table)
{
	return table->n;
}

/* The i-th in the order of their start, borrowed until it is taken; NULL past the end. */
struct container *container_at(struct container_table *table, size_t i)
{
	return i < table->n ? table->by_start[i] : NULL;
}

/**
 * container_free - free a container and what it owns
 * @container: (taken) may be NULL or point to NULL; set to NULL. Not in a table, and its watch ended
 */
void container_free(struct container **container)
{
	struct container *gone = container ? *container : NULL;

	if (!gone)
		return;
	*container = NULL;
	if (gone->on_free)
		gone->on_free(gone, gone->on_free_data);
	container_facts_release(&gone->facts);
	policy_effective_free(&gone->policy);
	free(gone->state_reason);
	free(gone->cgroup_path);
	free(gone->root_type);
	free(gone->layers);
	for (size_t i = 0; i < gone->n_mounts; i++)
		free(gone->mounts[i].destination);
	free(gone->mounts);
	free(gone);
}

static void free_labels(struct container_label *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(labels[i].key);
		free(labels[i].value);
	}
	free(labels);
}

/**
 * container_facts_release - free what the facts own
 * @facts: (borrowed) all zero afterwards
 */
void container_facts_release(struct container_facts *facts)
{
	free(facts->id);
	free(facts->name);
	free(facts->image);
	free(facts->image_digest);
	free(facts->namespace_);
	free(facts->pod);
	free(facts->pod_uid);
	free(facts->manager);
	free(facts->program);
	free_labels(facts->labels, facts->n_labels);
	free_labels(facts->annotations, facts->n_annotations);
	oci_declared_release(facts);
	*facts = (struct container_facts){ 0 };
}

/* The word that users see; "unknown" for a value out of range. */
const char *container_state_name(enum container_state state)
{
	static const char *const names[] = {
		[CONTAINER_STATE_PENDING] = "pending",
		[CONTAINER_STATE_ARMED] = "armed",
		[CONTAINER_STATE_AUDIT] = "audit",
		[CONTAINER_STATE_UNWATCHED] = "unwatched",
		[CONTAINER_STATE_ADOPTING] = "adopting",
	};
	_Static_assert(ARRAY_SIZE(names) == _CONTAINER_STATE_MAX, "a word for each state");

	return state < _CONTAINER_STATE_MAX ? names[state] : "unknown";
}

/* The same for how it was found. */
const char *container_source_name(enum container_source source)
{
	static const char *const names[] = {
		[CONTAINER_SOURCE_HOOK] = "hook",
		[CONTAINER_SOURCE_RESTORED] = "restored",
		[CONTAINER_SOURCE_ADOPTED] = "adopted",
	};
	_Static_assert(ARRAY_SIZE(names) == _CONTAINER_SOURCE_MAX, "a word for each source");

	return source < _CONTAINER_SOURCE_MAX ? names[source] : "unknown";
}

/* Pairs without a key say nothing and are left out; a missing value is an empty one. */
static int borrow_pairs(const struct container_label *labels, size_t n, const struct policy_pair **ret, size_t *ret_n)
{
	struct policy_pair *pairs;
	size_t used = 0;

	if (n == 0)
		return 0;
	pairs = calloc(n, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (labels[i].key)
			pairs[used++] = (struct policy_pair){ .key = labels[i].key,
							      .value = labels[i].value ? labels[i].value : "" };
	}
	*ret = pairs;
	*ret_n = used;
	return 0;
}

/**
 * container_policy_facts - the facts in the shape that policies/ asks for
 * @facts: (borrowed) must outlive *@ret, whose strings are borrowed from it
 * @ret: (output) free() labels and annotations; untouched on failure
 *
 * Return: 0; -ENOMEM.
 */
int container_policy_facts(const struct container_facts *facts, struct policy_facts *ret)
{
	struct policy_facts made = {
		.namespace_ = facts->namespace_,
		.pod = facts->pod,
		.container = facts->name,
		.image = facts->image,
		.image_digest = facts->image_digest,
	};
	int err = borrow_pairs(facts->labels, facts->n_labels, &made.labels, &made.n_labels);

	if (!err)
		err = borrow_pairs(facts->annotations, facts->n_annotations, &made.annotations, &made.n_annotations);
	if (err) {
		free((void *)made.labels);
		return err;
	}
	*ret = made;
	return 0;
}
