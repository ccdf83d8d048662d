// SPDX-License-Identifier: Apache-2.0
/*
 * The system call filter of the running daemon: what is listed works, everything else does not.
 *
 * Owns: libseccomp. Must not know: capabilities. Contracts: privilege.h.
 *
 * A call that is not listed fails with EPERM and is logged by the kernel: a libc that tries something new must not end
 * the daemon. A call that only somebody who took the daemon over would make (running a program, joining a namespace,
 * touching another process or the kernel) kills it at once, which systemd reports and which costs no protection: the
 * pinned programs go on. Threads are made before the filter, which then covers them all. The processes that read images have
 * filters of their own: the spawner's, and a narrower one for its children on top.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "enforcer/privilege.h"
#include "enforcer/util.h"

#define WORKER_PROGRAM_MAX 1024 /* instructions; it has some 200 */

static const int allowed[] = {
	/* the loop */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(eventfd2), SCMP_SYS(signalfd4),
	/* files: images, /proc, policies, logs, state */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
	SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(fadvise64),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fgetxattr), /* capabilities of a copy */ SCMP_SYS(statfs), SCMP_SYS(fstatfs),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(getdents64), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
	SCMP_SYS(flock), SCMP_SYS(dup), SCMP_SYS(dup3), SCMP_SYS(umask), SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch),
	/* the sockets; none but AF_UNIX can be made */
	SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
	SCMP_SYS(recvfrom), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(shutdown),
	/* holding the first process of a container that is adopted; nothing can be sent or taken through it */
	SCMP_SYS(pidfd_open),
	/* memory; mmap and mprotect by their arguments */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* threads, signals, time, randomness, who we are */
	SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(sigaltstack),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(getppid),
	SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname),
	SCMP_SYS(sysinfo), SCMP_SYS(getrusage), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static const int deadly[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(fsopen), SCMP_SYS(fsmount),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
};

/* A child that scans and hashes; everything it opens it opens for reading, and it makes no socket. */
static const int worker_allowed[] = {
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(openat2), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fcntl),
	SCMP_SYS(fadvise64), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(getdents64),
	SCMP_SYS(fgetxattr), /* whether a file has capabilities */
	SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Calls that end the child: nothing it reads gives a reason to make them. */
static const int worker_deadly[] = {
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind),
	SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal), SCMP_SYS(bpf), SCMP_SYS(keyctl),
	SCMP_SYS(io_uring_setup), SCMP_SYS(userfaultfd), SCMP_SYS(perf_event_open),
};

/* The spawner on top of what its children may do, which inherit its filter and get theirs below it. */
static const int spawner_allowed[] = {
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(socketpair),
	SCMP_SYS(setsockopt), SCMP_SYS(kill), SCMP_SYS(wait4), SCMP_SYS(pidfd_open), SCMP_SYS(getppid),
	/* its children, until they have their own filter */
	SCMP_SYS(openat), SCMP_SYS(write), SCMP_SYS(prctl), SCMP_SYS(prlimit64), SCMP_SYS(setrlimit), SCMP_SYS(seccomp),
	SCMP_SYS(sched_setscheduler), SCMP_SYS(ioprio_set), SCMP_SYS(landlock_create_ruleset),
	SCMP_SYS(landlock_restrict_self),
};

/* Maps are read and written; nothing is loaded, attached or looked up by number. */
static const int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,	     BPF_MAP_UPDATE_ELEM,      BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY,	     BPF_MAP_LOOKUP_BATCH,     BPF_MAP_UPDATE_BATCH,
	BPF_MAP_DELETE_BATCH,	     BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_LOOKUP_AND_DELETE_BATCH,
	BPF_OBJ_GET_INFO_BY_FD,
	BPF_ITER_CREATE, /* of links that are open already: a survey of what runs */
};

static int set_attributes(scmp_filter_ctx ctx)
{
	int err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);

	if (err == 0)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 1);
	if (err == 0)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* Kernels that cannot log, and libraries that cannot sort, filter all the same. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return err;
}

/* A call that this architecture does not have has a negative number and needs no rule. */
static int add_rules(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < n; i++)
		if (calls[i] >= 0)
			err = seccomp_rule_add(ctx, action, calls[i], 0);
	return err;
}

