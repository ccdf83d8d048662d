// SPDX-License-Identifier: Apache-2.0
/*
 * The words of the language and the table of rules that take one of them, with all defaults. Adding a rule means one
 * row here, one member of struct policy_effective and one line in README.md.
 */
#include "policies/fields.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const kind_words[] = { "ClusterDriftPolicy", "DriftPolicy", "Builtin" };
static const char *const mode_words[] = { "off", "audit", "enforce" };
static const char *const action_words[] = { "allow", "audit", "deny" };
static const char *const violation_words[] = { "deny", "kill" };
static const char *const severity_words[] = { "info", "notice", "warning", "error", "critical" };
static const char *const files_words[] = { "likely", "all" };
static const char *const not_ready_words[] = { "allow", "audit", "deny" };

static_assert(COUNT(kind_words) == _POLICY_KIND_MAX, "a word for each kind");
static_assert(COUNT(mode_words) == _POLICY_MODE_MAX, "a word for each mode");
static_assert(COUNT(action_words) == _POLICY_ACTION_MAX, "a word for each action");
static_assert(COUNT(violation_words) == _POLICY_VIOLATION_MAX, "a word for each violation action");
static_assert(COUNT(severity_words) == _POLICY_SEVERITY_MAX, "a word for each severity");
static_assert(COUNT(files_words) == _POLICY_FILES_MAX, "a word for each choice of files");
static_assert(COUNT(not_ready_words) == _POLICY_NOT_READY_MAX, "a word for each answer");

#define MODE mode_words, COUNT(mode_words)
#define ACTION action_words, COUNT(action_words)
#define AT(member) offsetof(struct policy_effective, member)

static const struct policy_field_def fields[] = {
	[FIELD_MODE] = { NULL, "mode", MODE, FIELD_UNSET, "mode", AT(mode) },
	[FIELD_EXECUTABLES_MODE] = { "executables", "mode", MODE, FIELD_UNSET, "executables", AT(executables_mode) },
	[FIELD_MODIFIED_METADATA] = { "executables", "modifiedMetadata", ACTION, POLICY_ACTION_ALLOW,
				      "modified-metadata", AT(modified_metadata) },
	[FIELD_UNSETTLED] = { "executables", "unsettled", ACTION, POLICY_ACTION_DENY, "unsettled", AT(unsettled) },
	[FIELD_COPIES] = { "executables", "copies", ACTION, POLICY_ACTION_DENY, "copies", AT(copies) },
	[FIELD_LIBRARIES_MODE] = { "libraries", "mode", MODE, FIELD_UNSET, "libraries", AT(libraries_mode) },
	[FIELD_SCRIPTS_MODE] = { "scripts", "mode", MODE, FIELD_UNSET, "scripts", AT(scripts_mode) },
	[FIELD_SCRIPTS_FILES] = { "scripts", "files", files_words, COUNT(files_words), POLICY_SCRIPTS_LIKELY,
				  "script-files", AT(script_files) },
	[FIELD_SCRIPTS_BYTECODE] = { "scripts", "bytecode", ACTION, POLICY_ACTION_ALLOW, "bytecode", AT(bytecode) },
	[FIELD_ANONYMOUS_EXEC] = { "memory", "anonymousExec", ACTION, POLICY_ACTION_ALLOW, "anonymous-exec",
				   AT(anonymous_exec) },
	[FIELD_MODIFIED_CODE] = { "memory", "modifiedCode", ACTION, POLICY_ACTION_DENY, "modified-code",
				  AT(modified_code) },
	[FIELD_MEMFD_EXEC] = { "memory", "memfdExec", ACTION, POLICY_ACTION_DENY, "memfd-exec", AT(memfd_exec) },
	[FIELD_MEMFD_MAP] = { "memory", "memfdMap", ACTION, POLICY_ACTION_ALLOW, "memfd-map", AT(memfd_map) },
	[FIELD_READ_IMPLIES_EXEC] = { "memory", "readImpliesExec", ACTION, POLICY_ACTION_DENY, "read-implies-exec",
				      AT(read_implies_exec) },
	[FIELD_PROCESS_MEMORY] = { "memory", "processMemory", ACTION, POLICY_ACTION_DENY, "process-memory",
				   AT(process_memory) },
	[FIELD_PTRACE] = { "memory", "ptrace", ACTION, POLICY_ACTION_AUDIT, "ptrace", AT(ptrace) },
	[FIELD_HOST_KERNEL] = { "host", "kernel", ACTION, POLICY_ACTION_DENY, "kernel", AT(host_kernel) },
	[FIELD_HOST_IMAGE_STORE] = { "host", "imageStore", ACTION, POLICY_ACTION_DENY, "image-store",
				     AT(host_image_store) },
	[FIELD_HOST_EXEC] = { "host", "exec", ACTION, POLICY_ACTION_AUDIT, "host-exec", AT(host_exec) },
	[FIELD_HOST_KERNEL_HELPERS] = { "host", "kernelHelpers", ACTION, POLICY_ACTION_DENY, "kernel-helpers",
					AT(host_kernel_helpers) },
	[FIELD_VOLUME_READ_ONLY] = { "volumes", "readOnly", ACTION, POLICY_ACTION_ALLOW, "volumes-read-only",
				     AT(volume_read_only) },
	[FIELD_VOLUME_WRITABLE] = { "volumes", "writable", ACTION, POLICY_ACTION_DENY, "volumes-writable",
				    AT(volume_writable) },
	[FIELD_VOLUME_INIT] = { "volumes", "init", ACTION, POLICY_ACTION_ALLOW, "volumes-init", AT(volume_init) },
	[FIELD_ACTION] = { "onViolation", "action", violation_words, COUNT(violation_words), POLICY_VIOLATION_DENY,
			   "action", AT(action) },
	[FIELD_SEVERITY] = { "onViolation", "severity", severity_words, COUNT(severity_words),
			     POLICY_SEVERITY_WARNING, NULL, AT(severity) },
	[FIELD_NOT_READY] = { "failurePolicy", "notReady", not_ready_words, COUNT(not_ready_words),
			      POLICY_NOT_READY_AUDIT, "not-ready", AT(not_ready) },
};
static_assert(COUNT(fields) == _FIELD_MAX, "a row for each field");

