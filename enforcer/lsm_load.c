// SPDX-License-Identifier: Apache-2.0
/*
 * Life of the kernel half: open, load, attach, pin, take over.
 *
 * Owns: the order of those steps and the pins of this version. Must not know: what the maps hold.
 *
 *   I1  Once a link is pinned there is always a pinned link of that hook: a new one is renamed over the old one, and one that
 *       this build has no program for goes only after all of the new ones are in.
 *   I2  Maps are pinned before any program is attached, so that a second daemon never starts with empty maps beside
 *       programs that use the full ones.
 *   I3  Maps are taken over only if their programs judge. What was half made, or retired by another version, is made anew.
 *   I4  Programs are loaded again only if the pinned ones are another build's: hf_config.object is set after the last link
 *       and cleared before the first.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/util.h"
#include "holdfast.skel.h"

static const char do_not_fit[] = "the maps pinned in " LSM_PIN_FOLDER " do not fit this holdfastd";
static const char not_ours[] = "; another holdfastd's programs protect them against this one, which lies in another folder: "
			       "holdfast unlock, or unload with that one first";
static const char unload_first[] = "; stop it and run holdfastd --unload first";

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

static struct btf *kernel_btf; /* some MB to parse: once, until lsm_forget_kernel() */

static struct btf *kernel_types(void)
{
	if (!kernel_btf)
		kernel_btf = btf__load_vmlinux_btf();
	return kernel_btf;
}

bool lsm_kernel_has_function(const char *name)
{
	const struct btf *btf = kernel_types();

	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

void lsm_forget_kernel(void)
{
	btf__free(kernel_btf);
	kernel_btf = NULL;
}

/* Whether a struct of the kernel has a member. */
static bool kernel_has_member(const char *type, const char *member)
{
	const struct btf *btf = kernel_types();
	int id = btf ? btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (__u32 i = 0; t && i < btf_vlen(t); i++) {
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return true;
	}
	return false;
}

/* Kernels with AT_EXECVE_CHECK, which only bprm_creds_for_exec sees. */
static bool has_exec_check(void)
{
	return kernel_has_member("linux_binprm", "is_check");
}

/* Where a map is pinned; false: it is not, as .rodata, which belongs to one load. */
static bool pin_of(const struct bpf_map *map, char path[LSM_PATH_BYTES])
{
	const char *name = bpf_map__name(map);

	if (bpf_map__type(map) == BPF_MAP_TYPE_UNSPEC || strchr(name, '.'))
		return false;
	if (!strcmp(name, "hf_tasks"))
		snprintf(path, LSM_PATH_BYTES, HF_PIN_DIR "/" LSM_TASKS_NAME);
	else
		snprintf(path, LSM_PATH_BYTES, LSM_PIN_FOLDER "/%s", name);
	return true;
}

static int set_pins(struct lsm *lsm)
{
	char path[LSM_PATH_BYTES];
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, lsm->skel->obj) {
		if (!err && pin_of(map, path))
			err = bpf_map__set_pin_path(map, path);
	}
	return err;
}

/* What stands in this version's pinned hf_config. -ENOENT: it has none; -EPROTO: of another layout. */
static int read_config(struct hf_config *ret)
{
	_cleanup_(close_fd) int fd = lsm_version_map(HF_ABI_VERSION, "hf_config");
	struct bpf_map_info info = { 0 };
	uint32_t zero = 0, bytes = sizeof(info);

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &bytes))
		return -errno;
	if (info.value_size != sizeof(*ret))
		return -EPROTO; /* of somebody who forgot to raise the version */
	return bpf_map_lookup_elem(fd, &zero, ret) ? -errno : 0;
}

bool lsm_in_force(void)
{
	struct hf_config found = { 0 };

	return read_config(&found) == 0 && found.enabled == HF_ENABLED_ALL;
}

/* Tells builds apart, not attackers: FNV-1a (draft-eastlake-fnv) over the object file and whether its load knew btrfs. Never 0. */
static uint64_t hash_object(void)
{
	const uint64_t prime = 0x100000001b3ull;
	uint64_t hash = 0xcbf29ce484222325ull;
	const unsigned char *bytes;
	size_t n;

	bytes = holdfast_bpf__elf_bytes(&n);
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * prime;
	hash = (hash ^ (access("/sys/kernel/btf/btrfs", F_OK) == 0)) * prime;
	return hash ? hash : 1;
}

