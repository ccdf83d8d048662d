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

/* Written by this kind of machine, so in its byte order. Java's (cdsConstants.hpp): what was made ahead, what a program left. */
static bool is_heap(const struct imagedb_start *start)
{
	static const char sbcl[] = "LCBS\0\0\0\0", java[] = "\xa2\xab\x0b\xf0", java_dynamic[] = "\xa8\xab\x0b\xf0";

	return starts_with(start, sbcl, sizeof(sbcl) - 1) || starts_with(start, java, sizeof(java) - 1) ||
	       starts_with(start, java_dynamic, sizeof(java_dynamic) - 1);
}

bool imagedb_classify_magic(const struct imagedb_start *start, enum imagedb_kind *ret)
{
	if (starts_with(start, "\177ELF", 4))
		*ret = IMAGEDB_KIND_ELF_OTHER;
	else if (starts_with(start, "#!", 2))
		*ret = IMAGEDB_KIND_SCRIPT;
	else if (starts_with(start, "MZ", 2))
		*ret = IMAGEDB_KIND_PE;
	else if (is_heap(start))
		*ret = IMAGEDB_KIND_HEAP;
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
	if (strpbrk(name, " \t\n"))
		return true;
	return strchr(" \t\n", start->bytes[IMAGEDB_MAX_SCRIPT_LINE - 1]) != NULL;	/* finds NUL as well */
}

/* Cuts the line at its newline or at the limit, and only then the blanks before that: so does the kernel. */
static void end_line(char *line, const char *name)
{
	char *end = line + strcspn(line, "\n");

	if (*end != '\n' && end < line + IMAGEDB_MAX_SCRIPT_LINE - 1)
		return;
	while (end > name && is_blank(end[-1]))
		end--;
	*end = '\0';
}

void imagedb_script_read(const struct imagedb_start *start, struct imagedb_script *ret)
{
	size_t len = start->len < IMAGEDB_MAX_SCRIPT_LINE ? start->len : IMAGEDB_MAX_SCRIPT_LINE - 1;
	char *name = ret->line + 2;
	bool complete;

	ret->interpreter = NULL;
	ret->arg = NULL;
	memcpy(ret->line, start->bytes, len);
	ret->line[len] = '\0';
	name += strspn(name, " \t");
	complete = is_name_complete(start, ret->line, name);
	end_line(ret->line, name);
	if (!*name || !complete)
		return;
	ret->interpreter = name;
	name += strcspn(name, " \t");
	if (!*name)
		return;
	*name++ = '\0';
	ret->arg = name + strspn(name, " \t");
}
