// SPDX-License-Identifier: Apache-2.0
/*
 * The report: which checks in which order, the exit status, and how it is printed. Contracts: doctor.h.
 *
 * Must not know: what a check looks at.
 */
#include "enforcer/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/vfs.h>

#include "enforcer/doctor_internal.h"
#include "enforcer/json.h"
#include "enforcer/util.h"

#define REPORT_JSON_BYTES_MAX (64u << 10) /* all findings with their texts at full length, escaped */

static const char *const status_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_MISSING] = "missing",
	[DOCTOR_ERROR] = "error",
};
_Static_assert(ARRAY_SIZE(status_names) == _DOCTOR_STATUS_MAX, "a word for each status");

/* By exit status: the word for programs, the sentence for people. */
static const struct {
	const char *word, *sentence;
} outcomes[] = {
	{ "ready", "this host can be protected" },
	{ "not supported", "this host cannot be protected as it is: see what is missing above" },
	{ "error", "it could not be found out whether this host can be protected: see the errors above" },
};

static void check_proof(const struct doctor_options *options, struct doctor_finding *ret);

static const struct {
	const char *name;
	doctor_check_fn run;
} checks[] = {
	{ "kernel", doctor_check_kernel },
	{ "privileges", doctor_check_privileges },
	{ "syscalls", doctor_check_system_calls },
	{ "namespaces", doctor_check_namespaces },
	{ "btf", doctor_check_btf },
	{ "lsm", doctor_check_lsm },
	{ "lockdown", doctor_check_lockdown },
	{ "hooks", doctor_check_functions },
	{ "personality", doctor_check_personality },
	{ "overlay", doctor_check_overlay },
	{ "bpffs", doctor_check_bpffs },
	{ "cgroup", doctor_check_cgroup },
	{ "runtimes", doctor_check_runtimes },
	{ "oci-hook", doctor_check_hook },
	{ "proof", check_proof },
};
_Static_assert(ARRAY_SIZE(checks) <= DOCTOR_FINDINGS_MAX, "room for all findings");

static void clean_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void doctor_say(struct doctor_finding *ret, enum doctor_status status, const char *format, ...)
{
	va_list args;

	ret->status = status;
	va_start(args, format);
	vsnprintf(ret->text, sizeof(ret->text), format, args);
	va_end(args);
	clean_line(ret->text);
}

void doctor_advise(struct doctor_finding *ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret->remedy, sizeof(ret->remedy), format, args);
	va_end(args);
	clean_line(ret->remedy);
}

ssize_t doctor_read(char *ret, size_t bytes, const char *format, ...)
{
	_cleanup_(close_fd) int fd = -1;
	char path[PATH_MAX];
	size_t used = 0;
	va_list args;
	ssize_t n = 1;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	while (n > 0 && used < bytes - 1) {
		n = read(fd, ret + used, bytes - 1 - used);
		if (n < 0)
			return -errno;
		used += (size_t)n;
	}
	if (used && ret[used - 1] == '\n')
		used--;
	ret[used] = '\0';
	return (ssize_t)used;
}

bool doctor_list_has(const char *list, const char *separators, const char *word)
{
	while (*list) {
		size_t n = strcspn(list, separators);

		if (n == strlen(word) && memcmp(list, word, n) == 0)
			return true;
		list += n;
		list += strspn(list, separators);
	}
	return false;
}

void doctor_list_add(char *list, size_t bytes, const char *word)
{
	size_t used = strlen(list);

	snprintf(list + used, bytes - used, "%s%s", used ? ", " : "", word);
}

/* An error that says something about this host, not about the try. */
static bool is_refusal(int err)
{
	return err == -EOPNOTSUPP || err == -EPERM || err == -EACCES || err == -ENOSYS || err == -EINVAL || err == -ENOENT;
}

static void check_proof(const struct doctor_options *options, struct doctor_finding *ret)
{
	char reason[DOCTOR_TEXT_BYTES] = "";
	int err = options->prove(reason, sizeof(reason));

	if (!err)
		doctor_say(ret, DOCTOR_OK, "the programs were loaded and attached, and a canary was denied");
	else
		doctor_say(ret, is_refusal(err) ? DOCTOR_MISSING : DOCTOR_ERROR, "%s", reason[0] ? reason : strerror(-err));
}

