// SPDX-License-Identifier: Apache-2.0
/*
 * usage: fuse-server honest|liar|deaf|deaf-outside FOLDER FILE COMMAND...
 * A FUSE file system on FOLDER in a mount namespace of its own, with one program "prog" of FILE's bytes, while the command runs.
 * liar: bytes are honest when first read and others each later time; deaf: reads are never answered; deaf-outside: those of readers in
 * other pid namespaces are not.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define FUSE_MINOR 229
#define PROG_NODE 2 /* the root is 1 */
#define MOST_BYTES 65536

static int device;
static const char *mode;
static char bytes[MOST_BYTES];
static size_t n_bytes;
static int reads;

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t n)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + n), .error = error, .unique = in->unique };
	struct iovec parts[2] = { { &out, sizeof(out) }, { (void *)data, n } };

	if (writev(device, parts, n ? 2 : 1) < 0 && errno != ENOENT)
		perror("fuse-server");
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = node == PROG_NODE ? n_bytes : 0,
		.mode = node == PROG_NODE ? S_IFREG | 0755 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void answer_read(const struct fuse_in_header *in, const struct fuse_read_in *args)
{
	size_t n = args->offset < n_bytes ? n_bytes - args->offset : 0;

	if (strcmp(mode, "deaf") == 0 || (strcmp(mode, "deaf-outside") == 0 && in->pid == 0))
		return;
	if (strcmp(mode, "liar") == 0 && reads++)
		bytes[n_bytes - 1] ^= 1;
	reply(in, 0, bytes + args->offset, n < args->size ? n : args->size);
}

static void answer(const struct fuse_in_header *in, const void *args)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = MOST_BYTES, .max_write = MOST_BYTES };
	struct fuse_entry_out entry = { .nodeid = PROG_NODE, .attr = attributes(PROG_NODE) };
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE }; /* else an open waits for reads that hang */

	switch (in->opcode) {
	case FUSE_INIT: reply(in, 0, &init, sizeof(init)); break;
	case FUSE_LOOKUP:
		if (strcmp(args, "prog"))
			reply(in, -ENOENT, NULL, 0);
		else
			reply(in, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR: reply(in, 0, &attr, sizeof(attr)); break;
	case FUSE_OPEN: case FUSE_OPENDIR: reply(in, 0, &opened, sizeof(opened)); break;
	case FUSE_READ: answer_read(in, args); break;
	case FUSE_RELEASE: case FUSE_RELEASEDIR: case FUSE_FLUSH: case FUSE_ACCESS: reply(in, 0, NULL, 0); break;
	case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: break;
	default: reply(in, -ENOSYS, NULL, 0);
	}
}

static void serve(void)
{
	static char request[FUSE_MIN_READ_BUFFER + MOST_BYTES];
	ssize_t n;

	while ((n = read(device, request, sizeof(request))) > 0 || errno == EINTR || errno == ENOENT)
		if (n > 0)
			answer((void *)request, request + sizeof(struct fuse_in_header));
}

int main(int argc, char **argv)
{
	char options[96];
	pid_t server, command;
	int in, status;

	if (argc < 5)
		return 2;
	mode = argv[1];
	in = (int)attack_must("open", open(argv[3], O_RDONLY | O_CLOEXEC));
	n_bytes = (size_t)attack_must("read", read(in, bytes, sizeof(bytes)));
	mknod("/dev/fuse", S_IFCHR | 0666, makedev(10, FUSE_MINOR));
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return attack_skip("the kernel has no FUSE");
	attack_must("unshare", unshare(CLONE_NEWNS));
	attack_must("private mounts", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	attack_must("mount", mount("fuse", argv[2], "fuse", 0, options));
	server = fork();
	if (server == 0) {
		serve();
		_exit(0);
	}
	close(device);
	command = fork();
	if (command == 0) {
		execvp(argv[4], argv + 4);
		exit(attack_say(argv[4], -errno));
	}
	waitpid(command, &status, 0);
	kill(server, SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
