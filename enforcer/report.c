// SPDX-License-Identifier: Apache-2.0
/* The daemon's state as JSON documents. Contracts: report.h. */
#include "enforcer/report.h"

#include <json-c/json.h>
#include <string.h>

#include "enforcer/json.h"
#include "enforcer/util.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* json-c passes bytes on as they are, so what is no UTF-8 is replaced before. */
static struct json_object *make_string(const char *text)
{
	size_t n = strlen(text), used = 0;
	const unsigned char *bytes = (const unsigned char *)text;
	_cleanup_(free_ptr) char *clean = malloc(3 * n + 1);

	if (!clean)
		return NULL;
	for (size_t i = 0, length; i < n; i += length ? length : 1) {
		length = json_utf8_length(bytes + i, n - i, NULL);
		memcpy(clean + used, length ? text + i : REPLACEMENT, length ? length : 3);
		used += length ? length : 3;
	}
	return json_object_new_string_len(clean, (int)used);
}

static void add_string(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, text ? make_string(text) : NULL);
}

static void add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

static void add_time(struct json_object *object, const char *name, uint64_t time_ns)
{
	char text[JSON_TIME_BYTES];

	json_format_time(time_ns, text);
	add_string(object, name, time_ns ? text : NULL);
}

static void add_date(struct json_object *object, const char *name, time_t seconds)
{
	char text[64];
	struct tm tm;

	if (seconds && gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		add_string(object, name, text);
	else
		json_object_object_add(object, name, NULL);
}

static void add_milliseconds(struct json_object *object, const char *name, uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu.%03llu", (unsigned long long)(ns / 1000000),
		 (unsigned long long)(ns / 1000 % 1000));
	json_object_object_add(object, name, ns ? json_object_new_double_s((double)ns / 1e6, text) : NULL);
}

static struct json_object *add_object(struct json_object *object, const char *name)
{
	struct json_object *member = json_object_new_object();

	json_object_object_add(object, name, member);
	return member;
}

static struct json_object *add_array(struct json_object *object, const char *name)
{
	struct json_object *member = json_object_new_array();

	json_object_object_add(object, name, member);
	return member;
}

static void add_strings(struct json_object *object, const char *name, const char *const *texts, size_t n)
{
	struct json_object *array = add_array(object, name);

	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, make_string(texts[i]));
}

struct json_object *report_message(const char *message, uint64_t until_ns)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "message", message);
	add_time(object, "until", until_ns);
	return object;
}

struct json_object *report_policy_error(const struct policy_error *error)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "message", error->message);
	add_string(object, "file", error->file);
	add_number(object, "line", (uint64_t)error->line);
	add_number(object, "column", (uint64_t)error->column);
	return object;
}

static void add_kernel(struct json_object *object, const struct report_status *status)
{
	struct json_object *kernel = add_object(object, "kernel");

	add_string(kernel, "release", status->kernel_release);
	add_number(kernel, "abi", HF_ABI_VERSION);
	add_strings(kernel, "hooks", status->hooks, status->n_hooks);
}

static void add_containers(struct json_object *object, const struct report_status *status)
{
	struct json_object *containers = add_object(object, "containers");
	uint64_t total = 0;

	for (size_t i = 0; i < _CONTAINER_STATE_MAX; i++)
		total += status->containers[i];
	add_number(containers, "total", total);
	for (size_t i = 0; i < _CONTAINER_STATE_MAX; i++)
		add_number(containers, container_state_name((enum container_state)i), status->containers[i]);
}

static void add_policies(struct json_object *object, const struct report_status *status)
{
	struct json_object *policy = add_object(object, "policy");

	add_number(policy, "generation", status->policy_generation);
	add_string(policy, "path", status->policy_path);
	add_number(policy, "policies", status->policies);
	json_object_object_add(policy, "error",
			       status->policy_error ? report_policy_error(status->policy_error) : NULL);
}

static void add_pauses(struct json_object *object, const struct report_status *status)
{
	struct json_object *pauses = add_array(object, "pauses");

	for (size_t i = 0; i < status->n_pauses; i++) {
		struct json_object *pause = json_object_new_object();

		add_string(pause, "namespace", status->pauses[i].namespace_);
		add_time(pause, "until", status->pauses[i].until_ns);
		json_object_array_add(pauses, pause);
	}
}

