// SPDX-License-Identifier: Apache-2.0
/*
 * Files in a row: a head, then its strings.
 */
#include "enforcer/image_list.h"

#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"

#define FIRST_BYTES 65536u

struct head {
	struct imagedb_store_file file; /* pointers are set when it is read */
	uint32_t interpreter_bytes, argument_bytes, soname_bytes, needed_bytes;
	uint32_t bytes; /* with the strings, a multiple of 8 */
};

struct image_list *image_list_new(const char *identity, const char *label)
{
	struct image_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->identity = strdup(identity);
	list->label = label ? strdup(label) : NULL;
	if (!list->identity)
		image_list_free(&list);
	return list;
}

void image_list_free(struct image_list **list)
{
	if (!*list)
		return;
	free((*list)->identity);
	free((*list)->label);
	free((*list)->bytes);
	free(*list);
	*list = NULL;
}

static uint32_t text_bytes(const char *text)
{
	return text ? (uint32_t)strlen(text) + 1 : 0;
}

static bool make_room(struct image_list *list, size_t bytes)
{
	size_t room = list->room ? list->room : FIRST_BYTES;
	char *grown;

	while (room < list->used + bytes)
		room *= 2;
	if (room == list->room)
		return true;
	grown = room <= IMAGE_LIST_BYTES_MAX ? realloc(list->bytes, room) : NULL;
	if (!grown)
		return false;
	list->bytes = grown;
	list->room = room;
	return true;
}

static char *put(char *at, const char *text, size_t bytes)
{
	if (bytes)
		memcpy(at, text, bytes);
	return at + bytes;
}

void image_list_add(struct image_list *list, const struct imagedb_store_file *file)
{
	struct head head = { .file = *file, .interpreter_bytes = text_bytes(file->interpreter),
			     .argument_bytes = text_bytes(file->interpreter_arg),
			     .soname_bytes = text_bytes(file->soname) };
	char *at;

	for (size_t i = 0; i < file->needed_count; i++)
		head.needed_bytes += text_bytes(file->needed[i]);
	head.bytes = (uint32_t)(sizeof(head) + file->path_len + 1 + head.interpreter_bytes + head.argument_bytes +
				head.soname_bytes + head.needed_bytes + 7) & ~7u;
	if (list->overflow || !make_room(list, head.bytes)) {
		list->overflow = true;
		return;
	}
	at = put(list->bytes + list->used, (const char *)&head, sizeof(head));
	at = put(at, file->path, file->path_len + 1);
	at = put(at, file->interpreter, head.interpreter_bytes);
	at = put(at, file->interpreter_arg, head.argument_bytes);
	at = put(at, file->soname, head.soname_bytes);
	for (size_t i = 0; i < file->needed_count; i++)
		at = put(at, file->needed[i], text_bytes(file->needed[i]));
	list->used += head.bytes;
	list->files++;
}

/* Sets the pointers of a head that was read. needed has room for IMAGEDB_STORE_MAX_NEEDED. */
static void point(struct head *head, const char *at, const char **needed)
{
	struct imagedb_store_file *file = &head->file;

	file->path = at;
	at += file->path_len + 1;
	file->interpreter = head->interpreter_bytes ? at : NULL;
	at += head->interpreter_bytes;
	file->interpreter_arg = head->argument_bytes ? at : NULL;
	at += head->argument_bytes;
	file->soname = head->soname_bytes ? at : NULL;
	at += head->soname_bytes;
	for (size_t i = 0; i < file->needed_count; i++) {
		needed[i] = at;
		at += strlen(at) + 1;
	}
	file->needed = file->needed_count ? needed : NULL;
}

int image_list_walk(const struct image_list *list, imagedb_store_file_fn fn, void *data)
{
	for (size_t at = 0; at < list->used;) {
		const char *needed[IMAGEDB_STORE_MAX_NEEDED];
		struct head head;
		int r;

		memcpy(&head, list->bytes + at, sizeof(head));
		point(&head, list->bytes + at + sizeof(head), needed);
		r = fn(&head.file, data);
		if (r)
			return r;
		at += head.bytes;
	}
	return 0;
}
