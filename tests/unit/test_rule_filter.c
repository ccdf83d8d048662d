// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions as programs: what is true, what must not compile and why, and what evaluation costs in questions asked.
 */
#include "policies/rules/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An event: texts by field, and how often each was asked for. */
struct event {
	const char *name, *type, *path;
	const struct rule_value *ancestors;
	unsigned asked, asked_name;
};

static void put_text(const char *text, struct rule_value *ret)
{
	if (text)
		*ret = (struct rule_value){ .kind = RULE_VALUE_TEXT, .n = (uint32_t)strlen(text), .text = text };
}

static void extract(void *data, const struct rule_field_use *use, struct rule_value *ret)
{
	struct event *event = data;

	event->asked++;
	event->asked_name += strcmp(use->text, "proc.name") == 0;
	if (strcmp(use->text, "proc.name") == 0)
		put_text(event->name, ret);
	else if (strcmp(use->text, "evt.type") == 0)
		put_text(event->type, ret);
	else if (strcmp(use->text, "fd.name") == 0)
		put_text(event->path, ret);
	else if (strcmp(use->text, "proc.aname") == 0 && event->ancestors)
		*ret = *event->ancestors;
	else if (strcmp(use->text, "fd.num") == 0)
		put_text("3", ret); /* of the wrong kind */
}

struct setup {
	struct policy_arena *arena;
	struct rule_program *program;
	struct rule_facts *facts;
	struct rule_filter_error err;
};

static struct setup begin(void)
{
	struct setup s = { 0 };

	assert_int_equal(policy_arena_new(&s.arena), 0);
	assert_int_equal(rule_program_new(s.arena, NULL, 0, &s.program), 0);
	return s;
}

static struct rule_node *parse(struct setup *s, const char *text)
{
	struct rule_syntax_error err;
	struct rule_node *node = NULL;

