/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Containers that ran before they were registered: whose each task is, and what runs in them already.
 *
 * Owns: the bodies of the iterators that the daemon reads once such a container has its record. They judge with the hooks' own
 * code. Must not know: how the daemon found the container.
 *
 *   I1  Nothing is denied or killed here; what would be denied is audited, with HF_OP_ADOPT and HF_EVENT_EXISTING.
 *   I2  The tag of a container that stands in the table is left alone (subject.h, I1).
 *   I3  A file is remembered as reported only after the ring or its counter of losses took it.
 */
#ifndef BPF_LSM_ADOPT_H
#define BPF_LSM_ADOPT_H

#include "bpf-lsm/memory.h"

static __always_inline u64 task_cgroup(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

/* A container's record if it stands there, with that flag. */
static __always_inline struct hf_container *adopt_record(u32 slot, u64 id, u32 flag)
{
	struct hf_container *container = container_slot(slot);

	if (!container || container->id != id || !(container->flags & flag))
		return NULL;
	return container;
}

/* As find_by_cgroup, for any task. */
static __always_inline struct hf_slot_ref *adopt_find_by_cgroup(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	int deepest = cgroup ? BPF_CORE_READ(cgroup, level) : 0;
	u64 ancestors;

	if (!bpf_core_field_exists(struct cgroup, ancestors))
		return NULL;
	ancestors = (u64)cgroup + bpf_core_field_offset(struct cgroup, ancestors);
	for (int level = SUBJECT_CGROUP_LEVELS; level > 0; level--) {
		struct hf_slot_ref *ref;
		struct cgroup *ancestor = NULL;
		u64 id;

		if (level > deepest)
			continue;
		bpf_probe_read_kernel(&ancestor, sizeof(ancestor), (void *)(ancestors + level * sizeof(ancestor)));
		id = ancestor ? BPF_CORE_READ(ancestor, kn, id) : 0;
		ref = id ? bpf_map_lookup_elem(&hf_cgroups, &id) : NULL;
		if (ref)
			return ref;
	}
	return NULL;
}

/*
 * The adopted container of a task: by its root, or by its cgroup when it has left the root. Where two containers share a root the
 * cgroup tells them apart. in_host_ns: only the root counts, as in subject_search_chrooted.
 */
static __always_inline bool adopt_find(struct task_struct *task, const struct hf_task *info, bool in_host_ns,
				       struct hf_slot_ref *ret)
{
	struct hf_slot_ref *by_cgroup = in_host_ns ? NULL : adopt_find_by_cgroup(task);
	struct hf_slot_ref *by_root = find_by_root(info->root_ino, info->root_dev);
	struct hf_container *container;

	if (by_cgroup) {
		*ret = *by_cgroup;
		container = adopt_record(ret->slot, ret->id, HF_CONTAINER_ADOPTED);
		if (container && (!by_root || container->root_dev == info->root_dev))
			return true;
	}
	if (!by_root)
		return false;
	*ret = *by_root;
	return adopt_record(ret->slot, ret->id, HF_CONTAINER_ADOPTED) != NULL;
}

/* Gives a task its container's tag unless it has that of a living one. */
static __always_inline void adopt_tag(struct task_struct *task, struct hf_task *info, bool in_host_ns)
{
	struct hf_task_tag *tag = bpf_task_storage_get(&hf_tasks, task, 0, 0);
	struct hf_slot_ref ref = {};
	struct hf_container *container;

	if (tag) {
		info->container = tag->container;
		info->slot = tag->slot;
		container = container_slot(tag->slot);
		if (container && container->id == tag->container) {
			__sync_fetch_and_and(&tag->flags, ~HF_TAG_NO_INTERPRETER); /* another version may know more of them */
			return;
		}
		info->flags |= HF_TASK_STALE;
	}
	if (!adopt_find(task, info, in_host_ns, &ref))
		return;
	container = container_slot(ref.slot);
	if (!tag)
		tag = bpf_task_storage_get(&hf_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tag || !container) {
		count(HF_COUNTER_TAG_FAILED);
		return;
	}
	tag->slot = ref.slot;
	tag->flags = policy_enforces(container->policy) ? HF_TAG_ENFORCED : 0;
	tag->seen_ino = 0;
	tag->container = ref.id;
	count(HF_COUNTER_TAGGED);
	info->container = ref.id;
	info->slot = ref.slot;
	info->flags = HF_TASK_TAGGED;
}

/* One task of the survey: 0, or 1 to be shown it again because the reader's buffer was full. */
static __always_inline int adopt_task(struct seq_file *seq, struct task_struct *task)
{
	struct hf_config *cfg = config();
	struct hf_task info = {};
	struct inode *root = BPF_CORE_READ(task, fs, root.dentry, d_inode);

	if (!cfg || !root)
		return 0;
	info.root_ino = BPF_CORE_READ(root, i_ino);
	info.root_dev = inode_dev(root);
	info.mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	if (info.root_dev == cfg->host_root_dev && info.root_ino == cfg->host_root_ino)
		return 0;
	info.tid = task->pid;
	info.pid = task->tgid;
	info.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	info.cgroup = task_cgroup(task);
	adopt_tag(task, &info, info.mntns == cfg->host_mntns);
	if (info.mntns != cfg->host_mntns || info.container)
		bpf_seq_write(seq, &info, sizeof(info));
	return 0;
}

/* The tag of a task whose container waits for its survey. */
static __always_inline struct hf_container *adopt_is_surveyed(struct task_struct *task)
{
	struct hf_task_tag *tag = bpf_task_storage_get(&hf_tasks, task, 0, 0);

	return tag ? adopt_record(tag->slot, tag->container, HF_CONTAINER_SURVEY) : NULL;
}

/* False for an executable mapping that is not looked at: the kernel's own pages, and the program's own, as it was. */
static __always_inline bool adopt_take_mapping(struct request *r, struct task_struct *task, struct vm_area_struct *vma)
{
	struct file *exe = BPF_CORE_READ(task, mm, exe_file), *file = vma->vm_file;
	struct path_ref mapped = {}, program = {};
	u64 flags = vma->vm_flags;
	bool shared = flags & (KERNEL_VM_SHARED | KERNEL_VM_MAYSHARE);

	if (flags & KERNEL_VM_WRITE)
		r->prot |= KERNEL_PROT_WRITE;
	r->map_flags = shared ? 1 : KERNEL_MAP_PRIVATE;
	if (task->personality & KERNEL_READ_IMPLIES_EXEC) {
		r->event_flags |= HF_EVENT_READ_IMPLIES_EXEC;
		r->facts.bits |= HF_FACT_READ_IMPLIES_EXEC;
	}
	if (!file) {
		r->facts.bits |= memory_place(vma, task);
		return !vma->vm_ops; /* vdso and the like have some */
	}
	if (!shared && vma->anon_vma)
		r->facts.bits |= HF_FACT_CODE_WRITTEN;
	if (!shared && flags & KERNEL_VM_WRITE)
		r->facts.bits |= HF_FACT_CODE_WRITABLE;
	if (r->facts.bits & (HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE) || !exe)
		return true;
	file_user_path(file, &mapped);
	file_user_path(exe, &program);
	return mapped.dentry != program.dentry;
}

/*
 * The image's bytes, though the catalogue does not have them: mapped before its name was removed, or before a copy took its place.
 * The hooks never meet those: whoever opens the file now gets the copy.
 */
static __always_inline bool adopt_is_hidden_original(struct object *o)
{
	if ((o->bits & (HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_HAS_LOWER | HF_FACT_HIT)) !=
	    (HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_HAS_LOWER))
		return false;
	if (!(o->bits & (HF_FACT_DELETED | HF_FACT_UPPER_DATA)))
		return false;
	return o->real && o->real == overlay_lower_inode(o->inode);
}

/* The verdict, as the hooks would find it. True when there is something to report. */
__noinline int adopt_judge(struct subject *s, struct object *o, struct request *r, struct hf_decision *d)
{
	struct hf_policy *policy;

	if (!s || !o || !r || !d)
		return 0;
	if (!(r->facts.bits & HF_FACT_NO_FILE))
		facts_of_file(&r->facts, s, o);
	if (!(r->facts.bits & (HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE)) && adopt_is_hidden_original(o))
		return 0;
	policy = policy_slot(s->policy);
	s->policy_generation = policy ? policy->generation : 0;
	r->facts.subject = s->kind;
	if (s->flags & (HF_CONTAINER_UNARMED | HF_CONTAINER_NO_BASELINE) || decide_once(&r->facts, policy, d, 0))
		return 0;
	return d->verdict != HF_VERDICT_ALLOW;
}

/* Judges a file (its kernel address; 0: anonymous memory) of a task whose container is surveyed, and reports it once. */
static __always_inline void adopt_report(struct task_struct *task, u64 file, struct request *r)
{
	struct hf_container *container = adopt_is_surveyed(task);
	struct hf_task_tag *tag = bpf_task_storage_get(&hf_tasks, task, 0, 0);
	struct hf_surveyed_key key = {};
	struct hf_decision d = {};
	struct hf_scratch *scratch;
	struct hf_policy *policy;
	struct subject s = {};
	struct object o = {};
	u32 one = 1;

	if (!tag || !container)
		return;
	subject_take_slot(&s, tag->slot, tag->container, HF_SUBJECT_CONTAINER);
	r->facts.volume = _HF_VOLUME_MAX;
	if (file)
		object_resolve(&o, file);
	else
		r->facts.bits |= HF_FACT_NO_FILE;
	if (s.kind != HF_SUBJECT_CONTAINER || !adopt_judge(&s, &o, r, &d))
		return;
	key.ino = o.key.ino;
	key.dev = o.key.dev;
	key.generation = o.key.generation;
	key.pid = task->tgid;
	key.class_ = d.class_;
	if (bpf_map_lookup_elem(&hf_surveyed, &key))
		return;
	scratch = event_begin(&o, r->event_flags, task, task_cgroup(task));
	policy = policy_slot(s.policy);
	if (scratch && policy && d.reason != HF_REASON_MEMFD && exception_applies(policy, scratch)) {
		count(HF_COUNTER_EXCEPTED);
	} else {
		d.verdict = HF_VERDICT_AUDIT;
		count(HF_COUNTER_EXISTING);
		count_verdict(container, s.kind, &d);
		if (scratch) {
			event_set_verdict(&scratch->event, &s, r, &d);
			scratch->event.op = HF_OP_ADOPT;
			event_submit(scratch);
		}
	}
	bpf_map_update_elem(&hf_surveyed, &key, &one, BPF_ANY);
}

#endif
