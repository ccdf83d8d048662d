// SPDX-License-Identifier: Apache-2.0
/* Recordings: what was written is read again; what was damaged is refused; records made by hand through the decoder. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "enforcer/stream_record.h"
#include "enforcer/util.h"

static struct stream_decoder decoder;

/* A record under construction. */
struct made {
	struct hf_detect_head head;
	unsigned char data[8192];
};

static void begin(struct made *m, enum hf_detect_type type)
{
	memset(m, 0, sizeof(*m));
	m->head.version = HF_DETECT_VERSION;
	m->head.type = (uint16_t)type;
	m->head.bytes = sizeof(m->head);
	m->head.pid = m->head.tid = 42;
}

static void put(struct made *m, enum hf_detect_kind kind, const void *bytes, size_t n, unsigned int flags)
{
	struct hf_detect_section section = { .kind = (uint16_t)kind, .flags = (uint16_t)flags, .bytes = (uint32_t)n };
	unsigned char *at = m->data + m->head.bytes - sizeof(m->head);

	memcpy(at, &section, sizeof(section));
	memcpy(at + sizeof(section), bytes, n);
	m->head.bytes += (uint32_t)(sizeof(section) + ((n + 8) & ~(size_t)7));
	m->head.sections++;
}

static void put_text(struct made *m, enum hf_detect_kind kind, const char *text)
{
	put(m, kind, text, strlen(text), 0);
}

static int decode(const struct made *m, struct stream_event *event)
{
	return stream_decode(&decoder, m, m->head.bytes, event);
}

static void test_paths_found_by_walking_up_are_turned_round(void **state)
{
	static const struct {
		const char *walk, *path;
		unsigned int flags;
	} rows[] = {
		{ "x.so/tmp/", "/tmp/x.so", 0 }, { "", "/", 0 },	       { "/", "/", 0 },
		{ "etc/", "/etc", 0 },		 { "memfd:x/", "/memfd:x", 0 }, { "c/b/", ".../b/c", HF_DETECT_CUT },
	};
	struct stream_event event;
	struct made m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(&m, HF_DETECT_OPENAT);
		put(&m, HF_DETECT_KIND_REAL, rows[i].walk, strlen(rows[i].walk), rows[i].flags);
		assert_int_equal(decode(&m, &event), 0);
		assert_string_equal(event.real.data, rows[i].path);
		assert_int_equal(event.real.len, strlen(rows[i].path));
		assert_null(event.path.data);
	}
}

static void test_damaged_records_are_refused(void **state)
{
	struct stream_event event;
	struct made m;

	(void)state;
	begin(&m, HF_DETECT_OPENAT);
	put_text(&m, HF_DETECT_KIND_PATH, "/etc/passwd");
	assert_int_equal(decode(&m, &event), 0);
	assert_int_equal(stream_decode(&decoder, &m, m.head.bytes - 8, &event), -EBADMSG);
	assert_int_equal(stream_decode(&decoder, &m, 8, &event), -EBADMSG);
	m.head.version++;
	assert_int_equal(decode(&m, &event), -EPROTO);
	m.head.version--;
	m.head.type = _HF_DETECT_MAX;
	assert_int_equal(decode(&m, &event), -EBADMSG);
	m.head.type = HF_DETECT_OPENAT;
	((struct hf_detect_section *)(void *)m.data)->bytes = 100;
	assert_int_equal(decode(&m, &event), -EBADMSG);
	((struct hf_detect_section *)(void *)m.data)->bytes = 8; /* no NUL behind */
	assert_int_equal(decode(&m, &event), -EBADMSG);
	begin(&m, HF_DETECT_OPENAT);
	put_text(&m, HF_DETECT_KIND_PATH, "/a");
	put_text(&m, HF_DETECT_KIND_PATH, "/b");
	assert_int_equal(decode(&m, &event), -EBADMSG);
	begin(&m, HF_DETECT_OPENAT);
	put_text(&m, HF_DETECT_KIND_FILE, "short");
	assert_int_equal(decode(&m, &event), -EBADMSG);
	begin(&m, HF_DETECT_OPENAT);
	put_text(&m, _HF_DETECT_KIND_MAX, "of a later version");
	assert_int_equal(decode(&m, &event), 0);
}

