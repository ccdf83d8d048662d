/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DriftPolicy language as a library: read documents, say what is wrong with them, and answer which rules hold for
 * one container. Owns the language; must not know the kernel's structs, containers, sockets or the clock.
 *
 * Thread safety: a struct policy_set never changes once it is returned, so any number of threads may resolve against
 * it. The library has no global state, never logs and never prints.
 */
#ifndef HOLDFAST_POLICIES_POLICIES_H
#define HOLDFAST_POLICIES_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* The one apiVersion that this library reads. */
#define POLICY_API_VERSION "holdfast.dev/v1alpha1"
/* Prefix of the pod annotations that may tighten a policy. */
#define POLICY_ANNOTATION_PREFIX "holdfast.dev/"
/* Name of the built-in policy that decides where no document matches. */
#define POLICY_BUILTIN_NAME "builtin-audit"

/* Bounds: what one file, folder or set may cost, so that hostile or broken input is refused early and cheaply. */
#define POLICY_FILE_BYTES_MAX (1024 * 1024) /* what Kubernetes lets a ConfigMap hold; checked before reading */
#define POLICY_FILES_MAX 4096		    /* files in one set: a folder per team, not a file system */
#define POLICY_DEPTH_MAX 32		    /* nesting of one document; the language itself needs 8 */
#define POLICY_DOCUMENTS_MAX 1024	    /* documents in one file */
#define POLICY_POLICIES_MAX 4096	    /* policies in one set: resolve looks at each once */
#define POLICY_EXCEPTIONS_MAX 64	    /* exceptions of one policy: each is matched on every violation */
#define POLICY_PATHS_MAX 32		    /* globs of one exception's paths or fromProcess */
#define POLICY_SELECTOR_TERMS_MAX 64	    /* entries of each list or map of a selector */
#define POLICY_VOLUMES_MAX 32		    /* entries of volumes.allow: each costs a kernel map slot per container */
#define POLICY_PATTERN_MAX 255		    /* bytes of one glob: bounds the matcher's state, which is on the stack */
#define POLICY_REASON_MAX 512		    /* bytes of an exception's reason */

/* Bytes of the buffers of struct policy_error. */
#define POLICY_ERROR_FILE_MAX 512
#define POLICY_ERROR_MESSAGE_MAX 512

/**
 * struct policy_error - where and why a document was refused
 * @file: the path as the caller gave it or the folder's path plus the file's name; never empty after a failure
 * @line: 1-based; 0 where the file as a whole is meant (cannot be opened, too large)
 * @column: 1-based, counted in characters; 0 where the line is 0
 * @message: one sentence in plain words that says what to do about it; no line breaks, no control characters
 */
struct policy_error {
	char file[POLICY_ERROR_FILE_MAX];
	int line, column;
	char message[POLICY_ERROR_MESSAGE_MAX];
};

enum policy_kind {
	POLICY_KIND_CLUSTER, /* ClusterDriftPolicy */
	POLICY_KIND_NAMESPACED, /* DriftPolicy: more specific */
	POLICY_KIND_BUILTIN, /* no document: only ever seen in struct policy_effective */
	_POLICY_KIND_MAX,
};

/* The enums below are ordered from loose to strict; a pod's annotation can only move a value upwards. */
enum policy_mode {
	POLICY_MODE_OFF, /* not looked at */
	POLICY_MODE_AUDIT, /* reported with the verdict it would have had */
	POLICY_MODE_ENFORCE,
	_POLICY_MODE_MAX,
};

/* What a rule says; a DENY only denies where the mode that governs it is ENFORCE, otherwise it is reported. */
enum policy_action {
	POLICY_ACTION_ALLOW,
	POLICY_ACTION_AUDIT,
	POLICY_ACTION_DENY,
	_POLICY_ACTION_MAX,
};

