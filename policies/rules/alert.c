// SPDX-License-Identifier: Apache-2.0
/*
 * Alerts as lines. Contracts: alert.h.
 *
 * I1: nothing is written behind the buffer; after the first member that did not fit nothing more is added.
 * I2: a value that is too long shortens the alert, it does not lose it.
 */
#include "policies/rules/alert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
/* The output's text in a line: what is left of the buffer is for the fields, which repeat its values. */
#define MESSAGE_BYTES_MAX (12u << 10)
/* What is left of it when every byte of it takes six in the line. */
#define MESSAGE_BYTES_LEAST (RULE_ALERT_BYTES_MAX / 8)
#define TIME_BYTES 64

static const char *const priority_names[RULE_ALERT_PRIORITIES] = {
	"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug",
};

struct writer {
	char *text;
	size_t length, size;
	bool full;
};

static const char *priority_name(unsigned int priority)
{
	return priority_names[priority < RULE_ALERT_PRIORITIES ? priority : RULE_ALERT_PRIORITIES - 1];
}

/* I1 */
static void put(struct writer *w, const char *text, size_t n)
{
	if (w->full || n >= w->size - w->length) {
		w->full = true;
		return;
	}
	memcpy(w->text + w->length, text, n);
	w->length += n;
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put_format(struct writer *w, const char *format, ...)
{
	char text[TIME_BYTES];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(w, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Bytes of the well-formed UTF-8 character at text; 0: there is none. */
static size_t utf8_length(const unsigned char *text, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;
	uint32_t code = length > 1 ? text[0] & (0xffu >> (length + 1)) : text[0];

	if (!length || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (length > 1 && (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
		return 0;
	return length;
}

static void put_escaped(struct writer *w, unsigned char c)
{
	static const char short_forms[] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
					    ['"'] = '"', ['\\'] = '\\' };
	char pair[] = { '\\', c < sizeof(short_forms) ? short_forms[c] : 0 };

	if (pair[1])
		put(w, pair, sizeof(pair));
	else
		put_format(w, "\\u%04x", c);
}

static void put_string(struct writer *w, const char *text, size_t n)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + n;

	put_text(w, "\"");
	while (at < end) {
		size_t length = utf8_length(at, (size_t)(end - at));

		if (!length)
			put_text(w, REPLACEMENT);
		else if (*at < 0x20 || *at == '"' || *at == '\\')
			put_escaped(w, *at);
		else
			put(w, (const char *)at, length);
		at += length ? length : 1;
	}
	put_text(w, "\"");
}

static void put_member(struct writer *w, const char *name, const char *value)
{
	put_format(w, "%s\"%s\":", w->length > 1 ? "," : "", name);
	put_string(w, value, strlen(value));
}

/* --- times --------------------------------------------------------------------------------------------------------- */

static void put_time(struct writer *w, uint64_t time_ns, const char *format, bool local, const char *end)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm tm = { 0 };
	char text[TIME_BYTES];

	if (local)
		localtime_r(&seconds, &tm);
	else
		gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), format, &tm);
	put_text(w, text);
	put_format(w, ".%09llu%s", (unsigned long long)(time_ns % 1000000000), end);
}

/* "10:15:32.000000001: Warning " */
static void put_prefix(struct writer *w, const struct rule_alert *alert, const struct rule_alert_options *options)
{
	if (options->iso_8601)
		put_time(w, alert->time_ns, "%Y-%m-%dT%H:%M:%S", false, "+0000: ");
	else
		put_time(w, alert->time_ns, "%H:%M:%S", true, ": ");
	put_text(w, priority_name(alert->priority));
	put_text(w, " ");
}

/* --- fields --------------------------------------------------------------------------------------------------------- */

/* The end of the JSON value at text; those of outputs are numbers, words and strings, but nesting does no harm. */
static const char *skip_value(const char *text)
{
	unsigned int depth = 0;
	bool quoted = false;

	for (; *text; text++) {
		if (quoted && *text == '\\' && text[1])
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '[' || *text == '{'))
			depth++;
		else if (!quoted && depth && (*text == ']' || *text == '}'))
			depth--;
		else if (!quoted && !depth && (*text == ',' || *text == '}'))
			break;
	}
	return text;
}

