// SPDX-License-Identifier: Apache-2.0
/* Owns: the way from the root to the current directory; see dirstack.h. Must not know: files, statistics. */
#include <string.h>
#include <sys/stat.h>

#include "imagedb/dirstack.h"
#include "imagedb/open.h"
#include "imagedb/util.h"

#define FIRST_FRAMES	64u
#define FIRST_BYTES	4096u

/* A waiting name is its bytes, a NUL and its length: the stack is read from its end. */
typedef uint16_t name_len_t;
#define NAME_OVERHEAD	(1 + sizeof(name_len_t))

static struct imagedb_frame *top_frame(const struct imagedb_dirstack *stack)
{
	return &stack->frames[stack->depth - 1];
}

/* Makes room for @need bytes in a buffer that doubles; the caller has compared @need with its bound. */
static int reserve_bytes(char **buffer, size_t *capacity, size_t need)
{
	size_t wanted = *capacity ? *capacity : FIRST_BYTES;
	char *grown;

	if (need <= *capacity)
		return 0;
	while (wanted < need)
		wanted *= 2;
	grown = realloc(*buffer, wanted);
	if (!grown)
		return -ENOMEM;
	*buffer = grown;
	*capacity = wanted;
	return 0;
}

static int reserve_frame(struct imagedb_dirstack *stack)
{
	uint32_t wanted = stack->frames_capacity ? 2 * stack->frames_capacity : FIRST_FRAMES;
	struct imagedb_frame *grown;

	if (stack->depth < stack->frames_capacity)
		return 0;
	grown = realloc(stack->frames, wanted * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	stack->frames = grown;
	stack->frames_capacity = wanted;
	return 0;
}

void imagedb_dirstack_release(struct imagedb_dirstack *stack)
{
	while (stack->depth > 0)
		imagedb_dirstack_pop(stack);
	closep(&stack->current_fd);
	free(stack->frames);
	free(stack->names);
	free(stack->path);
	*stack = (struct imagedb_dirstack){ .current_fd = -1 };
}

int imagedb_dirstack_push(struct imagedb_dirstack *stack, int fd)
{
	_cleanup_(closep) int owned = fd;
	struct imagedb_frame *frame;
	struct stat st;
	int r;

	if (fstat(owned, &st) < 0)
		return -errno;
	r = reserve_frame(stack);
	if (r < 0)
		return r;
	frame = &stack->frames[stack->depth];
	*frame = (struct imagedb_frame){
		.fd = -1,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.path_len = (uint32_t)stack->path_len,
		.names_start = stack->names_used,
	};
	if (stack->depth < IMAGEDB_KEPT_DESCRIPTORS) {
		frame->fd = take_fd(&owned);
	} else {
		closep(&stack->current_fd);
		stack->current_fd = take_fd(&owned);
		stack->current_depth = stack->depth;
	}
	stack->depth++;
	return 0;
}

void imagedb_dirstack_pop(struct imagedb_dirstack *stack)
{
	struct imagedb_frame *frame = top_frame(stack);

	closep(&frame->fd);
	stack->names_used = frame->names_start;
	stack->depth--;
}

int imagedb_dirstack_add_name(struct imagedb_dirstack *stack, const char *name, size_t len)
{
	name_len_t stored = (name_len_t)len;
	char *end;
	int r;

	if (len > UINT16_MAX || stack->names_used + len + NAME_OVERHEAD > stack->names_max)
		return -ENOSPC;
	r = reserve_bytes(&stack->names, &stack->names_capacity, stack->names_used + len + NAME_OVERHEAD);
	if (r < 0)
		return r;
	end = stack->names + stack->names_used;
	memcpy(end, name, len);
	end[len] = '\0';
	memcpy(end + len + 1, &stored, sizeof(stored));
	stack->names_used += len + NAME_OVERHEAD;
	return 0;
}

bool imagedb_dirstack_has_names(const struct imagedb_dirstack *stack)
{
	return stack->names_used > top_frame(stack)->names_start;
}

const char *imagedb_dirstack_next_name(struct imagedb_dirstack *stack, size_t *ret_len)
{
	name_len_t len;

	memcpy(&len, stack->names + stack->names_used - sizeof(len), sizeof(len));
	stack->names_used -= len + NAME_OVERHEAD;
	*ret_len = len;
	return stack->names + stack->names_used;
}

int imagedb_dirstack_set_path(struct imagedb_dirstack *stack, const char *name, size_t len)
{
	size_t base = top_frame(stack)->path_len;
	size_t need = base + (base ? 1 : 0) + len;
	int r;

	if (need > stack->path_max)
		return -ENAMETOOLONG;
	r = reserve_bytes(&stack->path, &stack->path_capacity, need + 1);
	if (r < 0)
		return r;
	if (base)
		stack->path[base++] = '/';
	memcpy(stack->path + base, name, len);
	stack->path[need] = '\0';
	stack->path_len = need;
	return 0;
}

void imagedb_dirstack_reset_path(struct imagedb_dirstack *stack)
{
	stack->path_len = top_frame(stack)->path_len;
	if (stack->path)
		stack->path[stack->path_len] = '\0';
}

int imagedb_dirstack_directory(struct imagedb_dirstack *stack)
{
	uint32_t depth = stack->depth - 1;
	const struct imagedb_frame *frame = top_frame(stack);
	int fd;

	if (frame->fd >= 0)
		return frame->fd;
	if (stack->current_fd < 0)
		return -ESTALE;
	if (stack->current_depth == depth)
		return stack->current_fd;
	fd = imagedb_climb(stack->current_fd, stack->current_depth - depth, frame->dev, frame->ino);
	if (fd < 0)
		return fd;
	closep(&stack->current_fd);
	stack->current_fd = fd;
	stack->current_depth = depth;
	return fd;
}
