// SPDX-License-Identifier: Apache-2.0
/* Owns: the record of one file and the pieces they lie in; see store_record.h. Must not know: sets, transactions. */
#include "imagedb/store_record.h"

#include <errno.h>
#include <string.h>

/* Offsets in a file's record. */
enum {
	AT_BYTES	= 0,	/* u32: of the whole record */
	AT_PATH_LEN	= 4,	/* u32 */
	AT_SIZE		= 8,	/* u64 */
	AT_CTIME	= 16,	/* i64 seconds, u32 nanoseconds */
	AT_MODE		= 28,	/* u32 */
	AT_INO		= 32,	/* u64 */
	AT_DEV		= 40,	/* u32 */
	AT_GENERATION	= 44,	/* u32 */
	AT_KIND		= 48,	/* u8 */
	AT_FLAGS	= 49,	/* u8 */
	AT_ALGORITHMS	= 50,	/* u8 */
	AT_NEEDED	= 51,	/* u8: number of names */
	AT_INTERP	= 52,	/* u16: length, NO_TEXT: none */
	AT_SONAME	= 54,	/* u16: likewise */
	AT_XXH3		= 56,
	AT_SHA256	= 72,
	AT_ARGUMENT	= 104,	/* u16: length of the interpreter's argument, likewise */
};

#define NO_TEXT		0xffffu
#define MAX_SONAME	255u	/* IMAGEDB_ELF_MAX_NAME */
#define NS_PER_S	1000000000
#define KNOWN_FLAGS	(IMAGEDB_STORE_HARDLINK | IMAGEDB_STORE_MALFORMED | IMAGEDB_STORE_CUT_SHORT)
#define KNOWN_ALGORITHMS	(IMAGEDB_ALGORITHM_XXH3_128 | IMAGEDB_ALGORITHM_SHA256)

_Static_assert(AT_XXH3 + IMAGEDB_XXH3_BYTES == AT_SHA256, "digest");
_Static_assert(AT_SHA256 + IMAGEDB_SHA256_BYTES == AT_ARGUMENT && AT_ARGUMENT + 2 == IMAGEDB_RECORD_BYTES, "fixed part");
_Static_assert(IMAGEDB_STORE_MAX_NEEDED <= 255, "its count is a byte");

/* --- encoding --------------------------------------------------------------------------------------------------- */

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static bool is_in_range(const struct imagedb_store_file *file)
{
	return file->path && file->path_len > 0 && file->path_len <= IMAGEDB_MAX_PATH &&
	       !memchr(file->path, '\0', file->path_len) && (unsigned int)file->kind < _IMAGEDB_KIND_MAX &&
	       !(file->flags & ~KNOWN_FLAGS) && file->ctime.tv_nsec >= 0 && file->ctime.tv_nsec < NS_PER_S &&
	       text_bytes(file->interpreter) <= IMAGEDB_MAX_INTERP + 1 && text_bytes(file->soname) <= MAX_SONAME + 1 &&
	       text_bytes(file->interpreter_arg) <= IMAGEDB_MAX_SCRIPT_LINE + 1 &&
	       file->needed_count <= IMAGEDB_STORE_MAX_NEEDED && !(file->digest.algorithms & ~KNOWN_ALGORITHMS);
}

size_t imagedb_record_bytes(const struct imagedb_store_file *file)
{
	size_t bytes = IMAGEDB_RECORD_BYTES;

	if (!is_in_range(file))
		return 0;
	for (size_t i = 0; i < file->needed_count; i++) {
		size_t len = text_bytes(file->needed[i]);

		if (len == 0 || len > MAX_SONAME + 1)
			return 0;
		bytes += len;
	}
	return bytes + file->path_len + 1 + text_bytes(file->interpreter) + text_bytes(file->interpreter_arg) +
	       text_bytes(file->soname);
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	size_t bytes = text_bytes(text);

	if (bytes)
		memcpy(at, text, bytes);
	return at + bytes;
}

static void encode_texts(const struct imagedb_store_file *file, uint8_t *at)
{
	memcpy(at, file->path, file->path_len);
	at[file->path_len] = '\0';
	at = put_text(at + file->path_len + 1, file->interpreter);
	at = put_text(at, file->interpreter_arg);
	at = put_text(at, file->soname);
	for (size_t i = 0; i < file->needed_count; i++)
		at = put_text(at, file->needed[i]);
}

