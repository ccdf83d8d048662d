// SPDX-License-Identifier: Apache-2.0
/*
 * The table of stages. Each takes only what the stages before it have set up:
 * signals before threads, capabilities dropped and the filter installed after everything that needs more, READY last.
 */
#include "enforcer/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/adopt.h"
#include "enforcer/answers.h"
#include "enforcer/arm.h"
#include "enforcer/canary.h"
#include "enforcer/container.h"
#include "enforcer/control.h"
#include "enforcer/daemon.h"
#include "enforcer/detect.h"
#include "enforcer/digests.h"
#include "enforcer/enrol.h"
#include "enforcer/event_log.h"
#include "enforcer/faults.h"
#include "enforcer/guard_daemon.h"
#include "enforcer/hook_server.h"
#include "enforcer/host.h"
#include "enforcer/images.h"
#include "enforcer/integrity.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/mend.h"
#include "enforcer/notify.h"
#include "enforcer/policy_store.h"
#include "enforcer/privilege.h"
#include "enforcer/rearm.h"
#include "enforcer/ring.h"
#include "enforcer/settle.h"
#include "enforcer/signals.h"
#include "enforcer/state.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

typedef int (*start_fn)(struct daemon *daemon, char *reterr);
typedef void (*stop_fn)(struct daemon *daemon);

static int start_loop(struct daemon *daemon, char *reterr)
{
	int err = loop_new(&daemon->loop);

	(void)reterr;
	return err ? err : signals_watch(daemon);
}

static void stop_loop(struct daemon *daemon)
{
	loop_free(&daemon->loop);
}

static int start_faults(struct daemon *daemon, char *reterr)
{
	(void)reterr;
	return faults_new(daemon->loop, mend, daemon, &daemon->faults);
}

static void stop_faults(struct daemon *daemon)
{
	faults_free(&daemon->faults);
}

