// SPDX-License-Identifier: Apache-2.0
/*
 * What the evaluation of detection rules costs: rules FILE... [-n EVENTS]. Facts of made-up events are handed out ready, so
 * that only conditions are measured; one thread. For each event: how many rules saw it, how many facts they asked for, ns
 * for an event (the best of several rounds), events a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policies/rules/engine.h"
#include "policies/rules/rule_set.h"

#define ROUNDS 7
#define FACTS_MAX 64

struct fact {
	const char *field, *text; /* numbers and true/false by the field's type; missing fields are missing facts */
};

struct sample {
	const char *name, *type;
	const struct fact *facts;
};

/* A process in a container, as all samples see it. */
#define PROCESS                                                                                                                      \
	{ "proc.name", "nginx" }, { "proc.pname", "nginx" }, { "proc.exe", "nginx: worker process" }, { "proc.exepath", "/usr/sbin/nginx" }, \
	{ "proc.cmdline", "nginx -g daemon off;" }, { "proc.args", "-g daemon off;" }, { "proc.pexe", "nginx" },                          \
	{ "proc.pexepath", "/usr/sbin/nginx" }, { "proc.pcmdline", "nginx -g daemon off;" }, { "proc.cwd", "/" },                         \
	{ "proc.tty", "0" }, { "proc.vpid", "7" }, { "proc.duration", "5000000000" }, { "proc.env", "PATH=/usr/sbin:/usr/bin HOME=/root" }, \
	{ "proc.aname[2]", "containerd-shim" }, { "proc.aname[3]", "systemd" }, { "proc.is_exe_upper_layer", "false" },                   \
	{ "proc.is_exe_from_memfd", "false" }, { "user.name", "www-data" }, { "user.uid", "33" }, { "user.loginuid", "-1" },              \
	{ "container.id", "4f6c1d2e3a4b" }, { "container.image.repository", "docker.io/library/nginx" }, { "evt.num", "12345" },          \
	{ "container.privileged", "false" }, { "thread.cap_effective", "CAP_NET_BIND_SERVICE" }, { "evt.res", "SUCCESS" },                \
	{ "evt.failed", "false" }

