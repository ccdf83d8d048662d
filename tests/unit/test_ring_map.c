// SPDX-License-Identifier: Apache-2.0
/*
 * The ring's reader: on an image of a ring, where every header can be written that a kernel would not write, and on a map of
 * the kernel, filled by a program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sys/mman.h>

#include "enforcer/ring_map.h"
#include "enforcer/util.h"

#define RING_BYTES 4096u
#define NUMBER_BYTES 8 /* of what the program below puts into a ring */
#define BUSY BPF_RINGBUF_BUSY_BIT
#define DISCARD BPF_RINGBUF_DISCARD_BIT

struct fixture {
	int fd;
	char *pages; /* consumer's page, producers' page, data: once, as it is mapped */
	struct ring_map *map;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t bytes = 2 * 4096 + RING_BYTES;

	f->fd = memfd_create("ring", MFD_CLOEXEC);
	assert_int_equal(ftruncate(f->fd, (off_t)bytes), 0);
	f->pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_ptr_not_equal(f->pages, MAP_FAILED);
	assert_int_equal(ring_map_open(f->fd, RING_BYTES, &f->map), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ring_map_close(&f->map);
	munmap(f->pages, 2 * 4096 + RING_BYTES);
	close_fd(&f->fd);
	free(f);
	return 0;
}

static void set_positions(struct fixture *f, uint64_t consumer, uint64_t producer)
{
	memcpy(f->pages, &consumer, sizeof(consumer));
	memcpy(f->pages + 4096, &producer, sizeof(producer));
}

/* Writes bytes at a position. */
static void put(struct fixture *f, uint64_t at, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		f->pages[2 * 4096 + (at + i) % RING_BYTES] = ((const char *)bytes)[i];
	}
}

/* A record of n bytes at a position; where the next one begins. */
static uint64_t put_record(struct fixture *f, uint64_t at, uint32_t n, uint32_t flags, char c)
{
	uint32_t header[2] = { n | flags, 3 };
	char data[RING_BYTES];

	memset(data, c, sizeof(data));
	put(f, at, header, sizeof(header));
	put(f, at + 8, data, n);
	return at + 8 + ((n + 7) & ~7u);
}

static void test_records_are_seen_until_taken(void **state)
{
	struct fixture *f = *state;
	struct ring_record record;
	uint64_t second = put_record(f, 0, 5, 0, 'a'), end = put_record(f, second, 100, 0, 'b');

	set_positions(f, 0, end);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(ring_map_position(f->map), 0);
		assert_int_equal(ring_map_peek(f->map, 0, &record), RING_RECORD);
		assert_int_equal(record.bytes, 5);
		assert_memory_equal(record.data, "aaaaa", 5);
		assert_int_equal(record.next, second);
		assert_int_equal(ring_map_peek(f->map, second, &record), RING_RECORD);
		assert_int_equal(record.bytes, 100);
		assert_int_equal(ring_map_count(f->map), 2);
	}
	ring_map_take(f->map, second);
	assert_int_equal(ring_map_position(f->map), second);
	assert_int_equal(ring_map_count(f->map), 1);
	ring_map_take(f->map, end);
	assert_int_equal(ring_map_peek(f->map, end, &record), RING_EMPTY);
	assert_int_equal(ring_map_count(f->map), 0);
}

/* As a killed daemon's successor finds it. */
static void test_what_was_not_taken_is_there_for_the_next_reader(void **state)
{
	struct fixture *f = *state;
	struct ring_record record;
	uint64_t end = put_record(f, put_record(f, 0, 8, 0, 'a'), 8, 0, 'b');

	set_positions(f, 0, end);
	ring_map_take(f->map, 16);
	ring_map_close(&f->map);
	assert_int_equal(ring_map_open(f->fd, RING_BYTES, &f->map), 0);
	assert_int_equal(ring_map_peek(f->map, ring_map_position(f->map), &record), RING_RECORD);
	assert_memory_equal(record.data, "bbbbbbbb", 8);
}

static void test_wrapped_record_reads_in_one_piece(void **state)
{
	struct fixture *f = *state;
	uint64_t at = 10 * RING_BYTES - 24, end = put_record(f, at, 40, 0, 'w');
	struct ring_record record;
	char expected[40];

	memset(expected, 'w', sizeof(expected));
	set_positions(f, at, end);
	assert_int_equal(ring_map_peek(f->map, at, &record), RING_RECORD);
	assert_memory_equal(record.data, expected, sizeof(expected));
	assert_int_equal(record.next, end);
}

