// SPDX-License-Identifier: Apache-2.0
/*
 * JSON documents: forgiving look-ups for answers, exact bytes for names, printing.
 *
 * Owns: how the tool reads and writes JSON. Must not know: what a document is about.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/cli.h"

struct json_object *cli_json_get(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(json, json_type_object))
		json_object_object_get_ex(json, key, &value);
	return value;
}

const char *cli_json_text(struct json_object *json, const char *key)
{
	struct json_object *value = cli_json_get(json, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t cli_json_number(struct json_object *json, const char *key)
{
	return json_object_get_int64(cli_json_get(json, key));
}

bool cli_json_true(struct json_object *json, const char *key)
{
	struct json_object *value = cli_json_get(json, key);

	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

static char *encode_base64(const char *text, size_t bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)text;
	char *encoded = malloc((bytes + 2) / 3 * 4 + 1), *to = encoded;

	if (!encoded)
		return NULL;
	for (size_t i = 0; i < bytes; i += 3) {
		uint32_t group = (uint32_t)p[i] << 16;

		group |= i + 1 < bytes ? (uint32_t)p[i + 1] << 8 : 0;
		group |= i + 2 < bytes ? p[i + 2] : 0;
		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = i + 1 < bytes ? digits[group >> 6 & 63] : '=';
		*to++ = i + 2 < bytes ? digits[group & 63] : '=';
	}
	*to = '\0';
	return encoded;
}

/* A copy in which each byte that is not UTF-8 is U+FFFD. *ret_exact: there was none. */
static char *replace_invalid(const char *text, size_t bytes, size_t *ret_bytes, bool *ret_exact)
{
	char *copy = malloc(bytes * 3 + 1), *to = copy;

	*ret_exact = true;
	for (size_t i = 0; copy && i < bytes;) {
		uint32_t code;
		size_t n = cli_utf8(text + i, bytes - i, &code);

		memcpy(to, n ? text + i : "\xef\xbf\xbd", n ? n : 3);
		to += n ? n : 3;
		i += n ? n : 1;
		*ret_exact = *ret_exact && n > 0;
	}
	if (copy)
		*ret_bytes = (size_t)(to - copy);
	return copy;
}

int cli_json_add_bytes(struct json_object *json, const char *key, const char *text, size_t bytes)
{
	_cleanup_(free_ptr) char *encoded = NULL;
	char name[64];
	size_t n;
	bool exact;
	_cleanup_(free_ptr) char *copy = replace_invalid(text, bytes, &n, &exact);

	if (!copy || json_object_object_add(json, key, json_object_new_string_len(copy, (int)n)) < 0)
		return -ENOMEM;
	if (exact)
		return 0;
	encoded = encode_base64(text, bytes);
	snprintf(name, sizeof(name), "%s_base64", key);
	if (!encoded || json_object_object_add(json, name, json_object_new_string(encoded)) < 0)
		return -ENOMEM;
	return 0;
}

void cli_json_write(FILE *out, const char *text, size_t bytes)
{
	while (bytes > 0) {
		uint32_t code = 0;
		size_t n = cli_utf8(text, bytes, &code);

		if (code >= 0x7f && code < 0xa0)
			fprintf(out, "\\u%04x", code);
		else
			fwrite(text, 1, n ? n : 1, out);
		text += n ? n : 1;
		bytes -= n ? n : 1;
	}
}

void cli_json_print(const struct cli *cli, struct json_object *json)
{
	const int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
	size_t bytes;
	const char *text = json_object_to_json_string_length(json, flags, &bytes);

	cli_json_write(cli->out, text, bytes);
	fputc('\n', cli->out);
}
