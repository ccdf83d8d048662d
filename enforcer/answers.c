// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's answers to control.sock.
 *
 * Owns: which part knows what, and the words of orders' results. Must not know: sockets, JSON shapes (report.c).
 */
#include "enforcer/answers.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>

#include "enforcer/adopt.h"
#include "enforcer/arm.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/detect.h"
#include "enforcer/event_json.h"
#include "enforcer/event_log.h"
#include "enforcer/faults.h"
#include "enforcer/guard.h"
#include "enforcer/guard_daemon.h"
#include "enforcer/images.h"
#include "enforcer/integrity.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/policy_store.h"
#include "enforcer/report.h"
#include "enforcer/ring.h"
#include "enforcer/request.h"
#include "enforcer/settle.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

/* --- status --------------------------------------------------------------------------------------------------------- */

static void add_kernel_facts(struct daemon *daemon, struct report_status *status, struct utsname *kernel)
{
	static const char *const hooks[] = { "bprm_creds_for_exec", "bprm_check_security", "mmap_file", "file_mprotect",
					     "mmap_backing_file", "task_alloc", "file_open", "ptrace_access_check",
					     "ptrace_traceme", "personality" };

	_Static_assert(ARRAY_SIZE(hooks) <= REPORT_HOOKS_MAX, "room for all hooks");
	if (uname(kernel) == 0)
		status->kernel_release = kernel->release;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (lsm_has_hook(daemon->lsm, hooks[i]))
			status->hooks[status->n_hooks++] = hooks[i];
}

static bool is_first_of_layer_set(struct daemon *daemon, size_t i)
{
	uint32_t layer_set = container_at(daemon->containers, i)->layer_set;

	for (size_t k = 0; k < i; k++)
		if (container_at(daemon->containers, k)->layer_set == layer_set)
			return false;
	return true;
}

/* Containers of one layer set share their entries. */
static void add_container_facts(struct daemon *daemon, struct report_status *status)
{
	struct container waiting;

	for (size_t i = 0; i < container_count(daemon->containers); i++) {
		const struct container *container = container_at(daemon->containers, i);

		if (container->state < _CONTAINER_STATE_MAX)
			status->containers[container->state]++;
		if (is_first_of_layer_set(daemon, i))
			status->catalog_entries += container->executables;
	}
	for (size_t i = 0; arm_pending_at(daemon, i); i++)
		status->containers[arm_pending_at(daemon, i)->state]++;
	for (size_t i = 0; adopter_waiting_at(daemon->adopter, i, &waiting); i++)
		status->containers[CONTAINER_STATE_ADOPTING]++;
	status->catalog_max = lsm_sizes(daemon->lsm).catalog;
}

static void add_policy_facts(struct daemon *daemon, struct report_status *status)
{
	const struct policy_store *store = daemon->policies;

	status->policy_generation = policy_store_generation(store);
	status->policy_path = daemon->options.policy_path;
	status->policies = policy_set_count(policy_store_set(store));
	status->policy_error = policy_store_last_error(store);
	while (status->n_pauses < REPORT_PAUSES_MAX) {
		struct report_pause *pause = &status->pauses[status->n_pauses];

		if (policy_store_pause_at(store, status->n_pauses, &pause->namespace_, &pause->until_ns) < 0)
			break;
		status->n_pauses++;
	}
}

static int add_counters(struct daemon *daemon, struct report_status *status)
{
	struct ring_counts events;
	int err = lsm_counters(daemon->lsm, status->counters);

	for (size_t i = 0; i < _HF_COUNTER_MAX; i++)
		status->counter_names[i] = lsm_counter_name((enum hf_counter)i);
	if (!err)
		err = ring_count(daemon->ring, &events);
	if (err)
		return err;
	status->events_produced = events.produced;
	status->events_delivered = events.delivered;
	status->events_waiting = events.waiting;
	status->events_lost = events.lost;
	return 0;
}

__attribute__((format(printf, 2, 3))) static void degrade(struct report_status *status, const char *format, ...)
{
	va_list args;

	if (status->n_degraded == REPORT_DEGRADED_MAX)
		return;
	va_start(args, format);
	vsnprintf(status->degraded[status->n_degraded++], REPORT_DEGRADED_BYTES, format, args);
	va_end(args);
}