void imagedb_record_set_digest(uint8_t *record, const struct imagedb_digest *digest)
{
	record[AT_ALGORITHMS] = (uint8_t)digest->algorithms;
	memcpy(record + AT_XXH3, digest->xxh3_128, IMAGEDB_XXH3_BYTES);
	memcpy(record + AT_SHA256, digest->sha256, IMAGEDB_SHA256_BYTES);
}

void imagedb_record_encode(const struct imagedb_store_file *file, uint8_t *at)
{
	imagedb_set(at + AT_BYTES, 4, imagedb_record_bytes(file));
	imagedb_set(at + AT_PATH_LEN, 4, file->path_len);
	imagedb_set(at + AT_SIZE, 8, file->size);
	imagedb_set(at + AT_CTIME, 8, (uint64_t)file->ctime.tv_sec);
	imagedb_set(at + AT_CTIME + 8, 4, (uint64_t)file->ctime.tv_nsec);
	imagedb_set(at + AT_MODE, 4, file->mode);
	imagedb_set(at + AT_INO, 8, file->inode.ino);
	imagedb_set(at + AT_DEV, 4, file->inode.dev);
	imagedb_set(at + AT_GENERATION, 4, file->inode.generation);
	at[AT_KIND] = (uint8_t)file->kind;
	at[AT_FLAGS] = (uint8_t)file->flags;
	at[AT_NEEDED] = (uint8_t)file->needed_count;
	imagedb_set(at + AT_INTERP, 2, file->interpreter ? strlen(file->interpreter) : NO_TEXT);
	imagedb_set(at + AT_ARGUMENT, 2, file->interpreter_arg ? strlen(file->interpreter_arg) : NO_TEXT);
	imagedb_set(at + AT_SONAME, 2, file->soname ? strlen(file->soname) : NO_TEXT);
	imagedb_record_set_digest(at, &file->digest);
	encode_texts(file, at + IMAGEDB_RECORD_BYTES);
}

/* --- decoding --------------------------------------------------------------------------------------------------- */

/* The rest of a record, from which texts are taken. */
struct rest {
	const uint8_t *at, *end;
};

/* A text of that length and its NUL; NULL when it is not there. */
static const char *take_text(struct rest *rest, size_t len)
{
	const char *text = (const char *)rest->at;
	size_t left = (size_t)(rest->end - rest->at);

	if (left <= len || strnlen(text, len + 1) != len)
		return NULL;
	rest->at += len + 1;
	return text;
}

/* Takes an optional text; false when it is not there. */
static bool take_optional(struct rest *rest, size_t len, size_t max, const char **ret)
{
	*ret = NULL;
	if (len == NO_TEXT)
		return true;
	*ret = len <= max ? take_text(rest, len) : NULL;
	return *ret != NULL;
}

static bool take_texts(struct imagedb_piece_reader *reader, const uint8_t *record, struct rest rest)
{
	struct imagedb_store_file *file = &reader->file;

	if (file->path_len == 0 || file->path_len > IMAGEDB_MAX_PATH)
		return false;
	file->path = take_text(&rest, file->path_len);
	if (!file->path || !take_optional(&rest, imagedb_get(record + AT_INTERP, 2), IMAGEDB_MAX_INTERP, &file->interpreter) ||
	    !take_optional(&rest, imagedb_get(record + AT_ARGUMENT, 2), IMAGEDB_MAX_SCRIPT_LINE, &file->interpreter_arg) ||
	    !take_optional(&rest, imagedb_get(record + AT_SONAME, 2), MAX_SONAME, &file->soname))
		return false;
	for (size_t i = 0; i < file->needed_count; i++) {
		size_t left = (size_t)(rest.end - rest.at);

		reader->needed[i] = take_text(&rest, strnlen((const char *)rest.at, left));
		if (!reader->needed[i])
			return false;
	}
	file->needed = file->needed_count ? reader->needed : NULL;
	return rest.at == rest.end;
}