/* One daemon at a time: a second one would take over hooks and enrolment from the first. */
static int lock_run_dir(struct daemon *daemon, char *reterr)
{
	daemon->lock_fd = open(daemon->options.run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (daemon->lock_fd < 0)
		return -errno;
	if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	snprintf(reterr, STAGES_ERROR_BYTES, "another holdfastd runs with %s", daemon->options.run_dir);
	return -EBUSY;
}

static int start_run_dir(struct daemon *daemon, char *reterr)
{
	struct stat st;

	if (mkdir(daemon->options.run_dir, 0700) && errno != EEXIST) {
		snprintf(reterr, STAGES_ERROR_BYTES, "cannot make %s", daemon->options.run_dir);
		return -errno;
	}
	if (lstat(daemon->options.run_dir, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022) {
		snprintf(reterr, STAGES_ERROR_BYTES, "%s must be a folder of root's that nobody else can write",
			 daemon->options.run_dir);
		return -EPERM;
	}
	return lock_run_dir(daemon, reterr);
}

static void stop_run_dir(struct daemon *daemon)
{
	close_fd(&daemon->lock_fd);
}

/* Without it no image can be read, and each new container would get the answer for those that cannot be armed. */
static void on_spawner_end(uint32_t events, void *data)
{
	struct daemon *daemon = data;

	(void)events;
	loop_unwatch(&daemon->spawner_watch);
	log_error("the process that starts children has ended: holdfastd ends too, to be started again; what is in force stays");
	loop_quit(daemon->loop, -EPIPE);
}

/* Before there are threads, maps and sockets: the spawner and its children hold nothing of the daemon's. */
static int start_workers(struct daemon *daemon, char *reterr)
{
	struct workers_options options = { .folder = daemon->options.run_dir };
	int err = workers_new(&options, &daemon->workers, reterr);

	return err ? err : loop_watch(daemon->loop, workers_fd(daemon->workers), 0, on_spawner_end, daemon, &daemon->spawner_watch);
}

static void stop_workers(struct daemon *daemon)
{
	loop_unwatch(&daemon->spawner_watch);
	workers_free(&daemon->workers);
}

static int start_events(struct daemon *daemon, char *reterr)
{
	struct event_log_options options = { .stdout_fd = daemon->options.quiet ? -1 : STDOUT_FILENO,
					     .file = daemon->options.event_file,
					     .file_max_bytes = daemon->options.event_file_max_bytes };
	int err = event_log_new(daemon->loop, &options, &daemon->events);

	if (err)
		snprintf(reterr, STAGES_ERROR_BYTES, "event file %s", options.file ? options.file : "(none)");
	return err;
}

static void stop_events(struct daemon *daemon)
{
	event_log_free(&daemon->events);
}

/* Pinned tables keep their size, whatever the options say now. */
static void tell_sizes(const struct lsm_limits *limits, struct lsm_sizes sizes)
{
	uint32_t containers = sizes.containers - HF_SLOT_FIRST;

	if ((limits->executables && limits->executables != sizes.catalog) ||
	    (limits->containers && limits->containers != containers))
		log_warning("the pinned tables hold %u executables and %u containers, not what the options ask for; they "
			    "can change after holdfastd --unload", sizes.catalog, containers);
}

static int start_kernel_half(struct daemon *daemon, char *reterr)
{
	const struct lsm_limits *limits = &daemon->options.limits;
	int err;

	host_load_overlay();
	err = lsm_open(limits, &daemon->lsm, reterr, STAGES_ERROR_BYTES);
	if (err)
		return err;
	tell_sizes(limits, lsm_sizes(daemon->lsm));
	log_info("kernel half: %s", lsm_loaded(daemon->lsm) ? "loaded and attached" : "the pinned programs are used");
	return 0;
}

static void stop_kernel_half(struct daemon *daemon)
{
	lsm_close(&daemon->lsm);
}

static int start_host(struct daemon *daemon, char *reterr)
{
	return host_tell(daemon->lsm, reterr, STAGES_ERROR_BYTES);
}

static int start_canary(struct daemon *daemon, char *reterr)
{
	canary_prepare(daemon->lsm);
	return canary_prove(daemon->lsm, reterr, STAGES_ERROR_BYTES);
}

static int start_policies(struct daemon *daemon, char *reterr)
{
	struct policy_error error = { 0 };
	int err = container_table_new(&daemon->containers);

	if (!err)
		err = policy_store_new(daemon, &daemon->policies, &error);
	if (err && error.message[0])
		snprintf(reterr, STAGES_ERROR_BYTES, "%.200s:%d:%d: %.250s", error.file, error.line, error.column,
			 error.message);
	return err;
}

static void stop_policies(struct daemon *daemon)
{
	policy_store_free(&daemon->policies);
	container_table_free(&daemon->containers);
}

/* A database that cannot be had is no reason not to protect. */
static int start_images(struct daemon *daemon, char *reterr)
{
	struct images_options options = { .folder = daemon->images_folder, .workers = daemon->workers,
					  .bytes_per_second = daemon->options.digest_bytes_per_second };
	int err;

	(void)reterr;
	snprintf(daemon->images_folder, sizeof(daemon->images_folder), "%s/imagedb", daemon->options.state_dir);
	if (mkdir(daemon->options.state_dir, 0700) && errno != EEXIST)
		log_warning("cannot make %s: %m", daemon->options.state_dir);
	err = integrity_new(daemon);
	if (err)
		return err;
	options.scrub = daemon->scrub;
	return images_new(&options, &daemon->images);
}

static void stop_images(struct daemon *daemon)
{
	images_free(&daemon->images);
	integrity_free(daemon);
}

static int start_enroller(struct daemon *daemon, char *reterr)
{
	struct enroller_options options = { .lsm = daemon->lsm, .loop = daemon->loop, .workers = daemon->workers,
					    .images = daemon->images, .layer_grace_ns = daemon->options.layer_grace_ns };
	int err = enroller_new(&options, &daemon->enroller);

	if (err)
		snprintf(reterr, STAGES_ERROR_BYTES, "the enrolling thread did not start");
	return err;
}

static void stop_enroller(struct daemon *daemon)
{
	enroller_free(&daemon->enroller);
}

static int start_digests(struct daemon *daemon, char *reterr)
{
	(void)reterr;
	return digests_new(daemon->images, daemon->workers, daemon->loop, &daemon->digests);
}

static void stop_digests(struct daemon *daemon)
{
	digests_free(&daemon->digests);
}

static int start_adopter(struct daemon *daemon, char *reterr)
{
	int err = adopter_new(daemon, &daemon->adopter);

	if (err)
		snprintf(reterr, STAGES_ERROR_BYTES, "the adopting thread did not start");
	return err;
}

static void stop_adopter(struct daemon *daemon)
{
	adopter_free(&daemon->adopter);
}

static int start_containers(struct daemon *daemon, char *reterr)
{
	int err, n = state_restore(daemon);

	if (n < 0) {
		snprintf(reterr, STAGES_ERROR_BYTES, "cannot use %s/containers", daemon->options.run_dir);
		return n;
	}
	err = rearm_all(daemon);
	if (err) {
		snprintf(reterr, STAGES_ERROR_BYTES, "running containers could not be armed again%s",
			 err == -EPIPE ? ": the process that starts children has ended" : "");
		return err;
	}
	policy_store_tidy(daemon->policies);
	if (n || lsm_took_over(daemon->lsm))
		log_info("took over the pinned programs, %d running containers", n);
	return policy_store_watch(daemon->policies);
}

/* From here on this version's programs judge, and no other's. They have been proven, and know the running containers. */
static int start_judging(struct daemon *daemon, char *reterr)
{
	int err;

	__atomic_store_n(&lsm_config(daemon->lsm)->enabled, HF_ENABLED_ALL, __ATOMIC_RELEASE);
	err = lsm_others_silence(daemon->lsm);
	if (err)
		snprintf(reterr, STAGES_ERROR_BYTES, "another version's programs cannot be silenced");
	return err;
}

/* After the ring has taken what they left. */
static int start_alone(struct daemon *daemon, char *reterr)
{
	bool others = lsm_has_others();
	int err = lsm_others_remove();

	(void)daemon;
	if (err)
		snprintf(reterr, STAGES_ERROR_BYTES, "another version's pins in " HF_PIN_DIR " cannot be removed");
	else if (others)
		log_info("took over from another version of the kernel half, which is removed");
	return err;
}

static int start_ring(struct daemon *daemon, char *reterr)
{
	(void)reterr;
	return ring_new(daemon, &daemon->ring);
}

static void stop_ring(struct daemon *daemon)
{
	ring_free(&daemon->ring);
}

static int start_sockets(struct daemon *daemon, char *reterr)
{
	struct control_ops ops;
	int err;

	answers_init(daemon, &ops);
	err = control_new(daemon->loop, daemon->events, daemon->options.run_dir, &ops, &daemon->control);
	if (!err)
		err = hook_server_new(daemon->loop, daemon, daemon->options.run_dir, arm_request, &daemon->hook);
	if (err)
		snprintf(reterr, STAGES_ERROR_BYTES, "sockets in %s%s", daemon->options.run_dir,
			 err == -EADDRINUSE ? ": another holdfastd is running" : "");
	return err;
}

static void stop_sockets(struct daemon *daemon)
{
	hook_server_free(&daemon->hook);
	control_free(&daemon->control);
}

static int start_confinement(struct daemon *daemon, char *reterr)
{
	int err;

	(void)daemon;
	err = privilege_drop_capabilities(reterr);
	if (!err)
		err = privilege_filter(reterr);
	if (!err)
		err = privilege_check(reterr);
	return err;
}

static int start_ready(struct daemon *daemon, char *reterr)
{
	if (!workers_alive(daemon->workers)) {
		snprintf(reterr, STAGES_ERROR_BYTES, "the process that starts children has ended");
		return -EPIPE;
	}
	daemon->ready_ns = clock_ns(CLOCK_REALTIME);
	log_info("ready: %zu policies, %zu containers", policy_set_count(policy_store_set(daemon->policies)),
		 container_count(daemon->containers));
	lsm_forget_kernel();
	malloc_trim(0); /* loading took tens of MB that nothing needs any more */
	notify_ready("enforcing");
	adopter_begin(daemon->adopter);
	return notify_watchdog(daemon->loop, &daemon->watchdog);
}

static void stop_ready(struct daemon *daemon)
{
	notify_stopping("enforcement stays in the kernel");
	loop_unwatch(&daemon->watchdog);
}

static const struct {
	const char *name;
	start_fn start;
	stop_fn stop;
} stages[] = {
	{ "event loop", start_loop, stop_loop },
	{ "faults", start_faults, stop_faults },
	{ "run folder", start_run_dir, stop_run_dir },
	{ "children", start_workers, stop_workers },
	{ "kernel half", start_kernel_half, stop_kernel_half },
	{ "host identity", start_host, NULL },
	{ "own place", guard_start, guard_stop },
	{ "canary", start_canary, NULL },
	{ "policies", start_policies, stop_policies },
	{ "detection", detect_open, detect_stop }, /* forks: before the first thread */
	{ "event log", start_events, stop_events },
	{ "image database", start_images, stop_images },
	{ "enrolment", start_enroller, stop_enroller },
	{ "digests", start_digests, stop_digests },
	{ "settling", settle_start, settle_stop },
	{ "adoption", start_adopter, stop_adopter },
	{ "alerts", detect_start, detect_end },
	{ "running containers", start_containers, NULL },
	{ "judging", start_judging, NULL },
	{ "ring", start_ring, stop_ring },
	{ "other versions", start_alone, NULL },
	{ "self-protection", guard_start_protecting, NULL },
	{ "sockets", start_sockets, stop_sockets },
	{ "confinement", start_confinement, NULL },
	{ "readiness", start_ready, stop_ready },
};

static void stop_from(struct daemon *daemon, size_t n)
{
	while (n-- > 0) {
		if (stages[n].stop)
			stages[n].stop(daemon);
	}
}

/* Since the process's beginning, and which stages took how long, those of no length left out. */
static void tell_times(const struct daemon *daemon, const uint64_t ends_ns[ARRAY_SIZE(stages)], uint64_t begin_ns)
{
	uint64_t last_ns = ends_ns[ARRAY_SIZE(stages) - 1];
	char line[512] = "";
	size_t used = (size_t)snprintf(line, sizeof(line), "checks %llu",
				       (unsigned long long)((begin_ns - daemon->started_ns) / 1000000));

	for (size_t i = 0; i < ARRAY_SIZE(stages) && used < sizeof(line); i++) {
		uint64_t ms = (ends_ns[i] - (i ? ends_ns[i - 1] : begin_ns)) / 1000000;

		if (ms)
			used += (size_t)snprintf(line + used, sizeof(line) - used, ", %s %llu", stages[i].name,
						 (unsigned long long)ms);
	}
	log_info("started in %llu ms: %s", (unsigned long long)((last_ns - daemon->started_ns) / 1000000), line);
}

int stages_start(struct daemon *daemon, char reterr[STAGES_ERROR_BYTES])
{
	uint64_t ends_ns[ARRAY_SIZE(stages)], begin_ns = clock_ns(CLOCK_BOOTTIME);

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		char why[STAGES_ERROR_BYTES] = "";
		int err = stages[i].start(daemon, why);

		ends_ns[i] = clock_ns(CLOCK_BOOTTIME);
		if (!err)
			continue;
		snprintf(reterr, STAGES_ERROR_BYTES, "%s: %.400s (%s)", stages[i].name, why[0] ? why : "failed",
			 strerror(-err));
		if (daemon->lsm && !lsm_took_over(daemon->lsm))
			lsm_discard(); /* a first start that failed leaves nothing behind, nor does one beside another version */
		stop_from(daemon, i);
		return err;
	}
	tell_times(daemon, ends_ns, begin_ns);
	return 0;
}

void stages_stop(struct daemon *daemon)
{
	stop_from(daemon, ARRAY_SIZE(stages));
}