/* What happens to the process that was denied. */
enum policy_violation {
	POLICY_VIOLATION_DENY, /* its call fails with EPERM */
	POLICY_VIOLATION_KILL, /* and it is killed */
	_POLICY_VIOLATION_MAX,
};

/* Severity of the alert; falls outside the loose-to-strict rule: no annotation changes it. */
enum policy_severity {
	POLICY_SEVERITY_INFO,
	POLICY_SEVERITY_NOTICE,
	POLICY_SEVERITY_WARNING,
	POLICY_SEVERITY_ERROR,
	POLICY_SEVERITY_CRITICAL,
	_POLICY_SEVERITY_MAX,
};

/* What a container gets that could not be armed before its entrypoint runs. */
enum policy_not_ready {
	POLICY_NOT_READY_ALLOW, /* starts unwatched */
	POLICY_NOT_READY_AUDIT, /* starts, and is only audited */
	POLICY_NOT_READY_DENY, /* is refused */
	_POLICY_NOT_READY_MAX,
};

/* Which files that an interpreter opens are held for scripts. */
enum policy_script_files {
	POLICY_SCRIPTS_LIKELY, /* those whose place on the command line, name or mode says so */
	POLICY_SCRIPTS_ALL,
	_POLICY_FILES_MAX,
};

/* The word that the language uses for a value ("enforce", "deny", "DriftPolicy"); NULL for a value out of range. */
const char *policy_kind_name(enum policy_kind kind);
const char *policy_mode_name(enum policy_mode mode);
const char *policy_action_name(enum policy_action action);
const char *policy_violation_name(enum policy_violation violation);
const char *policy_severity_name(enum policy_severity severity);
const char *policy_not_ready_name(enum policy_not_ready not_ready);

struct policy_set;

/**
 * struct policy_info - what a listing shows of one document; strings are borrowed from the set
 * @kind: never POLICY_KIND_BUILTIN
 * @name: metadata.name
 * @namespace_: metadata.namespace, or NULL for a ClusterDriftPolicy
 * @mode: spec.mode
 * @file: the file that holds it, as in struct policy_error
 * @line: 1-based line on which the document's mapping starts, counted in @file even inside a List or a ConfigMap
 */
struct policy_info {
	enum policy_kind kind;
	const char *name, *namespace_;
	enum policy_mode mode;
	const char *file;
	int line;
};

/**
 * policy_set_load - read policy files and folders, all or nothing
 * @paths: (borrowed) files, or folders of which every *.yaml and *.yml is read in the order of its name; names with a
 *         leading dot are skipped and subfolders are not entered, while links to files are followed (as in a mounted
 *         ConfigMap)
 * @n: number of @paths; 0 gives an empty set, under which every container gets the built-in audit policy
 * @ret: (output) the set, to be given to policy_set_free(); untouched on failure
 * @reterr: (output) always filled on failure, untouched on success; may be NULL
 *
 * A file without documents (empty, only comments) is fine. Blocks on file I/O only; FIFOs and devices are refused
 * without waiting for them. Cost: linear in the bytes read, at most POLICY_FILE_BYTES_MAX for each of POLICY_FILES_MAX.
 *
 * Return: 0; -EINVAL: a document is wrong, or a path is neither a file nor a folder; -EFBIG: a file is too large;
 * -E2BIG: another bound was met (depth, documents, policies, files); -EEXIST: two policies of the same kind, namespace
 * and name; -EAGAIN: a file grew while it was read; -ENOMEM; otherwise the errno of opening or reading.
 */
int policy_set_load(const char *const *paths, size_t n, struct policy_set **ret, struct policy_error *reterr);

/**
 * policy_set_parse - like policy_set_load() for one text in memory
 * @name: (borrowed) stands where a file's path would, in errors and listings
 * @text: (borrowed) need not end with a NUL; may be NULL when @len is 0
 * @len: bytes of @text
 * @ret: (output) as in policy_set_load()
 * @reterr: (output) as in policy_set_load()
 *
 * Does not block. Return: as policy_set_load().
 */
