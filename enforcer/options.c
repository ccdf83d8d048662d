// SPDX-License-Identifier: Apache-2.0
/*
 * holdfastd's command line, parsed.
 */
#include "enforcer/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/detect.h"
#include "enforcer/guard.h"
#include "enforcer/layers.h"
#include "enforcer/log.h"
#include "enforcer/util.h"
#include "enforcer/wire.h"

#define DEFAULT_POLICY_PATH "/etc/holdfast/policies"
#define DEFAULT_ENROL_TIMEOUT_MS 8000 /* below the hook's 10 s, which is below the 15 s that the runtime waits */
#define DEFAULT_DIGEST_WAIT_MS 250 /* a file of some MB, on a busy disk */
#define DIGEST_WAIT_MAX_MS 10000  /* an alert that comes later is none */
#define DEFAULT_STATE_DIR "/var/lib/holdfast"
#define DEFAULT_DIGEST_RATE_MB 20 /* a few percent of a slow disk */
#define DIGEST_RATE_MAX_MB 100000
#define DEFAULT_SCRUB_RATE_MB 1 /* a quarter of a percent of a core; 5 GB of programs take an hour and a half */
#define DEFAULT_SCRUB_INTERVAL 86400
#define SCRUB_INTERVAL_MAX (366ull * 86400)
#define LAYER_GRACE_MAX_SECONDS (366ull * 86400)
#define DEFAULT_EVENT_FILE_MAX (100ull << 20)

#define EXECUTABLES_MAX (1u << 24) /* at 120 bytes each that is 2 GB of kernel memory */

enum option_code {
	OPTION_POLICY = 256,
	OPTION_RUN_DIR,
	OPTION_EVENT_FILE,
	OPTION_EVENT_FILE_MAX,
	OPTION_ENROL_TIMEOUT,
	OPTION_MAX_EXECUTABLES,
	OPTION_MAX_CONTAINERS,
	OPTION_DIGEST_WAIT,
	OPTION_STATE_DIR,
	OPTION_LAYER_GRACE,
	OPTION_DIGEST_RATE,
	OPTION_SCRUB_RATE,
	OPTION_SCRUB_INTERVAL,
	OPTION_RUNTIME_ROOT,
	OPTION_SELF_PROTECTION,
	OPTION_QUIET,
	OPTION_RULES,
	OPTION_RULE_MATCHING,
	OPTION_ALERT_OUTPUT,
	OPTION_ALERT_FILE,
	OPTION_ALERT_FORMAT,
	OPTION_ALERT_TIME,
	OPTION_ALERT_PRIORITY,
	OPTION_ALERT_APPEND,
	OPTION_SIMULATE_EVENT_LOSS,
	OPTION_DEBUG,
	OPTION_DOCTOR,
	OPTION_UNLOAD,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "policy", required_argument, NULL, OPTION_POLICY },
	{ "run-dir", required_argument, NULL, OPTION_RUN_DIR },
	{ "event-file", required_argument, NULL, OPTION_EVENT_FILE },
	{ "event-file-max-bytes", required_argument, NULL, OPTION_EVENT_FILE_MAX },
	{ "enrol-timeout", required_argument, NULL, OPTION_ENROL_TIMEOUT },
	{ "max-executables", required_argument, NULL, OPTION_MAX_EXECUTABLES },
	{ "max-containers", required_argument, NULL, OPTION_MAX_CONTAINERS },
	{ "digest-wait", required_argument, NULL, OPTION_DIGEST_WAIT },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "layer-grace", required_argument, NULL, OPTION_LAYER_GRACE },
	{ "digest-rate", required_argument, NULL, OPTION_DIGEST_RATE },
	{ "scrub-rate", required_argument, NULL, OPTION_SCRUB_RATE },
	{ "scrub-interval", required_argument, NULL, OPTION_SCRUB_INTERVAL },
	{ "runtime-root", required_argument, NULL, OPTION_RUNTIME_ROOT },
	{ "self-protection", required_argument, NULL, OPTION_SELF_PROTECTION },
	{ "quiet", no_argument, NULL, OPTION_QUIET },
	{ "rules", required_argument, NULL, OPTION_RULES },
	{ "rule-matching", required_argument, NULL, OPTION_RULE_MATCHING },
	{ "alert-output", required_argument, NULL, OPTION_ALERT_OUTPUT },
	{ "alert-file", required_argument, NULL, OPTION_ALERT_FILE },
	{ "alert-format", required_argument, NULL, OPTION_ALERT_FORMAT },
	{ "alert-time", required_argument, NULL, OPTION_ALERT_TIME },
	{ "alert-priority", required_argument, NULL, OPTION_ALERT_PRIORITY },
	{ "alert-append", required_argument, NULL, OPTION_ALERT_APPEND },
	{ "simulate-event-loss", required_argument, NULL, OPTION_SIMULATE_EVENT_LOSS },
	{ "debug", no_argument, NULL, OPTION_DEBUG },
	{ "doctor", no_argument, NULL, OPTION_DOCTOR },
	{ "unload", no_argument, NULL, OPTION_UNLOAD },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ "output", required_argument, NULL, 'o' },
	{ 0 },
};

