// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of just-in-time compilers, in each of the ways that real ones get it: code is written, made executable and called. Says how
 * many ways worked. None of it comes from a file.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define BYTES (2u << 20) /* a huge page */
#define RX (PROT_READ | PROT_EXEC)
#define RW (PROT_READ | PROT_WRITE)

/* x86-64: mov eax, 42; ret */
static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

static int call(void *at)
{
	int (*function)(void);

	if (at == MAP_FAILED)
		return 0;
	memcpy(&function, &at, sizeof(function));
	return function() == 42;
}

static void *map(int prot, int flags, int fd)
{
	return mmap(NULL, BYTES, prot, flags, fd, 0);
}

static int write_and_call(void *at, void *run)
{
	if (at == MAP_FAILED)
		return 0;
	memcpy(at, code, sizeof(code));
	return call(run);
}

/* Written, then turned: V8, HotSpot, libffi. */
static int turned(int flags)
{
	void *at = map(RW, MAP_ANONYMOUS | flags, -1);

	if (at == MAP_FAILED)
		return 0;
	memcpy(at, code, sizeof(code));
	return mprotect(at, BYTES, RX) == 0 && call(at);
}

static int turned_private(void) { return turned(MAP_PRIVATE); }
static int turned_shared(void) { return turned(MAP_SHARED); }

static int both_at_once(void)
{
	void *at = map(RW | PROT_EXEC, MAP_ANONYMOUS | MAP_PRIVATE, -1);

	return write_and_call(at, at);
}

/* Transparent huge pages, as for a program's own text that is copied there. */
static int huge_pages(void)
{
	void *at = map(RW | PROT_EXEC, MAP_ANONYMOUS | MAP_PRIVATE, -1);

	if (at == MAP_FAILED || madvise(at, BYTES, MADV_HUGEPAGE) != 0)
		return 0;
	return write_and_call(at, at);
}

/* Two views of one memory file: .NET, QEMU, newer V8. */
static int two_views(void)
{
	int fd = memfd_create("doublemapper", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, BYTES) != 0)
		return 0;
	return write_and_call(map(RW, MAP_SHARED, fd), map(RX, MAP_SHARED, fd));
}

/* The same by mremap() of a shared mapping with a length of zero. */
static int two_views_of_a_mapping(void)
{
	void *at = map(RW, MAP_ANONYMOUS | MAP_SHARED, -1);
	void *second = at == MAP_FAILED ? at : mremap(at, 0, BYTES, MREMAP_MAYMOVE);

	if (second == MAP_FAILED || mprotect(second, BYTES, RX) != 0)
		return 0;
	return write_and_call(at, second);
}

/* System V's. */
static int segment(void)
{
	int id = shmget(IPC_PRIVATE, BYTES, IPC_CREAT | 0700);
	void *at = id < 0 ? MAP_FAILED : shmat(id, NULL, 0), *run = id < 0 ? MAP_FAILED : shmat(id, NULL, SHM_EXEC | SHM_RDONLY);

	shmctl(id, IPC_RMID, NULL);
	return write_and_call(at, run);
}

static const struct {
	const char *name;
	int (*way)(void);
} ways[] = {
	{ "turned", turned_private }, { "turned, shared", turned_shared }, { "writable and executable", both_at_once },
	{ "huge pages", huge_pages }, { "two views of a memory file", two_views }, { "two views of a mapping", two_views_of_a_mapping },
	{ "System V segment", segment },
};

int main(void)
{
	int worked = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].way())
			worked++;
		else
			printf("did not work: %s\n", ways[i].name);
	}
	printf("%d\n", worked);
	return worked == sizeof(ways) / sizeof(ways[0]) ? 0 : 1;
}
