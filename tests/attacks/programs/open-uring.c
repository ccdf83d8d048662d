// SPDX-License-Identifier: Apache-2.0
/* usage: open-uring read|write|cut PATH: opens a file by io_uring alone; cut: for writing, and emptied. */
#include <fcntl.h>

#include "tests/attacks/programs/uring.h"

int main(int argc, char **argv)
{
	uint32_t flags = O_RDONLY;
	struct ring ring = { .fd = -1 };
	int fd;

	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "read") != 0)
		flags = strcmp(argv[1], "cut") == 0 ? O_WRONLY | O_TRUNC : O_WRONLY;
	if (start_ring(&ring) < 0)
		return attack_skip("the kernel has no io_uring");
	fd = submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)argv[2],
		.open_flags = flags });
	return attack_say("open", fd < 0 ? -errno : 0);
}
