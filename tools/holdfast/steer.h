/* SPDX-License-Identifier: Apache-2.0 */
/* What pause, resume and reload share: an order to the daemon and its one line of answer. */
#ifndef TOOLS_HOLDFAST_STEER_H
#define TOOLS_HOLDFAST_STEER_H

#include "tools/holdfast/cli.h"

/* Sends the order and prints the answer; request is borrowed. A refusal is CLI_EXIT_NEGATIVE with its reason: in the
 * JSON document with -o json, on standard error otherwise. */
enum cli_exit cli_steer(const struct cli *cli, enum wire_type type, struct json_object *request);

#endif
