// SPDX-License-Identifier: Apache-2.0
/* Paths by their text alone. Contracts: detect_path.h. */
#include "enforcer/detect_path.h"

#include <stdbool.h>
#include <string.h>

static bool is(const char *component, size_t n, const char *what)
{
	return n == strlen(what) && !memcmp(component, what, n);
}

/* Adds the components of one path behind what ret holds. */
static size_t append(const char *path, size_t len, char *ret, size_t n)
{
	const char *at = path, *end = path + len;

	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at)), *stop = slash ? slash : end;
		size_t bytes = (size_t)(stop - at);

		if (is(at, bytes, "..")) {
			while (n > 0 && ret[--n] != '/')
				continue;
		} else if (bytes > 0 && !is(at, bytes, ".")) {
			size_t room = DETECT_PATH_BYTES - n;

			if (room < 2)
				break;
			if (bytes > room - 1)
				bytes = room - 1;
			ret[n++] = '/';
			memcpy(ret + n, at, bytes);
			n += bytes;
		}
		at = slash ? slash + 1 : end;
	}
	return n;
}

size_t detect_path_join(const char *base, size_t base_len, const char *path, size_t path_len, char *ret)
{
	size_t n = 0;

	if (!path_len || path[0] != '/')
		n = append(base, base_len, ret, n);
	n = append(path, path_len, ret, n);
	if (n == 0)
		ret[n++] = '/';
	return n;
}
