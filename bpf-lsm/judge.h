/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Subject and object to a hook's return value: the one way that every hook takes.
 *
 * Owns: the order facts -> decide -> exception -> report -> -EPERM. Must not know: which hook asks, beyond hf_op.
 */
#ifndef BPF_LSM_JUDGE_H
#define BPF_LSM_JUDGE_H

#include "bpf-lsm/exception.h"
#include "bpf-lsm/report.h"

#define SIGKILL 9

/* Facts that need both sides: which world, which volume, what the catalogue says. */
static __always_inline void facts_of_file(struct hf_facts *f, struct subject *s, struct object *o,
					  const struct hf_config *cfg)
{
	const struct hf_container *c = s->container;

	f->detail = o->detail;
	if (c && o->dev == c->root_dev)
		o->bits |= HF_FACT_ROOT_WORLD;
	if (s->kind == HF_SUBJECT_UNKNOWN && o->dev == task_root((void *)bpf_get_current_task_btf()).dev)
		o->bits |= HF_FACT_ROOT_WORLD;
	if (o->dev == cfg->host_root_dev)
		o->bits |= HF_FACT_HOST_WORLD;
	if (c && (o->bits & HF_FACT_ROOT_WORLD))
		object_lookup(o, c->layer_set);
	if (s->kind == HF_SUBJECT_CONTAINER && !(o->bits & (HF_FACT_HIT | HF_FACT_MEMFD)))
		f->volume = object_volume(o, s->id);
	if (c && c->flags & HF_CONTAINER_NO_BASELINE)
		o->bits |= HF_FACT_NO_BASELINE;
	f->bits |= o->bits;
}

/* Break-glass, for all or for this container. */
static __always_inline bool is_paused(const struct subject *s, const struct hf_config *cfg)
{
	u64 until = cfg->pause_until_ns;

	if (s->container && s->container->pause_until_ns > until)
		until = s->container->pause_until_ns;
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

/* Everything that happens when the object is not simply original. */
static __noinline int judge_drift(struct subject *s, struct object *o, struct request *r, struct hf_decision *d)
{
	struct hf_scratch *scratch;

	if (!s || !o || !r || !d)
		return -EPERM;
	if (d->verdict == HF_VERDICT_AUDIT && r->facts.op != HF_OP_EXEC && seen_already(s->tag, o))
		return 0;
	scratch = event_begin(o, r->event_flags);
	if (scratch && s->policy && exception_applies(s->policy, scratch)) {
		count(HF_COUNTER_EXCEPTED);
		remember_seen(s->tag, o);
		return 0;
	}
	count_verdict(s, d);
	if (scratch) {
		event_set_verdict(&scratch->event, s, r, d);
		event_submit(scratch);
	}
	if (d->verdict == HF_VERDICT_AUDIT) {
		remember_seen(s->tag, o);
		return 0;
	}
	if (d->verdict == HF_VERDICT_KILL)
		bpf_send_signal(SIGKILL);
	return -EPERM;
}

/* The verdict for a subject that is not the host and an object that is resolved. 0 or -EPERM. */
static __always_inline int judge(struct subject *s, struct object *o, struct request *r, const struct hf_config *cfg)
{
	static const struct hf_policy no_policy;
	struct hf_decision d;

	r->facts.subject = s->kind;
	r->facts.stale_enforced = s->enforced;
	if (s->container && s->container->flags & HF_CONTAINER_UNARMED)
		return 0;
	/* What execve was allowed to run must also be mapped by it: the class of a program is not that of its pages. */
	if (r->event_flags & HF_EVENT_EXEC_STAGE && seen_already(s->tag, o))
		return 0;
	d = decide(&r->facts, s->policy ? s->policy : &no_policy, is_paused(s, cfg));
	if (d.verdict == HF_VERDICT_ALLOW) {
		if (d.reason != HF_REASON_ORIGINAL && r->facts.op == HF_OP_EXEC)
			remember_seen(s->tag, o);
		return 0;
	}
	return judge_drift(s, o, r, &d);
}

#endif
