// SPDX-License-Identifier: Apache-2.0
/* The table of containers: two orders of the same objects, names, and the facts that policies see. */
#include "enforcer/container.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bpf-lsm/abi.h"
#include "enforcer/util.h"

static struct container *make(const char *id, uint64_t kernel_id, uint64_t started_ns)
{
	struct container *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->facts.id = id ? strdup(id) : NULL;
	c->kernel_id = kernel_id;
	c->started_ns = started_ns;
	return c;
}

static int add(struct container_table *table, const char *id, uint64_t kernel_id, uint64_t started_ns)
{
	struct container *c = make(id, kernel_id, started_ns);
	int err = container_table_add(table, &c);

	/* Taken on success only. */
	assert_int_equal(err == 0, c == NULL);
	container_free(&c);
	return err;
}

static struct container_table *make_table(void)
{
	struct container_table *table = NULL;

	assert_int_equal(container_table_new(&table), 0);
	return table;
}

static void check_order(struct container_table *table, const char *expected)
{
	char ids[64] = "";

	for (size_t i = 0; container_at(table, i); i++)
		strcat(ids, container_at(table, i)->facts.id);
	assert_string_equal(ids, expected);
	assert_int_equal(container_count(table), strlen(expected));
}

static void test_listing_is_in_order_of_start(void **state)
{
	struct container_table *table = make_table();
	struct container *c;

	(void)state;
	assert_int_equal(add(table, "c", 30, 300), 0);
	assert_int_equal(add(table, "a", 50, 100), 0);
	assert_int_equal(add(table, "d", 10, 300), 0);
	assert_int_equal(add(table, "b", 20, 200), 0);
	check_order(table, "abcd");
	c = container_table_take(table, 20);
	assert_string_equal(c->facts.id, "b");
	container_free(&c);
	assert_null(c);
	check_order(table, "acd");
	assert_int_equal(add(table, "e", 5, 50), 0);
	check_order(table, "eacd");
	assert_null(container_at(table, 4));
	container_table_free(&table);
	assert_null(table);
}

static void test_kernel_id_finds_the_one(void **state)
{
	struct container_table *table = make_table();
	char id[16];

	(void)state;
	assert_null(container_by_kernel_id(table, 1));
	/* 0, 7, 14, … in a mixed order. */
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "id-%u", i * 37 % 100);
		assert_int_equal(add(table, id, i * 37 % 100 * 7, i), 0);
	}
	for (unsigned int i = 0; i < 700; i++) {
		const struct container *c = container_by_kernel_id(table, i);

		assert_int_equal(c != NULL, i % 7 == 0);
		snprintf(id, sizeof(id), "id-%u", i / 7);
		if (c)
			assert_string_equal(c->facts.id, id);
	}
	assert_null(container_table_take(table, 1));
	assert_int_equal(container_count(table), 100);
	container_table_free(&table);
}

static void test_same_kernel_id_is_refused(void **state)
{
	struct container_table *table = make_table();

	(void)state;
	assert_int_equal(add(table, "a", 1, 1), 0);
	assert_int_equal(add(table, "b", 1, 1), -EEXIST);
	assert_int_equal(add(table, "b", 2, 1), 0);
	assert_int_equal(add(table, NULL, 3, 1), 0);
	assert_int_equal(add(table, NULL, 4, 1), 0);
	container_table_free(&table);
}

/* Ids of two runtimes. */
static void test_same_name_stands_for_the_last(void **state)
{
	struct container_table *table = make_table();

	(void)state;
	assert_int_equal(add(table, "same", 1, 10), 0);
	assert_int_equal(add(table, "same", 3, 30), 0);
	assert_int_equal(add(table, "same", 2, 20), 0);
	assert_int_equal(container_by_name(table, "same")->kernel_id, 3);
	assert_int_equal(container_count(table), 3);
	container_table_free(&table);
}

static void test_full_table_refuses(void **state)
{
	struct container_table *table = make_table();
	struct container *c;

	(void)state;
	for (uint64_t i = 0; i < HF_MAX_CONTAINERS; i++)
		assert_int_equal(add(table, NULL, i, i), 0);
	assert_int_equal(add(table, NULL, HF_MAX_CONTAINERS, 0), -ENOSPC);
	c = container_table_take(table, 7);
	container_free(&c);
	assert_int_equal(add(table, NULL, HF_MAX_CONTAINERS, 0), 0);
	assert_int_equal(container_at(table, 1)->kernel_id, HF_MAX_CONTAINERS);
	container_table_free(&table);
}

