/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Accesses: what a task may do to code without running a file of its own, to its own memory, to other processes, to the kernel, to
 * us. The hook has found the reason; the policy's cell for it answers.
 *
 * Owns: the order decide -> told already? -> exception -> report -> -EPERM for them. Must not know: which hook asks.
 *
 *   I1  As for code: an internal error denies, nothing that is reported changes a verdict, a pause leaves the report.
 *   I2  Exceptions hold for an access only if they name the acting program; for tampering none does.
 */
#ifndef BPF_LSM_ACCESS_H
#define BPF_LSM_ACCESS_H

#include "bpf-lsm/judge.h"

#define ACCESS_OUTSIDE 0x1u /* it reaches out of the container: not left at a report where the policy denies at all */
#define ACCESS_TOO_LATE 0x2u /* the hook cannot refuse: what the policy denies ends the process */
#define ACCESS_PATH 0x4u     /* what is given as the file is a struct path */
#define ACCESS_SEEN_DEV (~0u) /* no file system's: an access in hf_task_tag.seen_* */

/* What judge_access() is asked, as a number. */
static __always_inline u32 access_of(u8 op, u8 reason, u8 detail, u8 flags)
{
	return (u32)op << 24 | (u32)reason << 16 | (u32)detail << 8 | flags;
}

/* The object of an access, for its event alone: the file as it was opened, whatever lies below. *o is zeroed by the caller. */
__noinline int access_object(struct object *o, u64 address, u32 flags)
{
	struct file *file = (void *)address;
	struct path *path = (void *)address;
	struct inode *inode;

	if (!o || !address)
		return 0;
	inode = flags & ACCESS_PATH ? BPF_CORE_READ(path, dentry, d_inode) : BPF_CORE_READ(file, f_inode);
	if (!inode)
		return 0;
	if (flags & ACCESS_PATH) {
		o->path.mnt = BPF_CORE_READ(path, mnt);
		o->path.dentry = BPF_CORE_READ(path, dentry);
	} else {
		file_user_path(file, &o->path);
	}
	o->inode = o->real = inode;
	o->real_magic = identify_inode(inode, &o->key, &o->value);
	object_classify(o);
	return 0;
}

/* In audit one access of a thread is one event until it does something else that is reported. */
static __always_inline bool access_was_told(const struct hf_task_tag *tag, u32 what, u64 towards)
{
	return tag && tag->seen_dev == ACCESS_SEEN_DEV && tag->seen_generation == what && tag->seen_ino == towards;
}

static __always_inline void access_remember(struct hf_task_tag *tag, u32 what, u64 towards)
{
	if (!tag)
		return;
	tag->seen_ino = towards;
	tag->seen_dev = ACCESS_SEEN_DEV;
	tag->seen_generation = what;
}

/* Everything that happens when the policy does not simply allow it. A global function, as judge_drift. */
__noinline int judge_access_drift(struct subject *s, struct object *o, struct request *r, struct hf_decision *d)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_policy *policy;
	struct hf_scratch *scratch;
	struct hf_task_tag *tag;
	u64 towards;
	u32 what;

	if (!s || !o || !r || !d)
		return -EPERM;
	what = access_of(r->facts.op, r->facts.access, r->facts.detail, 0);
	towards = r->target ? r->target : o->key.ino;
	tag = bpf_task_storage_get(&hf_tasks, (void *)task, 0, 0);
	if (d->verdict == HF_VERDICT_AUDIT && access_was_told(tag, what, towards))
		return 0;
	if (s->kind == HF_SUBJECT_CONTAINER)
		r->event_flags |= home_left(s->id, s->slot);
	scratch = event_begin(o, r->event_flags, task, bpf_get_current_cgroup_id());
	policy = policy_slot(s->policy);
	if (scratch && policy && d->reason != HF_REASON_TAMPERING && s->kind != HF_SUBJECT_STALE &&
	    exception_of_access(policy, scratch)) {
		count(HF_COUNTER_EXCEPTED);
		access_remember(tag, what, towards);
		return 0;
	}
	report_verdict(s, r, d, scratch != NULL);
	if (d->verdict == HF_VERDICT_AUDIT) {
		access_remember(tag, what, towards);
		return 0;
	}
	if (d->verdict == HF_VERDICT_KILL)
		bpf_send_signal(SIGKILL);
	return -EPERM;
}

/*
 * May the subject do that? what: access_of(); file: kernel address of the file that it is about, 0: none; target: process id of
 * the other side, 0: none. For the host's tasks the answer is yes. 0 or -EPERM. A few hundred instructions when the policy allows it.
 */
__noinline int judge_access(struct subject *s, u64 file, u32 what, u32 target)
{
	struct request r = { .target = target };
	struct hf_config *cfg = config();
	struct hf_decision d = {};
	struct hf_policy *policy;
	struct object o = {};

	if (!s || !cfg)
		return -EPERM;
	if (s->flags & HF_CONTAINER_UNARMED)
		return 0;
	r.facts.op = what >> 24;
	r.facts.access = what >> 16;
	r.facts.detail = what >> 8;
	if (what & ACCESS_OUTSIDE)
		r.facts.bits |= HF_FACT_OUTSIDE;
	if (what & ACCESS_TOO_LATE)
		r.facts.bits |= HF_FACT_TOO_LATE;
	r.facts.volume = _HF_VOLUME_MAX;
	r.facts.subject = s->kind;
	r.facts.stale_enforced = s->enforced;
	policy = policy_slot(s->policy);
	s->policy_generation = policy ? policy->generation : 0;
	if (decide_once(&r.facts, policy, &d, is_paused(s, cfg)))
		return -EPERM;
	if (d.verdict == HF_VERDICT_ALLOW)
		return 0;
	if (file)
		access_object(&o, file, what & ACCESS_PATH);
	return judge_access_drift(s, &o, &r, &d) ? -EPERM : 0;
}

#endif
