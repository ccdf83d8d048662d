// SPDX-License-Identifier: Apache-2.0
/* container.*, k8s.*, user.* and group.*: whose it was. Contracts: detect_fields_internal.h. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/detect_names.h"
#include "enforcer/util.h"

static bool is_host(const struct detect_event *event)
{
	return !strcmp(event->container->id, "host");
}

enum fact {
	FACT_ID, FACT_FULL_ID, FACT_NAME, FACT_IMAGE, FACT_DIGEST, FACT_TYPE, FACT_NAMESPACE, FACT_POD, FACT_POD_UID,
};

static void put_fact(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_container *c = event->container;

	(void)use;
	if (what > FACT_FULL_ID && is_host(event)) {
		if (what == FACT_NAME || what == FACT_TYPE)
			set_string(ret, "host");
		return;
	}
	switch (what) {
	case FACT_ID: set_text(ret, c->id, strnlen(c->id, DETECT_CONTAINER_ID_BYTES)); return;
	case FACT_FULL_ID: set_string(ret, c->id); return;
	case FACT_NAME: set_string(ret, c->name); return;
	case FACT_IMAGE: set_string(ret, c->image); return;
	case FACT_DIGEST: set_string(ret, c->image_digest); return;
	case FACT_TYPE: set_string(ret, c->runtime); return;
	case FACT_NAMESPACE: set_string(ret, c->namespace_); return;
	case FACT_POD: set_string(ret, c->pod); return;
	case FACT_POD_UID: set_string(ret, c->pod_uid); return;
	}
}

/* "registry:5000/a/b:tag@sha256:…": the tag stands behind the last slash's colon. */
static void put_image_part(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const char *image = event->container->image, *slash, *colon;
	size_t n;

	(void)use;
	if (!image || is_host(event))
		return;
	n = strcspn(image, "@");
	slash = memrchr(image, '/', n);
	slash = slash ? slash : image;
	colon = memchr(slash, ':', n - (size_t)(slash - image));
	if (!what)
		set_text(ret, image, colon ? (size_t)(colon - image) : n);
	else if (colon)
		set_text(ret, colon + 1, n - (size_t)(colon + 1 - image));
}

static void put_privileged(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use, (void)what;
	if (!is_host(event) && event->container->privileged >= 0)
		set_bool(ret, event->container->privileged);
}

static void put_start(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	uint64_t start = event->container->start_ns;

	(void)use;
	if (!start || is_host(event))
		return;
	set_unsigned(ret, !what ? start : event->time_ns > start ? event->time_ns - start : 0);
}

/* --- mounts --------------------------------------------------------------------------------------------------------- */

enum mount_part { MOUNT_ALL, MOUNT_SOURCE, MOUNT_DEST, MOUNT_MODE, MOUNT_RDWR, MOUNT_PROPAGATION };

static int print_mount(const struct detect_mount *mount, char *text, size_t size)
{
	return snprintf(text, size, "%s:%s:%s:%s:%s", mount->source, mount->destination, mount->mode,
			mount->writable ? "true" : "false", mount->propagation);
}

static void set_mount(const struct detect_event *event, const struct detect_mount *mount, struct rule_value *ret)
{
	int n = print_mount(mount, NULL, 0);
	char *text = n >= 0 ? detect_room_take(event->room, (size_t)n + 1) : NULL;

	if (!text)
		return;
	print_mount(mount, text, (size_t)n + 1);
	set_text(ret, text, (size_t)n);
}

/* By number, or by the destination (container.mount.dest: by the source), which may be a glob. */
static const struct detect_mount *find_mount(const struct detect_container *c, const struct rule_field_use *use, int what)
{
	if (use->indexed)
		return use->index >= 0 && (uint64_t)use->index < c->n_mounts ? &c->mounts[use->index] : NULL;
	for (size_t i = 0; use->argument && i < c->n_mounts; i++) {
		const struct detect_mount *mount = &c->mounts[i];

		if (!fnmatch(use->argument, what == MOUNT_DEST ? mount->source : mount->destination, FNM_NOESCAPE))
			return mount;
	}
	return NULL;
}

static void put_mount(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_mount *mount = is_host(event) ? NULL : find_mount(event->container, use, what);

	if (!mount)
		return;
	switch (what) {
	case MOUNT_ALL: set_mount(event, mount, ret); return;
	case MOUNT_SOURCE: set_string(ret, mount->source); return;
	case MOUNT_DEST: set_string(ret, mount->destination); return;
	case MOUNT_MODE: set_string(ret, mount->mode); return;
	case MOUNT_RDWR: set_string(ret, mount->writable ? "true" : "false"); return;
	case MOUNT_PROPAGATION: set_string(ret, mount->propagation); return;
	}
}

static void put_mounts(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_container *c = event->container;
	size_t bytes = 1, used = 0;
	char *text;

	(void)use, (void)what;
	if (is_host(event))
		return;
	for (size_t i = 0; i < c->n_mounts; i++)
		bytes += (size_t)print_mount(&c->mounts[i], NULL, 0) + 1;
	text = detect_room_take(event->room, bytes);
	for (size_t i = 0; text && i < c->n_mounts; i++) {
		if (i)
			text[used++] = ',';
		used += (size_t)print_mount(&c->mounts[i], text + used, bytes - used);
	}
	set_text(ret, text, used);
}

