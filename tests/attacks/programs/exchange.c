// SPDX-License-Identifier: Apache-2.0
/* usage: exchange A B: the two names change places, in one step. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
		return errno == EINVAL ? attack_skip("the file system exchanges no names") : attack_say("exchange", -errno);
	return 0;
}
