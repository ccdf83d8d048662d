// SPDX-License-Identifier: Apache-2.0
/*
 * A record of the kernel half as one line of JSON.
 *
 * Owns: the shape of events. Must not know: rings, sinks. Contracts: event_json.h.
 *
 * I1: nothing behind the struct is read before the record's lengths have been found to agree.
 * I2: a line always fits: every string of the container is cut at a bound, and a record whose paths are still too much
 *     is written again with their ends only.
 */
#include "enforcer/event_json.h"

#include <string.h>
#include <sys/mman.h>

#include "enforcer/container.h"
#include "enforcer/event_message.h"
#include "enforcer/util.h"
#include "policies/policies.h"

/* Cut of each of a container's names: Kubernetes stops at 253 bytes, image references at less than 600. */
#define FACT_BYTES 1024
/* What is left of paths on the second attempt: six bytes for each and its base64 still fit many times. */
#define SHORT_PATH_BYTES 1024
/* Bit of the one flag that the kernel half does not know. */
#define FLAG_REPEATED 31

/* A path as users write it. */
struct path_text {
	char bytes[HF_PATH_BYTES + 1];
	size_t n;
	bool known;
	bool whole;
};

struct line {
	struct json *json;
	const struct hf_event *record;
	const struct event_context *context;
	struct path_text path, exe;
	size_t hole;
};

int64_t event_json_clock_offset(void)
{
	return (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME));
}

static int check_record(const struct hf_event *record, size_t bytes)
{
	if (bytes < sizeof(*record) || record->version != HF_EVENT_VERSION || record->bytes > bytes)
		return -EPROTO;
	if (record->path_bytes > HF_PATH_BYTES || record->exe_bytes > HF_PATH_BYTES)
		return -EPROTO;
	if (record->bytes < sizeof(*record) + record->path_bytes + record->exe_bytes)
		return -EPROTO;
	return 0;
}

/*
 * "x.so/tmp/" to "/tmp/x.so": components from the last to the first. A path whose beginning is missing stays without
 * the slash in front. At most max bytes of the leaf's end of it are taken.
 */
static void read_path(const char *data, size_t n, bool whole, size_t max, struct path_text *ret)
{
	size_t end = n > max ? max : n;

	ret->known = n > 0;
	ret->whole = whole && n <= max;
	ret->n = 0;
	if (ret->whole && n > 0 && data[n - 1] == '/')
		end--; /* the separator behind the last component becomes the one in front */
	while (ret->known) {
		const char *slash = end > 0 ? memrchr(data, '/', end) : NULL;
		size_t start = slash ? (size_t)(slash - data) + 1 : 0;

		if (ret->n > 0 || ret->whole)
			ret->bytes[ret->n++] = '/';
		memcpy(ret->bytes + ret->n, data + start, end - start);
		ret->n += end - start;
		if (!slash)
			break;
		end = start - 1;
	}
}

/* Memory files have a name but no place: "memfd:x", not "/memfd:x". A slash in it is a character like others. */
static void read_memory_name(const char *data, size_t n, bool whole, size_t max, struct path_text *ret)
{
	if (whole && n > 0 && data[n - 1] == '/')
		n--;
	ret->known = n > 0;
	ret->whole = whole && n <= max;
	ret->n = n > max ? max : n;
	memcpy(ret->bytes, data, ret->n);
}

static void read_paths(struct line *line, size_t max)
{
	const struct hf_event *record = line->record;
	const char *data = (const char *)(record + 1);

	if (record->flags & HF_EVENT_MEMFD || record->reason == HF_REASON_MEMFD)
		read_memory_name(data, record->path_bytes, !(record->flags & HF_EVENT_PATH_CUT), max, &line->path);
	else
		read_path(data, record->path_bytes, !(record->flags & HF_EVENT_PATH_CUT), max, &line->path);
	data += record->path_bytes;
	if (record->flags & HF_EVENT_EXE_MEMFD)
		read_memory_name(data, record->exe_bytes, !(record->flags & HF_EVENT_EXE_CUT), max, &line->exe);
	else
		read_path(data, record->exe_bytes, !(record->flags & HF_EVENT_EXE_CUT), max, &line->exe);
}

static void put_path(struct json *json, const char *name, const struct path_text *path)
{
	if (path->known)
		json_put_bytes(json, name, path->bytes, path->n);
	else
		json_put_null(json, name);
}