/* --- labels --------------------------------------------------------------------------------------------------------- */

static void put_label(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_container *c = event->container;

	(void)what;
	for (size_t i = 0; use->argument && i < c->n_labels; i++)
		if (!strcmp(c->labels[i].key, use->argument))
			set_string(ret, c->labels[i].value);
}

static void put_labels(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_container *c = event->container;
	size_t bytes = 1, used = 0;
	char *text;

	(void)use, (void)what;
	if (!c->n_labels)
		return;
	for (size_t i = 0; i < c->n_labels; i++)
		bytes += strlen(c->labels[i].key) + strlen(c->labels[i].value) + 3;
	text = detect_room_take(event->room, bytes);
	for (size_t i = 0; text && i < c->n_labels; i++)
		used += (size_t)snprintf(text + used, bytes - used, "%s%s:%s", i ? ", " : "", c->labels[i].key, c->labels[i].value);
	set_text(ret, text, used);
}

/* --- users ---------------------------------------------------------------------------------------------------------- */

enum user_part { USER_UID, USER_NAME, USER_HOME, USER_SHELL, GROUP_GID, GROUP_NAME };

static bool find_ids(const struct detect_event *event, uint32_t *ret_uid, uint32_t *ret_gid)
{
	const struct hf_detect_head *head = event->stream ? event->stream->head : NULL;

	if (event->drift) {
		*ret_uid = event->drift->record->uid;
		*ret_gid = event->drift->record->gid;
	} else if (head) {
		*ret_uid = head->euid;
		*ret_gid = head->egid;
	}
	return head || event->drift;
}

static void put_user(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_user *user;
	uint32_t uid = 0, gid = 0;

	(void)use;
	if (!find_ids(event, &uid, &gid))
		return;
	if (what == USER_UID || what == GROUP_GID) {
		set_unsigned(ret, what == USER_UID ? uid : gid);
		return;
	}
	if (what == GROUP_NAME) {
		set_string(ret, detect_names_group(event->names, gid));
		return;
	}
	user = detect_names_user(event->names, uid);
	if (user)
		set_string(ret, what == USER_NAME ? user->name : what == USER_HOME ? user->home : user->shell);
	else if (uid == 0 && what == USER_NAME) /* whatever its file says, or that it has none */
		set_string(ret, "root");
}

static void put_login(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_user *user;
	uint32_t uid;

	(void)use;
	if (!event->stream && !event->process)
		return;
	uid = event->stream ? event->stream->head->loginuid : event->process->loginuid;
	if (!what) {
		set_signed(ret, (int32_t)uid);
		return;
	}
	user = detect_names_user(event->host_names, uid);
	if (user)
		set_string(ret, user->name);
	else if (uid == 0)
		set_string(ret, "root");
}

static const struct detect_field_row rows[] = {
	{ "container.id", put_fact, FACT_ID },
	{ "container.full_id", put_fact, FACT_FULL_ID },
	{ "container.name", put_fact, FACT_NAME },
	{ "container.image", put_fact, FACT_IMAGE },
	{ "container.image.digest", put_fact, FACT_DIGEST },
	{ "container.type", put_fact, FACT_TYPE },
	{ "k8s.ns.name", put_fact, FACT_NAMESPACE },
	{ "k8s.pod.name", put_fact, FACT_POD },
	{ "k8s.pod.id", put_fact, FACT_POD_UID },
	{ "k8s.pod.uid", put_fact, FACT_POD_UID },
	{ "container.image.repository", put_image_part, 0 },
	{ "container.image.tag", put_image_part, 1 },
	{ "container.privileged", put_privileged, 0 },
	{ "container.start_ts", put_start, 0 },
	{ "container.duration", put_start, 1 },
	{ "container.mounts", put_mounts, 0 },
	{ "container.mount", put_mount, MOUNT_ALL },
	{ "container.mount.source", put_mount, MOUNT_SOURCE },
	{ "container.mount.dest", put_mount, MOUNT_DEST },
	{ "container.mount.mode", put_mount, MOUNT_MODE },
	{ "container.mount.rdwr", put_mount, MOUNT_RDWR },
	{ "container.mount.propagation", put_mount, MOUNT_PROPAGATION },
	{ "container.label", put_label, 0 },
	{ "container.labels", put_labels, 0 },
	{ "k8s.pod.label", put_label, 0 },
	{ "k8s.pod.labels", put_labels, 0 },
	{ "user.uid", put_user, USER_UID },
	{ "user.name", put_user, USER_NAME },
	{ "user.homedir", put_user, USER_HOME },
	{ "user.shell", put_user, USER_SHELL },
	{ "group.gid", put_user, GROUP_GID },
	{ "group.name", put_user, GROUP_NAME },
	{ "user.loginuid", put_login, 0 },
	{ "user.loginname", put_login, 1 },
};

const struct detect_field_table detect_fields_of_container = { rows, ARRAY_SIZE(rows) };
