/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast events --record: kernel events for detection rules into a file. Owns: what stands in it besides the events. Needs no
 * daemon, but for verdicts. */
#ifndef TOOLS_HOLDFAST_RECORD_H
#define TOOLS_HOLDFAST_RECORD_H

#include "tools/holdfast/cli.h"

struct record_options {
	const char *file;	       /* "-": standard output */
	const struct cli_texts *rules; /* only what these need is recorded; none: all that rules commonly ask for */
	uint64_t seconds;	       /* 0: until it is interrupted */
};

enum cli_exit record_events(const struct cli *cli, const struct record_options *options);

/* record_containers.c: what the recording says about containers and their users. */
struct record_containers;
struct stream_writer;
int record_containers_new(const struct cli *cli, struct stream_writer *writer, struct record_containers **ret);
void record_containers_free(struct record_containers **containers);

struct detect_containers_key;
/* Before an event: writes what is known of its container, once. 0; -errno of writing. */
int record_container(struct record_containers *containers, const struct detect_containers_key *key);

/* record_drift.c: verdicts of the enforcer, as the daemon tells them. Without a daemon, which it says, there are none. 0; -ENOMEM. */
struct record_drift;
int record_drift_new(const struct cli *cli, struct record_drift **ret);
void record_drift_free(struct record_drift **drift);
/* To be polled for reading; -1: none will come (any more). */
int record_drift_fd(const struct record_drift *drift);
/* What can be read, into the recording. 1: a verdict; 0: something else; -errno of writing. */
int record_drift_take(struct record_drift *drift, struct stream_writer *writer);
/* How many are known to be missing. */
uint64_t record_drift_lost(const struct record_drift *drift);

#endif
