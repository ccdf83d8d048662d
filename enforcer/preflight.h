/* SPDX-License-Identifier: Apache-2.0 */
/* What holdfastd checks before it starts, and `holdfastd --doctor` prints: doctor.c's checks with this kernel half's proof. */
#ifndef ENFORCER_PREFLIGHT_H
#define ENFORCER_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>

/* The checks without the proof by loading (the start proves it itself). 0; -EOPNOTSUPP with every missing thing and its remedy in
 * reterr. */
int preflight_before_start(char *reterr, size_t reterr_bytes);
/* All checks, the kernel half loaded, attached and tried on a canary, printed on standard output. Exit status: 0 ready, 1 this host
 * is not supported, 2 error. Leaves nothing behind. */
int preflight_doctor(bool json);

#endif
