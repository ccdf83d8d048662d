/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI hook's parts: what the runtime says (state), what is handed over (objects), what the daemon answers (ask),
 * and what follows from it (run). One process, one container, one answer; nothing is kept.
 */
#ifndef TOOLS_HOOK_HOOK_H
#define TOOLS_HOOK_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "enforcer/wire.h"

#define HOOK_CONFIG_FILE "/etc/holdfast/hook.conf"
#define HOOK_TEXT_MAX 1024		/* the one line a runtime shows; longer ones are cut there anyway */
#define HOOK_STATE_MAX (1u << 20)	/* annotations may be 256 KiB by Kubernetes' rules; quoting at most doubles them */
#define HOOK_SPEC_MAX (8u << 20)	/* config.json: the same, with mounts and seccomp rules of a busy pod */
#define HOOK_ID_MAX 1024u		/* what runc and crun accept */
#define HOOK_CONFIG_MAX 65536u		/* a handful of lines */
#define HOOK_LIST_MAX 256u		/* entries of one list in hook.conf: written by hand */
#define HOOK_TIMEOUT_MS 10000u
#define HOOK_TIMEOUT_MS_MAX 3600000u	/* an hour: no runtime waits longer */

/* What happens to a container that could not be armed because nobody answered. */
enum hook_answer {
	HOOK_ANSWER_REFUSE,
	HOOK_ANSWER_ALLOW,
	_HOOK_ANSWER_MAX
};

/* One line for people. Every failure fills it; on success it is "" unless there is something worth a log line. */
struct hook_text {
	char text[HOOK_TEXT_MAX];
};

/* Writes the line, control bytes replaced, and returns code: "return hook_say(reterr, -EINVAL, …);". */
int hook_say(struct hook_text *ret, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

struct hook_list {
	char **items; /* owned */
	size_t n;
};

/* hook.conf and the command line. */
struct hook_options {
	char *socket;
	char *log; /* "none", "syslog", "kmsg" or a file's path */
	uint32_t timeout_ms;
	enum hook_answer on_failure;
	enum hook_answer rootless;
	struct hook_list allow_namespaces;
	struct hook_list skip_annotations;
	struct hook_list skip_ids;
};

enum hook_parsed {
	HOOK_PARSED_RUN,
	HOOK_PARSED_DONE, /* --help or --version: printed on out */
};

/**
 * hook_options_parse - defaults, then the configuration file, then the command line
 * @argc, @argv: (borrowed) main's
 * @out: where --help and --version print
 * @ret: (output) to be released by hook_options_release(), also after a failure
 * @reterr: (output) one line on failure
 *
 * Return: enum hook_parsed; -EINVAL: unknown option or key, or a value out of range; -ENOENT and other errno: the file
 * named by --config cannot be read (a missing default file is fine); -ENOMEM.
 */
int hook_options_parse(int argc, char *const *argv, FILE *out, struct hook_options *ret, struct hook_text *reterr);
/* Sets the defaults. -ENOMEM. */
int hook_options_init(struct hook_options *ret);
void hook_options_release(struct hook_options *options);

/* Sets one setting by its name in hook.conf. -ENOENT: no such key, -EINVAL: not a value for it (line says what is). */
int hook_setting_set(struct hook_options *options, const char *key, const char *value, struct hook_text *reterr);
/* Reads hook.conf. -EINVAL: a line is wrong (line says which and why), otherwise the errno of reading. */
int hook_config_read(const char *path, struct hook_options *options, struct hook_text *reterr);

/* Milliseconds until deadline_ns (CLOCK_MONOTONIC), 0 when it has passed. */
int hook_remaining_ms(uint64_t deadline_ns);

struct json_object;

/* What the runtime said. Strings belong to json. */
struct hook_state {
	struct json_object *json;
	const char *id;
	const char *bundle;
	const char *namespace_; /* NULL: none, or the runtime's annotations contradict each other */
	pid_t pid;
};

/**
 * hook_state_read - read the OCI state and check it
 * @fd: (borrowed) standard input
 * @deadline_ns: CLOCK_MONOTONIC
 * @ret: (output) to be released by hook_state_release(); untouched on failure
 * @reterr: (output) one line on failure
 *
 * Return: 0; -EINVAL: not a state that createRuntime gives; -EFBIG: longer than HOOK_STATE_MAX; -ETIMEDOUT; -ENOMEM;
 * otherwise the errno of read.
 */
int hook_state_read(int fd, uint64_t deadline_ns, struct hook_state *ret, struct hook_text *reterr);
void hook_state_release(struct hook_state *state);
/* The annotation's value, or NULL. Borrowed. */
const char *hook_state_annotation(const struct hook_state *state, const char *key);
/* The payload for the daemon, to be freed. Annotations that do not fit into a packet are left out, largest first: the
 * daemon has them all in config.json. -EMSGSIZE: too long without any, -ENOMEM. */
int hook_state_message(const struct hook_state *state, char **ret);

/* The descriptors in the order in which they are sent. */
enum hook_object {
	HOOK_OBJECT_PIDFD,
	HOOK_OBJECT_ROOTFS,
	HOOK_OBJECT_SPEC,
	_HOOK_OBJECT_MAX
};

/**
 * hook_objects_open - open the process, its root directory as it sees it, and the bundle's config.json
 * @state: (borrowed) checked state
 * @ret: (output) array of _HOOK_OBJECT_MAX descriptors; all -1 on failure; released by hook_objects_close()
 * @reterr: (output) one line on failure
 *
 * The root directory is looked up through /proc/PID/root, with links resolved inside it: the runtime has not pivoted
 * yet, so this is the host's path in the container's mount namespace, with all its mounts on top.
 *
 * Return: 0; -ESRCH: the process is gone; -EINVAL: config.json does not name a root; otherwise the errno of the call.
 */
int hook_objects_open(const struct hook_state *state, int *ret, struct hook_text *reterr);
void hook_objects_close(int *fds);

struct hook_reply {
	int status; /* 0, or -errno: refused */
	bool armed;
	char message[HOOK_TEXT_MAX];
};

/**
 * hook_ask - hand the container to the daemon and wait for its word
 * @socket: (borrowed) path
 * @message: (borrowed) payload
 * @fds: (borrowed) _HOOK_OBJECT_MAX descriptors
 * @deadline_ns: CLOCK_MONOTONIC; nothing waits longer
 * @ret: (output) untouched on failure
 * @reterr: (output) one line on failure
 *
 * Return: 0: the daemon answered, read @ret; below 0: it did not. -EACCES: not allowed to connect.
 */
int hook_ask(const char *socket, const char *message, const int *fds, uint64_t deadline_ns, struct hook_reply *ret,
	     struct hook_text *reterr);

/* Does the caller run for an unprivileged user (not root of the first user namespace)? */
bool hook_is_rootless(void);

/**
 * hook_run - all of it
 * @options: (borrowed)
 * @in: (borrowed) descriptor with the OCI state
 * @ret: (output) the line for stderr and the log, or ""
 *
 * Return: the exit code: 0 the container may start, 1 it may not.
 */
int hook_run(const struct hook_options *options, int in, struct hook_text *ret);

/* Writes the line to where options->log says. Never blocks; a log that cannot be written is ignored. */
void hook_log(const char *where, const char *line);

#endif
