// SPDX-License-Identifier: Apache-2.0
/*
 * usage: act WHAT [ARG...]
 * The system calls of one behaviour, made once, so that a rule can tell of it; the table at the end says which there are. Under
 * another name (nginx, gdb) the same program is what a rule takes it for by its name. Exits 0 when everything was tried,
 * whether it succeeded or not; 1 when it could not be tried; 2 for wrong usage. Changes nothing of the machine: the files
 * that it opens for writing it does not write, unless it is told to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HIGH_FD 9 /* beyond the standard streams, and free in our children */

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* --- files --- */

static int do_open(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_CLOEXEC, mode);

	if (fd >= 0)
		close(fd);
	return 0;
}

static int open_read(char **args)
{
	return do_open(args[0], O_RDONLY, 0);
}

static int open_write(char **args)
{
	return do_open(args[0], O_WRONLY, 0);
}

static int write_bytes(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		return fail(path);
	close(fd);
	return 0;
}

static const char elf_head[64] = "\177ELF\2\1\1";

static int write_elf(char **args)
{
	return write_bytes(args[0], elf_head, sizeof(elf_head));
}

/* Two writes: a text first; the program behind it, as in an archive, or over it. */
static int write_twice(const char *path, off_t at)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "a text, not ELF\n", 16) != 16 || lseek(fd, at, SEEK_SET) < 0 ||
	    write(fd, elf_head, sizeof(elf_head)) != (ssize_t)sizeof(elf_head))
		return fail(path);
	close(fd);
	return 0;
}

static int write_elf_behind(char **args)
{
	return write_twice(args[0], 16);
}

static int write_elf_over(char **args)
{
	return write_twice(args[0], 0);
}

static int write_text(char **args)
{
	return write_bytes(args[0], "a text, not ELF\n", 16);
}

/* The old call, which programs do without by now. */
static int old_rename(char **args)
{
	return syscall(SYS_rename, args[0], args[1]) < 0 ? fail(args[1]) : 0;
}

/* --- memory --- */

static int protect(int prot)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return fail("mmap");
	*(volatile char *)page = (char)0xc3;
	return mprotect(page, 4096, prot) < 0 ? fail("mprotect") : 0;
}

static int protect_exec(char **args)
{
	(void)args;
	return protect(PROT_READ | PROT_EXEC);
}

static int protect_all(char **args)
{
	(void)args;
	return protect(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int protect_read(char **args)
{
	(void)args;
	return protect(PROT_READ);
}

/* Executable from the beginning, and never writable. */
static int protect_again(char **args)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)args;
	if (page == MAP_FAILED)
		return fail("mmap");
	return mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? fail("mprotect") : 0;
}

/* --- other processes --- */

static pid_t start_victim(void)
{
	pid_t pid = fork();

	while (pid == 0)
		pause();
	return pid;
}

static void end_victim(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int trace_me(char **args)
{
	(void)args;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 0;
}

static char traced[64];

/* With PTRACE_SEIZE and an interrupt, which stop it without a signal that it would see. */
static int with_traced(int request)
{
	pid_t pid = start_victim();
	int result = 0;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		result = fail("ptrace");
	else if (waitpid(pid, NULL, 0) < 0 || ptrace(request, pid, traced, 0L) == -1)
		result = fail("ptrace");
	end_victim(pid);
	return result;
}

static int poke(char **args)
{
	return with_traced(strcmp(args[0], "text") == 0 ? PTRACE_POKETEXT : PTRACE_POKEDATA);
}

static int peek(char **args)
{
	(void)args;
	return with_traced(PTRACE_PEEKDATA);
}

static int vm_transfer(pid_t pid, int number)
{
	struct iovec here = { .iov_base = traced, .iov_len = sizeof(traced) };

	return syscall(number, pid, &here, 1, &here, 1, 0) < 0 ? fail("process_vm") : 0;
}

static int vm_write(char **args)
{
	pid_t pid = start_victim();
	int result = vm_transfer(pid, SYS_process_vm_writev);

	(void)args;
	end_victim(pid);
	return result;
}

static int vm_write_self(char **args)
{
	(void)args;
	return vm_transfer(getpid(), SYS_process_vm_writev);
}

static int vm_read(char **args)
{
	pid_t pid = start_victim();
	int result = vm_transfer(pid, SYS_process_vm_readv);

	(void)args;
	end_victim(pid);
	return result;
}

/* --- programs --- */

/* The program as our child, so that we are its parent. */
static int run(char **args)
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(args[0], args);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, NULL, 0) < 0 ? fail(args[0]) : 0;
}

/* The same as user with number args[0]. */
static int run_as(char **args)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setuid((uid_t)strtoul(args[0], NULL, 10)) == 0)
			execv(args[1], args + 1);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, NULL, 0) < 0 ? fail(args[1]) : 0;
}

/* Once we are older than args[0] seconds: rules may ask how long a process runs. */
static int later(char **args)
{
	sleep((unsigned int)strtoul(args[0], NULL, 10));
	return open_read(args + 1);
}

