// SPDX-License-Identifier: Apache-2.0
/*
 * The canary: /proc/self/exe executed by a child that the kernel half takes for a container without an image.
 */
#include "enforcer/canary.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/lsm.h"
#include "enforcer/policy_compile.h"
#include "enforcer/restore.h"
#include "enforcer/util.h"

#define CANARY_ID 1u /* hf_container.id of the two slots that are no containers; real ids are wall clock times */
#define UNKNOWN_ID 2u
#define CHILD_DENIED 43 /* execve said EPERM */
#define CHILD_FAILED 44 /* execve said something else */

static void fill_own_slot(struct lsm *lsm, uint32_t slot, uint64_t id)
{
	struct hf_container *record = lsm_container(lsm, slot);

	record->policy = slot; /* the policy slots of the same numbers are theirs */
	__atomic_store_n(&record->id, id, __ATOMIC_RELEASE);
}

void canary_prepare(struct lsm *lsm)
{
	policy_compile_canary(lsm_policy(lsm, HF_SLOT_CANARY));
	policy_compile_unknown(lsm_policy(lsm, HF_SLOT_UNKNOWN), POLICY_MODE_AUDIT);
	fill_own_slot(lsm, HF_SLOT_CANARY, CANARY_ID);
	fill_own_slot(lsm, HF_SLOT_UNKNOWN, UNKNOWN_ID);
}

/* The child: waits until the parent has let it loose, then tries. Only async-signal-safe calls. */
static void child(int go_fd)
{
	static char *const argv[] = { "holdfastd", CANARY_ARGUMENT, NULL };
	static char *const envp[] = { NULL };
	char byte;

	if (read(go_fd, &byte, 1) != 1)
		_exit(CHILD_FAILED);
	execve("/proc/self/exe", argv, envp);
	_exit(errno == EPERM ? CHILD_DENIED : CHILD_FAILED);
}

/* One try, judged or not. The child's exit status, or -errno. */
static int try(struct lsm *lsm, bool judged)
{
	int go[2], status;
	pid_t pid;

	if (pipe(go))
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		child(go[0]);
	}
	close(go[0]);
	if (pid < 0) {
		close(go[1]);
		return -EAGAIN;
	}
	if (judged) {
		lsm_config(lsm)->canary_start = (uint32_t)restore_start_of_pid(pid);
		__atomic_store_n(&lsm_config(lsm)->canary_tgid, (uint32_t)pid, __ATOMIC_RELEASE);
	}
	if (write(go[1], "g", 1) != 1)
		status = -EIO;
	close(go[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	__atomic_store_n(&lsm_config(lsm)->canary_tgid, 0, __ATOMIC_RELEASE);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

int canary_prove(struct lsm *lsm, char *reterr, size_t reterr_bytes)
{
	int twin = try(lsm, false), denied;

	if (twin != CANARY_RAN) {
		snprintf(reterr, reterr_bytes, "the canary's twin did not run (%d): cannot execute /proc/self/exe", twin);
		return -ENOEXEC;
	}
	denied = try(lsm, true);
	if (denied == CHILD_DENIED)
		return 0;
	snprintf(reterr, reterr_bytes,
		 "the canary, which must be denied, was not (%d): the hooks are attached but do not decide%s", denied,
		 denied == CANARY_RAN ? "" : "; see the kernel's log");
	return -EKEYREJECTED;
}
