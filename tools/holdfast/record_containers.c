// SPDX-License-Identifier: Apache-2.0
/*
 * Containers and users for a recording: the daemon's answer by cgroup, where one runs, else what the path of the cgroup tells.
 *
 * I1: files of a container are opened within its root, regular ones only, and read up to a bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "enforcer/detect_frames.h"
#include "enforcer/detect_names.h"
#include "enforcer/util.h"
#include "tools/holdfast/record.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_BYTES 4096
/* cgroups whose container was written; one that comes later takes the place of another, which is then written again. */
#define SEEN_MAX 8192
#define HOST 1 /* no cgroup has this inode number: that of /sys/fs/cgroup is 1, and holds no process but the kernel's */

struct record_containers {
	const struct cli *cli;
	struct stream_writer *writer;
	struct detect_containers *table;
	bool asked; /* whether there is a daemon */
	bool daemon;
	uint64_t seen[SEEN_MAX];
};

/* No container is known by its kernel id: tags are the daemon's. */
static int no_source(struct detect_containers *containers, const struct detect_containers_key *key, void *data)
{
	(void)containers, (void)key, (void)data;
	return -ENOENT;
}

int record_containers_new(const struct cli *cli, struct stream_writer *writer, struct record_containers **ret)
{
	struct record_containers *containers = calloc(1, sizeof(*containers));
	int err = containers ? detect_containers_new(no_source, NULL, &containers->table) : -ENOMEM;

	if (err) {
		free(containers);
		return err;
	}
	containers->cli = cli;
	containers->writer = writer;
	*ret = containers;
	return 0;
}

void record_containers_free(struct record_containers **containers)
{
	if (!*containers)
		return;
	detect_containers_free(&(*containers)->table);
	free(*containers);
	*containers = NULL;
}

/* --- what the daemon knows ------------------------------------------------------------------------------------------ */

/* The number of a process's cgroup; 0: it has gone. */
static uint64_t cgroup_of(int64_t pid)
{
	char text[CGROUP_BYTES], path[CGROUP_BYTES + sizeof(CGROUP_ROOT)];
	_cleanup_(close_file) FILE *file = NULL;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%lld/cgroup", (long long)pid);
	file = fopen(path, "re");
	while (file && fgets(text, sizeof(text), file)) {
		if (strncmp(text, "0::", 3) != 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		snprintf(path, sizeof(path), CGROUP_ROOT "%s", text + 3);
		return stat(path, &st) == 0 ? st.st_ino : 0;
	}
	return 0;
}

static const char *text_or_null(struct json_object *o, const char *key)
{
	const char *text = cli_json_text(o, key);

	return text[0] ? text : NULL;
}

static void add_container(struct record_containers *containers, struct json_object *o)
{
	struct detect_containers_key key = { .cgroup = cgroup_of(cli_json_number(o, "pid")) };
	struct detect_container facts = {
		.id = text_or_null(o, "id"), .name = text_or_null(o, "name"), .image = text_or_null(o, "image"),
		.image_digest = text_or_null(o, "image_digest"), .runtime = text_or_null(o, "manager"),
		.namespace_ = text_or_null(o, "namespace"), .pod = text_or_null(o, "pod"), .pod_uid = text_or_null(o, "pod_uid"),
		.privileged = -1,
	};

	if (key.cgroup && facts.id)
		detect_containers_add(containers->table, &key, &facts);
}

/* A daemon that does not answer is not asked again. */
static void ask_daemon(struct record_containers *containers)
{
	struct cli_reply reply = { 0 };
	struct cli quiet = *containers->cli;
	struct json_object *list;
	FILE *nothing;

	if (containers->asked && !containers->daemon)
		return;
	containers->asked = true;
	nothing = fopen("/dev/null", "we");
	quiet.err = nothing ? nothing : containers->cli->err;
	containers->daemon = cli_request(&quiet, WIRE_CONTAINERS, NULL, &reply) == CLI_EXIT_OK && reply.status == 0;
	close_file(&nothing);
	list = containers->daemon ? cli_json_get(reply.json, "containers") : NULL;
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		add_container(containers, json_object_array_get_idx(list, i));
	if (containers->daemon)
		cli_reply_release(&reply);
}

/* --- users ---------------------------------------------------------------------------------------------------------- */

/* I1 */
static size_t read_in_root(int root, const char *path, char *ret)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_(close_fd) int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	struct stat st;
	size_t used = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	while (used < DETECT_NAMES_BYTES) {
		ssize_t n = read(fd, ret + used, DETECT_NAMES_BYTES - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	return used;
}

static int put_names(struct record_containers *containers, const char *root_path, uint64_t cgroup)
{
	_cleanup_(close_fd) int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(free_ptr) char *passwd = malloc(DETECT_NAMES_BYTES), *group = malloc(DETECT_NAMES_BYTES);
	struct detect_frames_names whose = { .cgroup = cgroup };
	size_t passwd_bytes, group_bytes;

	if (!passwd || !group)
		return -ENOMEM;
	if (root < 0)
		return 0;
	passwd_bytes = read_in_root(root, "etc/passwd", passwd);
	group_bytes = read_in_root(root, "etc/group", group);
	return detect_frames_put_names(containers->writer, &whose, passwd, passwd_bytes, group, group_bytes);
}

/* -------------------------------------------------------------------------------------------------------------------- */

int record_container(struct record_containers *containers, const struct detect_containers_key *key)
{
	uint64_t number = key->host ? HOST : key->cgroup;
	uint64_t *seen = &containers->seen[(number ^ number >> 13) % SEEN_MAX];
	const struct detect_container *facts;
	char root[32];
	int err;

	if (*seen == number)
		return 0;
	*seen = number;
	if (key->host)
		return put_names(containers, "/", 0);
	ask_daemon(containers);
	facts = detect_containers_find(containers->table, key);
	err = detect_frames_put_container(containers->writer, key, facts);
	snprintf(root, sizeof(root), "/proc/%u/root", key->pid);
	return err ? err : put_names(containers, root, key->cgroup);
}
