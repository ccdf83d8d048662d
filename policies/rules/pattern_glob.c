// SPDX-License-Identifier: Apache-2.0
/*
 * Globs. A pattern is cut at its stars into pieces of a fixed length; the first is compared at the text's front, the last at
 * its end, each other one is searched behind its predecessor, where the leftmost place is as good as any. A piece of plain
 * bytes is compared as bytes; any other has a bit for each of its places, and a byte of the text moves all of them at once
 * (shift-and, Baeza-Yates and Gonnet 1992). Must not know paths.
 */
#include "policies/rules/pattern.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define WORD_BITS 64
#define WORDS_MAX (RULE_PATTERN_BYTES_MAX / WORD_BITS)
#define SHORT_PLACES 64

/* The bytes that one place of a pattern takes. */
struct byte_set {
	uint64_t bits[256 / WORD_BITS];
};

/**
 * struct piece - what stands between two stars
 * @len: in places, each of which takes one byte of a text
 * @bytes: if every place takes one byte only; else NULL
 * @classes: bytes that no place tells apart have the same number
 * @masks: for each class @words words, with a bit for each place that takes it
 */
struct piece {
	size_t len, words;
	const char *bytes;
	const uint8_t *classes;
	const uint64_t *masks;
};

struct rule_glob {
	bool never; /* matches nothing */
	size_t n, len; /* pieces; places in all of them */
	struct piece pieces[];
};

/* A pattern while it is read: the places of the piece at hand. */
struct reader {
	const char *at, *end;
	bool fold, never; /* fold: letters' case; never: a place that takes nothing */
	struct policy_arena *arena;
	struct byte_set *sets;
	char *bytes;
	bool plain;
	size_t len;
};

