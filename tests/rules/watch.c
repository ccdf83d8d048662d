// SPDX-License-Identifier: Apache-2.0
/*
 * usage: watch PASSWD LOSE RULES...
 * Rules over what happens on this machine, without the enforcer: alerts as JSON lines on stdout until a signal, "ready" on
 * stderr when events flow. Processes in another pid namespace than ours are in the one container that the tests start; PASSWD
 * is its list of users. LOSE: every n-th event is thrown away, 0: none. What was lost is told on stderr at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/detect_cover.h"
#include "enforcer/detect_fields.h"
#include "enforcer/detect_names.h"
#include "enforcer/detect_rules.h"
#include "enforcer/event_json.h"
#include "enforcer/stream.h"

#define BATCH 256 /* events between two looks at the signals */

static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

static const struct detect_container host = { .id = "host", .privileged = -1 };
static const struct detect_container box = {
	.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	.name = "box", .image = "localhost/box:1", .runtime = "runc", .namespace_ = "open", .privileged = 1,
};

struct watch {
	struct detect_rules *rules;
	struct process_tree *tree;
	struct detect_names *host_names, *box_names;
	uint32_t pid_ns;
	uint64_t number;
};

static void on_match(const struct rule *rule, struct rule_facts *facts, void *data)
{
	const struct detect_event *event = data;
	struct rule_alert alert = {
		.time_ns = event->time_ns, .rule = rule->name, .priority = rule->priority, .source = rule->source, .tags = rule->tags,
		.n_tags = rule->n_tags, .hostname = "here", .format = rule->format, .facts = facts,
	};
	struct rule_alert_options options = { 0 };
	static char line[RULE_ALERT_BYTES_MAX];
	size_t n;

	if (rule_alert_line(&alert, &options, line, sizeof(line), &n) == 0)
		puts(line);
}

static void on_event(const struct stream_event *record, void *data)
{
	struct watch *watch = data;
	bool inside = record->head->pid_ns != watch->pid_ns;
	struct detect_event event = {
		.type = detect_type_of(record->type), .number = ++watch->number, .stream = record,
		.container = inside ? &box : &host, .names = inside ? watch->box_names : watch->host_names,
		.host_names = watch->host_names, .boot_to_real_ns = event_json_clock_offset(),
	};

	event.time_ns = record->head->time_ns + (uint64_t)event.boot_to_real_ns;
	event.process = process_tree_apply(watch->tree, record);
	detect_rules_run(watch->rules, &event, on_match, &event);
}

static int read_names(const char *path, struct detect_names **ret)
{
	static char text[DETECT_NAMES_BYTES];
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return -errno;
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return detect_names_new(text, n, NULL, 0, ret);
}

static int prepare(struct watch *watch, const char *passwd, const char *const *paths, size_t n)
{
	struct detect_rules_options options = { .paths = paths, .n_paths = n, .priority_max = RULE_PRIORITY_DEBUG };
	struct policy_error error = { 0 };
	struct stat st;

	if (detect_rules_new(&options, &watch->rules, &error)) {
		fprintf(stderr, "watch: %s:%d:%d: %s\n", error.file, error.line, error.column, error.message);
		return -EINVAL;
	}
	if (stat("/proc/self/ns/pid", &st) < 0 || read_names("/etc/passwd", &watch->host_names) || read_names(passwd, &watch->box_names))
		return -EINVAL;
	watch->pid_ns = (uint32_t)st.st_ino;
	return process_tree_new(PROCESS_TREE_MAX, NULL, NULL, &watch->tree);
}

static void tell_losses(const struct stream *stream)
{
	struct stream_count count;

	for (int type = 1; type < _HF_DETECT_MAX; type++)
		if (stream_count(stream, type, &count) == 0 && count.kernel.lost)
			fprintf(stderr, "lost %s %llu of %llu\n", stream_type_name(type), (unsigned long long)count.kernel.lost,
				(unsigned long long)count.kernel.attempted);
}

/* As the daemon does. */
static int narrow(const struct watch *watch, struct stream *stream)
{
	static struct detect_covers covers;
	struct policy_arena *arena = NULL;
	int err = policy_arena_new(&arena);

	if (!err)
		err = detect_covers_make(detect_rules_set(watch->rules), arena, &covers);
	if (!err)
		err = stream_narrow(stream, &covers.classes, covers.covers, covers.n);
	policy_arena_free(&arena);
	return err;
}

static void follow(struct watch *watch, struct stream *stream)
{
	struct pollfd ready = { .fd = stream_fd(stream), .events = POLLIN };

	fprintf(stderr, "ready\n");
	while (!ended) {
		while (stream_read(stream, BATCH, on_event, watch) == BATCH && !ended)
			continue;
		fflush(stdout);
		poll(&ready, 1, 100);
	}
	tell_losses(stream);
}

int main(int argc, char **argv)
{
	struct stream_options options = { .tasks_fd = -1 };
	struct sigaction action = { .sa_handler = on_signal };
	struct stream *stream = NULL;
	struct watch watch = { 0 };
	char why[512] = "";
	int err;

	if (argc < 4) {
		fprintf(stderr, "usage: watch PASSWD LOSE RULES...\n");
		return 2;
	}
	err = prepare(&watch, argv[1], (const char *const *)argv + 3, (size_t)argc - 3);
	if (err)
		return 1;
	sigaction(SIGTERM, &action, NULL);
	detect_rules_wants(watch.rules, options.wants);
	err = stream_open(&options, &stream, why, sizeof(why));
	if (err) {
		fprintf(stderr, "watch: %s\n", why);
		return 3;
	}
	if (narrow(&watch, stream))
		return 4;
	stream_simulate_loss(stream, (uint32_t)strtoul(argv[2], NULL, 10));
	follow(&watch, stream);
	stream_close(&stream);
	detect_rules_free(&watch.rules);
	process_tree_free(&watch.tree);
	detect_names_free(&watch.host_names);
	detect_names_free(&watch.box_names);
	return 0;
}
