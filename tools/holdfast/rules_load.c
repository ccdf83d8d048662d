// SPDX-License-Identifier: Apache-2.0
/* Rules for the commands that ask about them. */
#include <errno.h>
#include <unistd.h>

#include "tools/holdfast/rules.h"

enum cli_exit cli_rules_load(const struct cli *cli, const char *const *paths, size_t n, struct rule_set **ret)
{
	const char *standard = access(CLI_RULES_FOLDER, F_OK) == 0 ? CLI_RULES_FOLDER : CLI_RULES_SHIPPED;
	struct rule_options options = RULE_OPTIONS_DEFAULT;
	struct policy_error error = { .line = 0 };
	int r;

	options.suggested = true;
	r = rule_set_load(n ? paths : &standard, n ? n : 1, &options, ret, &error, NULL);
	if (r == 0)
		return CLI_EXIT_OK;
	if (error.line > 0)
		cli_error(cli, "%s:%d:%d: %s", error.file, error.line, error.column, error.message);
	else
		cli_error(cli, "%s: %s", error.file, error.message);
	return r == -EINVAL ? CLI_EXIT_NEGATIVE : CLI_EXIT_ERROR;
}
