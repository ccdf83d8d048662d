// SPDX-License-Identifier: Apache-2.0
/* The daemon's containers in the shape that rules ask for. Contracts: detect_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/detect_internal.h"
#include "enforcer/util.h"

static int add_facts(struct detect_containers *containers, const struct detect_containers_key *key, const struct container *c)
{
	const struct container_facts *f = &c->facts;
	_cleanup_(free_ptr) struct detect_pair *labels = calloc(f->n_labels + 1, sizeof(*labels));
	_cleanup_(free_ptr) struct detect_mount *mounts = calloc(f->n_declared + 1, sizeof(*mounts));
	struct detect_container facts = {
		.id = f->id, .name = f->name, .image = f->image, .image_digest = f->image_digest, .runtime = f->manager,
		.namespace_ = f->namespace_, .pod = f->pod, .pod_uid = f->pod_uid, .labels = labels, .n_labels = f->n_labels,
		.mounts = mounts, .n_mounts = f->n_declared, .start_ns = c->started_ns,
		.privileged = f->privileged == CONTAINER_PRIVILEGED_UNKNOWN ? -1 : f->privileged == CONTAINER_PRIVILEGED_YES,
	};

	if (!labels || !mounts)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_labels; i++)
		labels[i] = (struct detect_pair){ .key = f->labels[i].key, .value = f->labels[i].value };
	for (size_t i = 0; i < f->n_declared; i++)
		mounts[i] = (struct detect_mount){ .source = f->declared[i].source, .destination = f->declared[i].destination,
						   .mode = f->declared[i].mode, .propagation = f->declared[i].propagation,
						   .writable = f->declared[i].writable };
	return detect_containers_add(containers, key, &facts);
}

int detect_container_facts(struct detect_containers *containers, const struct detect_containers_key *key, void *data)
{
	struct daemon *daemon = data;
	const struct container *c = container_by_kernel_id(daemon->containers, key->kernel_id);

	return c && c->facts.id ? add_facts(containers, key, c) : -ENOENT;
}