	if (rule_condition_parse(text, strlen(text), RULE_DEPTH_MAX_RULE, s->arena, &node, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return node;
}

static struct rule_filter *compile(struct setup *s, const char *text)
{
	struct rule_filter *filter = NULL;

	if (rule_filter_compile(s->program, parse(s, text), &filter, &s->err) < 0)
		fail_msg("%s: %s", text, s->err.message);
	return filter;
}

static bool match(struct setup *s, const struct rule_filter *filter, struct event *event)
{
	if (!s->facts)
		assert_int_equal(rule_facts_new(s->program, extract, s->arena, &s->facts), 0);
	rule_facts_begin(s->facts, event);
	return rule_filter_match(filter, s->facts);
}

static void test_fact_is_extracted_once_for_all_filters(void **state)
{
	struct setup s = begin();
	struct event event = { .name = "cat", .type = "open" };
	const struct rule_filter *first = compile(&s, "proc.name = a or proc.name = b or proc.name in (c, d)");
	const struct rule_filter *second = compile(&s, "not proc.name startswith c or toupper(proc.name) = X");

	(void)state;
	assert_false(match(&s, first, &event));
	assert_false(rule_filter_match(second, s.facts));
	assert_int_equal(event.asked_name, 1);
	assert_false(match(&s, first, &event));
	assert_int_equal(event.asked_name, 2);
	policy_arena_free(&s.arena);
}

static void test_missing_is_false_for_every_operator(void **state)
{
	static const char *const conditions[] = {
		"proc.name = a",	   "proc.name != a",	       "proc.name in (a)",     "proc.name startswith a",
		"proc.name glob *",	   "proc.name regex .*",       "proc.name pmatch (/)", "proc.name exists",
		"proc.name != oneof (a)", "len(proc.name) >= 0",      "evt.type = val(proc.name)", "proc.aname != a",
		"fd.num >= 0",		   "concat(proc.name, 'x') exists",
	};
	struct event event = { .type = "open" };

	(void)state;
	for (size_t i = 0; i < COUNT(conditions); i++) {
		struct setup s = begin();

		if (match(&s, compile(&s, conditions[i]), &event))
			fail_msg("%s is true", conditions[i]);
		policy_arena_free(&s.arena);
	}
}

static void test_ancestors_match_if_any_does(void **state)
{
	struct rule_value items[2] = { 0 }, list = { .kind = RULE_VALUE_LIST, .n = 2, .items = items };
	struct event event = { .name = "cat", .ancestors = &list };
	struct setup s = begin();
	const struct rule_filter *is = compile(&s, "proc.aname = systemd"), *is_not = compile(&s, "proc.aname != systemd");

	(void)state;
	put_text("sh", &items[0]);
	put_text("systemd", &items[1]);
	assert_true(match(&s, is, &event));
	assert_true(match(&s, is_not, &event));
	items[0] = items[1];
	assert_false(match(&s, is_not, &event));
	list.n = 0;
	assert_false(match(&s, is, &event));
	assert_false(match(&s, is_not, &event));
	policy_arena_free(&s.arena);
}

static const struct {
	const char *condition;
	enum rule_filter_error_kind kind;
	uint32_t offset;
	const char *message; /* part of it */
} refused[] = {
	{ "proc.name = a and proc.nobody = b", RULE_FILTER_UNKNOWN_FIELD, 18, "filter_check called with nonexistent field proc.nobody" },
	{ "evt.type in (open, oops)", RULE_FILTER_UNKNOWN_EVENT_TYPE, 19, "unknown event type oops" },
	{ "evt.arg.oops = 1", RULE_FILTER_INVALID, 0, "unknown event argument oops" },
	{ "fd.num = x", RULE_FILTER_INVALID, 9, "x is not a valid number" },
	{ "fd.num startswith 1", RULE_FILTER_INVALID, 0, "'startswith' operator not supported for numeric filters" },
	{ "proc.name bcontains 00", RULE_FILTER_INVALID, 0, "'bcontains' operator not supported for string filters" },
	{ "fd.types = file", RULE_FILTER_INVALID, 0, "'=' operator not supported for list filters" },
	{ "fd.ip contains 1", RULE_FILTER_INVALID, 0, "not supported for ip address and network filters" },
	{ "evt.is_io = yes", RULE_FILTER_INVALID, 12, "unrecognized boolean value yes" },
	{ "fd.sport = nosuch", RULE_FILTER_INVALID, 11, "unrecognized protocol nosuch" },
	{ "fd.snet = 10.0.0.0/40", RULE_FILTER_INVALID, 10, "invalid netmask 40" },
	{ "toupper(proc.aname) = X", RULE_FILTER_INVALID, 0, "does not support transformers" },
	{ "toupper(proc.name)[1] = X", RULE_FILTER_INVALID, 0, "takes no field argument" },
	{ "proc.name = val(proc.aname[1])", RULE_FILTER_INVALID, 0, "can't be used as a right-hand side field" },
	{ "proc.name regex val(proc.exe)", RULE_FILTER_INVALID, 0, "doesn't support right-hand side fields" },
	{ "proc.name = \"a\\x00b\"", RULE_FILTER_INVALID, 12, "byte 0" },
	{ "some_macro", RULE_FILTER_INVALID, 0, "Undefined macro 'some_macro'" },
	{ "proc.name regex '['", RULE_FILTER_INVALID, 16, "invalid regex pattern" },
};

static void test_refused_says_what_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct setup s = begin();
		struct rule_filter *filter;

		assert_int_equal(rule_filter_compile(s.program, parse(&s, refused[i].condition), &filter, &s.err), -EINVAL);
		if (s.err.kind != refused[i].kind || s.err.offset != refused[i].offset || !strstr(s.err.message, refused[i].message))
			fail_msg("%s: %d at %u: %s", refused[i].condition, s.err.kind, s.err.offset, s.err.message);
		policy_arena_free(&s.arena);
	}
}

static const struct {
	const char *condition, *warning; /* NULL: none */
} warned[] = {
	{ "proc.name = proc.pname", "'proc.pname' may be a valid field misused as a const string value" },
	{ "proc.name in (a, evt.arg.flags)", "'evt.arg.flags' may be a valid field misused" },
	{ "proc.name = 'toupper( proc.pname)'", "'toupper( proc.pname)' may be a valid field transformer misused" },
	{ "fd.name regex '.*abc'", "use the operator 'endswith'" },
	{ "fd.name regex 'abc.*'", "use the operator 'startswith'" },
	{ "fd.name regex '.*abc.*'", "use the operator 'contains'" },
	{ "fd.name regex abc", "use the operator '='" },
	{ "fd.name regex '.*a[bc].*'", NULL },
	{ "fd.name = proc.notafield", NULL },
};

