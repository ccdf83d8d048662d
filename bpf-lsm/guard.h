/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Self-protection: the enforcer's own maps, programs, links, pins and its daemon, against everybody else.
 *
 * Owns: what is ours, and who may touch it. Must not know: which hook asks.
 *
 *   I1  A container's task is always refused, whatever its policy says, audited, paused or unlocked.
 *   I2  A task of the host is refused unless it runs the daemon's program from its place, is the daemon, or break-glass is on until
 *       later than now. Whoever can put another program into that place can do what `holdfastd --unload` does.
 *   I3  The daemon and its helpers are never refused anything: nobody could take the protection off again.
 *   I4  Nothing is protected until a daemon has said what is ours, nor after another version has taken over.
 */
#ifndef BPF_LSM_GUARD_H
#define BPF_LSM_GUARD_H

#include "bpf-lsm/judge.h"
#include "bpf-lsm/kernel_guard.h"

#define GUARD_DEPTH 4	/* of a pin below HF_PIN_DIR: itself, its version's folder, and room for what others made there */
#define GUARD_LISTED 1u /* asked for by number, as tools do that list all objects: for the host's it is not there */

static __always_inline bool guard_is_on(const struct hf_config *cfg)
{
	return cfg->enabled == HF_ENABLED_ALL && cfg->guard.mode != HF_GUARD_OFF;
}

/* A daemon that was killed leaves its number behind, which then may become anybody's. */
static __always_inline bool guard_is_daemon(const struct hf_config *cfg, struct task_struct *task)
{
	return cfg->guard.daemon_tgid && cfg->guard.daemon_tgid == (u32)BPF_CORE_READ(task, tgid) &&
	       cfg->guard.daemon_start ==
		       (u32)(BPF_CORE_READ(task, group_leader, start_boottime) / HF_CANARY_TICK_NS);
}

/* The daemon, or one of the helpers that it forked: those have a root of their own, and end each other. */
static __always_inline bool guard_is_of_daemon(const struct hf_config *cfg, struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	return guard_is_daemon(cfg, task) || guard_is_daemon(cfg, parent) ||
	       guard_is_daemon(cfg, BPF_CORE_READ(parent, real_parent));
}

/* The name of a dentry (its address), padded. false: it is longer. */
static __always_inline bool guard_name(u64 address, char name[HF_GUARD_NAME_BYTES])
{
	struct dentry *dentry = (void *)address;
	u32 bytes = BPF_CORE_READ(dentry, d_name.len);

	__builtin_memset(name, 0, HF_GUARD_NAME_BYTES);
	return bytes < HF_GUARD_NAME_BYTES &&
	       !bpf_probe_read_kernel(name, bytes & (HF_GUARD_NAME_BYTES - 1), BPF_CORE_READ(dentry, d_name.name));
}

/* 1: the dentry (its address) is called as the place's name i. */
__noinline int guard_is_named(u64 address, u32 i)
{
	u64 name[HF_GUARD_NAME_BYTES / 8];
	struct hf_config *cfg = config();
	const u64 *wanted;

	if (!cfg || i >= HF_GUARD_NAMES || !guard_name(address, (char *)name))
		return 0;
	wanted = (const u64 *)cfg->guard.place.names[i];
	for (u32 word = 0; word < HF_GUARD_NAME_BYTES / 8; word++) {
		if (name[word] != wanted[word])
			return 0;
	}
	return 1;
}

static __always_inline struct dentry *guard_program(struct task_struct *task)
{
	return BPF_CORE_READ(task, mm, exe_file, f_path.dentry);
}

/* Whether a task (its address) runs the daemon's program: what lies at its place, since an upgrade makes another file of it. */
__noinline int guard_runs_program(u64 address)
{
	struct dentry *parent, *dentry = guard_program((void *)address);
	struct hf_config *cfg = config();
	u32 i;

	if (!cfg || !dentry || !cfg->guard.place.n)
		return 0;
	if (inode_dev(BPF_CORE_READ(dentry, d_inode)) != cfg->guard.place.dev)
		return 0;
	for (i = 0; i < HF_GUARD_NAMES; i++) {
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry || !guard_is_named(address_of(dentry), i))
			break;
		dentry = parent;
	}
	return i == cfg->guard.place.n && BPF_CORE_READ(dentry, d_parent) == dentry;
}

