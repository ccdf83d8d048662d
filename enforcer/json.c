// SPDX-License-Identifier: Apache-2.0
/*
 * The JSON writer: growth, commas, escaping, UTF-8, base64, times.
 *
 * Owns: the text while it grows. Must not know: what is written. Contracts: json.h.
 *
 * I1: whatever bytes come in, what comes out is valid JSON in valid UTF-8.
 * I2: after an error nothing is added, so a half-written text is never taken for a whole one.
 */
#include "enforcer/json.h"

#include <string.h>

#include "enforcer/util.h"

/* First allocation: a common event fits. */
#define JSON_FIRST_BYTES 2048
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void json_init(struct json *json, size_t max_bytes)
{
	*json = (struct json){ .max_bytes = max_bytes };
}

void json_reset(struct json *json)
{
	json->length = 0;
	json->depth = 0;
	json->filled = 0;
	json->arrays = 0;
	json->error = 0;
}

void json_release(struct json *json)
{
	free(json->text);
	json->text = NULL;
	json->capacity = 0;
	json_reset(json);
}

/* Room for n more bytes and a NUL. */
static bool reserve(struct json *json, size_t n)
{
	size_t wanted = json->capacity ? json->capacity : JSON_FIRST_BYTES;
	char *text;

	if (json->error)
		return false;
	if (n > json->max_bytes || json->length > json->max_bytes - n) {
		json->error = -EMSGSIZE;
		return false;
	}
	if (json->length + n < json->capacity)
		return true;
	while (wanted <= json->length + n)
		wanted *= 2;
	text = realloc(json->text, wanted);
	if (!text) {
		json->error = -ENOMEM;
		return false;
	}
	json->text = text;
	json->capacity = wanted;
	return true;
}

static void append(struct json *json, const char *text, size_t n)
{
	if (!reserve(json, n))
		return;
	memcpy(json->text + json->length, text, n);
	json->length += n;
}

static void append_text(struct json *json, const char *text)
{
	append(json, text, strlen(text));
}

/* The comma before a member and its name. */
static void begin_value(struct json *json, const char *name)
{
	uint32_t bit = 1u << json->depth;
	bool in_object = json->depth > 0 && !(json->arrays & bit);

	if (in_object != (name != NULL)) {
		json->error = json->error ? json->error : -EINVAL;
		return;
	}
	if (json->filled & bit)
		append(json, ",", 1);
	json->filled |= bit;
	if (!name)
		return;
	append(json, "\"", 1);
	append_text(json, name);
	append(json, "\":", 2);
}

static void open_container(struct json *json, const char *name, bool array)
{
	begin_value(json, name);
	if (json->depth == JSON_DEPTH_MAX)
		json->error = json->error ? json->error : -EINVAL;
	if (json->error)
		return;
	append(json, array ? "[" : "{", 1);
	json->depth++;
	json->filled &= ~(1u << json->depth);
	json->arrays &= ~(1u << json->depth);
	json->arrays |= (uint32_t)array << json->depth;
}

void json_open_object(struct json *json, const char *name)
{
	open_container(json, name, false);
}

void json_open_array(struct json *json, const char *name)
{
	open_container(json, name, true);
}

void json_close(struct json *json)
{
	if (json->error)
		return;
	if (json->depth == 0) {
		json->error = -EINVAL;
		return;
	}
	append(json, json->arrays & (1u << json->depth) ? "]" : "}", 1);
	json->depth--;
}

void json_put_u64(struct json *json, const char *name, uint64_t value)
{
	char digits[24];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + value % 10);
	while (value /= 10);
	begin_value(json, name);
	append(json, digits + i, sizeof(digits) - i);
}

void json_put_i64(struct json *json, const char *name, int64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%lld", (long long)value);

	begin_value(json, name);
	append(json, digits, (size_t)n);
}

void json_put_bool(struct json *json, const char *name, bool value)
{
	begin_value(json, name);
	append_text(json, value ? "true" : "false");
}

void json_put_null(struct json *json, const char *name)
{
	begin_value(json, name);
	append_text(json, "null");
}

/* RFC 3629, section 4: the ranges of the second byte rule out overlong forms, surrogates and what is above U+10FFFF. */
size_t json_utf8_length(const unsigned char *text, size_t n, uint32_t *ret_code)
{
	unsigned char first = n > 0 ? text[0] : 0xff;
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	uint32_t code = length == 1 ? first : first & (0x7fu >> length);

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (text[i] < low || text[i] > high)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	if (ret_code)
		*ret_code = code;
	return length;
}

static void append_escape(struct json *json, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[256] = {
		['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};
	char text[6] = { '\\', letters[c] };

	if (letters[c]) {
		append(json, text, 2);
		return;
	}
	memcpy(text + 1, "u00", 3);
	text[4] = digits[c >> 4];
	text[5] = digits[c & 15];
	append(json, text, 6);
}

static bool needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

/* Between quotes, in runs of bytes that stand for themselves. True when every byte was well-formed. */
static bool append_string(struct json *json, const unsigned char *bytes, size_t n)
{
	bool valid = true;
	size_t run = 0;

	append(json, "\"", 1);
	for (size_t i = 0, length; i < n; i += length ? length : 1) {
		length = json_utf8_length(bytes + i, n - i, NULL);
		if (length > 0 && !needs_escape(bytes[i]))
			continue;
		append(json, (const char *)bytes + run, i - run);
		run = i + 1;
		if (length > 0) {
			append_escape(json, bytes[i]);
			continue;
		}
		append_text(json, REPLACEMENT);
		valid = false;
	}
	if (run < n)
		append(json, (const char *)bytes + run, n - run);
	append(json, "\"", 1);
	return valid;
}

static void append_base64(struct json *json, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16;
		char text[4];

		if (i + 1 < n)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < n)
			group |= bytes[i + 2];
		for (size_t k = 0; k < 4; k++)
			text[k] = i + k > n ? '=' : digits[group >> (18 - 6 * k) & 63];
		append(json, text, 4);
	}
}

void json_put_bytes(struct json *json, const char *name, const void *bytes, size_t n)
{
	begin_value(json, name);
	if (append_string(json, bytes, n) || !name)
		return;
	append(json, ",\"", 2);
	append_text(json, name);
	append_text(json, "_base64\":\"");
	append_base64(json, bytes, n);
	append(json, "\"", 1);
}

void json_put_string(struct json *json, const char *name, const char *text)
{
	if (text)
		json_put_bytes(json, name, text, strlen(text));
	else
		json_put_null(json, name);
}

void json_format_time(uint64_t time_ns, char ret[JSON_TIME_BYTES])
{
	time_t seconds = (time_t)(time_ns / NSEC_PER_SEC);
	struct tm tm = { 0 };
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(ret, JSON_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret + n, JSON_TIME_BYTES - n, ".%09lluZ", (unsigned long long)(time_ns % NSEC_PER_SEC));
}

void json_put_time(struct json *json, const char *name, uint64_t time_ns)
{
	char text[JSON_TIME_BYTES];

	json_format_time(time_ns, text);
	json_put_string(json, name, text);
}

size_t json_length(const struct json *json)
{
	return json->length;
}

int json_finish(struct json *json, const char **ret, size_t *ret_bytes)
{
	if (!json->error && (json->depth > 0 || !json->filled))
		json->error = -EINVAL;
	if (json->error)
		return json->error;
	json->text[json->length] = '\0';
	*ret = json->text;
	*ret_bytes = json->length;
	return 0;
}
