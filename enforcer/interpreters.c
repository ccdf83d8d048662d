// SPDX-License-Identifier: Apache-2.0
/*
 * The shipped list, and the notes of one image.
 */
#include "enforcer/interpreters.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"

#define PATH_ROOM 4096u /* PATH_MAX: a longer one cannot be opened in one call */
#define EMBEDDED(family) ((family) | HF_INTERPRETER_EMBEDDED)

struct name {
	const char *name;
	uint8_t family;
};

/* Names of programs; the longest that fits a file decides. */
static const struct name programs[] = {
	{ "sh", HF_INTERPRETER_SHELL },	     { "bash", HF_INTERPRETER_BASH },	 { "rbash", HF_INTERPRETER_BASH },
	{ "dash", HF_INTERPRETER_SHELL },    { "ash", HF_INTERPRETER_SHELL },	 { "ksh", HF_INTERPRETER_SHELL },
	{ "rksh", HF_INTERPRETER_SHELL },    { "mksh", HF_INTERPRETER_SHELL },	 { "lksh", HF_INTERPRETER_SHELL },
	{ "oksh", HF_INTERPRETER_SHELL },    { "pdksh", HF_INTERPRETER_SHELL },	 { "zsh", HF_INTERPRETER_BASH },
	{ "yash", HF_INTERPRETER_SHELL },    { "posh", HF_INTERPRETER_SHELL },	 { "fish", HF_INTERPRETER_SHELL },
	{ "csh", HF_INTERPRETER_SHELL },     { "tcsh", HF_INTERPRETER_SHELL },	 { "bsd-csh", HF_INTERPRETER_SHELL },
	{ "elvish", HF_INTERPRETER_SHELL },  { "hush", HF_INTERPRETER_SHELL },
	{ "python", HF_INTERPRETER_PYTHON }, { "pypy", HF_INTERPRETER_PYTHON },	 { "micropython", HF_INTERPRETER_PYTHON },
	{ "perl", HF_INTERPRETER_PERL },     { "raku", HF_INTERPRETER_PERL },	 { "moar", HF_INTERPRETER_PERL },
	{ "ruby", HF_INTERPRETER_RUBY },     { "jruby", HF_INTERPRETER_RUBY },	 { "mruby", HF_INTERPRETER_RUBY },
	{ "node", HF_INTERPRETER_NODE },     { "nodejs", HF_INTERPRETER_NODE },	 { "deno", HF_INTERPRETER_NODE },
	{ "bun", HF_INTERPRETER_NODE },	     { "qjs", HF_INTERPRETER_NODE },	 { "gjs", HF_INTERPRETER_NODE },
	{ "gjs-console", HF_INTERPRETER_NODE }, { "d8", HF_INTERPRETER_NODE },	 { "js", HF_INTERPRETER_NODE },
	{ "php", HF_INTERPRETER_PHP },	     { "php-cli", HF_INTERPRETER_PHP },	 { "php-cgi", HF_INTERPRETER_PHP },
	{ "php-fpm", EMBEDDED(HF_INTERPRETER_PHP) }, { "frankenphp", EMBEDDED(HF_INTERPRETER_PHP) },
	{ "apache2", EMBEDDED(HF_INTERPRETER_PHP) }, { "httpd", EMBEDDED(HF_INTERPRETER_PHP) },
	{ "uwsgi", EMBEDDED(HF_INTERPRETER_PYTHON) }, { "openresty", EMBEDDED(HF_INTERPRETER_LUA) },
	{ "lua", HF_INTERPRETER_LUA },	     { "luajit", HF_INTERPRETER_LUA },	 { "texlua", HF_INTERPRETER_LUA },
	{ "awk", HF_INTERPRETER_FILTER },    { "gawk", HF_INTERPRETER_FILTER },	 { "mawk", HF_INTERPRETER_FILTER },
	{ "nawk", HF_INTERPRETER_FILTER },   { "original-awk", HF_INTERPRETER_FILTER },
	{ "goawk", HF_INTERPRETER_FILTER },  { "sed", HF_INTERPRETER_FILTER },	 { "gsed", HF_INTERPRETER_FILTER },
	{ "java", HF_INTERPRETER_JAVA },     { "jshell", HF_INTERPRETER_JAVA },
	{ "beam.smp", HF_INTERPRETER_ERLANG }, { "beam", HF_INTERPRETER_ERLANG }, { "escript", HF_INTERPRETER_ERLANG },
	{ "dotnet", HF_INTERPRETER_DOTNET }, { "mono", HF_INTERPRETER_DOTNET },	 { "mono-sgen", HF_INTERPRETER_DOTNET },
	{ "busybox", HF_INTERPRETER_MULTI }, { "toybox", HF_INTERPRETER_MULTI },
	{ "tclsh", HF_INTERPRETER_OTHER },   { "wish", HF_INTERPRETER_OTHER },	 { "jimsh", HF_INTERPRETER_OTHER },
	{ "expect", HF_INTERPRETER_OTHER },  { "guile", HF_INTERPRETER_OTHER },	 { "racket", HF_INTERPRETER_OTHER },
	{ "Rscript", HF_INTERPRETER_OTHER }, { "R", HF_INTERPRETER_OTHER },	 { "julia", HF_INTERPRETER_OTHER },
	{ "pwsh", HF_INTERPRETER_OTHER },    { "octave-cli", HF_INTERPRETER_OTHER },
	{ "gdb", EMBEDDED(HF_INTERPRETER_PYTHON) }, { "make", HF_INTERPRETER_OTHER }, { "gmake", HF_INTERPRETER_OTHER },
	{ "m4", HF_INTERPRETER_OTHER },	     { "sbcl", HF_INTERPRETER_OTHER },	 { "ocaml", HF_INTERPRETER_OTHER },
	/* Named by #! lines now and then. */
	{ "cat", INTERPRETERS_NEVER },	     { "env", INTERPRETERS_NEVER },	 { "true", INTERPRETERS_NEVER },
	{ "false", INTERPRETERS_NEVER },     { "echo", INTERPRETERS_NEVER },	 { "tail", INTERPRETERS_NEVER },
	{ "head", INTERPRETERS_NEVER },	     { "grep", INTERPRETERS_NEVER },	 { "less", INTERPRETERS_NEVER },
	{ "more", INTERPRETERS_NEVER },	     { "nologin", INTERPRETERS_NEVER },	 { "test", INTERPRETERS_NEVER },
	{ "rm", INTERPRETERS_NEVER },	     { "ls", INTERPRETERS_NEVER },	 { "cp", INTERPRETERS_NEVER },
	{ "coreutils", INTERPRETERS_NEVER }, { "nginx", INTERPRETERS_NEVER },	 { "file", INTERPRETERS_NEVER },
};

