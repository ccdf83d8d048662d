// SPDX-License-Identifier: Apache-2.0
/* A library for languages that load native code: linked, opened by name, or unpacked by a Java program. */
int work_answer(void);
int JNI_OnLoad(void *vm, void *reserved);

int work_answer(void)
{
	return 4950;
}

/* Java asks which version of its interface is meant: 1.8. */
int JNI_OnLoad(void *vm, void *reserved)
{
	(void)vm;
	(void)reserved;
	return 0x00010008;
}
