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

static void put_sha256(struct json *json, const char *name, const struct imagedb_digest *digest)
{
	char text[2 * IMAGEDB_SHA256_BYTES + 1];

	for (size_t i = 0; i < IMAGEDB_SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest->sha256[i]);
	json_put_string(json, name, text);
}

static void put_integrity_file(struct json *json, const struct event_integrity *event, const char *path)
{
	char dev[32];

	json_open_object(json, "file");
	json_put_bytes(json, "path", path, strlen(path));
	snprintf(dev, sizeof(dev), "%u:%u", event->dev >> EVENT_DEV_MINOR_BITS,
		 event->dev & ((1u << EVENT_DEV_MINOR_BITS) - 1));
	json_put_string(json, "dev", dev);
	json_put_u64(json, "inode", event->ino);
	json_put_u64(json, "generation", event->generation);
	json_put_u64(json, "size", event->size);
	put_sha256(json, "sha256", event->found);
	put_sha256(json, "expected_sha256", event->expected);
	json_close(json);
}

int event_json_integrity(struct json *json, const struct event_integrity *event, uint64_t now_ns, const char **ret,
			 size_t *ret_bytes)
{
	char path[HF_PATH_BYTES + 2];

	snprintf(path, sizeof(path), "/%.*s", HF_PATH_BYTES, event->path);
	json_reset(json);
	json_open_object(json, NULL);
	json_put_time(json, "time", now_ns);
	json_put_string(json, "type", "integrity");
	json_put_string(json, "message", "a file of an image does not hold the bytes that were recorded, and nothing says that it "
					 "was changed: the page cache, the disk or the file system below is not to be trusted");
	json_put_string(json, "severity", policy_severity_name(POLICY_SEVERITY_CRITICAL));
	json_put_string(json, "image", event->image[0] ? event->image : NULL);
	json_open_array(json, "containers");
	for (size_t i = 0; i < event->n_containers; i++)
		json_put_string(json, NULL, event->containers[i]);
	json_close(json);
	put_integrity_file(json, event, path);
	json_close(json);
	return json_finish(json, ret, ret_bytes);
}

static void put_owners(struct json *json, const struct event_loss *loss)
{
	json_open_array(json, "containers");
	for (size_t i = 0; i < loss->n_of && i < EVENT_LOSS_CONTAINERS_MAX; i++) {
		json_open_object(json, NULL);
		json_put_string(json, "id", loss->of[i].container);
		json_put_u64(json, "count", loss->of[i].count);
		json_close(json);
	}
	json_close(json);
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
	if (loss->of)
		put_owners(json, loss);
	json_put_string(json, "message", message);
	json_put_string(json, "severity", policy_severity_name(POLICY_SEVERITY_WARNING));
	json_close(json);
	return json_finish(json, ret, ret_bytes);
}
