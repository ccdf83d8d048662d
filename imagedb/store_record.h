/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How keys and values of the store look on disk (README.md has the layout). Owns: encoding, decoding, checksums.
 * Must not know: transactions, files.
 *
 * Decoding takes any bytes and never reads outside of them. Integers in values are little-endian, in keys big-endian so that
 * keys sort by number.
 */
#ifndef IMAGEDB_STORE_RECORD_H
#define IMAGEDB_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imagedb/kv.h"
#include "imagedb/store.h"

#define IMAGEDB_STORE_MAGIC	"HFIMGDB"	/* 8 bytes with its NUL */
#define IMAGEDB_STORE_VERSION	3u		/* raise it with any change of layout: older files are set aside and rebuilt */

#define IMAGEDB_RECORD_BYTES	106u		/* fixed part of a file's record */
#define IMAGEDB_PIECE_BYTES	16368u		/* of files or index entries: four pages without their header */
#define IMAGEDB_PIECE_HEAD	16u		/* checksum, first number, count */
#define IMAGEDB_INDEX_ENTRY	12u		/* hash, file number */
/* A record alone in its piece may be longer than that: the longest path, interpreter, its argument, soname and names. */
#define IMAGEDB_RECORD_MAX	(IMAGEDB_RECORD_BYTES + IMAGEDB_MAX_PATH + IMAGEDB_MAX_INTERP + IMAGEDB_MAX_SCRIPT_LINE + 256u * \
				 (IMAGEDB_STORE_MAX_NEEDED + 1) + 4u)

/* First byte of a key. */
enum imagedb_table {
	IMAGEDB_TABLE_HEAD	= 'A',	/* one record */
	IMAGEDB_TABLE_SETS	= 'S',	/* SHA-256 of the identity */
	IMAGEDB_TABLE_NUMBERS	= 'N',	/* set number -> SHA-256 */
	IMAGEDB_TABLE_UNSEEN	= 'U',	/* numbers of sets being written or removed */
	IMAGEDB_TABLE_FILES	= 'F',	/* set number, first file's number */
	IMAGEDB_TABLE_PATHS	= 'P',	/* set number, first hash, piece */
	IMAGEDB_TABLE_INODES	= 'I',	/* likewise */
};

/* A key, built in place. */
struct imagedb_key {
	uint8_t bytes[1 + 8 + 8 + 4];
	size_t len;
};

struct imagedb_key imagedb_key_head(void);
struct imagedb_key imagedb_key_number(enum imagedb_table table, uint64_t number);
struct imagedb_key imagedb_key_files(uint64_t number, uint32_t first);
struct imagedb_key imagedb_key_index(enum imagedb_table table, uint64_t number, uint64_t hash, uint32_t piece);
/* 'S' and 32 bytes. */
struct imagedb_set_key {
	uint8_t bytes[1 + IMAGEDB_KEY_BYTES];
};
struct imagedb_set_key imagedb_key_set(const uint8_t sha256[IMAGEDB_KEY_BYTES]);

static inline struct imagedb_bytes imagedb_key_bytes(const struct imagedb_key *key)
{
	return (struct imagedb_bytes){ .at = key->bytes, .len = key->len };
}

/* Is it a key of that table and set? */
bool imagedb_key_is_of(struct imagedb_bytes key, enum imagedb_table table, uint64_t number);

/* Every value starts with a checksum over its key and the rest. */
void imagedb_value_seal(struct imagedb_bytes key, uint8_t *value, size_t len);
bool imagedb_value_is_sound(struct imagedb_bytes key, struct imagedb_bytes value);

/* --- the store's own record ------------------------------------------------------------------------------------- */

#define IMAGEDB_HEAD_BYTES	48u

struct imagedb_store_head {
	uint32_t version;
	uint64_t next_number;	/* of a set, from 1 */
	uint64_t next_use;	/* counts uses: their order, whatever the clock does */
	uint64_t seed;		/* of the path hashes: nobody can prepare colliding names */
};

void imagedb_head_encode(const struct imagedb_store_head *head, uint8_t value[IMAGEDB_HEAD_BYTES]);
/* 0; -EUCLEAN: damaged or foreign; -EPROTO: of another version, which is filled in. */
int imagedb_head_decode(struct imagedb_bytes value, struct imagedb_store_head *ret);

/* --- a set ------------------------------------------------------------------------------------------------------ */

struct imagedb_set_record {
	struct imagedb_store_set set;	/* .identity and .label are borrowed while encoding, owned after decoding */
	uint64_t use;
};

/* *ret: to be freed. -ENOMEM. */
int imagedb_set_encode(const struct imagedb_set_record *record, uint8_t **ret, size_t *ret_len);
/* Copies the texts; release with imagedb_set_record_release(). -EUCLEAN, -ENOMEM. key: the value's, 'S' and the hash. */
int imagedb_set_decode(struct imagedb_bytes key, struct imagedb_bytes value, struct imagedb_set_record *ret);
void imagedb_set_record_release(struct imagedb_set_record *record);

/* --- a file ----------------------------------------------------------------------------------------------------- */

/* Bytes that the file's record takes; 0: something in it is out of range. */
size_t imagedb_record_bytes(const struct imagedb_store_file *file);
void imagedb_record_encode(const struct imagedb_store_file *file, uint8_t *at);
/* Writes a digest into an encoded record. */
void imagedb_record_set_digest(uint8_t *record, const struct imagedb_digest *digest);

/* Records one after another in a piece; .file.path etc. point into the piece. */
struct imagedb_piece_reader {
	const uint8_t *at, *end;
	uint32_t next, left;
	const char *needed[IMAGEDB_STORE_MAX_NEEDED];
	struct imagedb_store_file file;	/* the record read last, */
	const uint8_t *record;		/* and where it begins */
};

/* value: a sealed piece that outlives the reader. -EUCLEAN. */
int imagedb_piece_open(struct imagedb_bytes key, struct imagedb_bytes value, struct imagedb_piece_reader *ret);
/* 1: .file is filled; 0: no more; -EUCLEAN. */
int imagedb_piece_next(struct imagedb_piece_reader *reader);
/* Fills in the head of a piece and seals it. */
void imagedb_piece_close(struct imagedb_bytes key, uint8_t *piece, size_t len, uint32_t first, uint32_t count);

/* --- little-endian integers ------------------------------------------------------------------------------------- */

uint64_t imagedb_get(const uint8_t *at, size_t bytes);
void imagedb_set(uint8_t *at, size_t bytes, uint64_t value);

#endif /* IMAGEDB_STORE_RECORD_H */
