// SPDX-License-Identifier: Apache-2.0
/*
 * hook.conf: lines "key = value", "#" starts a comment line.
 *
 * Owns: the file's syntax. Must not know: which keys there are (options.c does).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

static char *trim(char *text)
{
	text += strspn(text, " \t\r\n");
	for (size_t n = strlen(text); n > 0 && strchr(" \t\r\n", text[n - 1]); n--)
		text[n - 1] = '\0';
	return text;
}

static int read_line(char *line, struct hook_options *options, struct hook_text *reterr)
{
	char *key = trim(line), *value;

	if (key[0] == '\0' || key[0] == '#')
		return 0;
	value = strchr(key, '=');
	if (!value)
		return hook_say(reterr, -EINVAL, "expected \"key = value\"");
	*value++ = '\0';
	return hook_setting_set(options, trim(key), trim(value), reterr);
}

/* A FIFO in the file's place must not hold up a container: opened without blocking, then refused. */
static int open_regular(const char *path, struct hook_text *reterr)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return hook_say(reterr, -errno, "cannot read %s: %m", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return hook_say(reterr, -EINVAL, "%s is not a file", path);
	if (st.st_size > HOOK_CONFIG_MAX)
		return hook_say(reterr, -EFBIG, "%s is longer than %u bytes", path, HOOK_CONFIG_MAX);
	return TAKE_FD(fd);
}

int hook_config_read(const char *path, struct hook_options *options, struct hook_text *reterr)
{
	_cleanup_(close_file) FILE *file = NULL;
	_cleanup_(free_ptr) char *line = NULL;
	size_t size = 0;
	int fd = open_regular(path, reterr);

	if (fd < 0)
		return fd;
	file = fdopen(fd, "re");
	if (!file) {
		close_fd(&fd);
		return hook_say(reterr, -ENOMEM, "out of memory");
	}
	for (int number = 1; getline(&line, &size, file) >= 0; number++) {
		struct hook_text why;

		if (read_line(line, options, &why) < 0)
			return hook_say(reterr, -EINVAL, "%s:%d: %s", path, number, why.text);
	}
	return 0;
}
