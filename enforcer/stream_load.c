// SPDX-License-Identifier: Apache-2.0
/*
 * Life of the programs that tell events: open, load, attach. Contracts: stream_internal.h.
 *
 * Owns: the skeleton. Must not know: what a record says. Nothing is pinned: the links end with the process.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/stream_internal.h"
#include "enforcer/util.h"
/* Last: the skeleton only names struct hf_detect_switches. */
#include "detect.skel.h"

#define CPUS_MAX 8192 /* what Linux can be built for */

struct stream_kernel {
	struct detect_bpf *skel;
};

static int fail(char *reterr, size_t bytes, int err, const char *what)
{
	snprintf(reterr, bytes, "%s: %s", what, strerror(-err));
	return err;
}

static void choose_programs(struct detect_bpf *skel)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return;
	if (btf__find_by_name_kind(btf, "btf_trace_io_uring_submit_req", BTF_KIND_TYPEDEF) > 0)
		bpf_program__set_autoload(skel->progs.detect_uring, true);
	else if (btf__find_by_name_kind(btf, "btf_trace_io_uring_submit_sqe", BTF_KIND_TYPEDEF) > 0)
		bpf_program__set_autoload(skel->progs.detect_uring_old, true);
	btf__free(btf);
}

/* Its root is the host's, as detect_learn() sees it. */
static int learn_host(struct detect_bpf *skel)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(skel->progs.detect_learn), &opts) ? -errno : 0;
}

static int load(struct detect_bpf *skel, size_t ring_bytes, int tasks_fd)
{
	int err = bpf_map__set_max_entries(skel->maps.hf_detect_ring, (uint32_t)ring_bytes);

	if (!err && tasks_fd >= 0)
		err = bpf_map__reuse_fd(skel->maps.hf_tasks, tasks_fd);
	if (err)
		return err;
	choose_programs(skel);
	bpf_program__set_autoattach(skel->progs.detect_learn, false);
	return detect_bpf__load(skel);
}

static int start(struct stream_kernel *kernel, size_t ring_bytes, int tasks_fd, char *reterr, size_t bytes)
{
	int err;

	kernel->skel = detect_bpf__open();
	if (!kernel->skel)
		return fail(reterr, bytes, -errno, "cannot open the programs that tell events");
	err = load(kernel->skel, ring_bytes, tasks_fd);
	if (err)
		return fail(reterr, bytes, err, "the kernel refused the programs that tell events");
	stream_calls_fill(&kernel->skel->bss->hf_detect_switches);
	err = learn_host(kernel->skel);
	if (err)
		return fail(reterr, bytes, err, "cannot learn which root is the host's");
	err = detect_bpf__attach(kernel->skel);
	return err ? fail(reterr, bytes, err, "cannot attach the programs that tell events") : 0;
}

int stream_kernel_open(size_t ring_bytes, int tasks_fd, struct stream_kernel **ret, char *reterr, size_t reterr_bytes)
{
	struct stream_kernel *kernel = calloc(1, sizeof(*kernel));
	int err;

	if (!kernel)
		return fail(reterr, reterr_bytes, -ENOMEM, "cannot open the programs that tell events");
	err = start(kernel, ring_bytes, tasks_fd, reterr, reterr_bytes);
	if (err) {
		stream_kernel_close(&kernel);
		return err;
	}
	*ret = kernel;
	return 0;
}

void stream_kernel_close(struct stream_kernel **kernel)
{
	if (!*kernel)
		return;
	detect_bpf__destroy((*kernel)->skel);
	free(*kernel);
	*kernel = NULL;
}

void stream_kernel_view(const struct stream_kernel *kernel, struct stream_kernel_view *ret)
{
	const struct detect_bpf *skel = kernel->skel;

	*ret = (struct stream_kernel_view){
		.wants = skel->bss->hf_detect_switches.wants,
		.own_tgid = &skel->bss->hf_detect_switches.own_tgid,
		.lose_every = &skel->bss->hf_detect_switches.lose_every,
		.shares = skel->bss->hf_detect_shares,
		.classes = skel->bss->hf_detect_switches.classes,
		.ring_fd = bpf_map__fd(skel->maps.hf_detect_ring),
		.count_fd = bpf_map__fd(skel->maps.hf_detect_count),
		.unseen_fd = bpf_map__fd(skel->maps.hf_detect_unseen),
		.prefixes_fd = bpf_map__fd(skel->maps.hf_detect_prefixes),
		.names_fd = bpf_map__fd(skel->maps.hf_detect_names),
		.ring_bytes = bpf_map__max_entries(skel->maps.hf_detect_ring),
	};
}

int stream_kernel_sum(int fd, uint32_t key, uint64_t *sums, size_t n)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_(free_ptr) uint64_t *values = NULL;

	if (cpus <= 0 || cpus > CPUS_MAX)
		return cpus < 0 ? cpus : -ERANGE;
	values = calloc((size_t)cpus, n * sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &key, values))
		return -errno;
	memset(sums, 0, n * sizeof(*sums));
	for (size_t i = 0; i < (size_t)cpus * n; i++)
		sums[i % n] += values[i];
	return 0;
}
