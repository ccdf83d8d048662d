// SPDX-License-Identifier: Apache-2.0
/*
 * Rule files and folders to a set; and the plugins that files want. Must not know what the files say.
 */
#include "policies/files.h"
#include "policies/rules/loader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int rule_loader_add_file(struct rule_loader *loader, const char *path, const struct rule_report **ret)
{
	_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;
	struct policy_error err = { .line = 0 };
	char *text = NULL;
	size_t len = 0;
	int r = policy_arena_new(&arena);

	if (r == 0)
		r = policy_file_read(path, arena, &text, &len, &err);
	if (r == -ENOMEM)
		return r;
	return r == 0 ? rule_loader_add_text(loader, path, text, len, ret) :
			rule_loader_add_unreadable(loader, path, err.message, ret);
}

int rule_files_each(const char *path, rule_file_fn fn, void *arg)
{
	return policy_files_each(path, fn, arg, NULL);
}

/* Filling a set, and what to tell of it. */
struct load {
	struct rule_loader *loader;
	struct policy_error *err;
	size_t warnings;
};

static int add_file(const char *path, void *arg)
{
	struct load *load = arg;
	const struct rule_report *report = NULL;
	const struct rule_place *place;
	int r = rule_loader_add_file(load->loader, path, &report);

	if (r == -ENOMEM)
		return policy_fail(load->err, r, (struct policy_place){ .file = path }, "out of memory");
	load->warnings = report->n_warnings;
	if (r == 0)
		return 0;
	place = rule_place_in_file(report->errors->place);
	return policy_fail(load->err, -EINVAL, (struct policy_place){ path, place->line, place->column }, "%s: %s",
			   rule_error_code_name((enum rule_error_code)report->errors->code), report->errors->message);
}

static int check_plugins(struct load *load, const char *path)
{
	const char *message = NULL;
	int r = rule_loader_check_plugins(load->loader, &message);

	if (r == -EINVAL)
		return policy_fail(load->err, r, (struct policy_place){ .file = path }, "%s", message);
	return r;
}

int rule_set_load(const char *const *paths, size_t n, const struct rule_options *options, struct rule_set **ret,
		  struct policy_error *reterr, size_t *ret_warnings)
{
	_cleanup_(rule_loader_free) struct rule_loader *loader = NULL;
	const char *first = n ? paths[0] : "-";
	struct load load = { .err = reterr };
	int r = rule_loader_new(options, &loader);

	if (r < 0)
		return policy_fail(reterr, r, (struct policy_place){ .file = first }, "out of memory");
	load.loader = loader;
	for (size_t i = 0; i < n && r == 0; i++)
		r = policy_files_each(paths[i], add_file, &load, reterr);
	if (r == 0)
		r = check_plugins(&load, first);
	/* No file at all is a set without rules. */
	if (r == 0 && !rule_loader_set(loader))
		r = rule_loader_add_text(loader, first, "", 0, NULL);
	if (r == 0)
		r = rule_loader_take_set(loader, ret);
	if (r == 0 && ret_warnings)
		*ret_warnings = load.warnings;
	return r;
}
