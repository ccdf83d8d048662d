// SPDX-License-Identifier: Apache-2.0
/*
 * Loaders: one file after the other into one collector, and the set that comes out. Must not know items or files.
 */
#include "policies/rules/compile.h"
#include "policies/rules/loader.h"
#include "policies/rules/read.h"
#include "policies/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void rule_set_free(struct rule_set **set)
{
	struct policy_arena *arena;

	if (!set || !*set)
		return;
	arena = (*set)->arena;
	*set = NULL;
	policy_arena_free(&arena);
}

const struct rule *rule_set_find(const struct rule_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_rules; i++) {
		if (strcmp(set->rules[i].name, name) == 0)
			return &set->rules[i];
	}
	return NULL;
}

int rule_loader_new(const struct rule_options *options, struct rule_loader **ret)
{
	struct policy_arena *arena = NULL;
	struct rule_loader *loader = NULL;
	int r = policy_arena_new(&arena);

	if (r == 0) {
		loader = policy_arena_alloc(arena, 1, sizeof(*loader));
		r = loader ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = rule_program_new(arena, options->fields, options->n_fields, &loader->collector.program);
	if (r < 0) {
		policy_arena_free(&arena);
		return r;
	}
	loader->arena = arena;
	loader->options = *options;
	loader->collector.options = &loader->options;
	loader->collector.arena = arena;
	*ret = loader;
	return 0;
}

void rule_loader_free(struct rule_loader **loader)
{
	struct policy_arena *arena;

	if (!loader || !*loader)
		return;
	rule_set_free(&(*loader)->set);
	arena = (*loader)->arena;
	*loader = NULL;
	policy_arena_free(&arena);
}

/* What the parser says, and what Falco's would have said; the latter is what people search for. */
static const char *translate(const char *message)
{
	static const struct {
		const char *ours, *theirs;
	} words[] = {
		{ "invalid nested block mapping", "illegal map value" },
		{ "invalid multiline plain key", "illegal map value" },
		{ "flow sequence without a closing bracket", "end of sequence flow not found" },
		{ "missing comma in flow sequence", "end of sequence flow not found" },
		{ "flow mapping without a closing", "end of map flow not found" },
		{ "missing comma in flow mapping", "end of map flow not found" },
		{ "double-quoted scalar without closing quote", "illegal EOF in scalar" },
		{ "single-quoted scalar without closing quote", "illegal EOF in scalar" },
		{ "invalid scalar at the end of block sequence", "end of sequence not found" },
		{ "invalid scalar at the end of block mapping", "end of map not found" },
		{ "invalid extra closing bracket", "illegal flow end" },
		{ "plain scalar cannot start with", "unknown token" },
		{ "block scalar no linebreak found", "unexpected character in block scalar" },
	};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strstr(message, words[i].ours))
			return words[i].theirs;
	}
	return message;
}

/* A place that is known by line and column only. */
static const struct rule_place *place_at(struct rule_reader *r, int line, int column)
{
	struct rule_place *place = policy_arena_alloc(r->arena, 1, sizeof(*place));
	const char *at = r->file->text;

	if (!place)
		return NULL;
	*place = *r->file;
	place->parent = r->file;
	place->item = RULE_ITEM_VALUE;
	place->line = line;
	place->column = column;
	for (int i = 1; i < line && at; i++) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	place->offset = at ? (size_t)(at - r->file->text) : r->file->len;
	for (int i = 1; i < column && place->offset < r->file->len && r->file->text[place->offset] != '\n'; i++) {
		place->offset++;
		while (((unsigned char)r->file->text[place->offset] & 0xc0) == 0x80)
			place->offset++;
	}
	return place;
}

