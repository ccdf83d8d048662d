// SPDX-License-Identifier: Apache-2.0
/* Owns: the sets of a store as wholes: look-up, use, listing, removal, totals. Must not know: files in them, records' layout. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imagedb/hash.h"
#include "imagedb/store_internal.h"
#include "imagedb/util.h"

int64_t imagedb_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* --- inside a transaction --------------------------------------------------------------------------------------- */

static struct imagedb_bytes set_key_bytes(const struct imagedb_set_key *key)
{
	return (struct imagedb_bytes){ key->bytes, sizeof(key->bytes) };
}

static int read_by_hash(struct imagedb_kv_txn *txn, const uint8_t sha256[IMAGEDB_KEY_BYTES], struct imagedb_set_record *ret)
{
	struct imagedb_set_key key = imagedb_key_set(sha256);
	struct imagedb_bytes value;
	int r = imagedb_kv_get(txn, set_key_bytes(&key), &value);

	if (r == 0)
		r = imagedb_kv_fetch(value);
	return r < 0 ? r : imagedb_set_decode(set_key_bytes(&key), value, ret);
}

/* The SHA-256 that a number stands for. */
static int read_hash(struct imagedb_kv_txn *txn, uint64_t number, uint8_t ret[IMAGEDB_KEY_BYTES])
{
	struct imagedb_key key = imagedb_key_number(IMAGEDB_TABLE_NUMBERS, number);
	struct imagedb_bytes value;
	int r = imagedb_kv_get(txn, imagedb_key_bytes(&key), &value);

	if (r < 0)
		return r;
	if (value.len != IMAGEDB_KEY_BYTES)
		return -EUCLEAN;
	memcpy(ret, value.at, IMAGEDB_KEY_BYTES);
	return 0;
}

int imagedb_set_read(struct imagedb_kv_txn *txn, uint64_t number, struct imagedb_set_record *ret)
{
	uint8_t sha256[IMAGEDB_KEY_BYTES];
	struct imagedb_set_record record;
	int r = read_hash(txn, number, sha256);

	if (r == 0)
		r = read_by_hash(txn, sha256, &record);
	if (r < 0)
		return r;
	if (record.set.number != number) {
		imagedb_set_record_release(&record);
		return -EUCLEAN;
	}
	*ret = record;
	return 0;
}

int imagedb_set_write(struct imagedb_kv_txn *txn, const struct imagedb_set_record *record)
{
	struct imagedb_key number = imagedb_key_number(IMAGEDB_TABLE_NUMBERS, record->set.number);
	struct imagedb_set_key key = imagedb_key_set(record->set.key);
	uint8_t *value;
	size_t len;
	int r = imagedb_set_encode(record, &value, &len);

	if (r < 0)
		return r;
	r = imagedb_kv_put(txn, set_key_bytes(&key), (struct imagedb_bytes){ value, len });
	free(value);
	if (r == 0)
		r = imagedb_kv_put(txn, imagedb_key_bytes(&number),
				   (struct imagedb_bytes){ record->set.key, IMAGEDB_KEY_BYTES });
	return r;
}

static int delete_if_there(struct imagedb_kv_txn *txn, struct imagedb_bytes key)
{
	int r = imagedb_kv_delete(txn, key);

	return r == -ENOENT ? 0 : r;
}

int imagedb_set_hide(struct imagedb_kv_txn *txn, const uint8_t sha256[IMAGEDB_KEY_BYTES], uint64_t number)
{
	struct imagedb_key by_number = imagedb_key_number(IMAGEDB_TABLE_NUMBERS, number);
	struct imagedb_key unseen = imagedb_key_number(IMAGEDB_TABLE_UNSEEN, number);
	struct imagedb_set_key key = imagedb_key_set(sha256);
	int r = delete_if_there(txn, set_key_bytes(&key));

	if (r == 0)
		r = delete_if_there(txn, imagedb_key_bytes(&by_number));
	if (r == 0)
		r = imagedb_kv_put(txn, imagedb_key_bytes(&unseen), (struct imagedb_bytes){ "", 1 });
	return r;
}

/* --- one set ---------------------------------------------------------------------------------------------------- */

struct lookup {
	const uint8_t *sha256;		/* or, when NULL, */
	uint64_t number;
	struct imagedb_set_record record;
};

static int run_lookup(struct imagedb_kv_txn *txn, void *data)
{
	struct lookup *lookup = data;

	return lookup->sha256 ? read_by_hash(txn, lookup->sha256, &lookup->record) :
				imagedb_set_read(txn, lookup->number, &lookup->record);
}

/* Hands the record's texts on. */
static int give_set(struct imagedb_set_record *record, struct imagedb_store_set **ret)
{
	struct imagedb_store_set *set = malloc(sizeof(*set));

	if (!set) {
		imagedb_set_record_release(record);
		return -ENOMEM;
	}
	*set = record->set;
	*ret = set;
	return 0;
}

