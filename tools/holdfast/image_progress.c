// SPDX-License-Identifier: Apache-2.0
/* Progress of a long look at an image: one line on a terminal, drawn over and over; nothing anywhere else. And Ctrl-C. */
#include <signal.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/image.h"

#define DRAW_NS (NSEC_PER_SEC / 10)
#define BAR_CELLS 24

static atomic_bool interrupted;

static void note_interrupt(int signal)
{
	(void)signal;
	atomic_store_explicit(&interrupted, true, memory_order_relaxed);
}

const atomic_bool *image_catch_interrupt(void)
{
	struct sigaction action = { .sa_handler = note_interrupt, .sa_flags = (int)(SA_RESETHAND | SA_RESTART) };

	atomic_store(&interrupted, false);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return &interrupted;
}

void image_progress_start(struct image_progress *progress, const struct cli *cli, const char *doing, uint64_t total_bytes)
{
	*progress = (struct image_progress){
		.cli = cli,
		.doing = doing,
		.total_bytes = total_bytes,
		.started_ns = clock_ns(CLOCK_MONOTONIC),
	};
}

double image_progress_seconds(const struct image_progress *progress)
{
	return (double)(clock_ns(CLOCK_MONOTONIC) - progress->started_ns) / (double)NSEC_PER_SEC;
}

static void draw_known(const struct image_progress *progress, uint64_t bytes, double seconds, const char *rate)
{
	double share = (double)bytes / (double)progress->total_bytes;
	unsigned int cells = (unsigned int)((share > 1 ? 1 : share) * BAR_CELLS);
	char bar[BAR_CELLS + 1], left[64] = "", total[32], done[32];

	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', cells);
	bar[BAR_CELLS] = '\0';
	if (share > 0.01 && share <= 1)
		cli_duration_format((uint64_t)(seconds / share * (1 - share)) + 1, left, sizeof(left));
	cli_size_format(progress->total_bytes, total, sizeof(total));
	cli_size_format(bytes, done, sizeof(done));
	fprintf(progress->cli->err, "\r\033[K%s [%s] %3.0f%%  %s of %s  %s/s%s%s", progress->doing, bar, share * 100, done, total,
		rate, left[0] ? "  ETA " : "", left);
}

void image_progress_show(struct image_progress *progress, uint64_t files, uint64_t bytes)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	double seconds = image_progress_seconds(progress);
	char done[32], rate[32];

	if (!progress->cli->progress || now - progress->drawn_ns < DRAW_NS)
		return;
	progress->drawn_ns = now;
	cli_size_format(seconds > 0 ? (uint64_t)((double)bytes / seconds) : 0, rate, sizeof(rate));
	if (progress->total_bytes) {
		draw_known(progress, bytes, seconds, rate);
	} else {
		cli_size_format(bytes, done, sizeof(done));
		fprintf(progress->cli->err, "\r\033[K%s: %llu files, %s, %.0f files/s", progress->doing,
			(unsigned long long)files, done, seconds > 0 ? (double)files / seconds : 0);
	}
	fflush(progress->cli->err);
}

void image_progress_end(const struct image_progress *progress)
{
	if (progress->drawn_ns)
		fputs("\r\033[K", progress->cli->err);
}
