// SPDX-License-Identifier: Apache-2.0
/* holdfast-hook: called by a container runtime at createRuntime, returns when the container is armed. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/hook/hook.h"

enum { EXIT_CODE_REFUSED = 1, EXIT_CODE_USAGE = 2 };

int main(int argc, char **argv)
{
	struct hook_options options;
	struct hook_text text = { "" };
	int code;

	signal(SIGPIPE, SIG_IGN);
	code = hook_options_parse(argc, argv, stdout, &options, &text);
	if (code < 0)
		code = EXIT_CODE_USAGE;
	else if (code == HOOK_PARSED_DONE)
		code = 0;
	else
		code = hook_run(&options, STDIN_FILENO, &text);
	if (text.text[0] != '\0') {
		fprintf(stderr, "holdfast-hook: %s\n", text.text);
		hook_log(options.log, text.text);
	}
	hook_options_release(&options);
	return code;
}
