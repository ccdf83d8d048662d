// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for the image store's values: the store's record, a set's, pieces of files; and for a database file as a whole.
 * The first byte chooses which. A checksum is put on first, so that what lies behind it is reached; whatever decodes is encoded
 * again and must give the same bytes.
 * Seeds: none are needed, for files a small images.mdb behind a byte of 3.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "imagedb/kv_check.h"
#include "imagedb/store_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_head(uint8_t *value, size_t len)
{
	const struct imagedb_key key = imagedb_key_head();
	uint8_t again[IMAGEDB_HEAD_BYTES];
	struct imagedb_store_head head;

	imagedb_value_seal(imagedb_key_bytes(&key), value, len);
	if (imagedb_head_decode((struct imagedb_bytes){ value, len }, &head) != 0)
		return;
	imagedb_head_encode(&head, again);
	if (len != sizeof(again) || memcmp(again + 24, value + 24, sizeof(again) - 24) != 0)
		abort();
}

static void read_set(uint8_t *value, size_t len)
{
	static const uint8_t sha256[IMAGEDB_KEY_BYTES] = { 1 };
	const struct imagedb_set_key key = imagedb_key_set(sha256);
	const struct imagedb_bytes at = { key.bytes, sizeof(key.bytes) };
	struct imagedb_set_record record;
	uint8_t *again;
	size_t again_len;

	imagedb_value_seal(at, value, len);
	if (imagedb_set_decode(at, (struct imagedb_bytes){ value, len }, &record) != 0)
		return;
	if (imagedb_set_encode(&record, &again, &again_len) == 0) {
		if (again_len != len || memcmp(again + 60, value + 60, len - 60) != 0)
			abort();
		free(again);
	}
	imagedb_set_record_release(&record);
}

static void read_files(uint8_t *value, size_t len)
{
	const struct imagedb_key key = imagedb_key_files(7, 0);
	static struct imagedb_piece_reader reader;
	int r;

	imagedb_value_seal(imagedb_key_bytes(&key), value, len);
	if (imagedb_piece_open(imagedb_key_bytes(&key), (struct imagedb_bytes){ value, len }, &reader) != 0)
		return;
	while ((r = imagedb_piece_next(&reader)) == 1) {
		size_t bytes = imagedb_record_bytes(&reader.file);
		uint8_t *again = malloc(bytes);

		if (bytes != (size_t)(reader.at - reader.record) || !again)
			abort();
		imagedb_record_encode(&reader.file, again);
		if (memcmp(again, reader.record, bytes) != 0)
			abort();
		free(again);
	}
}

static void read_file(const uint8_t *bytes, size_t len)
{
	char message[IMAGEDB_KV_CHECK_MESSAGE] = "";
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		abort();
	if (imagedb_kv_check_fd(fd, IMAGEDB_STORE_MAX_BYTES, message) == -EUCLEAN && !message[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact;
	size_t len;

	if (size < 9)
		return 0;
	len = size - 1;
	exact = malloc(len);
	if (!exact)
		abort();
	memcpy(exact, data + 1, len);
	switch (data[0] % 4) {
	case 0:
		read_head(exact, len);
		break;
	case 1:
		read_set(exact, len);
		break;
	case 2:
		read_files(exact, len);
		break;
	default:
		read_file(exact, len);
	}
	free(exact);
	return 0;
}
