// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions: text to tree. The syntax is RE2's in POSIX mode, and "(?:" besides. Must not know how matching is done.
 */
#include "policies/rules/regex_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Both are RE2's, so that an expression that loads there does here. */
#define DEPTH_MAX 1000
#define TIMES_MAX 1000

struct reader {
	const char *at, *end;
	unsigned depth;
	bool no_names; /* no ":]" follows */
	struct regex_range *ranges; /* room for the brackets at hand */
	struct policy_arena *scratch, *arena;
	const char **error;
};

static int fail(struct reader *r, const char *error)
{
	*r->error = error;
	return -EINVAL;
}

int32_t regex_decode(const char **at, const char *end)
{
	const unsigned char *s = (const unsigned char *)*at;
	const size_t left = (size_t)(end - *at), n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t rune = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));

	++*at;
	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4 || left < n)
		return -1;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		rune = rune << 6 | (s[i] & 0x3f);
	}
	if (rune < least[n] || rune > REGEX_RUNE_MAX || (rune >= 0xd800 && rune < 0xe000))
		return -1;
	*at += n - 1;
	return (int32_t)rune;
}

static int make_node(struct reader *r, enum regex_kind kind, struct regex_node **ret)
{
	struct regex_node *node = policy_arena_alloc(r->scratch, 1, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->kind = kind;
	node->depth = node->times = 1;
	*ret = node;
	return 0;
}

/* The child goes before those that are there. */
static void add_child(struct regex_node *node, struct regex_node *child)
{
	child->next = node->child;
	node->child = child;
	if (child->depth >= node->depth)
		node->depth = child->depth + 1;
	if (child->times > node->times)
		node->times = child->times;
}

static int make_set(struct reader *r, struct regex_range *ranges, size_t n, bool negated, struct regex_node **ret)
{
	int err = make_node(r, REGEX_SET, ret);

	if (err)
		return err;
	(*ret)->set = regex_set_new(ranges, n, negated, r->arena);
	return (*ret)->set ? 0 : -ENOMEM;
}

static bool is_next(const struct reader *r, char c)
{
	return r->at < r->end && *r->at == c;
}

static bool take(struct reader *r, char c)
{
	if (!is_next(r, c))
		return false;
	r->at++;
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Up to @max digits. Return: how many. */
static size_t take_digits(struct reader *r, int base, size_t max, uint32_t *value)
{
	size_t n = 0;

	for (*value = 0; n < max && r->at < r->end && digit_value(*r->at) < base && *value <= REGEX_RUNE_MAX; n++)
		*value = *value * (uint32_t)base + (uint32_t)digit_value(*r->at++);
	return n;
}

static bool take_hex(struct reader *r, uint32_t *ret)
{
	const bool braces = take(r, '{');
	const size_t n = take_digits(r, 16, braces ? 8 : 2, ret);

	return (braces ? n > 0 && take(r, '}') : n == 2) && *ret <= REGEX_RUNE_MAX;
}

/* Behind a backslash. */
static int take_escape(struct reader *r, uint32_t *ret)
{
	static const char names[] = "aftnrv", values[] = "\a\f\t\n\r\v";
	const char c = r->at < r->end ? *r->at++ : '\0', *found = c ? strchr(names, c) : NULL;
	const bool octal = c == '0' || (c >= '1' && c <= '7' && r->at < r->end && *r->at >= '0' && *r->at <= '7');
	const bool word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

	if (found) {
		*ret = (uint32_t)values[found - names];
		return 0;
	}
	if (octal) {
		r->at--;
		take_digits(r, 8, 3, ret);
		return 0;
	}
	if (c == 'x')
		return take_hex(r, ret) ? 0 : fail(r, "invalid escape sequence: \\x wants two hexadecimal digits, or some in braces");
	if (r->at == r->end && !c)
		return fail(r, "trailing \\");
	if ((unsigned char)c >= 0x80 || word)
		return fail(r, "invalid escape sequence: \\ stands before punctuation, or one of a f n r t v x and octal digits");
	*ret = (uint32_t)c;
	return 0;
}

static int take_rune(struct reader *r, uint32_t *ret)
{
	int32_t rune;

	if (take(r, '\\'))
		return take_escape(r, ret);
	rune = regex_decode(&r->at, r->end);
	if (rune < 0)
		return fail(r, "not UTF-8");
	*ret = (uint32_t)rune;
	return 0;
}

static const struct {
	const char *name;
	struct regex_range ranges[4];
} named[] = {
	{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
	{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } } },
	{ "ascii", { { 0, 127 } } },
	{ "blank", { { '\t', '\t' }, { ' ', ' ' } } },
	{ "cntrl", { { 0, 31 }, { 127, 127 } } },
	{ "digit", { { '0', '9' } } },
	{ "graph", { { '!', '~' } } },
	{ "lower", { { 'a', 'z' } } },
	{ "print", { { ' ', '~' } } },
	{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } } },
	{ "space", { { '\t', '\r' }, { ' ', ' ' } } },
	{ "upper", { { 'A', 'Z' } } },
	{ "word", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } } },
	{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } },
};