static void decode_fixed(const uint8_t *record, struct imagedb_store_file *file)
{
	file->path_len = imagedb_get(record + AT_PATH_LEN, 4);
	file->size = imagedb_get(record + AT_SIZE, 8);
	file->ctime.tv_sec = (time_t)imagedb_get(record + AT_CTIME, 8);
	file->ctime.tv_nsec = (long)imagedb_get(record + AT_CTIME + 8, 4);
	file->mode = (uint32_t)imagedb_get(record + AT_MODE, 4);
	file->inode.ino = imagedb_get(record + AT_INO, 8);
	file->inode.dev = (uint32_t)imagedb_get(record + AT_DEV, 4);
	file->inode.generation = (uint32_t)imagedb_get(record + AT_GENERATION, 4);
	file->kind = record[AT_KIND];
	file->flags = record[AT_FLAGS];
	file->needed_count = record[AT_NEEDED];
	file->digest.algorithms = record[AT_ALGORITHMS];
	file->digest.size = file->digest.algorithms ? file->size : 0;
	memcpy(file->digest.xxh3_128, record + AT_XXH3, IMAGEDB_XXH3_BYTES);
	memcpy(file->digest.sha256, record + AT_SHA256, IMAGEDB_SHA256_BYTES);
}

int imagedb_piece_open(struct imagedb_bytes key, struct imagedb_bytes value, struct imagedb_piece_reader *ret)
{
	const uint8_t *piece = value.at;

	if (!imagedb_value_is_sound(key, value) || value.len < IMAGEDB_PIECE_HEAD)
		return -EUCLEAN;
	ret->at = piece + IMAGEDB_PIECE_HEAD;
	ret->end = piece + value.len;
	ret->next = (uint32_t)imagedb_get(piece + 8, 4);
	ret->left = (uint32_t)imagedb_get(piece + 12, 4);
	return ret->left > 0 ? 0 : -EUCLEAN;
}

int imagedb_piece_next(struct imagedb_piece_reader *reader)
{
	const uint8_t *record = reader->at;
	size_t left = (size_t)(reader->end - record), bytes;

	if (reader->left == 0)
		return left == 0 ? 0 : -EUCLEAN;
	bytes = left >= IMAGEDB_RECORD_BYTES ? imagedb_get(record + AT_BYTES, 4) : 0;
	if (bytes < IMAGEDB_RECORD_BYTES || bytes > left)
		return -EUCLEAN;
	decode_fixed(record, &reader->file);
	if (reader->file.needed_count > IMAGEDB_STORE_MAX_NEEDED ||
	    !take_texts(reader, record, (struct rest){ record + IMAGEDB_RECORD_BYTES, record + bytes }) ||
	    !is_in_range(&reader->file))
		return -EUCLEAN;
	reader->file.number = reader->next++;
	reader->record = record;
	reader->at = record + bytes;
	reader->left--;
	return 1;
}

void imagedb_piece_close(struct imagedb_bytes key, uint8_t *piece, size_t len, uint32_t first, uint32_t count)
{
	imagedb_set(piece + 8, 4, first);
	imagedb_set(piece + 12, 4, count);
	imagedb_value_seal(key, piece, len);
}

void imagedb_store_file_from_scan(const struct imagedb_file *from, struct imagedb_store_file *ret)
{
	const struct imagedb_elf_details *elf = from->elf;

	*ret = (struct imagedb_store_file){
		.path = from->path,
		.path_len = from->path_len,
		.kind = from->kind,
		.flags = from->hardlink_seen ? IMAGEDB_STORE_HARDLINK : 0,
		.mode = from->mode,
		.size = from->size,
		.ctime = from->ctime,
		.interpreter = from->interpreter,
		.interpreter_arg = from->interpreter_arg,
	};
	if (!elf)
		return;
	ret->soname = elf->soname;
	ret->needed = elf->needed;
	ret->needed_count = elf->needed_count < IMAGEDB_STORE_MAX_NEEDED ? elf->needed_count : IMAGEDB_STORE_MAX_NEEDED;
	if (elf->malformed)
		ret->flags |= IMAGEDB_STORE_MALFORMED;
	if (elf->cut_short || elf->needed_count > IMAGEDB_STORE_MAX_NEEDED)
		ret->flags |= IMAGEDB_STORE_CUT_SHORT;
}
