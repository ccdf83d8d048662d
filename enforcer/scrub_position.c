// SPDX-License-Identifier: Apache-2.0
/*
 * One line of numbers.
 */
#include "enforcer/scrub_position.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/util.h"

#define MAGIC "holdfast-scrub-1"
#define PATH_BYTES 4096
#define LINE_BYTES 512

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

static bool read_key(const char *text, uint8_t key[IMAGEDB_KEY_BYTES])
{
	for (size_t i = 0; i < IMAGEDB_KEY_BYTES; i++) {
		int high = hex_value(text[2 * i]), low = high < 0 ? -1 : hex_value(text[2 * i + 1]);

		if (low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void scrub_position_load(const char *path, struct scrub_position *ret)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	struct scrub_position found = { 0 };
	char key[2 * IMAGEDB_KEY_BYTES + 1] = "";
	unsigned int done = 0;

	*ret = (struct scrub_position){ 0 };
	if (!file ||
	    fscanf(file, MAGIC " %" SCNu64 " %u %64s %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &found.began_s, &done, key, &found.next, &found.files, &found.bytes, &found.bad, &found.last_s,
		   &found.last_bad) != 9 ||
	    !read_key(key, found.key))
		return;
	found.done = done;
	*ret = found;
}

static int format(const struct scrub_position *p, char ret[LINE_BYTES])
{
	char key[2 * IMAGEDB_KEY_BYTES + 1];

	for (size_t i = 0; i < IMAGEDB_KEY_BYTES; i++)
		snprintf(key + 2 * i, 3, "%02x", p->key[i]);
	return snprintf(ret, LINE_BYTES, MAGIC " %" PRIu64 " %u %s %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			p->began_s, p->done, key, p->next, p->files, p->bytes, p->bad, p->last_s, p->last_bad);
}

int scrub_position_save(const char *path, const struct scrub_position *position)
{
	char fresh[PATH_BYTES], line[LINE_BYTES];
	int n = format(position, line), fd, err = 0;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, line, (size_t)n) != n)
		err = errno ? -errno : -EIO;
	close(fd);
	if (!err && rename(fresh, path))
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}