static unsigned char fold(const struct reader *r, unsigned char c)
{
	return r->fold && c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static void add_byte(struct byte_set *set, unsigned char c)
{
	set->bits[c / WORD_BITS] |= UINT64_C(1) << c % WORD_BITS;
}

static bool has_byte(const struct byte_set *set, unsigned char c)
{
	return set->bits[c / WORD_BITS] >> c % WORD_BITS & 1;
}

/* All bytes that fold to @c. */
static void add_folded(const struct reader *r, struct byte_set *set, unsigned char c)
{
	add_byte(set, c);
	if (r->fold && c >= 'a' && c <= 'z')
		add_byte(set, (unsigned char)(c - 0x20));
}

/* All that fold to @low … @high. */
static void add_range(const struct reader *r, struct byte_set *set, unsigned char low, unsigned char high)
{
	for (unsigned c = low; c <= high; c++) {
		if (fold(r, (unsigned char)c) == c)
			add_folded(r, set, (unsigned char)c);
	}
}

/* Classes as in the C locale, whatever the process has set. Return: false: there is no such class. */
static bool add_class(struct byte_set *set, const char *name, size_t len)
{
	static const char *const names[] = { "alnum", "alpha", "blank", "cntrl", "digit", "graph",
					     "lower", "print", "punct", "space", "upper", "xdigit" };
	size_t i = 0;

	while (i < sizeof(names) / sizeof(names[0]) && (strlen(names[i]) != len || memcmp(names[i], name, len) != 0))
		i++;
	for (int c = 0; c < 128; c++) {
		const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
		const bool space = c == ' ' || (c >= '\t' && c <= '\r'), graph = c > ' ' && c < 127;
		const bool xdigit = digit || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
		const bool in[] = { upper || lower || digit, upper || lower, c == ' ' || c == '\t', c < ' ' || c == 127, digit, graph, lower,
				    graph || c == ' ', graph && !upper && !lower && !digit, space, upper, xdigit };

		if (i < sizeof(in) / sizeof(in[0]) && in[i])
			add_byte(set, (unsigned char)c);
	}
	return i < sizeof(names) / sizeof(names[0]);
}

/* "[:name:]", "[=c=]" or "[.c.]" at r->at - 1: where what is between begins, and its length. */
static bool take_named(struct reader *r, char kind, const char **ret, size_t *ret_len)
{
	const char close[2] = { kind, ']' };
	const char *stop;

	if (r->end - r->at < 3 || r->at[-1] != '[' || *r->at != kind)
		return false;
	stop = memmem(r->at + 1, (size_t)(r->end - r->at - 1), close, sizeof(close));
	if (!stop || stop == r->at + 1)
		return false;
	for (const char *s = r->at + 1; kind == ':' && s < stop; s++) {
		if (*s < 'a' || *s > 'z')
			return false;
	}
	if (kind != ':' && stop != r->at + 2)
		return false;
	*ret = r->at + 1;
	*ret_len = (size_t)(stop - r->at - 1);
	r->at = stop + 2;
	return true;
}

/* One end of a range, or a single byte. Return: false: the pattern ends here. */
static bool take_member(struct reader *r, unsigned char *ret)
{
	const char *name;
	size_t len;

	if (r->at == r->end)
		return false;
	*ret = (unsigned char)*r->at++;
	if (*ret == '[' && take_named(r, '.', &name, &len))
		*ret = (unsigned char)*name;
	else if (*ret == '\\' && r->at < r->end)
		*ret = (unsigned char)*r->at++;
	else if (*ret == '\\')
		return false;
	return true;
}

/* Behind a "[": fills @set. Return: false: there is no end, so that it is a plain character. */
static bool read_bracket(struct reader *r, struct byte_set *set)
{
	bool negated = false, bad = false;
	unsigned char low, high;
	const char *name;
	size_t len;

	if (r->at < r->end && (*r->at == '!' || *r->at == '^'))
		negated = r->at++;
	for (bool first = true; first || r->at == r->end || *r->at != ']'; first = false) {
		if (r->at == r->end)
			return false;
		r->at++;
		if (take_named(r, ':', &name, &len)) {
			bad |= !add_class(set, name, len);
			continue;
		}
		if (take_named(r, '=', &name, &len)) {
			add_byte(set, (unsigned char)*name);
			continue;
		}
		r->at--;
		if (!take_member(r, &low))
			return false;
		low = high = fold(r, low);
		if (r->end - r->at >= 2 && r->at[0] == '-' && r->at[1] != ']') {
			r->at++;
			if (!take_member(r, &high))
				return false;
			high = fold(r, high);
		}
		add_range(r, set, low, high);
	}
	r->at++;
	for (size_t i = 0; negated && i < sizeof(set->bits) / sizeof(set->bits[0]); i++)
		set->bits[i] = bad ? 0 : ~set->bits[i];
	return true;
}

/* One place of the piece: all that stands for one byte of a text. */
static void read_place(struct reader *r)
{
	struct byte_set *set = &r->sets[r->len];
	unsigned char c = (unsigned char)*r->at++;
	const char *const behind = r->at;

	memset(set, 0, sizeof(*set));
	r->bytes[r->len] = (char)c;
	if (c == '?') {
		memset(set, 0xff, sizeof(*set));
		r->plain = false;
	} else if (c == '[' && read_bracket(r, set)) {
		r->plain = false;
	} else {
		r->at = behind;
		memset(set, 0, sizeof(*set));
		if (c == '\\' && r->at == r->end)
			r->never = true;
		else if (c == '\\')
			c = (unsigned char)*r->at++;
		c = fold(r, c);
		r->bytes[r->len] = (char)c;
		add_folded(r, set, c);
		r->plain &= !r->fold || c < 'a' || c > 'z';
	}
	r->len++;
}

/* Numbers the bytes so that those which every place takes or refuses alike have the same number. Return: how many. */
static size_t number_classes(const struct reader *r, uint8_t *classes)
{
	size_t n = 1;

	memset(classes, 0, 256);
	for (const struct byte_set *set = r->sets; set < r->sets + r->len; set++) {
		uint16_t total[256] = { 0 }, inside[256] = { 0 }, number[256];
		const size_t before = n;

		for (unsigned c = 0; c < 256; c++) {
			total[classes[c]]++;
			inside[classes[c]] += has_byte(set, (unsigned char)c);
		}
		for (size_t i = 0; i < before; i++)
			number[i] = (uint16_t)(inside[i] && inside[i] < total[i] ? n++ : i);
		for (unsigned c = 0; c < 256; c++) {
			if (has_byte(set, (unsigned char)c))
				classes[c] = (uint8_t)number[classes[c]];
		}
	}
	return n;
}

static int make_masks(struct reader *r, struct piece *piece)
{
	uint8_t *classes = policy_arena_alloc(r->arena, 256, sizeof(*classes));
	uint64_t *masks;
	size_t n;

	if (!classes)
		return -ENOMEM;
	n = number_classes(r, classes);
	piece->words = (r->len + WORD_BITS - 1) / WORD_BITS;
	masks = policy_arena_alloc(r->arena, n * piece->words, sizeof(*masks));
	if (!masks)
		return -ENOMEM;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t i = 0; i < r->len; i++) {
			if (has_byte(&r->sets[i], (unsigned char)c))
				masks[classes[c] * piece->words + i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
		}
	}
	piece->classes = classes;
	piece->masks = masks;
	return 0;
}

