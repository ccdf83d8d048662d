// SPDX-License-Identifier: Apache-2.0
/*
 * From JSON to facts. What a case does not say but follows from what it says (either end of a connection, an ancestor
 * by its number) is derived; an extra case without a process gets a small tree of them.
 */
#include "tests/rules/facts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rule_field fields[] = {
	{ "c.true", RULE_TYPE_UNSIGNED, 64, RULE_ARGUMENT_NONE, 0, "1" },
	{ "c.false", RULE_TYPE_UNSIGNED, 64, RULE_ARGUMENT_NONE, 0, "0" },
	{ "c.doublequote", RULE_TYPE_STRING, 0, RULE_ARGUMENT_NONE, 0, "hello \"quoted\"" },
	{ "c.singlequote", RULE_TYPE_STRING, 0, RULE_ARGUMENT_NONE, 0, "hello 'quoted'" },
};

/*
 * What the events of the cases of outputs have besides, which name the values that they check only: a process that makes
 * a directory, and where a case names no value and prints ancestors, a shell's child, process 2.
 */
static const char maker[] = "{\"proc.name\": \"init\", \"thread.tid\": 1, \"evt.arg.path\": \"/test/dir\","
			    " \"evt.arg[1]\": \"/test/dir\"}";
static const char family[] = "{\"proc.name\": \"child\", \"proc.aname\": [\"bash\", \"init\"], \"proc.apid[0]\": 2,"
			     " \"proc.aexepath\": [\"/bin/bash\", \"/sbin/init\"]}";

const struct rule_field *case_fields(size_t *n)
{
	*n = sizeof(fields) / sizeof(*fields);
	return fields;
}

static bool read_address(const char *text, struct rule_value *ret)
{
	bool six = strchr(text, ':') != NULL;

	ret->n = six ? 16 : 4;
	ret->kind = inet_pton(six ? AF_INET6 : AF_INET, text, ret->address) == 1 ? RULE_VALUE_ADDRESS : RULE_VALUE_MISSING;
	return ret->kind == RULE_VALUE_ADDRESS;
}

static void read_number(const struct rule_field *field, struct json_object *json, struct rule_value *ret)
{
	const char *text = json_object_get_string(json);

	if (field->type == RULE_TYPE_BOOL) {
		ret->kind = RULE_VALUE_BOOL;
		ret->truth = strcmp(text, "true") == 0;
	} else if (field->type == RULE_TYPE_SIGNED) {
		ret->kind = RULE_VALUE_SIGNED;
		ret->number = strtoll(text, NULL, 10);
	} else {
		ret->kind = RULE_VALUE_UNSIGNED;
		ret->count = strtoull(text, NULL, 10);
	}
}

static void read_value(struct acceptance_case *c, const struct rule_field *field, struct json_object *json, struct rule_value *ret)
{
	if (!json || strcmp(json_object_get_string(json), "<NA>") == 0)
		return;
	if (json_object_is_type(json, json_type_array)) {
		size_t n = json_object_array_length(json);
		struct rule_value *items = policy_arena_alloc(c->arena, n, sizeof(*items));

		for (size_t i = 0; i < n; i++)
			read_value(c, field, json_object_array_get_idx(json, i), &items[i]);
		*ret = (struct rule_value){ .kind = RULE_VALUE_LIST, .n = (uint32_t)n, .items = items };
		return;
	}
	switch (field->type) {
	case RULE_TYPE_STRING:
	case RULE_TYPE_PATH:
	case RULE_TYPE_BYTES:
		ret->kind = RULE_VALUE_TEXT;
		ret->text = json_object_get_string(json);
		ret->n = (uint32_t)(json_object_is_type(json, json_type_string) ? (size_t)json_object_get_string_len(json) :
										    strlen(ret->text));
		break;
	case RULE_TYPE_ADDRESS:
	case RULE_TYPE_NET:
		read_address(json_object_get_string(json), ret);
		break;
	default:
		read_number(field, json, ret);
	}
}

