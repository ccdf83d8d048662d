// SPDX-License-Identifier: Apache-2.0
/* usage: write HOW FILE: opens FILE for writing and does one thing to it. Status 0: done; 2: this kernel or file system cannot. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 4096

struct target {
	const char *path;
	int fd;
	off_t size, at; /* at: of the byte that is changed */
	unsigned char byte;
};

/* A pipe or a file that holds the changed byte, at its end. */
static int other_file(const struct target *t)
{
	unsigned char byte = t->byte ^ 1;
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 && pwrite(fd, &byte, 1, 0) == 1 ? fd : -1;
}

static int by_nothing(struct target *t)
{
	(void)t;
	return 0;
}

static int by_write(struct target *t)
{
	unsigned char byte = t->byte ^ 1;

	return lseek(t->fd, t->at, SEEK_SET) == t->at && write(t->fd, &byte, 1) == 1 ? 0 : -1;
}

static int by_pwrite(struct target *t)
{
	unsigned char byte = t->byte ^ 1;

	return pwrite(t->fd, &byte, 1, t->at) == 1 ? 0 : -1;
}

/* The byte that is there. */
static int by_same(struct target *t)
{
	return pwrite(t->fd, &t->byte, 1, t->at) == 1 ? 0 : -1;
}

static int by_back(struct target *t)
{
	return by_pwrite(t) || by_same(t);
}

static int by_mmap(struct target *t)
{
	off_t page = t->at & ~(off_t)(BLOCK - 1);
	unsigned char *map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, page);

	if (map == MAP_FAILED)
		return -1;
	map[t->at - page] ^= 1;
	return munmap(map, BLOCK);
}

/* Shorter and as long as before: what was there is zero. */
static int by_ftruncate(struct target *t)
{
	return ftruncate(t->fd, t->at) || ftruncate(t->fd, t->size);
}

static int by_truncate(struct target *t)
{
	return truncate(t->path, t->at) || truncate(t->path, t->size);
}

static int by_punch(struct target *t)
{
	return fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, t->at, t->size - t->at);
}

static int by_copy_file_range(struct target *t)
{
	loff_t to = t->at;
	int from = other_file(t);
	loff_t at = 0;

	return from >= 0 && copy_file_range(from, &at, t->fd, &to, 1, 0) == 1 ? 0 : -1;
}

static int by_sendfile(struct target *t)
{
	int from = other_file(t);
	off_t at = 0;

	return from >= 0 && lseek(t->fd, t->at, SEEK_SET) == t->at && sendfile(t->fd, from, &at, 1) == 1 ? 0 : -1;
}

static int by_splice(struct target *t)
{
	unsigned char byte = t->byte ^ 1;
	loff_t to = t->at;
	int ends[2];

	return pipe(ends) == 0 && write(ends[1], &byte, 1) == 1 && splice(ends[0], NULL, t->fd, &to, 1, 0) == 1 ? 0 : -1;
}

/* From a copy beside it, changed: both must lie on one file system that shares blocks. */
static int by_clone(struct target *t)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s.other", t->path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	err = ftruncate(fd, t->size) || ioctl(t->fd, FICLONE, fd);
	unlink(path);
	return err;
}

static int by_direct(struct target *t)
{
	off_t page = t->at & ~(off_t)(BLOCK - 1);
	int fd = open(t->path, O_RDWR | O_DIRECT | O_CLOEXEC);
	unsigned char *block;

	if (fd < 0 || posix_memalign((void **)&block, BLOCK, BLOCK) || pread(fd, block, BLOCK, page) < 0)
		return -1;
	block[t->at - page] ^= 1;
	return pwrite(fd, block, BLOCK, page) == BLOCK ? 0 : -1;
}

/* One write by io_uring, with the file opened by it as well. */
static int by_uring(struct target *t)
{
	struct io_uring_params p = { 0 };
	unsigned char byte = t->byte ^ 1;
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);
	struct io_uring_sqe *sqe;
	unsigned char *sq;

	if (ring < 0)
		return -1;
	sq = mmap(NULL, p.sq_off.array + sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || sqe == MAP_FAILED)
		return -1;
	*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .fd = t->fd, .addr = (uintptr_t)&byte, .len = 1,
				      .off = (uint64_t)t->at };
	*(uint32_t *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1 ? 0 : -1;
}

/* Leaves a process behind that holds it open for writing until the end of its standard input. */
static int by_holding(struct target *t)
{
	char byte;

	printf("open\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return by_pwrite(t);
}

static const struct {
	const char *how;
	int (*change)(struct target *t);
} hows[] = {
	{ "nothing", by_nothing }, { "same", by_same }, { "back", by_back }, { "write", by_write },
	{ "pwrite", by_pwrite }, { "mmap", by_mmap }, { "ftruncate", by_ftruncate }, { "truncate", by_truncate },
	{ "punch", by_punch }, { "copy-file-range", by_copy_file_range }, { "sendfile", by_sendfile },
	{ "splice", by_splice }, { "clone", by_clone }, { "direct", by_direct }, { "uring", by_uring },
	{ "holding", by_holding },
};

static int open_target(const char *path, struct target *ret)
{
	struct stat st;

	*ret = (struct target){ .path = path, .fd = open(path, O_RDWR | O_CLOEXEC) };
	if (ret->fd < 0 || fstat(ret->fd, &st))
		return -1;
	ret->size = st.st_size;
	for (ret->at = st.st_size - 1; ret->at > 0 && ret->byte < 2; ret->at -= ret->byte < 2) { /* changed twice it is chosen twice */
		if (pread(ret->fd, &ret->byte, 1, ret->at) != 1)
			return -1;
	}
	return ret->byte < 2 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct target t;

	if (argc != 3 || open_target(argv[2], &t)) {
		perror(argc == 3 ? argv[2] : "write HOW FILE");
		return 1;
	}
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		if (strcmp(argv[1], hows[i].how))
			continue;
		if (!hows[i].change(&t))
			return 0;
		perror(argv[1]);
		return errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS || errno == EXDEV ? 2 : 1;
	}
	fprintf(stderr, "%s: no way to write\n", argv[1]);
	return 1;
}