static const char usage[] =
	"usage: holdfastd [OPTION]...\n"
	"Holds running containers to the image they were started from.\n"
	"\n"
	"  --policy PATH               file or folder of DriftPolicy documents (" DEFAULT_POLICY_PATH ")\n"
	"  --run-dir DIR               sockets and state (" WIRE_RUN_DIR ")\n"
	"  --event-file FILE           also append events to FILE; SIGHUP reopens it\n"
	"  --event-file-max-bytes N    rename FILE to FILE.1 beyond N bytes; 0 never (104857600)\n"
	"  --enrol-timeout MS          longest scan of a container's root (8000)\n"
	"  --max-executables N         files of all images together, set at the first load (524288)\n"
	"  --max-containers N          containers at once, set at the first load (4094)\n"
	"  --digest-wait MS            longest wait of an event for its file's SHA-256; 0 never waits (250)\n"
	"  --state-dir DIR             image database (" DEFAULT_STATE_DIR ")\n"
	"  --layer-grace SECONDS       how long an image without containers stays enrolled (600)\n"
	"  --digest-rate MB            megabytes a second read for digests; 0: none (20)\n"
	"  --scrub-rate MB             megabytes a second read to look at images' files again; 0: never (1)\n"
	"  --scrub-interval SECONDS    from the beginning of one such pass to the next; 0: never (86400)\n"
	"  --runtime-root DIR          also look into DIR for containers that run at the start\n"
	"  --self-protection MODE      off, container or host: who is kept from the daemon, its pins and its maps; below host,\n"
	"                              whoever is root on the host can end enforcement without a trace (host)\n"
	"  --quiet                     no events on standard output\n"
	"  --rules PATH|none           file or folder of detection rules, may be repeated (" DETECT_RULES_FOLDER ",\n"
	"                              else " DETECT_RULES_SHIPPED ", if they are there)\n"
	"  --rule-matching all|first   of the rules that match an event: all of them, or the first (all)\n"
	"  --alert-output WHERE        stdout, syslog or none, may be repeated (stdout)\n"
	"  --alert-file FILE           also append alerts to FILE, renamed as the event file; SIGHUP reopens it\n"
	"  --alert-format json|text    an alert as Falco's JSON object or as its line (json)\n"
	"  --alert-time local|iso8601  the time in an alert's text (local)\n"
	"  --alert-priority NAME       leave out rules of less importance (debug)\n"
	"  --alert-append FILE         what outputs of rules get besides: append_output as in a falco.yaml (none)\n"
	"  --simulate-event-loss N     throw away every N-th event of the rules, for tests; 0: none (0)\n"
	"  --debug                     more log lines\n"
	"  --doctor [-o table|json]    check whether this host can be protected, then exit\n"
	"  --unload                    remove the pinned programs and maps: enforcement ends\n"
	"  --version, --help\n"
	"\n"
	"Exit status: 0 ended as asked (or ready), 1 this host is not supported, 2 error.\n";

static bool parse_number(const char *text, unsigned long long max, unsigned long long *ret)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || value > max)
		return false;
	*ret = value;
	return true;
}

static int bad_number(const char *option, const char *value)
{
	fprintf(stderr, "holdfastd: %s: '%s' is not a number in range\n", option, value);
	return -EINVAL;
}

static int take_limit(const char *option, unsigned long long max, uint32_t *ret)
{
	unsigned long long n;

	if (!parse_number(optarg, max, &n) || n == 0)
		return bad_number(option, optarg);
	*ret = (uint32_t)n;
	return 0;
}