/* The cut falls between characters, so that it makes no text look malformed. */
static void put_fact(struct json *json, const char *name, const char *text)
{
	size_t n = text ? strnlen(text, FACT_BYTES + 1) : 0;

	if (n <= FACT_BYTES) {
		json_put_string(json, name, text);
		return;
	}
	n = FACT_BYTES;
	while (n > FACT_BYTES - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	json_put_bytes(json, name, text, n);
}

static void put_policy(struct line *line)
{
	const struct policy_effective *policy = line->context->policy;
	const char *severity = NULL;
	char name[2 * FACT_BYTES];

	if (!policy && line->context->container)
		policy = line->context->container->policy;
	if (policy)
		severity = policy_severity_name(policy->severity);
	else if (line->record->reason == HF_REASON_TAMPERING)
		severity = policy_severity_name(POLICY_SEVERITY_CRITICAL);
	json_put_string(line->json, "severity", severity ? severity : policy_severity_name(POLICY_SEVERITY_WARNING));
	if (!policy || !policy->name) {
		json_put_null(line->json, "policy");
		return;
	}
	snprintf(name, sizeof(name), "%.*s%s%.*s", FACT_BYTES / 2, policy->namespace_ ? policy->namespace_ : "",
		 policy->namespace_ ? "/" : "", FACT_BYTES / 2, policy->name);
	json_put_string(line->json, "policy", name);
}

static void put_container(struct line *line)
{
	static const struct container_facts nothing;
	const struct container *container = line->context->container;
	const struct container_facts *facts = container ? &container->facts : &nothing;
	struct json *json = line->json;

	json_open_object(json, "container");
	put_fact(json, "id", facts->id);
	put_fact(json, "name", facts->name);
	put_fact(json, "image", facts->image);
	put_fact(json, "namespace", facts->namespace_);
	put_fact(json, "pod", facts->pod);
	if (!container) {
		json_put_u64(json, "mount_namespace", line->record->mntns);
		json_put_u64(json, "cgroup", line->record->cgroup);
	}
	json_close(json);
}

static void put_boot_time(struct line *line, const char *name, uint64_t boot_ns)
{
	if (boot_ns)
		json_put_time(line->json, name, boot_ns + (uint64_t)line->context->boot_to_real_ns);
	else
		json_put_null(line->json, name);
}

static void put_process(struct line *line)
{
	const struct hf_event *record = line->record;
	struct json *json = line->json;

	json_open_object(json, "process");
	json_put_u64(json, "pid", record->pid);
	json_put_u64(json, "tid", record->tid);
	json_put_u64(json, "ppid", record->ppid);
	json_put_u64(json, "uid", record->uid);
	json_put_u64(json, "gid", record->gid);
	json_put_bytes(json, "comm", record->comm, strnlen(record->comm, HF_COMM_BYTES));
	json_put_bytes(json, "parent_comm", record->parent_comm, strnlen(record->parent_comm, HF_COMM_BYTES));
	put_path(json, "exe", &line->exe);
	put_boot_time(line, "start_time", record->start_ns);
	json_put_bool(json, "left_cgroup", record->flags & HF_EVENT_LEFT_CGROUP);
	json_put_bool(json, "left_mount_namespace", record->flags & HF_EVENT_LEFT_MOUNTS);
	json_close(json);
}

static void put_filesystem(struct json *json, uint32_t magic)
{
	const char *name = event_filesystem_name(magic);
	char text[16];

	if (!name && magic) {
		snprintf(text, sizeof(text), "0x%x", magic);
		name = text;
	}
	json_put_string(json, "filesystem", name);
}

static void put_identity(struct line *line)
{
	const struct hf_event *record = line->record;
	struct json *json = line->json;
	char text[32];

	put_path(json, "path", &line->path);
	snprintf(text, sizeof(text), "%u:%u", record->dev >> EVENT_DEV_MINOR_BITS,
		 record->dev & ((1u << EVENT_DEV_MINOR_BITS) - 1));
	json_put_string(json, "dev", text);
	json_put_u64(json, "inode", record->ino);
	json_put_u64(json, "generation", record->generation);
	json_put_u64(json, "size", record->file_bytes);
}

static void put_file(struct line *line)
{
	const struct hf_event *record = line->record;
	struct json *json = line->json;
	char text[16];

	json_open_object(json, "file");
	put_identity(line);
	snprintf(text, sizeof(text), "%04o", record->mode & 07777u);
	json_put_string(json, "mode", text);
	put_filesystem(json, record->magic);
	line->hole = json_length(json);
	json_close(json);
}

static void put_words(struct json *json, const char *name, uint32_t bits, const char *const *words, size_t n)
{
	json_open_array(json, name);
	for (size_t i = 0; i < n; i++)
		if (words[i] && bits & (1u << i))
			json_put_string(json, NULL, words[i]);
	json_close(json);
}

static void put_bits(struct line *line)
{
	static const char *const prot_words[] = { "read", "write", "exec" };
	/* By bit of HF_EVENT_*; a pause and what was there before have members of their own. */
	static const char *const flag_words[] = {
		"path-cut", NULL, "read-implies-exec", "exec-stage", "deleted", "exe-cut", "no-path", NULL, "writable", "memory-file", "exe-memory-file",
		[FLAG_REPEATED] = "repeated",
	};
	const struct hf_event *record = line->record;
	uint32_t flags = record->flags & ((1u << FLAG_REPEATED) - 1);

	_Static_assert(PROT_READ == 1 && PROT_WRITE == 2 && PROT_EXEC == 4, "words by bit");
	_Static_assert(HF_EVENT_PATH_CUT == 1 && HF_EVENT_PAUSED == 2 && HF_EVENT_NO_PATH == 1 << 6 &&
		       HF_EVENT_WRITABLE == 1 << 8, "words by bit");
	if (line->path.known && !line->path.whole)
		flags |= HF_EVENT_PATH_CUT;
	if (line->exe.known && !line->exe.whole)
		flags |= HF_EVENT_EXE_CUT;
	if (line->context->repeated)
		flags |= 1u << FLAG_REPEATED;
	put_words(line->json, "prot", record->prot, prot_words, ARRAY_SIZE(prot_words));
	put_words(line->json, "flags", flags, flag_words, ARRAY_SIZE(flag_words));
	json_put_bool(line->json, "paused", record->flags & HF_EVENT_PAUSED);
	json_put_bool(line->json, "existing", record->flags & HF_EVENT_EXISTING);
}

static void put_message(struct line *line)
{
	char message[EVENT_MESSAGE_BYTES];

	event_message(line->record, line->path.known ? line->path.bytes : NULL, line->path.n, line->path.whole,
		      message);
	json_put_string(line->json, "message", message);
}

static int finish_line(struct line *line, struct event_line *ret)
{
	struct event_line done = { .hole = line->hole };
	int err = json_finish(line->json, &done.text, &done.bytes);

	if (!err)
		*ret = done;
	return err;
}

static int write_line(struct line *line, size_t path_max, struct event_line *ret)
{
	const struct hf_event *record = line->record;
	struct json *json = line->json;

	read_paths(line, path_max);
	json_reset(json);
	json_open_object(json, NULL);
	json_put_time(json, "time", record->time_ns + (uint64_t)line->context->boot_to_real_ns);
	json_put_string(json, "type", "drift");
	json_put_u64(json, "seq", line->context->seq);
	json_put_string(json, "action", event_verdict_name(record->verdict));
	json_put_string(json, "operation", event_op_name(record->op));
	json_put_string(json, "class", event_class_name(record->class_));
	json_put_string(json, "reason", event_reason_name(record->reason));
	json_put_string(json, "detail", event_detail_name(record->detail));
	put_message(line);
	put_policy(line);
	put_container(line);
	put_process(line);
	put_file(line);
	if (record->target)
		json_put_u64(json, "target_pid", record->target);
	put_bits(line);
	json_close(json);
	return finish_line(line, ret);
}

int event_json_drift(struct json *json, const struct hf_event *record, size_t bytes,
		     const struct event_context *context, struct event_line *ret)
{
	struct line line = { .json = json, .record = record, .context = context };
	int err = check_record(record, bytes);

	if (err < 0)
		return err;
	err = write_line(&line, HF_PATH_BYTES, ret);
	if (err == -EMSGSIZE)
		err = write_line(&line, SHORT_PATH_BYTES, ret);
	return err;
}

static int write_digest_line(struct line *line, size_t path_max, const char *container_id, struct event_line *ret)
{
	const struct hf_event *record = line->record;
	struct json *json = line->json;
	char message[80];

	read_paths(line, path_max);
	json_reset(json);
	json_open_object(json, NULL);
	json_put_time(json, "time", clock_ns(CLOCK_REALTIME));
	json_put_string(json, "type", "digest");
	snprintf(message, sizeof(message), "the digest of the file of event %llu is known",
		 (unsigned long long)line->context->seq);
	json_put_string(json, "message", message);
	json_put_u64(json, "seq", line->context->seq);
	json_put_time(json, "event_time", record->time_ns + (uint64_t)line->context->boot_to_real_ns);
	json_open_object(json, "container");
	put_fact(json, "id", container_id);
	json_close(json);
	json_open_object(json, "file");
	put_identity(line);
	line->hole = json_length(json);
	json_close(json);
	json_put_string(json, "severity", policy_severity_name(POLICY_SEVERITY_INFO));
	json_close(json);
	return finish_line(line, ret);
}

int event_json_digest(struct json *json, const struct hf_event *record, const char *container_id,
		      const struct event_context *context, struct event_line *ret)
{
	struct line line = { .json = json, .record = record, .context = context };
	int err = write_digest_line(&line, HF_PATH_BYTES, container_id, ret);

	if (err == -EMSGSIZE)
		err = write_digest_line(&line, SHORT_PATH_BYTES, container_id, ret);
	return err;
}

size_t event_json_path_of(const char *leaf_first, size_t bytes, char *ret)
{
	struct path_text path;

	read_path(leaf_first, bytes, true, HF_PATH_BYTES, &path);
	memcpy(ret, path.bytes, path.n);
	ret[path.n] = '\0';
	return path.n;
}

size_t event_json_path(const struct hf_event *record, char *ret)
{
	if (record->flags & (HF_EVENT_PATH_CUT | HF_EVENT_DELETED | HF_EVENT_NO_PATH | HF_EVENT_MEMFD) || record->reason == HF_REASON_MEMFD)
		return 0;
	return event_json_path_of((const char *)(record + 1), record->path_bytes, ret);
}
