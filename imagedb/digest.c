// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: the digests of one open file. The only user of libxxhash's streaming interface and of libcrypto.
 * Must not know: where the file came from, who asks, where records are kept.
 *
 * I1: a digest describes one state of the file. Size, mtime and ctime are compared before and after reading, so that a
 *     write in between gives -EAGAIN instead of a digest of bytes that were never together in the file.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "imagedb/hash.h"
#include "imagedb/imagedb.h"
#include "imagedb/inodes.h"
#include "imagedb/util.h"

#define DIGEST_BUFFER_BYTES	(128u << 10)	/* where larger reads stop being faster */

static_assert(sizeof(XXH128_canonical_t) == IMAGEDB_XXH3_BYTES, "XXH3-128 has 16 bytes");

struct hashing {
	XXH3_state_t *xxh3;
	EVP_MD_CTX *sha256;
	uint8_t *buffer;
};

static void hashing_free(struct hashing *hashing)
{
	XXH3_freeState(hashing->xxh3);
	EVP_MD_CTX_free(hashing->sha256);
	free(hashing->buffer);
}

static int start_hashing(struct hashing *hashing)
{
	hashing->xxh3 = XXH3_createState();
	hashing->sha256 = EVP_MD_CTX_new();
	hashing->buffer = malloc(DIGEST_BUFFER_BYTES);
	if (!hashing->xxh3 || !hashing->sha256 || !hashing->buffer)
		return -ENOMEM;
	if (XXH3_128bits_reset(hashing->xxh3) != XXH_OK)
		return -EIO;
	return EVP_DigestInit_ex(hashing->sha256, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

static int hash_content(struct hashing *hashing, int fd, uint64_t size)
{
	uint64_t offset = 0;

	while (offset < size) {
		uint64_t left = size - offset;
		size_t want = left < DIGEST_BUFFER_BYTES ? (size_t)left : DIGEST_BUFFER_BYTES;
		ssize_t n = pread(fd, hashing->buffer, want, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EAGAIN;
		if (XXH3_128bits_update(hashing->xxh3, hashing->buffer, (size_t)n) != XXH_OK)
			return -EIO;
		if (EVP_DigestUpdate(hashing->sha256, hashing->buffer, (size_t)n) != 1)
			return -EIO;
		offset += (uint64_t)n;
	}
	return 0;
}

static int finish_hashing(struct hashing *hashing, struct imagedb_digest *digest)
{
	XXH128_canonical_t canonical;
	unsigned int sha256_len = 0;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hashing->xxh3));
	memcpy(digest->xxh3_128, canonical.digest, sizeof(digest->xxh3_128));
	if (EVP_DigestFinal_ex(hashing->sha256, digest->sha256, &sha256_len) != 1 || sha256_len != IMAGEDB_SHA256_BYTES)
		return -EIO;
	digest->algorithms = IMAGEDB_ALGORITHM_XXH3_128 | IMAGEDB_ALGORITHM_SHA256;
	return 0;
}

static bool times_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_unchanged(const struct stat *before, const struct stat *after)
{
	return before->st_size == after->st_size && times_equal(&before->st_mtim, &after->st_mtim) &&
	       times_equal(&before->st_ctim, &after->st_ctim);
}

int imagedb_digest_fd(int fd, uint64_t max_bytes, struct imagedb_digest *ret)
{
	_cleanup_(hashing_free) struct hashing hashing = { 0 };
	struct imagedb_digest digest = { 0 };
	struct stat before, after;
	int r;

	if (fstat(fd, &before) < 0)
		return -errno;
	if (!S_ISREG(before.st_mode))
		return -EINVAL;
	if (max_bytes && (uint64_t)before.st_size > max_bytes)
		return -EFBIG;
	r = start_hashing(&hashing);
	if (r < 0)
		return r;
	r = hash_content(&hashing, fd, (uint64_t)before.st_size);
	if (r < 0)
		return r;
	if (fstat(fd, &after) < 0)
		return -errno;
	if (!is_unchanged(&before, &after))
		return -EAGAIN;
	r = finish_hashing(&hashing, &digest);
	if (r < 0)
		return r;
	digest.size = (uint64_t)before.st_size;
	*ret = digest;
	return 0;
}

int imagedb_hex(const uint8_t *bytes, size_t len, char *buf, size_t buf_size)
{
	static const char digits[] = "0123456789abcdef";

	if (buf_size < 1 || (buf_size - 1) / 2 < len)
		return -ENOSPC;
	for (size_t i = 0; i < len; i++) {
		*buf++ = digits[bytes[i] >> 4];
		*buf++ = digits[bytes[i] & 15];
	}
	*buf = '\0';
	return 0;
}

uint64_t imagedb_inode_hash(struct imagedb_inode inode)
{
	return XXH3_64bits_withSeed(&inode.ino, sizeof(inode.ino), inode.dev);
}

uint64_t imagedb_hash64(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

int imagedb_sha256(const void *bytes, size_t len, uint8_t ret[IMAGEDB_SHA256_BYTES])
{
	unsigned int n = 0;

	return EVP_Digest(bytes, len, ret, &n, EVP_sha256(), NULL) == 1 && n == IMAGEDB_SHA256_BYTES ? 0 : -EIO;
}