/* A recording of one process and one event, in memory. */
static int record(void)
{
	const struct stream_record_header header = { .boot_to_real_ns = -5, .hostname = "node", .version = "1" };
	struct process p = { .pid = 42, .ppid = 1, .start_ns = 99, .comm = "sh", .uid = 7, .host = true };
	struct process_tree *tree = NULL;
	struct stream_writer *writer;
	struct stream_event event;
	struct made m;
	int fd = memfd_create("recording", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(process_tree_new(0, NULL, NULL, &tree), 0);
	p.args = process_text_new("sh\0-c\0id", 9, true);
	p.exepath = process_text_new("/bin/sh", 7, false);
	assert_int_equal(process_tree_add(tree, &p), 0);
	process_text_unref(&p.args);
	process_text_unref(&p.exepath);
	begin(&m, HF_DETECT_OPENAT);
	put_text(&m, HF_DETECT_KIND_PATH, "/etc/shadow");
	assert_int_equal(decode(&m, &event), 0);
	assert_int_equal(stream_writer_new(fd, &header, &writer), 0);
	assert_int_equal(stream_writer_put_tree(writer, tree), 0);
	assert_int_equal(stream_writer_put(writer, STREAM_FRAME_CONTAINER, "opaque", 6), 0);
	assert_int_equal(stream_writer_put_event(writer, &event), 0);
	assert_int_equal(stream_writer_put(writer, STREAM_FRAME_USERS, &m, STREAM_FRAME_BYTES_MAX + 1), -EMSGSIZE);
	assert_int_equal(stream_writer_close(&writer, 3), 0);
	assert_null(writer);
	process_tree_free(&tree);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void test_what_was_written_is_read_again(void **state)
{
	struct stream_record_header header;
	struct process_tree *tree = NULL;
	struct stream_reader *reader;
	static struct stream_item item;
	int fd = record();

	(void)state;
	assert_int_equal(stream_reader_new(fd, &reader, &header), 0);
	assert_int_equal(header.boot_to_real_ns, -5);
	assert_string_equal(header.hostname, "node");
	assert_int_equal(stream_reader_next(reader, &item), 1);
	assert_int_equal(item.kind, STREAM_FRAME_PROCESS);
	assert_int_equal(item.process.pid, 42);
	assert_int_equal(item.process.uid, 7);
	assert_true(item.process.host && item.process.args->cut);
	assert_int_equal(item.process.args->len, 9);
	assert_memory_equal(item.process.args->data, "sh\0-c\0id", 9);
	assert_int_equal(process_tree_new(0, NULL, NULL, &tree), 0);
	assert_int_equal(process_tree_add(tree, &item.process), 0);
	assert_int_equal(stream_reader_next(reader, &item), 1);
	assert_int_equal(item.kind, STREAM_FRAME_CONTAINER);
	assert_int_equal(item.n_bytes, 6);
	assert_memory_equal(item.bytes, "opaque", 6);
	assert_int_equal(stream_reader_next(reader, &item), 1);
	assert_int_equal(item.kind, STREAM_FRAME_EVENT);
	assert_string_equal(item.event.path.data, "/etc/shadow");
	assert_int_equal(stream_reader_next(reader, &item), 1);
	assert_int_equal(item.kind, STREAM_FRAME_END);
	assert_int_equal(item.end.events, 1);
	assert_int_equal(item.end.lost, 3);
	assert_int_equal(stream_reader_next(reader, &item), 0);
	stream_reader_free(&reader);
	assert_string_equal(process_tree_find(tree, 42)->exepath->data, "/bin/sh");
	process_tree_free(&tree);
	close(fd);
}

/* Reads to the end. The last answer. */
static int read_through(int fd)
{
	struct stream_record_header header;
	struct stream_reader *reader;
	static struct stream_item item;
	int r = stream_reader_new(fd, &reader, &header);

	if (r)
		return r;
	while ((r = stream_reader_next(reader, &item)) == 1)
		;
	stream_reader_free(&reader);
	return r;
}

static void test_recording_that_ends_early_is_never_taken_for_whole(void **state)
{
	int fd = record();
	off_t whole = lseek(fd, 0, SEEK_END);

	(void)state;
	for (off_t bytes = whole - 1; bytes >= 0; bytes--) {
		assert_int_equal(ftruncate(fd, bytes), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_true(read_through(fd) < 0);
	}
	close(fd);
}

static void test_recording_with_a_wrong_byte_does_no_harm(void **state)
{
	int fd = record();
	off_t whole = lseek(fd, 0, SEEK_END);

	(void)state;
	for (off_t at = 0; at < whole; at++) {
		unsigned char kept, wrong;

		assert_int_equal(pread(fd, &kept, 1, at), 1);
		for (unsigned int bit = 0; bit < 8; bit += 7) {
			wrong = (unsigned char)(kept ^ 1u << bit);
			assert_int_equal(pwrite(fd, &wrong, 1, at), 1);
			assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
			read_through(fd);
		}
		assert_int_equal(pwrite(fd, &kept, 1, at), 1);
	}
	close(fd);
}

static void test_writer_tells_that_the_disk_is_full(void **state)
{
	const struct stream_record_header header = { .hostname = "node" };
	struct stream_writer *writer = NULL;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(stream_writer_new(fd, &header, &writer), -ENOSPC);
	assert_null(writer);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_found_by_walking_up_are_turned_round),
		cmocka_unit_test(test_damaged_records_are_refused),
		cmocka_unit_test(test_what_was_written_is_read_again),
		cmocka_unit_test(test_recording_that_ends_early_is_never_taken_for_whole),
		cmocka_unit_test(test_recording_with_a_wrong_byte_does_no_harm),
		cmocka_unit_test(test_writer_tells_that_the_disk_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