void imagedb_store_set_free(struct imagedb_store_set **set)
{
	if (!*set)
		return;
	free((*set)->identity);
	free((*set)->label);
	free(*set);
	*set = NULL;
}

/* The record of that identity is damaged, so its number is not known: its entry goes, its files are found as garbage. */
struct orphan {
	const uint8_t *sha256;
};

static int forget_hash(struct imagedb_kv_txn *txn, void *data)
{
	const struct orphan *orphan = data;
	struct imagedb_set_key set = imagedb_key_set(orphan->sha256);
	struct imagedb_key first = imagedb_key_number(IMAGEDB_TABLE_NUMBERS, 0);
	struct imagedb_bytes at = imagedb_key_bytes(&first), key, value;
	uint8_t copy[sizeof(first.bytes)];

	while (imagedb_kv_at_least(txn, at, &key, &value) == 0 && key.len == first.len &&
	       *(const uint8_t *)key.at == IMAGEDB_TABLE_NUMBERS) {
		if (value.len == IMAGEDB_KEY_BYTES && memcmp(value.at, orphan->sha256, IMAGEDB_KEY_BYTES) == 0) {
			uint64_t number = 0;

			for (size_t i = 1; i < key.len; i++)
				number = number << 8 | ((const uint8_t *)key.at)[i];
			return imagedb_set_hide(txn, orphan->sha256, number);
		}
		memcpy(copy, key.at, key.len);
		copy[key.len] = 0;
		at = (struct imagedb_bytes){ copy, key.len + 1 };
	}
	return delete_if_there(txn, set_key_bytes(&set));
}

static int drop_hash(struct imagedb_store *store, const uint8_t sha256[IMAGEDB_KEY_BYTES])
{
	struct orphan orphan = { sha256 };

	if (!store->read_only && imagedb_store_write(store, forget_hash, &orphan) == 0)
		imagedb_store_collect(store);
	return -EUCLEAN;
}

int imagedb_store_get(struct imagedb_store *store, const char *identity, struct imagedb_store_set **ret)
{
	uint8_t sha256[IMAGEDB_KEY_BYTES];
	struct lookup lookup = { .sha256 = sha256 };
	int r = imagedb_sha256(identity, strlen(identity), sha256);

	if (r == 0)
		r = imagedb_kv_read(store->kv, run_lookup, &lookup);
	if (r == 0 && strcmp(lookup.record.set.identity, identity) != 0) {
		imagedb_set_record_release(&lookup.record);
		r = -EUCLEAN;
	}
	if (r == -EUCLEAN)
		return drop_hash(store, sha256);
	return r < 0 ? r : give_set(&lookup.record, ret);
}

