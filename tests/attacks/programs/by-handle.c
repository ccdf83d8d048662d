// SPDX-License-Identifier: Apache-2.0
/* usage: by-handle handle FILE: prints FILE's handle in hex; by-handle exec|write MOUNT HEX: runs the file of that handle, or opens it. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

union handle {
	struct file_handle handle;
	unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

extern char **environ;

static int print_handle(const char *path)
{
	union handle h = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount;

	attack_must("name_to_handle_at", name_to_handle_at(AT_FDCWD, path, &h.handle, &mount, 0));
	for (size_t i = 0; i < sizeof(struct file_handle) + h.handle.handle_bytes; i++)
		printf("%02x", h.bytes[i]);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	union handle h = { 0 };
	unsigned int byte;
	int mount, fd;

	if (argc == 3)
		return print_handle(argv[2]);
	if (argc != 4)
		return 2;
	for (size_t i = 0; i < sizeof(h.bytes) && sscanf(argv[3] + 2 * i, "%2x", &byte) == 1; i++)
		h.bytes[i] = (unsigned char)byte;
	mount = (int)attack_must("open", open(argv[2], O_DIRECTORY | O_RDONLY | O_CLOEXEC));
	if (strcmp(argv[1], "write") == 0)
		return attack_say("open", open_by_handle_at(mount, &h.handle, O_WRONLY | O_CLOEXEC) < 0 ? -errno : 0);
	fd = (int)attack_must("open_by_handle_at", open_by_handle_at(mount, &h.handle, O_RDONLY | O_CLOEXEC));
	fexecve(fd, argv + 2, environ);
	return attack_say("exec", -errno);
}
