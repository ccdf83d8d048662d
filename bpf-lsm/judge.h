/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Subject and object to a hook's return value: the one way that every hook takes.
 *
 * Owns: the order facts -> decide -> exception -> report -> -EPERM. Must not know: which hook asks, beyond hf_op.
 */
#ifndef BPF_LSM_JUDGE_H
#define BPF_LSM_JUDGE_H

#include "bpf-lsm/copyup.h"
#include "bpf-lsm/exception.h"
#include "bpf-lsm/kernel_open.h"
#include "bpf-lsm/report.h"
#include "bpf-lsm/settle.h"

#define SIGKILL 9
#define PROGRAM_FORKS_MAX 8 /* generations without an exec: a server, its workers, their helpers */
/* Without HF_FACT_HIT: a file of the image, as the overlay says, with its data in the writable layer. */
#define COPYUP_BITS (HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_HAS_LOWER | HF_FACT_UPPER_DATA | HF_FACT_HIT)

/* On the container's root, and nothing else has shown it to be the image's: of an overlay what lies in the writable layer. */
static __always_inline bool is_compared(u32 bits)
{
	if (!(bits & HF_FACT_ROOT_WORLD) || bits & HF_FACT_COPIED_UP)
		return false;
	if (bits & HF_FACT_OVERLAY)
		return (bits & (HF_FACT_UPPER_DATA | HF_FACT_HIT)) == HF_FACT_UPPER_DATA;
	return (bits & (HF_FACT_HIT | HF_FACT_CHANGED)) != HF_FACT_HIT;
}

/* Facts that need both sides: which world, which volume, what the catalogue says. A global function, as judge_drift. */
__noinline int facts_of_sides(struct hf_facts *f, struct subject *s, struct object *o)
{
	struct hf_config *cfg = config();

	if (!f || !s || !o || !cfg)
		return -EINVAL;
	f->detail = o->detail;
	if (o->dev == s->root_dev)
		o->bits |= HF_FACT_ROOT_WORLD;
	if (o->dev == cfg->host_root_dev)
		o->bits |= HF_FACT_HOST_WORLD;
	if (s->flags & SUBJECT_ROOT_OVERLAY)
		o->bits |= HF_FACT_ROOT_OVERLAY;
	if (s->kind == HF_SUBJECT_CONTAINER) {
		if (o->bits & HF_FACT_ROOT_WORLD || o->kept & OBJECT_INNER)
			object_lookup(o, s->layer_set);
		/* Below two overlays the outer one cannot be found any more: its bytes being the image's must do. */
		if (o->bits & HF_FACT_HIT)
			o->bits |= HF_FACT_ROOT_WORLD;
		if (o->bits & HF_FACT_HIT && !(s->flags & HF_CONTAINER_OVERLAY_ROOT))
			plain_prove(o, f->op);
		if ((o->bits & COPYUP_BITS) == (COPYUP_BITS & ~HF_FACT_HIT))
			copyup_prove(o, s, f->op);
		if ((o->bits & (HF_FACT_HIT | HF_FACT_OVERLAY)) == (HF_FACT_HIT | HF_FACT_OVERLAY))
			copyup_capabilities(o, s);
		if (!(o->bits & (HF_FACT_HIT | HF_FACT_MEMFD)))
			f->volume = object_volume(o, s->id);
		if (s->flags & HF_CONTAINER_NO_BASELINE)
			o->bits |= HF_FACT_NO_BASELINE;
		if (s->flags & HF_CONTAINER_UNSUPPORTED)
			o->bits |= HF_FACT_UNSUPPORTED_ROOT;
	}
	return 0;
}

/* Everything that is known about a file. What was found out by comparing is asked on its own: two frames side by side, not on top of
 * each other. */
static __always_inline int facts_of_file(struct hf_facts *f, struct subject *s, struct object *o)
{
	if (facts_of_sides(f, s, o))
		return -EINVAL;
	if (s->kind == HF_SUBJECT_CONTAINER && is_compared(o->bits))
		settle_prove(o, s, f);
	f->bits |= o->bits;
	return 0;
}

/* decide(), seen once by the verifier. policy may be NULL: there is none. */
__noinline int decide_once(const struct hf_facts *facts, const struct hf_policy *policy, struct hf_decision *ret, u32 paused)
{
	if (!facts || !ret)
		return -EINVAL;
	if (policy) {
		*ret = decide(facts, policy, paused);
	} else {
		const struct hf_policy none = {};

		*ret = decide(facts, &none, paused);
	}
	return 0;
}

