/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers on this node: who they are, which slot of the kernel half is theirs, which policy decided.
 *
 * Owns: struct container and the table. Must not know: where the facts come from (oci.c) or how enrolment works.
 * Main thread only.
 */
#ifndef ENFORCER_CONTAINER_H
#define ENFORCER_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "policies/policies.h"

enum container_state {
	CONTAINER_STATE_PENDING,   /* enrolling; the runtime waits */
	CONTAINER_STATE_ARMED,
	CONTAINER_STATE_AUDIT,	   /* could not be armed, policy notReady: audit: reported as undecidable, nothing denied */
	CONTAINER_STATE_UNWATCHED, /* could not be armed, policy notReady: allow */
	CONTAINER_STATE_ADOPTING,  /* ran before we did: being enrolled, judged as an unknown container until then */
	_CONTAINER_STATE_MAX
};

/* How we came to know of it. */
enum container_source {
	CONTAINER_SOURCE_HOOK,	   /* announced by the OCI hook before it ran */
	CONTAINER_SOURCE_RESTORED, /* known to an earlier daemon, and taken over */
	CONTAINER_SOURCE_ADOPTED,  /* found running */
	_CONTAINER_SOURCE_MAX
};

struct container_label {
	char *key;
	char *value;
};

/* A mount as config.json declares it, of any kind; strings are never NULL. */
struct container_declared {
	char *source, *destination, *mode, *propagation;
	bool writable;
};

/* As far as config.json tells: no runtime says so itself. */
enum container_privileged { CONTAINER_PRIVILEGED_UNKNOWN, CONTAINER_PRIVILEGED_NO, CONTAINER_PRIVILEGED_YES };

/* Facts about a container, as the runtime told them. Strings may hold any bytes; NULL: not told. */
struct container_facts {
	char *id;
	char *name; /* of the container within its pod, or podman's name */
	char *image;
	char *image_digest;
	char *namespace_;
	char *pod;
	char *pod_uid;
	char *manager; /* "podman", "containerd", "cri-o", "docker" or "oci" */
	char *program; /* process.args[0] */
	struct container_label *labels;
	size_t n_labels;
	struct container_label *annotations;
	size_t n_annotations;
	struct container_declared *declared; /* for detection rules */
	size_t n_declared;
	enum container_privileged privileged;
};

/* A declared bind mount, as the kernel half knows it. */
struct container_mount {
	char *destination; /* in the container */
	uint64_t root_ino;
	uint32_t dev;	/* 0: could not be identified: code on it is foreign */
	bool read_only; /* declared so, and not mounted writable elsewhere in the same container */
	bool is_file;
};

struct container {
	struct container_facts facts;
	enum container_state state;
	enum container_source source;
	char *state_reason;	/* why not ARMED; NULL when armed */
	pid_t pid;
	uint64_t kernel_id;	/* struct hf_container.id, never reused */
	uint32_t slot;
	uint32_t policy_slot;
	uint32_t layer_set;
	uint32_t root_dev;
	uint64_t root_ino;
	uint64_t upper_ino;	/* folder of its writable layer as the kernel half calls it; 0: it has none of its own */
	uint32_t upper_dev;
	uint64_t cgroup;	/* inode of its cgroup2 folder, 0 unknown */
	char *cgroup_path;
	char *root_type;	/* "overlay", "ext4", … */
	char *layers;		/* identity of its layers (mounts.h); NULL: not shared */
	bool layers_complete;	/* all candidates of its layers stand in the catalogue: others may share the set */
	bool clean_upper;	/* its writable layer held no code when it was armed */
	bool unsaved;		/* state.c: its file could not be written yet */
	bool was_unwatched;	/* adopted, and no record stood meanwhile: of its copies only those that are noted count */
	bool unsupported;	/* it could not be armed because of its root's file system */
	bool own_overlay;	/* the root's superblock belongs to it alone */
	uint32_t executables;	/* candidates found in its image, as enrolled */
	uint32_t volumes;	/* declared mounts that the kernel half knows */
	struct container_mount *mounts;
	size_t n_mounts;
	uint64_t started_ns;	/* CLOCK_REALTIME */
	uint64_t armed_after_ns; /* from the hook's request, or from being found, to armed */
	uint64_t watched_ns;	/* CLOCK_REALTIME: since when its record stands in the kernel half; 0: not yet */
	struct policy_effective *policy; /* owned */
	void *watch;		/* life.c's: how its end is noticed */
	/* policy_store.c's, set while it holds a policy slot: container_free() calls it, so that no slot can be lost. */
	void (*on_free)(struct container *container, void *data);
	void *on_free_data;
};

struct container_table;

int container_table_new(struct container_table **ret);
void container_table_free(struct container_table **table);
/* Takes ownership of *container on success and sets it to NULL. -EEXIST: that kernel id is there, -ENOSPC: table full. */
int container_table_add(struct container_table *table, struct container **container);
/* Takes it out; the caller owns it. NULL when not found. */
struct container *container_table_take(struct container_table *table, uint64_t kernel_id);
struct container *container_by_kernel_id(struct container_table *table, uint64_t kernel_id);
/* By full id (the last one started), or by a prefix of at least 4 characters that only one has. */
struct container *container_by_name(struct container_table *table, const char *id);
size_t container_count(const struct container_table *table);
/* The i-th in the order of their start; NULL past the end. */
struct container *container_at(struct container_table *table, size_t i);

void container_free(struct container **container);
void container_facts_release(struct container_facts *facts);
const char *container_state_name(enum container_state state);
const char *container_source_name(enum container_source source);

/* The facts in the shape that policies/ asks for. The arrays borrow from facts; release with free() of ret->labels
 * and ret->annotations. */
int container_policy_facts(const struct container_facts *facts, struct policy_facts *ret);

#endif
