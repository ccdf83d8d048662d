// SPDX-License-Identifier: Apache-2.0
/*
 * Life of the kernel half: open, load, attach, pin, take over.
 *
 * Owns: the order of those steps and the pins. Must not know: what the maps hold.
 *
 *   I1  Once a link is pinned there is always a pinned link of that hook: a new one is renamed over the old one.
 *   I2  Maps are pinned before any program is attached, so that a second daemon never starts with empty maps beside
 *       programs that use the full ones.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/util.h"
#include "holdfast.skel.h"

#define PIN_PATH_BYTES 256

/* The last complaint of libbpf, which is the one that names the cause. */
static char last_complaint[512];
static bool print_all;

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];
	va_list again;

	if (level == LIBBPF_DEBUG)
		return 0;
	va_copy(again, args);
	if (print_all)
		vfprintf(stderr, format, again);
	va_end(again);
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	if (level == LIBBPF_WARN && !strstr(line, "failed to load object") && !strstr(line, "failed to load BPF"))
		snprintf(last_complaint, sizeof(last_complaint), "%s", line);
	return 0;
}

static int fail(char *reterr, size_t bytes, int err, const char *what, const char *remedy)
{
	snprintf(reterr, bytes, "%s: %s%s%.180s%s%s", what, strerror(-err), last_complaint[0] ? " (" : "", last_complaint,
		 last_complaint[0] ? ")" : "", remedy);
	return err;
}

static int make_folder(const char *path)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	return 0;
}

bool lsm_kernel_has_function(const char *name)
{
	static struct btf *btf; /* some MB to parse: once, for as long as the process lives */

	if (!btf)
		btf = btf__load_vmlinux_btf();
	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* Gives every map its pin, and notes whether one was there. */
static int set_pins(struct lsm *lsm)
{
	char path[PIN_PATH_BYTES];
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, lsm->skel->obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_UNSPEC || strchr(bpf_map__name(map), '.'))
			continue; /* .rodata of the programs: belongs to one load */
		snprintf(path, sizeof(path), LSM_PIN_FOLDER "/%s", bpf_map__name(map));
		if (access(path, F_OK) == 0)
			lsm->took_over = true;
		err = bpf_map__set_pin_path(map, path);
		if (err)
			return err;
	}
	return 0;
}

static int pin_link(struct bpf_link *link, const char *name)
{
	char path[PIN_PATH_BYTES], fresh[PIN_PATH_BYTES];
	int err;

	snprintf(path, sizeof(path), LSM_PIN_FOLDER "/link_%s", name);
	snprintf(fresh, sizeof(fresh), LSM_PIN_FOLDER "/new_%s", name);
	unlink(fresh); /* of a daemon that was killed between pin and rename */
	err = bpf_link__pin(link, fresh);
	if (err)
		return err;
	return rename(fresh, path) ? -errno : 0;
}

/* The link pointer of each program in the skeleton, so that destroying the skeleton closes our descriptor. */
static int attach_all(struct lsm *lsm)
{
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program(prog, lsm->skel->obj) {
		struct bpf_link *link;

		if (bpf_program__type(prog) != BPF_PROG_TYPE_LSM || !bpf_program__autoload(prog))
			continue;
		link = bpf_program__attach_lsm(prog);
		if (!link)
			return -errno;
		err = pin_link(link, bpf_program__name(prog));
		bpf_link__disconnect(link); /* the pin keeps it; destroy must not unpin */
		bpf_link__destroy(link);
		if (err)
			return err;
	}
	return 0;
}

static int load(struct lsm *lsm, const struct lsm_limits *limits, char *reterr, size_t bytes)
{
	int err;

	lsm->skel = holdfast_bpf__open();
	if (!lsm->skel)
		return fail(reterr, bytes, -errno, "cannot open the kernel half", "");
	lsm->has_backing_hook = lsm_kernel_has_function("bpf_lsm_mmap_backing_file");
	bpf_program__set_autoload(lsm->skel->progs.hf_mmap_backing, lsm->has_backing_hook);
	bpf_program__set_autoload(lsm->skel->progs.hf_ftruncate, lsm_kernel_has_function("bpf_lsm_file_truncate"));
	if (make_folder(HF_PIN_DIR) || make_folder(LSM_PIN_FOLDER))
		return fail(reterr, bytes, -errno, "cannot make " LSM_PIN_FOLDER,
			    "; is a bpf file system mounted? mount -t bpf bpf /sys/fs/bpf");
	err = set_pins(lsm);
	if (!err)
		err = lsm_size_maps(lsm, limits);
	if (!err)
		err = holdfast_bpf__load(lsm->skel);
	if (err == -EINVAL && lsm->took_over)
		return fail(reterr, bytes, err, "the maps pinned in " LSM_PIN_FOLDER " do not fit this holdfastd",
			    "; stop it and run holdfastd --unload first");
	if (err)
		return fail(reterr, bytes, err, "the kernel refused the programs", "; see holdfast doctor");
	return 0;
}

int lsm_open(const struct lsm_limits *limits, struct lsm **ret, char *reterr, size_t reterr_bytes)
{
	struct lsm *lsm = calloc(1, sizeof(*lsm));
	int err;

	if (!lsm)
		return -ENOMEM;
	print_all = getenv("HOLDFAST_LIBBPF_LOG") != NULL;
	libbpf_set_print(keep_complaint);
	last_complaint[0] = '\0';
	err = load(lsm, limits, reterr, reterr_bytes);
	if (!err) {
		err = lsm_maps_open(lsm);
		if (err)
			fail(reterr, reterr_bytes, err, "cannot map the kernel half's tables", "");
	}
	if (!err) {
		err = attach_all(lsm);
		if (err)
			fail(reterr, reterr_bytes, err, "cannot attach the hooks", "; see holdfast doctor");
	}
	if (err) {
		lsm_close(&lsm);
		return err;
	}
	*ret = lsm;
	return 0;
}

void lsm_close(struct lsm **lsm)
{
	if (!*lsm)
		return;
	lsm_maps_close(*lsm);
	holdfast_bpf__destroy((*lsm)->skel);
	free(*lsm);
	*lsm = NULL;
}

bool lsm_took_over(const struct lsm *lsm)
{
	return lsm->took_over;
}

bool lsm_has_hook(const struct lsm *lsm, const char *name)
{
	static const char *const always[] = { "bprm_creds_for_exec", "bprm_check_security", "mmap_file",
					      "file_mprotect", "task_alloc", "sb_statfs",
					      "file_open", "path_truncate", "inode_post_setxattr" };

	if (!strcmp(name, "mmap_backing_file"))
		return lsm->has_backing_hook;
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (!strcmp(name, always[i]))
			return true;
	}
	return false;
}

int lsm_enrol_register(struct lsm *lsm)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(lsm->skel->progs.hf_register), &opts);

	if (err)
		return err;
	return (int)opts.retval;
}
