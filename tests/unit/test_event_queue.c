// SPDX-License-Identifier: Apache-2.0
/* Events that wait for digests: order, how long, floods, answers that come late or never, and why there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "enforcer/container.h"
#include "enforcer/event_queue.h"
#include "enforcer/util.h"

#define WAIT_NS 1000u
#define FILE_BYTES 77u

struct sample {
	struct hf_event record;
	char data[16];
};

/* Who is asked: known files are answered at once, others when the test says so. */
struct oracle {
	int answer; /* of the call */
	unsigned int asked;
	size_t room; /* questions it takes at once */
	size_t n;
	struct {
		digests_done_fn done;
		void *data;
		struct digest_request request;
		char path[64];
	} waiting[EVENT_QUEUE_LENGTH + 8];
};

struct fixture {
	struct oracle oracle;
	struct event_queue *queue;
	struct sample samples[2 * EVENT_QUEUE_LENGTH];
	size_t n;
	struct container container;
	unsigned int answers;
	unsigned int late;
	char late_line[4096];
};

static struct imagedb_digest digest_of(uint64_t ino)
{
	struct imagedb_digest digest = { .algorithms = IMAGEDB_ALGORITHM_SHA256, .size = FILE_BYTES };

	memset(digest.sha256, (int)ino, sizeof(digest.sha256));
	return digest;
}

static int oracle_ask(struct digests *digests, const struct digest_request *request, digests_done_fn done, void *data,
		      struct imagedb_digest *ret)
{
	struct oracle *oracle = (struct oracle *)(void *)digests;

	oracle->asked++;
	if (oracle->answer == 0)
		*ret = digest_of(request->ino);
	if (oracle->answer != -EINPROGRESS)
		return oracle->answer;
	if (oracle->n == oracle->room)
		return -EBUSY;
	assert_in_range(request->path_len, 1, sizeof(oracle->waiting[0].path) - 1);
	oracle->waiting[oracle->n].done = done;
	oracle->waiting[oracle->n].data = data;
	oracle->waiting[oracle->n].request = *request;
	memcpy(oracle->waiting[oracle->n++].path, request->path, request->path_len);
	return -EINPROGRESS;
}

/* Answers the question about an inode. */
static void oracle_say(struct oracle *oracle, uint64_t ino, int err)
{
	struct imagedb_digest digest = digest_of(ino);

	for (size_t i = 0; i < oracle->n; i++) {
		digests_done_fn done = oracle->waiting[i].done;
		void *data = oracle->waiting[i].data;

		if (oracle->waiting[i].request.ino != ino)
			continue;
		oracle->waiting[i] = oracle->waiting[--oracle->n];
		done(err, err ? NULL : &digest, data);
		return;
	}
	fail_msg("nobody asked for %llu", (unsigned long long)ino);
}

static void on_answer(void *data)
{
	((struct fixture *)data)->answers++;
}

