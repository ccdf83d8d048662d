// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's end: orders to the spawner, requests to the children, and what comes back.
 *
 *   I1  What a child sends is checked for form before it is used, and a child that breaks the form is not listened to again.
 *   I2  No call waits for a child longer than its deadline and a little for the way.
 */
#include "enforcer/workers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/util.h"
#include "enforcer/worker_child.h"
#include "enforcer/worker_spawner.h"
#include "enforcer/worker_wire.h"

#define SPAWNER_NS (10 * NSEC_PER_SEC) /* for an answer; it needs a millisecond, on a starved machine seconds */
#define GRACE_NS (200ull * 1000000ull) /* after its deadline a child may still say how far it came */

struct workers {
	pthread_mutex_t lock; /* guards number, packet and the talk: one order at a time */
	int sock;
	pid_t pid;
	uint32_t number;
	atomic_bool dead;
	struct worker_packet packet;
};

struct worker {
	struct workers *workers;
	int sock;
	pid_t pid;
	int status;
	bool ended, has_status;
	struct worker_packet packet;
};

/* --- the spawner ---------------------------------------------------------------------------------------------------- */

/* The answer with that number; older ones came too late and are dropped. */
static int receive_answer(struct workers *w, uint32_t number, struct spawner_answer *ret)
{
	uint64_t deadline = clock_ns(CLOCK_MONOTONIC) + SPAWNER_NS;

	for (;;) {
		int err = worker_receive(w->sock, &w->packet, deadline, NULL);

		if (err)
			return err;
		if (w->packet.used != sizeof(*ret))
			return -EPROTO;
		memcpy(ret, w->packet.bytes, sizeof(*ret));
		if (ret->magic != WORKER_MAGIC)
			return -EPROTO;
		if (ret->number == number)
			return ret->err;
	}
}

static int order(struct workers *w, struct spawner_request *request, struct spawner_answer *ret)
{
	const void *part = request;
	size_t bytes = sizeof(*request);
	int err;

	if (atomic_load(&w->dead))
		return -EPIPE;
	request->magic = WORKER_MAGIC;
	request->number = ++w->number ? w->number : ++w->number;
	err = worker_send(w->sock, &part, &bytes, 1, NULL, 0);
	if (!err)
		err = receive_answer(w, request->number, ret);
	if (err == -EPIPE || err == -EPROTO)
		atomic_store(&w->dead, true);
	return err;
}

static int fork_spawner(const struct workers_options *options, struct workers *w)
{
	struct spawner_options spawner = { .folder = options->folder, .memory_bytes = options->memory_bytes,
					   .parent = getpid() };
	int pair[2];

	if (!spawner.memory_bytes)
		spawner.memory_bytes = WORKER_MEMORY_BYTES;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	w->pid = fork();
	if (w->pid == 0)
		_exit(worker_spawner_run(pair[1], &spawner));
	close(pair[1]);
	w->sock = pair[0];
	return w->pid < 0 ? -errno : 0;
}

int workers_new(const struct workers_options *options, struct workers **ret, char *reterr)
{
	_cleanup_(workers_free) struct workers *w = calloc(1, sizeof(*w));
	struct spawner_answer answer;
	int err;

	if (!w)
		return -ENOMEM;
	w->sock = -1;
	pthread_mutex_init(&w->lock, NULL);
	err = fork_spawner(options, w);
	if (!err)
		err = receive_answer(w, 0, &answer);
	if (err) {
		snprintf(reterr, WORKERS_ERROR_BYTES, "the process that starts children cannot be confined");
		return err;
	}
	*ret = TAKE_PTR(w);
	return 0;
}

void workers_free(struct workers **workers)
{
	struct workers *w = *workers;

	if (!w)
		return;
	close_fd(&w->sock);
	if (w->pid > 0)
		waitpid(w->pid, NULL, 0); /* its socket ended; it waits for nothing else */
	worker_packet_clear(&w->packet);
	pthread_mutex_destroy(&w->lock);
	free(w);
	*workers = NULL;
}

bool workers_alive(struct workers *w)
{
	struct pollfd poll_fd = { .fd = w->sock };

	return !atomic_load(&w->dead) && poll(&poll_fd, 1, 0) >= 0 && !(poll_fd.revents & (POLLHUP | POLLERR));
}

