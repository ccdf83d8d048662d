// SPDX-License-Identifier: Apache-2.0
/*
 * Path globs to byte code. A pattern is read into tokens; each `**` is replaced in every way in which it can fall upon the
 * components of a path; what comes out is written component by component from the last to the first.
 *
 * I1: after the replacement TOKEN_DEEP is a component of its own and stands for one or more whole components, since
 *     turning round the components of a path would tear apart a run that begins or ends inside of one.
 * I2: paths have no empty component, so a run between two slashes is never empty.
 */
#include "enforcer/glob_compile.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "enforcer/util.h"
#include "policies/policies.h"

enum token_kind {
	TOKEN_LITERAL,
	TOKEN_SLASH,
	TOKEN_ONE,
	TOKEN_STAR,
	TOKEN_DEEP,
	TOKEN_CLASS,
};

struct token {
	uint8_t kind;
	uint8_t value; /* LITERAL: the byte; CLASS: its index */
	bool collapses; /* DEEP between two slashes that may stand for nothing, with one slash left */
};

/* Tokens of a pattern; a replacement has at most five for one `**`, which is two bytes of a pattern. */
#define TOKENS_MAX (POLICY_PATTERN_MAX * 3)

struct tokens {
	size_t n;
	struct token at[TOKENS_MAX];
};

/* What a `**` may become. */
enum way {
	WAY_NOTHING,  /* nothing, and the slash behind it goes, too */
	WAY_INSIDE,   /* a run inside one component */
	WAY_ACROSS,   /* the end of one component and the beginning of the next */
	WAY_FAR,      /* the same with whole components between them */
	WAY_DEEP,     /* whole components */
	WAY_DEEP_END, /* whole components, then the beginning of one */
	WAY_BEGIN_DEEP, /* the end of a component, then whole ones */
	_WAY_MAX
};

struct ways {
	uint8_t n;
	uint8_t way[3];
};

static const uint8_t way_tokens[_WAY_MAX][6] = {
	[WAY_NOTHING] = { 0 },
	[WAY_INSIDE] = { 1, TOKEN_STAR },
	[WAY_ACROSS] = { 3, TOKEN_STAR, TOKEN_SLASH, TOKEN_STAR },
	[WAY_FAR] = { 5, TOKEN_STAR, TOKEN_SLASH, TOKEN_DEEP, TOKEN_SLASH, TOKEN_STAR },
	[WAY_DEEP] = { 1, TOKEN_DEEP },
	[WAY_DEEP_END] = { 3, TOKEN_DEEP, TOKEN_SLASH, TOKEN_STAR },
	[WAY_BEGIN_DEEP] = { 3, TOKEN_STAR, TOKEN_SLASH, TOKEN_DEEP },
};

static void add_to_set(uint8_t set[32], unsigned int low, unsigned int high)
{
	for (unsigned int c = low; c <= high; c++)
		set[c / 8] |= (uint8_t)(1u << (c % 8));
}

static void remove_from_set(uint8_t set[32], unsigned int c)
{
	set[c / 8] &= (uint8_t)~(1u << (c % 8));
}

/* Reads the class at *i, which is known to be valid, and moves *i behind it. */
static void read_class(const unsigned char *pattern, size_t *i, uint8_t ret[32])
{
	bool negated;
	size_t first;

	memset(ret, 0, 32);
	(*i)++;
	negated = pattern[*i] == '!' || pattern[*i] == '^';
	if (negated)
		(*i)++;
	for (first = *i; pattern[*i] != ']' || *i == first; (*i)++) {
		unsigned char low = pattern[*i], high = low;

		if (pattern[*i + 1] == '-' && pattern[*i + 2] != ']') {
			high = pattern[*i + 2];
			*i += 2;
		}
		add_to_set(ret, low, high);
	}
	(*i)++;
	for (size_t byte = 0; negated && byte < 32; byte++)
		ret[byte] = (uint8_t)~ret[byte];
	remove_from_set(ret, '/');
	remove_from_set(ret, '\0');
}