/* Break-glass, for all or for this container. */
static __always_inline bool is_paused(const struct subject *s, const struct hf_config *cfg)
{
	u64 until = cfg->pause_until_ns > s->pause_until_ns ? cfg->pause_until_ns : s->pause_until_ns;

	return until && bpf_ktime_get_boot_ns() < until;
}

/* The same drift, seen by a second hook on its way (exec, then its mapping, then the backing file), is one event. */
static __always_inline bool seen_already(const struct hf_task_tag *tag, const struct object *o)
{
	return tag && o->real && tag->seen_ino == o->key.ino && tag->seen_dev == o->key.dev &&
	       tag->seen_generation == o->key.generation;
}

static __always_inline void remember_seen(struct hf_task_tag *tag, const struct object *o)
{
	if (!tag || !o->real)
		return;
	tag->seen_ino = o->key.ino;
	tag->seen_dev = o->key.dev;
	tag->seen_generation = o->key.generation;
}

/* The process whose exec began the program that the current task runs: what forks without an exec is the same program. */
static __always_inline u64 program_start(void)
{
	struct task_struct *task = ((struct task_struct *)bpf_get_current_task_btf())->group_leader;

	for (int i = 0; i < PROGRAM_FORKS_MAX; i++) {
		if (!(task->flags & KERNEL_PF_FORKNOEXEC))
			break;
		task = task->real_parent->group_leader;
	}
	return task->start_boottime;
}

static __always_inline void fill_script_key(struct script_key *key, const struct object *o)
{
	key->ino = o->key.ino;
	key->dev = o->key.dev;
	key->generation = o->key.generation;
}

/* Notes what this program was let do with a file: SCRIPT_TOLD or SCRIPT_EXECUTED. A global function: its memory is not judge_drift's. */
__noinline int script_remember(const struct object *o, u32 what)
{
	struct script_note note = { .what = what }, *noted;
	struct script_key key = {};

	if (!o || !o->real)
		return 0;
	fill_script_key(&key, o);
	/* An exec is still to come: it is its own process that begins the program. */
	key.start_ns = what == SCRIPT_EXECUTED ? ((struct task_struct *)bpf_get_current_task_btf())->group_leader->start_boottime :
						 program_start();
	note.ctime_ns = o->value.ctime_ns;
	noted = bpf_map_lookup_elem(&hf_script_notes, &key);
	if (noted && noted->ctime_ns == note.ctime_ns)
		note.what |= noted->what;
	bpf_map_update_elem(&hf_script_notes, &key, &note, BPF_ANY);
	return 0;
}

/* SCRIPT_* of a file that an interpreter reads, in the state that it had then. */
__noinline u32 script_noted(const struct object *o)
{
	struct script_key key = {};
	struct script_note *noted;

	if (!o || !o->real)
		return 0;
	fill_script_key(&key, o);
	key.start_ns = program_start();
	noted = bpf_map_lookup_elem(&hf_script_notes, &key);
	return noted && noted->ctime_ns == o->value.ctime_ns ? noted->what : 0;
}

static __always_inline void remember(struct hf_task_tag *tag, const struct object *o, u8 op)
{
	if (op == HF_OP_READ) {
		script_remember(o, SCRIPT_TOLD);
		return;
	}
	remember_seen(tag, o);
	if (op == HF_OP_EXEC)
		script_remember(o, SCRIPT_EXECUTED);
}

/* What execve has judged its interpreter may read, and what was told of is not told again. */
static __always_inline bool is_old_script(const struct object *o, const struct request *r, u8 verdict)
{
	u32 noted = r->facts.op == HF_OP_READ ? script_noted(o) : 0;

	return noted & SCRIPT_EXECUTED || (noted & SCRIPT_TOLD && verdict == HF_VERDICT_AUDIT);
}