static size_t add_named(size_t i, bool negated, struct regex_range *ranges)
{
	uint32_t begin = 0;
	size_t n = 0;

	for (size_t k = 0; k < 4 && named[i].ranges[k].high; k++) {
		const struct regex_range *range = &named[i].ranges[k];

		if (!negated)
			ranges[n++] = *range;
		else if (range->low > begin)
			ranges[n++] = (struct regex_range){ begin, range->low - 1 };
		begin = range->high + 1;
	}
	if (negated)
		ranges[n++] = (struct regex_range){ begin, REGEX_RUNE_MAX };
	return n;
}

/* "[:name:]" in brackets. Return: how many ranges it added; 0: there is none; -EINVAL: there is no such name. */
static int take_named(struct reader *r, struct regex_range *ranges)
{
	const size_t left = (size_t)(r->end - r->at);
	const char *name = r->at + 2, *stop;
	bool negated;

	if (left < 3 || r->at[0] != '[' || r->at[1] != ':' || r->no_names)
		return 0;
	stop = memmem(name, left - 2, ":]", 2);
	r->no_names = !stop;
	if (!stop)
		return 0;
	negated = *name == '^';
	name += negated;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strlen(named[i].name) != (size_t)(stop - name) || memcmp(named[i].name, name, (size_t)(stop - name)) != 0)
			continue;
		r->at = stop + 2;
		return (int)add_named(i, negated, ranges);
	}
	return fail(r, "invalid character class: no such name between [: and :]");
}

static int take_range(struct reader *r, struct regex_range *range)
{
	int err = take_rune(r, &range->low);

	if (err)
		return err;
	range->high = range->low;
	if (r->end - r->at < 2 || r->at[0] != '-' || r->at[1] == ']')
		return 0;
	r->at++;
	err = take_rune(r, &range->high);
	if (err)
		return err;
	return range->low <= range->high ? 0 : fail(r, "invalid character class range: its ends are in the wrong order");
}

/* Behind "[". An item makes no more ranges than it has bytes. */
static int parse_brackets(struct reader *r, struct regex_node **ret)
{
	const bool negated = take(r, '^');
	size_t n = 0;
	int added;

	for (bool first = true; first || !is_next(r, ']'); first = false) {
		if (r->at == r->end)
			return fail(r, "missing closing ]");
		if (*r->at == '-' && !first && (r->end - r->at == 1 || r->at[1] != ']'))
			return fail(r, "invalid character class range: - stands first or last");
		added = take_named(r, r->ranges + n);
		if (!added) {
			added = take_range(r, r->ranges + n);
			added = added < 0 ? added : 1;
		}
		if (added < 0)
			return added;
		n += (size_t)added;
	}
	r->at++;
	return make_set(r, r->ranges, n, negated, ret);
}

/* A number without leading zeros; values that are too large stay too large. */
static bool take_count(struct reader *r, int *ret)
{
	const char *const begin = r->at;

	for (*ret = 0; r->at < r->end && digit_value(*r->at) < 10; r->at++)
		*ret = *ret > TIMES_MAX ? *ret : *ret * 10 + digit_value(*r->at);
	return r->at > begin && (*begin != '0' || r->at == begin + 1);
}

/* "{2}", "{2,}" or "{2,4}". Return: whether there is one; anything else that begins so is plain text. */
static bool take_braces(struct reader *r, int *min, int *max)
{
	const char *const begin = r->at;

	if (take(r, '{') && take_count(r, min)) {
		*max = *min;
		if (take(r, ',') && !is_next(r, '}') && !take_count(r, max))
			*max = -2;
		else if (r->at[-1] == ',')
			*max = -1;
		if (*max > -2 && take(r, '}'))
			return true;
	}
	r->at = begin;
	return false;
}

/* Return: whether a repetition follows. */
static bool take_repeat(struct reader *r, int *min, int *max)
{
	*min = is_next(r, '+');
	*max = is_next(r, '?') ? 1 : -1;
	if (is_next(r, '*') || is_next(r, '+') || is_next(r, '?'))
		return r->at++;
	return take_braces(r, min, max);
}

