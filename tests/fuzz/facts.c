// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/facts.h"

#include <string.h>

/* A list has at most so many items. */
#define ITEMS_MAX 4

static uint8_t byte_at(const struct fuzz_bytes *bytes, size_t at)
{
	return bytes->size ? bytes->data[at % bytes->size] : 0;
}

static uint64_t number_at(const struct fuzz_bytes *bytes, size_t at)
{
	uint64_t number = 0;

	for (size_t i = 0; i < byte_at(bytes, at) % 9; i++)
		number = number << 8 | byte_at(bytes, at + 1 + i);
	return number;
}

static void fill_text(const struct fuzz_bytes *bytes, size_t at, struct rule_value *ret)
{
	const size_t begin = bytes->size ? at % bytes->size : 0;
	const size_t n = number_at(bytes, at + 1) % (bytes->size - begin + 1);

	ret->kind = RULE_VALUE_TEXT;
	ret->text = bytes->size ? (const char *)bytes->data + begin : "";
	ret->n = (uint32_t)n;
}

static void fill_scalar(const struct fuzz_bytes *bytes, size_t at, enum rule_type type, struct rule_value *ret)
{
	switch (type) {
	case RULE_TYPE_BOOL:
		ret->kind = RULE_VALUE_BOOL;
		ret->truth = byte_at(bytes, at) & 1;
		break;
	case RULE_TYPE_SIGNED:
		ret->kind = RULE_VALUE_SIGNED;
		ret->number = (int64_t)number_at(bytes, at);
		break;
	case RULE_TYPE_STRING:
	case RULE_TYPE_PATH:
	case RULE_TYPE_BYTES:
		fill_text(bytes, at, ret);
		break;
	case RULE_TYPE_ADDRESS:
	case RULE_TYPE_NET:
		ret->kind = RULE_VALUE_ADDRESS;
		ret->n = byte_at(bytes, at) & 1 ? 4 : 16;
		for (size_t i = 0; i < ret->n; i++)
			ret->address[i] = byte_at(bytes, at + i);
		break;
	default:
		ret->kind = RULE_VALUE_UNSIGNED;
		ret->count = number_at(bytes, at);
	}
}

void fuzz_extract(void *event, const struct rule_field_use *use, struct rule_value *ret)
{
	static struct rule_value items[64][ITEMS_MAX];
	const struct fuzz_bytes *bytes = event;
	const size_t at = (size_t)use->ref * 31 + 7;
	const uint16_t flags = use->field->flags;
	const bool list = flags & (RULE_FIELD_LIST | RULE_FIELD_BOTH_ENDS | RULE_FIELD_NAMES) || (flags & RULE_FIELD_ANCESTORS && !use->argument);

	if (byte_at(bytes, at) % 4 == 0)
		return;
	if (!list) {
		fill_scalar(bytes, at, use->field->type, ret);
		return;
	}
	ret->kind = RULE_VALUE_LIST;
	ret->n = byte_at(bytes, at + 1) % (ITEMS_MAX + 1);
	ret->items = items[use->ref % 64];
	memset(items[use->ref % 64], 0, sizeof(items[0]));
	for (size_t i = 0; i < ret->n; i++)
		fill_scalar(bytes, at + i * 5, use->field->type, &items[use->ref % 64][i]);
}