/* fd.ip is fd.cip and fd.sip, as a list of two. */
static void derive_ends(struct acceptance_case *c, struct json_object *facts, const struct rule_field *field, struct rule_value *ret)
{
	static const char *const ends[][3] = {
		{ "fd.ip", "fd.cip", "fd.sip" }, { "fd.net", "fd.cip", "fd.sip" }, { "fd.port", "fd.cport", "fd.sport" },
		{ "fd.proto", "fd.cport", "fd.sport" },
	};
	struct rule_value *items = policy_arena_alloc(c->arena, 2, sizeof(*items));

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (strcmp(ends[i][0], field->name) != 0)
			continue;
		for (int end = 0; end < 2; end++) {
			read_value(c, field, json_object_object_get(facts, ends[i][1 + end]), &items[ret->n]);
			ret->n += items[ret->n].kind != RULE_VALUE_MISSING;
		}
		ret->items = items;
		ret->kind = ret->n ? RULE_VALUE_LIST : RULE_VALUE_MISSING;
	}
}

/* fd.snet is fd.sip. */
static void derive_net(struct acceptance_case *c, struct json_object *facts, const struct rule_field *field, struct rule_value *ret)
{
	char name[32];

	if (field->type != RULE_TYPE_NET || field->flags & RULE_FIELD_BOTH_ENDS)
		return;
	snprintf(name, sizeof(name), "fd.%cip", field->name[3]);
	read_value(c, field, json_object_object_get(facts, name), ret);
}

/* proc.aname[1] is the first of proc.aname, proc.aname[0] is proc.name. */
static void derive_ancestor(struct acceptance_case *c, struct json_object *facts, const struct rule_field_use *use,
			    struct rule_value *ret)
{
	struct json_object *all = json_object_object_get(facts, use->field->name);
	char self[64];

	if (!use->indexed)
		return;
	if (use->index > 0 && all && json_object_is_type(all, json_type_array)) {
		read_value(c, use->field, json_object_array_get_idx(all, (size_t)use->index - 1), ret);
		return;
	}
	snprintf(self, sizeof(self), "proc.%.48s", use->field->name + strlen("proc.a"));
	if (use->index == 0)
		read_value(c, use->field, json_object_object_get(facts, self), ret);
}

static void extract_from(struct acceptance_case *c, struct json_object *facts, const struct rule_field_use *use,
			 struct rule_value *ret)
{
	struct json_object *json = json_object_object_get(facts, use->text);

	if (json)
		read_value(c, use->field, json, ret);
	else if (use->field->flags & RULE_FIELD_BOTH_ENDS)
		derive_ends(c, facts, use->field, ret);
	else if (use->field->flags & RULE_FIELD_ANCESTORS)
		derive_ancestor(c, facts, use, ret);
	else
		derive_net(c, facts, use->field, ret);
}

static bool extract_fixed(const struct rule_field *field, struct rule_value *ret)
{
	if (field < fields || field >= fields + sizeof(fields) / sizeof(*fields))
		return false;
	if (field->type == RULE_TYPE_UNSIGNED)
		*ret = (struct rule_value){ .kind = RULE_VALUE_UNSIGNED, .count = strtoull(field->description, NULL, 10) };
	else
		*ret = (struct rule_value){ .kind = RULE_VALUE_TEXT, .n = (uint32_t)strlen(field->description), .text = field->description };
	return true;
}

/* The case owns what it is given besides. */
static struct json_object *besides(struct acceptance_case *c, bool extra)
{
	struct json_object *facts = json_object_object_get(c->json, "besides");

	if (!facts) {
		facts = json_tokener_parse(extra ? family : maker);
		json_object_object_add(c->json, "besides", facts);
	}
	return facts;
}

void case_extract(void *event, const struct rule_field_use *use, struct rule_value *ret)
{
	struct acceptance_case *c = event;
	struct json_object *facts = json_object_object_get(c->json, "fields");
	struct json_object *values = json_object_object_get(c->json, "values");
	bool alone = acceptance_bool(c->json, "extra", false) && json_object_object_length(values) == 0;

	if (extract_fixed(use->field, ret))
		return;
	if (facts) {
		extract_from(c, facts, use, ret);
		return;
	}
	if (values && !alone)
		extract_from(c, values, use, ret);
	if (values && ret->kind == RULE_VALUE_MISSING && (alone || json_object_object_length(values) > 0))
		extract_from(c, besides(c, alone), use, ret);
}
