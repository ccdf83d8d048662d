// SPDX-License-Identifier: Apache-2.0
/*
 * Checks of where and as whom the daemon runs, and of what runs containers on this host.
 *
 * Owns: which capabilities the start needs. Must not know: the kernel half.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <json-c/json.h>

#include "enforcer/doctor_internal.h"
#include "enforcer/util.h"

#define STATUS_BYTES 8192      /* /proc/PID/status is below 2 KiB */
#define HOOK_BYTES 65536       /* a hooks.d file has ten lines; longer ones are not ours */
#define HOOK_FILES_MAX 256     /* files of hooks.d that are looked at */
#define NAMESPACE_BYTES 64     /* "pid:[4026531836]" */
#define INITIAL_PID_NAMESPACE "pid:[4026531836]" /* PROC_PID_INIT_INO: a constant of the kernel's interface */

#define HOOK_PROGRAM "holdfast-hook"

/* Capabilities by number (linux/capability.h). Two are kept; the rest is for loading (the overlay module's types are handed out
 * to CAP_SYS_ADMIN only) and for giving up what is not kept. */
static const struct {
	unsigned int bit;
	const char *name;
} capabilities[] = {
	{ 2, "CAP_DAC_READ_SEARCH" }, { 8, "CAP_SETPCAP" },  { 19, "CAP_SYS_PTRACE" },
	{ 21, "CAP_SYS_ADMIN" },      { 38, "CAP_PERFMON" }, { 39, "CAP_BPF" },
};

/* The text behind "name:" at the start of a line, NULL when there is none. */
static const char *find_field(const char *status, const char *name)
{
	size_t n = strlen(name);

	while (status) {
		if (strncmp(status, name, n) == 0 && status[n] == ':')
			return status + n + 1;
		status = strchr(status, '\n');
		if (status)
			status++;
	}
	return NULL;
}

static void say_capabilities(struct doctor_finding *ret, uint64_t effective)
{
	char missing[DOCTOR_TEXT_BYTES / 2] = "";

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (!(effective >> capabilities[i].bit & 1))
			doctor_list_add(missing, sizeof(missing), capabilities[i].name);
	if (!missing[0]) {
		doctor_say(ret, DOCTOR_OK, "root, with the capabilities that are needed");
		return;
	}
	doctor_say(ret, DOCTOR_MISSING, "runs as root, but without %s", missing);
	doctor_advise(ret, "run it on the host itself, or give the container or service these capabilities");
}

void doctor_check_privileges(const struct doctor_options *options, struct doctor_finding *ret)
{
	char status[STATUS_BYTES];
	ssize_t n = doctor_read(status, sizeof(status), "%s/self/status", options->proc);
	const char *uids = n < 0 ? NULL : find_field(status, "Uid"), *effective = n < 0 ? NULL : find_field(status, "CapEff");
	unsigned long euid;
	char *rest;

	if (!uids || !effective) {
		doctor_say(ret, DOCTOR_ERROR, "cannot read %s/self/status: %s", options->proc,
			   n < 0 ? strerror((int)-n) : "Uid or CapEff is not there");
		return;
	}
	strtoul(uids, &rest, 10); /* real, then effective */
	euid = strtoul(rest, NULL, 10);
	if (euid != 0) {
		doctor_say(ret, DOCTOR_MISSING, "runs as user %lu, not as root", euid);
		doctor_advise(ret, "run it as root");
		return;
	}
	say_capabilities(ret, strtoull(effective, NULL, 16));
}

void doctor_check_system_calls(const struct doctor_options *options, struct doctor_finding *ret)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	_cleanup_(close_fd) int fd = (int)syscall(SYS_openat2, AT_FDCWD, options->proc, &how, sizeof(how));

	if (fd >= 0) {
		doctor_say(ret, DOCTOR_OK, "no filter keeps back the system call openat2");
	} else if (errno == ENOSYS || errno == EPERM) {
		doctor_say(ret, DOCTOR_MISSING, "a system call filter keeps back openat2, without which no image can be read");
		doctor_advise(ret, "in a service, without RestrictSUIDSGID=; in a container, with a newer or no seccomp profile");
	} else {
		doctor_say(ret, DOCTOR_ERROR, "cannot open %s: %s", options->proc, strerror(errno));
	}
}

