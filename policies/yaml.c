// SPDX-License-Identifier: Apache-2.0
/*
 * The one user of libfyaml: turns its events into a bounded tree of nodes. Works on events because libfyaml's own
 * document trees resolve aliases and grow without bound. Must not know the language of the policies.
 *
 * I1: every libfyaml call happens on a text that policy_text_check() let through; its look-ahead is bounded by that.
 */
#include "policies/yaml.h"
#include "policies/text.h"

#include <errno.h>
#include <libfyaml.h>
#include <string.h>

struct anchor {
	const char *name;
	struct yaml_node *node;
	size_t nodes; /* that it stands for; 0 while it is open */
	size_t before; /* nodes of the file up to it */
};

struct builder {
	unsigned flags; /* enum yaml_flag */
	const struct policy_origin *origin;
	struct policy_arena *arena;
	struct policy_error *err;
	struct fy_diag *diag;
	struct fy_parser *parser;
	struct yaml_node *roots;
	struct yaml_node *stack[POLICY_DEPTH_MAX + 1]; /* [0] is @roots */
	struct policy_place key_place[POLICY_DEPTH_MAX + 1];
	const char *key[POLICY_DEPTH_MAX + 1]; /* of a mapping: the key whose value comes next */
	size_t depth, nodes, documents;
	struct anchor *anchors; /* of the document */
	size_t n_anchors;
	struct anchor *pending; /* its node comes next */
	struct policy_place place; /* of the current event; of the one before where an event has none */
	size_t offset;
};

static int fail(struct builder *b, int error, const char *message)
{
	return policy_fail(b->err, error, b->place, "%s", message);
}

static int fail_memory(struct builder *b)
{
	return fail(b, -ENOMEM, "out of memory");
}

/* libfyaml prints what it collects unless it is given a sink. */
static void drop_output(struct fy_diag *diag, void *user, const char *text, size_t len)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)len;
}

static void close_parser(struct builder *b)
{
	fy_parser_destroy(b->parser);
	fy_diag_destroy(b->diag);
}

static int open_parser(struct builder *b, const char *text, size_t len)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE };
	struct fy_diag_cfg diag_cfg;

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.output_fn = drop_output;
	diag_cfg.colorize = false;
	if (b->flags & YAML_LOOSE_BRACKETS)
		cfg.flags |= FYPCF_SLOPPY_FLOW_INDENTATION;
	b->diag = fy_diag_create(&diag_cfg);
	if (!b->diag)
		return fail_memory(b);
	fy_diag_set_collect_errors(b->diag, true);
	cfg.diag = b->diag;
	b->parser = fy_parser_create(&cfg);
	if (!b->parser || fy_parser_set_string(b->parser, text, len) != 0)
		return fail_memory(b);
	return 0;
}

static int fail_syntax(struct builder *b)
{
	void *iterator = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(b->diag, &iterator);

	if (!error)
		return fail(b, -EINVAL, "this is not YAML; check indentation, quotes and brackets");
	b->place = policy_place_at(b->origin, error->line, error->column);
	if (b->flags & YAML_BARE_MESSAGES)
		return fail(b, -EINVAL, error->msg);
	return policy_fail(b->err, -EINVAL, b->place, "this is not YAML: %s; check quotes, brackets and indentation",
			   error->msg);
}

/* @back: characters that the user wrote before what the mark points at. */
static void note_mark(struct builder *b, const struct fy_mark *mark, int back)
{
	if (!mark)
		return;
	b->place = policy_place_at(b->origin, mark->line + 1, mark->column + 1 - back);
	b->offset = mark->input_pos;
}

/* libfyaml's marks of quoted scalars point behind the quote. */
static void note_place(struct builder *b, struct fy_event *event)
{
	struct fy_token *token = event->type == FYET_SCALAR ? event->scalar.value : NULL;
	enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
	bool quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;

	note_mark(b, fy_event_start_mark(event), quoted);
}

static int check_duplicate(struct builder *b, const struct yaml_node *mapping, const char *key)
{
	for (const struct yaml_node *node = mapping->first; node; node = node->next) {
		if (strcmp(node->key, key) == 0)
			return policy_fail(b->err, -EINVAL, b->place,
					   "key \"%.*s\" is given twice, first on line %d; keep one", POLICY_QUOTE_MAX,
					   key, node->key_line);
	}
	return 0;
}

/* Takes a scalar as the key of the mapping on top of the stack. */
static int take_key(struct builder *b, const char *key)
{
	const struct yaml_node *mapping = b->stack[b->depth];
	int r;

	if (mapping->count >= POLICY_KEYS_MAX)
		return fail(b, -E2BIG, "too many keys in one mapping; split it");
	r = b->flags & YAML_DUPLICATE_KEYS ? 0 : check_duplicate(b, mapping, key);
	if (r < 0)
		return r;
	b->key[b->depth] = key;
	b->key_place[b->depth] = b->place;
	return 0;
}

