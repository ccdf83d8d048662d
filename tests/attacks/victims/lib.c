// SPDX-License-Identifier: Apache-2.0
/* A library of the image, without any other: its constructor says that its code ran. */
#include <sys/syscall.h>

int victim_answer(void);

int victim_answer(void)
{
	return 42;
}

__attribute__((constructor)) static void announce(void)
{
	static const char text[] = "code ran\n";
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_write), "D"(1L), "S"(text), "d"(sizeof(text) - 1)
			 : "rcx", "r11", "memory");
	(void)ret;
}
