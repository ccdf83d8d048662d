// SPDX-License-Identifier: Apache-2.0
/*
 * proc.* and thread.*: who did it, out of the event's head and the process tree. Contracts: detect_fields_internal.h.
 *
 * Ancestors are those of now, as Falco has them: after the parent's end its reaper.
 */
#include <stdio.h>
#include <string.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/util.h"

#define NUMBER_BYTES 64
#define LINE_BYTES_MAX (HF_DETECT_TEXT_BYTES + HF_DETECT_COMM_BYTES + 2)

/* --- texts of one process ------------------------------------------------------------------------------------------- */

/* Behind the first NUL, with blanks for the rest. prefix: in front, with a blank between unless there is no argument. */
static void join_args(const struct detect_event *event, const struct process *process, const char *prefix, size_t prefix_len,
		      struct rule_value *ret)
{
	const struct process_text *args = process->args;
	const char *first = args ? memchr(args->data, '\0', args->len) : NULL;
	size_t n = first ? args->len - (size_t)(first + 1 - args->data) : 0, used = prefix_len;
	char *text = detect_room_take(event->room, prefix_len + n + 2);

	if (!text)
		return;
	memcpy(text, prefix, prefix_len);
	if (n && prefix_len)
		text[used++] = ' ';
	for (size_t i = 0; i < n; i++)
		text[used++] = first[1 + i] ? first[1 + i] : ' ';
	while (n && used > prefix_len && text[used - 1] == ' ' && !first[n]) {
		used--;
		n--;
	}
	set_text(ret, text, used);
}

void detect_process_args(const struct detect_event *event, const struct process *process, struct rule_value *ret)
{
	if (process && process->args)
		join_args(event, process, "", 0, ret);
}

enum text {
	TEXT_NAME, TEXT_EXE, TEXT_EXEPATH, TEXT_ARGS, TEXT_CMDLINE, TEXT_EXELINE, TEXT_ENV, TEXT_CWD, TEXT_PID, TEXT_VPID,
	TEXT_START, TEXT_DURATION,
};

static void set_process_text(const struct process_text *text, struct rule_value *ret)
{
	if (text)
		set_text(ret, text->data, text->len);
}

