/* SPDX-License-Identifier: Apache-2.0 */
/* A policy store on memory of its own, with a temporary folder for policies and run files. */
#ifndef TESTS_UNIT_POLICY_FIXTURE_H
#define TESTS_UNIT_POLICY_FIXTURE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/faults.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/policy_store_internal.h"
#include "enforcer/util.h"

#define FIXTURE_POLICIES 64
#define FIXTURE_EXCEPTIONS 64
#define FIXTURE_CONTAINERS 2048

#define HEAD "apiVersion: " POLICY_API_VERSION "\nkind: "
#define CLUSTER(name, spec) HEAD "ClusterDriftPolicy\nmetadata: {name: " name "}\nspec: {" spec "}\n"
#define NAMESPACED(ns, name, spec) \
	HEAD "DriftPolicy\nmetadata: {name: " name ", namespace: " ns "}\nspec: {" spec "}\n"

struct fixture {
	struct daemon *daemon;
	struct policy_store *store;
	struct policy_tables tables;
	char root[64], policies[96], run[96];
};

static inline void fixture_write(const struct fixture *f, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->policies, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	log_set_level(-1);
	strcpy(f->root, "/tmp/policy-store-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	snprintf(f->policies, sizeof(f->policies), "%s/policies", f->root);
	snprintf(f->run, sizeof(f->run), "%s/run", f->root);
	assert_int_equal(mkdir(f->policies, 0755), 0);
	assert_int_equal(mkdir(f->run, 0755), 0);
	f->daemon = calloc(1, sizeof(*f->daemon));
	assert_non_null(f->daemon);
	f->daemon->options.policy_path = f->policies;
	f->daemon->options.run_dir = f->run;
	assert_int_equal(loop_new(&f->daemon->loop), 0);
	assert_int_equal(faults_new(f->daemon->loop, NULL, NULL, &f->daemon->faults), 0);
	f->tables = (struct policy_tables){
		.policies = calloc(FIXTURE_POLICIES, sizeof(struct hf_policy)),
		.n_policies = FIXTURE_POLICIES,
		.exceptions = calloc(FIXTURE_EXCEPTIONS, sizeof(struct hf_exception)),
		.n_exceptions = FIXTURE_EXCEPTIONS,
		.config = calloc(1, sizeof(struct hf_config)),
		.containers = calloc(FIXTURE_CONTAINERS, sizeof(struct hf_container)),
		.n_containers = FIXTURE_CONTAINERS,
	};
	*state = f;
	return 0;
}

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	policy_store_free(&f->store);
	faults_free(&f->daemon->faults);
	loop_free(&f->daemon->loop);
	free(f->daemon);
	free(f->tables.policies);
	free(f->tables.exceptions);
	free(f->tables.config);
	free(f->tables.containers);
	nftw(f->root, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static inline void fixture_start(struct fixture *f)
{
	struct policy_error error = { 0 };

	if (policy_store_new_on(f->daemon, &f->tables, &f->store, &error) < 0)
		fail_msg("%s:%d: %s", error.file, error.line, error.message);
}

/* A container of a namespace whose record, in slot, is filled in as arming does. */
static inline struct container *fixture_container(struct fixture *f, const char *ns, uint32_t slot)
{
	struct container *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->facts.namespace_ = ns ? strdup(ns) : NULL;
	c->kernel_id = 1000 + slot;
	c->slot = slot;
	c->state = CONTAINER_STATE_ARMED;
	assert_int_equal(policy_store_assign(f->store, c), 0);
	f->tables.containers[slot].id = c->kernel_id;
	f->tables.containers[slot].policy = c->policy_slot;
	return c;
}

/* What the record of a container says to a dropped executable. */
static inline enum hf_action fixture_action(const struct fixture *f, const struct container *c)
{
	const struct hf_policy *policy = &f->tables.policies[f->tables.containers[c->slot].policy];

	assert_int_equal(policy->valid, 1);
	return policy->action[HF_CLASS_EXECUTABLE][HF_REASON_ADDED];
}

#endif
