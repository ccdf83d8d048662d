// SPDX-License-Identifier: Apache-2.0
/* A program of the image: says that it ran. */
#include <stdio.h>

int main(int argc, char **argv)
{
	printf("hello from %s\n", argc > 1 ? argv[1] : "the image");
	return 0;
}
