/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfastd as a whole: what its parts share. Each part's file has its own header; this one only ties them together
 * and must stay free of logic.
 */
#ifndef ENFORCER_DAEMON_H
#define ENFORCER_DAEMON_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"
#include "enforcer/lsm.h"
#include "policies/rules/rule_set.h"

struct adopter;
struct arming;
struct control;
struct detector;
struct digests;
struct container_table;
struct enroller;
struct event_log;
struct faults;
struct guard;
struct hook_server;
struct images;
struct loop;
struct loop_source;
struct policy_store;
struct rearm;
struct ring;
struct scrub;
struct settler;
struct workers;

#define DAEMON_RUNTIME_ROOTS_MAX 16 /* a node has one or two runtimes */
#define DAEMON_RULES_MAX 64	     /* files and folders of rules; a folder holds any number */

struct daemon_options {
	const char *policy_path; /* file or folder, default /etc/holdfast/policies */
	const char *run_dir;	 /* default WIRE_RUN_DIR */
	const char *event_file;	 /* NULL: standard output only */
	uint64_t event_file_max_bytes; /* rotated to FILE.1 beyond this; 0 never */
	unsigned int enrol_timeout_ms;
	const char *state_dir;	 /* image database; default /var/lib/holdfast */
	uint64_t layer_grace_ns; /* how long an image without containers stays in the catalogue */
	uint64_t digest_bytes_per_second; /* read for digests; 0: none are computed */
	uint64_t scrub_bytes_per_second; /* read to see whether images' files are still what they were; 0: none */
	uint64_t scrub_interval_s; /* from one such pass to the next; 0: none */
	struct lsm_limits limits;
	unsigned int digest_wait_ms; /* longest wait of an event for the digest of its file */
	const char *runtime_roots[DAEMON_RUNTIME_ROOTS_MAX]; /* runtimes' folders of state beside the usual ones */
	size_t n_runtime_roots;
	bool quiet; /* no events on standard output */
	const char *rules[DAEMON_RULES_MAX]; /* files and folders of detection rules, in order */
	size_t n_rules;			     /* 0: those that are installed */
	bool no_rules;
	bool first_rule_only; /* of several rules that match an event, the first alone */
	enum rule_priority alert_priority; /* rules of less importance are left out */
	bool alert_stdout, alert_syslog, alert_text, alert_iso_8601;
	const char *alert_file; /* NULL: none */
	const char *alert_append; /* file with what is put behind outputs of rules; NULL: none */
	uint32_t simulate_event_loss; /* every n-th event of rules is thrown away; 0: none */
	enum hf_guard_mode self_protection;
};

struct daemon {
	struct daemon_options options;
	struct loop *loop;
	struct workers *workers;
	struct loop_source *spawner_watch;
	struct lsm *lsm;
	struct container_table *containers;
	struct policy_store *policies;
	struct event_log *events;
	struct faults *faults;
	struct guard *guard;
	struct images *images; /* NULL: without a database */
	struct scrub *scrub;
	struct enroller *enroller;
	struct detector *detector; /* NULL: no detection rules */
	struct digests *digests;
	struct hook_server *hook;
	struct control *control;
	struct ring *ring;
	struct settler *settler;
	struct loop_source *watchdog;
	char images_folder[PATH_MAX];
	char scrub_file[PATH_MAX];
	int lock_fd; /* of the run folder */
	struct adopter *adopter;
	struct arming *armings; /* arm.c's: containers on their way */
	uint64_t last_kernel_id;
	bool slot_taken[HF_MAX_CONTAINERS]; /* by a container that is starting or running */
	struct rearm *rearms;	/* containers to be armed again (rearm.c) */
	unsigned int rearming;	/* … how many answers are waited for */
	bool stopping;		/* a signal said so */
	uint64_t started_ns;	/* CLOCK_BOOTTIME */
	uint64_t ready_ns;	/* CLOCK_REALTIME, 0 until READY */
	bool state_stale;	/* state.c: files of containers that have gone could not be removed */
	bool looked;		/* mend.c: the counters below have been read once */
	uint64_t looked_at[2];	/* mend.c: counters of the kernel half when they were last looked at */
};

#endif