/* Each cut, from the header alone before the ring's end to the last byte alone behind it; and what was seen stays seen. */
static void test_wrapped_record_stays_until_it_is_taken(void **state)
{
	struct fixture *f = *state;

	for (uint64_t before = 8; before <= 48; before += 8) {
		uint64_t at = 7 * RING_BYTES - before, behind = put_record(f, at, 40, 0, (char)('a' + before)), end;
		struct ring_record wrapped, other;
		char expected[40];

		end = put_record(f, behind, 16, 0, 'x');
		memset(expected, (int)('a' + before), sizeof(expected));
		set_positions(f, at, end);
		assert_int_equal(ring_map_peek(f->map, at, &wrapped), RING_RECORD);
		assert_int_equal(wrapped.bytes, 40);
		assert_int_equal(ring_map_peek(f->map, behind, &other), RING_RECORD);
		assert_memory_equal(other.data, "xxxxxxxxxxxxxxxx", 16);
		assert_int_equal((uintptr_t)wrapped.data % 8, 0);
		assert_memory_equal(wrapped.data, expected, sizeof(expected));
		ring_map_take(f->map, behind);
		assert_memory_equal(other.data, "xxxxxxxxxxxxxxxx", 16);
		/* The next one to wrap at the same place in the ring is another. */
		memset(expected, 'n', sizeof(expected));
		put_record(f, at + RING_BYTES, 40, 0, 'n');
		set_positions(f, at + RING_BYTES, at + RING_BYTES + 48);
		assert_int_equal(ring_map_peek(f->map, at + RING_BYTES, &wrapped), RING_RECORD);
		assert_memory_equal(wrapped.data, expected, sizeof(expected));
	}
}

static void test_full_ring_is_read(void **state)
{
	struct fixture *f = *state;
	uint64_t at = RING_BYTES / 2;
	struct ring_record record;

	set_positions(f, at, put_record(f, at, RING_BYTES - 8, 0, 'f'));
	assert_int_equal(ring_map_peek(f->map, at, &record), RING_RECORD);
	assert_int_equal(record.bytes, RING_BYTES - 8);
}

static void test_flags_are_told_and_stepped_over(void **state)
{
	struct fixture *f = *state;
	struct ring_record record;
	uint64_t busy = put_record(f, 0, 16, DISCARD, 'd'), last = put_record(f, busy, 16, BUSY, 'y');

	set_positions(f, 0, put_record(f, last, 16, 0, 'r'));
	assert_int_equal(ring_map_peek(f->map, 0, &record), RING_DISCARDED);
	assert_int_equal(record.next, busy);
	assert_int_equal(ring_map_peek(f->map, busy, &record), RING_BUSY);
	assert_int_equal(record.next, last);
	assert_int_equal(ring_map_peek(f->map, last, &record), RING_RECORD);
	assert_int_equal(ring_map_count(f->map), 1);
	put_record(f, busy, 16, BUSY | DISCARD, 'y');
	assert_int_equal(ring_map_peek(f->map, busy, &record), RING_BUSY);
	put_record(f, busy, 16, 0, 'y');
	assert_int_equal(ring_map_peek(f->map, busy, &record), RING_RECORD);
	assert_int_equal(ring_map_count(f->map), 2);
}

static void test_garbage_is_refused_and_left_behind(void **state)
{
	static const struct {
		uint64_t consumer, producer;
		uint32_t length;
	} rows[] = {
		{ 0, 64, 57 },			/* longer than what was produced */
		{ 0, 64, 0x3fffffff },		/* longer than any ring */
		{ 0, 64, 0x3fffffff | DISCARD },
		{ 0, 64, 0x3fffffff | BUSY },
		{ 0, 64, RING_BYTES },
		{ 0, RING_BYTES + 8, 8 },	/* more than the ring holds */
		{ 64, 0, 8 },			/* beyond the producers */
		{ 4, 64, 8 },			/* between two words */
		{ 0, 4, 0 },			/* half a header */
		{ UINT64_MAX - 7, 64, RING_BYTES },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ring_record record = { .next = 77 };

		memset(f->pages + 2 * 4096, 0, RING_BYTES);
		put(f, rows[i].consumer & ~7ull, &rows[i].length, 4);
		if (rows[i].consumer % 8)
			put(f, rows[i].consumer, &rows[i].length, 4);
		set_positions(f, rows[i].consumer, rows[i].producer);
		assert_int_equal(ring_map_peek(f->map, rows[i].consumer, &record), RING_BROKEN);
		assert_int_equal(record.next, 77);
		assert_int_equal(ring_map_count(f->map), 0);
		assert_int_equal(ring_map_skip_all(f->map), rows[i].producer - rows[i].consumer);
		assert_int_equal(ring_map_peek(f->map, ring_map_position(f->map), &record), RING_EMPTY);
	}
}

