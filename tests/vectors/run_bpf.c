// SPDX-License-Identifier: Apache-2.0
/*
 * The vectors, asked of the kernel: the same questions through decide.bpf.c and natively, answers compared byte for byte.
 * Where loading programs is not permitted, each test is skipped by name.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/vectors/vectors.h"
/* Last: the skeleton only names struct vector_slot. */
#include "decide.skel.h"

#define RANDOM_ROUNDS 100
#define SWEEP_STRIDE 29 /* coprime to every field of the sweep, so that all values of each are met */
#define SEED 0x6b65726e656cull

static struct decide_bpf *program;
static int load_error;

static int ignore_messages(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int load(void **state)
{
	(void)state;
	libbpf_set_print(ignore_messages);
	program = decide_bpf__open_and_load();
	load_error = program ? 0 : errno;
	return 0;
}

static int unload(void **state)
{
	(void)state;
	decide_bpf__destroy(program);
	return 0;
}

/* A program that the kernel finds wrong is a failure; only one that it does not take from us is a skip. */
static void need_program(void)
{
	if (program)
		return;
	if (load_error != EPERM && load_error != EACCES)
		fail_msg("the program does not load: %s", strerror(load_error));
	print_message("skip: this kernel does not let us load programs (%s)\n", strerror(load_error));
	skip();
}

static struct vector_slot *slots(void)
{
	return program->bss->slots;
}

/* Asks the first n questions, and answers them natively too. */
static void compare(__u32 n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	program->bss->n_slots = n;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program->progs.decide_all), &opts), 0);
	assert_int_equal(opts.retval, 0);
	assert_int_equal(program->bss->n_answered, n);
	for (__u32 i = 0; i < n; i++) {
		struct vector_slot *slot = &slots()[i];
		struct hf_decision native = decide(&slot->facts, &slot->policy, (int)slot->paused);

		if (memcmp(&native, &slot->got, sizeof(native)) != 0)
			print_message("bits %#x op %u subject %u volume %u detail %u\n", slot->facts.bits, slot->facts.op,
				      slot->facts.subject, slot->facts.volume, slot->facts.detail);
		assert_memory_equal(&native, &slot->got, sizeof(native));
		memset(&slot->got, 0xff, sizeof(slot->got));
	}
}

static void test_rows_answer_as_written_in_the_kernel(void **state)
{
	const struct vector *row;
	__u32 n = 0;

	(void)state;
	need_program();
	for (; (row = vector_at(n)); n++) {
		assert_in_range(n, 0, SLOTS_MAX - 1);
		vector_slot_of(row, &slots()[n]);
	}
	program->bss->n_slots = n;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program->progs.decide_all), NULL), 0);
	for (__u32 i = 0; i < n; i++) {
		row = vector_at(i);
		if (memcmp(&row->want, &slots()[i].got, sizeof(row->want)) != 0)
			print_message("%s\n", row->name);
		assert_memory_equal(&row->want, &slots()[i].got, sizeof(row->want));
	}
}

static void test_combinations_answer_the_same_in_the_kernel(void **state)
{
	struct hf_policy policy;
	__u32 n = 0;

	(void)state;
	need_program();
	vector_policy(VECTOR_POLICY_DEFAULT, &policy);
	for (uint64_t i = 0; i < SWEEP_CASES; i += SWEEP_STRIDE) {
		struct vector_slot *slot = &slots()[n++];

		sweep_facts(i, &slot->facts);
		slot->policy = policy;
		slot->paused = i & 1;
		if (n == SLOTS_MAX) {
			compare(n);
			n = 0;
		}
	}
	compare(n);
}

static void test_random_questions_answer_the_same_in_the_kernel(void **state)
{
	uint64_t seed = SEED;

	(void)state;
	need_program();
	for (int round = 0; round < RANDOM_ROUNDS; round++) {
		for (__u32 n = 0; n < SLOTS_MAX; n++)
			sweep_random(&seed, &slots()[n]);
		compare(SLOTS_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_answer_as_written_in_the_kernel),
		cmocka_unit_test(test_combinations_answer_the_same_in_the_kernel),
		cmocka_unit_test(test_random_questions_answer_the_same_in_the_kernel),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