/* NUL between the pieces becomes a blank. */
static void set_joined(const struct detect_event *event, const struct process_text *text, struct rule_value *ret)
{
	char *copy = text ? detect_room_take(event->room, text->len + 1) : NULL;
	size_t n = copy ? text->len : 0;

	if (!copy)
		return;
	while (n && !text->data[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		copy[i] = text->data[i] ? text->data[i] : ' ';
	set_text(ret, copy, n);
}

static void set_exe(const struct process *process, struct rule_value *ret)
{
	uint32_t n = 0;
	const char *exe = process_exe(process, &n);

	if (n || process->args)
		set_text(ret, exe, n);
}

/* Falco's ends with a slash. */
static void set_cwd(const struct detect_event *event, const struct process *process, struct rule_value *ret)
{
	const struct process_text *cwd = process->cwd;
	char *copy = cwd ? detect_room_take(event->room, cwd->len + 1) : NULL;

	if (!copy)
		return;
	memcpy(copy, cwd->data, cwd->len);
	if (!cwd->len || copy[cwd->len - 1] != '/')
		copy[cwd->len] = '/';
	set_text(ret, copy, cwd->len + (!cwd->len || cwd->data[cwd->len - 1] != '/'));
}

static uint64_t real_ns(const struct detect_event *event, uint64_t boot_ns)
{
	return boot_ns + (uint64_t)event->boot_to_real_ns;
}

static uint64_t since(const struct detect_event *event, uint64_t boot_ns)
{
	uint64_t then = real_ns(event, boot_ns);

	return event->time_ns > then ? event->time_ns - then : 0;
}

static void set_text_of(const struct detect_event *event, const struct process *process, enum text what, struct rule_value *ret)
{
	uint32_t n = 0;
	const char *exe;

	if (!process)
		return;
	switch (what) {
	case TEXT_NAME: set_text(ret, process->comm, strnlen(process->comm, sizeof(process->comm))); return;
	case TEXT_EXE: set_exe(process, ret); return;
	case TEXT_EXEPATH: set_process_text(process->exepath, ret); return;
	case TEXT_ARGS: detect_process_args(event, process, ret); return;
	case TEXT_CMDLINE:
		join_args(event, process, process->comm, strnlen(process->comm, sizeof(process->comm)), ret);
		return;
	case TEXT_EXELINE:
		exe = process_exe(process, &n);
		join_args(event, process, exe, n, ret);
		return;
	case TEXT_ENV: set_joined(event, process->env, ret); return;
	case TEXT_CWD: set_cwd(event, process, ret); return;
	case TEXT_PID: set_signed(ret, process->pid); return;
	case TEXT_VPID: set_signed(ret, process->vpid); return;
	case TEXT_START: set_unsigned(ret, real_ns(event, process->start_ns)); return;
	case TEXT_DURATION: set_unsigned(ret, since(event, process->start_ns)); return;
	}
}

/* --- one variable, one argument ------------------------------------------------------------------------------------- */

static bool find_variable(const struct process_text *env, const char *name, struct rule_value *ret)
{
	size_t n = strlen(name);
	const char *at = env ? env->data : NULL, *end = env ? env->data + env->len : NULL;

	while (at < end) {
		size_t bytes = strnlen(at, (size_t)(end - at));

		if (bytes > n && at[n] == '=' && !memcmp(at, name, n)) {
			set_text(ret, at + n + 1, bytes - n - 1);
			return true;
		}
		at += bytes + 1;
	}
	return false;
}

/* 0: the first behind argv[0]. */
static void set_argument(const struct process *process, int64_t index, struct rule_value *ret)
{
	const struct process_text *args = process->args;
	const char *at = args ? args->data : NULL, *end = args ? args->data + args->len : NULL;

	for (int64_t i = -1; at < end; i++) {
		size_t bytes = strnlen(at, (size_t)(end - at));

		if (i == index) {
			set_text(ret, at, bytes);
			return;
		}
		at += bytes + 1;
	}
}

static void put_own(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	if (what == TEXT_ENV && use->argument && !use->indexed) {
		if (event->process)
			find_variable(event->process->env, use->argument, ret);
	} else if (what == TEXT_ARGS && use->indexed) {
		if (event->process)
			set_argument(event->process, use->index, ret);
	} else {
		set_text_of(event, event->process, what, ret);
	}
}

static void put_parent(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use;
	if (event->process)
		set_text_of(event, process_ancestor(event->process, 1), what, ret);
}

/* --- ancestors ------------------------------------------------------------------------------------------------------ */

static void put_all_ancestors(const struct detect_event *event, int what, struct rule_value *ret)
{
	struct rule_value *items = detect_room_take(event->room, PROCESS_ANCESTORS_MAX * sizeof(*items));
	const struct process *process = event->process ? process_ancestor(event->process, 1) : NULL;
	uint32_t n = 0;

	if (!items)
		return;
	for (unsigned int i = 0; process && i < PROCESS_ANCESTORS_MAX; i++, process = process->parent) {
		items[n] = (struct rule_value){ 0 };
		set_text_of(event, process, what, &items[n]);
		n += items[n].kind != RULE_VALUE_MISSING;
	}
	ret->kind = RULE_VALUE_LIST;
	ret->n = n;
	ret->items = items;
}

/* The nearest ancestor's that has the variable. */
static void put_inherited(const struct detect_event *event, const char *name, struct rule_value *ret)
{
	const struct process *process = event->process ? process_ancestor(event->process, 1) : NULL;

	for (unsigned int i = 0; process && i < PROCESS_ANCESTORS_MAX; i++, process = process->parent)
		if (find_variable(process->env, name, ret))
			return;
}

static void put_ancestor(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	if (use->indexed && event->process && use->index >= 0 && use->index < PROCESS_ANCESTORS_MAX)
		set_text_of(event, process_ancestor(event->process, (unsigned int)use->index), what, ret);
	else if (!use->indexed && use->argument)
		put_inherited(event, use->argument, ret);
	else if (!use->indexed)
		put_all_ancestors(event, what, ret);
}

/* --- leaders -------------------------------------------------------------------------------------------------------- */

enum leader { LEADER_SESSION = 0, LEADER_GROUP = 16, LEADER_VGROUP = 32 };
#define LEADER_MASK 48

/* Among the ancestors: who leads a session or group forked its members, or is one. */
static const struct process *find_leader(const struct process *process, int leader)
{
	const struct process *at = process;

	for (unsigned int i = 0; at && i < PROCESS_ANCESTORS_MAX; i++, at = at->parent) {
		if (leader == LEADER_SESSION ? at->pid == process->sid : leader == LEADER_GROUP ? at->pid == process->pgid :
		    at->vpid == process->vpgid && at->pid_ns == process->pid_ns)
			return at;
	}
	return NULL;
}

static void put_leader(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use;
	if (event->process)
		set_text_of(event, find_leader(event->process, what & LEADER_MASK), what & ~LEADER_MASK, ret);
}

/* --- numbers -------------------------------------------------------------------------------------------------------- */

enum number {
	NUMBER_PPID, NUMBER_SID, NUMBER_VPGID, NUMBER_PGID, NUMBER_TTY, NUMBER_TID, NUMBER_VTID, NUMBER_EXE_INO, NUMBER_CTIME,
	NUMBER_MTIME, NUMBER_CTIME_TO_START, NUMBER_NARGS, NUMBER_ARGS_BYTES, NUMBER_LOGIN_SHELL,
};

static void set_arguments_count(const struct process *process, bool bytes, struct rule_value *ret)
{
	struct rule_value argument;
	uint64_t n = 0, total = 0;

	for (;; n++) {
		argument = (struct rule_value){ 0 };
		set_argument(process, (int64_t)n, &argument);
		if (argument.kind == RULE_VALUE_MISSING)
			break;
		total += argument.n;
	}
	set_unsigned(ret, bytes ? total : n);
}

/* The oldest shell of the session. */
static void set_login_shell(const struct process *process, struct rule_value *ret)
{
	for (unsigned int i = 0; process && i < PROCESS_ANCESTORS_MAX; i++, process = process->parent) {
		size_t n = strnlen(process->comm, sizeof(process->comm));

		if (n >= 2 && !memcmp(process->comm + n - 2, "sh", 2))
			set_signed(ret, process->pid);
	}
}

static void set_exe_number(const struct detect_event *event, const struct process *process, int what, struct rule_value *ret)
{
	const struct hf_detect_file *file = &process->exe_file;
	uint64_t began = real_ns(event, process->exec_ns);

	if (!file->ino)
		return;
	switch (what) {
	case NUMBER_EXE_INO: set_signed(ret, (int64_t)file->ino); return;
	case NUMBER_CTIME: set_unsigned(ret, file->ctime_ns); return;
	case NUMBER_MTIME: set_unsigned(ret, file->mtime_ns); return;
	default: set_unsigned(ret, began > file->ctime_ns ? began - file->ctime_ns : 0); return;
	}
}

static void put_number(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct process *process = event->process;
	const struct hf_detect_head *head = event->stream ? event->stream->head : NULL;

	(void)use;
	if (head && what == NUMBER_TID)
		set_signed(ret, head->tid);
	else if (head && what == NUMBER_VTID)
		set_signed(ret, head->vtid);
	else if (event->drift && what == NUMBER_TID)
		set_signed(ret, event->drift->record->tid);
	if (!process)
		return;
	switch (what) {
	case NUMBER_PPID: set_signed(ret, process->ppid); return;
	case NUMBER_SID: set_signed(ret, process->sid); return;
	case NUMBER_VPGID: set_signed(ret, process->vpgid); return;
	case NUMBER_PGID: set_signed(ret, process->pgid); return;
	case NUMBER_TTY: set_unsigned(ret, process->tty); return;
	case NUMBER_NARGS:
	case NUMBER_ARGS_BYTES: set_arguments_count(process, what == NUMBER_ARGS_BYTES, ret); return;
	case NUMBER_LOGIN_SHELL: set_login_shell(process, ret); return;
	case NUMBER_EXE_INO:
	case NUMBER_CTIME:
	case NUMBER_MTIME:
	case NUMBER_CTIME_TO_START: set_exe_number(event, process, what, ret); return;
	}
}

enum question { IS_WRITABLE, IS_UPPER, IS_LOWER, IS_MEMFD, IS_SID_LEADER, IS_VPGID_LEADER, IS_PGID_LEADER, IS_MAIN };

static void put_question(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	static const uint32_t flags[] = { HF_DETECT_FILE_WRITABLE, HF_DETECT_FILE_UPPER, HF_DETECT_FILE_LOWER, HF_DETECT_FILE_MEMFD };
	const struct process *process = event->process;

	(void)use;
	if (what == IS_MAIN && event->stream)
		set_bool(ret, event->stream->head->pid == event->stream->head->tid);
	if (!process || what == IS_MAIN)
		return;
	if (what <= IS_MEMFD)
		set_bool(ret, process->exe_file.flags & flags[what]);
	else if (what == IS_SID_LEADER)
		set_bool(ret, process->sid == process->pid);
	else
		set_bool(ret, what == IS_PGID_LEADER ? process->pgid == process->pid : process->vpgid == process->vpid);
}

/* --- capabilities --------------------------------------------------------------------------------------------------- */

static const char *const capability_names[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
	"CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
	"CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
	"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ",
	"CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};
#define CAPABILITIES_BYTES 1024

static void put_capabilities(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct hf_detect_head *head = event->stream ? event->stream->head : NULL;
	uint64_t set = head ? (what == 0 ? head->cap_effective : what == 1 ? head->cap_permitted : head->cap_inheritable) : 0;
	char text[CAPABILITIES_BYTES];
	size_t n = 0;

	(void)use;
	if (!head)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(capability_names); i++)
		if (set >> i & 1)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", capability_names[i]);
	set_copy(event, ret, text, n);
}

static void put_name_tid(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	char text[NUMBER_BYTES];

	(void)use, (void)what;
	if (event->process && event->stream)
		set_copy(event, ret, text, (size_t)snprintf(text, sizeof(text), "%s%u", event->process->comm, event->stream->head->tid));
}

static const struct detect_field_row rows[] = {
	{ "proc.name", put_own, TEXT_NAME },
	{ "proc.exe", put_own, TEXT_EXE },
	{ "proc.exepath", put_own, TEXT_EXEPATH },
	{ "proc.args", put_own, TEXT_ARGS },
	{ "proc.cmdline", put_own, TEXT_CMDLINE },
	{ "proc.exeline", put_own, TEXT_EXELINE },
	{ "proc.env", put_own, TEXT_ENV },
	{ "proc.cwd", put_own, TEXT_CWD },
	{ "proc.pid", put_own, TEXT_PID },
	{ "proc.vpid", put_own, TEXT_VPID },
	{ "proc.pid.ts", put_own, TEXT_START },
	{ "proc.duration", put_own, TEXT_DURATION },
	{ "proc.pname", put_parent, TEXT_NAME },
	{ "proc.pexe", put_parent, TEXT_EXE },
	{ "proc.pexepath", put_parent, TEXT_EXEPATH },
	{ "proc.pcmdline", put_parent, TEXT_CMDLINE },
	{ "proc.pvpid", put_parent, TEXT_VPID },
	{ "proc.ppid.ts", put_parent, TEXT_START },
	{ "proc.ppid.duration", put_parent, TEXT_DURATION },
	{ "proc.aname", put_ancestor, TEXT_NAME },
	{ "proc.aexe", put_ancestor, TEXT_EXE },
	{ "proc.aexepath", put_ancestor, TEXT_EXEPATH },
	{ "proc.aargs", put_ancestor, TEXT_ARGS },
	{ "proc.acmdline", put_ancestor, TEXT_CMDLINE },
	{ "proc.aenv", put_ancestor, TEXT_ENV },
	{ "proc.apid", put_ancestor, TEXT_PID },
	{ "proc.sname", put_leader, LEADER_SESSION | TEXT_NAME },
	{ "proc.sid.exe", put_leader, LEADER_SESSION | TEXT_EXE },
	{ "proc.sid.exepath", put_leader, LEADER_SESSION | TEXT_EXEPATH },
	{ "proc.pgid.name", put_leader, LEADER_GROUP | TEXT_NAME },
	{ "proc.pgid.exe", put_leader, LEADER_GROUP | TEXT_EXE },
	{ "proc.pgid.exepath", put_leader, LEADER_GROUP | TEXT_EXEPATH },
	{ "proc.vpgid.name", put_leader, LEADER_VGROUP | TEXT_NAME },
	{ "proc.vpgid.exe", put_leader, LEADER_VGROUP | TEXT_EXE },
	{ "proc.vpgid.exepath", put_leader, LEADER_VGROUP | TEXT_EXEPATH },
	{ "proc.ppid", put_number, NUMBER_PPID },
	{ "proc.sid", put_number, NUMBER_SID },
	{ "proc.vpgid", put_number, NUMBER_VPGID },
	{ "proc.pgid", put_number, NUMBER_PGID },
	{ "proc.tty", put_number, NUMBER_TTY },
	{ "proc.loginshellid", put_number, NUMBER_LOGIN_SHELL },
	{ "proc.cmdnargs", put_number, NUMBER_NARGS },
	{ "proc.cmdlenargs", put_number, NUMBER_ARGS_BYTES },
	{ "proc.exe_ino", put_number, NUMBER_EXE_INO },
	{ "proc.exe_ino.ctime", put_number, NUMBER_CTIME },
	{ "proc.exe_ino.mtime", put_number, NUMBER_MTIME },
	{ "proc.exe_ino.ctime_duration_proc_start", put_number, NUMBER_CTIME_TO_START },
	{ "thread.tid", put_number, NUMBER_TID },
	{ "thread.vtid", put_number, NUMBER_VTID },
	{ "proc.is_exe_writable", put_question, IS_WRITABLE },
	{ "proc.is_exe_upper_layer", put_question, IS_UPPER },
	{ "proc.is_exe_lower_layer", put_question, IS_LOWER },
	{ "proc.is_exe_from_memfd", put_question, IS_MEMFD },
	{ "proc.is_sid_leader", put_question, IS_SID_LEADER },
	{ "proc.is_vpgid_leader", put_question, IS_VPGID_LEADER },
	{ "proc.is_pgid_leader", put_question, IS_PGID_LEADER },
	{ "thread.ismain", put_question, IS_MAIN },
	{ "thread.cap_effective", put_capabilities, 0 },
	{ "thread.cap_permitted", put_capabilities, 1 },
	{ "thread.cap_inheritable", put_capabilities, 2 },
	{ "thread.nametid", put_name_tid, 0 },
};

const struct detect_field_table detect_fields_of_process = { rows, ARRAY_SIZE(rows) };
