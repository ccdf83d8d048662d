/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Task to container and policy.
 *
 * Owns: the task tag (set at the first exec whose root is a container's, inherited at fork, never cleared) and the search
 * for tasks without one. Must not know: files, verdicts.
 *
 *   I1  The tag of a living container is never removed or changed to another: unshare, setns, chroot, a cgroup move or
 *       reparenting do not lead out. One whose container is gone from the table is replaced when that container is adopted.
 *   I2  A task of the host's mount namespace without a tag is the host's, unless its root is a registered container's: chrooted
 *       host daemons and the runtime's own re-exec (before it joins the container) are never judged.
 *   I3  A slot is believed only if its id is the tag's: a reused slot is STALE, not somebody else's container.
 */
#ifndef BPF_LSM_SUBJECT_H
#define BPF_LSM_SUBJECT_H

#include "bpf-lsm/decide.h"
#include "bpf-lsm/maps.h"

#define SUBJECT_ROOT_OVERLAY 0x80000000u /* subject.flags, beside HF_CONTAINER_*: an unknown container on an overlay */
#define SUBJECT_CGROUP_LEVELS 16 /* how far above a task's cgroup its container's may lie (systemd inside, threaded) */

/* A snapshot: plain values, so that one judgement sees one state of the container, and the verifier one type. */
struct subject {
	u64 id;
	u64 pause_until_ns; /* of the container */
	u32 slot;
	u32 policy; /* slot of hf_policies */
	u32 policy_generation;
	u32 layer_set;
	u32 root_dev;
	u32 flags; /* HF_CONTAINER_* */
	u8 kind;   /* enum hf_subject_kind */
	u8 tagged;
	u8 enforced; /* STALE: what the tag remembers */
	u8 pad[5];
};

struct root_id {
	u64 ino;
	u32 dev;
};

static __always_inline struct root_id task_root(struct task_struct *task)
{
	struct inode *inode = task->fs->root.dentry->d_inode;
	struct root_id id = { .ino = inode->i_ino, .dev = inode->i_sb->s_dev };

	if (inode->i_sb->s_magic == KERNEL_MAGIC_BTRFS)
		id.dev = inode_dev(BPF_CORE_READ(task, fs, root.dentry, d_inode));
	return id;
}

static __always_inline bool task_root_is_overlay(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return task->fs->root.dentry->d_inode->i_sb->s_magic == KERNEL_MAGIC_OVERLAY;
}

/* Fills the snapshot from a slot. */
static __always_inline void subject_take_slot(struct subject *s, u32 slot, u64 id, u8 kind)
{
	struct hf_container *container = container_slot(slot);

	s->slot = slot;
	s->id = id;
	if (!container || container->id != id) {
		s->kind = HF_SUBJECT_STALE;
		return;
	}
	s->kind = kind;
	s->policy = container->policy;
	s->layer_set = container->layer_set;
	s->root_dev = container->root_dev;
	s->flags = container->flags;
	s->pause_until_ns = container->pause_until_ns;
}

/* The nearest registered cgroup at or above the current task's. */
static __always_inline struct hf_slot_ref *find_by_cgroup(void)
{
	for (int level = SUBJECT_CGROUP_LEVELS; level > 0; level--) {
		u64 id = bpf_get_current_ancestor_cgroup_id(level);
		struct hf_slot_ref *ref = id ? bpf_map_lookup_elem(&hf_cgroups, &id) : NULL;

		if (ref)
			return ref;
	}
	return NULL;
}

/* The container whose root this is. */
static __always_inline struct hf_slot_ref *find_by_root(u64 root_ino, u32 root_dev)
{
	struct hf_root_key key = { .dev = root_dev };
	struct hf_slot_ref *ref = bpf_map_lookup_elem(&hf_roots, &key);

	if (ref)
		return ref;
	key.ino = root_ino;
	return bpf_map_lookup_elem(&hf_roots, &key);
}

/* A task of the host's mount namespace with another root (nsenter --root, chroot): a registered container's, or the host's. */
static __always_inline void subject_search_chrooted(struct subject *s, u64 root_ino, u32 root_dev)
{
	struct hf_slot_ref *ref = find_by_root(root_ino, root_dev);

	if (!ref)
		return;
	subject_take_slot(s, ref->slot, ref->id, HF_SUBJECT_CONTAINER);
	if (s->kind != HF_SUBJECT_CONTAINER)
		s->kind = HF_SUBJECT_HOST;
}

/* A task outside the host's mount namespace and root: a registered container's, or an unknown one's. */
static __always_inline void subject_search(struct subject *s, u64 root_ino, u32 root_dev)
{
	struct hf_slot_ref *ref = find_by_root(root_ino, root_dev);

	if (!ref)
		ref = find_by_cgroup();
	if (ref) {
		subject_take_slot(s, ref->slot, ref->id, HF_SUBJECT_CONTAINER);
		if (s->kind == HF_SUBJECT_CONTAINER)
			return;
	}
	struct hf_container *unknown = container_slot(HF_SLOT_UNKNOWN);

	subject_take_slot(s, HF_SLOT_UNKNOWN, unknown ? unknown->id : 0, HF_SUBJECT_UNKNOWN);
	s->root_dev = root_dev;
	if (task_root_is_overlay())
		s->flags |= SUBJECT_ROOT_OVERLAY;
}

static __always_inline void subject_from_tag(struct subject *s, struct hf_task_tag *tag)
{
	s->tagged = 1;
	s->enforced = tag->flags & HF_TAG_ENFORCED;
	subject_take_slot(s, tag->slot, tag->container, HF_SUBJECT_CONTAINER);
	if (s->kind == HF_SUBJECT_STALE)
		count(HF_COUNTER_STALE_TAG);
}

/* A daemon that was killed leaves the number behind, which then may become anybody's. */
static __always_inline bool is_canary(struct hf_config *cfg, struct task_struct *task)
{
	return cfg->canary_tgid && cfg->canary_tgid == (u32)task->tgid &&
	       cfg->canary_start == (u32)(task->start_boottime / HF_CANARY_TICK_NS);
}

/* The task's tag, NULL when it has none. One that no program ever stored anything for is not worth the call. */
static __always_inline struct hf_task_tag *tag_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->bpf_storage) && !task->bpf_storage)
		return NULL;
	return bpf_task_storage_get(&hf_tasks, (void *)task, 0, 0);
}