static struct yaml_node *new_node(struct builder *b, enum yaml_type type)
{
	struct yaml_node *node = policy_arena_alloc(b->arena, 1, sizeof(*node));

	if (!node)
		return NULL;
	node->type = type;
	node->line = b->place.line;
	node->column = b->place.column;
	node->offset = b->offset;
	return node;
}

/* Hangs @node under the sequence or mapping on top of the stack. */
static void append_node(struct builder *b, struct yaml_node *node)
{
	struct yaml_node *parent = b->stack[b->depth];

	node->key = b->key[b->depth];
	node->key_line = b->key_place[b->depth].line;
	node->key_column = b->key_place[b->depth].column;
	b->key[b->depth] = NULL;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->count++;
}

static int add_node(struct builder *b, enum yaml_type type, struct yaml_node **ret)
{
	if (b->nodes >= POLICY_NODES_MAX)
		return fail(b, -E2BIG, "too many values in one file; split it");
	b->nodes++;
	*ret = new_node(b, type);
	if (!*ret)
		return fail_memory(b);
	append_node(b, *ret);
	if (b->pending)
		b->pending->node = *ret;
	b->pending = NULL;
	return 0;
}

/* @node is complete. */
static void close_anchor(struct builder *b, const struct yaml_node *node)
{
	for (size_t i = b->n_anchors; i > 0; i--) {
		struct anchor *anchor = &b->anchors[i - 1];

		if (anchor->node == node)
			anchor->nodes = b->nodes - anchor->before;
	}
}

static void close_collection(struct builder *b)
{
	close_anchor(b, b->stack[b->depth]);
	b->depth--;
}

static bool wants_key(const struct builder *b)
{
	return b->stack[b->depth]->type == YAML_MAPPING && !b->key[b->depth];
}

static int open_collection(struct builder *b, enum yaml_type type)
{
	struct yaml_node *node;
	int r;

	if (wants_key(b))
		return fail(b, -EINVAL, "a key must be a plain word, not a list or a mapping; check the indentation");
	if (b->depth >= POLICY_DEPTH_MAX)
		return fail(b, -E2BIG, "nested too deep; no policy needs this many levels");
	r = add_node(b, type, &node);
	if (r < 0)
		return r;
	b->depth++;
	b->stack[b->depth] = node;
	b->key[b->depth] = NULL;
	return 0;
}

static int check_scalar(struct builder *b, const char *text, size_t len)
{
	if (b->flags & YAML_CONTROLS)
		return memchr(text, '\0', len) ? fail(b, -EINVAL, "an escape stands for a NUL character; remove it") : 0;
	if (policy_text_find_bad(text, len) != len)
		return fail(b, -EINVAL, "an escape stands for a control character or is not a character; remove it");
	return 0;
}

static int take_scalar(struct builder *b, struct fy_token *token)
{
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : "";
	enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
	struct yaml_node *node;
	char *copy;
	int r;

	if (!text)
		return fail_memory(b);
	r = check_scalar(b, text, len);
	if (r < 0)
		return r;
	copy = policy_arena_copy(b->arena, text, len);
	if (!copy)
		return fail_memory(b);
	if (wants_key(b)) {
		b->pending = NULL;
		return take_key(b, copy);
	}
	r = add_node(b, YAML_SCALAR, &node);
	if (r < 0)
		return r;
	close_anchor(b, node);
	node->text = copy;
	node->len = len;
	node->plain = style == FYSS_PLAIN;
	node->literal = style == FYSS_LITERAL;
	return 0;
}

static struct anchor *find_anchor(struct builder *b, const char *name, size_t len)
{
	for (size_t i = b->n_anchors; i > 0; i--) {
		struct anchor *anchor = &b->anchors[i - 1];

		if (strncmp(anchor->name, name, len) == 0 && !anchor->name[len])
			return anchor;
	}
	return NULL;
}

/* Names the node that comes next. */
static int open_anchor(struct builder *b, struct fy_token *token)
{
	size_t len = 0;
	const char *name = fy_token_get_text(token, &len);

	if (!b->anchors)
		b->anchors = policy_arena_alloc(b->arena, POLICY_ANCHORS_MAX, sizeof(*b->anchors));
	if (!name || !b->anchors)
		return fail_memory(b);
	if (b->n_anchors >= POLICY_ANCHORS_MAX)
		return fail(b, -E2BIG, "too many anchors in one document; write the values out");
	name = policy_arena_copy(b->arena, name, len);
	if (!name)
		return fail_memory(b);
	b->pending = &b->anchors[b->n_anchors++];
	*b->pending = (struct anchor){ .name = name, .before = b->nodes };
	return 0;
}

