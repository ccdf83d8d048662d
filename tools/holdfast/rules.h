/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about rules share: which files, and how a place or a problem is told. */
#ifndef TOOLS_HOLDFAST_RULES_H
#define TOOLS_HOLDFAST_RULES_H

#include "policies/rules/rule_set.h"
#include "tools/holdfast/cli.h"

/* Where rules are looked for if no file is named: the administrator's, else the shipped ones. */
#define CLI_RULES_FOLDER "/etc/holdfast/rules"
#define CLI_RULES_SHIPPED "/usr/share/holdfast/rules"

/* Arguments that are files: what one command line holds. */
#define CLI_RULE_FILES_MAX 4096

/**
 * cli_rules_load - the rules of some files and folders, or of the default ones
 * @paths: (borrowed) @n of them, in order; none: the default
 * @ret: (output) to be given to rule_set_free()
 */
enum cli_exit cli_rules_load(const struct cli *cli, const char *const *paths, size_t n, struct rule_set **ret);

/* All about one rule, as a document. Owned by the caller. */
struct json_object *cli_rule_describe(const struct rule_set *set, const struct rule *rule);

/* A file's report as Falco's JSON has it. Owned by the caller. */
struct json_object *cli_rules_report(const struct rule_report *report);

/* The same for people. */
void cli_rules_print_report(const struct cli *cli, const struct rule_report *report);

/* A line on err for each enabled rule that can never match here, since nothing fills a field or tells an event that it needs. */
void cli_rules_note_dead(const struct cli *cli, const struct rule_set *set);

#endif