static void test_warnings_name_what_is_hardly_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(warned); i++) {
		struct setup s = begin();
		const struct rule_filter_warning *first = rule_filter_warnings(compile(&s, warned[i].condition));
		const struct rule_filter_warning *again = rule_filter_warnings(compile(&s, warned[i].condition));

		if (!warned[i].warning != !first || !first != !again)
			fail_msg("%s: %s", warned[i].condition, first ? first->message : "no warning");
		if (first)
			assert_non_null(strstr(first->message, warned[i].warning));
		policy_arena_free(&s.arena);
	}
}

static const struct {
	const char *condition;
	unsigned n; /* 0: all */
	const char *has, *has_not;
} typed[] = {
	{ "evt.type = open", 1, "open", "openat" },
	{ "evt.type in (open, openat) and proc.name = a", 2, "openat", "creat" },
	{ "evt.type = open or proc.name = a", 0, "creat", NULL },
	{ "not evt.type = open", 0, "creat", "open" },
	{ "evt.type != open and evt.type != creat", 0, "openat", "creat" },
	{ "not (evt.type = open and proc.name = a)", 0, "open", NULL },
	{ "not (evt.type != open or proc.name = a)", 1, "open", "creat" },
	{ "not not evt.type = drift", 1, "drift", "open" },
	{ "evt.type exists", 0, "open", NULL },
};

static void test_event_types_are_those_that_can_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(typed); i++) {
		struct setup s = begin();
		const struct rule_event_set *set = rule_filter_event_types(compile(&s, typed[i].condition));

		if (typed[i].n)
			assert_int_equal(rule_event_set_count(set), typed[i].n);
		assert_true(rule_event_set_has(set, (unsigned)rule_event_type_find(typed[i].has, strlen(typed[i].has))));
		if (typed[i].has_not)
			assert_false(rule_event_set_has(set, (unsigned)rule_event_type_find(typed[i].has_not, strlen(typed[i].has_not))));
		policy_arena_free(&s.arena);
	}
}

static void test_equal_conditions_are_one_check(void **state)
{
	struct setup s = begin();
	const struct rule_filter *first = compile(&s, "(proc.name = a or fd.name contains b) and evt.type = open");
	const struct rule_filter *second = compile(&s, "evt.type = creat and (proc.name = a or fd.name contains b)");
	const struct rule_filter *third = compile(&s, "(proc.name = a or fd.name contains b) and evt.type = open");

	(void)state;
	assert_ptr_equal(first->root, third->root);
	assert_ptr_equal(first->root->children[0], second->root->children[1]);
	assert_true(first->root->children[0]->memo > 0);
	/* "a, b" in one value is not two values. */
	assert_ptr_not_equal(compile(&s, "proc.name in (a, b)")->root, compile(&s, "proc.name in ('a, b')")->root);
	assert_ptr_not_equal(compile(&s, "proc.env[A] = a")->root, compile(&s, "proc.env[B] = a")->root);
	assert_ptr_not_equal(compile(&s, "proc.name = oneof (a, b)")->root, compile(&s, "proc.name = anyof (a, b)")->root);
	assert_ptr_not_equal(compile(&s, "proc.name = proc.aname")->root, compile(&s, "proc.name = 'proc.aname '")->root);
	policy_arena_free(&s.arena);
}

