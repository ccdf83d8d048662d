// SPDX-License-Identifier: Apache-2.0
/*
 * Containers for rules. Contracts: detect_containers.h.
 *
 * I1: what is remembered is a copy, so that the last events of a container that has ended still name it. Ids of the kernel half are
 *     never used again.
 */
#include "enforcer/detect_containers.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"

#define ID_DIGITS 64
#define CGROUP_TEXT_BYTES 4096 /* of /proc/PID/cgroup */

struct entry {
	struct detect_containers_key key; /* kernel_id and cgroup 0: free */
	struct detect_container facts;
	char *memory; /* of its strings and lists */
};

struct detect_containers {
	detect_containers_source_fn source;
	void *data;
	struct entry entries[DETECT_CONTAINERS_MAX];
};

static const struct detect_container host = { .id = "host", .privileged = -1 };
static const struct detect_container unknown = { .id = "unknown", .privileged = -1 };

/* --- copies --------------------------------------------------------------------------------------------------------- */

struct copier {
	char *at; /* NULL: only counting */
	size_t used;
};

static void *copy_bytes(struct copier *copier, const void *bytes, size_t n)
{
	void *copy = copier->at ? copier->at + copier->used : NULL;

	if (copy && n)
		memcpy(copy, bytes, n);
	copier->used += (n + 7) & ~(size_t)7;
	return copy;
}

static const char *copy_text(struct copier *copier, const char *text)
{
	return text ? copy_bytes(copier, text, strlen(text) + 1) : NULL;
}

static void copy_lists(struct copier *copier, const struct detect_container *from, struct detect_container *to)
{
	struct detect_pair *labels = copy_bytes(copier, from->labels, from->n_labels * sizeof(*labels));
	struct detect_mount *mounts = copy_bytes(copier, from->mounts, from->n_mounts * sizeof(*mounts));

	for (size_t i = 0; i < from->n_labels; i++) {
		struct detect_pair pair = { copy_text(copier, from->labels[i].key), copy_text(copier, from->labels[i].value) };

		if (labels)
			labels[i] = pair;
	}
	for (size_t i = 0; i < from->n_mounts; i++) {
		struct detect_mount mount = from->mounts[i];

		mount.source = copy_text(copier, mount.source);
		mount.destination = copy_text(copier, mount.destination);
		mount.mode = copy_text(copier, mount.mode);
		mount.propagation = copy_text(copier, mount.propagation);
		if (mounts)
			mounts[i] = mount;
	}
	to->labels = labels;
	to->mounts = mounts;
}

static size_t copy_facts(const struct detect_container *from, char *memory, struct detect_container *to)
{
	struct copier copier = { .at = memory };

	*to = *from;
	to->id = copy_text(&copier, from->id);
	to->name = copy_text(&copier, from->name);
	to->image = copy_text(&copier, from->image);
	to->image_digest = copy_text(&copier, from->image_digest);
	to->runtime = copy_text(&copier, from->runtime);
	to->namespace_ = copy_text(&copier, from->namespace_);
	to->pod = copy_text(&copier, from->pod);
	to->pod_uid = copy_text(&copier, from->pod_uid);
	copy_lists(&copier, from, to);
	return copier.used;
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

int detect_containers_new(detect_containers_source_fn source, void *data, struct detect_containers **ret)
{
	struct detect_containers *containers = calloc(1, sizeof(*containers));

	if (!containers)
		return -ENOMEM;
	containers->source = source;
	containers->data = data;
	*ret = containers;
	return 0;
}

static void empty(struct entry *entry)
{
	free(entry->memory);
	*entry = (struct entry){ 0 };
}

void detect_containers_forget(struct detect_containers *containers)
{
	for (size_t i = 0; i < DETECT_CONTAINERS_MAX; i++)
		empty(&containers->entries[i]);
}

void detect_containers_free(struct detect_containers **containers)
{
	if (!*containers)
		return;
	detect_containers_forget(*containers);
	free(*containers);
	*containers = NULL;
}

static struct entry *place_of(struct detect_containers *containers, const struct detect_containers_key *key)
{
	uint64_t number = key->kernel_id ? key->kernel_id : key->cgroup;

	return &containers->entries[(number ^ number >> 12) % DETECT_CONTAINERS_MAX];
}

static bool is_same(const struct detect_containers_key *a, const struct detect_containers_key *b)
{
	return a->kernel_id == b->kernel_id && (a->kernel_id || a->cgroup == b->cgroup);
}

int detect_containers_add(struct detect_containers *containers, const struct detect_containers_key *key,
			  const struct detect_container *facts)
{
	struct entry *entry = place_of(containers, key);
	struct detect_container sizes;
	char *memory = malloc(copy_facts(facts, NULL, &sizes) + 1);

	if (!memory)
		return -ENOMEM;
	empty(entry);
	entry->key = *key;
	entry->memory = memory;
	copy_facts(facts, memory, &entry->facts);
	return 0;
}

int detect_containers_walk(const struct detect_containers *containers,
			   int (*fn)(const struct detect_containers_key *key, const struct detect_container *facts, void *data),
			   void *data)
{
	int r = 0;

	for (size_t i = 0; !r && i < DETECT_CONTAINERS_MAX; i++)
		if (containers->entries[i].memory)
			r = fn(&containers->entries[i].key, &containers->entries[i].facts, data);
	return r;
}

/* --- cgroups -------------------------------------------------------------------------------------------------------- */

static bool is_id(const char *text)
{
	for (size_t i = 0; i < ID_DIGITS; i++)
		if (!isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i]))
			return false;
	return !isxdigit((unsigned char)text[ID_DIGITS]);
}

