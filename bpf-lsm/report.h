/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdict to event and counters.
 *
 * Owns: the event record, the ring. Must not know: how the verdict came about. Nothing here can change a verdict, and
 * nothing is dropped without being counted.
 */
#ifndef BPF_LSM_REPORT_H
#define BPF_LSM_REPORT_H

#include "bpf-lsm/home.h"
#include "bpf-lsm/object.h"
#include "bpf-lsm/path.h"
#include "bpf-lsm/share.h"
#include "bpf-lsm/subject.h"

#define REQUEST_OP_SHIFT 26 /* enum hf_op above HF_FACT_* */
#define REQUEST_BITS ((1u << REQUEST_OP_SHIFT) - 1)

/* What a hook knows beyond subject, object and decision. */
struct request {
	struct hf_facts facts;
	u32 prot;
	u32 map_flags;
	u32 event_flags;
	u32 target; /* process id of whom an access reaches for */
};

static __always_inline struct hf_scratch *scratch_of_current(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return bpf_task_storage_get(&hf_scratches, (void *)task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* cgroup: the task's, which is cheaper to ask for the current one. */
static __always_inline void event_add_process(struct hf_event *e, struct task_struct *task, u64 cgroup)
{
	e->tid = task->pid;
	e->pid = task->tgid;
	e->ppid = task->real_parent->tgid;
	e->uid = task->cred->uid.val;
	e->gid = task->cred->gid.val;
	e->mntns = task->nsproxy->mnt_ns->ns.inum;
	e->start_ns = task->group_leader->start_boottime;
	e->cgroup = cgroup;
	bpf_probe_read_kernel(e->comm, sizeof(e->comm), task->comm);
	bpf_probe_read_kernel(e->parent_comm, sizeof(e->parent_comm), task->real_parent->comm);
}

static __always_inline void event_add_object(struct hf_event *e, const struct object *o)
{
	e->ino = o->key.ino;
	e->dev = o->key.dev;
	e->generation = o->key.generation;
	e->file_bytes = o->value.size_mode >> HF_CATALOG_SIZE_SHIFT;
	e->ctime_ns = o->value.ctime_ns;
	e->magic = o->magic;
	e->mode = o->mode;
	if (o->bits & HF_FACT_DELETED)
		e->flags |= HF_EVENT_DELETED;
	if (o->bits & HF_FACT_MEMFD)
		e->flags |= HF_EVENT_MEMFD;
	if (o->real && inode_has_writer(o->real))
		e->flags |= HF_EVENT_WRITABLE;
}

/* Writes the file's path into the scratch; 0 length for anonymous memory. */
static __always_inline void event_add_path(struct hf_scratch *s, const struct object *o, struct task_struct *task)
{
	struct path_job job = { .path = o->path };

	s->event.path_bytes = 0;
	path_end_at_root(&job, task);
	if (!job.path.dentry || path_write(&job))
		return;
	s->event.path_bytes = job.bytes;
	if (job.cut) {
		s->event.flags |= HF_EVENT_PATH_CUT;
		count(HF_COUNTER_PATH_CUT);
	}
}

/* Appends the path of the program that the task runs. */
static __always_inline void event_add_exe(struct hf_scratch *s, struct task_struct *task)
{
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct path_job job = { .at = s->event.path_bytes, .second = 1 };

	s->event.exe_bytes = 0;
	if (!exe)
		return;
	if (inode_is_memory_file(BPF_CORE_READ(exe, f_inode)))
		s->event.flags |= HF_EVENT_EXE_MEMFD;
	file_user_path(exe, &job.path);
	path_end_at_root(&job, task);
	if (path_write(&job))
		return;
	s->event.exe_bytes = job.bytes;
	if (job.cut)
		s->event.flags |= HF_EVENT_EXE_CUT;
}

/* Begins the event on a task, in the current one's scratch: everything but the verdict. NULL when there is no memory for it
 * (counted). */
static __always_inline struct hf_scratch *event_begin(const struct object *o, u32 flags, struct task_struct *task, u64 cgroup)
{
	struct hf_scratch *s = scratch_of_current();

	if (!s) {
		count(HF_COUNTER_EVENTS_NO_MEMORY);
		return NULL;
	}
	s->event.flags = flags;
	event_add_process(&s->event, task, cgroup);
	event_add_object(&s->event, o);
	event_add_path(s, o, task);
	event_add_exe(s, task);
	return s;
}

static __always_inline void event_submit(struct hf_scratch *s)
{
	u32 data_bytes = (u32)s->event.path_bytes + s->event.exe_bytes;

	if (data_bytes > sizeof(s->data))
		data_bytes = sizeof(s->data);
	s->event.bytes = sizeof(s->event) + data_bytes;
	s->event.version = HF_EVENT_VERSION;
	s->event.time_ns = bpf_ktime_get_boot_ns();
	share_output(s, sizeof(s->event) + data_bytes, s->event.slot, s->event.container);
}

static __always_inline void event_set_verdict(struct hf_event *e, const struct subject *s, const struct request *r,
					      const struct hf_decision *d)
{
	e->op = r->facts.op;
	e->class_ = d->class_;
	e->reason = d->reason;
	e->verdict = d->verdict;
	e->detail = d->detail;
	e->volume = r->facts.volume;
	e->container = s->id;
	e->slot = s->slot;
	e->policy_generation = s->policy_generation;
	e->prot = r->prot;
	e->map_flags = r->map_flags;
	e->target = r->target;
	if (d->paused)
		e->flags |= HF_EVENT_PAUSED;
}

static __always_inline void count_verdict(struct hf_container *container, u8 kind, const struct hf_decision *d)
{
	bool denied = d->verdict >= HF_VERDICT_DENY;

	count(denied ? HF_COUNTER_DENIED : HF_COUNTER_AUDITED);
	if (d->paused)
		count(HF_COUNTER_PAUSED);
	if (d->reason == HF_REASON_UNDECIDABLE)
		count(HF_COUNTER_UNDECIDABLE);
	if (kind == HF_SUBJECT_UNKNOWN)
		count(HF_COUNTER_UNKNOWN_CONTAINER);
	if (container && denied)
		__sync_fetch_and_add(&container->denied, 1);
	if (container && !denied)
		__sync_fetch_and_add(&container->audited, 1);
}

#endif
