// SPDX-License-Identifier: Apache-2.0
/*
 * Self-protection's place in the daemon. Contracts: guard_daemon.h.
 */
#include "enforcer/guard_daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "enforcer/daemon.h"
#include "enforcer/guard.h"
#include "enforcer/report.h"

int guard_start(struct daemon *daemon, char *reterr)
{
	(void)reterr;
	return guard_new(daemon->lsm, daemon->loop, daemon->options.self_protection, &daemon->guard);
}

void guard_stop(struct daemon *daemon)
{
	guard_free(&daemon->guard);
}

int guard_start_protecting(struct daemon *daemon, char *reterr)
{
	(void)reterr;
	guard_begin(daemon->guard);
	return 0;
}

static int refuse(int err, struct json_object **ret)
{
	const char *text = strerror(-err);

	if (err == -EINVAL)
		text = "it is unlocked for 1 second to 24 hours";
	else if (err == -ENOENT)
		text = "it is not unlocked";
	else if (err == -EALREADY)
		text = "nothing is protected against the host, see holdfast status";
	*ret = report_message(text, 0);
	return err;
}

int guard_answer_unlock(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	struct json_object *seconds = NULL;
	int64_t n = 0;
	char text[128];
	int err;

	if (json_object_object_get_ex(request, "seconds", &seconds) && json_object_is_type(seconds, json_type_int))
		n = json_object_get_int64(seconds);
	err = n > 0 ? guard_unlock(daemon->guard, (uint64_t)n) : -EINVAL;
	if (err < 0)
		return refuse(err, ret);
	snprintf(text, sizeof(text), "for %" PRId64 " seconds the host may touch the enforcer's maps, programs and pins", n);
	*ret = report_message(text, guard_unlocked_until(daemon->guard));
	return 0;
}

int guard_answer_lock(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	int err = guard_unlock(daemon->guard, 0);

	(void)request;
	if (err < 0)
		return refuse(err, ret);
	*ret = report_message("the enforcer is protected against the host again", 0);
	return 0;
}
