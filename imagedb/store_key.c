// SPDX-License-Identifier: Apache-2.0
/* Owns: keys, checksums, the records of the store and of a set; see store_record.h. Must not know: files, transactions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imagedb/hash.h"
#include "imagedb/store_record.h"

#define CHECKSUM_BYTES	8u

/* Offsets in a set's record, behind the checksum. */
enum {
	AT_NUMBER	= 8,	/* u64 */
	AT_USE		= 16,	/* u64 */
	AT_SCANNED	= 24,	/* i64 */
	AT_USED		= 32,	/* i64 */
	AT_SIZES	= 40,	/* u64 */
	AT_FILES	= 48,	/* u32 */
	AT_DIGESTS	= 52,	/* u32 */
	AT_SOURCE	= 56,	/* u8 */
	AT_COMPLETE	= 57,	/* u8 */
	AT_REASON	= 58,	/* u8, and one of padding */
	AT_LABEL	= 60,	/* u32: length */
	AT_IDENTITY	= 64,	/* u32: length */
	AT_TEXTS	= 68,	/* label, identity */
};

uint64_t imagedb_get(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

void imagedb_set(uint8_t *at, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++, value >>= 8)
		at[i] = (uint8_t)value;
}

/* --- keys ------------------------------------------------------------------------------------------------------- */

static void append(struct imagedb_key *key, size_t bytes, uint64_t value)
{
	for (size_t i = bytes; i-- > 0;)
		key->bytes[key->len++] = (uint8_t)(value >> (8 * i));
}

struct imagedb_key imagedb_key_head(void)
{
	return (struct imagedb_key){ .bytes = { IMAGEDB_TABLE_HEAD }, .len = 1 };
}

struct imagedb_key imagedb_key_number(enum imagedb_table table, uint64_t number)
{
	struct imagedb_key key = { .bytes = { (uint8_t)table }, .len = 1 };

	append(&key, 8, number);
	return key;
}

struct imagedb_key imagedb_key_files(uint64_t number, uint32_t first)
{
	struct imagedb_key key = imagedb_key_number(IMAGEDB_TABLE_FILES, number);

	append(&key, 4, first);
	return key;
}

struct imagedb_key imagedb_key_index(enum imagedb_table table, uint64_t number, uint64_t hash, uint32_t piece)
{
	struct imagedb_key key = imagedb_key_number(table, number);

	append(&key, 8, hash);
	append(&key, 4, piece);
	return key;
}

struct imagedb_set_key imagedb_key_set(const uint8_t sha256[IMAGEDB_KEY_BYTES])
{
	struct imagedb_set_key key = { .bytes = { IMAGEDB_TABLE_SETS } };

	memcpy(key.bytes + 1, sha256, IMAGEDB_KEY_BYTES);
	return key;
}

bool imagedb_key_is_of(struct imagedb_bytes key, enum imagedb_table table, uint64_t number)
{
	struct imagedb_key start = imagedb_key_number(table, number);

	return key.len >= start.len && memcmp(key.at, start.bytes, start.len) == 0;
}

/* --- checksums -------------------------------------------------------------------------------------------------- */

static uint64_t checksum(struct imagedb_bytes key, const uint8_t *value, size_t len)
{
	return imagedb_hash64(value + CHECKSUM_BYTES, len - CHECKSUM_BYTES, imagedb_hash64(key.at, key.len, len));
}

void imagedb_value_seal(struct imagedb_bytes key, uint8_t *value, size_t len)
{
	imagedb_set(value, CHECKSUM_BYTES, checksum(key, value, len));
}

bool imagedb_value_is_sound(struct imagedb_bytes key, struct imagedb_bytes value)
{
	return value.len >= CHECKSUM_BYTES && imagedb_get(value.at, CHECKSUM_BYTES) == checksum(key, value.at, value.len);
}

/* --- the store's own record: checksum, magic, version, padding, next number, next use, seed ---------------------- */

void imagedb_head_encode(const struct imagedb_store_head *head, uint8_t value[IMAGEDB_HEAD_BYTES])
{
	struct imagedb_key key = imagedb_key_head();

	memset(value, 0, IMAGEDB_HEAD_BYTES);
	memcpy(value + 8, IMAGEDB_STORE_MAGIC, 8);
	imagedb_set(value + 16, 4, head->version);
	imagedb_set(value + 24, 8, head->next_number);
	imagedb_set(value + 32, 8, head->next_use);
	imagedb_set(value + 40, 8, head->seed);
	imagedb_value_seal(imagedb_key_bytes(&key), value, IMAGEDB_HEAD_BYTES);
}