static bool is_wanted(doctor_check_fn run, const struct doctor_options *options)
{
	if (run == doctor_check_functions || run == doctor_check_personality)
		return options->has_function;
	return run != check_proof || options->prove;
}

static int own_magic(const char *path, uint64_t *ret)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return -errno;
	*ret = (uint64_t)fs.f_type & UINT32_MAX;
	return 0;
}

static struct doctor_options with_defaults(const struct doctor_options *options)
{
	struct doctor_options o = { 0 };

	if (options)
		o = *options;
	if (!o.sys)
		o.sys = "/sys";
	if (!o.proc)
		o.proc = "/proc";
	if (!o.root)
		o.root = "";
	if (!o.magic)
		o.magic = own_magic;
	return o;
}

int doctor_check(const struct doctor_options *options, struct doctor_report *ret)
{
	struct doctor_options o = with_defaults(options);

	if (!ret)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct doctor_finding *finding = &ret->findings[ret->n];

		if (!is_wanted(checks[i].run, &o))
			continue;
		finding->name = checks[i].name;
		if (checks[i].run == check_proof && doctor_exit_code(ret) == 1)
			doctor_say(finding, DOCTOR_WARNING, "not tried: what is missing would make it fail");
		else
			checks[i].run(&o, finding);
		ret->n++;
	}
	return 0;
}

int doctor_exit_code(const struct doctor_report *report)
{
	int code = 0;

	for (size_t i = 0; i < report->n; i++) {
		if (report->findings[i].status == DOCTOR_MISSING)
			return 1;
		if (report->findings[i].status == DOCTOR_ERROR)
			code = 2;
	}
	return code;
}

size_t doctor_missing(const struct doctor_report *report, char *ret, size_t ret_bytes)
{
	size_t n = 0, used = 0;

	if (ret_bytes)
		ret[0] = '\0';
	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_finding *f = &report->findings[i];

		if (f->status != DOCTOR_MISSING)
			continue;
		if (used < ret_bytes)
			used += (size_t)snprintf(ret + used, ret_bytes - used, "%s%s%s%s%s", n ? "; " : "", f->text,
						 f->remedy[0] ? " (" : "", f->remedy, f->remedy[0] ? ")" : "");
		n++;
	}
	return n;
}

const char *doctor_status_name(enum doctor_status status)
{
	return status < _DOCTOR_STATUS_MAX ? status_names[status] : "?";
}

static int print_json(FILE *out, const struct doctor_report *report)
{
	_cleanup_(json_release) struct json json;
	const char *text;
	size_t bytes;
	int err;

	json_init(&json, REPORT_JSON_BYTES_MAX);
	json_open_object(&json, NULL);
	json_put_string(&json, "status", outcomes[doctor_exit_code(report)].word);
	json_open_array(&json, "checks");
	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_finding *f = &report->findings[i];

		json_open_object(&json, NULL);
		json_put_string(&json, "name", f->name);
		json_put_string(&json, "status", doctor_status_name(f->status));
		json_put_string(&json, "text", f->text);
		json_put_string(&json, "remedy", f->remedy[0] ? f->remedy : NULL);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	err = json_finish(&json, &text, &bytes);
	if (!err)
		fprintf(out, "%s\n", text);
	return err;
}

static void print_table(FILE *out, const struct doctor_report *report)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_finding *f = &report->findings[i];

		fprintf(out, "%-8s %-11s %s\n", doctor_status_name(f->status), f->name, f->text);
		if (f->remedy[0])
			fprintf(out, "%-8s %-11s -> %s\n", "", "", f->remedy);
	}
	fprintf(out, "%s\n", outcomes[doctor_exit_code(report)].sentence);
}

int doctor_print(FILE *out, const struct doctor_report *report, bool json)
{
	if (json) {
		int err = print_json(out, report);

		if (err)
			return err;
	} else {
		print_table(out, report);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}