int workers_fd(const struct workers *w)
{
	return w->sock;
}

pid_t workers_pid(const struct workers *w)
{
	return w->pid;
}

/* --- children ------------------------------------------------------------------------------------------------------- */

int worker_new(struct workers *workers, bool background, struct worker **ret)
{
	struct spawner_request request = { .order = SPAWNER_START, .background = background };
	struct worker *worker = calloc(1, sizeof(*worker));
	struct spawner_answer answer;
	int err;

	if (!worker)
		return -ENOMEM;
	pthread_mutex_lock(&workers->lock);
	err = order(workers, &request, &answer);
	if (!err && (workers->packet.n_fds != 1 || answer.pid <= 0))
		err = -EPROTO;
	if (!err) {
		worker->sock = TAKE_FD(workers->packet.fds[0]);
		workers->packet.n_fds = 0;
		worker->pid = answer.pid;
		worker->workers = workers;
		*ret = TAKE_PTR(worker);
	}
	pthread_mutex_unlock(&workers->lock);
	free(worker);
	return err;
}

static void end(struct worker *worker)
{
	struct spawner_request request = { .order = SPAWNER_END, .pid = worker->pid };
	struct spawner_answer answer;

	if (worker->ended)
		return;
	worker->ended = true;
	close_fd(&worker->sock);
	worker_packet_clear(&worker->packet);
	pthread_mutex_lock(&worker->workers->lock);
	if (!order(worker->workers, &request, &answer) && answer.ended) {
		worker->has_status = true;
		worker->status = answer.status;
	}
	pthread_mutex_unlock(&worker->workers->lock);
}

void worker_free(struct worker **worker)
{
	if (!*worker)
		return;
	end(*worker);
	free(*worker);
	*worker = NULL;
}

pid_t worker_pid(const struct worker *worker)
{
	return worker->pid;
}

static const char *signal_words(int signo)
{
	switch (signo) {
	case SIGKILL:
		return " (out of memory, by hand, or it did not answer in time)";
	case SIGXCPU:
		return " (it used up its CPU time)";
	case SIGSYS:
		return " (it tried a system call that it may not make)";
	default:
		return "";
	}
}

void worker_fate(struct worker *worker, char reterr[WORKERS_ERROR_BYTES])
{
	end(worker);
	if (!worker->has_status)
		snprintf(reterr, WORKERS_ERROR_BYTES, "cannot be ended: it hangs in the kernel");
	else if (WIFSIGNALED(worker->status))
		snprintf(reterr, WORKERS_ERROR_BYTES, "was killed by signal %d%s", WTERMSIG(worker->status),
			 signal_words(WTERMSIG(worker->status)));
	else
		snprintf(reterr, WORKERS_ERROR_BYTES, "gave up: %s", strerror(WEXITSTATUS(worker->status)));
}

static int ask(struct worker *worker, struct worker_request *request, const char *path, int fd)
{
	const void *parts[] = { request, path };
	const size_t bytes[] = { sizeof(*request), request->path_bytes };

	request->magic = WORKER_MAGIC;
	if (worker->ended)
		return -EPIPE;
	return worker_send(worker->sock, parts, bytes, path ? 2 : 1, &fd, 1);
}

/* A packet of the child's and its head. */
static int receive(struct worker *worker, uint64_t deadline_ns, const atomic_bool *cancel, struct worker_answer *ret)
{
	int err = worker_receive(worker->sock, &worker->packet, deadline_ns ? deadline_ns + GRACE_NS : 0, cancel);

	if (err)
		return err;
	if (worker->packet.used < sizeof(*ret))
		return -EPROTO;
	memcpy(ret, worker->packet.bytes, sizeof(*ret));
	if (ret->magic != WORKER_MAGIC || ret->kind >= _WORKER_ANSWER_KIND_MAX || ret->err > 0 || ret->err < -4095)
		return -EPROTO;
	return ret->kind == WORKER_FILES && ret->count == worker->packet.n_fds && ret->count ? 0 :
	       ret->kind != WORKER_FILES && !worker->packet.n_fds			     ? 0 :
											       -EPROTO;
}

static int take_files(struct worker *worker, imagedb_file_fn fn, void *data)
{
	size_t at = 0;

	for (size_t i = 0; i < worker->packet.n_fds; i++) {
		struct worker_file file;
		int err = worker_packet_next(&worker->packet, &at, i, &file);

		if (!err)
			err = fn(&file.file, data);
		if (err)
			return err;
	}
	return at == worker->packet.used ? 0 : -EPROTO;
}

