// SPDX-License-Identifier: Apache-2.0
/* A program that needs the dynamic loader and libc, and ends. */
int main(void)
{
	return 0;
}