static int find_class(struct glob_classes *classes, const uint8_t set[32], uint8_t *ret)
{
	unsigned int i = 0;

	while (i < classes->n && memcmp(classes->sets[i], set, 32) != 0)
		i++;
	if (i == HF_GLOB_CLASSES)
		return -ENOSPC;
	if (i == classes->n)
		memcpy(classes->sets[classes->n++], set, 32);
	*ret = (uint8_t)i;
	return 0;
}

/* A run of stars: one is a run of bytes within a component, two or more cross slashes. */
static struct token read_stars(const char *pattern, size_t *i)
{
	size_t n = strspn(pattern + *i, "*");
	struct token token = { .kind = n > 1 ? TOKEN_DEEP : TOKEN_STAR };

	token.collapses = n == 2 && *i > 0 && pattern[*i - 1] == '/' && pattern[*i + 2] == '/';
	*i += n;
	return token;
}

static int read_token(const char *pattern, size_t *i, struct glob_classes *classes, struct token *ret)
{
	uint8_t set[32];

	switch (pattern[*i]) {
	case '*':
		*ret = read_stars(pattern, i);
		return 0;
	case '?':
		*ret = (struct token){ .kind = TOKEN_ONE };
		break;
	case '[':
		read_class((const unsigned char *)pattern, i, set);
		*ret = (struct token){ .kind = TOKEN_CLASS };
		return find_class(classes, set, &ret->value);
	case '\\':
		(*i)++;
		__attribute__((fallthrough));
	default:
		*ret = (struct token){ .kind = pattern[*i] == '/' ? TOKEN_SLASH : TOKEN_LITERAL,
				       .value = (uint8_t)pattern[*i] };
	}
	(*i)++;
	return 0;
}

/* A path begins with a slash, so stars in front of the first one stand for nothing. */
static void drop_leading_star(struct tokens *tokens)
{
	if (tokens->n == 0 || tokens->at[0].kind != TOKEN_STAR)
		return;
	tokens->n--;
	memmove(tokens->at, tokens->at + 1, tokens->n * sizeof(tokens->at[0]));
}

static int read_pattern(const char *pattern, struct glob_classes *classes, struct tokens *ret)
{
	int err = 0;

	ret->n = 0;
	for (size_t i = 0; !err && pattern[i];)
		err = read_token(pattern, &i, classes, &ret->at[ret->n++]);
	drop_leading_star(ret);
	return err;
}

/* In which ways the `**` at i can fall upon components. */
static struct ways find_ways(const struct tokens *tokens, size_t i)
{
	bool begins = i == 0, ends = i + 1 == tokens->n;
	bool after_slash = !begins && tokens->at[i - 1].kind == TOKEN_SLASH;
	bool before_slash = !ends && tokens->at[i + 1].kind == TOKEN_SLASH;

	if (begins)
		return (struct ways){ 1, { ends || before_slash ? WAY_DEEP : WAY_DEEP_END } };
	if (after_slash && (ends || before_slash))
		return tokens->at[i].collapses ? (struct ways){ 2, { WAY_DEEP, WAY_NOTHING } }
					       : (struct ways){ 1, { WAY_DEEP } };
	if (after_slash)
		return (struct ways){ 2, { WAY_INSIDE, WAY_DEEP_END } };
	if (ends || before_slash)
		return (struct ways){ 2, { WAY_INSIDE, WAY_BEGIN_DEEP } };
	return (struct ways){ 3, { WAY_INSIDE, WAY_ACROSS, WAY_FAR } };
}

/* Replaces each `**` in the way that `choice` says, a number with one digit for each. Returns what remains of it: 0 while
 * there is such a choice. */