static bool is_simple(int min, int max)
{
	return max == -1 ? min <= 1 : min == 0 && max == 1;
}

/* One repetition of *@node. "*", "+" and "?" of one another need no node. */
static int repeat(struct reader *r, int min, int max, struct regex_node **node)
{
	struct regex_node *child = *node, *ret;
	const int times = max < 0 ? min : max;
	int err;

	if (min > TIMES_MAX || max > TIMES_MAX || (max >= 0 && max < min))
		return fail(r, "bad repetition: {n,m} wants n <= m <= 1000");
	if (child->kind == REGEX_REPEAT && is_simple(min, max) && is_simple(child->min, child->max)) {
		if (min != child->min || max != child->max) {
			child->min = 0;
			child->max = -1;
		}
		return 0;
	}
	err = make_node(r, REGEX_REPEAT, &ret);
	if (err)
		return err;
	child->next = NULL;
	add_child(ret, child);
	ret->min = min;
	ret->max = max;
	ret->times *= times > 1 ? (unsigned)times : 1;
	if (ret->times > TIMES_MAX)
		return fail(r, "bad repetition: repeats within repeats are more than 1000");
	*node = ret;
	return ret->depth <= DEPTH_MAX ? 0 : fail(r, "nested too deeply");
}

static int parse_either(struct reader *r, struct regex_node **ret);

/* Behind "(". */
static int parse_group(struct reader *r, struct regex_node **ret)
{
	int err;

	if (r->end - r->at >= 2 && r->at[0] == '?' && r->at[1] == ':')
		r->at += 2;
	else if (is_next(r, '?'))
		return fail(r, "missing argument to repetition operator: of groups with (? there is only (?:");
	if (++r->depth > DEPTH_MAX)
		return fail(r, "nested too deeply");
	err = parse_either(r, ret);
	r->depth--;
	if (err)
		return err;
	return take(r, ')') ? 0 : fail(r, "missing closing )");
}

static int parse_atom(struct reader *r, struct regex_node **ret)
{
	static const struct regex_range newline = { '\n', '\n' };
	int min, max, err;

	if (take_repeat(r, &min, &max))
		return fail(r, "missing argument to repetition operator");
	if (take(r, '('))
		return parse_group(r, ret);
	if (take(r, '['))
		return parse_brackets(r, ret);
	if (take(r, '^'))
		return make_node(r, REGEX_BEGIN, ret);
	if (take(r, '$'))
		return make_node(r, REGEX_END, ret);
	if (take(r, '.')) {
		r->ranges[0] = newline;
		return make_set(r, r->ranges, 1, true, ret);
	}
	err = take_rune(r, &r->ranges[0].low);
	if (err)
		return err;
	r->ranges[0].high = r->ranges[0].low;
	return make_set(r, r->ranges, 1, false, ret);
}

/* What stands between "|" and "|". */
static int parse_join(struct reader *r, struct regex_node **ret)
{
	struct regex_node *node, *atom = NULL;
	int min, max, err = make_node(r, REGEX_JOIN, &node);

	while (!err && r->at < r->end && *r->at != '|' && *r->at != ')') {
		err = parse_atom(r, &atom);
		while (!err && take_repeat(r, &min, &max))
			err = repeat(r, min, max, &atom);
		if (!err)
			add_child(node, atom);
	}
	if (err)
		return err;
	*ret = node->child && !node->child->next ? node->child : node;
	return (*ret)->depth <= DEPTH_MAX ? 0 : fail(r, "nested too deeply");
}

static int parse_either(struct reader *r, struct regex_node **ret)
{
	struct regex_node *node, *join = NULL;
	int err = make_node(r, REGEX_EITHER, &node);

	do {
		if (!err)
			err = parse_join(r, &join);
		if (err)
			return err;
		add_child(node, join);
	} while (take(r, '|'));
	*ret = node->child->next ? node : node->child;
	return (*ret)->depth <= DEPTH_MAX ? 0 : fail(r, "nested too deeply");
}

int regex_parse(const char *pattern, size_t len, struct policy_arena *scratch, struct policy_arena *arena, struct regex_node **ret,
		const char **ret_error)
{
	struct reader r = { .at = pattern, .end = pattern + len, .scratch = scratch, .arena = arena, .error = ret_error };
	int err;

	r.ranges = policy_arena_alloc(scratch, len + 1, sizeof(*r.ranges));
	if (!r.ranges)
		return -ENOMEM;
	err = parse_either(&r, ret);
	if (err)
		return err;
	return r.at == r.end ? 0 : fail(&r, "unexpected )");
}
