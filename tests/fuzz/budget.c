// SPDX-License-Identifier: Apache-2.0
/*
 * What one input may cost: is linked around each fuzzer's LLVMFuzzerTestOneInput() and aborts, so that the input is kept, when
 * it took more. Must not know what is fuzzed.
 */
#include <sanitizer/allocator_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* 100 ms for the program as it is shipped; sanitizers and coverage make it up to ten times slower. */
#define INPUT_MS_MAX (100 * 10)
#define INPUT_BYTES_MAX (64 << 20)

/* The linker's --wrap names these. */
int __real_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	double slowest_ms;
	size_t live, peak, most;
	size_t inputs;
} spent;

static void count_malloc(const volatile void *at, size_t size)
{
	(void)at;
	spent.live += size;
	if (spent.live > spent.peak)
		spent.peak = spent.live;
}

static void count_free(const volatile void *at)
{
	const size_t size = at ? __sanitizer_get_allocated_size((const void *)at) : 0;

	spent.live -= size < spent.live ? size : spent.live;
}

static void tell(void)
{
	printf("budget: %zu inputs, slowest %.1f ms, most %.1f MiB\n", spent.inputs, spent.slowest_ms, (double)spent.most / (1 << 20));
	fflush(stdout);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	double ms = now_ms();
	int r;

	if (!spent.inputs++) {
		__sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);
		atexit(tell);
	}
	spent.live = spent.peak = 0;
	r = __real_LLVMFuzzerTestOneInput(data, size);
	ms = now_ms() - ms;
	if (ms > spent.slowest_ms)
		spent.slowest_ms = ms;
	if (spent.peak > spent.most)
		spent.most = spent.peak;
	if (ms > INPUT_MS_MAX || spent.peak > INPUT_BYTES_MAX) {
		fprintf(stderr, "an input of %zu bytes took %.1f ms and %zu bytes\n", size, ms, spent.peak);
		abort();
	}
	return r;
}