/* Writes down where the current task's program lies. 0 or -E2BIG. */
static __always_inline int guard_tell_place(struct hf_guard_place *place)
{
	struct dentry *parent, *dentry = guard_program((void *)bpf_get_current_task_btf());
	u32 i;

	place->n = 0;
	place->dev = inode_dev(BPF_CORE_READ(dentry, d_inode));
	for (i = 0; i < HF_GUARD_NAMES; i++) {
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			break;
		if (!guard_name(address_of(dentry), place->names[i]))
			return -E2BIG;
		dentry = parent;
	}
	if (BPF_CORE_READ(dentry, d_parent) != dentry)
		return -E2BIG;
	place->n = i;
	return 0;
}

/* The daemon, a child of it, or another run of its program. */
static __always_inline bool guard_is_ours(const struct hf_config *cfg, struct task_struct *task)
{
	return guard_is_daemon(cfg, task) || guard_runs_program(address_of(task));
}

/* 1: the current task may touch what is ours. Fills in whose task it is otherwise. */
__noinline int guard_allows(struct subject *s)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_config *cfg = config();

	if (!s || !cfg)
		return 0;
	if (!guard_is_on(cfg) || guard_is_of_daemon(cfg, task))
		return 1;
	if (subject_of_current(s) != HF_SUBJECT_HOST)
		return 0;
	if (cfg->guard.mode != HF_GUARD_HOST || bpf_ktime_get_boot_ns() < cfg->guard.unlocked_until_ns)
		return 1;
	return guard_runs_program(address_of(task));
}

/* The pin or folder of an event. A dentry alone has no mount: its path begins at the root of the bpf file system. */
static __always_inline void guard_describe(struct object *o, u64 address)
{
	struct dentry *dentry = (void *)address;
	struct inode *inode = dentry ? BPF_CORE_READ(dentry, d_inode) : NULL;

	o->path.dentry = dentry;
	if (inode)
		o->magic = o->real_magic = identify_inode(inode, &o->key, &o->value);
}

/* Whether the current task was told of that kind already; from now on it was. */
static __always_inline bool task_was_told(struct hf_scratch *scratch, u32 detail)
{
	u64 bit = 1ull << (detail & 63);

	if (!scratch)
		return false;
	if (scratch->told & bit)
		return true;
	scratch->told |= bit;
	return false;
}

/* Tells of a refusal. A process of the host is told of once for each kind of object: tools that list all of them meet every one. */
__noinline int guard_tell(struct subject *s, u32 detail, u64 dentry)
{
	struct request r = { .facts.op = HF_OP_TAMPER, .facts.volume = _HF_VOLUME_MAX };
	struct hf_decision d = { .verdict = HF_VERDICT_DENY, .reason = HF_REASON_TAMPERING, .detail = detail };
	struct hf_scratch *scratch = scratch_of_current();
	struct hf_policy *policy;
	struct object o = {};

	if (!s)
		return 0;
	if (s->kind == HF_SUBJECT_HOST) {
		if (task_was_told(scratch, detail))
			return 0;
		s->slot = HF_SLOT_UNKNOWN; /* as a container that the daemon does not know */
		s->id = 0;
	} else {
		policy = policy_slot(s->policy);
		s->policy_generation = policy ? policy->generation : 0;
	}
	guard_describe(&o, dentry);
	scratch = event_begin(&o, 0, (void *)bpf_get_current_task_btf(), bpf_get_current_cgroup_id());
	count_verdict(s->kind == HF_SUBJECT_CONTAINER ? container_slot(s->slot) : NULL, s->kind, &d);
	if (scratch) {
		event_set_verdict(&scratch->event, s, &r, &d);
		event_submit(scratch);
	}
	return 0;
}

/*
 * The current task touches something of ours. detail: what kind; dentry: its address, 0: it has none. 0: it may; -EPERM, or
 * -ENOENT for a task of the host with GUARD_LISTED. Rare, a few hundred instructions; more when it is refused.
 */
