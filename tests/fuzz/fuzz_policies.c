// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry: any bytes either parse or are refused with a complete error, and what parses resolves.
 */
#include "policies/policies.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses 4 KiB when a text ends in a flow collection whose last scalar holds escaped quotes. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so\n";
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int check_field(const char *name, const char *value, void *arg)
{
	(void)arg;
	require(*name && value);
	return 0;
}

static void check_error(const struct policy_error *err)
{
	require(strcmp(err->file, "fuzz") == 0);
	require((err->line == 0) == (err->column == 0));
	require(err->line >= 0 && err->column >= 0);
	require(*err->message);
	for (const char *s = err->message; *s; s++)
		require((unsigned char)*s >= ' ');
}

static void resolve(const struct policy_set *set)
{
	static const struct policy_pair pairs[] = { { "a", "b" }, { "holdfast.dev/mode", "enforce" } };
	const struct policy_facts facts = { "a", "b", "c", "a/b:c", NULL, pairs, 1, pairs, 2 };
	struct policy_effective *effective = NULL;

	require(policy_set_resolve(set, &facts, &effective) == 0);
	require(policy_effective_each(effective, check_field, NULL) == 0);
	require(effective->mode == POLICY_MODE_ENFORCE);
	policy_effective_free(&effective);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_error err = { .line = -1 };
	struct policy_set *set = NULL;

	if (policy_set_parse("fuzz", (const char *)data, size, &set, &err) != 0) {
		require(!set);
		check_error(&err);
		return 0;
	}
	resolve(set);
	policy_set_free(&set);
	return 0;
}
