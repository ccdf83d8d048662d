// SPDX-License-Identifier: Apache-2.0
/*
 * A program of the image that tries one way of getting code to run, and says what became of it:
 *
 *	probe WAY PATH [ARG...]		prints "WAY PATH: ran", "WAY PATH: EPERM" or "WAY PATH: killed by signal N"
 *
 * Exit status 0: it ran (or was mapped); 1: refused with an errno; 2: wrong use; 3: killed. Each way is one row of the
 * table below. It knows nothing about who refuses.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The way's arguments: argv[0] is the path. Returns 0 or -errno. */
typedef int (*way_fn)(char **argv);

struct way {
	const char *name;
	way_fn run;
	const char *what;
};

static int open_for_reading(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int fill_memfd(const char *path, int fd)
{
	char block[65536];
	ssize_t n;
	int in = open_for_reading(path);

	if (in < 0)
		return in;
	while ((n = read(in, block, sizeof(block))) > 0)
		if (write(fd, block, (size_t)n) != n)
			n = -1;
	close(in);
	return n < 0 ? -EIO : 0;
}

/* A memfd with the contents of the file, not close-on-exec: scripts need it open. */
static int make_memfd(const char *path)
{
	int fd = memfd_create("probe", 0), r;

	if (fd < 0)
		return -errno;
	r = fill_memfd(path, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int run_exec(char **argv)
{
	execve(argv[0], argv, environ);
	return -errno;
}

static int run_fexec(char **argv)
{
	int fd = open_for_reading(argv[0]);

	if (fd < 0)
		return fd;
	fexecve(fd, argv, environ);
	return -errno;
}

static int run_memfd(char **argv)
{
	int fd = make_memfd(argv[0]);

	if (fd < 0)
		return fd;
	fexecve(fd, argv, environ);
	return -errno;
}

static int map(int fd, int prot, void **ret)
{
	struct stat st;
	void *p;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	p = mmap(NULL, (size_t)st.st_size, prot, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

static int run_map(char **argv)
{
	void *p;

	return map(open_for_reading(argv[0]), PROT_READ | PROT_EXEC, &p);
}

static int run_memfd_map(char **argv)
{
	void *p;

	return map(make_memfd(argv[0]), PROT_READ | PROT_EXEC, &p);
}

static int run_mprotect(char **argv)
{
	void *p;
	int r = map(open_for_reading(argv[0]), PROT_READ, &p);

	if (r < 0)
		return r;
	return mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 ? -errno : 0;
}

static int run_modified(char **argv)
{
	void *p;
	int r = map(open_for_reading(argv[0]), PROT_READ | PROT_WRITE, &p);

	if (r < 0)
		return r;
	*(volatile char *)p ^= 1;
	return mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 ? -errno : 0;
}

static int run_anonymous(char **argv)
{
	void *written = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *read_only = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argv;
	return written == MAP_FAILED || read_only == MAP_FAILED ? -errno : 0;
}

static int run_dlopen(char **argv)
{
	if (dlopen(argv[0], RTLD_NOW))
		return 0;
	fprintf(stderr, "%s\n", dlerror());
	return -ELIBACC;
}

static const struct way ways[] = {
	{ "exec", run_exec, "execve" },
	{ "fexec", run_fexec, "execve of a descriptor" },
	{ "memfd", run_memfd, "execve of a memfd with the file's contents" },
	{ "memfd-map", run_memfd_map, "map a memfd with the file's contents executable" },
	{ "map", run_map, "map the file executable" },
	{ "mprotect", run_mprotect, "map the file readable, then make the mapping executable" },
	{ "modified", run_modified, "map the file, change a byte of the mapping, make it executable" },
	{ "anonymous", run_anonymous, "map anonymous memory executable, once writable and once not" },
	{ "dlopen", run_dlopen, "load the file as a library" },
};

static const struct way *find_way(const char *name)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, name) == 0)
			return &ways[i];
	return NULL;
}

/* The child tells an errno from an exit status through a pipe that a successful exec closes. */
static int wait_for(pid_t child, int from, const char *label, const char *path)
{
	int error = 0, status;

	if (read(from, &error, sizeof(error)) != (ssize_t)sizeof(error))
		error = 0;
	if (waitpid(child, &status, 0) < 0)
		return 2;
	if (WIFSIGNALED(status)) {
		printf("%s %s: killed by signal %d\n", label, path, WTERMSIG(status));
		return 3;
	}
	if (error) {
		printf("%s %s: %s\n", label, path, strerrorname_np(error));
		return 1;
	}
	printf("%s %s: ran\n", label, path);
	return 0;
}

static int try_way(const struct way *way, char **argv)
{
	int ends[2], error;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 2;
	child = fork();
	if (child < 0)
		return 2;
	if (child == 0) {
		error = -way->run(argv);
		if (error && write(ends[1], &error, sizeof(error)) < 0)
			_exit(2);
		_exit(0);
	}
	close(ends[1]);
	return wait_for(child, ends[0], way->name, argv[0]);
}

int main(int argc, char **argv)
{
	const struct way *way = argc > 2 ? find_way(argv[1]) : NULL;

	if (way)
		return try_way(way, argv + 2);
	fprintf(stderr, "usage: probe WAY PATH [ARG...]\n");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		fprintf(stderr, "  %-10s %s\n", ways[i].name, ways[i].what);
	return 2;
}
