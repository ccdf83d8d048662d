// SPDX-License-Identifier: Apache-2.0
/*
 * The detector at work. Contracts: detect.h.
 *
 * I1: one visit takes at most VISIT_EVENTS events; the loop then serves others, drift's ring among them.
 * I2: whatever is refused when rules are loaded anew, the former ones go on.
 */
#include "enforcer/detect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "enforcer/detect_cover.h"
#include "enforcer/detect_fields.h"
#include "enforcer/detect_internal.h"
#include "enforcer/event_json.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/policy_store.h"
#include "enforcer/stages.h"
#include "enforcer/util.h"

/* About a millisecond's worth. */
#define VISIT_EVENTS 256
#define CHECK_NS NSEC_PER_SEC
/* For one process whose memory does not answer: it is left out of the tree. */
#define SCAN_TIMEOUT_MS 200

/* --- rules ---------------------------------------------------------------------------------------------------------- */

/* What runs when no file is named; NULL: nothing. */
static const char *standard_rules(void)
{
	struct stat st;

	if (stat(DETECT_RULES_FOLDER, &st) == 0)
		return DETECT_RULES_FOLDER;
	return stat(DETECT_RULES_SHIPPED, &st) == 0 ? DETECT_RULES_SHIPPED : NULL;
}

static int load_rules(struct daemon *daemon, struct detect_rules **ret, struct policy_error *reterr)
{
	struct detect_rules_options options = { .paths = daemon->options.rules, .n_paths = daemon->options.n_rules,
						.priority_max = daemon->options.alert_priority,
						.first_only = daemon->options.first_rule_only,
						.appends = daemon->options.alert_append };
	const char *standard = standard_rules();

	if (!standard)
		standard = DETECT_RULES_SHIPPED; /* the error names it */
	if (!options.n_paths) {
		options.paths = &standard;
		options.n_paths = 1;
	}
	return detect_rules_new(&options, ret, reterr);
}

static bool has_rule_files(const struct daemon *daemon)
{
	return !daemon->options.no_rules && (daemon->options.n_rules || standard_rules());
}

static void tell_rules(const struct detector *d, const char *when)
{
	size_t warnings = detect_rules_warnings(d->rules);

	log_info("rules: %s: %zu, of which %zu are enabled", when, detect_rules_set(d->rules)->n_rules, detect_rules_enabled(d->rules));
	if (warnings)
		log_warning("rules: %zu warnings: holdfast rules validate names them", warnings);
}

/* Opens that no rule can match are left out; if that cannot be told to the kernel half, it tells them all. */
static void narrow_stream(struct detector *d)
{
	_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;
	_cleanup_(free_ptr) struct detect_covers *covers = calloc(1, sizeof(*covers));
	int err = covers ? policy_arena_new(&arena) : -ENOMEM;

	if (!err)
		err = detect_covers_make(detect_rules_set(d->rules), arena, covers);
	if (!err)
		err = stream_narrow(d->stream, &covers->classes, covers->covers, covers->n);
	else
		stream_tell_all(d->stream);
	if (err)
		log_warning("rules: every open is told, whatever its path: %s", strerror(-err));
}

static void switch_stream(struct detector *d)
{
	uint32_t wants[_HF_DETECT_MAX];

	narrow_stream(d);
	detect_rules_wants(d->rules, wants);
	stream_want(d->stream, wants);
}

static int fail_reload(struct detector *d, int err, const struct policy_error *error, struct policy_error *reterr)
{
	char place[32] = "";

	d->error = *error;
	d->failed = true;
	if (reterr)
		*reterr = *error;
	if (error->line)
		snprintf(place, sizeof(place), ":%d:%d", error->line, error->column);
	log_error("rules: %s%s: %s; the former rules and policies stay in force", error->file, place, error->message);
	return err;
}

/* I2 */
int detect_reload(struct daemon *daemon, struct policy_error *reterr)
{
	struct detector *d = daemon->detector;
	_cleanup_(detect_rules_free) struct detect_rules *rules = NULL, *former = NULL;
	struct policy_error error = { 0 };
	int err = d ? load_rules(daemon, &rules, &error) : 0;

	if (err && !error.message[0])
		snprintf(error.message, sizeof(error.message), "%s", strerror(-err));
	if (err)
		return fail_reload(d, err, &error, reterr);
	err = policy_store_reload(daemon->policies, reterr);
	if (err || !d)
		return err;
	former = TAKE_PTR(d->rules);
	d->rules = TAKE_PTR(rules);
	d->failed = false;
	switch_stream(d);
	tell_rules(d, "loaded anew");
	return 0;
}

/* --- events --------------------------------------------------------------------------------------------------------- */

void detect_complete(struct detector *d, struct detect_event *event, const struct detect_containers_key *key)
{
	event->boot_to_real_ns = d->clock_offset_ns;
	event->container = detect_containers_find(d->containers, key);
	if (!d->users)
		return;
	event->host_names = detect_users_host(d->users);
	event->names = key->kernel_id ? detect_users_of(d->users, key->kernel_id, (pid_t)key->pid) : event->host_names;
}

struct match {
	struct detector *d;
	uint64_t time_ns;
};

static void on_match(const struct rule *rule, struct rule_facts *facts, void *data)
{
	struct match *match = data;

	detect_alert(rule, facts, match->time_ns, match->d);
}

void detect_try(struct detector *d, struct detect_event *event)
{
	struct match match = { .d = d, .time_ns = event->time_ns };

	detect_rules_run(d->rules, event, on_match, &match);
}

