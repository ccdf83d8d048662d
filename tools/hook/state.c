// SPDX-License-Identifier: Apache-2.0
/*
 * The OCI state: read, checked, and written again for the daemon.
 *
 * Owns: what counts as a well-formed createRuntime state. Must not know: the process or the files it names.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

#define JSON_DEPTH 32	  /* a state is three levels deep */
#define READ_CHUNK 16384u /* a typical state is 1 KiB */
#define PAYLOAD_MAX (WIRE_MAX_BYTES - sizeof(struct wire_header))

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

int hook_remaining_ms(uint64_t deadline_ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	return now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
}

/* Waits until fd can be read; 0 or -ETIMEDOUT. */
static int wait_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&poller, 1, hook_remaining_ms(deadline_ns));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	return r < 0 ? -errno : 0;
}

/* All bytes up to the end, NUL-terminated. */
static int read_all(int fd, uint64_t deadline_ns, char **ret, size_t *ret_bytes)
{
	_cleanup_(free_ptr) char *buf = NULL;
	size_t used = 0;

	for (;;) {
		char *bigger = realloc(buf, used + READ_CHUNK + 1);
		ssize_t n;
		int r;

		if (!bigger)
			return -ENOMEM;
		buf = bigger;
		r = wait_readable(fd, deadline_ns);
		if (r < 0)
			return r;
		n = read(fd, buf + used, READ_CHUNK);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > HOOK_STATE_MAX)
			return -EFBIG;
	}
	buf[used] = '\0';
	*ret = TAKE_PTR(buf);
	*ret_bytes = used;
	return 0;
}

static int parse_object(const char *text, size_t bytes, struct json_object **ret, struct hook_text *reterr)
{
	struct json_tokener *tokener;
	struct json_object *object;
	enum json_tokener_error error;

	if (memchr(text, '\0', bytes)) /* json-c would stop there and call it complete */
		return hook_say(reterr, -EINVAL, "the state on standard input is not JSON (it holds a NUL byte)");
	tokener = json_tokener_new_ex(JSON_DEPTH);
	if (!tokener)
		return hook_say(reterr, -ENOMEM, "out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int)bytes + 1); /* the NUL ends a bare number or word */
	error = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	if (error != json_tokener_success)
		return hook_say(reterr, -EINVAL, "the state on standard input is not JSON (%s)",
				bytes == 0 ? "it is empty" : json_tokener_error_desc(error));
	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return hook_say(reterr, -EINVAL, "the state on standard input is not a JSON object");
	}
	*ret = object;
	return 0;
}

/* A string without NUL in it, or NULL. */
static const char *get_string(struct json_object *object, const char *key)
{
	struct json_object *value;
	const char *text;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

static int check_names(const struct hook_state *state, struct hook_text *reterr)
{
	if (!state->id || state->id[0] == '\0')
		return hook_say(reterr, -EINVAL, "the state has no container id");
	if (strlen(state->id) > HOOK_ID_MAX)
		return hook_say(reterr, -EINVAL, "the state's container id is longer than %u bytes", HOOK_ID_MAX);
	if (!state->bundle || state->bundle[0] != '/')
		return hook_say(reterr, -EINVAL, "container %.64s: the state's bundle is not an absolute path", state->id);
	if (strlen(state->bundle) >= PATH_MAX)
		return hook_say(reterr, -EINVAL, "container %.64s: the state's bundle path is too long", state->id);
	return 0;
}

/* Other stages see the pid of another namespace (1, 0), none, or a container that already runs or has ended. */
static int check_stage(struct hook_state *state, struct hook_text *reterr)
{
	static const char remedy[] = "register holdfast-hook at the stage createRuntime";
	const char *status = get_string(state->json, "status");
	struct json_object *value;
	int64_t pid;

	if (status && strcmp(status, "creating") && strcmp(status, "created"))
		return hook_say(reterr, -EINVAL, "container %.64s: called when it is already %.32s: %s", state->id, status,
				remedy);
	if (!json_object_object_get_ex(state->json, "pid", &value))
		return hook_say(reterr, -EINVAL, "container %.64s: the state has no pid: %s", state->id, remedy);
	if (!json_object_is_type(value, json_type_int))
		return hook_say(reterr, -EINVAL, "container %.64s: the state's pid is not a number", state->id);
	pid = json_object_get_int64(value);
	if (pid == 0 || pid == 1)
		return hook_say(reterr, -EINVAL, "container %.64s: called inside the container (pid %d): %s", state->id,
				(int)pid, remedy);
	if (pid < 0 || pid > INT_MAX)
		return hook_say(reterr, -EINVAL, "container %.64s: the state's pid is out of range", state->id);
	state->pid = (pid_t)pid;
	return 0;
}

static int check_annotations(const struct hook_state *state, struct hook_text *reterr)
{
	struct json_object *annotations;

	if (!json_object_object_get_ex(state->json, "annotations", &annotations) || !annotations)
		return 0;
	if (!json_object_is_type(annotations, json_type_object))
		return hook_say(reterr, -EINVAL, "container %.64s: the state's annotations are not an object", state->id);
	json_object_object_foreach(annotations, key, value) {
		if (!json_object_is_type(value, json_type_string))
			return hook_say(reterr, -EINVAL, "container %.64s: annotation %.128s is not a text", state->id, key);
	}
	return 0;
}

/* Which namespace the pod is in. Keys that contradict each other give none, so that none can buy an exemption. */
static const char *find_namespace(const struct hook_state *state)
{
	static const char *const keys[] = { "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace",
					    "io.kubernetes.cri-o.Namespace" };
	const char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = hook_state_annotation(state, keys[i]);

		if (value && found && strcmp(value, found) != 0)
			return NULL;
		if (value && value[0] != '\0')
			found = value;
	}
	return found;
}

