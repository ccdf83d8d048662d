// SPDX-License-Identifier: Apache-2.0
/*
 * A child's life: limits first, then one request after the other.
 *
 *   I1  Nothing of a request's files is touched before every limit stands; a limit that cannot be set ends the child.
 *   I2  It writes nothing: files are opened for reading only, its file size limit is 0, and Landlock, where there is one,
 *       refuses what the filter cannot see (openat2 takes its flags by pointer).
 */
#include "enforcer/worker_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "enforcer/privilege.h"
#include "enforcer/util.h"
#include "enforcer/worker_wire.h"

#define OOM_FIRST "1000" /* of all processes it is the one that the kernel should end */
#define FLIGHT_PAUSE_NS 1000000 /* between tries while root has too many descriptors in flight */
#define CTIME_NS_MASK 0x7fffffffu /* since 6.13 the top bit is a flag of the kernel's */

/* --- limits --------------------------------------------------------------------------------------------------------- */

/* Address space and data of the process as it is, in bytes. */
static int read_size(uint64_t *ret_space, uint64_t *ret_data)
{
	_cleanup_(close_file) FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long space, data;
	long page = sysconf(_SC_PAGESIZE);

	if (!file || fscanf(file, "%llu %*u %*u %*u %*u %llu", &space, &data) != 2)
		return -EIO;
	*ret_space = space * (uint64_t)page;
	*ret_data = data * (uint64_t)page;
	return 0;
}

static int set_limit(int what, uint64_t value)
{
	struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

	return setrlimit(what, &limit) ? -errno : 0;
}

static int set_limits(const struct worker_limits *limits)
{
	uint64_t space = 0, data = 0;
	int err = read_size(&space, &data);
	const struct {
		int what;
		uint64_t value;
	} rows[] = {
		{ RLIMIT_AS, space + limits->memory_bytes },
		{ RLIMIT_DATA, data + limits->memory_bytes },
		{ RLIMIT_CPU, limits->background ? 10 * WORKER_CPU_SECONDS : WORKER_CPU_SECONDS },
		{ RLIMIT_NOFILE, WORKER_FILES_OPEN_MAX },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_MEMLOCK, 0 },
	};

	for (size_t i = 0; !err && i < ARRAY_SIZE(rows); i++)
		err = set_limit(rows[i].what, rows[i].value);
	return err;
}

static int die_first(void)
{
	_cleanup_(close_fd) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, OOM_FIRST, strlen(OOM_FIRST)) < 0 ? -errno : 0;
}

static int go_behind(void)
{
	struct sched_param param = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &param))
		return -errno;
	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)) < 0 ? -errno : 0;
}

/* A kernel without Landlock leaves the other limits. */
static int forbid_writing(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
				     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
				     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
				     LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	_cleanup_(close_fd) int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
	return syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
}

static int confine(const struct worker_limits *limits)
{
	int err = prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0;

	prctl(PR_SET_NAME, "holdfastd-read");
	if (!err && getppid() == 1)
		err = -EPIPE; /* the spawner ended before the line above */
	if (!err)
		err = die_first();
	if (!err && limits->background)
		err = go_behind();
	if (!err)
		err = forbid_writing();
	if (!err)
		err = set_limits(limits);
	return err ? err : privilege_filter_worker();
}

/* --- work ----------------------------------------------------------------------------------------------------------- */

struct work {
	int sock;
	struct worker_packet in, out;
};

static int send_files(struct work *work)
{
	const void *part = work->out.bytes;
	int err;

	do {
		err = worker_send(work->sock, &part, &work->out.used, 1, work->out.fds, work->out.n_fds);
		if (err == -ETOOMANYREFS)
			nanosleep(&(struct timespec){ .tv_nsec = FLIGHT_PAUSE_NS }, NULL);
	} while (err == -ETOOMANYREFS);
	worker_packet_clear(&work->out);
	return err;
}

/* imagedb's callback, and that of the list. */
static int add_file(const struct imagedb_file *file, void *data)
{
	struct work *work = data;
	int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = worker_packet_add(&work->out, file, fd);
	if (err == -ENOSPC) {
		err = send_files(work);
		if (!err)
			err = worker_packet_add(&work->out, file, fd);
	}
	if (err)
		close(fd);
	return err;
}

static int answer(struct work *work, enum worker_answer_kind kind, int err, const void *body, size_t bytes)
{
	struct worker_answer head = { .magic = WORKER_MAGIC, .kind = kind, .err = err };

	worker_packet_clear(&work->in); /* its descriptor may hold a mount of the container */
	return worker_send(work->sock, (const void *const[]){ &head, body }, (size_t[]){ sizeof(head), bytes }, 2, NULL, 0);
}

static int finish_files(struct work *work, int err, const struct imagedb_scan_stats *stats)
{
	struct worker_stats told = {
		.entries = stats->entries, .directories = stats->directories, .regular_files = stats->regular_files,
		.bytes = stats->bytes, .candidates = stats->candidates, .unreadable = stats->unreadable,
		.complete = stats->complete, .reason = stats->reason,
	};

	if (work->out.n_fds && !err)
		err = send_files(work);
	worker_packet_clear(&work->out);
	return answer(work, WORKER_END, err, &told, sizeof(told));
}

