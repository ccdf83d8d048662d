// SPDX-License-Identifier: Apache-2.0
/*
 * The model: what decide() must answer, written down a second time from the design as ordered rules.
 *
 * It shares no code and no shape with decide(), so that the same slip is not made twice. To change the decision, change a
 * rule here, the rows that say so, and decide.h.
 */
#include <stdbool.h>
#include <string.h>

#include "tests/vectors/vectors.h"

#define COPY_DETAIL 0xff /* the rule hands the facts' detail on */
#define CODE (HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE)
#define LOOSE (CODE | HF_FACT_WRITER | HF_FACT_GAINED_SETID) /* what comparing has told does not count then */

#define FOUND_REASON 0xff /* … and what the hook found itself */

enum when { ALWAYS, ON_ACCESS, ON_EXEC, ON_READ, ON_VOLUME, UNRESOLVED, IS_UNSETTLED, IS_SETTLED, IS_COPY };

/* Applies when all bits of must and none of must_not are set, one of any_of at least (if it names any), and `when` holds. */
struct rule {
	__u32 must, must_not, any_of;
	enum when when;
	__u8 reason, detail;
};

static const struct rule registered[] = {
	{ .when = ON_ACCESS, .reason = FOUND_REASON, .detail = COPY_DETAIL },
	{ .when = UNRESOLVED, .reason = HF_REASON_UNDECIDABLE, .detail = COPY_DETAIL },
	{ .must = HF_FACT_HOST_HANDLER, .reason = HF_REASON_ORIGINAL, .detail = COPY_DETAIL },
	{ .must = HF_FACT_NO_FILE | HF_FACT_READ_IMPLIES_EXEC, .reason = HF_REASON_ANONYMOUS_CODE,
	  .detail = HF_DETAIL_READ_IMPLIES_EXEC },
	{ .must = HF_FACT_NO_FILE | HF_FACT_HEAP, .reason = HF_REASON_ANONYMOUS_CODE, .detail = HF_DETAIL_HEAP },
	{ .must = HF_FACT_NO_FILE | HF_FACT_STACK, .reason = HF_REASON_ANONYMOUS_CODE, .detail = HF_DETAIL_STACK },
	{ .must = HF_FACT_NO_FILE, .reason = HF_REASON_ANONYMOUS_CODE, .detail = COPY_DETAIL },
	{ .must = HF_FACT_MEMFD, .reason = HF_REASON_MEMFD, .detail = COPY_DETAIL },
	{ .when = ON_VOLUME, .any_of = CODE, .reason = HF_REASON_MODIFIED_CODE, .detail = COPY_DETAIL },
	{ .when = ON_VOLUME, .reason = HF_REASON_VOLUME, .detail = COPY_DETAIL },
	{ .must_not = HF_FACT_ROOT_WORLD, .must = HF_FACT_TMPFS, .reason = HF_REASON_TMPFS, .detail = COPY_DETAIL },
	{ .must_not = HF_FACT_ROOT_WORLD, .reason = HF_REASON_FOREIGN, .detail = COPY_DETAIL },
	{ .must = HF_FACT_HIT | HF_FACT_CHANGED | HF_FACT_OVERLAY, .reason = HF_REASON_HOST_MODIFIED,
	  .detail = HF_DETAIL_CHANGED },
	{ .must = HF_FACT_HIT | HF_FACT_CHANGED, .must_not = LOOSE, .when = IS_UNSETTLED, .reason = HF_REASON_MODIFIED,
	  .detail = HF_DETAIL_UNSETTLED },
	{ .must = HF_FACT_HIT | HF_FACT_CHANGED, .reason = HF_REASON_MODIFIED, .detail = HF_DETAIL_CHANGED },
	{ .must = HF_FACT_HIT | HF_FACT_WRITER | HF_FACT_OVERLAY, .reason = HF_REASON_HOST_MODIFIED,
	  .detail = HF_DETAIL_WRITER },
	{ .must = HF_FACT_HIT | HF_FACT_WRITER, .reason = HF_REASON_MODIFIED, .detail = HF_DETAIL_WRITER },
	{ .must = HF_FACT_HIT | HF_FACT_HEAP, .any_of = CODE, .reason = HF_REASON_ANONYMOUS_CODE, .detail = COPY_DETAIL },
	{ .must = HF_FACT_HIT, .any_of = CODE, .reason = HF_REASON_MODIFIED_CODE, .detail = COPY_DETAIL },
	{ .must = HF_FACT_HIT | HF_FACT_GAINED_SETID, .reason = HF_REASON_METADATA, .detail = COPY_DETAIL },
	{ .must = HF_FACT_HIT, .reason = HF_REASON_ORIGINAL, .detail = COPY_DETAIL },
	{ .must = HF_FACT_COPIED_UP | HF_FACT_HEAP, .must_not = HF_FACT_WRITER, .any_of = CODE,
	  .reason = HF_REASON_ANONYMOUS_CODE, .detail = COPY_DETAIL },
	{ .must = HF_FACT_COPIED_UP, .must_not = HF_FACT_WRITER, .any_of = CODE, .reason = HF_REASON_MODIFIED_CODE,
	  .detail = COPY_DETAIL },
	{ .must = HF_FACT_COPIED_UP | HF_FACT_GAINED_SETID, .must_not = HF_FACT_WRITER, .reason = HF_REASON_METADATA,
	  .detail = COPY_DETAIL },
	{ .must = HF_FACT_COPIED_UP, .must_not = HF_FACT_WRITER, .when = IS_SETTLED, .reason = HF_REASON_METADATA,
	  .detail = HF_DETAIL_SETTLED },
	{ .must = HF_FACT_COPIED_UP, .must_not = HF_FACT_WRITER, .reason = HF_REASON_METADATA,
	  .detail = HF_DETAIL_COPIED_UP },
	{ .must = HF_FACT_NO_BASELINE | HF_FACT_UNSUPPORTED_ROOT, .reason = HF_REASON_UNDECIDABLE,
	  .detail = HF_DETAIL_UNSUPPORTED_ROOT },
	{ .must = HF_FACT_NO_BASELINE, .reason = HF_REASON_UNDECIDABLE, .detail = HF_DETAIL_NOT_READY },
	{ .must = HF_FACT_DELETED, .reason = HF_REASON_DELETED, .detail = COPY_DETAIL },
	{ .must = HF_FACT_OVERLAY | HF_FACT_HAS_LOWER, .must_not = HF_FACT_UPPER_DATA, .reason = HF_REASON_LIBRARY,
	  .detail = COPY_DETAIL },
	{ .must = HF_FACT_HAS_LOWER, .must_not = LOOSE, .when = IS_UNSETTLED, .reason = HF_REASON_MODIFIED,
	  .detail = HF_DETAIL_UNSETTLED },
	{ .must = HF_FACT_HAS_LOWER, .reason = HF_REASON_MODIFIED, .detail = COPY_DETAIL },
	{ .must_not = LOOSE, .when = IS_COPY, .reason = HF_REASON_ADDED, .detail = HF_DETAIL_COPY },
	{ .reason = HF_REASON_ADDED, .detail = COPY_DETAIL },
};

