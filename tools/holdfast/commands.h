/* SPDX-License-Identifier: Apache-2.0 */
/* Every command of the tool: one file each. Add yours here and to the list in cli.c. */
#ifndef TOOLS_HOLDFAST_COMMANDS_H
#define TOOLS_HOLDFAST_COMMANDS_H

#include "tools/holdfast/cli.h"

extern const struct cli_command cli_command_status;
extern const struct cli_command cli_command_containers;
extern const struct cli_command cli_command_events;
extern const struct cli_command cli_command_policy_validate;
extern const struct cli_command cli_command_policy_list;
extern const struct cli_command cli_command_policy_effective;
extern const struct cli_command cli_command_pause;
extern const struct cli_command cli_command_resume;
extern const struct cli_command cli_command_unlock;
extern const struct cli_command cli_command_lock;
extern const struct cli_command cli_command_reload;
extern const struct cli_command cli_command_image_scan;
extern const struct cli_command cli_command_image_list;
extern const struct cli_command cli_command_image_show;
extern const struct cli_command cli_command_image_verify;
extern const struct cli_command cli_command_image_rm;
extern const struct cli_command cli_command_rules_validate;
extern const struct cli_command cli_command_rules_list;
extern const struct cli_command cli_command_rules_show;
extern const struct cli_command cli_command_rules_test;
extern const struct cli_command cli_command_doctor;
extern const struct cli_command cli_command_version;
extern const struct cli_command cli_command_help;

#endif
