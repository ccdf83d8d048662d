// SPDX-License-Identifier: Apache-2.0
/* What the kernel half is to tell for a set of rules. Contracts: detect_rules.h. */
#include <string.h>

#include "enforcer/detect_fields.h"
#include "enforcer/detect_narrow.h"
#include "enforcer/detect_rules.h"
#include "enforcer/util.h"

/* What costs the kernel half something, and which fields cannot do without. A name that ends in '.' stands for all below. */
static const struct {
	const char *field;
	uint32_t want;
} needs[] = {
	{ "proc.cwd", HF_DETECT_WANT_CWD },
	{ "proc.env", HF_DETECT_WANT_ENV },
	{ "proc.aenv", HF_DETECT_WANT_ENV },
	{ "evt.buffer", HF_DETECT_WANT_DATA },
	{ "fd.realname", HF_DETECT_WANT_REAL },
};

/* What processes there are, the tree needs to know whatever the rules ask: who made whom, and who is gone. */
static const enum hf_detect_type of_processes[] = {
	HF_DETECT_EXECVE, HF_DETECT_EXECVEAT, HF_DETECT_FORK, HF_DETECT_VFORK, HF_DETECT_CLONE, HF_DETECT_CLONE3, HF_DETECT_PROCEXIT,
};

/* Descriptors are named by where their file lies, unless the path was given with the event. */
static bool is_about_descriptor(enum hf_detect_type type)
{
	return type == HF_DETECT_FCHMOD || type == HF_DETECT_FCHOWN || type == HF_DETECT_FTRUNCATE || type == HF_DETECT_FCHDIR ||
	       (type >= HF_DETECT_DUP && type <= HF_DETECT_SENDFILE) || type == HF_DETECT_OPEN_BY_HANDLE_AT ||
	       type == HF_DETECT_FINIT_MODULE || type == HF_DETECT_KEXEC_FILE_LOAD || type == HF_DETECT_SETNS ||
	       type == HF_DETECT_MMAP || (type >= HF_DETECT_PWRITE && type <= HF_DETECT_COPY_FILE_RANGE);
}

static uint32_t wants_of_fields(const struct rule_program *program)
{
	const struct rule_field_use *const *uses;
	size_t n = rule_program_uses(program, &uses);
	uint32_t wants = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(needs); j++)
			if (!strcmp(uses[i]->field->name, needs[j].field))
				wants |= needs[j].want;
	return wants;
}

/* What some rule can match; what narrows only if it narrows each of them. */
static uint32_t wants_of_rules(const struct rule_set *set, enum hf_detect_type type)
{
	const uint32_t narrows = HF_DETECT_WANT_EXECUTABLE | HF_DETECT_WANT_ELF;
	uint32_t wants = 0, all = narrows;

	for (size_t i = 0; i < set->n_rules; i++) {
		uint32_t of_rule = set->rules[i].enabled ? detect_narrow(set->rules[i].tree, type) : 0;

		wants |= of_rule & ~narrows;
		all &= of_rule ? of_rule : narrows;
	}
	return wants | all;
}

void detect_tree_wants(const struct detect_rules *rules, uint32_t ret[_HF_DETECT_MAX])
{
	uint32_t told = wants_of_fields(detect_rules_set(rules)->program);

	memset(ret, 0, _HF_DETECT_MAX * sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(of_processes); i++)
		ret[of_processes[i]] = HF_DETECT_WANT_HOST | HF_DETECT_WANT_CONTAINERS | HF_DETECT_WANT_SUCCESS |
				       (told & (HF_DETECT_WANT_ENV | HF_DETECT_WANT_CWD));
}

void detect_rules_wants(const struct detect_rules *rules, uint32_t ret[_HF_DETECT_MAX])
{
	uint32_t told = wants_of_fields(detect_rules_set(rules)->program);

	detect_tree_wants(rules, ret);
	for (unsigned int type = HF_DETECT_NONE + 1; type < _HF_DETECT_MAX; type++) {
		if (!detect_rules_need(rules, detect_type_of(type)))
			continue;
		ret[type] |= wants_of_rules(detect_rules_set(rules), type) | told;
		if (is_about_descriptor(type))
			ret[type] |= HF_DETECT_WANT_REAL;
	}
}