static int add_runtime_root(struct options *o)
{
	if (optarg[0] != '/' || o->daemon.n_runtime_roots == DAEMON_RUNTIME_ROOTS_MAX) {
		fprintf(stderr, "holdfastd: --runtime-root: '%s' is not an absolute path, or one too many\n", optarg);
		return -EINVAL;
	}
	o->daemon.runtime_roots[o->daemon.n_runtime_roots++] = optarg;
	return 0;
}

static int bad_word(const char *option, const char *words)
{
	fprintf(stderr, "holdfastd: %s: '%s' is not one of %s\n", option, optarg, words);
	return -EINVAL;
}

/* One of two words. */
static int take_word(const char *option, const char *no, const char *yes, bool *ret)
{
	char words[64];

	snprintf(words, sizeof(words), "%s, %s", no, yes);
	*ret = !strcmp(optarg, yes);
	return *ret || !strcmp(optarg, no) ? 0 : bad_word(option, words);
}

static int add_rules(struct options *o)
{
	if (!strcmp(optarg, "none")) {
		o->daemon.no_rules = true;
		return 0;
	}
	if (o->daemon.n_rules == DAEMON_RULES_MAX) {
		fprintf(stderr, "holdfastd: --rules: at most %d\n", DAEMON_RULES_MAX);
		return -EINVAL;
	}
	o->daemon.rules[o->daemon.n_rules++] = optarg;
	return 0;
}

/* The first one that is named takes the place of the default. */
static int add_alert_output(struct options *o)
{
	if (!o->alert_outputs_named)
		o->daemon.alert_stdout = false;
	o->alert_outputs_named = true;
	if (!strcmp(optarg, "stdout"))
		o->daemon.alert_stdout = true;
	else if (!strcmp(optarg, "syslog"))
		o->daemon.alert_syslog = true;
	else if (strcmp(optarg, "none"))
		return bad_word("--alert-output", "stdout, syslog, none");
	return 0;
}

/* Options of detection rules. */
static int take_rule_option(int option, struct options *o)
{
	switch (option) {
	case OPTION_RULES:
		return add_rules(o);
	case OPTION_RULE_MATCHING:
		return take_word("--rule-matching", "all", "first", &o->daemon.first_rule_only);
	case OPTION_ALERT_OUTPUT:
		return add_alert_output(o);
	case OPTION_ALERT_FILE:
		o->daemon.alert_file = optarg;
		return 0;
	case OPTION_ALERT_FORMAT:
		return take_word("--alert-format", "json", "text", &o->daemon.alert_text);
	case OPTION_ALERT_TIME:
		return take_word("--alert-time", "local", "iso8601", &o->daemon.alert_iso_8601);
	case OPTION_ALERT_PRIORITY:
		return rule_priority_parse(optarg, &o->daemon.alert_priority) == 0 ?
			       0 : bad_word("--alert-priority", "emergency, alert, critical, error, warning, notice, informational, debug");
	case OPTION_ALERT_APPEND:
		o->daemon.alert_append = optarg;
		return 0;
	case OPTION_SIMULATE_EVENT_LOSS:
		return strcmp(optarg, "0") ? take_limit("--simulate-event-loss", UINT32_MAX, &o->daemon.simulate_event_loss) : 0;
	default:
		return -EINVAL;
	}
}

/* Options of the image database and of adoption. */
static int take_further_option(int option, struct options *o)
{
	unsigned long long n;

	switch (option) {
	case OPTION_STATE_DIR:
		o->daemon.state_dir = optarg;
		return 0;
	case OPTION_LAYER_GRACE:
		if (!parse_number(optarg, LAYER_GRACE_MAX_SECONDS, &n))
			return bad_number("--layer-grace", optarg);
		o->daemon.layer_grace_ns = n * NSEC_PER_SEC;
		return 0;
	case OPTION_DIGEST_RATE:
		if (!parse_number(optarg, DIGEST_RATE_MAX_MB, &n))
			return bad_number("--digest-rate", optarg);
		o->daemon.digest_bytes_per_second = n * 1000000;
		return 0;
	case OPTION_SCRUB_RATE:
		if (!parse_number(optarg, DIGEST_RATE_MAX_MB, &n))
			return bad_number("--scrub-rate", optarg);
		o->daemon.scrub_bytes_per_second = n * 1000000;
		return 0;
	case OPTION_SCRUB_INTERVAL:
		if (!parse_number(optarg, SCRUB_INTERVAL_MAX, &n))
			return bad_number("--scrub-interval", optarg);
		o->daemon.scrub_interval_s = n;
		return 0;
	case OPTION_RUNTIME_ROOT:
		return add_runtime_root(o);
	case OPTION_SELF_PROTECTION:
		if (guard_mode_parse(optarg, &o->daemon.self_protection) == 0)
			return 0;
		fprintf(stderr, "holdfastd: --self-protection: '%s' is not off, container or host\n", optarg);
		return -EINVAL;
	default:
		return take_rule_option(option, o);
	}
}

