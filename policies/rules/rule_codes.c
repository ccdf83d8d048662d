// SPDX-License-Identifier: Apache-2.0
/*
 * The words of Falco's codes: names that programs compare, and what they mean. Must not know who uses them.
 */
#include "policies/rules/rule_error.h"

#include <assert.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct words {
	const char *name, *text, *description;
};

static const struct words errors[] = {
	[RULE_ERROR_FILE_READ] = { "LOAD_ERR_FILE_READ", "File read error", NULL },
	[RULE_ERROR_YAML_PARSE] = { "LOAD_ERR_YAML_PARSE", "YAML parse error", NULL },
	[RULE_ERROR_YAML_VALIDATE] = { "LOAD_ERR_YAML_VALIDATE", "Error validating internal structure of YAML file", NULL },
	[RULE_ERROR_COMPILE_CONDITION] = { "LOAD_ERR_COMPILE_CONDITION", "Error compiling condition", NULL },
	[RULE_ERROR_COMPILE_OUTPUT] = { "LOAD_ERR_COMPILE_OUTPUT", "Error compiling output", NULL },
	[RULE_ERROR_VALIDATE] = { "LOAD_ERR_VALIDATE", "Error validating rule/macro/list/exception objects", NULL },
	[RULE_ERROR_EXTENSION] = { "LOAD_ERR_EXTENSION", "Error in extension item", NULL },
};
static_assert(COUNT(errors) == _RULE_ERROR_MAX, "words for each error");

static const struct words warnings[] = {
	[RULE_WARNING_UNKNOWN_SOURCE] = { "LOAD_UNKNOWN_SOURCE", "Unknown event source",
		"Nothing here provides events of this source. The rule is left out." },
	[RULE_WARNING_UNSAFE_NA_CHECK] = { "LOAD_UNSAFE_NA_CHECK", "Unsafe <NA> comparison in condition",
		"A missing value is not the text <NA>. Ask with exists whether there is a value." },
	[RULE_WARNING_NO_EVTTYPE] = { "LOAD_NO_EVTTYPE", "Condition has no event-type restriction",
		"The condition is tried on nearly every event, which is slow. Name the types in evt.type." },
	[RULE_WARNING_UNKNOWN_FILTER] = { "LOAD_UNKNOWN_FILTER", "Unknown field or event-type in condition or output",
		"Condition or output name what does not exist. The rule is left out, as its skip-if-unknown-filter asks." },
	[RULE_WARNING_UNUSED_MACRO] = { "LOAD_UNUSED_MACRO", "Unused macro", "No rule and no other macro names it." },
	[RULE_WARNING_UNUSED_LIST] = { "LOAD_UNUSED_LIST", "Unused list", "No rule, macro or other list names it." },
	[RULE_WARNING_UNKNOWN_ITEM] = { "LOAD_UNKNOWN_ITEM", "Unknown rules file item",
		"The item is no rule, macro, list or requirement. It is left out." },
	[RULE_WARNING_DEPRECATED_ITEM] = { "LOAD_DEPRECATED_ITEM", "Used deprecated item",
		"It still works; the message says what to write instead." },
	[RULE_WARNING_EXTENSION] = { "LOAD_WARNING_EXTENSION", "Warning in extension item", "An extension has a warning." },
	[RULE_WARNING_APPEND_NO_VALUES] = { "LOAD_APPEND_NO_VALUES", "Overriding/appending with no values",
		"The exception adds nothing to the one that is there." },
	[RULE_WARNING_EXCEPTION_NAME_NOT_UNIQUE] = { "LOAD_EXCEPTION_NAME_NOT_UNIQUE",
		"Multiple exceptions defined with the same name", "Both hold, but only the first can be appended to." },
	[RULE_WARNING_INVALID_MACRO_NAME] = { "LOAD_INVALID_MACRO_NAME", "Invalid macro name",
		"No condition can name the macro." },
	[RULE_WARNING_INVALID_LIST_NAME] = { "LOAD_INVALID_LIST_NAME", "Invalid list name",
		"The list may be put in where it is not meant." },
	[RULE_WARNING_COMPILE_CONDITION] = { "LOAD_COMPILE_CONDITION", "Warning in rule condition",
		"The condition works, but hardly means what was meant." },
	[RULE_WARNING_UNKNOWN_KEY] = { "LOAD_UNKNOWN_KEY", "Unknown key in item definition",
		"The key is not read: a slip, or one that belongs to another kind of item." },
};
static_assert(COUNT(warnings) == _RULE_WARNING_MAX, "words for each warning");

static const char *const items[] = {
	[RULE_ITEM_VALUE] = "value for",
	[RULE_ITEM_EXCEPTIONS] = "exceptions",
	[RULE_ITEM_EXCEPTION] = "exception",
	[RULE_ITEM_EXCEPTION_VALUES] = "exception values",
	[RULE_ITEM_EXCEPTION_VALUE] = "exception value",
	[RULE_ITEM_CONTENT] = "rules content",
	[RULE_ITEM_CONTENT_ITEM] = "rules content item",
	[RULE_ITEM_ENGINE_VERSION] = "required_engine_version",
	[RULE_ITEM_PLUGIN_VERSIONS] = "required plugin versions",
	[RULE_ITEM_PLUGIN_VERSIONS_ENTRY] = "required plugin versions entry",
	[RULE_ITEM_PLUGIN_VERSIONS_ALTERNATIVE] = "required plugin versions alternative",
	[RULE_ITEM_LIST] = "list",
	[RULE_ITEM_LIST_ITEM] = "list item",
	[RULE_ITEM_MACRO] = "macro",
	[RULE_ITEM_MACRO_CONDITION] = "macro condition",
	[RULE_ITEM_RULE] = "rule",
	[RULE_ITEM_RULE_CONDITION] = "rule condition",
	[RULE_ITEM_CONDITION_EXPRESSION] = "condition expression",
	[RULE_ITEM_RULE_OUTPUT] = "rule output",
	[RULE_ITEM_RULE_OUTPUT_EXPRESSION] = "rule output expression",
	[RULE_ITEM_RULE_PRIORITY] = "rule priority",
	[RULE_ITEM_OVERRIDE] = "overrides",
	[RULE_ITEM_EXTENSION] = "extension item",
};
static_assert(COUNT(items) == _RULE_ITEM_MAX, "a word for each kind of item");

static const char *const schemas[] = { [RULE_SCHEMA_NONE] = "none", [RULE_SCHEMA_OK] = "ok", [RULE_SCHEMA_FAILED] = "failed" };

const char *rule_error_code_name(enum rule_error_code code)
{
	return (size_t)code < COUNT(errors) ? errors[code].name : NULL;
}

const char *rule_error_code_text(enum rule_error_code code)
{
	return (size_t)code < COUNT(errors) ? errors[code].text : NULL;
}

const char *rule_warning_code_name(enum rule_warning_code code)
{
	return (size_t)code < COUNT(warnings) ? warnings[code].name : NULL;
}

const char *rule_warning_code_text(enum rule_warning_code code)
{
	return (size_t)code < COUNT(warnings) ? warnings[code].text : NULL;
}

const char *rule_warning_code_description(enum rule_warning_code code)
{
	return (size_t)code < COUNT(warnings) ? warnings[code].description : NULL;
}

const char *rule_item_name(enum rule_item item)
{
	return (size_t)item < COUNT(items) ? items[item] : NULL;
}

const char *rule_schema_name(enum rule_schema schema)
{
	return (size_t)schema < COUNT(schemas) ? schemas[schema] : NULL;
}
