// SPDX-License-Identifier: Apache-2.0
/* holdfast status: is the daemon well, and what has it done? */
#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"

/* The list of names and values as it grows; the first error is kept. */
struct listing {
	struct cli_table *table;
	int error;
};

static void add(struct listing *listing, const char *name, enum cli_colour colour, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void add(struct listing *listing, const char *name, enum cli_colour colour, const char *format, ...)
{
	char text[1024];
	const char *cells[] = { name, text };
	va_list args;
	int r;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r = cli_table_row(listing->table, cells, 1, colour);
	if (listing->error == 0)
		listing->error = r;
}

static void add_daemon(struct listing *listing, struct json_object *status)
{
	bool ready = cli_json_true(status, "ready");
	char up[32];

	cli_duration_format((uint64_t)cli_json_number(status, "uptime_seconds"), up, sizeof(up));
	add(listing, "holdfastd", ready ? CLI_COLOUR_GOOD : CLI_COLOUR_BAD, "%s %s, pid %lld, up %s",
	    ready ? "ready" : "not ready", cli_json_text(status, "version"), (long long)cli_json_number(status, "pid"), up);
}

static void add_kernel(struct listing *listing, struct json_object *kernel)
{
	struct json_object *hooks = cli_json_get(kernel, "hooks");
	char names[512] = "";
	size_t n = json_object_is_type(hooks, json_type_array) ? json_object_array_length(hooks) : 0;

	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
			 json_object_get_string(json_object_array_get_idx(hooks, i)));
	}
	add(listing, "kernel", CLI_COLOUR_NONE, "%s, ABI %lld", cli_json_text(kernel, "release"),
	    (long long)cli_json_number(kernel, "abi"));
	add(listing, "hooks", n ? CLI_COLOUR_NONE : CLI_COLOUR_BAD, "%s", n ? names : "none attached");
}

static void add_policy(struct listing *listing, struct json_object *policy)
{
	struct json_object *error = cli_json_get(policy, "error"), *generation = cli_json_get(policy, "generation");

	add(listing, "policies", CLI_COLOUR_NONE, "%lld from %s, generation %s",
	    (long long)cli_json_number(policy, "policies"), cli_json_text(policy, "path"),
	    generation ? json_object_get_string(generation) : "unknown");
	if (error)
		add(listing, "policy error", CLI_COLOUR_BAD, "%s:%lld:%lld: %s; the previous policies stay in force",
		    cli_json_text(error, "file"), (long long)cli_json_number(error, "line"),
		    (long long)cli_json_number(error, "column"), cli_json_text(error, "message"));
}

static void add_numbers(struct listing *listing, struct json_object *status)
{
	struct json_object *c = cli_json_get(status, "containers"), *e = cli_json_get(status, "events");
	struct json_object *k = cli_json_get(status, "counters"), *catalog = cli_json_get(status, "catalog");
	struct json_object *i = cli_json_get(status, "images");
	long long lost = (long long)cli_json_number(e, "lost"), unwatched = (long long)cli_json_number(c, "unwatched");

	add(listing, "containers", unwatched ? CLI_COLOUR_WARN : CLI_COLOUR_NONE,
	    "%lld: %lld armed, %lld audited only, %lld unwatched, %lld pending", (long long)cli_json_number(c, "total"),
	    (long long)cli_json_number(c, "armed"), (long long)cli_json_number(c, "audit"), unwatched,
	    (long long)cli_json_number(c, "pending"));
	add(listing, "verdicts", CLI_COLOUR_NONE, "%lld denied, %lld audited", (long long)cli_json_number(k, "denied"),
	    (long long)cli_json_number(k, "audited"));
	add(listing, "events", lost ? CLI_COLOUR_WARN : CLI_COLOUR_NONE, "%lld delivered, %lld waiting, %lld lost",
	    (long long)cli_json_number(e, "delivered"), (long long)cli_json_number(e, "waiting"), lost);
	add(listing, "catalogue", CLI_COLOUR_NONE, "%lld of %lld entries", (long long)cli_json_number(catalog, "entries"),
	    (long long)cli_json_number(catalog, "max"));
	if (i)
		add(listing, "images", CLI_COLOUR_NONE, "%lld known, %lld executables, %lld digests, %lld pending",
		    (long long)cli_json_number(i, "sets"), (long long)cli_json_number(i, "files"),
		    (long long)cli_json_number(i, "digests"), (long long)cli_json_number(i, "pending"));
}

