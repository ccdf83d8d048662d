// SPDX-License-Identifier: Apache-2.0
/* holdfast: the command line tool of the daemon holdfastd. */
#include <locale.h>

#include "tools/holdfast/cli.h"

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	return cli_main(argc, argv, stdout, stderr);
}