static int take_option(int option, struct options *o)
{
	unsigned long long n;

	switch (option) {
	case OPTION_POLICY:
		o->daemon.policy_path = optarg;
		return 0;
	case OPTION_RUN_DIR:
		o->daemon.run_dir = optarg;
		return 0;
	case OPTION_EVENT_FILE:
		o->daemon.event_file = optarg;
		return 0;
	case OPTION_EVENT_FILE_MAX:
		if (!parse_number(optarg, UINT64_MAX, &n))
			return bad_number("--event-file-max-bytes", optarg);
		o->daemon.event_file_max_bytes = n;
		return 0;
	case OPTION_ENROL_TIMEOUT:
		if (!parse_number(optarg, 600000, &n) || n == 0)
			return bad_number("--enrol-timeout", optarg);
		o->daemon.enrol_timeout_ms = (unsigned int)n;
		return 0;
	case OPTION_MAX_EXECUTABLES:
		return take_limit("--max-executables", EXECUTABLES_MAX, &o->daemon.limits.executables);
	case OPTION_MAX_CONTAINERS:
		return take_limit("--max-containers", HF_MAX_CONTAINERS - HF_SLOT_FIRST, &o->daemon.limits.containers);
	case OPTION_DIGEST_WAIT:
		if (!parse_number(optarg, DIGEST_WAIT_MAX_MS, &n))
			return bad_number("--digest-wait", optarg);
		o->daemon.digest_wait_ms = (unsigned int)n;
		return 0;
	case OPTION_QUIET:
		o->daemon.quiet = true;
		return 0;
	case OPTION_DEBUG:
		log_set_level(LOG_DEBUG);
		return 0;
	case OPTION_DOCTOR:
		o->action = OPTIONS_DOCTOR;
		return 0;
	case OPTION_UNLOAD:
		o->action = OPTIONS_UNLOAD;
		return 0;
	case 'o':
		o->json = !strcmp(optarg, "json");
		return o->json || !strcmp(optarg, "table") ? 0 : bad_number("-o table|json", optarg);
	case OPTION_VERSION:
		printf("holdfastd %s\n", HOLDFAST_VERSION);
		o->action = OPTIONS_DONE;
		return 0;
	case 'h':
		fputs(usage, stdout);
		o->action = OPTIONS_DONE;
		return 0;
	default:
		return take_further_option(option, o);
	}
}

int options_parse(int argc, char **argv, struct options *o)
{
	static const struct daemon_options defaults = {
		.policy_path = DEFAULT_POLICY_PATH,
		.run_dir = WIRE_RUN_DIR,
		.event_file_max_bytes = DEFAULT_EVENT_FILE_MAX,
		.enrol_timeout_ms = DEFAULT_ENROL_TIMEOUT_MS,
		.digest_wait_ms = DEFAULT_DIGEST_WAIT_MS,
		.state_dir = DEFAULT_STATE_DIR,
		.layer_grace_ns = LAYERS_GRACE_NS,
		.digest_bytes_per_second = DEFAULT_DIGEST_RATE_MB * 1000000ull,
		.self_protection = HF_GUARD_HOST,
		.scrub_bytes_per_second = DEFAULT_SCRUB_RATE_MB * 1000000ull,
		.scrub_interval_s = DEFAULT_SCRUB_INTERVAL,
		.alert_priority = RULE_PRIORITY_DEBUG,
		.alert_stdout = true,
	};
	int option;

	*o = (struct options){ .daemon = defaults };
	while ((option = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1) {
		int err = take_option(option, o);

		if (err || o->action == OPTIONS_DONE)
			return err;
	}
	if (optind < argc) {
		fprintf(stderr, "holdfastd: unexpected argument '%s'\n", argv[optind]);
		return -EINVAL;
	}
	return 0;
}
