// SPDX-License-Identifier: Apache-2.0
/*
 * Settings of the hook as data: one table serves hook.conf, the command line and --help.
 *
 * Owns: names, defaults, ranges. Must not know: what a setting is used for.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

typedef int (*setting_fn)(void *field, const char *value, struct hook_text *reterr);

static int set_path(void *field, const char *value, struct hook_text *reterr)
{
	char **path = field, *copy;

	if (value[0] != '/')
		return hook_say(reterr, -EINVAL, "\"%s\" is not an absolute path", value);
	copy = strdup(value);
	if (!copy)
		return hook_say(reterr, -ENOMEM, "out of memory");
	free(*path);
	*path = copy;
	return 0;
}

static int set_log(void *field, const char *value, struct hook_text *reterr)
{
	char **log = field, *copy;

	if (value[0] != '/' && strcmp(value, "none") && strcmp(value, "syslog") && strcmp(value, "kmsg"))
		return hook_say(reterr, -EINVAL, "\"%s\" is none of: none, syslog, kmsg, an absolute path", value);
	copy = strdup(value);
	if (!copy)
		return hook_say(reterr, -ENOMEM, "out of memory");
	free(*log);
	*log = copy;
	return 0;
}

static int set_timeout(void *field, const char *value, struct hook_text *reterr)
{
	uint32_t *timeout_ms = field;
	char *end;
	double seconds;

	errno = 0;
	seconds = strtod(value, &end);
	if (end == value || *end != '\0' || errno != 0 || !(seconds >= 0.01) || seconds > HOOK_TIMEOUT_MS_MAX / 1000.0)
		return hook_say(reterr, -EINVAL, "\"%s\" is not a number of seconds from 0.01 to 3600", value);
	*timeout_ms = (uint32_t)(seconds * 1000.0);
	return 0;
}

static int set_answer(void *field, const char *value, struct hook_text *reterr)
{
	static const char *const names[] = { [HOOK_ANSWER_REFUSE] = "refuse", [HOOK_ANSWER_ALLOW] = "allow" };
	enum hook_answer *answer = field;

	_Static_assert(ARRAY_SIZE(names) == _HOOK_ANSWER_MAX, "a name for each answer");
	for (int i = 0; i < _HOOK_ANSWER_MAX; i++)
		if (strcmp(value, names[i]) == 0) {
			*answer = (enum hook_answer)i;
			return 0;
		}
	return hook_say(reterr, -EINVAL, "\"%s\" is neither refuse nor allow", value);
}

static void release_list(struct hook_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct hook_list){ 0 };
}

static int append(struct hook_list *list, const char *item)
{
	char **items;

	if (list->n >= HOOK_LIST_MAX)
		return -E2BIG;
	items = reallocarray(list->items, list->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->n] = strdup(item);
	if (!items[list->n])
		return -ENOMEM;
	list->n++;
	return 0;
}

/* Comma-separated; spaces around an item do not count; a new value replaces the old list. */
static int set_list(void *field, const char *value, struct hook_text *reterr)
{
	_cleanup_(free_ptr) char *copy = strdup(value);
	_cleanup_(release_list) struct hook_list fresh = { 0 };
	struct hook_list *list = field;
	char *rest = copy, *item;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (item = strsep(&rest, ","))) {
		item += strspn(item, " \t");
		for (size_t n = strlen(item); n > 0 && strchr(" \t", item[n - 1]); n--)
			item[n - 1] = '\0';
		if (item[0] != '\0')
			r = append(&fresh, item);
	}
	if (r < 0)
		return hook_say(reterr, r, r == -E2BIG ? "more than %u entries" : "out of memory", HOOK_LIST_MAX);
	release_list(list);
	*list = fresh;
	fresh = (struct hook_list){ 0 };
	return 0;
}

static const struct {
	const char *name; /* in hook.conf; on the command line with dashes */
	const char *argument;
	const char *help;
	setting_fn set;
	size_t offset;
} settings[] = {
	{ "socket", "PATH", "the daemon's hook socket (default " WIRE_HOOK_SOCKET ")", set_path,
	  offsetof(struct hook_options, socket) },
	{ "timeout", "SECONDS", "longest wait for everything together (default 10)", set_timeout,
	  offsetof(struct hook_options, timeout_ms) },
	{ "on_failure", "refuse|allow", "what becomes of the container when the daemon does not answer (default refuse)",
	  set_answer, offsetof(struct hook_options, on_failure) },
	{ "rootless", "refuse|allow", "containers of unprivileged users, which the daemon does not take (default allow)",
	  set_answer, offsetof(struct hook_options, rootless) },
	{ "allow_namespaces", "NS[,NS…]", "namespaces whose containers start even when refused (default none)", set_list,
	  offsetof(struct hook_options, allow_namespaces) },
	{ "skip_annotations", "KEY[=VALUE][,…]", "containers with such an annotation are not handed over (default none)",
	  set_list, offsetof(struct hook_options, skip_annotations) },
	{ "skip_ids", "GLOB[,GLOB…]", "containers with such an id are not handed over (default none)", set_list,
	  offsetof(struct hook_options, skip_ids) },
	{ "log", "none|syslog|kmsg|FILE", "where refusals and unarmed starts are recorded as well (default syslog)", set_log,
	  offsetof(struct hook_options, log) },
};