/* Counters and, if it was begun, the event in the task's scratch. A global function: its memory is not judge_drift's. */
__noinline int report_verdict(struct subject *s, struct request *r, struct hf_decision *d, u32 begun)
{
	struct hf_container *container;
	struct hf_scratch *scratch;

	if (!s || !r || !d)
		return 0;
	container = s->kind == HF_SUBJECT_STALE ? NULL : container_slot(s->slot);
	count_verdict(container, s->kind, d);
	if (!begun)
		return 0;
	scratch = bpf_task_storage_get(&hf_scratches, (void *)bpf_get_current_task_btf(), 0, 0);
	if (scratch) {
		event_set_verdict(&scratch->event, s, r, d);
		event_submit(scratch);
	} else {
		count(HF_COUNTER_EVENTS_NO_MEMORY);
	}
	return 0;
}

/*
 * Everything that happens when the object is not simply original. A global function: what it needs of the subject it looks
 * up again, which costs a little on the rare path and saves the verifier from seeing it once per combination of facts.
 */
__noinline int judge_drift(struct subject *s, struct object *o, struct request *r, struct hf_decision *d)
{
	struct hf_container *container;
	struct hf_policy *policy = NULL;
	struct hf_scratch *scratch;
	struct hf_task_tag *tag;

	if (!s || !o || !r || !d)
		return -EPERM;
	tag = bpf_task_storage_get(&hf_tasks, (void *)bpf_get_current_task_btf(), 0, 0);
	if (d->verdict == HF_VERDICT_ALLOW) {
		if (r->facts.op == HF_OP_EXEC)
			remember(tag, o, r->facts.op);
		return 0;
	}
	/* A task without a tag has no memory of what it was told: its program's own mappings are not news. */
	if (!tag && d->verdict == HF_VERDICT_AUDIT && r->event_flags & HF_EVENT_EXEC_STAGE)
		return 0;
	if (d->detail == HF_DETAIL_READ_IMPLIES_EXEC && d->verdict == HF_VERDICT_AUDIT && tag) {
		if (tag->flags & HF_TAG_PERSONALITY_TOLD)
			return 0;
		tag->flags |= HF_TAG_PERSONALITY_TOLD;
	}
	if (is_old_script(o, r, d->verdict))
		return 0;
	/* What execve let through a moment ago must also be mapped by it, and one drift is one event. */
	if (r->facts.op != HF_OP_READ && seen_already(tag, o) && (r->event_flags & HF_EVENT_EXEC_STAGE ||
				     (d->verdict == HF_VERDICT_AUDIT && r->facts.op != HF_OP_EXEC)))
		return 0;
	container = s->kind == HF_SUBJECT_STALE ? NULL : container_slot(s->slot);
	if (container)
		policy = policy_slot(container->policy);
	if (s->kind == HF_SUBJECT_CONTAINER)
		r->event_flags |= home_left(s->id, s->slot);
	scratch = event_begin(o, r->event_flags, (void *)bpf_get_current_task_btf(), bpf_get_current_cgroup_id());
	/* A memory file's name is its maker's to choose, slashes included: it is no path. */
	if (scratch && policy && d->reason != HF_REASON_MEMFD && exception_applies(policy, scratch)) {
		count(HF_COUNTER_EXCEPTED);
		remember(tag, o, r->facts.op);
		return 0;
	}
	report_verdict(s, r, d, scratch != NULL);
	if (d->verdict == HF_VERDICT_AUDIT) {
		remember(tag, o, r->facts.op);
		return 0;
	}
	if (d->verdict == HF_VERDICT_KILL)
		bpf_send_signal(SIGKILL);
	return -EPERM;
}

/* The verdict for a subject that is not the host and an object that is resolved. 0 or -EPERM. */
static __always_inline int judge(struct subject *s, struct object *o, struct request *r, const struct hf_config *cfg)
{
	struct hf_policy *policy = policy_slot(s->policy);
	struct hf_decision d = {};

	r->facts.subject = s->kind;
	r->facts.stale_enforced = s->enforced;
	if (s->flags & HF_CONTAINER_UNARMED)
		return 0;
	s->policy_generation = policy ? policy->generation : 0;
	if (decide_once(&r->facts, policy, &d, is_paused(s, cfg)))
		return -EPERM;
	if (d.reason == HF_REASON_ORIGINAL && d.verdict == HF_VERDICT_ALLOW) {
		if (r->facts.bits & HF_FACT_HOST_HANDLER) /* its mappings come next */
			remember_seen(tag_of((void *)bpf_get_current_task_btf()), o);
		return 0;
	}
	return judge_drift(s, o, r, &d) ? -EPERM : 0;
}

#endif
