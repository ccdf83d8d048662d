// SPDX-License-Identifier: Apache-2.0
/* drift.*: a verdict of the enforcer as an event of rules. Contracts: detect_fields_internal.h. */
#include <string.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/util.h"

enum word { WORD_VERDICT, WORD_REASON, WORD_DETAIL, WORD_OPERATION, WORD_CLASS, WORD_POLICY, WORD_SEVERITY };

static void put_word(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_drift *drift = event->drift;

	(void)use;
	if (!drift)
		return;
	switch (what) {
	case WORD_VERDICT: set_string(ret, drift->verdict); return;
	case WORD_REASON: set_string(ret, drift->reason); return;
	case WORD_DETAIL: set_string(ret, drift->detail); return;
	case WORD_OPERATION: set_string(ret, drift->operation); return;
	case WORD_CLASS: set_string(ret, drift->class_); return;
	case WORD_POLICY: set_string(ret, drift->policy); return;
	case WORD_SEVERITY: set_string(ret, drift->severity); return;
	}
}

static void put_path(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_drift *drift = event->drift;
	const char *slash;

	(void)use;
	if (!drift || !drift->path)
		return;
	slash = what ? memrchr(drift->path, '/', drift->path_len) : NULL;
	if (slash)
		set_text(ret, slash + 1, (size_t)(drift->path + drift->path_len - slash) - 1);
	else
		set_text(ret, drift->path, drift->path_len);
}

static void put_flag(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use;
	if (event->drift)
		set_bool(ret, event->drift->record->flags & (uint32_t)what);
}

static const struct detect_field_row rows[] = {
	{ "drift.verdict", put_word, WORD_VERDICT },
	{ "drift.reason", put_word, WORD_REASON },
	{ "drift.detail", put_word, WORD_DETAIL },
	{ "drift.operation", put_word, WORD_OPERATION },
	{ "drift.class", put_word, WORD_CLASS },
	{ "drift.policy", put_word, WORD_POLICY },
	{ "drift.severity", put_word, WORD_SEVERITY },
	{ "drift.path", put_path, 0 },
	{ "drift.name", put_path, 1 },
	{ "drift.paused", put_flag, HF_EVENT_PAUSED },
	{ "drift.existing", put_flag, HF_EVENT_EXISTING },
};

const struct detect_field_table detect_fields_of_drift = { rows, ARRAY_SIZE(rows) };
