/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of events by the names that Falco gives them (evt.arg.flags), and what each of them is in our events.
 *
 * Owns: the tables by type of event. Must not know: rules, how values are printed (detect_fields_args.c does).
 */
#ifndef ENFORCER_DETECT_ARGS_H
#define ENFORCER_DETECT_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi_detect.h"

enum detect_arg_kind {
	DETECT_ARG_RESULT,   /* the result: "0", or the error's name */
	DETECT_ARG_NEW_FD,   /* the result is a descriptor */
	DETECT_ARG_FD,	     /* an argument is one */
	DETECT_ARG_DIRFD,
	DETECT_ARG_PATH,     /* absolute */
	DETECT_ARG_PATH2,
	DETECT_ARG_TARGET,   /* of a link, as written */
	DETECT_ARG_NAME,
	DETECT_ARG_VALUE,
	DETECT_ARG_FLAGS,    /* enum detect_flags */
	DETECT_ARG_PROT_BEFORE, /* HF_DETECT_PROT_*; missing where it is not known */
	DETECT_ARG_OPEN_MODE,
	DETECT_ARG_NUMBERS,  /* enum detect_numbers */
	DETECT_ARG_UID,
	DETECT_ARG_GID,
	DETECT_ARG_NUMBER,   /* signed, of 32 bits */
	DETECT_ARG_UNSIGNED,
	DETECT_ARG_HEX,
	DETECT_ARG_TUPLE,
	DETECT_ARG_DATA,
	/* Of the process. */
	DETECT_ARG_EXE,
	DETECT_ARG_ARGS,
	DETECT_ARG_ENV,
	DETECT_ARG_CWD,
	DETECT_ARG_COMM,
	DETECT_ARG_FILENAME,
	DETECT_ARG_EXE_FLAGS,
	DETECT_ARG_PROCESS,  /* enum detect_arg_process */
	DETECT_ARG_FILE_DEV,
	DETECT_ARG_FILE_INO,
	_DETECT_ARG_KIND_MAX
};

enum detect_arg_process {
	DETECT_ARG_TID,
	DETECT_ARG_PID,
	DETECT_ARG_PPID,
	DETECT_ARG_VTID,
	DETECT_ARG_VPID,
	DETECT_ARG_PGID,
	DETECT_ARG_VPGID,
	DETECT_ARG_TTY,
	DETECT_ARG_LOGINUID,
	DETECT_ARG_EUID,
	DETECT_ARG_EGID,
	DETECT_ARG_CAP_EFFECTIVE,
	DETECT_ARG_CAP_PERMITTED,
	DETECT_ARG_CAP_INHERITABLE,
	DETECT_ARG_EXE_INO,
	DETECT_ARG_EXE_CTIME,
	DETECT_ARG_EXE_MTIME,
};

struct detect_arg {
	const char *name;
	uint8_t kind;  /* enum detect_arg_kind */
	uint8_t arg;   /* of the system call, from 0 */
	uint8_t table; /* enum detect_flags, detect_numbers, detect_arg_process */
};

#define DETECT_ARGS_MAX 28 /* of one event */
#define DETECT_ARG_NONE 0xff

/* The arguments of a type in Falco's order; *ret_n of them. */
const struct detect_arg *detect_args_of(enum hf_detect_type type, size_t *ret_n);

/* Which of them has that name. DETECT_ARG_NONE: none. */
uint8_t detect_args_find(enum hf_detect_type type, const char *name);

/* Which argument is the descriptor that the event is about: 0 … 5; DETECT_ARG_FD_RESULT: the result; DETECT_ARG_NONE: none. */
#define DETECT_ARG_FD_RESULT 6
uint8_t detect_args_fd(enum hf_detect_type type);

#endif