static const struct fact read_library[] = {
	PROCESS, { "evt.type", "openat" }, { "fd.name", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3" }, { "fd.directory", "/usr/lib/x86_64-linux-gnu" },
	{ "fd.filename", "libcrypto.so.3" }, { "fd.typechar", "f" }, { "fd.type", "file" }, { "fd.num", "5" }, { "evt.is_open_read", "true" },
	{ "evt.is_open_write", "false" }, { "evt.is_open_exec", "false" }, { "evt.arg.flags", "O_RDONLY|O_CLOEXEC" }, { "evt.rawres", "5" },
	{ "fd.nameraw", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3" }, { NULL, NULL },
};
static const struct fact write_file[] = {
	PROCESS, { "evt.type", "openat" }, { "fd.name", "/var/cache/nginx/client_temp/0000000042" }, { "fd.directory", "/var/cache/nginx/client_temp" },
	{ "fd.filename", "0000000042" }, { "fd.typechar", "f" }, { "fd.type", "file" }, { "fd.num", "9" }, { "evt.is_open_read", "true" },
	{ "evt.is_open_write", "true" }, { "evt.is_open_exec", "false" }, { "evt.arg.flags", "O_RDWR|O_CREAT|O_EXCL" }, { "evt.rawres", "9" },
	{ "fd.nameraw", "/var/cache/nginx/client_temp/0000000042" }, { NULL, NULL },
};
static const struct fact execute[] = {
	PROCESS, { "evt.type", "execve" }, { "evt.arg.flags", "EXE_LOWER_LAYER" }, { "evt.rawres", "0" }, { NULL, NULL },
};
static const struct fact connect_out[] = {
	PROCESS, { "evt.type", "connect" }, { "fd.typechar", "4" }, { "fd.type", "ipv4" }, { "fd.name", "10.1.2.3:40000->93.184.216.34:443" },
	{ "fd.l4proto", "tcp" }, { "fd.sip", "93.184.216.34" }, { "fd.cip", "10.1.2.3" }, { "fd.sport", "443" }, { "fd.cport", "40000" },
	{ "fd.sockfamily", "ip" }, { "fd.connected", "true" }, { "fd.name_changed", "true" }, { "evt.rawres", "0" }, { "fd.num", "11" },
	{ "fd.rip", "93.184.216.34" }, { "fd.rport", "443" }, { "fd.lport", "40000" }, { NULL, NULL },
};
static const struct sample samples[] = {
	{ "open for reading", "openat", read_library }, { "open for writing", "openat", write_file },
	{ "exec", "execve", execute }, { "connect", "connect", connect_out },
};

/* What an event is to extract(): a value for each field in use, made before the clock runs. */
struct event {
	struct rule_value *values;
	struct rule_value ends[2], ancestors[3];
	uint64_t asked, matched;
};

static void extract(void *data, const struct rule_field_use *use, struct rule_value *ret)
{
	struct event *event = data;

	event->asked++;
	*ret = event->values[use->ref];
}

static void read_address(const char *text, struct rule_value *ret)
{
	ret->kind = RULE_VALUE_ADDRESS;
	ret->n = 4;
	if (sscanf(text, "%hhu.%hhu.%hhu.%hhu", &ret->address[0], &ret->address[1], &ret->address[2], &ret->address[3]) != 4)
		ret->kind = RULE_VALUE_MISSING;
}

static void read_value(enum rule_type type, const char *text, struct rule_value *ret)
{
	switch (type) {
	case RULE_TYPE_BOOL:
		*ret = (struct rule_value){ .kind = RULE_VALUE_BOOL, .truth = strcmp(text, "true") == 0 };
		break;
	case RULE_TYPE_SIGNED:
		*ret = (struct rule_value){ .kind = RULE_VALUE_SIGNED, .number = strtoll(text, NULL, 10) };
		break;
	case RULE_TYPE_STRING:
	case RULE_TYPE_PATH:
	case RULE_TYPE_BYTES:
		*ret = (struct rule_value){ .kind = RULE_VALUE_TEXT, .n = (uint32_t)strlen(text), .text = text };
		break;
	case RULE_TYPE_ADDRESS:
	case RULE_TYPE_NET:
		read_address(text, ret);
		break;
	default:
		*ret = (struct rule_value){ .kind = RULE_VALUE_UNSIGNED, .count = strtoull(text, NULL, 10) };
	}
}

static const char *find_fact(const struct sample *sample, const char *field)
{
	for (const struct fact *fact = sample->facts; fact->field; fact++)
		if (strcmp(fact->field, field) == 0)
			return fact->text;
	return NULL;
}

static void fill_ends(struct event *event, const struct sample *sample, const struct rule_field *field, struct rule_value *ret)
{
	bool port = field->type == RULE_TYPE_PORT;
	const char *server = find_fact(sample, port ? "fd.sport" : "fd.sip"), *client = find_fact(sample, port ? "fd.cport" : "fd.cip");

	if (!server || !client)
		return;
	read_value(field->type, client, &event->ends[0]);
	read_value(field->type, server, &event->ends[1]);
	*ret = (struct rule_value){ .kind = RULE_VALUE_LIST, .n = 2, .items = event->ends };
}

static void fill(struct event *event, const struct sample *sample, const struct rule_field_use *use)
{
	static const char *const ancestors[] = { "nginx", "containerd-shim", "systemd" };
	const char *text = find_fact(sample, use->text);
	struct rule_value *value = &event->values[use->ref];
	char net[] = "fd.sip";

	if (use->field->type == RULE_TYPE_NET && !(use->field->flags & RULE_FIELD_BOTH_ENDS)) {
		net[3] = use->field->name[3];
		text = find_fact(sample, net);
	}
	if (text) {
		read_value(use->field->type, text, value);
	} else if (use->field->flags & RULE_FIELD_BOTH_ENDS) {
		fill_ends(event, sample, use->field, value);
	} else if (strcmp(use->text, "proc.aname") == 0) {
		for (int i = 0; i < 3; i++)
			read_value(RULE_TYPE_STRING, ancestors[i], &event->ancestors[i]);
		*value = (struct rule_value){ .kind = RULE_VALUE_LIST, .n = 3, .items = event->ancestors };
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool count(size_t rule, struct rule_facts *facts, void *data)
{
	struct event *event = data;

	(void)rule;
	(void)facts;
	event->matched++;
	return true;
}

static void measure(const struct rule_engine *engine, struct rule_facts *facts, struct event *event, const struct sample *sample,
		    uint64_t n)
{
	unsigned type = (unsigned)rule_event_type_find(sample->type, strlen(sample->type));
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begun = now_ns(), took;

		event->asked = event->matched = 0;
		for (uint64_t i = 0; i < n; i++) {
			rule_facts_begin(facts, event);
			rule_engine_run(engine, type, facts, count, event);
		}
		took = now_ns() - begun;
		best = took < best ? took : best;
	}
	printf("%-17s %4zu rules %6.1f facts %7.2f matches %8.0f ns %11.0f events/s\n", sample->name, rule_engine_rules_of(engine, type),
	       (double)event->asked / (double)n, (double)event->matched / (double)n, (double)best / (double)n,
	       (double)n * 1e9 / (double)best);
}

static int run(const struct rule_set *set, struct policy_arena *arena, uint64_t n)
{
	const struct rule_filter **filters = policy_arena_alloc(arena, set->n_rules, sizeof(*filters));
	const struct rule_field_use *const *uses;
	size_t n_uses = rule_program_uses(set->program, &uses);
	struct event event = { .values = policy_arena_alloc(arena, n_uses, sizeof(*event.values)) };
	struct rule_engine *engine;
	struct rule_facts *facts;

	if (!filters || !event.values)
		return EXIT_FAILURE;
	for (size_t i = 0; i < set->n_rules; i++)
		filters[i] = set->rules[i].filter;
	if (rule_engine_new(filters, set->n_rules, arena, &engine) < 0 || rule_facts_new(set->program, extract, arena, &facts) < 0)
		return EXIT_FAILURE;
	printf("%zu rules, %zu fields\n", set->n_rules, n_uses);
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		memset(event.values, 0, n_uses * sizeof(*event.values));
		for (size_t use = 0; use < n_uses; use++)
			fill(&event, &samples[i], uses[use]);
		measure(engine, facts, &event, &samples[i], n);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;
	_cleanup_(rule_set_free) struct rule_set *set = NULL;
	struct policy_error error = { 0 };
	uint64_t n = 200000;
	int first = 1;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		n = strtoull(argv[2], NULL, 10);
		first = 3;
	}
	if (argc <= first || n == 0 || policy_arena_new(&arena) < 0) {
		fprintf(stderr, "usage: rules [-n EVENTS] FILE...\n");
		return EXIT_FAILURE;
	}
	if (rule_set_load((const char *const *)argv + first, (size_t)(argc - first), &RULE_OPTIONS_DEFAULT, &set, &error, NULL) < 0) {
		fprintf(stderr, "rules: %s\n", error.message);
		return EXIT_FAILURE;
	}
	return run(set, arena, n);
}