static void test_remembered_results_end_with_the_event(void **state)
{
	struct setup s = begin();
	struct event yes = { .name = "a", .type = "open" }, no = { .name = "b", .type = "open" };
	const struct rule_filter *first = compile(&s, "(proc.name = a or fd.name contains b) and evt.type = open");
	const struct rule_filter *second = compile(&s, "(proc.name = a or fd.name contains b) and evt.type != creat");

	(void)state;
	assert_true(match(&s, first, &yes));
	assert_true(rule_filter_match(second, s.facts));
	s.facts->epoch = (1U << 31) - 1; /* the numbers of events wrap */
	assert_false(match(&s, second, &no)); /* the first event of that number was another */
	assert_int_equal(s.facts->epoch, 1);
	assert_false(rule_filter_match(first, s.facts));
	assert_true(match(&s, first, &yes));
	assert_false(match(&s, first, &no));
	assert_false(rule_filter_match(second, s.facts));
	policy_arena_free(&s.arena);
}

static void test_set_sees_each_events_own_text(void **state)
{
	struct setup s = begin();
	struct event yes = { .name = "cat" }, no = { .name = "dog" }, long_name = { .name = "cats-and-dogs" };
	const struct rule_filter *filter = compile(&s, "proc.name in (cat, cow, cats-and-dogs)");

	(void)state;
	assert_true(match(&s, filter, &yes));
	assert_false(match(&s, filter, &no));
	assert_true(match(&s, filter, &long_name));
	assert_true(match(&s, filter, &yes));
	policy_arena_free(&s.arena);
}

static const struct {
	const char *text, *condition;
	bool is;
} contained[] = {
	{ "abc", "fd.name contains abc", true },
	{ "abc", "fd.name contains abcd", false },
	{ "aaab", "fd.name contains aab", true },
	{ "aaba", "fd.name contains aaa", false },
	{ "xxabc", "fd.name contains bc", true },
	{ "xxab", "fd.name contains abc", false },
	{ "abxx", "fd.name contains b", true },
	{ "", "fd.name contains a", false },
	{ "", "fd.name contains ''", true },
	{ "0123456789012345678901234567890123456789x", "fd.name contains 0123456789012345678901234567890123456789x", true },
	{ "x0123456789012345678901234567890123456789", "fd.name contains 012345678901234567890123456789012345678x", false },
	{ "aBc", "fd.name icontains Bc", true },
	{ "aBC", "fd.name icontains bcd", false },
	{ "aBC", "fd.name icontains C", true },
};

static void test_part_is_found_wherever_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(contained); i++) {
		struct setup s = begin();
		struct event event = { .path = contained[i].text };

		if (match(&s, compile(&s, contained[i].condition), &event) != contained[i].is)
			fail_msg("%s: %s", contained[i].text, contained[i].condition);
		policy_arena_free(&s.arena);
	}
}

static void test_scratch_overflow_is_missing_and_counted(void **state)
{
	static char path[RULE_SCRATCH_BYTES / 2];
	struct setup s = begin();
	struct event event = { .path = path };
	const struct rule_filter *filter = compile(&s, "concat(fd.name, fd.name, fd.name) exists");
	const struct rule_filter *other = compile(&s, "tolower(fd.name) exists");

	(void)state;
	memset(path, 'A', sizeof(path) - 1);
	assert_false(match(&s, filter, &event));
	assert_int_equal(rule_facts_overflows(s.facts), 1);
	for (int i = 0; i < 4; i++)
		assert_true(match(&s, other, &event)); /* each event has the memory to itself */
	assert_int_equal(rule_facts_overflows(s.facts), 1);
	policy_arena_free(&s.arena);
}

