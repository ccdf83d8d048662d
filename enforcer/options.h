/* SPDX-License-Identifier: Apache-2.0 */
/* holdfastd's command line. Owns: option names, defaults, the usage text. Must not know: what is done with them. */
#ifndef ENFORCER_OPTIONS_H
#define ENFORCER_OPTIONS_H

#include <stdbool.h>

#include "enforcer/daemon.h"

enum options_action {
	OPTIONS_RUN,
	OPTIONS_DOCTOR,
	OPTIONS_UNLOAD,
	OPTIONS_DONE, /* help or version: it has been printed */
};

/* Strings point into argv or are static. */
struct options {
	struct daemon_options daemon;
	enum options_action action;
	bool json; /* doctor's output */
	bool alert_outputs_named;
};

/* Fills in *o, defaults first. Prints help and version on standard output, a complaint on standard error. 0, or -EINVAL: usage. */
int options_parse(int argc, char **argv, struct options *o);

#endif