/* A file that an interpreter reads: what it may do as a program does not matter, only whose bytes it has. */
static const struct rule reading[] = {
	{ .when = UNRESOLVED, .reason = HF_REASON_UNDECIDABLE, .detail = COPY_DETAIL },
	{ .must = HF_FACT_MEMFD, .reason = HF_REASON_SCRIPT, .detail = COPY_DETAIL },
	{ .when = ON_VOLUME, .reason = HF_REASON_VOLUME, .detail = COPY_DETAIL },
	{ .must_not = HF_FACT_ROOT_WORLD, .reason = HF_REASON_SCRIPT, .detail = COPY_DETAIL },
	{ .must = HF_FACT_HIT, .must_not = HF_FACT_CHANGED, .reason = HF_REASON_ORIGINAL },
	{ .must = HF_FACT_COPIED_UP, .reason = HF_REASON_METADATA, .detail = HF_DETAIL_COPIED_UP },
	{ .must = HF_FACT_HIT, .reason = HF_REASON_SCRIPT, .detail = HF_DETAIL_CHANGED },
	{ .must = HF_FACT_OVERLAY | HF_FACT_HAS_LOWER, .must_not = HF_FACT_UPPER_DATA, .reason = HF_REASON_ORIGINAL },
	{ .reason = HF_REASON_SCRIPT, .detail = COPY_DETAIL },
};

