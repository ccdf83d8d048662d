// SPDX-License-Identifier: Apache-2.0
/* Reading the payload of a request strictly. Contracts: request.h. */
#include "enforcer/request.h"

#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"

/* Deepest nesting of a request: an OCI state with annotations has three levels. */
#define REQUEST_DEPTH 16

int request_parse(const char *text, size_t bytes, struct json_object **ret)
{
	struct json_tokener *tokener;
	struct json_object *object;
	enum json_tokener_error err;

	if (strlen(text) != bytes)
		return -EPROTO;
	tokener = json_tokener_new_ex(REQUEST_DEPTH);
	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int)bytes + 1);
	err = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	if (err != json_tokener_success || !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return -EPROTO;
	}
	*ret = object;
	return 0;
}

int request_string(struct json_object *request, const char *name, const char **ret)
{
	struct json_object *member = NULL;

	if (!json_object_object_get_ex(request, name, &member) || !member) {
		*ret = NULL;
		return 0;
	}
	if (!json_object_is_type(member, json_type_string) ||
	    strlen(json_object_get_string(member)) != (size_t)json_object_get_string_len(member))
		return -EINVAL;
	*ret = json_object_get_string(member);
	return 0;
}
