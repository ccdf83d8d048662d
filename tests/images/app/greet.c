// SPDX-License-Identifier: Apache-2.0
/* A library of the image: marks that its constructor ran. */
#include <unistd.h>

int greet_answer(void);

int greet_answer(void)
{
	return 42;
}

__attribute__((constructor)) static void announce(void)
{
	static const char text[] = "library constructor ran\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
}
