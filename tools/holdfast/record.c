// SPDX-License-Identifier: Apache-2.0
/* Kernel events into a file. Contracts: record.h. */
#include "tools/holdfast/record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "enforcer/detect_containers.h"
#include "enforcer/detect_fields.h"
#include "enforcer/detect_rules.h"
#include "enforcer/process_tree.h"
#include "enforcer/stream_record.h"
#include "enforcer/util.h"

#define READ_EVENTS 1024
#define SCAN_TIMEOUT_MS 200
#define RING_BYTES (32u << 20) /* a tool writes to a disk in between */

struct recorder {
	struct stream_writer *writer;
	struct record_containers *containers;
	struct record_drift *drift; /* NULL: no rule asks for verdicts */
	uint64_t events;
	int err;
};

/* What rules rarely ask for and every program does all day. */
static bool is_common(enum hf_detect_type type)
{
	switch (type) {
	case HF_DETECT_READ:
	case HF_DETECT_WRITE:
	case HF_DETECT_MMAP:
	case HF_DETECT_MPROTECT:
	case HF_DETECT_SENDFILE:
	case HF_DETECT_IO_URING_ENTER:
		return true;
	default:
		return false;
	}
}

/* What is told of each type; *ret_drift: are verdicts? */
static enum cli_exit choose(const struct cli *cli, const struct cli_texts *paths, uint32_t wants[_HF_DETECT_MAX], bool *ret_drift)
{
	struct detect_rules_options options = { .paths = paths->items, .n_paths = paths->n, .priority_max = RULE_PRIORITY_DEBUG };
	_cleanup_(detect_rules_free) struct detect_rules *rules = NULL;
	struct policy_error error = { 0 };
	int err;

	*ret_drift = true;
	if (!paths->n) {
		for (unsigned int type = HF_DETECT_NONE + 1; type < _HF_DETECT_MAX; type++)
			wants[type] = is_common(type) ? 0 : HF_DETECT_WANT_ALL & ~(uint32_t)HF_DETECT_WANT_THREADS;
		return CLI_EXIT_OK;
	}
	err = detect_rules_new(&options, &rules, &error);
	if (err) {
		cli_error(cli, "%s:%d:%d: %s", error.file, error.line, error.column, error.message[0] ? error.message : strerror(-err));
		return CLI_EXIT_ERROR;
	}
	detect_rules_wants(rules, wants);
	*ret_drift = detect_rules_need(rules, detect_type_of_drift());
	return CLI_EXIT_OK;
}

/* What runs already. */
static int put_processes(struct recorder *recorder)
{
	struct process_tree *tree = NULL;
	int err = process_tree_new(PROCESS_TREE_MAX, NULL, NULL, &tree);

	if (!err)
		err = process_scan(tree, SCAN_TIMEOUT_MS);
	if (err >= 0) {
		process_tree_tie(tree);
		err = stream_writer_put_tree(recorder->writer, tree);
	}
	process_tree_free(&tree);
	return err;
}

static void put_event(const struct stream_event *event, void *data)
{
	struct recorder *recorder = data;
	const struct hf_detect_head *head = event->head;
	struct detect_containers_key key = { .cgroup = head->cgroup, .host = head->flags & HF_DETECT_HOST, .pid = head->pid, .ppid = head->ppid };

	if (recorder->err)
		return;
	recorder->err = record_container(recorder->containers, &key);
	if (!recorder->err)
		recorder->err = stream_writer_put_event(recorder->writer, event);
	recorder->events += !recorder->err;
}

static int signal_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int milliseconds_until(uint64_t end_ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!end_ns)
		return -1;
	return end_ns <= now ? 0 : (int)((end_ns - now) / 1000000 < 1000 ? (end_ns - now) / 1000000 + 1 : 1000);
}

static void read_drift(struct recorder *recorder)
{
	int r = record_drift_take(recorder->drift, recorder->writer);

	if (r < 0)
		recorder->err = r;
	recorder->events += r > 0;
}

/* What the daemon has told already. */
static void drain_drift(struct recorder *recorder)
{
	struct pollfd ready = { .fd = recorder->drift ? record_drift_fd(recorder->drift) : -1, .events = POLLIN };

	while (!recorder->err && ready.fd >= 0 && poll(&ready, 1, 0) > 0) {
		read_drift(recorder);
		ready.fd = record_drift_fd(recorder->drift);
	}
}

