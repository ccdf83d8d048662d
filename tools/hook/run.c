// SPDX-License-Identifier: Apache-2.0
/*
 * From the state to the exit code: which containers are skipped, and what a refusal or silence leads to.
 *
 * Owns: the order of steps and every decision of the hook. Must not know: sockets, JSON.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

enum { CODE_START = 0, CODE_REFUSE = 1 };

int hook_say(struct hook_text *ret, int code, const char *format, ...)
{
	struct hook_text fresh; /* an argument may be the text of *ret */
	va_list args;

	va_start(args, format);
	vsnprintf(fresh.text, sizeof(fresh.text), format, args);
	va_end(args);
	for (char *c = fresh.text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	*ret = fresh;
	return code;
}

bool hook_is_rootless(void)
{
	_cleanup_(close_file) FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned long inside = 1, outside = 1, count = 0;

	if (geteuid() != 0)
		return true;
	if (!map || fscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3)
		return false;
	return inside == 0 && outside != 0;
}

static bool list_has(const struct hook_list *list, const char *item)
{
	for (size_t i = 0; item && i < list->n; i++)
		if (strcmp(list->items[i], item) == 0)
			return true;
	return false;
}

/* An entry is "key" (any value) or "key=value". */
static bool has_annotation(const struct hook_state *state, const char *entry)
{
	_cleanup_(free_ptr) char *key = strdup(entry);
	const char *found;
	char *value;

	if (!key)
		return false;
	value = strchr(key, '=');
	if (value)
		*value++ = '\0';
	found = hook_state_annotation(state, key);
	return found && (!value || strcmp(found, value) == 0);
}

static bool is_skipped(const struct hook_options *options, const struct hook_state *state)
{
	for (size_t i = 0; i < options->skip_ids.n; i++)
		if (fnmatch(options->skip_ids.items[i], state->id, 0) == 0)
			return true;
	for (size_t i = 0; i < options->skip_annotations.n; i++)
		if (has_annotation(state, options->skip_annotations.items[i]))
			return true;
	return false;
}

/* Nobody answered, or the container could not even be looked at: the hook's own configuration decides. */
static int judge_failure(const struct hook_options *options, const struct hook_state *state, int error,
			 const char *why, struct hook_text *ret)
{
	if (list_has(&options->allow_namespaces, state->namespace_))
		return hook_say(ret, CODE_START, "container %.64s starts unprotected (allow_namespaces has %.64s): %s",
				state->id, state->namespace_, why);
	if (error == -EACCES && options->rootless == HOOK_ANSWER_ALLOW && hook_is_rootless())
		return hook_say(ret, CODE_START, "container %.64s starts unregistered (rootless = allow): %s", state->id,
				why);
	if (options->on_failure == HOOK_ANSWER_ALLOW)
		return hook_say(ret, CODE_START, "container %.64s starts unprotected (on_failure = allow): %s", state->id,
				why);
	return hook_say(ret, CODE_REFUSE,
			"container %.64s not started: %s; to start containers without protection meanwhile, set on_failure = allow in "
			HOOK_CONFIG_FILE, state->id, why);
}

static int judge_reply(const struct hook_options *options, const struct hook_state *state,
		       const struct hook_reply *reply, struct hook_text *ret)
{
	const char *why = reply->message[0] ? reply->message : strerror(-reply->status);

	if (reply->status == 0 && reply->armed)
		return CODE_START;
	if (reply->status == 0)
		return hook_say(ret, CODE_START, "container %.64s starts unarmed by policy: %s", state->id,
				reply->message[0] ? reply->message : "holdfastd gave no reason");
	if (list_has(&options->allow_namespaces, state->namespace_))
		return hook_say(ret, CODE_START, "container %.64s starts unprotected (allow_namespaces has %.64s): %s",
				state->id, state->namespace_, why);
	return hook_say(ret, CODE_REFUSE,
			"container %.64s not started, holdfastd refused it: %s; the policy's failurePolicy.notReady decides this (see: journalctl -u holdfastd)",
			state->id, why);
}

static int ask(const struct hook_options *options, const struct hook_state *state, uint64_t deadline_ns,
	       struct hook_reply *ret, struct hook_text *reterr)
{
	_cleanup_(free_ptr) char *message = NULL;
	int fds[_HOOK_OBJECT_MAX];
	int r = hook_state_message(state, &message);

	if (r == -EMSGSIZE)
		return hook_say(reterr, r, "the container's state does not fit into one message to holdfastd");
	if (r < 0)
		return hook_say(reterr, r, "out of memory");
	r = hook_objects_open(state, fds, reterr);
	if (r < 0)
		return r;
	r = hook_ask(options->socket, message, fds, deadline_ns, ret, reterr);
	hook_objects_close(fds);
	return r;
}

int hook_run(const struct hook_options *options, int in, struct hook_text *ret)
{
	uint64_t deadline_ns = clock_ns(CLOCK_MONOTONIC) + options->timeout_ms * 1000000ull;
	struct hook_state state = { 0 };
	struct hook_reply reply;
	struct hook_text why;
	int r = hook_state_read(in, deadline_ns, &state, &why);

	ret->text[0] = '\0';
	if (r < 0)
		return hook_say(ret, CODE_REFUSE, "%s", why.text);
	if (is_skipped(options, &state)) {
		hook_state_release(&state);
		return CODE_START;
	}
	r = ask(options, &state, deadline_ns, &reply, &why);
	if (r < 0)
		r = judge_failure(options, &state, r, why.text, ret);
	else
		r = judge_reply(options, &state, &reply, ret);
	hook_state_release(&state);
	return r;
}