static int take_alias(struct builder *b, struct fy_token *token)
{
	size_t len = 0;
	const char *name = fy_token_get_text(token, &len);
	const struct anchor *anchor = name ? find_anchor(b, name, len) : NULL;
	struct yaml_node *node;
	int r;

	note_mark(b, fy_token_start_mark(token), 1);
	if (!anchor || !anchor->nodes)
		return fail(b, -EINVAL, "the referenced anchor is not defined");
	if (wants_key(b))
		return anchor->node->type == YAML_SCALAR ? take_key(b, anchor->node->text) :
							   fail(b, -EINVAL, "a key must be a plain word");
	if (anchor->nodes > POLICY_NODES_MAX - b->nodes)
		return fail(b, -E2BIG, "too many values in one file; split it");
	r = add_node(b, anchor->node->type, &node);
	if (r < 0)
		return r;
	b->nodes += anchor->nodes - 1;
	node->plain = anchor->node->plain;
	node->literal = anchor->node->literal;
	node->text = anchor->node->text;
	node->len = anchor->node->len;
	node->first = anchor->node->first;
	node->last = anchor->node->last;
	node->count = anchor->node->count;
	return 0;
}

static int check_properties(struct builder *b, struct fy_event *event)
{
	struct fy_token *anchor = fy_event_get_anchor_token(event), *tag = fy_event_get_tag_token(event);

	/* The marks of names point behind the sign. */
	if (event->type == FYET_ALIAS && !(b->flags & YAML_ANCHORS)) {
		note_mark(b, fy_token_start_mark(event->alias.anchor), 1);
		return fail(b, -EINVAL, "aliases are not allowed; write the value out");
	}
	if (anchor && !(b->flags & YAML_ANCHORS)) {
		note_mark(b, fy_token_start_mark(anchor), 1);
		return fail(b, -EINVAL, "anchors are not allowed; remove the &name");
	}
	if (tag && !(b->flags & YAML_TAGS)) {
		note_mark(b, fy_token_start_mark(tag), 0);
		return fail(b, -EINVAL, "tags are not allowed; remove the !name");
	}
	return anchor && event->type != FYET_ALIAS ? open_anchor(b, anchor) : 0;
}

static int start_document(struct builder *b)
{
	if (b->documents >= POLICY_DOCUMENTS_MAX)
		return fail(b, -E2BIG, "too many documents in one file; split it");
	b->documents++;
	b->depth = 0;
	b->n_anchors = 0;
	return 0;
}

static int take_event(struct builder *b, struct fy_event *event)
{
	int r;

	note_place(b, event);
	r = check_properties(b, event);
	if (r < 0)
		return r;
	switch (event->type) {
	case FYET_DOCUMENT_START:
		return start_document(b);
	case FYET_MAPPING_START:
		return open_collection(b, YAML_MAPPING);
	case FYET_SEQUENCE_START:
		return open_collection(b, YAML_SEQUENCE);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		close_collection(b);
		return 0;
	case FYET_ALIAS:
		return take_alias(b, event->alias.anchor);
	case FYET_SCALAR:
		/* Nothing between two "---" is no document. */
		if (b->depth == 0 && !event->scalar.value)
			return 0;
		return take_scalar(b, event->scalar.value);
	default:
		return 0;
	}
}

static int take_events(struct builder *b)
{
	struct fy_event *event;
	int r = 0;

	while (r == 0) {
		event = fy_parser_parse(b->parser);
		if (!event)
			return fy_parser_get_stream_error(b->parser) ? fail_syntax(b) : 0;
		r = take_event(b, event);
		fy_parser_event_free(b->parser, event);
	}
	return r;
}

int policy_yaml_parse_wide(unsigned flags, const struct policy_origin *origin, const char *text, size_t len,
			   struct policy_arena *arena, struct yaml_node **ret, struct policy_error *err)
{
	struct builder b = { .flags = flags, .origin = origin, .arena = arena, .err = err };
	int r;

	b.place = policy_place_at(origin, 1, 1);
	b.roots = new_node(&b, YAML_SEQUENCE);
	if (!b.roots)
		return fail_memory(&b);
	b.stack[0] = b.roots;
	if (len == 0) {
		*ret = b.roots;
		return 0;
	}
	r = open_parser(&b, text, len);
	if (r == 0)
		r = take_events(&b);
	close_parser(&b);
	if (r == 0)
		*ret = b.roots;
	return r;
}

int policy_yaml_parse(const struct policy_origin *origin, const char *text, size_t len, struct policy_arena *arena,
		      struct yaml_node **ret, struct policy_error *err)
{
	return policy_yaml_parse_wide(0, origin, text, len, arena, ret, err);
}