/* Until the time is over, or somebody interrupts it. */
static int follow(struct stream *stream, struct recorder *recorder, uint64_t end_ns)
{
	_cleanup_(close_fd) int signals = signal_fd();
	struct pollfd ready[] = { { .fd = stream_fd(stream), .events = POLLIN }, { .fd = signals, .events = POLLIN },
				  { .fd = -1, .events = POLLIN } };

	while (!recorder->err && !(ready[1].revents & POLLIN) && (!end_ns || clock_ns(CLOCK_MONOTONIC) < end_ns)) {
		ready[2].fd = recorder->drift ? record_drift_fd(recorder->drift) : -1;
		if (poll(ready, ARRAY_SIZE(ready), milliseconds_until(end_ns)) < 0 && errno != EINTR)
			return -errno;
		stream_read(stream, READ_EVENTS, put_event, recorder);
		if (!recorder->err && (ready[2].revents & (POLLIN | POLLHUP | POLLERR)))
			read_drift(recorder);
	}
	while (!recorder->err && stream_read(stream, READ_EVENTS, put_event, recorder) == READ_EVENTS)
		continue;
	drain_drift(recorder);
	return recorder->err;
}

static uint64_t count_lost(const struct stream *stream)
{
	uint64_t lost = 0;

	for (unsigned int type = HF_DETECT_NONE + 1; type < _HF_DETECT_MAX; type++) {
		struct stream_count count;

		if (stream_count(stream, type, &count) == 0)
			lost += count.kernel.lost + count.unreadable;
	}
	return lost;
}

/* The header, the host's users, and what runs. */
static int begin(const struct cli *cli, int fd, struct recorder *recorder)
{
	struct stream_record_header header = { .boot_to_real_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME)),
					       .version = HOLDFAST_VERSION };
	struct detect_containers_key host = { .host = true };
	int err;

	gethostname(header.hostname, sizeof(header.hostname) - 1);
	err = stream_writer_new(fd, &header, &recorder->writer);
	if (!err)
		err = record_containers_new(cli, recorder->writer, &recorder->containers);
	if (!err)
		err = record_container(recorder->containers, &host);
	return err ? err : put_processes(recorder);
}

/* Into the file, until the end of the time. *ret_lost: how many events are missing in it. */
static int record_stream(const struct cli *cli, const struct record_options *options, struct stream *stream, int fd,
			 struct recorder *recorder, uint64_t *ret_lost)
{
	int closed, err = begin(cli, fd, recorder);

	if (!err)
		fputs("holdfast: recording\n", cli->err);
	fflush(cli->err);
	if (!err)
		err = follow(stream, recorder, options->seconds ? clock_ns(CLOCK_MONOTONIC) + options->seconds * NSEC_PER_SEC : 0);
	*ret_lost = count_lost(stream) + (recorder->drift ? record_drift_lost(recorder->drift) : 0);
	record_containers_free(&recorder->containers);
	closed = stream_writer_close(&recorder->writer, *ret_lost);
	return err ? err : closed;
}

static enum cli_exit record_to(const struct cli *cli, const struct record_options *options, int fd)
{
	struct stream_options stream_options = { .ring_bytes = RING_BYTES, .tasks_fd = -1 };
	struct recorder recorder = { 0 };
	struct stream *stream = NULL;
	char why[256] = "";
	uint64_t lost = 0;
	int err;
	bool drift;
	enum cli_exit code = choose(cli, options->rules, stream_options.wants, &drift);

	if (code != CLI_EXIT_OK)
		return code;
	err = stream_open(&stream_options, &stream, why, sizeof(why));
	if (err) {
		cli_error(cli, "events cannot be recorded here: %s", why);
		return CLI_EXIT_ERROR;
	}
	err = drift ? record_drift_new(cli, &recorder.drift) : 0;
	if (!err)
		err = record_stream(cli, options, stream, fd, &recorder, &lost);
	record_drift_free(&recorder.drift);
	stream_close(&stream);
	if (err) {
		cli_error(cli, "%s: %s", options->file, strerror(-err));
		return CLI_EXIT_ERROR;
	}
	fprintf(cli->err, "holdfast: %llu events recorded, %llu lost\n", (unsigned long long)recorder.events, (unsigned long long)lost);
	return lost ? CLI_EXIT_DEGRADED : CLI_EXIT_OK;
}

enum cli_exit record_events(const struct cli *cli, const struct record_options *options)
{
	bool to_output = !strcmp(options->file, "-");
	_cleanup_(close_fd) int fd = to_output ? -1 : open(options->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (!to_output && fd < 0) {
		cli_error(cli, "%s: %s", options->file, strerror(errno));
		return CLI_EXIT_ERROR;
	}
	return record_to(cli, options, to_output ? fileno(cli->out) : fd);
}