static void add_detection(struct listing *listing, struct json_object *detection)
{
	long long lost = (long long)cli_json_number(detection, "lost");

	if (cli_json_true(detection, "on"))
		add(listing, "rules", lost ? CLI_COLOUR_WARN : CLI_COLOUR_NONE,
		    "%lld, %lld of them enabled; %lld alerts out of %lld events, %lld lost", (long long)cli_json_number(detection, "rules"),
		    (long long)cli_json_number(detection, "enabled"), (long long)cli_json_number(detection, "alerts"),
		    (long long)cli_json_number(detection, "events"), lost);
}

static void add_pauses(struct listing *listing, struct json_object *pauses)
{
	size_t n = json_object_is_type(pauses, json_type_array) ? json_object_array_length(pauses) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *pause = json_object_array_get_idx(pauses, i);
		const char *ns = cli_json_text(pause, "namespace");

		add(listing, "break-glass", CLI_COLOUR_WARN, "%s%s: nothing is denied until %s",
		    ns[0] ? "namespace " : "all containers", ns, cli_json_text(pause, "until"));
	}
}

static void add_self_protection(struct listing *listing, struct json_object *guard)
{
	const char *mode = cli_json_text(guard, "mode"), *until = cli_json_text(guard, "unlocked_until");

	if (!mode[0])
		return;
	add(listing, "self-protection", strcmp(mode, "host") ? CLI_COLOUR_WARN : CLI_COLOUR_NONE, "%s",
	    strcmp(mode, "host") ? strcmp(mode, "off") ? "against containers, not against the host" : "off"
				 : "against containers and the host");
	if (until[0])
		add(listing, "break-glass", CLI_COLOUR_WARN, "the host may touch the enforcer until %s", until);
}

static size_t add_degraded(struct listing *listing, struct json_object *degraded)
{
	size_t n = json_object_is_type(degraded, json_type_array) ? json_object_array_length(degraded) : 0;

	for (size_t i = 0; listing && i < n; i++)
		add(listing, "degraded", CLI_COLOUR_BAD, "%s",
		    json_object_get_string(json_object_array_get_idx(degraded, i)));
	return n;
}

static int print_listing(const struct cli *cli, struct json_object *status)
{
	static const struct cli_column columns[] = { { "NAME", false, false }, { "VALUE", false, false } };
	struct listing listing = { 0 };
	int r = cli_table_new(cli, columns, ARRAY_SIZE(columns), false, &listing.table);

	if (r < 0)
		return r;
	add_daemon(&listing, status);
	add_kernel(&listing, cli_json_get(status, "kernel"));
	add_policy(&listing, cli_json_get(status, "policy"));
	add_numbers(&listing, status);
	add_detection(&listing, cli_json_get(status, "detection"));
	add_pauses(&listing, cli_json_get(status, "pauses"));
	add_self_protection(&listing, cli_json_get(status, "self_protection"));
	add_degraded(&listing, cli_json_get(status, "degraded"));
	r = listing.error ? listing.error : cli_table_print(listing.table);
	cli_table_free(&listing.table);
	return r;
}

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	struct json_object *status = NULL;
	enum cli_exit code = cli_ask(cli, WIRE_STATUS, NULL, &status);

	(void)values, (void)args, (void)n_args;
	if (code != CLI_EXIT_OK)
		return code;
	if (cli->output == CLI_OUTPUT_JSON) {
		cli_json_print(cli, status);
	} else if (print_listing(cli, status) < 0) {
		cli_error(cli, "cannot print the table");
		code = CLI_EXIT_ERROR;
	}
	if (code == CLI_EXIT_OK && (add_degraded(NULL, cli_json_get(status, "degraded")) || !cli_json_true(status, "ready")))
		code = CLI_EXIT_DEGRADED;
	json_object_put(status);
	return code;
}

const struct cli_command cli_command_status = {
	.name = "status",
	.summary = "is the daemon well, and what has it done",
	.help = "Shows the daemon, its hooks, policies, containers, counters, break-glass in force, and whatever is wrong.\n"
		"The exit status is 3 when something is (lines \"degraded\") or the daemon is not ready.",
	.run = run,
};
