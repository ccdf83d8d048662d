/* SPDX-License-Identifier: Apache-2.0 */
/* The answers that holdfastd gives about policies, worked out from files without a daemon, in the same JSON shapes. */
#ifndef TOOLS_HOLDFAST_POLICY_OFFLINE_H
#define TOOLS_HOLDFAST_POLICY_OFFLINE_H

#include "policies/policies.h"
#include "tools/holdfast/cli.h"

/* Loads the files; tells the user what is wrong. *ret is owned by the caller. */
enum cli_exit cli_policies_load(const struct cli *cli, const struct cli_texts *paths, struct policy_set **ret);
/* As POLICY_LIST answers, containers being 0. NULL: out of memory. To be released with json_object_put. */
struct json_object *cli_policies_list(const struct policy_set *set);
/* As POLICY_EFFECTIVE answers. */
struct json_object *cli_policies_effective(const struct policy_set *set, const struct policy_facts *facts);

#endif
