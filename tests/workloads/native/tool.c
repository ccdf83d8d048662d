// SPDX-License-Identifier: Apache-2.0
/* A program of the image; linked with work.c's library it asks that for the answer. */
#include <stdio.h>

#ifdef WITH_LIBRARY
int work_answer(void);
#else
static int work_answer(void)
{
	return 4950;
}
#endif

int main(void)
{
	return printf("tool: %d\n", work_answer()) > 0 ? 0 : 1;
}