static int take_end(const struct worker *worker, const struct worker_answer *answer, struct imagedb_scan_stats *ret)
{
	struct worker_stats told;

	if (answer->kind != WORKER_END || worker->packet.used != sizeof(*answer) + sizeof(told))
		return -EPROTO;
	memcpy(&told, worker->packet.bytes + sizeof(*answer), sizeof(told));
	if (told.complete > 1 || told.reason >= _IMAGEDB_INCOMPLETE_MAX)
		return -EPROTO;
	if (ret)
		*ret = (struct imagedb_scan_stats){
			.entries = told.entries, .directories = told.directories, .regular_files = told.regular_files,
			.bytes = told.bytes, .candidates = told.candidates, .unreadable = told.unreadable,
			.complete = told.complete, .reason = (enum imagedb_incomplete)told.reason,
		};
	return answer->err;
}

/* Files until the end. */
static int receive_files(struct worker *worker, const struct imagedb_scan_options *options, imagedb_file_fn fn, void *data,
			 struct imagedb_scan_stats *ret_stats)
{
	for (;;) {
		struct worker_answer answer;
		int err = receive(worker, options->deadline_ns, options->cancel, &answer);

		if (err)
			return err;
		if (answer.kind != WORKER_FILES)
			return take_end(worker, &answer, ret_stats);
		err = take_files(worker, fn, data);
		if (err)
			return err;
		if (options->deadline_ns && clock_ns(CLOCK_MONOTONIC) >= options->deadline_ns + GRACE_NS)
			return -ETIMEDOUT; /* a child that never comes to an end */
	}
}

int worker_scan(struct worker *worker, int rootfs_fd, const struct imagedb_scan_options *options, imagedb_file_fn fn,
		void *data, struct imagedb_scan_stats *ret_stats)
{
	struct worker_request request = { .task = WORKER_SCAN, .flags = options->flags, .deadline_ns = options->deadline_ns };
	int err = ask(worker, &request, NULL, rootfs_fd);

	return err ? err : receive_files(worker, options, fn, data, ret_stats);
}

int worker_open(struct worker *worker, int rootfs_fd, const char *paths, size_t bytes,
		const struct imagedb_scan_options *options, imagedb_file_fn fn, void *data)
{
	struct worker_request request = { .task = WORKER_OPEN, .path_bytes = (uint32_t)bytes,
					  .deadline_ns = options->deadline_ns };
	int err = bytes && bytes <= WORKERS_PATHS_BYTES ? ask(worker, &request, paths, rootfs_fd) : -EINVAL;

	return err ? err : receive_files(worker, options, fn, data, NULL);
}

int worker_hash(struct worker *worker, const struct worker_hash *file, const atomic_bool *cancel,
		struct imagedb_digest *ret)
{
	struct worker_request request = { .task = WORKER_HASH, .path_bytes = (uint32_t)strlen(file->path) + 1,
					  .flags = file->no_capabilities ? WORKER_HASH_NO_CAPABILITIES : 0,
					  .deadline_ns = file->deadline_ns, .ino = file->ino, .size = file->size,
					  .ctime_ns = file->ctime_ns, .max_bytes = file->max_bytes };
	struct worker_answer answer;
	struct worker_digest told;
	int err = ask(worker, &request, file->path, file->root_fd);

	if (!err)
		err = receive(worker, file->deadline_ns, cancel, &answer);
	if (err)
		return err;
	if (answer.kind != WORKER_DIGEST || worker->packet.used != sizeof(answer) + sizeof(told))
		return -EPROTO;
	if (answer.err)
		return answer.err;
	memcpy(&told, worker->packet.bytes + sizeof(answer), sizeof(told));
	if (told.size != file->size)
		return -EPROTO;
	*ret = (struct imagedb_digest){ .algorithms = IMAGEDB_ALGORITHM_XXH3_128 | IMAGEDB_ALGORITHM_SHA256,
					.size = told.size };
	memcpy(ret->xxh3_128, told.xxh3_128, sizeof(ret->xxh3_128));
	memcpy(ret->sha256, told.sha256, sizeof(ret->sha256));
	return 0;
}
