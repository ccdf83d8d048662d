// SPDX-License-Identifier: Apache-2.0
/*
 * usage: map-code WAY [FILE]: gets executable memory in one way, of the file's pages where the way has any.
 *
 * Each way is one row of the table at the end. What is written there before is one byte, so that the pages are the process's own.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define PAGE 4096ul
#define HUGE_PAGE (2ul << 20)
#define R PROT_READ
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

typedef long (*way_fn)(const char *file);

static long result_of(const void *mapped)
{
	return mapped == MAP_FAILED ? -errno : 0;
}

static long turn(void *at, size_t bytes, int prot)
{
	return mprotect(at, bytes, prot) < 0 ? -errno : 0;
}

static void *anonymous(int prot)
{
	return mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Private memory with a byte written. */
static char *written(void)
{
	char *at = anonymous(RW);

	attack_must("mmap", result_of(at));
	*(volatile char *)at = 1;
	return at;
}

static char *map_file(const char *file, int prot, int flags)
{
	int fd = (int)attack_must("open", open(file, O_CLOEXEC | (flags == MAP_SHARED && prot & PROT_WRITE ? O_RDWR : O_RDONLY)));
	char *at = mmap(NULL, PAGE, prot, flags, fd, 0);

	close(fd);
	attack_must("mmap of the file", result_of(at));
	return at;
}

/* --- anonymous memory ----------------------------------------------------------------------------------------------- */

static long anonymous_rwx(const char *file)
{
	(void)file;
	return result_of(anonymous(RWX));
}

static long anonymous_rx(const char *file)
{
	(void)file;
	return result_of(anonymous(RX));
}

static long anonymous_rw(const char *file)
{
	(void)file;
	return turn(written(), PAGE, R);
}

static long anonymous_turned(const char *file)
{
	(void)file;
	return turn(written(), PAGE, RX);
}

/* What a loader of one's own does: the file's bytes are data, until they are not. */
static long own_loader(const char *file)
{
	int fd = (int)attack_must("open", open(file, O_RDONLY | O_CLOEXEC));
	char *at = written();

	attack_must("read", read(fd, at, PAGE));
	close(fd);
	return turn(at, PAGE, RX);
}

static long heap(const char *file)
{
	char *at = sbrk(2 * PAGE);

	(void)file;
	at = (char *)(((uintptr_t)at + PAGE - 1) & ~(PAGE - 1));
	*(volatile char *)at = 1;
	return turn(at, PAGE, RWX);
}

static long stack(const char *file)
{
	char here = 1;

	(void)file;
	return turn((char *)((uintptr_t)&here & ~(PAGE - 1)), PAGE, RWX);
}

static void *in_thread(void *data)
{
	*(long *)data = stack(NULL);
	return NULL;
}

static long thread_stack(const char *file)
{
	long result = -EIO;
	pthread_t thread;

	(void)file;
	if (pthread_create(&thread, NULL, in_thread, &result) || pthread_join(thread, NULL))
		return -EIO;
	return result;
}

/* Pages that a userfaultfd fills: not even the process wrote them. */
static long userfault(const char *file)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = { .len = PAGE };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	char *at;

	(void)file;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
		return attack_skip("no userfaultfd here"), 1;
	at = anonymous(RX);
	if (at == MAP_FAILED)
		return -errno;
	range.range.start = copy.dst = (uintptr_t)at;
	range.range.len = PAGE;
	copy.src = (uintptr_t)written();
	attack_must("UFFDIO_REGISTER", ioctl(fd, UFFDIO_REGISTER, &range));
	attack_must("UFFDIO_COPY", ioctl(fd, UFFDIO_COPY, &copy));
	return 0;
}

/* The same question by the other call. */
static long turn_by_key(void *at, size_t bytes, int prot)
{
	return syscall(SYS_pkey_mprotect, at, bytes, prot, -1) < 0 ? -errno : 0;
}

static long anonymous_by_key(const char *file)
{
	char *at = anonymous(RW);

	(void)file;
	attack_must("mmap", result_of(at));
	*(volatile char *)at = 1;
	return turn_by_key(at, PAGE, RX);
}

/* --- shared memory -------------------------------------------------------------------------------------------------- */

