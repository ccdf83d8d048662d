/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the doctor share: where to look, and how a finding is written. Private to doctor*.c. */
#ifndef ENFORCER_DOCTOR_INTERNAL_H
#define ENFORCER_DOCTOR_INTERNAL_H

#include <sys/types.h>

#include "enforcer/doctor.h"

/* A check fills in status, text and remedy; the caller has set name, and the status ok. */
typedef void (*doctor_check_fn)(const struct doctor_options *options, struct doctor_finding *ret);

/* Sets status and text. Control characters become spaces. */
void doctor_say(struct doctor_finding *ret, enum doctor_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Sets the remedy. */
void doctor_advise(struct doctor_finding *ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads a small text file whole, NUL-terminated, without its last newline; what does not fit is cut. Its length or -errno. */
ssize_t doctor_read(char *ret, size_t bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* True when word stands in a list whose members are separated by any of separators. */
bool doctor_list_has(const char *list, const char *separators, const char *word);
/* Appends word to a list of bytes bytes, ", " between them; what does not fit is cut. */
void doctor_list_add(char *list, size_t bytes, const char *word);

/* The kernel: doctor_kernel.c. */
void doctor_check_kernel(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_btf(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_lsm(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_lockdown(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_functions(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_personality(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_overlay(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_bpffs(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_cgroup(const struct doctor_options *options, struct doctor_finding *ret);

/* Where and as whom the daemon runs, and what runs containers here: doctor_host.c. */
void doctor_check_privileges(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_system_calls(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_namespaces(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_runtimes(const struct doctor_options *options, struct doctor_finding *ret);
void doctor_check_hook(const struct doctor_options *options, struct doctor_finding *ret);

#endif