static int fail_yaml(struct rule_reader *r, int error, const struct policy_error *err)
{
	const struct rule_place *place;

	if (error == -ENOMEM)
		return -ENOMEM;
	if (err->line == 0)
		return rule_report_error(r->report, RULE_ERROR_YAML_PARSE, r->file, "%s", err->message);
	place = place_at(r, err->line, err->column);
	if (!place)
		return -ENOMEM;
	return rule_report_error(r->report, RULE_ERROR_YAML_PARSE, place, "yaml-cpp: error at line %d, column %d: %s",
				 err->line, err->column, translate(err->message));
}

static int read_text(struct rule_reader *r)
{
	const unsigned flags = YAML_ANCHORS | YAML_TAGS | YAML_DUPLICATE_KEYS | YAML_LOOSE_BRACKETS | YAML_CONTROLS |
			       YAML_BARE_MESSAGES;
	_cleanup_(policy_arena_free) struct policy_arena *tree = NULL;
	const struct policy_origin origin = { .file = r->file->file };
	struct yaml_node *roots = NULL;
	struct policy_error err = { .line = 0 };
	int error = policy_text_check_wide(&origin, r->file->text, r->file->len, &err);

	if (error == 0)
		error = policy_arena_new(&tree);
	if (error == 0)
		error = policy_yaml_parse_wide(flags, &origin, r->file->text, r->file->len, tree, &roots, &err);
	if (error < 0)
		return fail_yaml(r, error, &err);
	error = rule_schema_check(r->report, roots);
	return error == 0 ? rule_read_documents(r, roots) : error;
}

static struct rule_place *new_file(struct rule_loader *loader, const char *name, const char *text, size_t len)
{
	struct rule_place *file = policy_arena_alloc(loader->arena, 1, sizeof(*file));
	bool mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;

	if (!file)
		return NULL;
	/* Editors of other systems put a byte order mark there. */
	*file = (struct rule_place){ .item = RULE_ITEM_CONTENT, .name = "", .line = 1, .column = 1, .len = mark ? len - 3 : len };
	file->file = policy_arena_copy(loader->arena, name, strlen(name));
	file->text = policy_arena_copy(loader->arena, mark ? text + 3 : text, file->len);
	return file->file && file->text ? file : NULL;
}

static struct rule_report *new_report(struct rule_loader *loader, const char *name)
{
	struct rule_report *report = policy_arena_alloc(loader->arena, 1, sizeof(*report));

	if (!report)
		return NULL;
	report->arena = loader->arena;
	report->name = name;
	report->ok = true;
	return report;
}

int rule_loader_add_text(struct rule_loader *loader, const char *name, const char *text, size_t len,
			 const struct rule_report **ret)
{
	struct rule_place *file = new_file(loader, name, text, len);
	struct rule_report *report = file ? new_report(loader, file->file) : NULL;
	struct rule_reader reader = { &loader->collector, loader->arena, report, file };
	struct rule_set *set = NULL;
	int r;

	if (!report) {
		loader->failed = true;
		return -ENOMEM;
	}
	loader->collector.bytes += file->len;
	r = read_text(&reader);
	if (r == 0)
		r = rule_compile(&loader->collector, report, &set);
	if (ret && r != -ENOMEM)
		*ret = report;
	if (r < 0) {
		loader->failed = true;
		return r;
	}
	rule_set_free(&loader->set);
	loader->set = set;
	return 0;
}

int rule_loader_add_unreadable(struct rule_loader *loader, const char *name, const char *message,
			       const struct rule_report **ret)
{
	struct rule_place *file = new_file(loader, name, "", 0);
	struct rule_report *report = file ? new_report(loader, file->file) : NULL;

	loader->failed = true;
	if (!report)
		return -ENOMEM;
	if (ret)
		*ret = report;
	return rule_report_error(report, RULE_ERROR_FILE_READ, file, "%s", message);
}

const struct rule_set *rule_loader_set(const struct rule_loader *loader)
{
	return loader->set;
}

int rule_loader_take_set(struct rule_loader *loader, struct rule_set **ret)
{
	if (loader->failed)
		return -EINVAL;
	if (!loader->set)
		return -ENOENT;
	*ret = loader->set;
	loader->set = NULL;
	return 0;
}
