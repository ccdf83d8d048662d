// SPDX-License-Identifier: Apache-2.0
/* Digests: known answers, agreement with the libraries' one-shot functions, and refusals. */
#include <openssl/sha.h>
#include <pthread.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "tests/unit/imagedb_tree.h"

#define BUSY_BYTES	(64u << 20)	/* long enough to hash that the file's times move on meanwhile */

static int make_file(const void *bytes, size_t len)
{
	int fd = memfd_create("digest", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	return fd;
}

static void assert_digest(const struct imagedb_digest *digest, const char *xxh3, const char *sha256)
{
	char hex[2 * IMAGEDB_SHA256_BYTES + 1];

	assert_int_equal(digest->algorithms, IMAGEDB_ALGORITHM_XXH3_128 | IMAGEDB_ALGORITHM_SHA256);
	assert_int_equal(imagedb_hex(digest->xxh3_128, sizeof(digest->xxh3_128), hex, sizeof(hex)), 0);
	assert_string_equal(hex, xxh3);
	assert_int_equal(imagedb_hex(digest->sha256, sizeof(digest->sha256), hex, sizeof(hex)), 0);
	assert_string_equal(hex, sha256);
}

static void test_digest_of_known_content_is_known(void **state)
{
	static const struct {
		const char *content;
		const char *xxh3;
		const char *sha256;
	} cases[] = {
		{ "", "99aa06d3014798d86001c324468d497f",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "06b05ab6733a618578af5f94892f3950",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct imagedb_digest digest;
		int fd = make_file(cases[i].content, strlen(cases[i].content));

		assert_int_equal(imagedb_digest_fd(fd, 0, &digest), 0);
		assert_int_equal(digest.size, strlen(cases[i].content));
		assert_digest(&digest, cases[i].xxh3, cases[i].sha256);
		close(fd);
	}
}

static void test_digest_of_any_length_agrees_with_one_shot(void **state)
{
	static const size_t lengths[] = { 1, 240, 241, 131071, 131072, 131073, 1000003 };
	uint8_t *bytes = malloc(1000003);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < 1000003; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint8_t sha256[SHA256_DIGEST_LENGTH];
		XXH128_canonical_t canonical;
		struct imagedb_digest digest;
		int fd = make_file(bytes, lengths[i]);

		SHA256(bytes, lengths[i], sha256);
		XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, lengths[i]));
		assert_int_equal(imagedb_digest_fd(fd, lengths[i], &digest), 0);
		assert_memory_equal(digest.sha256, sha256, sizeof(sha256));
		assert_memory_equal(digest.xxh3_128, canonical.digest, sizeof(canonical.digest));
		close(fd);
	}
	free(bytes);
}

static void test_digest_uses_and_moves_no_offset(void **state)
{
	struct imagedb_digest digest;
	int fd = make_file("abc", 3);

	(void)state;
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(imagedb_digest_fd(fd, 0, &digest), 0);
	assert_int_equal(digest.size, 3);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 2);
	close(fd);
}

static void assert_refused(int fd, uint64_t max_bytes, int error)
{
	struct imagedb_digest digest, untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	digest = untouched;
	assert_int_equal(imagedb_digest_fd(fd, max_bytes, &digest), error);
	assert_memory_equal(&digest, &untouched, sizeof(digest));
}

static void test_digest_of_what_is_no_readable_file_is_refused(void **state)
{
	int fds[2], fd;

	(void)state;
	fd = make_file("abcd", 4);
	assert_refused(fd, 3, -EFBIG);
	close(fd);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_refused(fds[0], 0, -EINVAL);
	close(fds[0]);
	close(fds[1]);
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_refused(fd, 0, -EINVAL);
	close(fd);
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_refused(fd, 0, -EINVAL);
	close(fd);
	assert_refused(-1, 0, -EBADF);
	fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	assert_refused(fd, 0, -EBADF);
	close(fd);
}

struct writer {
	int fd;
	atomic_bool stop;
	atomic_uint writes;
};

static void *keep_writing(void *data)
{
	struct writer *writer = data;
	unsigned int i = 0;

	while (!atomic_load(&writer->stop)) {
		if (pwrite(writer->fd, &i, sizeof(i), BUSY_BYTES / 2) == sizeof(i))
			atomic_store(&writer->writes, ++i);
	}
	return NULL;
}

static void test_digest_of_file_written_meanwhile_says_again(void **state)
{
	struct writer writer = { .fd = make_file("", 0) };
	struct imagedb_digest digest;
	pthread_t thread;

	(void)state;
	assert_int_equal(ftruncate(writer.fd, BUSY_BYTES), 0);
	assert_int_equal(imagedb_digest_fd(writer.fd, 0, &digest), 0);
	assert_int_equal(pthread_create(&thread, NULL, keep_writing, &writer), 0);
	while (atomic_load(&writer.writes) == 0)
		;
	assert_refused(writer.fd, 0, -EAGAIN);
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(imagedb_digest_fd(writer.fd, 0, &digest), 0);
	close(writer.fd);
}

static void test_hex_needs_room_for_all(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x9a, 0xff };
	char buf[8];

	(void)state;
	assert_int_equal(imagedb_hex(bytes, 3, buf, 7), 0);
	assert_string_equal(buf, "009aff");
	assert_int_equal(imagedb_hex(bytes, 3, buf, 6), -ENOSPC);
	assert_int_equal(imagedb_hex(bytes, 0, buf, 1), 0);
	assert_string_equal(buf, "");
	assert_int_equal(imagedb_hex(bytes, 0, buf, 0), -ENOSPC);
}

static void test_names_of_algorithms_are_known(void **state)
{
	(void)state;
	assert_string_equal(imagedb_algorithm_to_string(IMAGEDB_ALGORITHM_XXH3_128), "xxh3-128");
	assert_string_equal(imagedb_algorithm_to_string(IMAGEDB_ALGORITHM_SHA256), "sha256");
	assert_null(imagedb_algorithm_to_string(0));
	assert_null(imagedb_algorithm_to_string(IMAGEDB_ALGORITHM_XXH3_128 | IMAGEDB_ALGORITHM_SHA256));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_of_known_content_is_known),
		cmocka_unit_test(test_digest_of_any_length_agrees_with_one_shot),
		cmocka_unit_test(test_digest_uses_and_moves_no_offset),
		cmocka_unit_test(test_digest_of_what_is_no_readable_file_is_refused),
		cmocka_unit_test(test_digest_of_file_written_meanwhile_says_again),
		cmocka_unit_test(test_hex_needs_room_for_all),
		cmocka_unit_test(test_names_of_algorithms_are_known),
	};

	return cmocka_run_group_tests_name("imagedb_digest", tests, NULL, NULL);
}
