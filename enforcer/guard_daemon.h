/* SPDX-License-Identifier: Apache-2.0 */
/* Self-protection within the daemon: its stages, and the answers to UNLOCK and LOCK (wire.h). Owns: the words. Must not know: sockets. */
#ifndef ENFORCER_GUARD_DAEMON_H
#define ENFORCER_GUARD_DAEMON_H

struct daemon;
struct json_object;

/* As functions of stages.c. The first while its thread is the one that the kernel half answers. */
int guard_start(struct daemon *daemon, char *reterr);
void guard_stop(struct daemon *daemon);
int guard_start_protecting(struct daemon *daemon, char *reterr);

/* As control_answer_fn; data: struct daemon. */
int guard_answer_unlock(void *data, struct json_object *request, struct json_object **ret);
int guard_answer_lock(void *data, struct json_object *request, struct json_object **ret);

#endif