/* Gives the skeleton the pinned maps and programs in place of a load. */
static int reuse_all(struct lsm *lsm)
{
	char path[LSM_PATH_BYTES];
	struct bpf_map *map;

	bpf_object__for_each_map(map, lsm->skel->obj) {
		_cleanup_(close_fd) int fd = -1;
		int err;

		if (!pin_of(map, path))
			continue;
		fd = bpf_obj_get(path);
		err = fd < 0 ? -errno : bpf_map__reuse_fd(map, fd);
		if (err)
			return err;
	}
	lsm->has_backing_hook = access(LSM_PIN_FOLDER "/link_hf_mmap_backing", F_OK) == 0;
	return 0;
}

/* How many arguments a function of the kernel has; 0: there is none of that name. */
static unsigned int count_arguments(const char *function)
{
	const struct btf *btf = kernel_types();
	int id = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	t = t ? btf__type_by_id(btf, t->type) : NULL;
	return t ? btf_vlen(t) : 0;
}

static void choose_programs(struct lsm *lsm)
{
	lsm->has_backing_hook = lsm_kernel_has_function("bpf_lsm_mmap_backing_file");
	bpf_program__set_autoload(lsm->skel->progs.hf_mmap_backing, lsm->has_backing_hook);
	bpf_program__set_autoload(lsm->skel->progs.hf_creds_exec, has_exec_check());
	bpf_program__set_autoload(lsm->skel->progs.hf_personality, lsm_kernel_has_function("__x64_sys_personality"));
	bpf_program__set_autoload(lsm->skel->progs.hf_personality_32, lsm_kernel_has_function("__ia32_sys_personality"));
	lsm->skel->rodata->traces_are_seen = lsm_kernel_has_function("arch_ptrace");
	bpf_program__set_autoload(lsm->skel->progs.hf_trace, lsm->skel->rodata->traces_are_seen);
	bpf_program__set_autoload(lsm->skel->progs.hf_trace_32, lsm_kernel_has_function("compat_arch_ptrace"));
	bpf_program__set_autoload(lsm->skel->progs.hf_ftruncate, lsm_kernel_has_function("bpf_lsm_file_truncate"));
	lsm->skel->rodata->perf_has_attributes = count_arguments("bpf_lsm_perf_event_open") != 1;
}

static int load(struct lsm *lsm, const struct lsm_limits *limits, char *reterr, size_t bytes)
{
	int err;

	choose_programs(lsm);
	err = set_pins(lsm);
	if (!err)
		err = lsm_size_maps(lsm, limits);
	lsm_forget_kernel(); /* libbpf brings its own, and beside both and the kernel's tables a memory limit is reached */
	if (!err)
		err = holdfast_bpf__load(lsm->skel);
	if (err == -EINVAL && lsm->took_over)
		return fail(reterr, bytes, err, do_not_fit, unload_first);
	if (err)
		return fail(reterr, bytes, err, "the kernel refused the programs", "; see holdfast doctor");
	return 0;
}

static int note_own(struct lsm *lsm, char *reterr, size_t bytes)
{
	int err = lsm_own_note(lsm);

	return err ? fail(reterr, bytes, err, "cannot note which maps and programs are ours", "") : 0;
}

static int attach(struct lsm *lsm, uint64_t object, char *reterr, size_t bytes)
{
	struct hf_config *config = lsm_config(lsm);
	int err;

	config->object = 0;
	lsm->attaching = true;
	err = lsm_pins_attach(lsm->skel->obj, &config->pins);
	if (!err)
		err = lsm_pins_remove_strangers(lsm->skel->obj);
	if (err)
		return fail(reterr, bytes, err, "cannot attach the hooks", "; see holdfast doctor");
	err = note_own(lsm, reterr, bytes);
	if (err)
		return err;
	__atomic_store_n(&config->object, object, __ATOMIC_RELEASE);
	return 0;
}