/* Magic and version keep their places in every version; a newer one may be of another length. */
int imagedb_head_decode(struct imagedb_bytes value, struct imagedb_store_head *ret)
{
	struct imagedb_key key = imagedb_key_head();
	const uint8_t *at = value.at;

	if (value.len < 24 || memcmp(at + 8, IMAGEDB_STORE_MAGIC, 8) != 0 ||
	    !imagedb_value_is_sound(imagedb_key_bytes(&key), value))
		return -EUCLEAN;
	ret->version = (uint32_t)imagedb_get(at + 16, 4);
	if (ret->version != IMAGEDB_STORE_VERSION)
		return -EPROTO;
	if (value.len != IMAGEDB_HEAD_BYTES)
		return -EUCLEAN;
	ret->next_number = imagedb_get(at + 24, 8);
	ret->next_use = imagedb_get(at + 32, 8);
	ret->seed = imagedb_get(at + 40, 8);
	return 0;
}

/* --- a set ------------------------------------------------------------------------------------------------------ */

int imagedb_set_encode(const struct imagedb_set_record *record, uint8_t **ret, size_t *ret_len)
{
	const struct imagedb_store_set *set = &record->set;
	size_t label = strlen(set->label), identity = strlen(set->identity), len = AT_TEXTS + label + identity;
	struct imagedb_set_key key = imagedb_key_set(set->key);
	uint8_t *value = calloc(1, len);

	if (!value)
		return -ENOMEM;
	imagedb_set(value + AT_NUMBER, 8, set->number);
	imagedb_set(value + AT_USE, 8, record->use);
	imagedb_set(value + AT_SCANNED, 8, (uint64_t)set->scanned);
	imagedb_set(value + AT_USED, 8, (uint64_t)set->used);
	imagedb_set(value + AT_SIZES, 8, set->bytes);
	imagedb_set(value + AT_FILES, 4, set->files);
	imagedb_set(value + AT_DIGESTS, 4, set->digests);
	value[AT_SOURCE] = (uint8_t)set->source;
	value[AT_COMPLETE] = set->complete;
	value[AT_REASON] = (uint8_t)set->reason;
	imagedb_set(value + AT_LABEL, 4, label);
	imagedb_set(value + AT_IDENTITY, 4, identity);
	memcpy(value + AT_TEXTS, set->label, label);
	memcpy(value + AT_TEXTS + label, set->identity, identity);
	imagedb_value_seal((struct imagedb_bytes){ key.bytes, sizeof(key.bytes) }, value, len);
	*ret = value;
	*ret_len = len;
	return 0;
}

static bool decode_numbers(const uint8_t *at, struct imagedb_set_record *record)
{
	struct imagedb_store_set *set = &record->set;

	set->number = imagedb_get(at + AT_NUMBER, 8);
	record->use = imagedb_get(at + AT_USE, 8);
	set->scanned = (int64_t)imagedb_get(at + AT_SCANNED, 8);
	set->used = (int64_t)imagedb_get(at + AT_USED, 8);
	set->bytes = imagedb_get(at + AT_SIZES, 8);
	set->files = (uint32_t)imagedb_get(at + AT_FILES, 4);
	set->digests = (uint32_t)imagedb_get(at + AT_DIGESTS, 4);
	set->source = at[AT_SOURCE];
	set->complete = at[AT_COMPLETE];
	set->reason = at[AT_REASON];
	return (unsigned int)set->source < _IMAGEDB_STORE_SOURCE_MAX && (unsigned int)set->reason < _IMAGEDB_INCOMPLETE_MAX &&
	       set->files <= IMAGEDB_STORE_MAX_FILES && set->digests <= set->files && set->number > 0;
}

int imagedb_set_decode(struct imagedb_bytes key, struct imagedb_bytes value, struct imagedb_set_record *ret)
{
	struct imagedb_set_record record = { 0 };
	const uint8_t *at = value.at;
	uint64_t label, identity;

	if (key.len != 1 + IMAGEDB_KEY_BYTES || value.len < AT_TEXTS || !imagedb_value_is_sound(key, value))
		return -EUCLEAN;
	label = imagedb_get(at + AT_LABEL, 4);
	identity = imagedb_get(at + AT_IDENTITY, 4);
	if (label > IMAGEDB_STORE_MAX_LABEL || identity == 0 || identity > IMAGEDB_STORE_MAX_IDENTITY ||
	    AT_TEXTS + label + identity != value.len || memchr(at + AT_TEXTS, '\0', label + identity) ||
	    !decode_numbers(at, &record))
		return -EUCLEAN;
	memcpy(record.set.key, (const uint8_t *)key.at + 1, IMAGEDB_KEY_BYTES);
	record.set.label = strndup((const char *)at + AT_TEXTS, label);
	record.set.identity = strndup((const char *)at + AT_TEXTS + label, identity);
	if (!record.set.label || !record.set.identity) {
		imagedb_set_record_release(&record);
		return -ENOMEM;
	}
	*ret = record;
	return 0;
}

void imagedb_set_record_release(struct imagedb_set_record *record)
{
	free(record->set.label);
	free(record->set.identity);
	record->set.label = record->set.identity = NULL;
}
