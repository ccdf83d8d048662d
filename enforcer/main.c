// SPDX-License-Identifier: Apache-2.0
/*
 * holdfastd: options, then start, run, stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "enforcer/canary.h"
#include "enforcer/daemon.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/preflight.h"
#include "enforcer/stages.h"
#include "enforcer/util.h"
#include "enforcer/wire.h"

#define DEFAULT_POLICY_PATH "/etc/holdfast/policies"
#define DEFAULT_ENROL_TIMEOUT_MS 8000 /* below the hook's 10 s, which is below the 15 s that the runtime waits */
#define DEFAULT_EVENT_FILE_MAX (100ull << 20)
#define UNLOAD_TIMEOUT_MS 30000 /* the kernel takes seconds under load */

enum exit_code { EXIT_READY, EXIT_NOT_SUPPORTED, EXIT_ERROR };
enum action { ACTION_RUN, ACTION_DOCTOR, ACTION_UNLOAD, ACTION_DONE };

enum option_code {
	OPTION_POLICY = 256,
	OPTION_RUN_DIR,
	OPTION_EVENT_FILE,
	OPTION_EVENT_FILE_MAX,
	OPTION_ENROL_TIMEOUT,
	OPTION_QUIET,
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
	{ "quiet", no_argument, NULL, OPTION_QUIET },
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
	"  --quiet                     no events on standard output\n"
	"  --debug                     more log lines\n"
	"  --doctor [-o table|json]    check whether this host can be protected, then exit\n"
	"  --unload                    remove the pinned programs and maps: enforcement ends\n"
	"  --version, --help\n"
	"\n"
	"Exit status: 0 ended as asked (or ready), 1 this host is not supported, 2 error.\n";

struct arguments {
	struct daemon_options options;
	enum action action;
	bool json;
};

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

static int take_option(int option, struct arguments *a)
{
	unsigned long long n;

	switch (option) {
	case OPTION_POLICY:
		a->options.policy_path = optarg;
		return 0;
	case OPTION_RUN_DIR:
		a->options.run_dir = optarg;
		return 0;
	case OPTION_EVENT_FILE:
		a->options.event_file = optarg;
		return 0;
	case OPTION_EVENT_FILE_MAX:
		if (!parse_number(optarg, UINT64_MAX, &n))
			return bad_number("--event-file-max-bytes", optarg);
		a->options.event_file_max_bytes = n;
		return 0;
	case OPTION_ENROL_TIMEOUT:
		if (!parse_number(optarg, 600000, &n) || n == 0)
			return bad_number("--enrol-timeout", optarg);
		a->options.enrol_timeout_ms = (unsigned int)n;
		return 0;
	case OPTION_QUIET:
		a->options.quiet = true;
		return 0;
	case OPTION_DEBUG:
		log_set_level(LOG_DEBUG);
		return 0;
	case OPTION_DOCTOR:
		a->action = ACTION_DOCTOR;
		return 0;
	case OPTION_UNLOAD:
		a->action = ACTION_UNLOAD;
		return 0;
	case 'o':
		a->json = !strcmp(optarg, "json");
		return a->json || !strcmp(optarg, "table") ? 0 : bad_number("-o table|json", optarg);
	case OPTION_VERSION:
		printf("holdfastd %s\n", HOLDFAST_VERSION);
		a->action = ACTION_DONE;
		return 0;
	case 'h':
		fputs(usage, stdout);
		a->action = ACTION_DONE;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	int option;

	while ((option = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1) {
		int err = take_option(option, a);

		if (err || a->action == ACTION_DONE)
			return err;
	}
	if (optind < argc) {
		fprintf(stderr, "holdfastd: unexpected argument '%s'\n", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

/* Each container holds two descriptors; the usual limit would end at some hundred of them. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run_daemon(const struct arguments *a)
{
	static struct daemon daemon; /* its slot table is too large for comfort on the stack */
	char error[STAGES_ERROR_BYTES];
	int err;

	if (geteuid() != 0) {
		log_error("holdfastd must be started as root (it gives up what it does not need)");
		return EXIT_ERROR;
	}
	daemon.options = a->options;
	daemon.lock_fd = -1;
	raise_descriptor_limit();
	daemon.started_ns = clock_ns(CLOCK_REALTIME);
	err = preflight_before_start(error, sizeof(error));
	if (err) {
		log_error("%s", error);
		return EXIT_NOT_SUPPORTED;
	}
	err = stages_start(&daemon, error);
	if (err) {
		log_error("cannot start: %s", error);
		return EXIT_ERROR;
	}
	err = loop_run(daemon.loop);
	stages_stop(&daemon);
	return err ? EXIT_ERROR : EXIT_READY;
}

/* Not below a running daemon, which would go on to call its containers armed. */
static bool daemon_runs(const char *run_dir)
{
	_cleanup_(close_fd) int fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
}

static int unload(const char *run_dir)
{
	int err;

	if (daemon_runs(run_dir)) {
		fprintf(stderr, "holdfastd: a holdfastd runs with %s: stop it first\n", run_dir);
		return EXIT_ERROR;
	}
	err = lsm_unload_wait(UNLOAD_TIMEOUT_MS);
	if (err == -ETIMEDOUT) {
		fputs("holdfastd: the pins are removed, but some process still holds the programs: they may still deny\n",
		      stderr);
		return EXIT_ERROR;
	}
	if (err) {
		fprintf(stderr, "holdfastd: cannot remove " HF_PIN_DIR ": %s\n", strerror(-err));
		return EXIT_ERROR;
	}
	puts("unloaded: nothing is enforced any more");
	return EXIT_READY;
}

int main(int argc, char **argv)
{
	struct arguments a = {
		.options = {
			.policy_path = DEFAULT_POLICY_PATH,
			.run_dir = WIRE_RUN_DIR,
			.event_file_max_bytes = DEFAULT_EVENT_FILE_MAX,
			.enrol_timeout_ms = DEFAULT_ENROL_TIMEOUT_MS,
		},
	};

	if (argc == 2 && !strcmp(argv[1], CANARY_ARGUMENT))
		return CANARY_RAN;
	if (parse_arguments(argc, argv, &a)) {
		fputs("Try 'holdfastd --help'.\n", stderr);
		return EXIT_ERROR;
	}
	switch (a.action) {
	case ACTION_RUN:
		return run_daemon(&a);
	case ACTION_DOCTOR:
		return preflight_doctor(a.json);
	case ACTION_UNLOAD:
		return unload(a.options.run_dir);
	default:
		return EXIT_READY;
	}
}
