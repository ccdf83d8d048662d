// SPDX-License-Identifier: Apache-2.0
/*
 * Runs files of cases: acceptance DIR. For each kind every file of DIR whose name begins with the kind's is run, and
 * "passed of total" is printed; each case that fails, and why. Must not know the language.
 */
#include "tests/rules/acceptance.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *file; /* without .jsonl */
	acceptance_fn run;
} kinds[] = {
	{ "conditions-accepted", acceptance_accepted },
	{ "conditions-rejected", acceptance_rejected },
	{ "canonical", acceptance_canonical },
	{ "evaluation", acceptance_evaluation },
	{ "output-format", acceptance_format },
	{ "loader", acceptance_loader },
	{ "validation", acceptance_validation },
};

struct sum {
	unsigned passed, total, files;
};

bool acceptance_fail(struct acceptance_case *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
	return false;
}

const char *acceptance_text(struct json_object *json, const char *name, size_t *len)
{
	struct json_object *member = json_object_object_get(json, name);

	if (!member || !json_object_is_type(member, json_type_string))
		return NULL;
	if (len)
		*len = (size_t)json_object_get_string_len(member);
	return json_object_get_string(member);
}

const char *acceptance_condition(struct acceptance_case *c, size_t *ret_len)
{
	struct json_object *cond = json_object_object_get(c->json, "cond");
	size_t len = 0, n;
	const char *piece;
	char *text;

	if (!json_object_is_type(cond, json_type_object)) {
		*ret_len = cond ? (size_t)json_object_get_string_len(cond) : 0;
		return cond ? json_object_get_string(cond) : "";
	}
	piece = acceptance_text(cond, "repeat", &len);
	n = (size_t)json_object_get_int(json_object_object_get(cond, "n"));
	text = policy_arena_alloc(c->arena, n * len + 1, 1);
	for (size_t i = 0; text && i < n; i++)
		memcpy(text + i * len, piece, len);
	*ret_len = text ? n * len : 0;
	return text ? text : "";
}

bool acceptance_bool(struct json_object *json, const char *name, bool otherwise)
{
	struct json_object *member = json_object_object_get(json, name);

	return member ? json_object_get_boolean(member) : otherwise;
}

static bool run_case(acceptance_fn run, const char *line, const char *file, unsigned number)
{
	struct acceptance_case c = { .json = json_tokener_parse(line) };
	bool passed = false;

	if (!c.json || policy_arena_new(&c.arena) < 0)
		acceptance_fail(&c, "the line is no JSON object");
	else
		passed = run(&c);
	if (!passed)
		printf("not ok - %s:%u: %s\n", file, number, c.why);
	policy_arena_free(&c.arena);
	json_object_put(c.json);
	return passed;
}

static int run_file(acceptance_fn run, const char *path, struct sum *sum)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;

	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0) {
		number++;
		if (strspn(line, " \t\r\n") == strlen(line))
			continue;
		sum->total++;
		sum->passed += run_case(run, line, path, number);
	}
	free(line);
	fclose(file);
	sum->files++;
	return 0;
}

static int run_kind(const char *dir, size_t kind, struct sum *all)
{
	struct sum sum = { 0 };
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/%s*.jsonl", dir, kinds[kind].file);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			int err = run_file(kinds[kind].run, found.gl_pathv[i], &sum);

			if (err < 0) {
				fprintf(stderr, "acceptance: cannot read %s: %s\n", found.gl_pathv[i], strerror(-err));
				globfree(&found);
				return err;
			}
		}
		globfree(&found);
	}
	if (sum.files == 0)
		printf("skip - %s: no file of this kind in %s\n", kinds[kind].file, dir);
	else
		printf("%s: %u of %u\n", kinds[kind].file, sum.passed, sum.total);
	all->passed += sum.passed;
	all->total += sum.total;
	all->files += sum.files == 0;
	return 0;
}

int main(int argc, char **argv)
{
	struct sum all = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: acceptance DIR\n");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (run_kind(argv[1], i, &all) < 0)
			return EXIT_FAILURE;
	printf("%u passed, %u failed, %u skipped\n", all.passed, all.total - all.passed, all.files);
	return all.passed == all.total && all.total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