const char *detect_container_id_of(const char *path, const char **ret_runtime)
{
	static const struct {
		const char *before, *after, *runtime; /* after NULL: the end of the path */
	} rules[] = {
		{ "/docker-", ".scope", "docker" },	    { "/crio-", ".scope", "cri-o" },
		{ "/cri-containerd-", ".scope", "containerd" }, { ":cri-containerd:", "", "containerd" },
		{ "/nerdctl-", ".scope", "containerd" },    { "/libpod-payload-", "", "podman" },
		{ "/libpod-", "", "podman" },		    { "/crio-", "", "cri-o" },
		{ "/docker/", "", "docker" },		    { "/", NULL, "cri" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		for (const char *at = strstr(path, rules[i].before); at; at = strstr(at + 1, rules[i].before)) {
			const char *id = at + strlen(rules[i].before);

			if (strnlen(id, ID_DIGITS) < ID_DIGITS || !is_id(id))
				continue;
			if (rules[i].after ? strncmp(id + ID_DIGITS, rules[i].after, strlen(rules[i].after)) != 0 : id[ID_DIGITS] != '\0')
				continue;
			*ret_runtime = rules[i].runtime;
			return id;
		}
	}
	return NULL;
}

/* The line of cgroup2, "0::/…". False: the process has gone. */
static bool read_cgroup(uint32_t pid, char ret[CGROUP_TEXT_BYTES])
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	file = pid ? fopen(path, "re") : NULL;
	while (file && fgets(ret, CGROUP_TEXT_BYTES, file)) {
		ret[strcspn(ret, "\n")] = '\0';
		if (!strncmp(ret, "0::", 3))
			return true;
	}
	return false;
}

static const struct detect_container *find_by_cgroup(struct detect_containers *containers, const struct detect_containers_key *key)
{
	char text[CGROUP_TEXT_BYTES], id[ID_DIGITS + 1];
	struct detect_container facts = host;
	const char *found;

	if (!containers->source || (!read_cgroup(key->pid, text) && !read_cgroup(key->ppid, text)))
		return &unknown;
	found = detect_container_id_of(text, &facts.runtime);
	if (found) {
		snprintf(id, sizeof(id), "%s", found);
		facts.id = id;
	}
	if (detect_containers_add(containers, key, &facts) < 0)
		return found ? &unknown : &host;
	return &place_of(containers, key)->facts;
}

const struct detect_container *detect_containers_find(struct detect_containers *containers, const struct detect_containers_key *key)
{
	struct detect_containers_key without_tag = *key;
	struct entry *entry = place_of(containers, key);

	if (!key->kernel_id && key->host)
		return &host;
	if (entry->memory && is_same(&entry->key, key))
		return &entry->facts;
	if (key->kernel_id && containers->source && !containers->source(containers, key, containers->data))
		return &entry->facts;
	without_tag.kernel_id = 0;
	entry = place_of(containers, &without_tag);
	if (entry->memory && is_same(&entry->key, &without_tag))
		return &entry->facts;
	return find_by_cgroup(containers, &without_tag);
}
