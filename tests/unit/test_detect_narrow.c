// SPDX-License-Identifier: Apache-2.0
/* What a condition cannot match: events that the kernel half need not tell; and never one that it could. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/detect_narrow.h"
#include "policies/rules/parse.h"

#define HOST HF_DETECT_WANT_HOST
#define FAILURE HF_DETECT_WANT_FAILURE
#define READ HF_DETECT_WANT_READ
#define WRITE HF_DETECT_WANT_WRITE
#define CREATE HF_DETECT_WANT_CREATE
#define EXECUTABLE HF_DETECT_WANT_EXECUTABLE
#define ELF HF_DETECT_WANT_ELF
#define ALWAYS (HF_DETECT_WANT_CONTAINERS | HF_DETECT_WANT_SUCCESS)
#define OPENS (READ | WRITE | CREATE)
#define ALL (ALWAYS | HOST | FAILURE | OPENS)

static const struct {
	enum hf_detect_type type;
	const char *condition;
	uint32_t wants;
} cases[] = {
	{ HF_DETECT_OPENAT, "evt.type=openat", ALL },
	{ HF_DETECT_OPENAT, "proc.name=cat", ALL },
	{ HF_DETECT_OPENAT, "evt.type in (open, openat)", ALL },
	/* Other types. */
	{ HF_DETECT_OPENAT, "evt.type=open", 0 },
	{ HF_DETECT_OPENAT, "evt.type != openat", 0 },
	{ HF_DETECT_OPENAT, "not evt.type in (open, openat)", 0 },
	{ HF_DETECT_OPENAT, "evt.type=open or evt.type=openat", ALL },
	{ HF_DETECT_OPENAT, "(evt.type=open and container.id=host) or (evt.type=openat and container.id != host)", ALL & ~HOST },
	/* The host. */
	{ HF_DETECT_OPENAT, "container.id != host", ALL & ~HOST },
	{ HF_DETECT_OPENAT, "not container.id = host", ALL & ~HOST },
	{ HF_DETECT_OPENAT, "not container.id in (host)", ALL & ~HOST },
	{ HF_DETECT_OPENAT, "container.id = host", ALL },
	{ HF_DETECT_OPENAT, "container.id != host or proc.name=cat", ALL },
	{ HF_DETECT_OPENAT, "container.id startswith h", ALL },
	{ HF_DETECT_OPENAT, "container.id = val(proc.name)", ALL },
	/* Results. */
	{ HF_DETECT_OPENAT, "fd.num >= 0", ALL & ~FAILURE },
	{ HF_DETECT_OPENAT, "not fd.num < 0", ALL },
	{ HF_DETECT_OPENAT, "fd.num = -1", ALL },
	{ HF_DETECT_OPENAT, "fd.num >= -5", ALL },
	{ HF_DETECT_DUP2, "fd.num >= 0", ALL },
	{ HF_DETECT_OPENAT, "evt.rawres >= 0", ALL & ~FAILURE },
	{ HF_DETECT_OPENAT, "evt.rawres > -1", ALL & ~FAILURE },
	{ HF_DETECT_OPENAT, "evt.rawres = 0", ALL & ~FAILURE },
	{ HF_DETECT_OPENAT, "not evt.rawres < 0", ALL & ~FAILURE },
	{ HF_DETECT_OPENAT, "evt.rawres = -2", ALL },
	{ HF_DETECT_OPENAT, "evt.rawres <= 0", ALL },
	{ HF_DETECT_OPENAT, "evt.rawres in (0, 1)", ALL },
	{ HF_DETECT_CONNECT, "evt.rawres >= 0 or evt.res = EINPROGRESS", ALL },
	{ HF_DETECT_OPENAT, "evt.res = SUCCESS", ALL & ~FAILURE },
	{ HF_DETECT_OPENAT, "evt.res != SUCCESS", ALL },
	{ HF_DETECT_OPENAT, "evt.res startswith E", ALL },
	{ HF_DETECT_OPENAT, "evt.failed = false", ALL & ~FAILURE },
	{ HF_DETECT_OPENAT, "evt.failed = true", ALL },
	/* Opens. What creates may be told for either. */
	{ HF_DETECT_OPENAT, "evt.is_open_write = true", ALL & ~READ },
	{ HF_DETECT_OPENAT, "evt.is_open_write = false", ALL & ~WRITE },
	{ HF_DETECT_OPENAT, "not evt.is_open_write = true", ALL & ~WRITE },
	{ HF_DETECT_OPENAT, "evt.is_open_read = true", ALL },
	{ HF_DETECT_OPENAT, "evt.is_open_read = false", ALL & ~READ },
	{ HF_DETECT_OPENAT, "evt.is_open_exec = true", ALL & ~(READ | WRITE) },
	{ HF_DETECT_OPENAT, "evt.is_open_create = true", ALL & ~(READ | WRITE) },
	{ HF_DETECT_OPENAT, "evt.is_open_write = true or evt.is_open_read = true", ALL },
	{ HF_DETECT_CREAT, "evt.is_open_write = true", ALL },
	/* Code. */
	{ HF_DETECT_MPROTECT, "evt.arg.prot contains PROT_EXEC", ALL | EXECUTABLE },
	{ HF_DETECT_MPROTECT, "not evt.arg.prot contains PROT_EXEC", ALL },
	{ HF_DETECT_MPROTECT, "evt.arg.prot contains PROT_EXEC or proc.name=x", ALL },
	{ HF_DETECT_MPROTECT, "evt.arg.prot contains PROT", ALL },
	{ HF_DETECT_OPENAT, "evt.arg.prot contains PROT_EXEC", ALL },
	{ HF_DETECT_WRITE, "evt.buffer bstartswith 7f454c46", ALL | ELF },
	{ HF_DETECT_PWRITE, "evt.type=pwrite and evt.buffer bstartswith 7f454c460201", ALL | ELF },
	{ HF_DETECT_WRITE, "evt.buffer bstartswith 7f454c", ALL },
	{ HF_DETECT_WRITE, "evt.buffer bcontains 7f454c46", ALL },
	{ HF_DETECT_WRITE, "evt.buffer bstartswith 7f454c46 or (evt.type=openat and proc.name=x)", ALL | ELF },
	{ HF_DETECT_WRITE, "evt.buffer bstartswith 7f454c46 or proc.name=x", ALL },
};

static void test_conditions_narrow_what_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_arena *arena = NULL;
		struct rule_syntax_error error;
		struct rule_node *tree;
		uint32_t wants;

		assert_int_equal(policy_arena_new(&arena), 0);
		assert_int_equal(rule_condition_parse(cases[i].condition, strlen(cases[i].condition), RULE_DEPTH_MAX, arena, &tree, &error), 0);
		wants = detect_narrow(tree, cases[i].type);
		if (wants != cases[i].wants)
			fail_msg("%s: 0x%x, wanted 0x%x", cases[i].condition, wants, cases[i].wants);
		policy_arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions_narrow_what_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