static long shared(const char *file)
{
	(void)file;
	return result_of(mmap(NULL, PAGE, RWX, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static long shared_turned(const char *file)
{
	char *at = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)file;
	attack_must("mmap", result_of(at));
	*(volatile char *)at = 1;
	return turn(at, PAGE, RX);
}

static long memfd(const char *file)
{
	int fd = (int)attack_must("memfd_create", memfd_create("code", MFD_CLOEXEC));

	(void)file;
	attack_must("ftruncate", ftruncate(fd, PAGE));
	return result_of(mmap(NULL, PAGE, RX, MAP_SHARED, fd, 0));
}

static long huge(const char *file)
{
	void *at = mmap(NULL, HUGE_PAGE, RX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	(void)file;
	if (at == MAP_FAILED && errno == ENOMEM)
		return attack_skip("no huge pages here"), 1;
	return result_of(at);
}

static long sysv(const char *file)
{
	int id = (int)attack_must("shmget", shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700));
	long result = shmat(id, NULL, SHM_EXEC) == (void *)-1 ? -errno : 0;

	(void)file;
	shmctl(id, IPC_RMID, NULL);
	return result;
}

static long secret(const char *file)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);

	(void)file;
	if (fd < 0 && errno == ENOSYS)
		return attack_skip("the kernel has no memfd_secret"), 1;
	attack_must("memfd_secret", fd);
	attack_must("ftruncate", ftruncate(fd, PAGE));
	return result_of(mmap(NULL, PAGE, RX, MAP_SHARED, fd, 0));
}

/* The kernel's own file behind a ring of asynchronous I/O is the process's to write. */
static long aio_ring(const char *file)
{
	aio_context_t ring = 0;

	(void)file;
	attack_must("io_setup", syscall(SYS_io_setup, 1, &ring));
	return turn((void *)ring, PAGE, RX);
}

/* What comes over the network, as code. */
static long packet_ring(const char *file)
{
	struct tpacket_req ring = { .tp_block_size = PAGE, .tp_block_nr = 1, .tp_frame_size = PAGE, .tp_frame_nr = 1 };
	int fd = (int)attack_must("socket", socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));

	(void)file;
	attack_must("ring", setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
	return result_of(mmap(NULL, PAGE, RWX, MAP_SHARED, fd, 0));
}

/* What it tells the kernel by, as code. */
static long uring_ring(const char *file)
{
	struct io_uring_params p = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p);

	(void)file;
	if (fd < 0)
		return attack_skip("no io_uring here"), 1;
	return result_of(mmap(NULL, PAGE, RX, MAP_SHARED, fd, IORING_OFF_SQES));
}

/* The ring of its own performance events. */
static long perf_ring(const char *file)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK,
					.disabled = 1, .exclude_kernel = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0ul);

	(void)file;
	if (fd < 0)
		return attack_skip("no performance events here"), 1;
	return result_of(mmap(NULL, 2 * PAGE, RWX, MAP_SHARED, fd, 0));
}

static long zero(const char *file)
{
	int fd = (int)attack_must("open", open("/dev/zero", O_RDWR | O_CLOEXEC));
	char *at = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

	(void)file;
	attack_must("mmap", result_of(at));
	*(volatile char *)at = 1;
	return turn(at, PAGE, RX);
}

static long zero_shared(const char *file)
{
	int fd = (int)attack_must("open", open("/dev/zero", O_RDWR | O_CLOEXEC));

	(void)file;
	return result_of(mmap(NULL, PAGE, RWX, MAP_SHARED, fd, 0));
}

/* --- pages of a file ------------------------------------------------------------------------------------------------ */

static long file_read(const char *file)
{
	return turn(map_file(file, R, MAP_PRIVATE), PAGE, RX);
}

static long file_read_by_key(const char *file)
{
	return turn_by_key(map_file(file, R, MAP_PRIVATE), PAGE, RX);
}

static long file_read_shared(const char *file)
{
	return turn(map_file(file, R, MAP_SHARED), PAGE, RX);
}

static long file_mapped(const char *file)
{
	return result_of(map_file(file, RX, MAP_PRIVATE));
}

static long file_shared(const char *file)
{
	return result_of(map_file(file, RX, MAP_SHARED));
}

static long file_written(const char *file)
{
	char *at = map_file(file, RW, MAP_PRIVATE);

	*(volatile char *)at ^= 1;
	return turn(at, PAGE, RX);
}

