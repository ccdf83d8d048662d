// SPDX-License-Identifier: Apache-2.0
/*
 * The thread that reads /etc/passwd and /etc/group. Contracts: detect_users.h.
 *
 * I1: the main thread owns the table; the thread has one question at a time, which it copies, and gives back names.
 * I2: what is read of a container is bounded in bytes and time, whatever its file system does.
 */
#include "enforcer/detect_users.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "enforcer/detect_names.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/thread.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define OPEN_NS (2 * NSEC_PER_SEC)
#define HOST 0 /* no container has this id */

struct entry {
	uint64_t container;
	struct detect_names *names;
	uint64_t asked_ns; /* CLOCK_MONOTONIC; 0: never */
};

struct question {
	uint64_t container;
	pid_t pid;
};

/* lock guards question, has_question, answer and has_answer. */
struct detect_users {
	struct workers *workers;
	struct loop_source *source;
	struct worker *worker; /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop;
	bool running;
	int done_fd;
	struct question question;
	bool has_question, busy;
	struct detect_names *answer;
	bool has_answer;
	struct entry host;
	struct entry entries[DETECT_USERS_MAX];
};

/* --- the thread ----------------------------------------------------------------------------------------------------- */

struct text {
	char *bytes;
	size_t n;
};

static int read_text(int fd, struct text *ret)
{
	ret->bytes = malloc(DETECT_NAMES_BYTES);
	if (!ret->bytes)
		return -ENOMEM;
	while (ret->n < DETECT_NAMES_BYTES) {
		ssize_t n = pread(fd, ret->bytes + ret->n, DETECT_NAMES_BYTES - ret->n, (off_t)ret->n);

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		ret->n += (size_t)n;
	}
	return 0;
}

static int take_file(const struct imagedb_file *file, void *data)
{
	return read_text(file->fd, data);
}

/* I2: a file that is missing has no names. */
static void read_in_container(struct detect_users *users, int root_fd, const char *path, struct text *ret)
{
	struct imagedb_scan_options options = { .deadline_ns = clock_ns(CLOCK_MONOTONIC) + OPEN_NS, .cancel = &users->stop };
	int err = users->worker ? 0 : worker_new(users->workers, true, &users->worker);

	if (!err)
		err = worker_open(users->worker, root_fd, path, strlen(path) + 1, &options, take_file, ret);
	if (err == -EPIPE || err == -ETIMEDOUT || err == -EPROTO || err == -ECANCELED)
		worker_free(&users->worker);
}

static void read_on_host(const char *path, struct text *ret)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		read_text(fd, ret);
}

static struct detect_names *read_names(struct detect_users *users, const struct question *question)
{
	struct text passwd = { 0 }, group = { 0 };
	struct detect_names *names = NULL;

	if (question->container == HOST) {
		read_on_host("/etc/passwd", &passwd);
		read_on_host("/etc/group", &group);
	} else {
		_cleanup_(close_fd) int root = -1;
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d/root", (int)question->pid);
		root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root >= 0) {
			read_in_container(users, root, "etc/passwd", &passwd);
			read_in_container(users, root, "etc/group", &group);
		}
	}
	if (passwd.n || group.n)
		detect_names_new(passwd.bytes, passwd.n, group.bytes, group.n, &names);
	free(passwd.bytes);
	free(group.bytes);
	return names;
}

static bool wait_for_question(struct detect_users *users, struct question *ret)
{
	bool go_on;

	pthread_mutex_lock(&users->lock);
	while (!users->has_question && !atomic_load(&users->stop))
		pthread_cond_wait(&users->wake, &users->lock);
	go_on = !atomic_load(&users->stop);
	*ret = users->question;
	users->has_question = false;
	pthread_mutex_unlock(&users->lock);
	return go_on;
}

static void run(void *data)
{
	struct detect_users *users = data;
	struct question question;

	while (wait_for_question(users, &question)) {
		struct detect_names *names = read_names(users, &question);

		pthread_mutex_lock(&users->lock);
		users->answer = names;
		users->has_answer = true;
		pthread_mutex_unlock(&users->lock);
		if (eventfd_write(users->done_fd, 1) < 0)
			log_error("names of users: cannot wake the main thread: %m");
	}
	worker_free(&users->worker);
}

