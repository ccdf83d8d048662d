// SPDX-License-Identifier: Apache-2.0
/* Owns: the magic numbers and the "#!" line; see classify.h. Must not know: paths, the walk, ELF beyond its magic. */
#include <assert.h>
#include <string.h>

#include "imagedb/classify.h"

static_assert(IMAGEDB_START_BYTES >= IMAGEDB_MAX_SCRIPT_LINE, "the whole line must be in the first read");

static bool starts_with(const struct imagedb_start *start, const char *magic, size_t len)
{
	return start->len >= len && memcmp(start->bytes, magic, len) == 0;
}

bool imagedb_classify_magic(const struct imagedb_start *start, enum imagedb_kind *ret)
{
	if (starts_with(start, "\177ELF", 4))
		*ret = IMAGEDB_KIND_ELF_OTHER;
	else if (starts_with(start, "#!", 2))
		*ret = IMAGEDB_KIND_SCRIPT;
	else if (starts_with(start, "MZ", 2))
		*ret = IMAGEDB_KIND_PE;
	else
		return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The kernel sees 256 bytes. Without a line end in them, the name counts only if something in them ends it. */
static bool is_name_complete(const struct imagedb_start *start, const char *line, const char *name)
{
	if (strlen(line) < IMAGEDB_MAX_SCRIPT_LINE - 1 || start->len < IMAGEDB_MAX_SCRIPT_LINE)
		return true;
	if (strpbrk(name, " \t"))
		return true;
	return strchr(" \t\n", start->bytes[IMAGEDB_MAX_SCRIPT_LINE - 1]) != NULL;	/* finds NUL as well */
}

void imagedb_script_read(const struct imagedb_start *start, struct imagedb_script *ret)
{
	size_t len = start->len < IMAGEDB_MAX_SCRIPT_LINE ? start->len : IMAGEDB_MAX_SCRIPT_LINE - 1;
	char *name, *end;

	ret->interpreter = NULL;
	ret->arg = NULL;
	memcpy(ret->line, start->bytes, len);
	ret->line[len] = '\0';
	ret->line[strcspn(ret->line, "\n")] = '\0';
	name = ret->line + 2 + strspn(ret->line + 2, " \t");
	if (!*name || !is_name_complete(start, ret->line, name))
		return;
	end = name + strlen(name);
	while (is_blank(end[-1]))
		*--end = '\0';
	ret->interpreter = name;
	name += strcspn(name, " \t");
	if (!*name)
		return;
	*name++ = '\0';
	ret->arg = name + strspn(name, " \t");
}