static void add_sink_faults(struct daemon *daemon, struct report_status *status)
{
	static const char *const names[] = { [EVENT_OUTPUT_STDOUT] = "stdout", [EVENT_OUTPUT_FILE] = "file" };
	static const char *const words[] = { [EVENT_OUTPUT_STDOUT] = "standard output", [EVENT_OUTPUT_FILE] = "event file" };
	struct event_log_stats stats;

	event_log_get_stats(daemon->events, &stats);
	for (size_t i = 0; i < _EVENT_OUTPUT_MAX; i++) {
		const struct event_output_stats *output = &stats.outputs[i];

		if (!output->used)
			continue;
		status->outputs[status->n_outputs++] = (struct report_output){
			.name = names[i], .failing = output->failing, .missing = output->missing,
			.waiting_bytes = output->waiting,
		};
		if (output->failing)
			degrade(status, "events cannot be written to the %s (%" PRIu64 " are missing there)", words[i],
				output->missing);
	}
}

static void add_met_faults(struct daemon *daemon, struct report_status *status)
{
	_Static_assert(_FAULT_MAX <= REPORT_FAULTS_MAX, "room for all faults");
	for (enum fault_kind kind = 0; kind < _FAULT_MAX; kind++) {
		status->fault_names[kind] = faults_name(kind);
		status->faults[kind] = faults_count(daemon->faults, kind);
		if (faults_present(daemon->faults, kind))
			degrade(status, "%s (met %" PRIu64 " times)", faults_text(kind), status->faults[kind]);
	}
}

/* What an operator should do something about. */
static void add_faults(struct daemon *daemon, struct report_status *status)
{
	const struct policy_error *error = status->policy_error;
	size_t unwatched = status->containers[CONTAINER_STATE_UNWATCHED];
	size_t audited = status->containers[CONTAINER_STATE_AUDIT];

	if (error)
		degrade(status, "the policies on disk are not in force: %.512s:%d:%d: %.512s", error->file, error->line,
			error->column, error->message);
	if (unwatched)
		degrade(status, "%zu containers run unwatched: see holdfast containers", unwatched);
	if (audited)
		degrade(status, "%zu containers could not be armed and are only audited: see holdfast containers", audited);
	add_met_faults(daemon, status);
	add_sink_faults(daemon, status);
}

static void add_image_facts(struct daemon *daemon, struct report_status *status)
{
	struct images_status images = { 0 };
	uint64_t done;

	if (!daemon->images)
		return;
	images_get_status(daemon->images, &images);
	done = images.digests + images.unreadable;
	status->image_sets = images.sets;
	status->image_files = images.files;
	status->image_digests = images.digests;
	status->image_pending = images.files > done ? images.files - done : 0;
	status->image_unreadable = images.unreadable;
	if (images.fault[0])
		degrade(status, "the image database %s", images.fault);
}

static void add_guard_facts(struct daemon *daemon, struct report_status *status)
{
	status->self_protection = guard_mode_name(guard_mode(daemon->guard));
	status->self_protection_fault = guard_fault(daemon->guard);
	status->unlocked_until_ns = guard_unlocked_until(daemon->guard);
	if (status->self_protection_fault[0])
		degrade(status, "self-protection is reduced to \"%s\": %s", status->self_protection,
			status->self_protection_fault);
}

static void add_settle_facts(struct daemon *daemon, struct report_status *status)
{
	struct settle_status settling = { 0 };

	if (!daemon->settler)
		return;
	settle_get_status(daemon->settler, &settling);
	status->settle_waiting = settling.waiting;
	status->settle_learning = settling.learning;
	status->settle_refused = settling.refused;
	status->settle_given_up = settling.given_up;
}

static int answer_status(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	_cleanup_(free_ptr) struct report_status *status = calloc(1, sizeof(*status));
	struct utsname kernel;
	int err;

	(void)request;
	if (!status)
		return -ENOMEM;
	status->version = HOLDFAST_VERSION;
	status->ready = daemon->ready_ns != 0;
	status->pid = getpid();
	status->uptime_seconds = (clock_ns(CLOCK_BOOTTIME) - daemon->started_ns) / NSEC_PER_SEC;
	add_kernel_facts(daemon, status, &kernel);
	add_container_facts(daemon, status);
	add_policy_facts(daemon, status);
	err = add_counters(daemon, status);
	if (err < 0)
		degrade(status, "the counters cannot be read: %s", strerror(-err));
	add_faults(daemon, status);
	add_guard_facts(daemon, status);
	add_image_facts(daemon, status);
	integrity_status(daemon, status);
	add_settle_facts(daemon, status);
	*ret = report_status(status);
	if (*ret)
		detect_report(daemon, *ret);
	return *ret ? 0 : -ENOMEM;
}