/* --- the main thread ------------------------------------------------------------------------------------------------ */

/* Each container has one place; one that comes later takes it from another. */
static struct entry *place_of(struct detect_users *users, uint64_t container)
{
	return container == HOST ? &users->host : &users->entries[container % DETECT_USERS_MAX];
}

/* I1. What was known stays until there is something new; files that are gone leave nothing new. */
static void on_done(uint32_t events, void *data)
{
	struct detect_users *users = data;
	struct detect_names *names = NULL;
	struct entry *entry;
	eventfd_t n;
	bool told;

	(void)events;
	eventfd_read(users->done_fd, &n);
	pthread_mutex_lock(&users->lock);
	told = users->has_answer;
	names = TAKE_PTR(users->answer);
	users->has_answer = false;
	pthread_mutex_unlock(&users->lock);
	if (!told)
		return;
	users->busy = false;
	entry = place_of(users, users->question.container);
	if (entry->container == users->question.container && names) {
		detect_names_free(&entry->names);
		entry->names = TAKE_PTR(names);
	}
	detect_names_free(&names);
}

static void ask(struct detect_users *users, struct entry *entry, pid_t pid, uint64_t now_ns)
{
	if (users->busy || !users->running)
		return;
	users->busy = true;
	entry->asked_ns = now_ns;
	pthread_mutex_lock(&users->lock);
	users->question = (struct question){ .container = entry->container, .pid = pid };
	users->has_question = true;
	pthread_cond_signal(&users->wake);
	pthread_mutex_unlock(&users->lock);
}

static const struct detect_names *names_of(struct detect_users *users, uint64_t container, pid_t pid)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC_COARSE);
	struct entry *entry = place_of(users, container);

	if (entry->container != container) {
		detect_names_free(&entry->names);
		*entry = (struct entry){ .container = container };
	}
	if (!entry->asked_ns || now_ns - entry->asked_ns > DETECT_USERS_FRESH_NS)
		ask(users, entry, pid, now_ns);
	return entry->names;
}

const struct detect_names *detect_users_host(struct detect_users *users)
{
	return names_of(users, HOST, 0);
}

const struct detect_names *detect_users_of(struct detect_users *users, uint64_t container, pid_t pid)
{
	return users->workers && container ? names_of(users, container, pid) : NULL;
}

int detect_users_new(struct loop *loop, struct workers *workers, struct detect_users **ret)
{
	_cleanup_(detect_users_free) struct detect_users *users = calloc(1, sizeof(*users));
	struct question host = { .container = HOST };
	int err;

	if (!users)
		return -ENOMEM;
	users->workers = workers;
	pthread_mutex_init(&users->lock, NULL);
	pthread_cond_init(&users->wake, NULL);
	users->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (users->done_fd < 0)
		return -errno;
	users->host.names = read_names(users, &host);
	users->host.asked_ns = clock_ns(CLOCK_MONOTONIC);
	err = loop_watch(loop, users->done_fd, EPOLLIN, on_done, users, &users->source);
	if (!err)
		err = thread_start(&users->thread, "users", run, users);
	if (err)
		return err;
	users->running = true;
	*ret = TAKE_PTR(users);
	return 0;
}

void detect_users_free(struct detect_users **users)
{
	struct detect_users *gone = *users;

	if (!gone)
		return;
	atomic_store(&gone->stop, true);
	if (gone->running) {
		pthread_mutex_lock(&gone->lock);
		pthread_cond_broadcast(&gone->wake);
		pthread_mutex_unlock(&gone->lock);
		pthread_join(gone->thread, NULL);
	}
	loop_unwatch(&gone->source);
	close_fd(&gone->done_fd);
	detect_names_free(&gone->answer);
	detect_names_free(&gone->host.names);
	for (size_t i = 0; i < DETECT_USERS_MAX; i++)
		detect_names_free(&gone->entries[i].names);
	pthread_cond_destroy(&gone->wake);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
	*users = NULL;
}