/* The members of a flat object with the time among them, where its name belongs by the alphabet. */
static void put_fields(struct writer *w, const char *object, const char *name, uint64_t time_ns)
{
	const char *at = object + 1; /* behind its brace */
	size_t name_bytes = strlen(name);
	bool first = true, told = false;

	put_text(w, "{");
	while (*at == '"' || !told) {
		const char *key = at, *end = at;
		int order = 1;

		if (*at == '"') {
			const char *quote = key + 1 + strcspn(key + 1, "\"");
			size_t bytes = (size_t)(quote - key) - 1;

			end = skip_value(at);
			order = memcmp(key + 1, name, bytes < name_bytes ? bytes : name_bytes);
			order = order ? order : bytes == name_bytes ? 0 : bytes > name_bytes ? 1 : -1;
		}
		if (!told && order >= 0) {
			put_format(w, "%s\"%s\":%llu", first ? "" : ",", name, (unsigned long long)time_ns);
			told = true;
			first = false;
		}
		if (order && end > at) {
			put_text(w, first ? "" : ",");
			put(w, key, (size_t)(end - key));
			first = false;
		}
		at = *end == ',' ? end + 1 : end;
	}
	put_text(w, "}");
}

/* --- lines ---------------------------------------------------------------------------------------------------------- */

/* The output: prefix and message; without NUL. */
static void put_output(struct writer *w, const struct rule_alert *alert, const struct rule_alert_options *options)
{
	size_t n = 0;

	put_prefix(w, alert, options);
	if (!alert->format) {
		n = strlen(alert->message);
		put(w, alert->message, n < w->size - w->length ? n : w->size - w->length - 1);
		return;
	}
	rule_format_text(alert->format, alert->facts, w->text + w->length, w->size - w->length, &n); /* cut is told by its end */
	w->length += n;
}

static void put_tags(struct writer *w, const struct rule_alert *alert)
{
	put_text(w, ",\"tags\":[");
	for (size_t i = 0; i < alert->n_tags; i++) {
		put_text(w, i ? "," : "");
		put_string(w, alert->tags[i], strlen(alert->tags[i]));
	}
	put_text(w, "]");
}

/* All members but the fields, which lie in fields. */
static void put_object(struct writer *w, const struct rule_alert *alert, const struct rule_alert_options *options,
		       const struct writer *output, const char *fields)
{
	put_text(w, "{");
	put_member(w, "hostname", alert->hostname);
	put_text(w, ",\"output\":");
	put_string(w, output->text, output->length);
	put_text(w, ",\"output_fields\":");
	put_fields(w, fields, options->iso_8601 ? "evt.time.iso8601" : "evt.time", alert->time_ns);
	put_member(w, "priority", priority_name(alert->priority));
	put_member(w, "rule", alert->rule);
	put_member(w, "source", alert->source);
	if (strcmp(alert->source, "internal") != 0)
		put_tags(w, alert);
	put_text(w, ",\"time\":\"");
	put_time(w, alert->time_ns, "%Y-%m-%dT%H:%M:%S", false, "Z\"}");
}

/* I2 */
static void put_json(struct writer *w, const struct rule_alert *alert, const struct rule_alert_options *options)
{
	static const char cut[] = "{\"holdfast.cut\":true}";
	char text[MESSAGE_BYTES_MAX], fields[RULE_ALERT_BYTES_MAX];
	struct writer output = { .text = text, .size = sizeof(text) };
	const char *object = alert->fields ? alert->fields : "{}";
	size_t n;

	put_output(&output, alert, options);
	if (alert->format)
		object = rule_format_json(alert->format, alert->facts, fields, sizeof(fields), &n) ? cut : fields;
	put_object(w, alert, options, &output, object);
	if (!w->full)
		return;
	*w = (struct writer){ .text = w->text, .size = w->size };
	put_object(w, alert, options, &output, cut);
	if (!w->full || output.length <= MESSAGE_BYTES_LEAST)
		return;
	*w = (struct writer){ .text = w->text, .size = w->size };
	output.length = MESSAGE_BYTES_LEAST;
	put_object(w, alert, options, &output, cut);
}

/* The output alone, encoded as a JSON string without its quotes: whatever values hold, it stays one line. I2 */
static void put_text_line(struct writer *w, const struct rule_alert *alert, const struct rule_alert_options *options)
{
	char text[MESSAGE_BYTES_MAX];
	struct writer output = { .text = text, .size = sizeof(text) };

	put_output(&output, alert, options);
	put_string(w, output.text, output.length);
	if (w->full && w->size > MESSAGE_BYTES_LEAST) {
		*w = (struct writer){ .text = w->text, .size = w->size };
		put_string(w, output.text, output.length < MESSAGE_BYTES_LEAST ? output.length : MESSAGE_BYTES_LEAST);
	}
	if (w->full)
		return;
	w->length -= 2;
	memmove(w->text, w->text + 1, w->length);
}

int rule_alert_line(const struct rule_alert *alert, const struct rule_alert_options *options, char *buffer, size_t size,
		    size_t *ret_len)
{
	struct writer w = { .text = buffer, .size = size };

	if (options->text)
		put_text_line(&w, alert, options);
	else
		put_json(&w, alert, options);
	if (w.full)
		return -EMSGSIZE;
	buffer[w.length] = '\0';
	*ret_len = w.length;
	return 0;
}