static void test_sizes_that_no_ring_has_are_refused(void **state)
{
	static const size_t sizes[] = { 0, 1, 2048, 4097, 12288, (size_t)1 << 40 };
	struct fixture *f = *state;
	struct ring_map *map = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_int_equal(ring_map_open(f->fd, sizes[i], &map), -EINVAL);
	assert_int_equal(ring_map_open(-1, RING_BYTES, &map), -EBADF);
	assert_null(map);
}

/* A program that puts the number in its context into the ring, and returns what the kernel said to that. */
static int load_producer(int map_fd)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .src_reg = BPF_REG_2, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -8 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map_fd },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = NUMBER_BYTES },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ringbuf_output },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE);

	return bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "fill", "GPL", code, ARRAY_SIZE(code), &options);
}

/* True when the ring took it. */
static bool produce(int prog, uint64_t number)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &number, .ctx_size_in = sizeof(number));

	assert_int_equal(bpf_prog_test_run_opts(prog, &options), 0);
	return options.retval == 0;
}

static void open_kernel_ring(int *ret_fd, int *ret_prog, struct ring_map **ret)
{
	*ret_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, RING_BYTES, NULL);
	*ret_prog = *ret_fd < 0 ? -1 : load_producer(*ret_fd);
	if (*ret_prog < 0) {
		printf("skip: this machine loads no BPF program: %s\n", strerror(errno));
		close_fd(ret_fd);
		skip();
	}
	assert_int_equal(ring_map_open(*ret_fd, RING_BYTES, ret), 0);
}

/* Many rounds of fill until it is full, read, take: every number once and in order, and the refusals are all that is missing. */
static void test_ring_of_the_kernel_is_read_in_order(void **state)
{
	_cleanup_(ring_map_close) struct ring_map *map = NULL;
	_cleanup_(close_fd) int fd = -1, prog = -1;
	uint64_t number = 0, expected = 0;

	(void)state;
	open_kernel_ring(&fd, &prog, &map);
	for (int round = 0; round < 50; round++) {
		struct ring_record record;
		uint64_t at = ring_map_position(map);
		size_t kept = (size_t)round % 7;

		while (produce(prog, number))
			number++;
		assert_int_equal(ring_map_count(map), number - expected);
		while (ring_map_count(map) > kept) {
			assert_int_equal(ring_map_peek(map, at, &record), RING_RECORD);
			assert_int_equal(record.bytes, NUMBER_BYTES);
			assert_int_equal(*(const uint64_t *)record.data, expected++);
			at = record.next;
			ring_map_take(map, at);
		}
	}
	assert_true(number > 50 * (RING_BYTES / (8 + NUMBER_BYTES) - 8));
}

static void test_descriptor_is_readable_while_something_waits(void **state)
{
	_cleanup_(ring_map_close) struct ring_map *map = NULL;
	_cleanup_(close_fd) int fd = -1, prog = -1;
	struct pollfd poller = { .events = POLLIN };
	struct ring_record record;

	(void)state;
	open_kernel_ring(&fd, &prog, &map);
	poller.fd = fd;
	assert_int_equal(poll(&poller, 1, 0), 0);
	assert_true(produce(prog, 1));
	assert_int_equal(poll(&poller, 1, 0), 1);
	assert_int_equal(ring_map_peek(map, 0, &record), RING_RECORD);
	assert_int_equal(poll(&poller, 1, 0), 1);
	ring_map_take(map, record.next);
	assert_int_equal(poll(&poller, 1, 0), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records_are_seen_until_taken),
		TEST(test_what_was_not_taken_is_there_for_the_next_reader),
		TEST(test_wrapped_record_reads_in_one_piece),
		TEST(test_wrapped_record_stays_until_it_is_taken),
		TEST(test_full_ring_is_read),
		TEST(test_flags_are_told_and_stepped_over),
		TEST(test_garbage_is_refused_and_left_behind),
		TEST(test_sizes_that_no_ring_has_are_refused),
		cmocka_unit_test(test_ring_of_the_kernel_is_read_in_order),
		cmocka_unit_test(test_descriptor_is_readable_while_something_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
