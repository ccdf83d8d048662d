// SPDX-License-Identifier: Apache-2.0
/*
 * The pins of programs and links in this version's folder: made, replaced, counted, cleared of strangers.
 *
 * Owns: their names. Must not know: when that is done (lsm_load.c), what the programs do.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/util.h"

int lsm_pin_over(int fd, const char *name)
{
	char path[LSM_PATH_BYTES], fresh[LSM_PATH_BYTES];

	snprintf(path, sizeof(path), LSM_PIN_FOLDER "/%s", name);
	snprintf(fresh, sizeof(fresh), LSM_PIN_FOLDER "/new_%s", name);
	unlink(fresh); /* of a daemon that was killed between pin and rename */
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	return rename(fresh, path) ? -errno : 0;
}

static bool is_hook(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_LSM || bpf_program__expected_attach_type(prog) == BPF_TRACE_FENTRY;
}

static void pin_name(const struct bpf_program *prog, char ret[LSM_PATH_BYTES / 2])
{
	snprintf(ret, LSM_PATH_BYTES / 2, "%s%s", is_hook(prog) ? "link_" : "prog_", bpf_program__name(prog));
}

static int attach_hook(const struct bpf_program *prog, const char *name)
{
	struct bpf_link *link = bpf_program__attach(prog);
	int err;

	if (!link)
		return -errno;
	err = lsm_pin_over(bpf_link__fd(link), name);
	bpf_link__disconnect(link); /* the pin keeps it; destroy must not unpin */
	bpf_link__destroy(link);
	return err;
}

/* Programs that the daemon calls by itself are pinned without a link, for the starts that load nothing. */
int lsm_pins_attach(struct bpf_object *object, uint32_t *ret_pins)
{
	char name[LSM_PATH_BYTES / 2];
	struct bpf_program *prog;
	uint32_t pins = 0;

	bpf_object__for_each_program(prog, object) {
		int err;

		if (!bpf_program__autoload(prog))
			continue;
		pin_name(prog, name);
		err = is_hook(prog) ? attach_hook(prog, name) : lsm_pin_over(bpf_program__fd(prog), name);
		if (err)
			return err;
		pins++;
	}
	*ret_pins = pins;
	return 0;
}

int lsm_program_open(const struct bpf_program *prog)
{
	char path[LSM_PATH_BYTES], name[LSM_PATH_BYTES / 2];
	int fd = bpf_program__fd(prog) < 0 ? -1 : fcntl(bpf_program__fd(prog), F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		return fd;
	pin_name(prog, name);
	snprintf(path, sizeof(path), LSM_PIN_FOLDER "/%s", name);
	return bpf_obj_get(path);
}

static bool is_pin(const char *name)
{
	return !strncmp(name, "link_", 5) || !strncmp(name, "prog_", 5);
}

static bool has_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(object, name + 5);

	return prog && bpf_program__autoload(prog) && is_hook(prog) == (name[0] == 'l');
}

/* Removes pins of programs that this build does not have, and those of a daemon that was killed before it renamed them. */
int lsm_pins_remove_strangers(struct bpf_object *object)
{
	DIR *dir = opendir(LSM_PIN_FOLDER);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;
		bool stranger = !strncmp(name, "new_", 4) || (is_pin(name) && !has_program(object, name));

		if (stranger && unlinkat(dirfd(dir), name, 0))
			err = -errno;
	}
	closedir(dir);
	return err;
}

/* The number of pinned programs, those in the making left out. */
uint32_t lsm_pins_count(void)
{
	DIR *dir = opendir(LSM_PIN_FOLDER);
	struct dirent *entry;
	uint32_t n = 0;

	while (dir && (entry = readdir(dir)))
		n += is_pin(entry->d_name);
	if (dir)
		closedir(dir);
	return n;
}