static void add_self_protection(struct json_object *object, const struct report_status *status)
{
	struct json_object *member = add_object(object, "self_protection");
	const char *fault = status->self_protection_fault;

	add_string(member, "mode", status->self_protection);
	add_string(member, "fault", fault && fault[0] ? fault : NULL);
	add_time(member, "unlocked_until", status->unlocked_until_ns);
}

static void add_outputs(struct json_object *events, const struct report_status *status)
{
	struct json_object *outputs = add_array(events, "outputs");

	for (size_t i = 0; i < status->n_outputs; i++) {
		struct json_object *output = json_object_new_object();

		add_string(output, "name", status->outputs[i].name);
		json_object_object_add(output, "failing", json_object_new_boolean(status->outputs[i].failing));
		add_number(output, "missing", status->outputs[i].missing);
		add_number(output, "waiting_bytes", status->outputs[i].waiting_bytes);
		json_object_array_add(outputs, output);
	}
}

static void add_images(struct json_object *object, const struct report_status *status)
{
	struct json_object *images = add_object(object, "images");

	add_number(images, "sets", status->image_sets);
	add_number(images, "files", status->image_files);
	add_number(images, "digests", status->image_digests);
	add_number(images, "pending", status->image_pending);
	add_number(images, "unreadable", status->image_unreadable);
}

static void add_scrub(struct json_object *object, const struct report_status *status)
{
	struct json_object *scrub = add_object(object, "integrity");

	json_object_object_add(scrub, "enabled", json_object_new_boolean(status->scrub_enabled));
	json_object_object_add(scrub, "running", json_object_new_boolean(status->scrub_running));
	add_time(scrub, "began", status->scrub_began_ns);
	add_time(scrub, "last_ended", status->scrub_ended_ns);
	add_number(scrub, "files", status->scrub_files);
	add_number(scrub, "bytes", status->scrub_bytes);
	add_number(scrub, "mismatches", status->scrub_bad);
}

static void add_settling(struct json_object *object, const struct report_status *status)
{
	struct json_object *settling = add_object(object, "settling");

	add_number(settling, "waiting", status->settle_waiting);
	add_number(settling, "learning", status->settle_learning);
	add_number(settling, "refused", status->settle_refused);
	add_number(settling, "given_up", status->settle_given_up);
}

static void add_numbers(struct json_object *object, const struct report_status *status)
{
	struct json_object *events = add_object(object, "events"), *counters = add_object(object, "counters");
	struct json_object *faults = add_object(object, "faults"), *catalog = add_object(object, "catalog");

	add_number(events, "produced", status->events_produced);
	add_number(events, "delivered", status->events_delivered);
	add_number(events, "waiting", status->events_waiting);
	add_number(events, "lost", status->events_lost);
	add_outputs(events, status);
	for (size_t i = 0; i < _HF_COUNTER_MAX; i++)
		if (status->counter_names[i])
			add_number(counters, status->counter_names[i], status->counters[i]);
	for (size_t i = 0; i < REPORT_FAULTS_MAX; i++)
		if (status->fault_names[i])
			add_number(faults, status->fault_names[i], status->faults[i]);
	add_number(catalog, "entries", status->catalog_entries);
	add_number(catalog, "max", status->catalog_max);
	add_images(object, status);
	add_scrub(object, status);
	add_settling(object, status);
}

struct json_object *report_status(const struct report_status *status)
{
	struct json_object *object = json_object_new_object(), *degraded;

	add_string(object, "version", status->version);
	json_object_object_add(object, "ready", json_object_new_boolean(status->ready));
	add_number(object, "pid", (uint64_t)status->pid);
	add_number(object, "uptime_seconds", status->uptime_seconds);
	add_kernel(object, status);
	add_containers(object, status);
	add_policies(object, status);
	add_pauses(object, status);
	add_self_protection(object, status);
	add_numbers(object, status);
	degraded = add_array(object, "degraded");
	for (size_t i = 0; i < status->n_degraded; i++)
		json_object_array_add(degraded, make_string(status->degraded[i]));
	return object;
}