static void on_late(const char *line, size_t bytes, void *data)
{
	struct fixture *f = data;

	f->late++;
	assert_in_range(bytes, 1, sizeof(f->late_line) - 1);
	memcpy(f->late_line, line, bytes);
	f->late_line[bytes] = '\0';
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct event_queue_options options = {
		.ask = oracle_ask, .digests = (struct digests *)(void *)&f->oracle, .wait_ns = WAIT_NS,
		.on_answer = on_answer, .on_late = on_late, .data = f,
	};

	f->oracle.answer = -EINPROGRESS;
	f->oracle.room = EVENT_QUEUE_LENGTH + 8;
	f->container = (struct container){ .facts = { .id = strdup("abc") }, .pid = 50 };
	assert_int_equal(event_queue_new(&options, &f->queue), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	while (f->oracle.n > 0)
		oracle_say(&f->oracle, f->oracle.waiting[0].request.ino, -ECANCELED);
	event_queue_free(&f->queue);
	free(f->container.facts.id);
	free(f);
	return 0;
}

static struct sample *add(struct fixture *f, uint64_t ino, uint64_t now)
{
	struct sample *s = &f->samples[f->n++ % ARRAY_SIZE(f->samples)];
	struct event_context context = { .container = &f->container, .seq = event_queue_told(f->queue) + 1 };
	struct event_queue_record item = { .record = &s->record, .bytes = sizeof(*s), .next = ino * 8, .context = &context };

	if (!s->record.version) {
		s->record = (struct hf_event){ .version = HF_EVENT_VERSION, .slot = HF_SLOT_FIRST, .path_bytes = 6,
					       .file_bytes = FILE_BYTES, .pid = 51, .dev = 9, .generation = 3, .ctime_ns = 4 };
		s->record.bytes = sizeof(s->record) + 6;
		memcpy(s->data, "x/tmp/", 6);
	}
	s->record.ino = ino;
	assert_int_equal(event_queue_add(f->queue, &item, now), 0);
	return s;
}

/* The inode, and the digest's first two digits or why it is missing: "7 07", "7 timeout"; "-" when it waits. */
static const char *head(struct fixture *f, uint64_t now, bool hurry)
{
	static char text[64];
	struct event_queue_head head;
	struct json_object *event, *file, *inode, *sha256, *missing = NULL;

	if (!event_queue_head(f->queue, now, hurry, &head))
		return "-";
	if (!head.line)
		return head.error ? "unreadable record" : "nothing";
	event = json_tokener_parse(head.line);
	assert_true(json_object_object_get_ex(event, "file", &file));
	assert_true(json_object_object_get_ex(file, "inode", &inode));
	assert_true(json_object_object_get_ex(file, "sha256", &sha256));
	assert_int_equal(json_object_object_get_ex(file, "sha256_missing", &missing), sha256 == NULL);
	assert_int_equal(head.next, json_object_get_uint64(inode) * 8);
	snprintf(text, sizeof(text), "%llu %.*s", (unsigned long long)json_object_get_uint64(inode), sha256 ? 2 : 20,
		 json_object_get_string(sha256 ? sha256 : missing));
	json_object_put(event);
	return text;
}

#define CHECK_NEXT(f, now, expected)                                    \
	do {                                                            \
		assert_string_equal(head((f), (now), false), expected); \
		event_queue_remove((f)->queue);                         \
	} while (0)

static void test_known_digest_needs_no_wait(void **state)
{
	struct fixture *f = *state;

	f->oracle.answer = 0;
	add(f, 7, 0);
	CHECK_NEXT(f, 0, "7 07");
	assert_true(event_queue_is_empty(f->queue));
	assert_int_equal(f->answers, 0);
}

static void test_order_is_kept_whatever_is_answered_first(void **state)
{
	struct fixture *f = *state;

	for (uint64_t ino = 1; ino <= 3; ino++)
		add(f, ino, 0);
	assert_int_equal(f->oracle.n, 3); /* all were asked at once */
	oracle_say(&f->oracle, 3, 0);
	oracle_say(&f->oracle, 2, 0);
	assert_string_equal(head(f, 1, false), "-");
	oracle_say(&f->oracle, 1, 0);
	assert_int_equal(f->answers, 3);
	CHECK_NEXT(f, 1, "1 01");
	CHECK_NEXT(f, 1, "2 02");
	CHECK_NEXT(f, 1, "3 03");
	assert_int_equal(f->late, 0);
}

static void test_question_names_the_very_file(void **state)
{
	struct fixture *f = *state;
	const struct digest_request *request = &f->oracle.waiting[0].request;

	add(f, 7, 0)->record.container = 0;
	assert_string_equal(f->oracle.waiting[0].path, "/tmp/x");
	assert_int_equal(request->pid, 51);
	assert_int_equal(request->init, 50);
	assert_int_equal(request->dev, 9);
	assert_int_equal(request->generation, 3);
	assert_int_equal(request->size, FILE_BYTES);
	assert_int_equal(request->ctime_ns, 4);
}

static void test_wait_ends_and_the_answer_follows(void **state)
{
	struct fixture *f = *state;

	add(f, 7, 100);
	assert_string_equal(head(f, 100 + WAIT_NS - 1, false), "-");
	CHECK_NEXT(f, 100 + WAIT_NS, "7 timeout");
	memset(&f->samples[0], 0xee, sizeof(f->samples[0])); /* its place in the ring is another's by now */
	free(f->container.facts.id);
	f->container.facts.id = NULL;
	oracle_say(&f->oracle, 7, 0);
	assert_int_equal(f->late, 1);
	assert_non_null(strstr(f->late_line, "known\",\"seq\":1,"));
	assert_non_null(strstr(f->late_line, "\"container\":{\"id\":\"abc\"},\"file\":{\"path\":\"/tmp/x\","));
	assert_non_null(strstr(f->late_line, "\"inode\":7,\"generation\":3,\"size\":77,\"sha256\":\"0707"));
	assert_int_equal(f->answers, 0);
}

static void test_late_failure_says_nothing_more(void **state)
{
	struct fixture *f = *state;

	add(f, 7, 0);
	CHECK_NEXT(f, WAIT_NS, "7 timeout");
	oracle_say(&f->oracle, 7, -ENOENT);
	assert_int_equal(f->late, 0);
}

static void test_flood_waits_for_nobody(void **state)
{
	struct fixture *f = *state;

	for (uint64_t ino = 1; ino <= EVENT_QUEUE_LENGTH; ino++) {
		assert_false(event_queue_is_full(f->queue));
		add(f, ino, 0);
	}
	assert_true(event_queue_is_full(f->queue));
	assert_string_equal(head(f, 0, false), "-");
	assert_string_equal(head(f, 0, true), "1 flood");
	event_queue_remove(f->queue);
	assert_false(event_queue_is_full(f->queue));
	oracle_say(&f->oracle, 2, 0);
	assert_string_equal(head(f, 0, true), "2 02");
}

/* Nobody had time: asked again while the event waits, and given up as what it is. */
static void test_refused_question_is_asked_again(void **state)
{
	struct fixture *f = *state;

	f->oracle.room = 1;
	for (uint64_t ino = 1; ino <= 3; ino++)
		add(f, ino, 0);
	assert_int_equal(f->oracle.n, 1);
	oracle_say(&f->oracle, 1, 0);
	CHECK_NEXT(f, 0, "1 01");
	assert_string_equal(head(f, 0, false), "-");
	assert_int_equal(f->oracle.n, 1); /* the second one got its turn */
	oracle_say(&f->oracle, 2, 0);
	f->oracle.room = 0;
	CHECK_NEXT(f, 0, "2 02");
	CHECK_NEXT(f, WAIT_NS, "3 flood");
}

static void test_failures_have_their_words(void **state)
{
	static const struct {
		int err;
		const char *expected;
	} rows[] = {
		{ -ENOENT, "7 gone" },	  { -ESRCH, "7 gone" },	      { -ESTALE, "7 changed" },	   { -EFBIG, "7 too-large" },
		{ -EACCES, "7 unreadable" }, { -ETIMEDOUT, "7 timeout" }, { -EOPNOTSUPP, "7 unreadable" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->oracle.answer = -EINPROGRESS;
		add(f, 7, 0);
		oracle_say(&f->oracle, 7, rows[i].err);
		CHECK_NEXT(f, 0, rows[i].expected);
		f->oracle.answer = rows[i].err;
		add(f, 7, 0);
		CHECK_NEXT(f, 0, rows[i].expected);
	}
}

/* What was hashed has another length than what was tried: not the same file. */
static void test_digest_of_another_length_is_refused(void **state)
{
	struct fixture *f = *state;

	add(f, 7, 0)->record.file_bytes = FILE_BYTES + 1;
	oracle_say(&f->oracle, 7, 0);
	CHECK_NEXT(f, 0, "7 changed");
}

static void test_file_without_a_path_is_not_asked_for(void **state)
{
	static const struct {
		uint32_t flags;
		enum hf_reason reason;
		uint16_t path_bytes;
		const char *expected;
		enum hf_op op;
	} rows[] = {
		{ 0, HF_REASON_PROCESS_MEMORY, 6, "7 not-code", HF_OP_PROCESS_MEMORY },
		{ 0, HF_REASON_PTRACE, 6, "7 not-code", HF_OP_PTRACE },
		{ 0, HF_REASON_MEMFD, 6, "7 no-file", HF_OP_EXEC },
		{ 0, HF_REASON_ANONYMOUS_CODE, 0, "7 no-file", HF_OP_MMAP },
		{ HF_EVENT_DELETED, HF_REASON_DELETED, 6, "7 gone", HF_OP_EXEC },
		{ HF_EVENT_MEMFD, HF_REASON_SCRIPT, 6, "7 no-file", HF_OP_READ },
		{ HF_EVENT_WRITABLE, HF_REASON_ADDED, 6, "7 written-to", HF_OP_EXEC },
		{ HF_EVENT_PATH_CUT, HF_REASON_ADDED, 6, "7 unreadable", HF_OP_EXEC },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hf_event *record = &f->samples[f->n].record;

		*record = (struct hf_event){ .version = HF_EVENT_VERSION, .path_bytes = rows[i].path_bytes,
					     .bytes = sizeof(*record) + 6, .flags = rows[i].flags,
					     .reason = (uint8_t)rows[i].reason, .op = (uint8_t)rows[i].op };
		memcpy(f->samples[f->n].data, "x/tmp/", 6);
		add(f, 7, 0);
		CHECK_NEXT(f, 0, rows[i].expected);
	}
	assert_int_equal(f->oracle.asked, 0);
}

static void test_untold_and_unreadable_records_keep_their_place(void **state)
{
	struct fixture *f = *state;
	struct sample bad = { .record = { .version = HF_EVENT_VERSION + 1 } };
	struct event_context context = { 0 };
	struct event_queue_record canary = { .record = &bad.record, .bytes = sizeof(bad), .next = 8 };
	struct event_queue_record broken = { .record = &bad.record, .bytes = sizeof(bad), .next = 16, .context = &context };
	struct event_queue_record cut = { .record = &bad.record, .bytes = 7, .next = 24, .context = &context };

	assert_int_equal(event_queue_add(f->queue, &canary, 0), 0);
	assert_int_equal(event_queue_add(f->queue, &broken, 0), 0);
	assert_int_equal(event_queue_add(f->queue, &cut, 0), 0);
	assert_int_equal(event_queue_told(f->queue), 0);
	CHECK_NEXT(f, 0, "nothing");
	CHECK_NEXT(f, 0, "unreadable record");
	CHECK_NEXT(f, 0, "unreadable record");
	assert_int_equal(event_queue_told(f->queue), 0);
	assert_int_equal(f->oracle.asked, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_known_digest_needs_no_wait),
		TEST(test_order_is_kept_whatever_is_answered_first),
		TEST(test_question_names_the_very_file),
		TEST(test_wait_ends_and_the_answer_follows),
		TEST(test_late_failure_says_nothing_more),
		TEST(test_flood_waits_for_nobody),
		TEST(test_refused_question_is_asked_again),
		TEST(test_failures_have_their_words),
		TEST(test_digest_of_another_length_is_refused),
		TEST(test_file_without_a_path_is_not_asked_for),
		TEST(test_untold_and_unreadable_records_keep_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