static long file_by_key(const char *file)
{
	char *at = map_file(file, RW, MAP_PRIVATE);

	*(volatile char *)at ^= 1;
	return turn_by_key(at, PAGE, RX);
}

static long file_rwx(const char *file)
{
	int fd = (int)attack_must("open", open(file, O_RDONLY | O_CLOEXEC));

	return result_of(mmap(NULL, PAGE, RWX, MAP_PRIVATE, fd, 0));
}

static long file_moved(const char *file)
{
	char *at = map_file(file, RW, MAP_PRIVATE);

	*(volatile char *)at ^= 1;
	at = mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x200000000000);
	attack_must("mremap", result_of(at));
	return turn(at, PAGE, RX);
}

/* What a linker does for text relocations. */
static long text_relocation(const char *file)
{
	char *at = map_file(file, RX, MAP_PRIVATE);

	attack_must("to writable", turn(at, PAGE, RW));
	*(volatile char *)at ^= 1;
	return turn(at, PAGE, RX);
}

static long text_at_once(const char *file)
{
	return turn(map_file(file, RX, MAP_PRIVATE), PAGE, RWX);
}

/* Written by the parent, made executable by a child that has the pages from it. */
static long file_inherited(const char *file)
{
	char *at = map_file(file, RW, MAP_PRIVATE);
	int status = 0;
	pid_t child;

	*(volatile char *)at ^= 1;
	child = (pid_t)attack_must("fork", fork());
	if (child == 0)
		_exit(turn(at, PAGE, RX) < 0);
	attack_must("waitpid", waitpid(child, &status, 0));
	return status ? -EPERM : 0;
}

/* Moving, doubling and leaving executable pages brings nothing new. */
static long remapped(const char *file)
{
	char *at = map_file(file, RX, MAP_SHARED);
	void *twice = mremap(at, 0, PAGE, MREMAP_MAYMOVE);

	attack_must("mremap of size 0", result_of(twice));
	at = map_file(file, RX, MAP_PRIVATE);
	at = mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	return result_of(at);
}

/* Somebody can write what will be code. */
static long with_writer(const char *file)
{
	char *at = map_file(file, RW, MAP_SHARED);
	int fd = (int)attack_must("open", open(file, O_RDONLY | O_CLOEXEC));
	long result = result_of(mmap(NULL, PAGE, RX, MAP_PRIVATE, fd, 0));

	*(volatile char *)at ^= 0;
	return result;
}

static const struct way {
	const char *name;
	way_fn run;
} ways[] = {
	{ "anonymous-rwx", anonymous_rwx },
	{ "anonymous-rx", anonymous_rx },
	{ "anonymous-rw", anonymous_rw },
	{ "anonymous-turned", anonymous_turned },
	{ "own-loader", own_loader },
	{ "anonymous-by-key", anonymous_by_key },
	{ "heap", heap },
	{ "stack", stack },
	{ "thread-stack", thread_stack },
	{ "userfault", userfault },
	{ "shared", shared },
	{ "shared-turned", shared_turned },
	{ "memfd", memfd },
	{ "huge", huge },
	{ "sysv", sysv },
	{ "secret", secret },
	{ "aio-ring", aio_ring },
	{ "packet-ring", packet_ring },
	{ "uring-ring", uring_ring },
	{ "perf-ring", perf_ring },
	{ "zero", zero },
	{ "zero-shared", zero_shared },
	{ "file-read", file_read },
	{ "file-read-by-key", file_read_by_key },
	{ "file-read-shared", file_read_shared },
	{ "file-mapped", file_mapped },
	{ "file-shared", file_shared },
	{ "file-written", file_written },
	{ "file-by-key", file_by_key },
	{ "file-rwx", file_rwx },
	{ "file-moved", file_moved },
	{ "file-inherited", file_inherited },
	{ "text-relocation", text_relocation },
	{ "text-at-once", text_at_once },
	{ "remapped", remapped },
	{ "with-writer", with_writer },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		long result;

		if (strcmp(ways[i].name, argv[1]) != 0)
			continue;
		result = ways[i].run(argc > 2 ? argv[2] : NULL);
		return result > 0 ? 0 : attack_say(ways[i].name, result);
	}
	return 2;
}