static size_t replace_deep(const struct tokens *from, size_t choice, struct tokens *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < from->n; i++) {
		struct ways ways;
		const uint8_t *kinds;

		if (from->at[i].kind != TOKEN_DEEP) {
			ret->at[ret->n++] = from->at[i];
			continue;
		}
		ways = find_ways(from, i);
		kinds = way_tokens[ways.way[choice % ways.n]];
		if (kinds[0] == 0)
			i++;
		for (uint8_t k = 1; k <= kinds[0]; k++)
			ret->at[ret->n++] = (struct token){ .kind = kinds[k] };
		choice /= ways.n;
	}
	return choice;
}

/* A component that is empty, or no slash in front of the first: no path is like that. */
static bool can_match(const struct tokens *tokens)
{
	if (tokens->n == 0 || (tokens->at[0].kind != TOKEN_SLASH && tokens->at[0].kind != TOKEN_DEEP))
		return false;
	for (size_t i = 0; i < tokens->n; i++) {
		if (tokens->at[i].kind == TOKEN_SLASH &&
		    (i + 1 == tokens->n || tokens->at[i + 1].kind == TOKEN_SLASH))
			return false;
	}
	return true;
}

static int write_byte(struct glob_code *code, uint8_t byte)
{
	if (code->bytes >= HF_GLOB_BYTES - 1)
		return -ENAMETOOLONG;
	code->text[code->bytes++] = (char)byte;
	return 0;
}

static int write_token(struct glob_code *code, const struct token *token)
{
	static const uint8_t ops[] = { [TOKEN_ONE] = HF_GLOB_ONE, [TOKEN_STAR] = HF_GLOB_STAR,
				       [TOKEN_DEEP] = HF_GLOB_DEEP, [TOKEN_CLASS] = HF_GLOB_CLASS };
	int err;

	if (token->kind == TOKEN_LITERAL)
		return write_byte(code, token->value);
	err = write_byte(code, ops[token->kind]);
	/* Index 0 is byte 1, so that no code holds a NUL. */
	return !err && token->kind == TOKEN_CLASS ? write_byte(code, (uint8_t)(token->value + 1)) : err;
}

/* Writes the components from the last to the first, each followed by a slash; a `**` in front of all has none. */
static int write_reversed(const struct tokens *tokens, struct glob_code *ret)
{
	size_t end = tokens->n;
	int err = 0;

	ret->bytes = 0;
	while (!err && end > 0) {
		size_t begin = end;

		while (begin > 0 && tokens->at[begin - 1].kind != TOKEN_SLASH)
			begin--;
		for (size_t i = begin; !err && i < end; i++)
			err = write_token(ret, &tokens->at[i]);
		if (!err && begin > 0)
			err = write_byte(ret, '/');
		end = begin > 0 ? begin - 1 : 0;
	}
	return err;
}

static int write_alternatives(const struct tokens *tokens, struct glob_alternatives *ret)
{
	struct tokens replaced;

	ret->n = 0;
	for (size_t choice = 0; replace_deep(tokens, choice, &replaced) == 0; choice++) {
		int err;

		if (choice == GLOB_ALTERNATIVES_MAX)
			return -E2BIG;
		if (!can_match(&replaced))
			continue;
		err = write_reversed(&replaced, &ret->code[ret->n]);
		if (err)
			return err;
		ret->n++;
	}
	return 0;
}

static const char *explain(int err)
{
	switch (err) {
	case -E2BIG:
		return "it has too many ** inside of the path; write it as several paths";
	case -ENAMETOOLONG:
		return "it is too long for the kernel's table; shorten it with *";
	case -ENOSPC:
		return "it needs too many different character classes, together with fromProcess; write ? or * for some";
	default:
		return NULL;
	}
}

int glob_compile(const char *pattern, struct glob_classes *classes, struct glob_alternatives *ret,
		 const char **ret_reason)
{
	struct tokens tokens;
	int err;

	if (!policy_glob_valid(pattern, NULL, ret_reason))
		return -EINVAL;
	err = read_pattern(pattern, classes, &tokens);
	if (!err)
		err = write_alternatives(&tokens, ret);
	if (err && ret_reason)
		*ret_reason = explain(err);
	return err;
}
