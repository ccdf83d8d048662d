// SPDX-License-Identifier: Apache-2.0
/* One comparison, driven with fakes: what the kernel half is told for each course of things. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/settle_work.h"
#include "imagedb/imagedb.h"

#define NOW (1000 * NSEC_PER_SEC)
#define OLD (NOW - NSEC_PER_SEC)
#define BYTES 5
#define NOTHING UINT32_MAX /* no answer is given to the kernel half */

/* A course of things, and what must come of it. */
struct course {
	const char *name;
	int open_err;
	int ask_err;
	bool silent;	     /* no hook answers */
	uint32_t begin, end; /* enum hf_settle_status; 0: BEGUN, DONE */
	bool has_image, copies;
	uint64_t image_bytes, ctime_ns; /* 0: BYTES, OLD */
	int image_err, hash_err, find_err;
	char digest, image_digest; /* the first byte of each */
	bool no_sha, image_no_sha; /* the file's digest, the image's, lacks SHA-256 */
	enum settle_result result;
	uint32_t kind; /* told to the kernel half, or NOTHING */
	uint32_t entry;
	unsigned int hashes; /* files that are read */
};

#define IMAGE .has_image = true
#define COPY .copies = true

static const struct course courses[] = {
	{ "equal", IMAGE, .result = SETTLE_RESULT_DONE, .kind = HF_SETTLED_EQUAL, .hashes = 1 },
	{ "one byte", IMAGE, .digest = 1, .result = SETTLE_RESULT_DONE, .kind = HF_SETTLED_DIFFERENT, .hashes = 1 },
	{ "another length is not read", IMAGE, .image_bytes = 6, .result = SETTLE_RESULT_DONE, .kind = HF_SETTLED_DIFFERENT },
	{ "a digest without SHA-256 proves nothing", IMAGE, .no_sha = true, .result = SETTLE_RESULT_LATER, .kind = NOTHING, .hashes = 1 },
	{ "nor does the image's", IMAGE, .image_no_sha = true, .result = SETTLE_RESULT_LATER, .kind = NOTHING },
	{ "gone", IMAGE, .open_err = -ENOENT, .result = SETTLE_RESULT_DONE, .kind = NOTHING },
	{ "cannot be mapped", IMAGE, .ask_err = -ENODEV, .result = SETTLE_RESULT_DONE, .kind = NOTHING },
	{ "being written", IMAGE, .begin = HF_SETTLE_WRITER, .result = SETTLE_RESULT_LATER, .kind = NOTHING },
	{ "the image's own bytes", IMAGE, .begin = HF_SETTLE_ORIGINAL, .result = SETTLE_RESULT_DONE, .kind = NOTHING },
	{ "not of this container", IMAGE, .begin = HF_SETTLE_FOREIGN, .result = SETTLE_RESULT_DONE, .kind = NOTHING },
	{ "no room", IMAGE, .begin = HF_SETTLE_FULL, .result = SETTLE_RESULT_DONE, .kind = NOTHING },
	{ "no hook answers", IMAGE, .silent = true, .result = SETTLE_RESULT_DONE, .kind = NOTHING },
	{ "changed a moment ago", IMAGE, .ctime_ns = NOW - 1, .result = SETTLE_RESULT_LATER, .kind = NOTHING },
	{ "changed a tick ago", IMAGE, .ctime_ns = NOW - SETTLE_STILL_NS + 1, .result = SETTLE_RESULT_LATER, .kind = NOTHING },
	{ "changed two ticks ago", IMAGE, .ctime_ns = NOW - SETTLE_STILL_NS, .result = SETTLE_RESULT_DONE,
	  .kind = HF_SETTLED_EQUAL, .hashes = 1 },
	{ "a change that has not been yet", IMAGE, .ctime_ns = NOW + NSEC_PER_SEC, .result = SETTLE_RESULT_LATER,
	  .kind = NOTHING },
	{ "the image has no digest yet", IMAGE, .image_err = -EAGAIN, .result = SETTLE_RESULT_LATER, .kind = NOTHING },
	{ "it changes while it is read", IMAGE, .hash_err = -EAGAIN, .result = SETTLE_RESULT_LATER, .kind = NOTHING, .hashes = 1 },
	{ "the child dies", IMAGE, .hash_err = -EPIPE, .result = SETTLE_RESULT_LATER, .kind = NOTHING, .hashes = 1 },
	{ "opened for writing meanwhile", IMAGE, .end = HF_SETTLE_MOVED, .result = SETTLE_RESULT_LATER,
	  .kind = HF_SETTLED_EQUAL, .hashes = 1 },
	{ "written to at the end", IMAGE, .end = HF_SETTLE_WRITER, .result = SETTLE_RESULT_LATER, .kind = HF_SETTLED_EQUAL,
	  .hashes = 1 },

	{ "a copy", COPY, .result = SETTLE_RESULT_DONE, .kind = HF_SETTLED_COPY, .entry = HF_ENTRY_EXECUTABLE, .hashes = 1 },
	{ "a copy of nothing", COPY, .find_err = -ENOENT, .result = SETTLE_RESULT_DONE, .kind = HF_SETTLED_ASKED, .hashes = 1 },
	{ "a copy with capabilities", COPY, .hash_err = -EPERM, .result = SETTLE_RESULT_DONE, .kind = HF_SETTLED_ASKED,
	  .hashes = 1 },
	{ "a copy, not all digests are known", COPY, .find_err = -EAGAIN, .result = SETTLE_RESULT_LATER, .kind = NOTHING,
	  .hashes = 1 },
	{ "a copy made a moment ago", COPY, .ctime_ns = NOW, .result = SETTLE_RESULT_LATER, .kind = NOTHING },
	{ "over an image file it is no copy", IMAGE, .copies = true, .digest = 1, .result = SETTLE_RESULT_DONE,
	  .kind = HF_SETTLED_DIFFERENT, .hashes = 1 },
};

