// SPDX-License-Identifier: Apache-2.0
/*
 * From a finding to its event.
 */
#include "enforcer/integrity.h"

#include <stdio.h>
#include <string.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/event_json.h"
#include "enforcer/event_log.h"
#include "enforcer/log.h"
#include "enforcer/report.h"
#include "enforcer/scrub.h"
#include "enforcer/util.h"

/* The containers that run on those layers. How many of ret were filled. */
static size_t find_users(struct daemon *daemon, const char *identity, const char *ret[EVENT_INTEGRITY_CONTAINERS_MAX])
{
	const struct container *c;
	size_t n = 0;

	for (size_t i = 0; n < EVENT_INTEGRITY_CONTAINERS_MAX && (c = container_at(daemon->containers, i)); i++) {
		if (c->layers && !strcmp(c->layers, identity))
			ret[n++] = c->facts.id;
	}
	return n;
}

static void on_found(const struct scrub_finding *finding, void *data)
{
	const char *containers[EVENT_INTEGRITY_CONTAINERS_MAX];
	struct daemon *daemon = data;
	struct event_integrity event = { .image = finding->label, .path = finding->path, .ino = finding->inode.ino,
					 .dev = finding->inode.dev, .generation = finding->inode.generation,
					 .size = finding->size, .expected = &finding->expected, .found = &finding->found,
					 .containers = containers };
	_cleanup_(json_release) struct json json;
	const char *line;
	size_t n;

	event.n_containers = find_users(daemon, finding->identity, containers);
	log_error("integrity: /%s of image %s is not what it was, and nothing says that it was changed", finding->path,
		  finding->label);
	json_init(&json, EVENT_JSON_BYTES_MAX);
	if (!event_json_integrity(&json, &event, clock_ns(CLOCK_REALTIME), &line, &n))
		event_log_append(daemon->events, line, n);
}

int integrity_new(struct daemon *daemon)
{
	struct scrub_options options = { .file = daemon->scrub_file, .found = on_found, .data = daemon,
					 .bytes_per_second = daemon->options.scrub_bytes_per_second,
					 .interval_s = daemon->options.scrub_interval_s };

	snprintf(daemon->scrub_file, sizeof(daemon->scrub_file), "%s/scrub", daemon->options.state_dir);
	return scrub_new(&options, daemon->loop, &daemon->scrub);
}

void integrity_free(struct daemon *daemon)
{
	scrub_free(&daemon->scrub);
}

void integrity_status(struct daemon *daemon, struct report_status *status)
{
	struct scrub_status scrub = { 0 };

	if (daemon->scrub)
		scrub_get_status(daemon->scrub, &scrub);
	status->scrub_enabled = scrub.enabled;
	status->scrub_running = scrub.running;
	status->scrub_began_ns = scrub.began_s * NSEC_PER_SEC;
	status->scrub_ended_ns = scrub.last_s * NSEC_PER_SEC;
	status->scrub_files = scrub.files;
	status->scrub_bytes = scrub.bytes;
	status->scrub_bad = scrub.bad;
	if (scrub.bad && status->n_degraded < REPORT_DEGRADED_MAX)
		snprintf(status->degraded[status->n_degraded++], REPORT_DEGRADED_BYTES,
			 "%llu files of images are not what they were when they were recorded: see the integrity events",
			 (unsigned long long)scrub.bad);
}