/* --- containers and policies ---------------------------------------------------------------------------------------- */

/* The kernel half counts by slot; a slot that has been given to another is not ours any more. */
static struct report_counts count_verdicts(struct daemon *daemon, const struct container *container)
{
	const struct hf_container *slot = lsm_container(daemon->lsm, container->slot);
	uint64_t until = lsm_config(daemon->lsm)->pause_until_ns;
	struct report_counts counts = { 0 };

	if (slot && slot->id == container->kernel_id) {
		counts.denied = slot->denied;
		counts.audited = slot->audited;
		until = slot->pause_until_ns > until ? slot->pause_until_ns : until;
	}
	if (until > clock_ns(CLOCK_BOOTTIME))
		counts.paused_until_ns = until + (uint64_t)event_json_clock_offset();
	return counts;
}

static int answer_containers(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	struct json_object *list = json_object_new_array();
	const struct container *container;
	struct container waiting;

	(void)request;
	for (size_t i = 0; (container = container_at(daemon->containers, i)); i++) {
		struct report_counts counts = count_verdicts(daemon, container);

		json_object_array_add(list, report_container(container, &counts));
	}
	for (size_t i = 0; (container = arm_pending_at(daemon, i)); i++)
		json_object_array_add(list, report_container(container, &(struct report_counts){ 0 }));
	for (size_t i = 0; adopter_waiting_at(daemon->adopter, i, &waiting); i++)
		json_object_array_add(list, report_container(&waiting, &(struct report_counts){ 0 }));
	*ret = json_object_new_object();
	json_object_object_add(*ret, "containers", list);
	return 0;
}

static bool is_decided_by(const struct container *container, const struct policy_info *info)
{
	const struct policy_effective *policy = container->policy;

	if (!policy || policy->kind != info->kind || strcmp(policy->name, info->name) != 0)
		return false;
	if (!policy->namespace_ || !info->namespace_)
		return policy->namespace_ == info->namespace_;
	return strcmp(policy->namespace_, info->namespace_) == 0;
}

static size_t count_decided(struct daemon *daemon, const struct policy_info *info)
{
	size_t n = 0;

	for (size_t i = 0; i < container_count(daemon->containers); i++)
		n += is_decided_by(container_at(daemon->containers, i), info);
	return n;
}

static int answer_policy_list(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	const struct policy_set *set = policy_store_set(daemon->policies);
	struct json_object *list = json_object_new_array();

	(void)request;
	for (size_t i = 0; i < policy_set_count(set); i++) {
		const struct policy_info *info = policy_set_get(set, i);

		json_object_array_add(list, report_policy(info, count_decided(daemon, info)));
	}
	*ret = json_object_new_object();
	json_object_object_add(*ret, "generation", json_object_new_uint64(policy_store_generation(daemon->policies)));
	json_object_object_add(*ret, "policies", list);
	return 0;
}

/* {"key": "value"} as pairs that borrow from the request; *ret is free()d by the caller. */
static int read_pairs(struct json_object *request, const char *name, struct policy_pair **ret, size_t *ret_n)
{
	struct json_object *member = NULL;
	struct policy_pair *pairs;
	size_t n = 0;

	if (!json_object_object_get_ex(request, name, &member) || !member)
		return 0;
	if (!json_object_is_type(member, json_type_object))
		return -EINVAL;
	pairs = calloc((size_t)json_object_object_length(member) + 1, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	*ret = pairs;
	json_object_object_foreach(member, key, value) {
		if (!json_object_is_type(value, json_type_string))
			return -EINVAL;
		pairs[n++] = (struct policy_pair){ .key = key, .value = json_object_get_string(value) };
	}
	*ret_n = n;
	return 0;
}

static int read_facts(struct json_object *request, struct policy_facts *ret, struct policy_pair **ret_labels,
		      struct policy_pair **ret_annotations)
{
	const struct {
		const char *name;
		const char **value;
	} members[] = { { "namespace", &ret->namespace_ },
			{ "pod", &ret->pod },
			{ "image", &ret->image },
			{ "container", &ret->container } };
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(members); i++)
		err = request_string(request, members[i].name, members[i].value);
	if (err == 0)
		err = read_pairs(request, "labels", ret_labels, &ret->n_labels);
	if (err == 0)
		err = read_pairs(request, "annotations", ret_annotations, &ret->n_annotations);
	ret->labels = *ret_labels;
	ret->annotations = *ret_annotations;
	return err;
}