const char *hook_state_annotation(const struct hook_state *state, const char *key)
{
	struct json_object *annotations;

	if (!json_object_object_get_ex(state->json, "annotations", &annotations))
		return NULL;
	return get_string(annotations, key);
}

int hook_state_read(int fd, uint64_t deadline_ns, struct hook_state *ret, struct hook_text *reterr)
{
	_cleanup_(put_json) struct json_object *json = NULL;
	_cleanup_(free_ptr) char *text = NULL;
	struct hook_state state = { 0 };
	size_t bytes = 0;
	int r = read_all(fd, deadline_ns, &text, &bytes);

	if (r == -EFBIG)
		return hook_say(reterr, r, "the state on standard input is longer than %u bytes", HOOK_STATE_MAX);
	if (r == -ETIMEDOUT)
		return hook_say(reterr, r, "the runtime did not finish the state on standard input in time");
	if (r < 0)
		return hook_say(reterr, r, "cannot read the state on standard input: %s", strerror(-r));
	r = parse_object(text, bytes, &json, reterr);
	if (r < 0)
		return r;
	state = (struct hook_state){ .json = json, .id = get_string(json, "id"), .bundle = get_string(json, "bundle") };
	r = check_names(&state, reterr);
	if (r == 0)
		r = check_stage(&state, reterr);
	if (r == 0)
		r = check_annotations(&state, reterr);
	if (r < 0)
		return r;
	state.namespace_ = find_namespace(&state);
	json = NULL;
	*ret = state;
	return 0;
}

void hook_state_release(struct hook_state *state)
{
	put_json(&state->json);
	*state = (struct hook_state){ 0 };
}

/* A new object with the fields that the daemon knows; fields are shared, not copied, but the annotations' map is. */
static struct json_object *select_fields(const struct hook_state *state)
{
	static const char *const keys[] = { "ociVersion", "id", "status", "pid", "bundle" };
	struct json_object *message = json_object_new_object(), *annotations = NULL, *copy = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct json_object *value;

		if (json_object_object_get_ex(state->json, keys[i], &value))
			json_object_object_add(message, keys[i], json_object_get(value));
	}
	json_object_object_get_ex(state->json, "annotations", &annotations);
	if (annotations) {
		json_object_object_foreach(annotations, key, value) {
			json_object_object_add(copy, key, json_object_get(value));
		}
	}
	json_object_object_add(message, "annotations", copy);
	return message;
}

/* Takes the largest annotation out. False: there is none left. */
static bool drop_largest(struct json_object *message)
{
	struct json_object *annotations = json_object_object_get(message, "annotations");
	const char *largest = NULL;
	size_t most = 0;

	json_object_object_foreach(annotations, key, value) {
		size_t bytes = strlen(key) + (size_t)json_object_get_string_len(value);

		if (!largest || bytes > most) {
			largest = key;
			most = bytes;
		}
	}
	if (largest)
		json_object_object_del(annotations, largest);
	return largest;
}

int hook_state_message(const struct hook_state *state, char **ret)
{
	_cleanup_(put_json) struct json_object *message = select_fields(state);
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;
	size_t bytes;

	while ((text = json_object_to_json_string_length(message, flags, &bytes)) && bytes > PAYLOAD_MAX)
		if (!drop_largest(message))
			return -EMSGSIZE;
	*ret = text ? strdup(text) : NULL;
	return *ret ? 0 : -ENOMEM;
}