/* The name of a namespace: 0 or -errno. */
static int read_namespace(const struct doctor_options *options, const char *who, const char *kind, char ret[NAMESPACE_BYTES])
{
	char path[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s/ns/%s", options->proc, who, kind);
	n = readlink(path, ret, NAMESPACE_BYTES - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

void doctor_check_namespaces(const struct doctor_options *options, struct doctor_finding *ret)
{
	char pid[NAMESPACE_BYTES], mnt[NAMESPACE_BYTES], host[NAMESPACE_BYTES];
	int err = read_namespace(options, "self", "pid", pid);

	if (!err && strcmp(pid, INITIAL_PID_NAMESPACE) != 0) {
		doctor_say(ret, DOCTOR_MISSING, "runs in a pid namespace of its own (%s)", pid);
		doctor_advise(ret, "run it in the host's pid namespace: on the host itself, or with --pid=host or hostPID: true");
		return;
	}
	if (!err)
		err = read_namespace(options, "self", "mnt", mnt);
	if (!err)
		err = read_namespace(options, "1", "mnt", host);
	if (err) {
		doctor_say(ret, DOCTOR_ERROR, "cannot read the namespaces in %s: %s", options->proc, strerror(-err));
	} else if (strcmp(mnt, host) != 0) {
		doctor_say(ret, DOCTOR_MISSING, "runs in a mount namespace of its own (%s, the host's is %s)", mnt, host);
		doctor_advise(ret, "run it in the host's mount namespace: in a service, without PrivateTmp=, ProtectSystem= and the like");
	} else {
		doctor_say(ret, DOCTOR_OK, "runs in the host's pid and mount namespaces");
	}
}

static bool has_program(const struct doctor_options *options, const char *name)
{
	static const char *const folders[] = { "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s%s/%s", options->root, folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

void doctor_check_runtimes(const struct doctor_options *options, struct doctor_finding *ret)
{
	static const char *const names[] = { "runc", "crun", "podman", "containerd", "crio", "dockerd" };
	char found[DOCTOR_TEXT_BYTES / 2] = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (has_program(options, names[i]))
			doctor_list_add(found, sizeof(found), names[i]);
	if (found[0]) {
		doctor_say(ret, DOCTOR_OK, "found %s", found);
		return;
	}
	doctor_say(ret, DOCTOR_WARNING, "no container runtime was found (runc, crun, podman, containerd, crio, dockerd)");
}

/* The program that a hooks.d file calls, copied to ret when it is ours. */
static bool read_hook(const char *path, char ret[PATH_MAX])
{
	_cleanup_(free_ptr) char *text = malloc(HOOK_BYTES);
	struct json_object *file, *hook, *program;
	const char *slash;
	bool ours = false;

	if (!text || doctor_read(text, HOOK_BYTES, "%s", path) < 0)
		return false;
	file = json_tokener_parse(text);
	if (json_object_object_get_ex(file, "hook", &hook) && json_object_object_get_ex(hook, "path", &program) &&
	    json_object_is_type(program, json_type_string)) {
		slash = strrchr(json_object_get_string(program), '/');
		ours = slash && strcmp(slash + 1, HOOK_PROGRAM) == 0;
		if (ours)
			snprintf(ret, PATH_MAX, "%s", json_object_get_string(program));
	}
	json_object_put(file);
	return ours;
}

/* The file of one hooks.d folder that calls our program. */
static bool find_hook(const char *folder, char file[PATH_MAX], char program[PATH_MAX])
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	for (int i = 0; !found && i < HOOK_FILES_MAX && (entry = readdir(dir)); i++) {
		size_t n = strlen(entry->d_name);

		if (n < sizeof(".json") || strcmp(entry->d_name + n - strlen(".json"), ".json") != 0)
			continue;
		if (snprintf(file, PATH_MAX, "%s/%s", folder, entry->d_name) < PATH_MAX)
			found = read_hook(file, program);
	}
	closedir(dir);
	return found;
}

void doctor_check_hook(const struct doctor_options *options, struct doctor_finding *ret)
{
	static const char *const folders[] = { "/etc/containers/oci/hooks.d", "/usr/share/containers/oci/hooks.d" };
	char folder[PATH_MAX], file[PATH_MAX], program[PATH_MAX], full[2 * PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(folder, sizeof(folder), "%s%s", options->root, folders[i]);
		if (!find_hook(folder, file, program))
			continue;
		snprintf(full, sizeof(full), "%s%s", options->root, program);
		if (access(full, X_OK) == 0) {
			doctor_say(ret, DOCTOR_OK, "podman and CRI-O call the hook (%.*s)", DOCTOR_TEXT_BYTES / 2, file);
			return;
		}
		doctor_say(ret, DOCTOR_WARNING, "%.*s names a hook that cannot be run: %.*s; containers will not start",
			   DOCTOR_TEXT_BYTES / 4, file, DOCTOR_TEXT_BYTES / 4, program);
		doctor_advise(ret, "make install, or remove the file");
		return;
	}
	doctor_say(ret, DOCTOR_WARNING, "no hooks.d file calls %s: podman and CRI-O start containers that nobody registers",
		   HOOK_PROGRAM);
	doctor_advise(ret, "make install; containerd takes the hook from base_runtime_spec (see README.md)");
}
