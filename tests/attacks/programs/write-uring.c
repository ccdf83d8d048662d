// SPDX-License-Identifier: Apache-2.0
/*
 * usage: write-uring FROM TO: TO becomes a program with FROM's bytes and some more; opened, written and closed by io_uring alone,
 * in the kernel's worker threads.
 */
#include <fcntl.h>

#include "tests/attacks/programs/uring.h"

#define MOST_BYTES 65536 /* the largest victim */

int main(int argc, char **argv)
{
	static char bytes[MOST_BYTES];
	struct ring ring = { .fd = -1 };
	int fd, n;

	if (argc != 3)
		return 2;
	if (start_ring(&ring) < 0)
		return attack_skip("the kernel has no io_uring");
	fd = (int)attack_must("open", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = (uintptr_t)argv[1], .open_flags = O_RDONLY }));
	n = (int)attack_must("read", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd,
		.addr = (uintptr_t)bytes, .len = sizeof(bytes) - 1 }));
	fd = (int)attack_must("open", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = (uintptr_t)argv[2], .open_flags = O_RDWR | O_CREAT, .len = 0755 }));
	attack_must("write", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t)bytes,
		.len = (uint32_t)n + 1 }));
	attack_must("close", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd }));
	return 0;
}