/* The places up to the next star, or to the end. */
static int read_piece(struct reader *r, struct piece *piece)
{
	r->len = 0;
	r->plain = true;
	while (r->at < r->end && *r->at != '*')
		read_place(r);
	piece->len = r->len;
	if (!r->plain)
		return make_masks(r, piece);
	piece->bytes = policy_arena_copy(r->arena, r->bytes, r->len);
	return piece->bytes ? 0 : -ENOMEM;
}

static int read_pieces(struct reader *r, struct rule_glob *glob)
{
	for (;;) {
		int err = read_piece(r, &glob->pieces[glob->n]);

		if (err)
			return err;
		glob->len += glob->pieces[glob->n++].len;
		if (r->at == r->end)
			return 0;
		r->at++;
	}
}

/* Room for the places of the pattern, on the stack where that is short: most are, and lists hold many. */
static int read_pattern(struct reader *r, struct rule_glob *glob)
{
	_cleanup_(policy_arena_free) struct policy_arena *scratch = NULL;
	const size_t len = (size_t)(r->end - r->at);
	struct byte_set sets[SHORT_PLACES];
	char bytes[SHORT_PLACES];

	r->sets = sets;
	r->bytes = bytes;
	if (len > SHORT_PLACES) {
		if (policy_arena_new(&scratch) < 0)
			return -ENOMEM;
		r->sets = policy_arena_alloc(scratch, len, sizeof(*r->sets));
		r->bytes = policy_arena_alloc(scratch, len, 1);
	}
	return r->sets && r->bytes ? read_pieces(r, glob) : -ENOMEM;
}

int rule_glob_compile(const char *pattern, size_t len, bool fold_case, struct policy_arena *arena, struct rule_glob **ret)
{
	struct reader r = { .at = pattern, .end = pattern + len, .fold = fold_case, .arena = arena };
	struct rule_glob *glob;
	size_t pieces = 1;
	int err;

	if (len > RULE_PATTERN_BYTES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < len; i++)
		pieces += pattern[i] == '*';
	glob = policy_arena_alloc(arena, 1, sizeof(*glob) + pieces * sizeof(glob->pieces[0]));
	if (!glob)
		return -ENOMEM;
	err = read_pattern(&r, glob);
	if (err)
		return err;
	glob->never = r.never;
	*ret = glob;
	return 0;
}

static bool takes(const struct piece *piece, size_t place, char c)
{
	return piece->masks[piece->classes[(unsigned char)c] * piece->words + place / WORD_BITS] >> place % WORD_BITS & 1;
}

static bool matches_at(const struct piece *piece, const char *text)
{
	if (piece->bytes)
		return memcmp(piece->bytes, text, piece->len) == 0;
	for (size_t i = 0; i < piece->len; i++) {
		if (!takes(piece, i, text[i]))
			return false;
	}
	return true;
}

static const char *find_masked(const struct piece *piece, const char *text, const char *end)
{
	const uint64_t last = UINT64_C(1) << (piece->len - 1) % WORD_BITS;
	uint64_t state[WORDS_MAX] = { 0 };

	for (; text < end; text++) {
		const uint64_t *mask = &piece->masks[piece->classes[(unsigned char)*text] * piece->words];
		uint64_t carry = 1;

		for (size_t i = 0; i < piece->words; i++) {
			const uint64_t next = state[i] >> (WORD_BITS - 1);

			state[i] = (state[i] << 1 | carry) & mask[i];
			carry = next;
		}
		if (state[piece->words - 1] & last)
			return text + 1;
	}
	return NULL;
}

/* Where the leftmost place of @piece in the text ends; NULL: it is not there. */
static const char *find(const struct piece *piece, const char *text, const char *end)
{
	const char *found;

	if (!piece->len)
		return text;
	if (!piece->bytes)
		return find_masked(piece, text, end);
	found = memmem(text, (size_t)(end - text), piece->bytes, piece->len);
	return found ? found + piece->len : NULL;
}

bool rule_glob_match(const struct rule_glob *glob, const char *text, size_t len)
{
	const struct piece *piece = glob->pieces, *last = &glob->pieces[glob->n - 1];
	const char *end = text + len;

	if (glob->never || len < glob->len || !matches_at(piece, text))
		return false;
	if (piece == last)
		return len == piece->len;
	if (!matches_at(last, end - last->len))
		return false;
	text += piece->len;
	end -= last->len;
	for (piece++; piece < last && text; piece++)
		text = find(piece, text, end);
	return text;
}