/* "prod/prod-immutable", or "everywhere". */
static void add_policy_name(struct json_object *object, const struct policy_effective *policy)
{
	_cleanup_(free_ptr) char *name = NULL;

	if (policy && asprintf(&name, "%s%s%s", policy->namespace_ ? policy->namespace_ : "",
			       policy->namespace_ ? "/" : "", policy->name) < 0)
		name = NULL;
	add_string(object, "policy", name);
}

static void add_facts(struct json_object *object, const struct container_facts *facts)
{
	add_string(object, "id", facts->id);
	add_string(object, "name", facts->name);
	add_string(object, "namespace", facts->namespace_);
	add_string(object, "pod", facts->pod);
	add_string(object, "image", facts->image);
	add_string(object, "manager", facts->manager);
}

struct json_object *report_container(const struct container *container, const struct report_counts *counts)
{
	const struct policy_effective *policy = container->policy;
	struct json_object *object = json_object_new_object();

	add_facts(object, &container->facts);
	add_number(object, "pid", (uint64_t)container->pid);
	add_string(object, "state", container_state_name(container->state));
	add_string(object, "state_reason", container->state_reason);
	add_string(object, "found", container_source_name(container->source));
	add_time(object, "watched_since", container->watched_ns);
	add_string(object, "mode", policy ? policy_mode_name(policy->mode) : NULL);
	add_policy_name(object, policy);
	add_string(object, "why", policy ? policy->why : NULL);
	add_string(object, "root_type", container->root_type);
	add_number(object, "executables", container->executables);
	add_number(object, "volumes", container->volumes);
	add_number(object, "denied", counts->denied);
	add_number(object, "audited", counts->audited);
	add_time(object, "started", container->started_ns);
	add_milliseconds(object, "armed_after_ms", container->armed_after_ns);
	add_time(object, "paused_until", counts->paused_until_ns);
	return object;
}

struct json_object *report_policy(const struct policy_info *info, size_t containers)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "kind", policy_kind_name(info->kind));
	add_string(object, "namespace", info->namespace_);
	add_string(object, "name", info->name);
	add_string(object, "mode", policy_mode_name(info->mode));
	add_string(object, "file", info->file);
	add_number(object, "line", (uint64_t)info->line);
	add_number(object, "containers", containers);
	return object;
}

/* Lists have members of their own; the rest are fields. */
static int add_field(const char *name, const char *value, void *arg)
{
	if (!strchr(name, '['))
		add_string(arg, name, value);
	return 0;
}

static void add_notes(struct json_object *object, const char *name, const struct policy_note *notes, size_t n)
{
	struct json_object *array = add_array(object, name);

	for (size_t i = 0; i < n; i++) {
		struct json_object *note = json_object_new_object();

		add_string(note, "annotation", notes[i].annotation);
		add_string(note, "value", notes[i].value);
		add_string(note, "text", notes[i].text);
		json_object_array_add(array, note);
	}
}

static void add_exceptions(struct json_object *object, const struct policy_effective *effective)
{
	struct json_object *array = add_array(object, "exceptions");

	for (size_t i = 0; i < effective->n_exceptions; i++) {
		const struct policy_exception *exception = &effective->exceptions[i];
		struct json_object *item = json_object_new_object();

		add_string(item, "name", exception->name);
		add_strings(item, "paths", exception->paths, exception->n_paths);
		add_strings(item, "fromProcess", exception->from, exception->n_from);
		add_date(item, "expires", exception->expires);
		add_string(item, "reason", exception->reason);
		json_object_array_add(array, item);
	}
}

struct json_object *report_effective(const struct policy_effective *effective)
{
	struct json_object *object = json_object_new_object(), *volumes;

	add_string(object, "policy", effective->name);
	add_string(object, "namespace", effective->namespace_);
	add_string(object, "kind", policy_kind_name(effective->kind));
	add_string(object, "file", effective->file);
	add_number(object, "line", (uint64_t)effective->line);
	add_string(object, "why", effective->why);
	add_notes(object, "tightened", effective->tightened, effective->n_tightened);
	add_notes(object, "ignored_annotations", effective->ignored_annotations, effective->n_ignored_annotations);
	policy_effective_each(effective, add_field, add_object(object, "fields"));
	add_exceptions(object, effective);
	volumes = add_array(object, "volumes_allow");
	for (size_t i = 0; i < effective->n_volumes; i++)
		json_object_array_add(volumes, make_string(effective->volumes[i].path));
	return object;
}
