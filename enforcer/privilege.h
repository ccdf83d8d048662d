/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon may still do once it is up: two capabilities and a short list of system calls.
 *
 * Owns: libcap and libseccomp. Must not know: anything else. Order at start: each thread that was made calls
 * privilege_drop_capabilities() itself (capabilities belong to threads) when it has done what needs more, the main
 * thread last; then the main thread calls privilege_filter(), which covers all threads, and privilege_check().
 */
#ifndef ENFORCER_PRIVILEGE_H
#define ENFORCER_PRIVILEGE_H

#include <stddef.h>

/* Room for the sentence that says which step failed. */
#define PRIVILEGE_ERROR_BYTES 256

/**
 * privilege_drop_capabilities - give up all but the few that steady state needs, for the calling thread
 * @reterr: (output) which step failed, PRIVILEGE_ERROR_BYTES long; untouched on success; may be NULL
 *
 * Clears the inheritable, ambient and bounding sets, locks the securebits so that uid 0 means nothing, and sets
 * no_new_privs. Needs CAP_SETPCAP. Return: 0; -EPERM: the kept ones are not there, or a step was refused; -ENOMEM.
 */
int privilege_drop_capabilities(char *reterr);

/* The same for the spawner and its children: CAP_DAC_READ_SEARCH alone stays. */
int privilege_keep_reading(char *reterr);

/**
 * privilege_filter - install the default-deny system call filter on all threads
 * @reterr: (output) as above
 *
 * Sets no_new_privs. Cannot be undone. Return: 0; -ESRCH or -ECANCELED: a thread could not be covered; -ENOSYS: kernel
 * without seccomp; -ENOMEM.
 */
int privilege_filter(char *reterr);

/* The spawner's filter, for the calling thread: it forks, confines and ends children, and runs nothing. 0 or -errno. */
int privilege_filter_spawner(void);
/* Compiles the children's filter, once, in the spawner before it is confined. 0 or -errno. */
int privilege_prepare_worker(void);
/* Installs it, in the child. -EINVAL: not prepared; -errno. */
int privilege_filter_worker(void);

/**
 * privilege_check - verify afterwards, from /proc, that every thread is confined
 * @reterr: (output) as above: which thread and what is wrong with it
 *
 * Return: 0; -EPERM: a thread still has another capability, no filter, or no no_new_privs; -errno of reading /proc.
 */
int privilege_check(char *reterr);

#endif
