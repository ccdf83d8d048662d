// SPDX-License-Identifier: Apache-2.0
/* usage: emptied FILE: empties it by opening it for reading only, and gives it its size again: zeros, without any opening for writing. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 2)
		return 2;
	attack_must("stat", stat(argv[1], &st));
	close((int)attack_must("open", open(argv[1], O_RDONLY | O_TRUNC | O_CLOEXEC)));
	attack_must("truncate", truncate(argv[1], st.st_size));
	return 0;
}