static int open_maps(struct lsm *lsm, char *reterr, size_t bytes)
{
	int err = lsm_maps_open(lsm);

	if (!err)
		err = lsm_surveys_open(lsm);
	return err ? fail(reterr, bytes, err, "cannot map the kernel half's tables", "") : 0;
}

/* Our folder as it was found: taken over, or cleared of what nobody's verdict rests on. */
static int look_at_pins(struct lsm *lsm, struct hf_config *found)
{
	int err;

	if (make_folder(HF_PIN_DIR) || make_folder(LSM_PIN_FOLDER))
		return -errno;
	*found = (struct hf_config){ 0 };
	err = read_config(found);
	lsm->took_over = (err && err != -ENOENT) || found->enabled == HF_ENABLED_ALL; /* what cannot be read may judge */
	if (err && err != -ENOENT)
		return err;
	return lsm->took_over ? 0 : lsm_remove_maps(LSM_PIN_FOLDER);
}

static int start(struct lsm *lsm, const struct lsm_limits *limits, char *reterr, size_t bytes)
{
	uint64_t object = hash_object();
	struct hf_config found;
	int err = look_at_pins(lsm, &found);

	if (err == -EPROTO)
		return fail(reterr, bytes, err, do_not_fit, unload_first);
	if (err == -EPERM)
		return fail(reterr, bytes, err, "the pins in " HF_PIN_DIR " may not be used", not_ours);
	if (err)
		return fail(reterr, bytes, err, "cannot make " LSM_PIN_FOLDER,
			    "; is a bpf file system mounted? mount -t bpf bpf /sys/fs/bpf");
	lsm->skel = holdfast_bpf__open();
	if (!lsm->skel)
		return fail(reterr, bytes, -errno, "cannot open the kernel half", "");
	if (lsm->took_over && found.object == object && found.pins == lsm_pins_count() && reuse_all(lsm) == 0) {
		err = open_maps(lsm, reterr, bytes);
		return err ? err : note_own(lsm, reterr, bytes);
	}
	lsm->loaded = true;
	err = load(lsm, limits, reterr, bytes);
	if (!err)
		err = open_maps(lsm, reterr, bytes);
	if (!err && !lsm->took_over)
		lsm_versions_inherit(lsm_config(lsm));
	return err ? err : attach(lsm, object, reterr, bytes);
}

/* A start that failed leaves nothing of its own, and everything that was there. */
static void undo(const struct lsm *lsm)
{
	if (lsm->took_over)
		return;
	if (lsm->attaching) {
		lsm_discard();
	} else {
		lsm_remove_maps(LSM_PIN_FOLDER);
		rmdir(LSM_PIN_FOLDER);
	}
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
	err = start(lsm, limits, reterr, reterr_bytes);
	if (err) {
		undo(lsm);
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
	lsm_surveys_close(*lsm);
	holdfast_bpf__destroy((*lsm)->skel);
	free(*lsm);
	*lsm = NULL;
}

bool lsm_took_over(const struct lsm *lsm)
{
	return lsm->took_over;
}

bool lsm_loaded(const struct lsm *lsm)
{
	return lsm->loaded;
}

bool lsm_has_hook(const struct lsm *lsm, const char *name)
{
	static const char *const always[] = { "bprm_check_security", "mmap_file", "file_mprotect", "task_alloc",
					      "sb_statfs", "path_truncate", "path_link", "inode_post_setxattr",
					      "file_open", "ptrace_access_check", "ptrace_traceme" };

	if (!strcmp(name, "mmap_backing_file"))
		return lsm->has_backing_hook;
	if (!strcmp(name, "personality")) /* no hook of LSMs: its entry is watched */
		return access(LSM_PIN_FOLDER "/link_hf_personality", F_OK) == 0;
	if (!strcmp(name, "bprm_creds_for_exec"))
		return access(LSM_PIN_FOLDER "/link_hf_creds_exec", F_OK) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (!strcmp(name, always[i]))
			return true;
	}
	return false;
}

int lsm_run_once(const struct bpf_program *prog)
{
	_cleanup_(close_fd) int fd = lsm_program_open(prog);
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = fd < 0 ? -errno : bpf_prog_test_run_opts(fd, &opts);

	if (err)
		return err;
	return (int)opts.retval;
}
