// SPDX-License-Identifier: Apache-2.0
/*
 * The two files as sorted tables over one copy of their text. Contracts: detect_names.h.
 *
 * I1: nothing but the text's own bytes is read, and its separators become the ends of strings.
 */
#include "enforcer/detect_names.h"

#include <stdbool.h>
#include <string.h>

#include "enforcer/util.h"

#define USER_FIELDS 7  /* name:password:uid:gid:gecos:home:shell */
#define GROUP_FIELDS 4 /* name:password:gid:members */
#define ID_FIELD 2

struct table {
	char *text;
	struct detect_user *items; /* sorted by id */
	size_t n;
};

struct detect_names {
	struct table users, groups;
};

static bool parse_id(const char *text, uint32_t *ret)
{
	uint64_t id = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		id = id * 10 + (uint64_t)(*text - '0');
		if (id > UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)id;
	return true;
}

/* Splits one line in place. False: it is none of a user or group. */
static bool parse_line(char *line, size_t fields_wanted, struct detect_user *ret)
{
	const char *fields[USER_FIELDS] = { line };
	size_t n = 1;

	for (char *at = line; *at && n < fields_wanted; at++) {
		if (*at != ':')
			continue;
		*at = '\0';
		fields[n++] = at + 1;
	}
	if (n <= ID_FIELD || !fields[0][0] || !parse_id(fields[ID_FIELD], &ret->id))
		return false;
	ret->name = fields[0];
	ret->home = n > 5 ? fields[5] : "";
	ret->shell = n > 6 ? fields[6] : "";
	return true;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

/* By id, then by place in the file: the first one is found. */
static int compare(const void *a, const void *b)
{
	const struct detect_user *left = a, *right = b;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

static void drop_repeated(struct table *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->n; i++)
		if (!kept || table->items[kept - 1].id != table->items[i].id)
			table->items[kept++] = table->items[i];
	table->n = kept;
}

/* I1 */
static int fill_table(struct table *table, const char *text, size_t bytes, size_t fields)
{
	size_t n = bytes < DETECT_NAMES_BYTES ? bytes : DETECT_NAMES_BYTES;
	char *line, *rest;

	table->text = n ? strndup(text, n) : strdup("");
	if (!table->text)
		return -ENOMEM;
	table->items = calloc(count_lines(table->text), sizeof(*table->items));
	if (!table->items)
		return -ENOMEM;
	rest = table->text;
	while ((line = strsep(&rest, "\n")))
		table->n += parse_line(line, fields, &table->items[table->n]);
	qsort(table->items, table->n, sizeof(*table->items), compare);
	drop_repeated(table);
	return 0;
}

int detect_names_new(const char *passwd, size_t passwd_bytes, const char *group, size_t group_bytes, struct detect_names **ret)
{
	_cleanup_(detect_names_free) struct detect_names *names = calloc(1, sizeof(*names));
	int err;

	if (!names)
		return -ENOMEM;
	err = fill_table(&names->users, passwd, passwd_bytes, USER_FIELDS);
	if (!err)
		err = fill_table(&names->groups, group, group_bytes, GROUP_FIELDS);
	if (err)
		return err;
	*ret = TAKE_PTR(names);
	return 0;
}

void detect_names_free(struct detect_names **names)
{
	struct detect_names *gone = *names;

	if (!gone)
		return;
	free(gone->users.text);
	free(gone->users.items);
	free(gone->groups.text);
	free(gone->groups.items);
	free(gone);
	*names = NULL;
}

static const struct detect_user *find(const struct table *table, uint32_t id)
{
	size_t first = 0, end = table->n;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (table->items[middle].id == id)
			return &table->items[middle];
		if (table->items[middle].id < id)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

const struct detect_user *detect_names_user(const struct detect_names *names, uint32_t uid)
{
	return names ? find(&names->users, uid) : NULL;
}

const char *detect_names_group(const struct detect_names *names, uint32_t gid)
{
	const struct detect_user *group = names ? find(&names->groups, gid) : NULL;

	return group ? group->name : NULL;
}
