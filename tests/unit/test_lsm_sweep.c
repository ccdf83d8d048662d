// SPDX-License-Identifier: Apache-2.0
/* Sweeping a real hash map: what matches goes, the rest stays, in few system calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>

#include "bpf-lsm/abi.h"
#include "enforcer/lsm_sweep.h"
#include "enforcer/util.h"

#define ENTRIES 100000u
#define SETS 7u

static int make_map(uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = 1 /* BPF_F_NO_PREALLOC */);
	struct hf_catalog_value value = { .ctime_ns = 1 };
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "sweep", sizeof(struct hf_catalog_key), sizeof(value), ENTRIES, &options);

	assert_true(fd >= 0);
	for (uint32_t i = 0; i < entries; i++) {
		struct hf_catalog_key key = { .ino = i, .layer_set = 1 + i % SETS };

		assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
	}
	return fd;
}

struct question {
	uint32_t layer_set; /* 0: all */
	uint32_t asked;
	int delete_too; /* map to take the key out of, meanwhile; -1: none */
};

static bool is_of(const void *key, void *data)
{
	const struct hf_catalog_key *k = key;
	struct question *question = data;
	bool matches = !question->layer_set || k->layer_set == question->layer_set;

	question->asked++;
	if (matches && question->delete_too >= 0 && k->ino % 2)
		bpf_map_delete_elem(question->delete_too, key);
	return matches;
}

static int64_t sweep(int fd, struct question *question)
{
	return lsm_sweep(fd, sizeof(struct hf_catalog_key), sizeof(struct hf_catalog_value), is_of, question);
}

static uint32_t count_of(uint32_t set)
{
	return ENTRIES / SETS + (set - 1 < ENTRIES % SETS);
}

static void test_one_set_goes_and_the_others_stay(void **state)
{
	int fd = make_map(ENTRIES);
	struct question question = { .layer_set = 3, .delete_too = -1 };

	(void)state;
	assert_int_equal(sweep(fd, &question), count_of(3));
	assert_int_equal(question.asked, ENTRIES);
	question.asked = 0;
	assert_int_equal(sweep(fd, &question), 0);
	assert_int_equal(question.asked, ENTRIES - count_of(3));
	question.layer_set = 0;
	assert_int_equal(sweep(fd, &question), ENTRIES - count_of(3));
	question.asked = 0;
	assert_int_equal(sweep(fd, &question), 0);
	assert_int_equal(question.asked, 0);
	close(fd);
}

/* Others take keys out between the look and the removal. */
static void test_keys_that_go_by_themselves_are_no_error(void **state)
{
	int fd = make_map(ENTRIES);
	struct question question = { .layer_set = 0, .delete_too = fd };
	int64_t removed = sweep(fd, &question);

	(void)state;
	assert_in_range(removed, 1, ENTRIES / 2);
	question.delete_too = -1;
	assert_int_equal(sweep(fd, &question), 0);
	close(fd);
}

static void test_no_map_is_an_error(void **state)
{
	struct question question = { .delete_too = -1 };

	(void)state;
	assert_int_equal(sweep(-1, &question), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_set_goes_and_the_others_stay),
		cmocka_unit_test(test_keys_that_go_by_themselves_are_no_error),
		cmocka_unit_test(test_no_map_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