static int answer_policy_effective(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	_cleanup_(free_ptr) struct policy_pair *labels = NULL, *annotations = NULL;
	_cleanup_(policy_effective_free) struct policy_effective *effective = NULL;
	struct policy_facts facts = { 0 };
	int err = read_facts(request, &facts, &labels, &annotations);

	if (err == 0)
		err = policy_set_resolve(policy_store_set(daemon->policies), &facts, &effective);
	if (err < 0)
		return err;
	*ret = report_effective(effective);
	return *ret ? 0 : -ENOMEM;
}

/* --- orders --------------------------------------------------------------------------------------------------------- */

/* When the pause that was just ordered ends; 0 when there is none. */
static uint64_t find_pause(struct daemon *daemon, const char *namespace_)
{
	const char *name;
	uint64_t until;

	for (size_t i = 0; policy_store_pause_at(daemon->policies, i, &name, &until) == 0; i++)
		if (strcmp(name, namespace_ ? namespace_ : "") == 0)
			return until;
	return 0;
}

static int refuse_pause(int err, const char *namespace_, struct json_object **ret)
{
	char text[512];

	if (err == -EINVAL)
		snprintf(text, sizeof(text), "a pause lasts from 1 second to 24 hours");
	else if (err == -ENOENT)
		snprintf(text, sizeof(text), "no pause%s%.253s is in force", namespace_ ? " of namespace " : "",
			 namespace_ ? namespace_ : "");
	else if (err == -ENOSPC)
		snprintf(text, sizeof(text), "too many namespaces are paused at once: pause all, or resume some");
	else
		snprintf(text, sizeof(text), "cannot change the pause: %s", strerror(-err));
	*ret = report_message(text, 0);
	return err;
}

static int answer_pause(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	struct json_object *seconds = NULL;
	const char *namespace_ = NULL;
	char text[512];
	int64_t n = 0;
	int err = request_string(request, "namespace", &namespace_);

	if (err == 0 && json_object_object_get_ex(request, "seconds", &seconds) &&
	    json_object_is_type(seconds, json_type_int))
		n = json_object_get_int64(seconds);
	if (err == 0)
		err = n > 0 ? policy_store_pause(daemon->policies, namespace_, (uint64_t)n) : -EINVAL;
	if (err < 0)
		return refuse_pause(err, namespace_, ret);
	snprintf(text, sizeof(text), "nothing is denied in %s%.253s for %" PRId64 " seconds; everything is reported",
		 namespace_ ? "namespace " : "any container", namespace_ ? namespace_ : "", n);
	*ret = report_message(text, find_pause(daemon, namespace_));
	return 0;
}

static int answer_resume(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	const char *namespace_ = NULL;
	char text[512];
	int err = request_string(request, "namespace", &namespace_);

	if (err == 0)
		err = policy_store_pause(daemon->policies, namespace_, 0);
	if (err < 0)
		return refuse_pause(err, namespace_, ret);
	snprintf(text, sizeof(text), "the policies are in force again%s%.253s", namespace_ ? " in namespace " : "",
		 namespace_ ? namespace_ : "");
	*ret = report_message(text, find_pause(daemon, namespace_));
	return 0;
}

static int answer_reload(void *data, struct json_object *request, struct json_object **ret)
{
	struct daemon *daemon = data;
	struct policy_error error = { 0 };
	char text[128];
	int err = detect_reload(daemon, &error);

	(void)request;
	if (err < 0) {
		if (!error.message[0])
			snprintf(error.message, sizeof(error.message), "cannot reload: %s", strerror(-err));
		*ret = report_policy_error(&error);
		return err;
	}
	snprintf(text, sizeof(text), "%zu policies in force, generation %" PRIu32,
		 policy_set_count(policy_store_set(daemon->policies)), policy_store_generation(daemon->policies));
	*ret = report_message(text, 0);
	return 0;
}

void answers_init(struct daemon *daemon, struct control_ops *ret)
{
	*ret = (struct control_ops){
		.answer = {
			[WIRE_STATUS] = answer_status,
			[WIRE_CONTAINERS] = answer_containers,
			[WIRE_POLICY_LIST] = answer_policy_list,
			[WIRE_POLICY_EFFECTIVE] = answer_policy_effective,
			[WIRE_PAUSE] = answer_pause,
			[WIRE_RESUME] = answer_resume,
			[WIRE_RELOAD] = answer_reload,
			[WIRE_UNLOCK] = guard_answer_unlock,
			[WIRE_LOCK] = guard_answer_lock,
		},
		.data = daemon,
	};
}
