// SPDX-License-Identifier: Apache-2.0
/* usage: kernel-maps: uses the mappings that the kernel makes by itself: the ring of asynchronous I/O, the vDSO, the vsyscall page. */
#include <linux/aio_abi.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define VSYSCALL_GETTIMEOFDAY 0xffffffffff600000ul

static int has_vsyscall(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "--xp") && strstr(line, "[vsyscall]"))
			return 1;
	}
	return 0;
}

int main(void)
{
	int (*get_time)(struct timeval *, void *) = (void *)VSYSCALL_GETTIMEOFDAY;
	aio_context_t ring = 0;
	struct timespec now;
	struct timeval then;

	attack_must("io_setup", syscall(SYS_io_setup, 8, &ring));
	attack_must("clock_gettime", clock_gettime(CLOCK_MONOTONIC, &now));
	attack_must("io_destroy", syscall(SYS_io_destroy, ring));
	if (!getauxval(AT_SYSINFO_EHDR))
		return attack_skip("no vDSO here");
	if (has_vsyscall())
		attack_must("vsyscall", get_time(&then, NULL));
	return attack_say("kernel-maps", 0);
}