/* Of the address sanitizer, which unit tests run under. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static size_t allocations;

static void count_malloc(const volatile void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
	allocations++;
}

static void ignore_free(const volatile void *memory)
{
	(void)memory;
}

static void test_evaluation_allocates_nothing(void **state)
{
	struct setup s = begin();
	struct event event = { .name = "cat", .type = "open", .path = "/srv/data/x" };
	const struct rule_filter *filter =
		compile(&s, "evt.type = open and (fd.name regex '/[a-z]+/x' or toupper(fd.name) glob '/SRV/*x?' or "
			    "getopt(('-a', '-b'), 'ab') intersects (c) or fd.name pmatch (/a, /b/*) or join('-', (proc.name, 'x')) = y)");

	(void)state;
	match(&s, filter, &event);
	assert_true(__sanitizer_install_malloc_and_free_hooks(count_malloc, ignore_free) > 0);
	allocations = 0;
	for (int i = 0; i < 100; i++)
		match(&s, filter, &event);
	assert_int_equal(allocations, 0);
	assert_non_null(policy_arena_copy(s.arena, "the hook counts", 1 << 3));
	policy_arena_free(&s.arena);
	assert_int_equal(policy_arena_new(&s.arena), 0);
	assert_true(allocations > 0);
	policy_arena_free(&s.arena);
}

static void test_set_finds_what_is_in_it_only(void **state)
{
	char texts[512][16];
	struct rule_value values[256];
	const struct rule_text_set *set;
	struct policy_arena *arena = NULL;

	(void)state;
	assert_int_equal(policy_arena_new(&arena), 0);
	for (unsigned i = 0; i < COUNT(texts); i++)
		snprintf(texts[i], sizeof(texts[i]), "%.*s%u", (int)(i % 9), "abcdefghi", i * 7919);
	for (unsigned i = 0; i < COUNT(values); i++)
		put_text(texts[i], &values[i]);
	assert_int_equal(rule_text_set_new(values, sizeof(*values), COUNT(values), arena, &set), 0);
	for (unsigned i = 0; i < COUNT(texts); i++) {
		uint32_t n = (uint32_t)strlen(texts[i]);

		assert_int_equal(rule_text_set_has(set, texts[i], n, rule_text_hash(texts[i], n)), i < COUNT(values));
		if (i < COUNT(values))
			assert_true(rule_text_set_may_have(set, n));
	}
	assert_false(rule_text_set_has(set, "", 0, rule_text_hash("", 0)));
	policy_arena_free(&arena);
}

static void test_host_names_of_conditions_are_known(void **state)
{
	struct setup s = begin();
	const char *const *names;

	(void)state;
	compile(&s, "fd.sip.name in (a.example, b.example) or fd.cip.name = a.example or proc.name = c.example");
	assert_int_equal(rule_program_names(s.program, &names), 2);
	assert_string_equal(names[0], "a.example");
	assert_string_equal(names[1], "b.example");
	policy_arena_free(&s.arena);
}

static void test_use_by_text_is_the_same_number(void **state)
{
	struct setup s = begin();
	const struct rule_field_use *const *uses;
	uint32_t ref, again;

	(void)state;
	compile(&s, "proc.aname[2] = a and evt.arg.flags = b and evt.rawarg.res = -1");
	assert_int_equal(rule_program_use(s.program, "proc.aname[2]", &ref, &s.err), 0);
	assert_int_equal(rule_program_use(s.program, "evt.arg.flags", &again, &s.err), 0);
	assert_int_equal(rule_program_uses(s.program, &uses), 3);
	assert_true(uses[ref]->indexed && uses[ref]->index == 2);
	assert_string_equal(uses[again]->argument, "flags");
	assert_int_equal(uses[2]->field->type, RULE_TYPE_SIGNED);
	assert_int_equal(rule_program_use(s.program, "proc.aname[2", &ref, &s.err), -EINVAL);
	assert_int_equal(rule_program_use(s.program, "proc.oops", &ref, &s.err), -EINVAL);
	policy_arena_free(&s.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fact_is_extracted_once_for_all_filters),
		cmocka_unit_test(test_missing_is_false_for_every_operator),
		cmocka_unit_test(test_ancestors_match_if_any_does),
		cmocka_unit_test(test_refused_says_what_and_where),
		cmocka_unit_test(test_warnings_name_what_is_hardly_meant),
		cmocka_unit_test(test_event_types_are_those_that_can_match),
		cmocka_unit_test(test_equal_conditions_are_one_check),
		cmocka_unit_test(test_remembered_results_end_with_the_event),
		cmocka_unit_test(test_set_sees_each_events_own_text),
		cmocka_unit_test(test_part_is_found_wherever_it_is),
		cmocka_unit_test(test_scratch_overflow_is_missing_and_counted),
		cmocka_unit_test(test_evaluation_allocates_nothing),
		cmocka_unit_test(test_set_finds_what_is_in_it_only),
		cmocka_unit_test(test_host_names_of_conditions_are_known),
		cmocka_unit_test(test_use_by_text_is_the_same_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
