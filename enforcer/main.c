// SPDX-License-Identifier: Apache-2.0
/*
 * holdfastd: options, then start, run, stop.
 */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "enforcer/canary.h"
#include "enforcer/daemon.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/options.h"
#include "enforcer/preflight.h"
#include "enforcer/stages.h"
#include "enforcer/unload.h"
#include "enforcer/util.h"

#define LARGE_BYTES (1 << 20) /* allocations from here on are no part of the heap, which hardly shrinks */

enum exit_code { EXIT_READY, EXIT_NOT_SUPPORTED, EXIT_ERROR };

/* Each container holds two descriptors; the usual limit would end at some hundred of them. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run_daemon(const struct options *o)
{
	static struct daemon daemon; /* its slot table is too large for comfort on the stack */
	char error[STAGES_ERROR_BYTES];
	int err;

	if (geteuid() != 0) {
		log_error("holdfastd must be started as root (it gives up what it does not need)");
		return EXIT_ERROR;
	}
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	daemon.options = o->daemon;
	daemon.lock_fd = -1;
	raise_descriptor_limit();
	daemon.started_ns = clock_ns(CLOCK_BOOTTIME);
	err = preflight_before_start(error, sizeof(error));
	if (err) {
		log_error("%s", error);
		return EXIT_NOT_SUPPORTED;
	}
	lsm_forget_kernel();
	malloc_trim(0); /* the processes that stages fork would keep it */
	err = stages_start(&daemon, error);
	if (err) {
		log_error("cannot start: %s", error);
		return EXIT_ERROR;
	}
	err = loop_run(daemon.loop);
	stages_stop(&daemon);
	return err ? EXIT_ERROR : EXIT_READY;
}

static int unload(const char *run_dir)
{
	char error[STAGES_ERROR_BYTES];

	if (unload_host(run_dir, error, sizeof(error))) {
		fprintf(stderr, "holdfastd: %s\n", error);
		return EXIT_ERROR;
	}
	puts("unloaded: nothing is enforced any more");
	return EXIT_READY;
}

int main(int argc, char **argv)
{
	struct options o;

	if (argc == 2 && !strcmp(argv[1], CANARY_ARGUMENT))
		return CANARY_RAN;
	if (options_parse(argc, argv, &o)) {
		fputs("Try 'holdfastd --help'.\n", stderr);
		return EXIT_ERROR;
	}
	switch (o.action) {
	case OPTIONS_RUN:
		return run_daemon(&o);
	case OPTIONS_DOCTOR:
		return preflight_doctor(o.json);
	case OPTIONS_UNLOAD:
		return unload(o.daemon.run_dir);
	default:
		return EXIT_READY;
	}
}
