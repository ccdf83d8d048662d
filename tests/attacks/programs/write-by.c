// SPDX-License-Identifier: Apache-2.0
/*
 * usage: write-by WAY FROM TO: TO becomes a program with FROM's bytes and some more, without write(2): one way of writing each.
 * TO may be there already. Skips where kernel or file system lack the way.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define BLOCK 4096 /* what O_DIRECT wants to be aligned to */

static char *bytes; /* the file that is to be, in whole blocks */
static size_t n_bytes, n_blocks;
static const char *from, *to;

static void read_all(void)
{
	int fd = (int)attack_must(from, open(from, O_RDONLY | O_CLOEXEC));
	struct stat st;

	attack_must("fstat", fstat(fd, &st));
	n_bytes = (size_t)st.st_size;
	n_blocks = (n_bytes + BLOCK) / BLOCK * BLOCK;
	bytes = mmap(NULL, n_blocks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED || read(fd, bytes, n_bytes) != (ssize_t)n_bytes)
		attack_must("read", -1);
	close(fd);
}

static int target(int flags)
{
	return (int)attack_must(to, open(to, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0755));
}

/* The image's bytes as they are, then one more, so that no two ways end with a byte-identical copy. */
static void finish(int fd)
{
	attack_must("lengthen", ftruncate(fd, (off_t)n_blocks + 1));
	close(fd);
}

static int by_copy_range(void)
{
	int in = (int)attack_must(from, open(from, O_RDONLY | O_CLOEXEC)), fd = target(0);

	attack_must("copy_file_range", copy_file_range(in, NULL, fd, NULL, n_bytes, 0));
	finish(fd);
	return 0;
}

static int by_reflink(void)
{
	int in = (int)attack_must(from, open(from, O_RDONLY | O_CLOEXEC)), fd = target(0);

	if (ioctl(fd, FICLONE, in) < 0)
		return attack_skip("the file system has no reflinks");
	finish(fd);
	return 0;
}

static int by_sendfile(void)
{
	int in = (int)attack_must(from, open(from, O_RDONLY | O_CLOEXEC)), fd = target(0);

	attack_must("sendfile", sendfile(fd, in, NULL, n_bytes));
	finish(fd);
	return 0;
}

/* Pages of this process given to a pipe, and from there to the file. */
static int by_splice(void)
{
	struct iovec part = { bytes, n_bytes };
	int ends[2], fd = target(0);

	attack_must("pipe", pipe2(ends, O_CLOEXEC));
	attack_must("vmsplice", vmsplice(ends[1], &part, 1, 0));
	attack_must("splice", splice(ends[0], NULL, fd, NULL, n_bytes, 0));
	finish(fd);
	return 0;
}

static int by_direct(void)
{
	int fd = open(to, O_RDWR | O_CREAT | O_CLOEXEC | O_DIRECT, 0755);

	if (fd < 0)
		return attack_skip("the file system has no O_DIRECT");
	attack_must("write", pwrite(fd, bytes, n_blocks, 0));
	finish(fd);
	return 0;
}

static int by_aio(void)
{
	aio_context_t context = 0;
	int fd = target(0);
	struct iocb block = { .aio_fildes = (uint32_t)fd, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uintptr_t)bytes,
		.aio_nbytes = n_bytes };
	struct iocb *blocks[] = { &block };
	struct io_event event;

	if (syscall(SYS_io_setup, 1, &context) < 0)
		return attack_skip("the kernel has no aio");
	attack_must("io_submit", syscall(SYS_io_submit, context, 1, blocks));
	attack_must("io_getevents", syscall(SYS_io_getevents, context, 1, 1, &event, NULL));
	finish(fd);
	return 0;
}

/* Through a shared mapping that outlives the descriptor. */
static int by_mapping(void)
{
	int fd = target(0);
	char *shared;

	attack_must("ftruncate", ftruncate(fd, (off_t)n_blocks));
	shared = mmap(NULL, n_blocks, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		attack_must("mmap", -1);
	close(fd);
	memcpy(shared, bytes, n_blocks);
	memcpy(shared + n_bytes, "fresh", 5);
	munmap(shared, n_blocks);
	return 0;
}

/* A file without a name, given one when it is complete. */
static int by_unnamed(void)
{
	char path[64];
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0755);

	if (fd < 0)
		return attack_skip("the file system has no O_TMPFILE");
	attack_must("write", write(fd, bytes, n_blocks));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	unlink(to);
	attack_must("linkat", linkat(AT_FDCWD, path, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
	finish(fd);
	return 0;
}

static int by_vector(void)
{
	struct iovec parts[2] = { { bytes, n_bytes / 2 }, { bytes + n_bytes / 2, n_bytes - n_bytes / 2 } };
	int fd = target(0);

	attack_must("pwritev2", pwritev2(fd, parts, 2, 0, RWF_DSYNC));
	finish(fd);
	return 0;
}

static const struct {
	const char *name;
	int (*write)(void);
} ways[] = {
	{ "copy-range", by_copy_range }, { "reflink", by_reflink }, { "sendfile", by_sendfile }, { "splice", by_splice },
	{ "direct", by_direct }, { "aio", by_aio }, { "mapping", by_mapping }, { "unnamed", by_unnamed }, { "vector", by_vector },
};

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	from = argv[2];
	to = argv[3];
	read_all();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, argv[1]) == 0)
			return ways[i].write();
	return 2;
}