static int set_setting(struct hook_options *options, size_t i, const char *value, struct hook_text *reterr)
{
	struct hook_text why;
	int r = settings[i].set((char *)options + settings[i].offset, value, &why);

	return r < 0 ? hook_say(reterr, r, "%s: %s", settings[i].name, why.text) : 0;
}

int hook_setting_set(struct hook_options *options, const char *key, const char *value, struct hook_text *reterr)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, key) == 0)
			return set_setting(options, i, value, reterr);
	return hook_say(reterr, -ENOENT, "unknown key \"%s\"", key);
}

int hook_options_init(struct hook_options *ret)
{
	*ret = (struct hook_options){
		.socket = strdup(WIRE_HOOK_SOCKET), .log = strdup("syslog"), .timeout_ms = HOOK_TIMEOUT_MS,
		.on_failure = HOOK_ANSWER_REFUSE, .rootless = HOOK_ANSWER_ALLOW,
	};
	return ret->socket && ret->log ? 0 : -ENOMEM;
}

void hook_options_release(struct hook_options *options)
{
	release_list(&options->allow_namespaces);
	release_list(&options->skip_annotations);
	release_list(&options->skip_ids);
	free_ptr(&options->socket);
	free_ptr(&options->log);
}

static void to_option(const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s", name);
	for (; *ret; ret++)
		if (*ret == '_')
			*ret = '-';
}

static void print_help(FILE *out)
{
	fputs("Usage: holdfast-hook [OPTION]… < STATE\n"
	      "Hands a container to holdfastd before its first program runs, and returns when it is armed.\n"
	      "Called by container runtimes at the createRuntime stage, with the OCI state on standard input.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		char option[32];

		to_option(settings[i].name, option, sizeof(option));
		fprintf(out, "  --%s %s\n        %s\n", option, settings[i].argument, settings[i].help);
	}
	fputs("  --config FILE\n        lines \"key = value\", keys as above with _ for - (default " HOOK_CONFIG_FILE ")\n"
	      "  --help, --version\n\n"
	      "Exit status: 0 the container may start, 1 it may not, 2 wrong options or configuration.\n",
	      out);
}

enum { OPT_CONFIG = 1000, OPT_HELP, OPT_VERSION };

struct names {
	char names[ARRAY_SIZE(settings)][32];
	struct option options[ARRAY_SIZE(settings) + 4];
};

static void fill_names(struct names *names)
{
	size_t n = ARRAY_SIZE(settings);

	memset(names, 0, sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		to_option(settings[i].name, names->names[i], sizeof(names->names[i]));
		names->options[i] = (struct option){ names->names[i], required_argument, NULL, (int)i };
	}
	names->options[n] = (struct option){ "config", required_argument, NULL, OPT_CONFIG };
	names->options[n + 1] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	names->options[n + 2] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
}

struct command_line {
	const char *config;
	const char *values[ARRAY_SIZE(settings)];
};

static int scan(int argc, char *const *argv, FILE *out, struct command_line *ret, struct hook_text *reterr)
{
	struct names names;
	int c;

	fill_names(&names);
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+", names.options, NULL)) != -1) {
		if (c == OPT_HELP) {
			print_help(out);
			return HOOK_PARSED_DONE;
		}
		if (c == OPT_VERSION) {
			fputs("holdfast-hook " HOLDFAST_VERSION "\n", out);
			return HOOK_PARSED_DONE;
		}
		if (c == '?')
			return hook_say(reterr, -EINVAL, "wrong option %s: see holdfast-hook --help", argv[optind - 1]);
		if (c == OPT_CONFIG)
			ret->config = optarg;
		else
			ret->values[c] = optarg;
	}
	if (optind < argc)
		return hook_say(reterr, -EINVAL, "unexpected argument %s: the state is read from standard input",
				argv[optind]);
	return HOOK_PARSED_RUN;
}

int hook_options_parse(int argc, char *const *argv, FILE *out, struct hook_options *ret, struct hook_text *reterr)
{
	struct command_line line = { 0 };
	int r = hook_options_init(ret);

	if (r < 0)
		return hook_say(reterr, r, "out of memory");
	r = scan(argc, argv, out, &line, reterr);
	if (r != HOOK_PARSED_RUN)
		return r;
	r = hook_config_read(line.config ? line.config : HOOK_CONFIG_FILE, ret, reterr);
	if (r == -ENOENT && !line.config) {
		reterr->text[0] = '\0';
		r = 0;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(settings); i++)
		if (line.values[i])
			r = set_setting(ret, i, line.values[i], reterr);
	return r < 0 ? r : HOOK_PARSED_RUN;
}
