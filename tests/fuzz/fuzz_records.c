// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for records of the kernel's rings. The first byte chooses: a verdict's, to be one line of JSON; or an event's for
 * rules, as it stands in a recording too; and whether the head is made right first, so that what lies behind it is reached. The
 * sizes in them are not believed: what is decoded lies within the record.
 */
#include "enforcer/event_json.h"
#include "enforcer/stream.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_line(const struct event_line *line)
{
	char *text = malloc(line->bytes + EVENT_DIGEST_BYTES + 1);
	const struct event_digest digest = { NULL, "gone" };
	struct json_object *json;

	require(text && line->hole <= line->bytes);
	text[event_json_fill(line, &digest, text)] = '\0';
	json = json_tokener_parse(text);
	require(json && !strchr(text, '\n'));
	json_object_put(json);
	free(text);
}

static void mend_verdict(uint8_t *data, size_t size)
{
	struct hf_event *record = (void *)data;

	if (size < sizeof(*record))
		return;
	record->bytes = (uint32_t)size;
	record->version = HF_EVENT_VERSION;
	record->path_bytes %= size - sizeof(*record) + 1;
	record->exe_bytes = (uint16_t)(size - sizeof(*record) - record->path_bytes);
}

static void mend_event(uint8_t *data, size_t size)
{
	struct hf_detect_head *head = (void *)data;

	if (size < sizeof(*head))
		return;
	head->bytes = (uint32_t)size;
	head->version = HF_DETECT_VERSION;
	head->type %= _HF_DETECT_MAX;
	head->sections %= 8;
}

static void read_verdict(const uint8_t *data, size_t size)
{
	const struct event_context context = { .seq = 1 };
	const struct hf_event *record = (const void *)data;
	struct event_line line = { 0 };
	struct json json;

	if (size < sizeof(*record))
		return;
	json_init(&json, EVENT_JSON_OPEN_BYTES_MAX);
	if (event_json_drift(&json, record, size, &context, &line) == 0) {
		check_line(&line);
		require(event_json_digest(&json, record, NULL, &context, &line) == 0);
		check_line(&line);
	}
	json_release(&json);
}

static uint64_t sum_of(const struct stream_text *text)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < text->len; i++)
		sum += (unsigned char)text->data[i];
	return sum;
}

/* Reads every byte, so that the sanitizer sees those beyond the end. */
static void read_event(const uint8_t *data, size_t size)
{
	static struct stream_decoder decoder;
	static volatile uint64_t sum;
	struct stream_event event = { 0 };
	int r = stream_decode(&decoder, data, size, &event);

	if (r < 0) {
		require(r == -EBADMSG || r == -EPROTO);
		return;
	}
	require(stream_type_name(event.type) != NULL);
	sum = sum_of(&event.path) + sum_of(&event.path2) + sum_of(&event.base) + sum_of(&event.base2) + sum_of(&event.real) +
	      sum_of(&event.cwd) + sum_of(&event.exepath) + sum_of(&event.filename) + sum_of(&event.args) + sum_of(&event.env) +
	      sum_of(&event.name) + sum_of(&event.value) + sum_of(&event.address) + sum_of(&event.data) +
	      sum_of(&event.unix_local) + sum_of(&event.unix_peer);
	sum += (event.file ? *(const uint8_t *)event.file : 0) + (event.socket ? *(const uint8_t *)event.socket : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact;

	if (!size)
		return 0;
	exact = malloc(size - 1 ? size - 1 : 1);
	require(exact);
	memcpy(exact, data + 1, size - 1);
	if (data[0] & 2)
		(data[0] & 1 ? mend_event : mend_verdict)(exact, size - 1);
	if (data[0] & 1)
		read_event(exact, size - 1);
	else
		read_verdict(exact, size - 1);
	free(exact);
	return 0;
}
