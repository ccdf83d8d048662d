// SPDX-License-Identifier: Apache-2.0
/* A program of the image that needs lib.so, looked for in plugins/ beside it and then beside it; linked twice: with the usual loader, and with one beside it (a relative path). */
#include <sys/syscall.h>

int victim_answer(void);
void _start(void);

void _start(void)
{
	long status = victim_answer() - 42;

	for (;;)
		__asm__ volatile("syscall" ::"a"(SYS_exit_group), "D"(status) : "rcx", "r11", "memory");
}