static int allow_if(scmp_filter_ctx ctx, int call, struct scmp_arg_cmp condition)
{
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &condition);
}

static int add_argument_rules(scmp_filter_ctx ctx)
{
	int err = allow_if(ctx, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (err == 0)
		err = allow_if(ctx, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (err == 0) /* sd_notify() opens one for each message */
		err = allow_if(ctx, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (err == 0) /* isatty(), stdio */
		err = allow_if(ctx, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS));
	if (err == 0) /* abort() */
		err = allow_if(ctx, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	if (err == 0) /* asking for a limit, not setting one */
		err = allow_if(ctx, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0));
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(bpf_commands); i++)
		err = allow_if(ctx, SCMP_SYS(bpf), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)bpf_commands[i]));
	return err;
}

static int build_and_load(scmp_filter_ctx ctx, const char **ret_step)
{
	int err;

	*ret_step = "prepare the system call filter";
	err = set_attributes(ctx);
	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_ALLOW, allowed, ARRAY_SIZE(allowed));
	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
	if (err == 0)
		err = add_argument_rules(ctx);
	if (err < 0)
		return err;
	*ret_step = "install the system call filter on all threads";
	return seccomp_load(ctx);
}

/* Memory that is not code, files for reading, the end of the own process by abort(). */
static int add_worker_argument_rules(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp private_data[] = { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
					       SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0) };
	int err = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), ARRAY_SIZE(private_data), private_data);

	if (err == 0)
		err = allow_if(ctx, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (err == 0)
		err = allow_if(ctx, SCMP_SYS(openat),
			       SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY));
	return err;
}

static int build_spawner(scmp_filter_ctx ctx)
{
	int err = set_attributes(ctx);

	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_ALLOW, worker_allowed, ARRAY_SIZE(worker_allowed));
	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_ALLOW, spawner_allowed, ARRAY_SIZE(spawner_allowed));
	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
	if (err == 0)
		err = allow_if(ctx, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (err == 0)
		err = allow_if(ctx, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err;
}

static int build_worker(scmp_filter_ctx ctx)
{
	int err = set_attributes(ctx);

	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_ALLOW, worker_allowed, ARRAY_SIZE(worker_allowed));
	if (err == 0)
		err = add_worker_argument_rules(ctx);
	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
	if (err == 0)
		err = add_rules(ctx, SCMP_ACT_KILL_PROCESS, worker_deadly, ARRAY_SIZE(worker_deadly));
	return err;
}

int privilege_filter_spawner(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = ctx ? build_spawner(ctx) : -ENOMEM;

	if (err == 0)
		err = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}

/* The children's filter as the kernel takes it: building one costs more than a child. */
static struct sock_filter worker_program[WORKER_PROGRAM_MAX];
static unsigned short worker_program_length;

static int export_program(scmp_filter_ctx ctx)
{
	_cleanup_(close_fd) int fd = memfd_create("filter", MFD_CLOEXEC);
	int err = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
	ssize_t n;

	if (err < 0)
		return err;
	n = pread(fd, worker_program, sizeof(worker_program), 0);
	if (n <= 0 || (size_t)n == sizeof(worker_program) || (size_t)n % sizeof(worker_program[0]))
		return -EIO;
	worker_program_length = (unsigned short)((size_t)n / sizeof(worker_program[0]));
	return 0;
}

int privilege_prepare_worker(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = ctx ? build_worker(ctx) : -ENOMEM;

	if (err == 0)
		err = export_program(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}

int privilege_filter_worker(void)
{
	struct sock_fprog program = { .len = worker_program_length, .filter = worker_program };

	if (!program.len)
		return -EINVAL;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? -errno : 0;
}

int privilege_filter(char *reterr)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	const char *step = "make a system call filter";
	int err = ctx ? build_and_load(ctx, &step) : -ENOMEM;

	if (ctx)
		seccomp_release(ctx);
	if (err < 0 && reterr)
		snprintf(reterr, PRIVILEGE_ERROR_BYTES, "cannot %s: %s", step, strerror(-err));
	return err;
}