/* Libraries whose users run that language. */
static const struct name libraries[] = {
	{ "libpython", HF_INTERPRETER_PYTHON }, { "libperl.so", HF_INTERPRETER_PERL }, { "libruby", HF_INTERPRETER_RUBY },
	{ "libphp", HF_INTERPRETER_PHP },	{ "liblua", HF_INTERPRETER_LUA },      { "libnode.so", HF_INTERPRETER_NODE },
	{ "libmozjs", HF_INTERPRETER_NODE },
};

/* What may follow the name: a version or a variant. "shred" is no shell. */
static bool is_variant(const char *rest)
{
	return !*rest || isdigit((unsigned char)*rest) || *rest == '.' || *rest == '-' || *rest == '_';
}

static uint8_t look_up(const struct name *names, size_t n, const char *text, bool exact)
{
	size_t longest = 0;
	uint8_t family = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i].name);

		if (len > longest && !strncmp(text, names[i].name, len) && (!exact || is_variant(text + len))) {
			longest = len;
			family = names[i].family;
		}
	}
	return family;
}

uint8_t interpreters_family(const char *name)
{
	return look_up(programs, ARRAY_SIZE(programs), name, true);
}

void interpreters_clear(struct interpreters *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].path);
	*list = (struct interpreters){ 0 };
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool interpreters_lists(const char *path)
{
	uint8_t family = interpreters_family(base_of(path));

	return family && family != INTERPRETERS_NEVER;
}