/*
 * The common case of subject_of_current, without a call or memory of its own: a task on the host's root that never had a tag.
 * False: ask subject_of_current.
 */
static __always_inline bool subject_is_plain_host(const struct hf_config *cfg)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct inode *root;

	if (!bpf_core_field_exists(task->bpf_storage) || task->bpf_storage || cfg->canary_tgid)
		return false;
	root = task->fs->root.dentry->d_inode;
	return root->i_ino == cfg->host_root_ino && root->i_sb->s_dev == cfg->host_root_dev;
}

/*
 * Whose the current task is: fills *s, returns its kind. Cost for the host's: one task storage lookup and a few loads. A global
 * function: the verifier looks at it once.
 */
__noinline int subject_of_current(struct subject *s)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_task_tag *tag = tag_of(task);
	struct hf_config *cfg = config();

	if (!s)
		return HF_SUBJECT_STALE;
	s->kind = HF_SUBJECT_HOST;
	if (tag && cfg && cfg->enabled != HF_ENABLED_CANARY) {
		subject_from_tag(s, tag);
		return s->kind;
	}
	if (!cfg)
		return s->kind;
	if (is_canary(cfg, task)) {
		struct hf_container *canary = container_slot(HF_SLOT_CANARY);

		subject_take_slot(s, HF_SLOT_CANARY, canary ? canary->id : 0, HF_SUBJECT_CONTAINER);
		return s->kind;
	}
	if (cfg->enabled == HF_ENABLED_CANARY)
		return s->kind;
	struct root_id root = task_root(task);

	if (root.dev == cfg->host_root_dev && root.ino == cfg->host_root_ino)
		return s->kind;
	if (task->nsproxy->mnt_ns->ns.inum == cfg->host_mntns)
		subject_search_chrooted(s, root.ino, root.dev);
	else
		subject_search(s, root.ino, root.dev);
	return s->kind;
}

static __always_inline bool policy_enforces(u32 slot)
{
	struct hf_policy *policy = policy_slot(slot);

	return policy && policy->action[HF_CLASS_EXECUTABLE][HF_REASON_ADDED] >= HF_ACTION_DENY;
}

/* Tags the current task, once it has been found to be a container's: *ret is its tag, NULL when it needs none. 0 or -ENOMEM. */
static __always_inline int subject_tag_current(struct subject *s, struct hf_task_tag **ret)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_task_tag *tag;

	*ret = NULL;
	if (s->kind != HF_SUBJECT_CONTAINER || s->slot == HF_SLOT_CANARY)
		return 0;
	tag = bpf_task_storage_get(&hf_tasks, (void *)task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tag) {
		count(HF_COUNTER_TAG_FAILED);
		return -ENOMEM;
	}
	if (!s->tagged) {
		tag->container = s->id;
		tag->slot = s->slot;
		s->tagged = 1;
		count(HF_COUNTER_TAGGED);
	}
	tag->flags = policy_enforces(s->policy) ? HF_TAG_ENFORCED : 0;
	tag->seen_ino = 0; /* a new program: what the old one was told about is not its news */
	*ret = tag;
	return 0;
}

/* Gives a new task its parent's tag. 0, or -ENOMEM: the fork must not go on without. */
static __always_inline int subject_inherit(struct task_struct *child)
{
	struct task_struct *parent = (void *)bpf_get_current_task_btf();
	struct hf_task_tag *from = tag_of(parent);
	struct hf_task_tag *to;

	if (!from)
		return 0;
	to = bpf_task_storage_get(&hf_tasks, (void *)child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!to) {
		count(HF_COUNTER_TAG_FAILED);
		count(HF_COUNTER_FORK_REFUSED);
		return -ENOMEM;
	}
	*to = *from;
	return 0;
}

#endif