int imagedb_store_get_number(struct imagedb_store *store, uint64_t number, struct imagedb_store_set **ret)
{
	struct lookup lookup = { .number = number };
	int r = imagedb_kv_read(store->kv, run_lookup, &lookup);

	if (r == -EUCLEAN)
		return imagedb_set_damaged(store, number);
	return r < 0 ? r : give_set(&lookup.record, ret);
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

struct touch {
	uint64_t number;
	const char *label;
};

static int run_touch(struct imagedb_kv_txn *txn, void *data)
{
	const struct touch *touch = data;
	struct imagedb_store_head head;
	struct imagedb_set_record record;
	char *label;
	int r = imagedb_head_read(txn, &head);

	if (r == 0)
		r = imagedb_set_read(txn, touch->number, &record);
	if (r < 0)
		return r;
	label = record.set.label;
	record.use = head.next_use++;
	record.set.used = imagedb_now_s();
	if (touch->label)
		record.set.label = (char *)touch->label;
	r = imagedb_set_write(txn, &record);
	if (r == 0)
		r = imagedb_head_write(txn, &head);
	record.set.label = label;
	imagedb_set_record_release(&record);
	return r;
}

int imagedb_store_touch(struct imagedb_store *store, uint64_t number, const char *label)
{
	struct touch touch = { .number = number, .label = label };
	int r;

	if (label && strlen(label) > IMAGEDB_STORE_MAX_LABEL)
		return -ENAMETOOLONG;
	r = imagedb_store_write(store, run_touch, &touch);
	return r == -EUCLEAN ? imagedb_set_damaged(store, number) : r;
}

static int run_remove(struct imagedb_kv_txn *txn, void *data)
{
	const uint64_t *number = data;
	uint8_t sha256[IMAGEDB_KEY_BYTES];
	int r = read_hash(txn, *number, sha256);

	return r < 0 ? r : imagedb_set_hide(txn, sha256, *number);
}

int imagedb_store_remove(struct imagedb_store *store, uint64_t number)
{
	int r = imagedb_store_write(store, run_remove, &number);

	return r < 0 ? r : imagedb_store_collect(store);
}

int imagedb_set_damaged(struct imagedb_store *store, uint64_t number)
{
	if (!store->read_only)
		imagedb_store_remove(store, number);
	return -EUCLEAN;
}

/* --- all sets --------------------------------------------------------------------------------------------------- */

/* What is kept of each set while all are looked at. */
struct brief {
	uint64_t number, use;
	uint32_t files, digests;
};

struct listing {
	struct brief *sets;
	size_t n, room;
};

static int keep_brief(struct listing *listing, const struct imagedb_set_record *record)
{
	if (listing->n == listing->room) {
		size_t room = listing->room ? listing->room * 2 : 64;
		struct brief *grown = realloc(listing->sets, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		listing->sets = grown;
		listing->room = room;
	}
	listing->sets[listing->n++] = (struct brief){
		.number = record->set.number,
		.use = record->use,
		.files = record->set.files,
		.digests = record->set.digests,
	};
	return 0;
}

/* A damaged record is left out: it is met, and dropped, when somebody asks for it. */
static int run_listing(struct imagedb_kv_txn *txn, void *data)
{
	static const uint8_t none[IMAGEDB_KEY_BYTES];
	struct imagedb_set_key at = imagedb_key_set(none);
	uint8_t from[sizeof(at.bytes) + 1];
	struct imagedb_bytes start = set_key_bytes(&at), key, value;
	struct imagedb_set_record record;
	int r;

	while ((r = imagedb_kv_at_least(txn, start, &key, &value)) == 0 && key.len == sizeof(at.bytes) &&
	       *(const uint8_t *)key.at == IMAGEDB_TABLE_SETS) {
		r = imagedb_kv_fetch(value);
		if (r == 0)
			r = imagedb_set_decode(key, value, &record);
		if (r == 0) {
			r = keep_brief(data, &record);
			imagedb_set_record_release(&record);
		}
		if (r < 0 && r != -EUCLEAN)
			return r;
		memcpy(from, key.at, key.len);
		from[key.len] = 0;
		start = (struct imagedb_bytes){ from, sizeof(from) };
	}
	return r == -ENOENT ? 0 : r;
}

static int compare_use(const void *a, const void *b)
{
	const struct brief *x = a, *y = b;

	return (x->use < y->use) - (x->use > y->use);
}

/* The most recently used first. */
static int list_sets(struct imagedb_store *store, struct listing *ret)
{
	int r = imagedb_kv_read(store->kv, run_listing, ret);

	if (r == 0 && ret->n > 1)
		qsort(ret->sets, ret->n, sizeof(*ret->sets), compare_use);
	return r;
}

int imagedb_store_list(struct imagedb_store *store, imagedb_store_set_fn fn, void *data)
{
	struct listing listing = { 0 };
	int r = list_sets(store, &listing);

	for (size_t i = 0; r == 0 && i < listing.n; i++) {
		_cleanup_(imagedb_store_set_free) struct imagedb_store_set *set = NULL;

		r = imagedb_store_get_number(store, listing.sets[i].number, &set);
		if (r == 0)
			r = fn(set, data);
		else if (r == -ENOENT || r == -EUCLEAN)
			r = 0;
	}
	free(listing.sets);
	return r;
}

int imagedb_store_totals(struct imagedb_store *store, struct imagedb_store_totals *ret)
{
	struct imagedb_store_totals totals = { 0 };
	struct listing listing = { 0 };
	uint64_t entries;
	int r = list_sets(store, &listing);

	for (size_t i = 0; i < listing.n; i++) {
		totals.files += listing.sets[i].files;
		totals.digests += listing.sets[i].digests;
	}
	totals.sets = (uint32_t)listing.n;
	free(listing.sets);
	if (r == 0)
		r = imagedb_kv_usage(store->kv, &totals.used_bytes, &totals.file_bytes, &entries);
	if (r == 0)
		*ret = totals;
	return r;
}

int imagedb_store_trim(struct imagedb_store *store, uint32_t max_sets, uint64_t max_bytes, uint32_t *ret_removed)
{
	struct listing listing = { 0 };
	uint64_t used = 0, size, entries;
	uint32_t removed = 0;
	int r = list_sets(store, &listing);

	max_sets = max_sets ? max_sets : IMAGEDB_STORE_MAX_SETS;
	max_bytes = max_bytes ? max_bytes : IMAGEDB_STORE_MAX_BYTES / 4 * 3;
	while (r == 0 && listing.n > 1) {
		r = imagedb_kv_usage(store->kv, &used, &size, &entries);
		if (r < 0 || (listing.n <= max_sets && used <= max_bytes))
			break;
		r = imagedb_store_remove(store, listing.sets[--listing.n].number);
		if (r == -ENOENT)
			r = 0;
		else if (r == 0)
			removed++;
	}
	free(listing.sets);
	if (r == 0 && ret_removed)
		*ret_removed = removed;
	return r;
}

const char *imagedb_store_source_to_string(enum imagedb_store_source source)
{
	static const char *const names[] = {
		[IMAGEDB_STORE_LAYERS] = "layers",
		[IMAGEDB_STORE_FOLDER_TREE] = "folder",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == _IMAGEDB_STORE_SOURCE_MAX, "a source has no name");
	return (unsigned int)source < _IMAGEDB_STORE_SOURCE_MAX ? names[source] : NULL;
}
