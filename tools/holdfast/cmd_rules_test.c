// SPDX-License-Identifier: Apache-2.0
/* holdfast rules test: which alerts would these rules have given for what was recorded? Needs no daemon. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "enforcer/detect_replay.h"
#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/rules.h"

struct values {
	const char *events;
	const char *priority;
	const char *append;
	bool first, iso_8601;
};

struct test {
	const struct cli *cli;
	const char *hostname;
	struct rule_alert_options options;
	uint64_t alerts, lost;
	int error;
};

static void on_match(const struct rule *rule, struct rule_facts *facts, const struct detect_event *event, void *data)
{
	struct test *test = data;
	struct rule_alert alert = { .time_ns = event->time_ns, .rule = rule->name, .priority = rule->priority, .source = rule->source,
				    .tags = rule->tags, .n_tags = rule->n_tags, .hostname = test->hostname,
				    .format = rule->format, .facts = facts };
	char line[RULE_ALERT_BYTES_MAX];
	size_t n;

	test->alerts++;
	if (rule_alert_line(&alert, &test->options, line, sizeof(line), &n) < 0) {
		test->error = -EMSGSIZE;
		return;
	}
	if (test->options.text) {
		_cleanup_(free_ptr) char *safe = cli_escape(line, n);

		fprintf(test->cli->out, "%s\n", safe ? safe : "");
	} else {
		cli_json_write(test->cli->out, line, n);
		fputc('\n', test->cli->out);
	}
}

static int replay_items(struct stream_reader *reader, struct detect_replay *replay, struct test *test)
{
	struct stream_item item;
	int err, more;

	while ((more = stream_reader_next(reader, &item)) > 0) {
		err = detect_replay_item(replay, &item, on_match, test);
		if (err || test->error)
			return err ? err : test->error;
		if (item.kind == STREAM_FRAME_END)
			test->lost = item.end.lost;
	}
	return more;
}

static enum cli_exit load(const struct cli *cli, const struct values *values, char *const *args, size_t n_args, struct detect_rules **ret)
{
	struct detect_rules_options options = { .paths = (const char *const *)args, .n_paths = n_args,
						.priority_max = RULE_PRIORITY_DEBUG, .first_only = values->first, .appends = values->append };
	struct policy_error error = { 0 };
	int err;

	if (values->priority && rule_priority_parse(values->priority, &options.priority_max) < 0) {
		cli_error(cli, "--priority: '%s' is no priority", values->priority);
		return CLI_EXIT_ERROR;
	}
	err = detect_rules_new(&options, ret, &error);
	if (!err)
		return CLI_EXIT_OK;
	if (error.line > 0)
		cli_error(cli, "%s:%d:%d: %s", error.file, error.line, error.column, error.message);
	else
		cli_error(cli, "%s: %s", error.file, error.message[0] ? error.message : strerror(-err));
	return CLI_EXIT_ERROR;
}

static const char *describe(int err)
{
	switch (err) {
	case -EBADMSG:
		return "this is no recording of events, or it is damaged";
	case -EPROTO:
		return "this was recorded by a later version";
	case -ENODATA:
		return "the recording ends in the middle";
	default:
		return strerror(-err);
	}
}

/* Under the rules that are loaded, the recording. */
static enum cli_exit try(struct cli *cli, const struct values *values, struct detect_rules *rules)
{
	_cleanup_(detect_replay_free) struct detect_replay *replay = NULL;
	_cleanup_(stream_reader_free) struct stream_reader *reader = NULL;
	bool from_input = !strcmp(values->events, "-");
	_cleanup_(close_fd) int fd = from_input ? -1 : open(values->events, O_RDONLY | O_CLOEXEC);
	struct test test = { .cli = cli, .options = { .text = cli->output != CLI_OUTPUT_JSON, .iso_8601 = values->iso_8601 } };
	struct stream_record_header header = { 0 };
	int err = !from_input && fd < 0 ? -errno : stream_reader_new(from_input ? STDIN_FILENO : fd, &reader, &header);

	if (!err)
		err = detect_replay_new(rules, &header, &replay);
	if (!err) {
		test.hostname = detect_replay_hostname(replay);
		err = replay_items(reader, replay, &test);
	}
	if (fflush(cli->out) && !err)
		err = -errno;
	if (err) {
		cli_error(cli, "%s: %s", values->events, describe(err));
		return CLI_EXIT_ERROR;
	}
	fprintf(cli->err, "holdfast: %llu events, %llu lost, %llu alerts\n", (unsigned long long)detect_replay_events(replay),
		(unsigned long long)test.lost, (unsigned long long)test.alerts);
	return test.alerts ? CLI_EXIT_NEGATIVE : CLI_EXIT_OK;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	_cleanup_(detect_rules_free) struct detect_rules *rules = NULL;
	const struct values *values = data;
	enum cli_exit code;

	if (!values->events) {
		cli_error(cli, "rules test: --events FILE is needed; holdfast events --record FILE makes one");
		return CLI_EXIT_ERROR;
	}
	code = load(cli, values, args, n_args, &rules);
	return code == CLI_EXIT_OK ? try(cli, values, rules) : code;
}

static const struct cli_option options[] = {
	{ 'e', "events", "FILE", "the recording; -: standard input", CLI_OPTION_TEXT, offsetof(struct values, events) },
	{ 'p', "priority", "NAME", "leave out rules of less importance", CLI_OPTION_TEXT, offsetof(struct values, priority) },
	{ 0, "append", "FILE", "what outputs get besides: append_output as in a falco.yaml", CLI_OPTION_TEXT, offsetof(struct values, append) },
	{ 0, "first", NULL, "of several rules that match an event, the first alone", CLI_OPTION_FLAG, offsetof(struct values, first) },
	{ 0, "iso8601", NULL, "times in the alerts' text by ISO 8601, in UTC", CLI_OPTION_FLAG, offsetof(struct values, iso_8601) },
};

const struct cli_command cli_command_rules_test = {
	.name = "rules test",
	.summary = "try detection rules on recorded events",
	.arguments = "FILE…",
	.help = "Loads the rules of files or folders and shows them the events of a recording (events --record), as the daemon would\n"
		"have done. Each alert is a line: Falco's text, or with -o json its JSON object.\n"
		"The exit status is 0 when no rule fired, 1 when one did, 2 when a file is wrong or cannot be read.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.min_args = 1,
	.max_args = CLI_RULE_FILES_MAX,
	.run = run,
};