static void on_event(const struct stream_event *stream, void *data)
{
	struct detector *d = data;
	const struct hf_detect_head *head = stream->head;
	struct detect_event event = { .type = detect_type_of(stream->type), .number = ++d->events, .stream = stream };
	struct detect_containers_key key = { .kernel_id = head->container, .cgroup = head->cgroup,
					     .host = head->flags & HF_DETECT_HOST, .pid = head->pid, .ppid = head->ppid };

	event.process = process_tree_apply(d->tree, stream);
	if (!detect_rules_need(d->rules, event.type))
		return;
	event.time_ns = head->time_ns + (uint64_t)d->clock_offset_ns;
	detect_complete(d, &event, &key);
	detect_try(d, &event);
}

/* I1 */
static void on_stream(uint32_t events, void *data)
{
	struct detector *d = data;

	(void)events;
	d->clock_offset_ns = event_json_clock_offset();
	stream_read(d->stream, VISIT_EVENTS, on_event, d);
}

static void on_check(uint32_t events, void *data)
{
	struct detector *d = data;

	on_stream(events, data);
	detect_look_for_losses(d);
}

/* --- start and stop ------------------------------------------------------------------------------------------------- */

static int open_stream(struct detector *d, char *reterr)
{
	struct stream_options options = { .tasks_fd = lsm_tasks_fd(d->daemon->lsm) };
	int err, n;

	/* Until somebody reads: what the tree needs, and no more. */
	detect_tree_wants(d->rules, options.wants);
	err = stream_open(&options, &d->stream, reterr, STAGES_ERROR_BYTES);
	if (err)
		return err;
	stream_simulate_loss(d->stream, d->daemon->options.simulate_event_loss);
	n = process_scan(d->tree, SCAN_TIMEOUT_MS);
	if (n < 0)
		log_warning("rules: what runs already could not be read from /proc: %s", strerror(-n));
	return 0;
}

static int make_detector(struct daemon *daemon, char *reterr)
{
	struct detector *d = calloc(1, sizeof(*d));
	struct policy_error error = { 0 };
	int err;

	if (!d)
		return -ENOMEM;
	daemon->detector = d;
	d->daemon = daemon;
	if (gethostname(d->hostname, sizeof(d->hostname) - 1))
		snprintf(d->hostname, sizeof(d->hostname), "localhost");
	err = load_rules(daemon, &d->rules, &error);
	if (err && error.message[0])
		snprintf(reterr, STAGES_ERROR_BYTES, "%.200s:%d:%d: %.250s", error.file, error.line, error.column, error.message);
	if (!err)
		err = process_tree_new(PROCESS_TREE_MAX, NULL, NULL, &d->tree);
	if (!err)
		err = detect_containers_new(detect_container_facts, daemon, &d->containers);
	return err ? err : open_stream(d, reterr);
}

int detect_open(struct daemon *daemon, char *reterr)
{
	int err;

	if (!has_rule_files(daemon))
		return 0;
	err = make_detector(daemon, reterr);
	if (err)
		detect_stop(daemon);
	return err;
}

static int start_outputs(struct detector *d, char *reterr)
{
	const struct daemon_options *o = &d->daemon->options;
	struct alert_out_options options = { .stdout_of = o->alert_stdout ? d->daemon->events : NULL, .file = o->alert_file,
					     .file_max_bytes = o->event_file_max_bytes,
					     .syslog = o->alert_syslog ? ALERT_SYSLOG_PATH : NULL };
	int err = alert_out_new(d->daemon->loop, &options, &d->out);

	if (err)
		snprintf(reterr, STAGES_ERROR_BYTES, "alert file %s", o->alert_file ? o->alert_file : "(none)");
	return err;
}

int detect_start(struct daemon *daemon, char *reterr)
{
	struct detector *d = daemon->detector;
	int err;

	if (!d)
		return 0;
	err = start_outputs(d, reterr);
	if (!err)
		err = detect_users_new(daemon->loop, daemon->workers, &d->users);
	if (!err)
		err = loop_watch(daemon->loop, stream_fd(d->stream), EPOLLIN, on_stream, d, &d->source);
	if (!err)
		err = loop_timer(daemon->loop, CHECK_NS, CHECK_NS, on_check, d, &d->check);
	if (err) {
		detect_end(daemon);
		return err;
	}
	switch_stream(d);
	tell_rules(d, "loaded");
	return 0;
}

/* What waits is told first, but not without end. */
void detect_end(struct daemon *daemon)
{
	struct detector *d = daemon->detector;

	if (!d)
		return;
	if (d->out && d->check)
		on_stream(0, d);
	loop_unwatch(&d->source);
	loop_unwatch(&d->check);
	detect_users_free(&d->users);
	alert_out_free(&d->out);
}

void detect_stop(struct daemon *daemon)
{
	struct detector *d = daemon->detector;

	if (!d)
		return;
	stream_close(&d->stream);
	detect_containers_free(&d->containers);
	process_tree_free(&d->tree);
	detect_rules_free(&d->rules);
	free(d);
	daemon->detector = NULL;
}

void detect_reopen(struct daemon *daemon)
{
	int err = daemon->detector && daemon->detector->out ? alert_out_reopen(daemon->detector->out) : 0;

	if (err)
		log_error("alerts: cannot reopen %s: %s", daemon->options.alert_file, strerror(-err));
}

void detect_containers_changed(struct daemon *daemon)
{
	if (daemon->detector)
		detect_containers_forget(daemon->detector->containers);
}
