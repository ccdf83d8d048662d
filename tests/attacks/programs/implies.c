// SPDX-License-Identifier: Apache-2.0
/*
 * usage: implies WAY: asks for the personality under which readable memory is executable, then looks whether the heap is.
 * heap: by the call of 64-bit programs; heap-32: by that of 32-bit ones (int 0x80); map: maps data instead of a heap;
 * other: asks for other personalities, and what it is, as honest programs do.
 */
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define PAGE 4096
#define SYS_PERSONALITY_32 136

static long call_32(unsigned long wanted)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(SYS_PERSONALITY_32), "b"(wanted) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* Whether the page at @at is executable, by /proc/self/maps. */
static int is_code(const char *at)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t start, end;
	char prot[8], line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &start, &end, prot) == 3 && start <= (uintptr_t)at && (uintptr_t)at < end)
			return prot[2] == 'x';
	}
	return 0;
}

static int look_at(const char *what, char *at)
{
	if (at == MAP_FAILED)
		return attack_say(what, -errno);
	*(volatile char *)at = 1;
	if (is_code(at))
		return attack_say(what, 0);
	printf("%s: no code\n", what);
	return 1;
}

static int other(void)
{
	long now = personality(0xffffffff);

	attack_must("query", now);
	attack_must("addresses", personality((unsigned long)now | ADDR_NO_RANDOMIZE));
	attack_must("32 bits", personality(PER_LINUX32));
	attack_must("back", personality((unsigned long)now));
	return attack_say("other", 0);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	long result;

	if (!strcmp(way, "other"))
		return other();
	result = strcmp(way, "heap-32") ? personality(READ_IMPLIES_EXEC) : call_32(READ_IMPLIES_EXEC);
	if (result < 0)
		return attack_say(way, result == -1 ? -errno : result);
	if (!strcmp(way, "map"))
		return look_at(way, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	return look_at(way, (char *)sbrk(2 * PAGE) + PAGE);
}