static int do_scan(struct work *work, const struct worker_request *request, int root)
{
	struct imagedb_scan_options options = { .flags = request->flags, .deadline_ns = request->deadline_ns };
	struct imagedb_scan_stats stats = { 0 };
	int err = imagedb_scan(root, &options, add_file, work, &stats);

	return finish_files(work, err, &stats);
}

static int open_below(int root, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* A regular file below a root, pinned before it is opened: no device, no FIFO is ever opened. */
static int open_regular(int root, const char *path, struct stat *ret)
{
	_cleanup_(close_fd) int pin = open_below(root, path, O_PATH);
	char link[40];
	int fd;

	if (pin < 0)
		return pin;
	if (fstat(pin, ret))
		return -errno;
	if (!S_ISREG(ret->st_mode))
		return -EINVAL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", pin);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int add_by_path(struct work *work, int root, const char *path, size_t bytes)
{
	struct imagedb_file file = { .path = path, .path_len = bytes, .kind = IMAGEDB_KIND_ELF_OTHER };
	struct stat st;
	_cleanup_(close_fd) int fd = open_regular(root, path, &st);

	if (fd < 0)
		return fd;
	file.fd = fd;
	file.dev = st.st_dev;
	file.ino = st.st_ino;
	file.nlink = st.st_nlink;
	file.mode = st.st_mode;
	file.size = (uint64_t)st.st_size;
	file.ctime = st.st_ctim;
	file.mtime = st.st_mtim;
	return add_file(&file, work);
}

static int do_open(struct work *work, const char *paths, size_t bytes, int root)
{
	struct imagedb_scan_stats stats = { .complete = true };
	int err = 0;

	while (!err && bytes) {
		size_t n = strnlen(paths, bytes);

		if (n == bytes)
			err = -EPROTO;
		else
			err = add_by_path(work, root, paths, n);
		paths += n + 1;
		bytes -= n + 1;
	}
	return finish_files(work, err, &stats);
}

static uint64_t ctime_of(const struct stat *st)
{
	return (uint64_t)st->st_ctim.tv_sec * NSEC_PER_SEC + ((uint64_t)st->st_ctim.tv_nsec & CTIME_NS_MASK);
}

/* The descriptor itself, if it is that of a regular file. */
static int take_regular(int file, struct stat *ret)
{
	int fd;

	if (fstat(file, ret))
		return -errno;
	if (!S_ISREG(ret->st_mode))
		return -EINVAL;
	fd = fcntl(file, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static bool has_capabilities(int fd)
{
	return fgetxattr(fd, "security.capability", NULL, 0) >= 0 || (errno != ENODATA && errno != EOPNOTSUPP);
}

static int hash(const struct worker_request *request, const char *path, int root, struct imagedb_digest *ret)
{
	struct stat st;
	_cleanup_(close_fd) int fd = path[0] ? open_regular(root, path, &st) : take_regular(root, &st);

	if (fd < 0)
		return fd;
	if (request->flags & WORKER_HASH_NO_CAPABILITIES && has_capabilities(fd))
		return -EPERM;
	if ((request->ino && st.st_ino != request->ino) || (uint64_t)st.st_size != request->size ||
	    ctime_of(&st) != request->ctime_ns)
		return -ESTALE;
	return imagedb_digest_fd(fd, request->max_bytes, ret);
}

static int do_hash(struct work *work, const struct worker_request *request, const char *path, int root)
{
	struct imagedb_digest digest = { 0 };
	struct worker_digest told = { 0 };
	int err = hash(request, path, root, &digest);

	told.size = digest.size;
	memcpy(told.xxh3_128, digest.xxh3_128, sizeof(told.xxh3_128));
	memcpy(told.sha256, digest.sha256, sizeof(told.sha256));
	return answer(work, WORKER_DIGEST, err, &told, sizeof(told));
}

static int serve(struct work *work)
{
	struct worker_request request;
	const char *path = work->in.bytes + sizeof(request);

	if (work->in.used < sizeof(request) || work->in.n_fds != 1)
		return -EPROTO;
	memcpy(&request, work->in.bytes, sizeof(request));
	if (request.magic != WORKER_MAGIC || request.path_bytes != work->in.used - sizeof(request))
		return -EPROTO;
	if (request.task == WORKER_SCAN)
		return do_scan(work, &request, work->in.fds[0]);
	if (request.task == WORKER_OPEN)
		return do_open(work, path, request.path_bytes, work->in.fds[0]);
	if (request.task != WORKER_HASH || strnlen(path, request.path_bytes) + 1 != request.path_bytes)
		return -EPROTO;
	return do_hash(work, &request, path, work->in.fds[0]);
}

int worker_child_prepare(void)
{
	_cleanup_(close_fd) int fd = memfd_create("holdfast", MFD_CLOEXEC);
	struct imagedb_digest digest;
	int err = fd < 0 ? -errno : 0;

	if (!err) /* what the library reads and allocates the first time */
		err = imagedb_digest_fd(fd, 0, &digest);
	return err ? err : privilege_prepare_worker();
}

int worker_child_run(int sock, const struct worker_limits *limits)
{
	struct work *work = calloc(1, sizeof(*work));
	int err = work ? confine(limits) : -ENOMEM;

	if (work)
		work->sock = sock;
	while (!err) {
		err = worker_receive(sock, &work->in, 0, NULL);
		if (!err)
			err = serve(work);
	}
	return err == -EPIPE ? 0 : -err;
}
