// SPDX-License-Identifier: Apache-2.0
/*
 * Policy files and folders to a set. Must not know what the files say, nor how they are read.
 */
#include "policies/files.h"
#include "policies/set.h"

#include <errno.h>

struct load {
	struct policy_set *set;
	struct policy_error *err;
};

static int add_file(const char *path, void *arg)
{
	_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;
	const struct load *load = arg;
	char *text = NULL;
	size_t len = 0;
	int r;

	if (load->set->files >= POLICY_FILES_MAX)
		return policy_fail(load->err, -E2BIG, (struct policy_place){ .file = path },
				   "more than %d files; merge some", POLICY_FILES_MAX);
	load->set->files++;
	if (policy_arena_new(&arena) < 0)
		return policy_fail(load->err, -ENOMEM, (struct policy_place){ .file = path }, "out of memory");
	r = policy_file_read(path, arena, &text, &len, load->err);
	return r == 0 ? policy_set_add_text(load->set, path, text, len, load->err) : r;
}

int policy_set_load(const char *const *paths, size_t n, struct policy_set **ret, struct policy_error *reterr)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	struct load load = { .err = reterr };
	int r = policy_set_new(&set);

	if (r < 0)
		return policy_fail(reterr, r, (struct policy_place){ .file = n ? paths[0] : "-" }, "out of memory");
	load.set = set;
	for (size_t i = 0; i < n && r == 0; i++)
		r = policy_files_each(paths[i], add_file, &load, reterr);
	if (r == 0)
		r = policy_set_seal(set, reterr);
	if (r < 0)
		return r;
	*ret = set;
	set = NULL;
	return 0;
}
