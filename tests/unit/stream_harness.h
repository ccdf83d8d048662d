/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the stream share: the programs loaded once, a child that does what is looked for, and what was seen of it. */
#ifndef TESTS_UNIT_STREAM_HARNESS_H
#define TESTS_UNIT_STREAM_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/stream.h"
#include "enforcer/util.h"

#define SEEN_MAX 64
#define AWAIT_NS (20 * NSEC_PER_SEC) /* for what was done already: other processes' events may come before it */

static struct stream *stream;
static int open_error;
static char folder[64];

/* A copy of what a test may ask an event about. */
struct seen {
	struct hf_detect_head head;
	char path[512], path2[512], base[512], base2[512], real[512], cwd[512], exepath[512], filename[512], args[512], name[64], data[96];
	char address[128], unix_peer[112], unix_local[112];
	uint32_t args_len, data_len, address_len;
	bool has_path, has_base, has_file, has_socket, has_child;
	struct hf_detect_file file;
	struct hf_detect_socket socket;
	struct hf_detect_child child;
};

/* What is looked for, and what was found of it. */
struct search {
	enum hf_detect_type type;
	uint32_t pid;
	struct seen seen[SEEN_MAX];
	size_t n;
};

static void copy(char *to, size_t room, const struct stream_text *from)
{
	size_t n = from->data ? from->len : 0;

	if (n >= room)
		n = room - 1;
	if (n)
		memcpy(to, from->data, n);
	to[n] = '\0';
}

static void note(const struct stream_event *event, void *data)
{
	struct search *search = data;
	struct seen *seen = &search->seen[search->n];

	if (event->type != search->type || event->head->pid != search->pid || search->n == SEEN_MAX)
		return;
	search->n++;
	seen->head = *event->head;
	copy(seen->path, sizeof(seen->path), &event->path);
	copy(seen->path2, sizeof(seen->path2), &event->path2);
	copy(seen->base, sizeof(seen->base), &event->base);
	copy(seen->base2, sizeof(seen->base2), &event->base2);
	copy(seen->real, sizeof(seen->real), &event->real);
	copy(seen->cwd, sizeof(seen->cwd), &event->cwd);
	copy(seen->exepath, sizeof(seen->exepath), &event->exepath);
	copy(seen->filename, sizeof(seen->filename), &event->filename);
	copy(seen->args, sizeof(seen->args), &event->args);
	copy(seen->name, sizeof(seen->name), &event->name);
	copy(seen->data, sizeof(seen->data), &event->data);
	copy(seen->address, sizeof(seen->address), &event->address);
	copy(seen->unix_local, sizeof(seen->unix_local), &event->unix_local);
	copy(seen->unix_peer, sizeof(seen->unix_peer), &event->unix_peer);
	seen->args_len = event->args.len;
	seen->data_len = event->data.len;
	seen->address_len = event->address.len;
	seen->has_path = event->path.data != NULL;
	seen->has_base = event->base.data != NULL;
	seen->has_file = event->file != NULL;
	seen->has_socket = event->socket != NULL;
	seen->has_child = event->child != NULL;
	if (event->file)
		seen->file = *event->file;
	if (event->socket)
		seen->socket = *event->socket;
	if (event->child)
		seen->child = *event->child;
}

static void ignore(const struct stream_event *event, void *data)
{
	(void)event, (void)data;
}

static int load(void **state)
{
	struct stream_options options = { .ring_bytes = 1 << 20, .tasks_fd = -1 };
	char error[256] = "";

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/hf-stream-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	open_error = stream_open(&options, &stream, error, sizeof(error));
	if (open_error)
		print_message("%s\n", error);
	return 0;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(name);
}

static int unload(void **state)
{
	(void)state;
	stream_close(&stream);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A kernel that finds the programs wrong is a failure; one that does not take any from us is a skip. */
static void need_stream(void)
{
	if (stream)
		return;
	if (open_error != -EPERM)
		fail_msg("the programs do not load: %s", strerror(-open_error));
	print_message("skip: this kernel does not let us load programs\n");
	skip();
}

static void want(enum hf_detect_type type, uint32_t wants)
{
	uint32_t all[_HF_DETECT_MAX] = { 0 };

	while (stream_read(stream, 1000, ignore, NULL) > 0)
		;
	all[type] = wants;
	stream_want(stream, all);
}

/* Waits until n of them are there. */
static void await(struct search *search, size_t n)
{
	struct pollfd fd = { .fd = stream_fd(stream), .events = POLLIN };
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + AWAIT_NS;

	while (search->n < n && clock_ns(CLOCK_MONOTONIC) < end) {
		if (!stream_read(stream, 1000, note, search))
			poll(&fd, 1, 20);
	}
	assert_true(search->n >= n);
}

static struct search search;

static void look_for(enum hf_detect_type type, uint32_t wants)
{
	need_stream();
	memset(&search, 0, sizeof(search));
	search.type = type;
	search.pid = (uint32_t)getpid();
	want(type, wants);
}

/* Runs fn in a child, and waits for its end. The programs leave out what their owner itself does. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	search.pid = (uint32_t)pid;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#endif