/* All enums of struct policy_effective are stored and loaded through one type. */
static_assert(sizeof(enum policy_mode) == sizeof(int) && sizeof(enum policy_action) == sizeof(int) &&
		      sizeof(enum policy_violation) == sizeof(int) && sizeof(enum policy_severity) == sizeof(int) &&
		      sizeof(enum policy_not_ready) == sizeof(int) && sizeof(enum policy_script_files) == sizeof(int),
	      "enums are as wide as int");

static const char *pick_word(const char *const *words, size_t n, unsigned int i)
{
	return i < n ? words[i] : NULL;
}

const char *policy_kind_name(enum policy_kind kind)
{
	return pick_word(kind_words, COUNT(kind_words), kind);
}

const char *policy_mode_name(enum policy_mode mode)
{
	return pick_word(mode_words, COUNT(mode_words), mode);
}

const char *policy_action_name(enum policy_action action)
{
	return pick_word(action_words, COUNT(action_words), action);
}

const char *policy_violation_name(enum policy_violation violation)
{
	return pick_word(violation_words, COUNT(violation_words), violation);
}

const char *policy_severity_name(enum policy_severity severity)
{
	return pick_word(severity_words, COUNT(severity_words), severity);
}

const char *policy_not_ready_name(enum policy_not_ready not_ready)
{
	return pick_word(not_ready_words, COUNT(not_ready_words), not_ready);
}

const struct policy_field_def *policy_field_def(enum policy_field field)
{
	return &fields[field];
}

enum policy_field policy_field_find(const char *section, const char *key)
{
	for (unsigned int i = 0; i < _FIELD_MAX; i++) {
		const char *of = fields[i].section;
		bool same_section = (!of && !section) || (of && section && strcmp(of, section) == 0);

		if (same_section && strcmp(fields[i].key, key) == 0)
			return i;
	}
	return _FIELD_MAX;
}

int policy_field_value(enum policy_field field, const char *word)
{
	for (size_t i = 0; i < fields[field].n_words; i++) {
		if (strcmp(fields[field].words[i], word) == 0)
			return (int)i;
	}
	return FIELD_UNSET;
}

const char *policy_field_name(enum policy_field field, char *buffer)
{
	const char *section = fields[field].section;

	snprintf(buffer, POLICY_FIELD_NAME_MAX, "%s%s%s", section ? section : "", section ? "." : "",
		 fields[field].key);
	return buffer;
}

void policy_fields_default(signed char values[_FIELD_MAX])
{
	signed char mode = values[FIELD_MODE];

	/* Interpreters of the image run scripts from everywhere: refusing them is a decision of its own. */
	if (values[FIELD_SCRIPTS_MODE] == FIELD_UNSET && mode > POLICY_MODE_AUDIT)
		values[FIELD_SCRIPTS_MODE] = POLICY_MODE_AUDIT;
	for (unsigned int i = 0; i < _FIELD_MAX; i++) {
		if (values[i] == FIELD_UNSET)
			values[i] = fields[i].fallback == FIELD_UNSET ? mode : (signed char)fields[i].fallback;
	}
}

void policy_fields_store(const signed char values[_FIELD_MAX], struct policy_effective *effective)
{
	for (unsigned int i = 0; i < _FIELD_MAX; i++) {
		int value = values[i];

		memcpy((char *)effective + fields[i].offset, &value, sizeof(value));
	}
}

int policy_field_load(enum policy_field field, const struct policy_effective *effective)
{
	int value;

	memcpy(&value, (const char *)effective + fields[field].offset, sizeof(value));
	return value;
}