static const struct rule unregistered[] = {
	{ .when = ON_ACCESS, .reason = FOUND_REASON, .detail = COPY_DETAIL },
	{ .when = ON_READ, .reason = HF_REASON_ORIGINAL },
	{ .when = UNRESOLVED, .reason = HF_REASON_UNKNOWN_CONTAINER, .detail = COPY_DETAIL },
	{ .must = HF_FACT_HOST_HANDLER, .reason = HF_REASON_ORIGINAL },
	{ .must = HF_FACT_NO_FILE, .reason = HF_REASON_ORIGINAL },
	{ .must = HF_FACT_MEMFD, .when = ON_EXEC, .reason = HF_REASON_UNKNOWN_CONTAINER },
	{ .must = HF_FACT_MEMFD, .reason = HF_REASON_ORIGINAL },
	{ .must = HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_UPPER_DATA, .reason = HF_REASON_UNKNOWN_CONTAINER },
	{ .must = HF_FACT_ROOT_OVERLAY, .must_not = HF_FACT_ROOT_WORLD | HF_FACT_HOST_WORLD,
	  .reason = HF_REASON_UNKNOWN_CONTAINER },
	{ .reason = HF_REASON_ORIGINAL },
};

static bool is_exec(const struct hf_facts *facts)
{
	return facts->op == HF_OP_EXEC || facts->op == HF_OP_EXEC_CHECK;
}

static bool holds(const struct hf_facts *facts, enum when when)
{
	switch (when) {
	case ON_ACCESS:
		return facts->access != 0;
	case ON_EXEC:
		return is_exec(facts);
	case ON_READ:
		return facts->op == HF_OP_READ && !facts->access;
	case ON_VOLUME:
		return facts->volume <= HF_VOLUME_ALLOWED;
	case UNRESOLVED:
		return facts->detail != HF_DETAIL_NONE;
	case IS_UNSETTLED:
		return facts->compared == HF_COMPARED_UNSETTLED;
	case IS_SETTLED:
		return facts->compared == HF_COMPARED_SETTLED;
	case IS_COPY:
		return facts->compared == HF_COMPARED_COPY;
	case ALWAYS:
		break;
	}
	return true;
}

static bool applies(const struct rule *rule, const struct hf_facts *facts)
{
	return (facts->bits & rule->must) == rule->must && !(facts->bits & rule->must_not) &&
	       (!rule->any_of || facts->bits & rule->any_of) && holds(facts, rule->when);
}

static const struct rule *find_rule(const struct hf_facts *facts)
{
	const struct rule *rule = facts->op == HF_OP_READ && !facts->access ? reading : registered;

	if (facts->subject == HF_SUBJECT_UNKNOWN)
		rule = unregistered;

	while (!applies(rule, facts)) /* the last rule of each table applies to everything */
		rule++;
	return rule;
}

/* Accesses have the same cell in all columns. One that reaches out is denied where the mode denies, unless it is allowed. */
static __u8 access_cell(const struct hf_facts *facts, const struct hf_policy *policy)
{
	__u8 cell, tampering = policy->action[HF_CLASS_EXECUTABLE][HF_REASON_TAMPERING];

	if (facts->access >= _HF_REASON_MAX)
		return HF_ACTION_DENY;
	if (facts->access == HF_REASON_PTRACE && (facts->detail == HF_DETAIL_DESCENDANT || facts->detail == HF_DETAIL_TRACEME))
		return policy->ptrace_descendant;
	cell = policy->action[HF_CLASS_EXECUTABLE][facts->access];
	if (cell != HF_ACTION_AUDIT || !(facts->bits & HF_FACT_OUTSIDE))
		return cell;
	return tampering == HF_ACTION_ALLOW ? cell : tampering;
}

__u8 model_cell(const struct hf_facts *facts, const struct hf_policy *policy, const struct hf_decision *d)
{
	if (facts->subject == HF_SUBJECT_HOST)
		return policy->action[d->class_][d->reason];
	if (facts->access)
		return access_cell(facts, policy);
	if (d->class_ == HF_CLASS_SCRIPT && facts->bits & HF_FACT_BYTECODE &&
	    (d->reason == HF_REASON_SCRIPT || d->reason == HF_REASON_VOLUME))
		return policy->bytecode;
	if (d->reason == HF_REASON_VOLUME)
		return policy->volume[d->class_][facts->volume];
	if (d->reason == HF_REASON_ANONYMOUS_CODE && d->detail == HF_DETAIL_READ_IMPLIES_EXEC)
		return policy->read_implies_exec;
	if (d->reason == HF_REASON_METADATA && (d->detail == HF_DETAIL_COPIED_UP || d->detail == HF_DETAIL_SETTLED))
		return policy->modified_metadata[d->class_];
	if (d->reason == HF_REASON_MODIFIED && d->detail == HF_DETAIL_UNSETTLED)
		return policy->unsettled[d->class_];
	if (d->reason == HF_REASON_ADDED && d->detail == HF_DETAIL_COPY)
		return policy->copies[d->class_];
	if (d->reason == HF_REASON_MEMFD && d->class_ == HF_CLASS_LIBRARY)
		return policy->memfd_map;
	return policy->action[d->class_][d->reason];
}