static int exec_memfd(char **args)
{
	int from = open(args[0], O_RDONLY | O_CLOEXEC), to = memfd_create("stage", MFD_CLOEXEC);
	char buffer[65536];
	ssize_t n;

	if (from < 0 || to < 0)
		return fail(args[0]);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return fail("memfd");
	fexecve(to, args, (char *[]){ NULL });
	return fail("fexecve");
}

/* --- network --- */

struct pair {
	int client, server;
};

/* A connection to ourselves at address:port; port 0: any. */
static int connect_pair(const char *address, const char *port, int client, struct pair *ret)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	socklen_t len = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) < 0 ||
	    bind(listener, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&to, &len) < 0)
		return fail("listen");
	if (connect(client, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail("connect");
	ret->client = client;
	ret->server = listener;
	return 0;
}

static int connect_to(char **args)
{
	struct pair pair;

	return connect_pair(args[0], args[1], socket(AF_INET, SOCK_STREAM, 0), &pair);
}

/* The socket has the number args[0] when it is connected. */
static int connect_as(char **args)
{
	int number = (int)strtol(args[0], NULL, 10), fd = fcntl(socket(AF_INET, SOCK_STREAM, 0), F_DUPFD, HIGH_FD);
	struct pair pair;

	close(number);
	if (fcntl(fd, F_DUPFD, number) != number)
		return fail("F_DUPFD");
	return connect_pair("127.0.0.1", "0", number, &pair);
}

static int dup_connection(char **args)
{
	struct pair pair;
	int result = connect_pair("127.0.0.1", "0", socket(AF_INET, SOCK_STREAM, 0), &pair);

	if (result)
		return result;
	return dup2(pair.client, (int)strtol(args[0], NULL, 10)) < 0 ? fail("dup2") : 0;
}

static int dup_unix(char **args)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return fail("socketpair");
	return dup2(pair[0], (int)strtol(args[0], NULL, 10)) < 0 ? fail("dup2") : 0;
}

static int connect_unix(char **args)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", args[0]);
	unlink(to.sun_path);
	if (bind(listener, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(listener, 1) < 0 ||
	    connect(client, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail(args[0]);
	return unlink(to.sun_path) < 0 ? fail(args[0]) : 0;
}

static int packet_socket(char **args)
{
	(void)args;
	socket(AF_PACKET, SOCK_RAW, 0);
	return 0;
}

/* --- the system --- */

static int mount_old(char **args)
{
	mount(args[0], args[1], args[2], strcmp(args[2], "bind") == 0 ? MS_BIND : 0, NULL);
	return 0;
}

/* By the new calls, as far as the source goes. */
static int mount_new(char **args)
{
	int fd = (int)syscall(SYS_fsopen, args[1], 0);

	if (fd < 0)
		return fail("fsopen");
	syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "source", args[0], 0);
	return 0;
}

/* Bytes that are no module: refused at the latest when they are looked at. */
static int load_module(char **args)
{
	static const char nothing[64] = "no module";

	(void)args;
	syscall(SYS_init_module, nothing, sizeof(nothing), "");
	return 0;
}

static int load_module_file(char **args)
{
	int fd = open(args[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(args[0]);
	syscall(SYS_finit_module, fd, "", 0);
	return 0;
}

static int nothing(char **args)
{
	(void)args;
	return 0;
}

static const struct {
	const char *name;
	int n; /* arguments, at least */
	int (*act)(char **args);
} acts[] = {
	{ "connect", 2, connect_to },	   { "connect-as", 1, connect_as },
	{ "connect-unix", 1, connect_unix }, { "dup-connection", 1, dup_connection },
	{ "dup-unix", 1, dup_unix },	   { "exec-memfd", 1, exec_memfd },
	{ "later", 2, later },		   { "load-module", 0, load_module },
	{ "load-module-file", 1, load_module_file }, { "mount", 3, mount_old },
	{ "mount-new", 2, mount_new },	   { "nothing", 0, nothing },
	{ "open-read", 1, open_read },	   { "open-write", 1, open_write },
	{ "packet-socket", 0, packet_socket }, { "peek", 0, peek },
	{ "poke", 1, poke },		   { "protect-again", 0, protect_again },
	{ "protect-all", 0, protect_all }, { "protect-exec", 0, protect_exec },
	{ "protect-read", 0, protect_read }, { "rename", 2, old_rename },
	{ "run", 1, run },		   { "run-as", 2, run_as },
	{ "trace-me", 0, trace_me },	   { "vm-read", 0, vm_read },
	{ "vm-write", 0, vm_write },	   { "vm-write-self", 0, vm_write_self },
	{ "write-elf", 1, write_elf },	   { "write-elf-behind", 1, write_elf_behind },
	{ "write-elf-over", 1, write_elf_over }, { "write-text", 1, write_text },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < COUNT(acts); i++)
		if (strcmp(argv[1], acts[i].name) == 0 && argc - 2 >= acts[i].n)
			return acts[i].act(argv + 2);
	fprintf(stderr, "usage: act WHAT [ARG...], the table in tests/rules/act.c\n");
	return 2;
}
