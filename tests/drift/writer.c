// SPDX-License-Identifier: Apache-2.0
/*
 * Tries one way of writing a file and says what became of it: "WAY: opened" or "WAY: EPERM" (or another errno's name).
 *
 *	writer write|both|truncate|otruncate|read PATH
 *	writer handle FOLDER HANDLE	by a handle, on the mount that FOLDER is on
 *	writer show PATH		prints a handle for the way above
 *
 * It never writes a byte. Exit status 0: opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANDLE_BYTES 64

struct handle {
	struct file_handle head;
	unsigned char bytes[HANDLE_BYTES];
};

static int show(const char *path)
{
	struct handle h = { .head.handle_bytes = HANDLE_BYTES };
	int mount;

	if (name_to_handle_at(AT_FDCWD, path, &h.head, &mount, 0))
		return -errno;
	printf("%d:", h.head.handle_type);
	for (unsigned int i = 0; i < h.head.handle_bytes; i++)
		printf("%02x", h.bytes[i]);
	printf("\n");
	return 0;
}

static int by_handle(const char *folder, const char *text)
{
	int mount = open(folder, O_RDONLY | O_DIRECTORY), fd;
	struct handle h = { 0 };
	char *at;

	h.head.handle_type = (int)strtol(text, &at, 10);
	for (at++; at[0] && at[1] && h.head.handle_bytes < HANDLE_BYTES; at += 2) {
		unsigned int byte;

		sscanf(at, "%2x", &byte);
		h.bytes[h.head.handle_bytes++] = (unsigned char)byte;
	}
	fd = mount < 0 ? -1 : open_by_handle_at(mount, &h.head, O_WRONLY);
	return fd < 0 ? -errno : 0;
}

static int by_path(const char *way, const char *path)
{
	struct stat st;

	if (!strcmp(way, "truncate"))
		return stat(path, &st) || truncate(path, st.st_size) ? -errno : 0;
	if (!strcmp(way, "write"))
		return open(path, O_WRONLY) < 0 ? -errno : 0;
	if (!strcmp(way, "both"))
		return open(path, O_RDWR) < 0 ? -errno : 0;
	if (!strcmp(way, "otruncate"))
		return open(path, O_RDONLY | O_TRUNC) < 0 ? -errno : 0;
	return open(path, O_RDONLY) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	int err;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "show"))
		return show(argv[2]) ? 1 : 0;
	err = !strcmp(argv[1], "handle") && argc > 3 ? by_handle(argv[2], argv[3]) : by_path(argv[1], argv[2]);
	printf("%s: %s\n", argv[1], err ? strerrorname_np(-err) : "opened");
	return err ? 1 : 0;
}
