// SPDX-License-Identifier: Apache-2.0
/*
 * doctor.c's checks with this program's callbacks.
 */
#include "enforcer/preflight.h"

#include <errno.h>
#include <stdio.h>

#include "enforcer/canary.h"
#include "enforcer/doctor.h"
#include "enforcer/host.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"

/* Loads, attaches and tries the canary, which alone is judged. Of a running daemon it uses what is there; alone, and beside
 * another version, it leaves nothing. */
static int prove(char *reterr, size_t reterr_bytes)
{
	struct lsm *lsm = NULL;
	int err = lsm_open(NULL, &lsm, reterr, reterr_bytes);

	if (err)
		return err;
	if (!lsm_took_over(lsm))
		err = host_tell(lsm, reterr, reterr_bytes);
	if (!err && !lsm_took_over(lsm))
		canary_prepare(lsm);
	if (!err)
		err = canary_prove(lsm, reterr, reterr_bytes);
	if (!lsm_took_over(lsm))
		lsm_discard();
	lsm_close(&lsm);
	return err;
}

/* Programs that judge prove it, and reading the kernel's types would be most of a restart. */
static bool is_attached(const char *name)
{
	(void)name;
	return true;
}

int preflight_before_start(char *reterr, size_t reterr_bytes)
{
	struct doctor_options options = { .has_function = lsm_in_force() ? is_attached : lsm_kernel_has_function };
	struct doctor_report report;
	int err;

	host_load_overlay();
	err = doctor_check(&options, &report);
	if (err)
		return err;
	return doctor_missing(&report, reterr, reterr_bytes) ? -EOPNOTSUPP : 0;
}

int preflight_doctor(bool json)
{
	struct doctor_options options = { .has_function = lsm_kernel_has_function, .prove = prove };
	struct doctor_report report;

	host_load_overlay();
	if (doctor_check(&options, &report) || doctor_print(stdout, &report, json))
		return 2;
	return doctor_exit_code(&report);
}