struct fake {
	const struct course *course;
	uint32_t kind, entry;
	unsigned int hashes, opened;
};

static int fake_open(const struct settle_file *file, void *data)
{
	struct fake *fake = data;

	assert_string_equal(file->path, "bin/x");
	fake->opened++;
	return fake->course->open_err ? fake->course->open_err : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int fake_ask(int fd, const struct hf_settling *question, struct hf_settling *ret, void *data)
{
	const struct course *c = ((struct fake *)data)->course;
	struct fake *fake = data;

	assert_true(fd >= 0);
	assert_int_equal(question->container, 42);
	assert_int_equal(question->layer_set, 5);
	assert_int_equal(question->root_dev, 77);
	assert_int_equal(question->on_overlay, 1);
	*ret = *question;
	ret->bytes = BYTES;
	ret->ctime_ns = c->ctime_ns ? c->ctime_ns : OLD;
	if (question->question == HF_SETTLE_BEGIN) {
		assert_int_equal(question->kind, c->copies ? HF_SETTLED_COPY : HF_SETTLED_ASKED);
		ret->image.ino = c->has_image ? 9 : 0;
		ret->image_bytes = c->image_bytes ? c->image_bytes : BYTES;
		ret->status = c->silent ? HF_SETTLE_PENDING : c->begin ? c->begin : HF_SETTLE_BEGUN;
		return c->ask_err;
	}
	fake->kind = question->kind;
	fake->entry = question->entry;
	ret->status = c->end ? c->end : HF_SETTLE_DONE;
	return 0;
}

static int fill(bool no_sha, char first, uint64_t size, struct imagedb_digest *ret)
{
	*ret = (struct imagedb_digest){ .size = size, .algorithms = IMAGEDB_ALGORITHM_XXH3_128 };
	if (!no_sha)
		ret->algorithms |= IMAGEDB_ALGORITHM_SHA256;
	ret->sha256[0] = (uint8_t)first;
	return 0;
}

static int fake_hash(int fd, const struct hf_settling *state, bool plain, struct imagedb_digest *ret, void *data)
{
	struct fake *fake = data;

	assert_true(fd >= 0);
	assert_int_equal(plain, !fake->course->has_image);
	fake->hashes++;
	return fake->course->hash_err ? fake->course->hash_err : fill(fake->course->no_sha, fake->course->digest, state->bytes, ret);
}

static int fake_image(const struct settle_file *file, const struct hf_settling *state, struct imagedb_digest *ret, void *data)
{
	const struct course *c = ((struct fake *)data)->course;

	assert_int_equal(file->place.container, 42);
	return c->image_err ? c->image_err : fill(c->image_no_sha, c->image_digest, state->image_bytes, ret);
}

static int fake_find(const struct settle_file *file, const struct imagedb_digest *digest, uint32_t *ret_entry, void *data)
{
	assert_int_equal(file->place.container, 42);
	assert_int_equal(digest->size, BYTES);
	*ret_entry = HF_ENTRY_EXECUTABLE;
	return ((struct fake *)data)->course->find_err;
}

static uint64_t fake_now(void *data)
{
	(void)data;
	return NOW;
}

static void test_each_course_ends_as_it_must(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(courses); i++) {
		const struct course *c = &courses[i];
		struct fake fake = { .course = c, .kind = NOTHING };
		const struct settle_ops ops = { fake_open, fake_ask, fake_hash, fake_image, fake_find, fake_now, &fake };
		const struct settle_file file = { .place = { .container = 42, .layer_set = 5, .root_dev = 77,
							     .on_overlay = true, .copies = c->copies },
						  .path = (char *)"bin/x" };
		enum settle_result result = settle_compare(&ops, &file);

		if (result != c->result || fake.kind != c->kind || fake.hashes != c->hashes || fake.opened != 1 ||
		    (c->kind == HF_SETTLED_COPY && fake.entry != c->entry))
			fail_msg("%s: result %d kind %u hashes %u", c->name, result, fake.kind, fake.hashes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_course_ends_as_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