static void test_name_is_id_or_clear_prefix(void **state)
{
	static const struct {
		const char *name, *id;
	} rows[] = {
		{ "abcd1111", "abcd1111" },
		{ "abcd1", "abcd1111" },
		{ "abcd2", "abcd2222" },
		{ "abcd", "abcd" }, /* wholly, although others begin with it */
		{ "abc", NULL },
		{ "wxyz", "wxyz9999" },
		{ "wxy", NULL },
		{ "wxyz99990", NULL },
		{ "x", "x" },
		{ "", NULL },
		{ "none", NULL },
	};
	struct container_table *table = make_table();

	(void)state;
	add(table, NULL, 1, 1);
	add(table, "abcd1111", 2, 2);
	add(table, "abcd", 3, 3);
	add(table, "abcd2222", 4, 4);
	add(table, "wxyz9999", 5, 5);
	add(table, "x", 6, 6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct container *c = container_by_name(table, rows[i].name);

		assert_int_equal(c != NULL, rows[i].id != NULL);
		if (c)
			assert_string_equal(c->facts.id, rows[i].id);
	}
	assert_non_null(container_by_name(table, "abcd2222"));
	container_table_free(&table);
}

static void test_ambiguous_prefix_names_nobody(void **state)
{
	struct container_table *table = make_table();
	struct container *c;

	(void)state;
	add(table, "abcd1111", 1, 1);
	add(table, "abcd2222", 2, 2);
	assert_null(container_by_name(table, "abcd"));
	c = container_table_take(table, 1);
	container_free(&c);
	assert_string_equal(container_by_name(table, "abcd")->facts.id, "abcd2222");
	container_table_free(&table);
}

static void count_free(struct container *container, void *data)
{
	assert_string_equal(container->facts.id, "a");
	++*(int *)data;
}

static void test_free_tells_the_holder_once(void **state)
{
	struct container *c = make("a", 1, 1);
	int calls = 0;

	(void)state;
	c->on_free = count_free;
	c->on_free_data = &calls;
	container_free(&c);
	container_free(&c);
	container_free(NULL);
	assert_int_equal(calls, 1);
}

static void test_release_empties_facts(void **state)
{
	static const struct container_facts nothing;
	struct container_facts facts = { .id = strdup("a"), .image = strdup("b"), .program = strdup("/c") };

	(void)state;
	facts.labels = calloc(1, sizeof(*facts.labels));
	facts.labels[0] = (struct container_label){ strdup("k"), NULL };
	facts.n_labels = 1;
	container_facts_release(&facts);
	assert_memory_equal(&facts, &nothing, sizeof(facts));
	container_facts_release(&facts);
}

static void test_each_state_has_its_own_word(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < _CONTAINER_STATE_MAX; i++) {
		assert_string_not_equal(container_state_name(i), "unknown");
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(container_state_name(i), container_state_name(k));
	}
	assert_string_equal(container_state_name(_CONTAINER_STATE_MAX), "unknown");
}

static void test_policies_see_the_facts(void **state)
{
	char *id = (char[]){ "i" }, *name = (char[]){ "web" }, *ns = (char[]){ "prod" };
	struct container_label labels[] = { { (char[]){ "tier" }, (char[]){ "web" } }, { NULL, id },
					    { (char[]){ "empty" }, NULL } };
	struct container_facts facts = { .id = id, .name = name, .namespace_ = ns, .labels = labels, .n_labels = 3 };
	struct policy_facts ret;

	(void)state;
	assert_int_equal(container_policy_facts(&facts, &ret), 0);
	assert_ptr_equal(ret.container, name);
	assert_ptr_equal(ret.namespace_, ns);
	assert_null(ret.pod);
	assert_null(ret.image);
	/* A pair without a key is left out, one without a value has an empty one. */
	assert_int_equal(ret.n_labels, 2);
	assert_string_equal(ret.labels[0].key, "tier");
	assert_string_equal(ret.labels[0].value, "web");
	assert_string_equal(ret.labels[1].key, "empty");
	assert_string_equal(ret.labels[1].value, "");
	assert_int_equal(ret.n_annotations, 0);
	assert_null(ret.annotations);
	free((void *)ret.labels);
	free((void *)ret.annotations);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listing_is_in_order_of_start),
		cmocka_unit_test(test_kernel_id_finds_the_one),
		cmocka_unit_test(test_same_kernel_id_is_refused),
		cmocka_unit_test(test_same_name_stands_for_the_last),
		cmocka_unit_test(test_full_table_refuses),
		cmocka_unit_test(test_name_is_id_or_clear_prefix),
		cmocka_unit_test(test_ambiguous_prefix_names_nobody),
		cmocka_unit_test(test_free_tells_the_holder_once),
		cmocka_unit_test(test_release_empties_facts),
		cmocka_unit_test(test_each_state_has_its_own_word),
		cmocka_unit_test(test_policies_see_the_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
