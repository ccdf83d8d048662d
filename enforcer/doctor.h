/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this host enforce, and if not, what exactly is missing? For `holdfastd --doctor` and for the daemon before it starts.
 *
 * Owns: the checks, their words and remedies. Must not know: libbpf; what only the kernel half can answer is asked through
 * the callbacks. Nothing here changes the host, apart from what the proof does.
 */
#ifndef ENFORCER_DOCTOR_H
#define ENFORCER_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DOCTOR_TEXT_BYTES 512  /* a list of all LSMs, with room for a sentence around it; longer ones are cut */
#define DOCTOR_FINDINGS_MAX 16 /* one for each check, and to spare */

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_WARNING, /* works, but not as one might think; or not known yet */
	DOCTOR_MISSING, /* without this nothing is enforced */
	DOCTOR_ERROR,	/* could not be found out */
	_DOCTOR_STATUS_MAX
};

struct doctor_finding {
	const char *name; /* static: "lsm" */
	enum doctor_status status;
	char text[DOCTOR_TEXT_BYTES];	/* one line, what was found */
	char remedy[DOCTOR_TEXT_BYTES]; /* one line, what to do; empty when there is nothing to do */
};

struct doctor_report {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t n;
};

/* What the checks look at. A zeroed struct means: this host, without the checks that need a callback. All borrowed. */
struct doctor_options {
	const char *sys;  /* NULL: "/sys" */
	const char *proc; /* NULL: "/proc" */
	const char *root; /* NULL: "": put before paths of programs and of hooks.d */
	/* f_type of the file system at path: 0 or -errno. NULL: statfs. */
	int (*magic)(const char *path, uint64_t *ret);
	/* True when the kernel has a function of that name in its BTF. NULL: not checked. */
	bool (*has_function)(const char *name);
	/* Loads, attaches and tries a canary: 0, or -errno with the reason in reterr. NULL: not checked. -EOPNOTSUPP, -EPERM,
	 * -EACCES, -ENOSYS, -EINVAL and -ENOENT mean that this host cannot; anything else, that the try itself failed. */
	int (*prove)(char *reterr, size_t reterr_bytes);
};

/**
 * doctor_check - run all checks, in the order in which a person would fix them
 * @options: (borrowed) NULL: as a zeroed struct
 * @ret: (output) one finding for each check; the proof comes last and is not tried when something is missing
 *
 * Cost: reads of a few small files, plus the proof (seconds). May block in the proof. Return: 0; -EINVAL: @ret is NULL.
 */
int doctor_check(const struct doctor_options *options, struct doctor_report *ret);

/* 0 ready, 1 something is missing, 2 nothing is missing but something could not be found out. */
int doctor_exit_code(const struct doctor_report *report);

/**
 * doctor_missing - everything that stands in the way, as one text
 * @report: (borrowed)
 * @ret: (output) "text (remedy); text (remedy)"; empty when there is nothing; cut at @ret_bytes
 *
 * Return: the number of findings that say missing.
 */
size_t doctor_missing(const struct doctor_report *report, char *ret, size_t ret_bytes);

/* Prints the report for people, or as one line of JSON. Return: 0; -ENOMEM; -EIO: @out did not take it. */
int doctor_print(FILE *out, const struct doctor_report *report, bool json);

const char *doctor_status_name(enum doctor_status status);

#endif
