// SPDX-License-Identifier: Apache-2.0
/*
 * Text for people: escaping for terminals, durations, sizes, times.
 *
 * Owns: what a terminal may see. Must not know streams or commands. What the locale cannot show is escaped as well:
 * libsmartcols never comes back from measuring it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "enforcer/util.h"
#include "tools/holdfast/cli.h"

#define DURATION_MAX (100ull * 365 * 86400)
#define ESCAPED_MAX 10 /* "\u{10ffff}" */

size_t cli_utf8(const char *text, size_t bytes, uint32_t *ret_code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* smaller codes have a shorter form */
	const unsigned char *p = (const unsigned char *)text;
	uint32_t code;
	size_t n = 0;

	if (bytes > 0)
		n = p[0] < 0x80 ? 1 : p[0] >> 5 == 0x06 ? 2 : p[0] >> 4 == 0x0e ? 3 : p[0] >> 3 == 0x1e ? 4 : 0;
	if (n == 0 || n > bytes)
		return 0;
	code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		code = code << 6 | (p[i] & 0x3fu);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n;
}

/* Characters that steer a terminal or its reader instead of being shown. */
static bool is_steering(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xe0000 && code <= 0xe007f);
}

/* Writes one character of text, at most ESCAPED_MAX bytes and a NUL. *ret_used: bytes of text it stands for. */
static size_t escape_one(const char *text, size_t bytes, char *to, size_t *ret_used)
{
	uint32_t code = 0;
	size_t n = cli_utf8(text, bytes, &code);

	*ret_used = n ? n : 1;
	if (n == 0 || (is_steering(code) && code < 0x80))
		return (size_t)snprintf(to, ESCAPED_MAX + 1, "\\x%02x", (unsigned char)text[0]);
	if (is_steering(code) || (code >= 0x80 && wcwidth((wchar_t)code) < 0))
		return (size_t)snprintf(to, ESCAPED_MAX + 1, "\\u{%x}", code);
	if (code == '\\')
		return (size_t)snprintf(to, ESCAPED_MAX + 1, "\\\\");
	memcpy(to, text, n);
	return n;
}

char *cli_escape(const char *text, size_t bytes)
{
	char *safe, *to;

	if (bytes > (SIZE_MAX - 1) / ESCAPED_MAX)
		return NULL;
	safe = to = malloc(bytes * ESCAPED_MAX + 1);
	if (!safe)
		return NULL;
	for (size_t used; bytes > 0; text += used, bytes -= used)
		to += escape_one(text, bytes, to, &used);
	*to = '\0';
	return safe;
}

int cli_duration_parse(const char *text, uint64_t *ret_seconds)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	uint64_t total = 0;

	for (size_t next = 0; *text; next++) {
		char *end;
		unsigned long long number;

		if (*text < '0' || *text > '9')
			return -EINVAL;
		errno = 0;
		number = strtoull(text, &end, 10);
		while (next < ARRAY_SIZE(units) && units[next].unit != *end)
			next++;
		if (errno != 0 || next == ARRAY_SIZE(units) || number > DURATION_MAX / units[next].seconds)
			return -EINVAL;
		total += number * units[next].seconds;
		text = end + 1;
	}
	if (total == 0 || total > DURATION_MAX)
		return -EINVAL;
	*ret_seconds = total;
	return 0;
}

void cli_duration_format(uint64_t seconds, char *buf, size_t size)
{
	unsigned long long s = seconds;

	if (s < 60)
		snprintf(buf, size, "%llus", s);
	else if (s < 3600)
		snprintf(buf, size, "%llum", s / 60);
	else if (s < 86400)
		snprintf(buf, size, "%lluh %llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%llud %lluh", s / 86400, s / 3600 % 24);
}

void cli_size_format(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, size, "%u B", (unsigned int)bytes);
		return;
	}
	for (; value >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1024;
	snprintf(buf, size, "%.1f %s", value, units[unit]);
}

int cli_time_parse(const char *text, time_t *ret)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	long offset = 0;

	if (!end)
		return -EINVAL;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (*end == '+' || *end == '-') {
		struct tm zone = { 0 };

		if (!strptime(end + 1, "%H:%M", &zone))
			return -EINVAL;
		offset = (zone.tm_hour * 3600L + zone.tm_min * 60L) * (*end == '-' ? -1 : 1);
	} else if (strcmp(end, "Z") != 0) {
		return -EINVAL;
	}
	*ret = timegm(&tm) - offset;
	return 0;
}