/* Action to verdict; a pause takes the teeth out of it. */
static void set_verdict(struct hf_decision *d, __u8 action, bool paused)
{
	static const __u8 verdicts[] = { HF_VERDICT_ALLOW, HF_VERDICT_AUDIT, HF_VERDICT_DENY, HF_VERDICT_KILL };

	d->verdict = action < sizeof(verdicts) ? verdicts[action] : HF_VERDICT_DENY;
	if (paused && d->verdict >= HF_VERDICT_DENY) {
		d->verdict = HF_VERDICT_AUDIT;
		d->paused = 1;
	}
}

/* What cannot be refused can only be ended. */
static void sharpen(const struct hf_facts *facts, struct hf_decision *d)
{
	if (facts->bits & HF_FACT_TOO_LATE && d->verdict == HF_VERDICT_DENY)
		d->verdict = HF_VERDICT_KILL;
}

static void decide_stale(const struct hf_facts *facts, int paused, struct hf_decision *d)
{
	d->reason = HF_REASON_UNDECIDABLE;
	d->detail = HF_DETAIL_STALE_TAG;
	set_verdict(d, facts->stale_enforced ? HF_ACTION_DENY : HF_ACTION_AUDIT, paused);
}

static const struct rule outside[] = {
	{ .must = HF_FACT_CONTAINER_FILE | HF_FACT_KERNEL_HELPER, .reason = HF_REASON_KERNEL_HELPER },
	{ .must = HF_FACT_CONTAINER_FILE, .reason = HF_REASON_HOST_EXEC },
	{ .reason = HF_REASON_ORIGINAL },
};

/* The host's own are not asked about; what others let through or deny, the host's processes are only told of. */
static void decide_outside(const struct hf_facts *facts, const struct hf_policy *policy, int paused, struct hf_decision *d)
{
	const struct rule *rule = outside;
	__u8 action;

	while (!applies(rule, facts))
		rule++;
	d->reason = rule->reason;
	if (d->reason == HF_REASON_ORIGINAL)
		return;
	action = policy->valid ? policy->action[d->class_][d->reason] : HF_ACTION_DENY;
	if (!policy->valid) {
		d->reason = HF_REASON_UNDECIDABLE;
		d->detail = HF_DETAIL_NO_POLICY;
	}
	set_verdict(d, action, paused);
	if (rule->reason == HF_REASON_HOST_EXEC && d->verdict > HF_VERDICT_AUDIT)
		d->verdict = HF_VERDICT_AUDIT;
	if (rule->reason == HF_REASON_HOST_EXEC)
		d->paused = 0;
}

struct hf_decision model_decide(const struct hf_facts *facts, const struct hf_policy *policy, int paused)
{
	struct hf_decision d = { .class_ = is_exec(facts) || facts->access ? HF_CLASS_EXECUTABLE : HF_CLASS_LIBRARY };
	const struct rule *rule;

	if (facts->op == HF_OP_READ && !facts->access)
		d.class_ = HF_CLASS_SCRIPT;
	if (facts->subject == HF_SUBJECT_HOST) {
		decide_outside(facts, policy, paused, &d);
		return d;
	}
	if (facts->subject == HF_SUBJECT_STALE) {
		decide_stale(facts, paused, &d);
		return d;
	}
	rule = find_rule(facts);
	d.reason = rule->reason == FOUND_REASON ? facts->access : rule->reason;
	d.detail = rule->detail == COPY_DETAIL ? facts->detail : rule->detail;
	if (d.reason == HF_REASON_ORIGINAL)
		return d;
	if (!policy->valid) {
		d.reason = HF_REASON_UNDECIDABLE;
		d.detail = HF_DETAIL_NO_POLICY;
		set_verdict(&d, HF_ACTION_DENY, paused);
	} else {
		set_verdict(&d, model_cell(facts, policy, &d), paused);
	}
	sharpen(facts, &d);
	return d;
}