int policy_set_parse(const char *name, const char *text, size_t len, struct policy_set **ret,
		     struct policy_error *reterr);

/* Frees *@set and sets it to NULL. @set and *@set may be NULL. Effective policies resolved from it stay valid. */
void policy_set_free(struct policy_set **set);

/* Number of policies. */
size_t policy_set_count(const struct policy_set *set);

/* The @i-th policy, ordered by kind (cluster first), namespace and name; NULL out of range. Borrowed from the set. */
const struct policy_info *policy_set_get(const struct policy_set *set, size_t i);

/* The exceptions of the @i-th policy and their number, for a check of them all at loading; NULL and 0 out of range.
 * Borrowed from the set. */
const struct policy_exception *policy_set_exceptions(const struct policy_set *set, size_t i, size_t *ret_n);

/* 16 hexadecimal digits that change when the text of any file changes (FNV-1a: tells reloads apart, proves nothing). */
const char *policy_set_generation(const struct policy_set *set);

/* A label or an annotation. */
struct policy_pair {
	const char *key, *value;
};

/**
 * struct policy_facts - what is known about a container when it starts; everything borrowed, every pointer may be NULL
 * @namespace_: the pod's namespace; NULL or "" on a host without Kubernetes, where only ClusterDriftPolicies apply
 * @pod: the pod's name (only for the wording of provenance)
 * @container: the container's name
 * @image: the image as the runtime names it, with or without tag and digest
 * @image_digest: "sha256:…" where the runtime gives it apart from @image
 * @labels: the pod's labels
 * @annotations: the pod's annotations; only those under POLICY_ANNOTATION_PREFIX are looked at
 */
struct policy_facts {
	const char *namespace_, *pod, *container, *image, *image_digest;
	const struct policy_pair *labels;
	size_t n_labels;
	const struct policy_pair *annotations;
	size_t n_annotations;
};

/* A declared volume from which code may run, whatever volumes.readOnly and volumes.writable say. */
struct policy_volume {
	const char *path; /* absolute and normalised: where the runtime mounted it in the container */
	bool read_only; /* holds only while the volume is mounted read-only */
};

/**
 * struct policy_exception - code that may run although the image does not hold it
 * @name: unique within its policy
 * @paths: globs; at least one
 * @from: globs of the executable that runs or maps it; none means any
 * @expires: seconds since the epoch from which on it no longer holds; 0 means never
 * @reason: for the reader; "" when not given
 */
struct policy_exception {
	const char *name;
	const char *const *paths;
	size_t n_paths;
	const char *const *from;
	size_t n_from;
	time_t expires;
	const char *reason;
};

/* One pod annotation and what became of it, in words. */
struct policy_note {
	const char *annotation, *value, *text;
};

/**
 * struct policy_effective - the rules of one container, every default applied
 *
 * Read-only for the caller; owns all its memory, so the set it came from may be freed. @executables_mode,
 * @libraries_mode and @scripts_mode govern those three kinds of code; @mode governs the rest (memory rules).
 * @kind, @name, @namespace_, @file, @line name the policy that decided; with POLICY_KIND_BUILTIN @namespace_ and @file
 * are NULL and @line is 0. @why is one sentence for people. @tightened lists pod annotations that made a rule stricter,
 * @ignored_annotations those that could not (they would loosen, or are not understood).
 */
struct policy_effective {
	enum policy_mode mode, executables_mode, libraries_mode, scripts_mode;
	enum policy_action modified_metadata, unsettled, copies;
	enum policy_script_files script_files;
	enum policy_action bytecode;
	enum policy_action anonymous_exec, modified_code, memfd_exec, memfd_map;
	enum policy_action read_implies_exec, process_memory, ptrace;
	enum policy_action host_kernel, host_image_store, host_exec, host_kernel_helpers;
	enum policy_action volume_read_only, volume_writable, volume_init;
	enum policy_violation action;
	enum policy_severity severity;
	enum policy_not_ready not_ready;
	const struct policy_volume *volumes;
	size_t n_volumes;
	const struct policy_exception *exceptions;
	size_t n_exceptions;

