// SPDX-License-Identifier: Apache-2.0
/*
 * What is said about events besides themselves: digests that are filled in, events that are missing.
 *
 * Owns: the shape of digests and of "lost" lines. Must not know: records of the ring. Contracts: event_json.h.
 */
#include <stdio.h>
#include <string.h>

#include "enforcer/event_json.h"
#include "enforcer/util.h"
#include "imagedb/imagedb.h"
#include "policies/policies.h"

/* Appends ,"name":"0a1b…" */
static size_t put_hex(char *ret, const char *name, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = (size_t)snprintf(ret, EVENT_DIGEST_BYTES, ",\"%s\":\"", name);

	for (size_t i = 0; i < n; i++) {
		ret[used++] = digits[bytes[i] >> 4];
		ret[used++] = digits[bytes[i] & 15];
	}
	ret[used++] = '"';
	return used;
}

static size_t put_members(const struct event_digest *digest, char *ret)
{
	const struct imagedb_digest *known = digest->digest;
	size_t used = 0;

	if (!known || !(known->algorithms & IMAGEDB_ALGORITHM_SHA256))
		return (size_t)snprintf(ret, EVENT_DIGEST_BYTES, ",\"sha256\":null,\"sha256_missing\":\"%.32s\"",
					digest->missing ? digest->missing : "unreadable");
	used = put_hex(ret, "sha256", known->sha256, sizeof(known->sha256));
	if (known->algorithms & IMAGEDB_ALGORITHM_XXH3_128)
		used += put_hex(ret + used, "xxh3_128", known->xxh3_128, sizeof(known->xxh3_128));
	return used;
}

size_t event_json_fill(const struct event_line *line, const struct event_digest *digest, char *ret)
{
	size_t used = line->hole;

	memcpy(ret, line->text, line->hole);
	used += put_members(digest, ret + used);
	memcpy(ret + used, line->text + line->hole, line->bytes - line->hole);
	return used + line->bytes - line->hole;
}

int event_json_lost(struct json *json, const struct event_loss *loss, uint64_t now_ns, const char **ret, size_t *ret_bytes)
{
	char message[512];

	snprintf(message, sizeof(message), "%llu events are missing here: %.256s", (unsigned long long)loss->count,
		 loss->where);
	json_reset(json);
	json_open_object(json, NULL);
	json_put_time(json, "time", now_ns);
	json_put_string(json, "type", "lost");
	json_put_u64(json, "count", loss->count);
	if (loss->total)
		json_put_u64(json, "total", loss->total);
	if (loss->output)
		json_put_string(json, "output", loss->output);
	json_put_string(json, "message", message);
	json_put_string(json, "severity", policy_severity_name(POLICY_SEVERITY_WARNING));
	json_close(json);
	return json_finish(json, ret, ret_bytes);
}