bool interpreters_may_read(const char *path)
{
	char name[LIKELY_NAME_BYTES] = "";
	uint32_t len = (uint32_t)snprintf(name, sizeof(name), "%s", base_of(path));
	bool likely = false;

	if (len >= sizeof(name))
		return true;
	for (uint8_t family = HF_INTERPRETER_NONE; !likely && family < _HF_INTERPRETER_MAX; family++)
		likely = likely_by_suffix(family, likely_suffix(name, len), false) == LIKELY_SCRIPT ||
			 likely_by_name(family, name, len);
	return likely;
}

static void add(struct interpreters *list, const char *path, uint8_t family)
{
	path += strspn(path, "/");
	if (!*path || strlen(path) >= PATH_ROOM || family == INTERPRETERS_NEVER)
		return;
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->items[i].path, path))
			return;
	}
	if (list->n < INTERPRETERS_MAX)
		list->items[list->n].path = strdup(path);
	if (list->n == INTERPRETERS_MAX || !list->items[list->n].path) {
		list->cut = true;
		return;
	}
	list->items[list->n++].family = family;
}

/* A program that a #! line names: on the list or not, the image calls it an interpreter. */
static void add_named(struct interpreters *list, const char *path)
{
	uint8_t family = interpreters_family(base_of(path));

	add(list, path, family ? family : HF_INTERPRETER_OTHER);
}

/* The next word of env's arguments that is no option and no variable; its length, 0: there is none. */
static size_t find_env_name(const char **at)
{
	for (;;) {
		size_t n;

		*at += strspn(*at, " \t");
		if (!strncmp(*at, "-S", 2) && (*at)[2] && (*at)[2] != ' ' && (*at)[2] != '\t')
			*at += 2;
		n = strcspn(*at, " \t");
		if (!n || (**at != '-' && !memchr(*at, '=', n)))
			return n;
		*at += n;
	}
}

/* "#!/usr/bin/env -S VAR=1 NAME": NAME, wherever the image may have it. */
static void add_from_env(struct interpreters *list, const char *argument)
{
	static const char *const folders[] = { "usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin" };
	size_t n = find_env_name(&argument);
	char path[IMAGEDB_MAX_SCRIPT_LINE + 32];

	if (!n || n > IMAGEDB_MAX_SCRIPT_LINE)
		return;
	if (memchr(argument, '/', n)) {
		snprintf(path, sizeof(path), "%.*s", (int)n, argument);
		add_named(list, path);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%.*s", folders[i], (int)n, argument);
		add_named(list, path);
	}
}

static void note_script(struct interpreters *list, const struct imagedb_store_file *file)
{
	if (!file->interpreter)
		return;
	if (file->interpreter_arg && !strcmp(base_of(file->interpreter), "env"))
		add_from_env(list, file->interpreter_arg);
	else
		add_named(list, file->interpreter);
}

static uint8_t find_embedded(const struct imagedb_store_file *file)
{
	uint8_t family = 0;

	for (size_t i = 0; !family && i < file->needed_count; i++)
		family = look_up(libraries, ARRAY_SIZE(libraries), file->needed[i], false);
	return family ? EMBEDDED(family) : 0;
}

static void note_program(struct interpreters *list, const struct imagedb_store_file *file)
{
	uint8_t family = interpreters_family(base_of(file->path));

	if (!family)
		family = find_embedded(file);
	if (family)
		add(list, file->path, family);
	if (file->interpreter) /* ld.so, which is handed programs */
		add(list, file->interpreter, HF_INTERPRETER_LOADER);
}

void interpreters_note(struct interpreters *list, const struct imagedb_store_file *file)
{
	switch (file->kind) {
	case IMAGEDB_KIND_SCRIPT:
		note_script(list, file);
		break;
	case IMAGEDB_KIND_ELF_EXEC:
	case IMAGEDB_KIND_ELF_PIE:
	case IMAGEDB_KIND_ELF_OTHER:
		note_program(list, file);
		break;
	case IMAGEDB_KIND_HEAP:
		add(list, file->path, HF_INTERPRETER_HEAP);
		break;
	default:
		break;
	}
}