	enum policy_kind kind;
	const char *name, *namespace_, *file;
	int line;
	const char *why;
	const struct policy_note *tightened;
	size_t n_tightened;
	const struct policy_note *ignored_annotations;
	size_t n_ignored_annotations;

	struct policy_arena *arena; /* private */
};

/**
 * policy_set_resolve - the rules for one container
 * @set: (borrowed) must not be NULL
 * @facts: (borrowed) must not be NULL
 * @ret: (output) to be given to policy_effective_free(); untouched on failure
 *
 * One policy decides wholly: the most specific one that matches (policies/README.md gives the order), else the built-in
 * audit policy. Then the pod's annotations may tighten it. Cost: each policy is looked at once; does not block.
 *
 * Return: 0; -ENOMEM.
 */
int policy_set_resolve(const struct policy_set *set, const struct policy_facts *facts, struct policy_effective **ret);

/* Frees *@effective and sets it to NULL. @effective and *@effective may be NULL. */
void policy_effective_free(struct policy_effective **effective);

/* Called with a field's name as the language writes it ("memory.memfdExec", "exceptions[jna].paths[0]") and its value
 * as text; both are valid only during the call. A value other than 0 ends the walk. */
typedef int (*policy_field_fn)(const char *name, const char *value, void *arg);

/**
 * policy_effective_each - walk all rules of @effective in the order of the language's reference
 * @effective: (borrowed)
 * @fn: called for each field
 * @arg: handed to @fn
 *
 * Provenance is not part of the walk. Return: 0, or what @fn returned to end it.
 */
int policy_effective_each(const struct policy_effective *effective, policy_field_fn fn, void *arg);

/**
 * policy_exception_applies - does an exception cover this use of a file?
 * @exception: (borrowed)
 * @path: (borrowed) the file, as an absolute path in the container
 * @from: (borrowed) the executable of the process that uses it; NULL if unknown: then only exceptions for any process
 *        apply
 * @now: seconds since the epoch
 */
bool policy_exception_applies(const struct policy_exception *exception, const char *path, const char *from,
			      time_t now);

/**
 * policy_glob_match - match a whole text against a glob
 * @pattern: (borrowed) `?` one character, `*` any number, `[a-z]` and `[!a-z]` a class, `\x` the character x itself
 * @text: (borrowed)
 * @path: `?`, `*` and classes stop at a slash, `**` does not, and `**` between two slashes may stand for nothing, with
 *        one slash left
 *
 * Works on bytes. Time is bounded by the product of both lengths whatever the pattern; no memory is allocated.
 *
 * Return: true if it matches; false also for a pattern that policy_glob_valid() refuses.
 */
bool policy_glob_match(const char *pattern, const char *text, bool path);

/**
 * policy_glob_valid - can this pattern be used?
 * @pattern: (borrowed)
 * @ret_offset: (output) offset in bytes of the fault on failure; may be NULL
 * @ret_reason: (output) static text that says what is wrong and what to do; may be NULL
 *
 * Return: false for an empty pattern, one longer than POLICY_PATTERN_MAX, a class without end or content, a range that
 * runs backwards, a backslash at the end, or a control character.
 */
bool policy_glob_valid(const char *pattern, size_t *ret_offset, const char **ret_reason);

/**
 * policy_image_match - match an image reference against an image glob
 * @pattern: (borrowed) `*` also crosses slashes; without tag and digest it stands for every version of the image
 * @image: (borrowed) with or without tag and digest; docker's short names count as their full form and the reverse
 * @digest: (borrowed) the image's digest where known apart from @image, or NULL
 */
bool policy_image_match(const char *pattern, const char *image, const char *digest);

#endif