__noinline int guard_judge(u32 detail, u64 dentry, u32 flags)
{
	struct subject s = {};

	if (guard_allows(&s))
		return 0;
	count(HF_COUNTER_TAMPER);
	guard_tell(&s, detail, dentry);
	return flags & GUARD_LISTED && s.kind == HF_SUBJECT_HOST ? -ENOENT : -EPERM;
}

static __always_inline bool guard_owns(enum hf_own_kind kind, u32 id)
{
	struct hf_own_key key = { .kind = kind, .id = id };

	return bpf_map_lookup_elem(&hf_own, &key) != NULL;
}

/* Whether a dentry (its address) is our pins' folder, or lies below it. */
__noinline int guard_is_pin(u64 address)
{
	struct dentry *dentry = (void *)address, *parent;
	struct hf_config *cfg = config();

	if (!cfg || !guard_is_on(cfg))
		return 0;
	for (u32 i = 0; i < GUARD_DEPTH; i++) {
		struct inode *inode = BPF_CORE_READ(dentry, d_inode);

		if (inode && BPF_CORE_READ(inode, i_ino) == cfg->guard.pins_ino)
			return BPF_CORE_READ(inode, i_sb, s_dev) == cfg->guard.pins_dev;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			return 0;
		dentry = parent;
	}
	return 0;
}

/* Removing or making something in a folder. 0 or -EPERM. */
static __always_inline int guard_entry(struct inode *dir, struct dentry *dentry)
{
	if (dir->i_sb->s_magic != KERNEL_MAGIC_BPFFS || !guard_is_pin(address_of(dentry)))
		return 0;
	return guard_judge(HF_DETAIL_PINS, address_of(dentry), 0) ? -EPERM : 0;
}

/*
 * Whether unmounting a mount takes our pins away: it is theirs, or one of the same file system on a mount that has peers, from which the
 * end may spread (which group is ours is not asked: mounts may have been shared since the daemon looked); lazily, with all that is
 * mounted on it, also one above.
 */
__noinline int guard_carries_pins(u64 address, u32 lazy)
{
	struct mount___guard *mount = (void *)(address - bpf_core_field_offset(struct mount___guard, mnt));
	u32 id = BPF_CORE_READ(mount, mnt_id), group = BPF_CORE_READ(mount, mnt_group_id);
	u32 above = BPF_CORE_READ(mount, mnt_parent, mnt_group_id);
	struct hf_config *cfg = config();
	u64 first;

	if (!cfg || !guard_is_on(cfg) || !cfg->guard.mounts[0].id)
		return 0;
	if (id == cfg->guard.mounts[0].id)
		return 1;
	if (above && BPF_CORE_READ(mount, mnt.mnt_sb, s_dev) == cfg->guard.pins_dev)
		return 1;
	if (!lazy)
		return 0;
	first = (u64)mount + bpf_core_field_offset(struct mount___guard, mnt_mounts);
	for (u32 i = 1; i < HF_GUARD_MOUNTS; i++) {
		const struct hf_guard_mount *known = &cfg->guard.mounts[i];

		if (known->id && (id == known->id || (group && group == known->group &&
						      (u64)BPF_CORE_READ(mount, mnt_mounts.next) != first)))
			return 1;
	}
	return 0;
}

/* Whether mounting there (both addresses) hides our pins from the daemon: on them, or on the root of their file system. */
__noinline int guard_hides_pins(u64 vfsmount, u64 address)
{
	struct mount___guard *mount = (void *)(vfsmount - bpf_core_field_offset(struct mount___guard, mnt));
	u32 id = BPF_CORE_READ(mount, mnt_id), group = BPF_CORE_READ(mount, mnt_group_id);
	struct dentry *dentry = (void *)address;
	struct hf_config *cfg = config();

	if (!cfg || !cfg->guard.mounts[0].id || BPF_CORE_READ(mount, mnt.mnt_sb, s_dev) != cfg->guard.pins_dev)
		return 0;
	if (id != cfg->guard.mounts[0].id && !group)
		return 0;
	return BPF_CORE_READ(dentry, d_parent) == dentry || guard_is_pin(address);
}

#endif
