// SPDX-License-Identifier: Apache-2.0
/*
 * The table of processes and what keeps them. Contracts: process_tree.h.
 *
 * Owns: memory of processes and texts. Must not know: what an event says (process_apply.c).
 *
 * I1: a process is thrown away when it has exited, is not the one that just did, and nobody has it as parent or origin.
 * I2: of a pid there is at most one in the hash: the living one.
 * I3: every pointer to a process from another (parent, origin) counts in .holders of what it points to.
 * I4: nobody's parent has exited, and who has exited has no parent (but the last one): only origins make chains of them.
 */
#include "enforcer/process_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"

static size_t slot_of(uint32_t pid)
{
	return pid * 2654435761u >> 16 & (PROCESS_HASH - 1);
}

struct process_text *process_text_new(const char *data, size_t len, bool cut)
{
	struct process_text *text = len > HF_DETECT_TEXT_BYTES ? NULL : malloc(sizeof(*text) + len + 1);

	if (!text)
		return NULL;
	text->references = 1;
	text->len = (uint32_t)len;
	text->cut = cut;
	if (len)
		memcpy(text->data, data, len);
	text->data[len] = '\0';
	return text;
}

void process_text_unref(struct process_text **text)
{
	if (*text && --(*text)->references == 0)
		free(*text);
	*text = NULL;
}

static size_t text_bytes(const struct process_text *text)
{
	return text ? sizeof(*text) + text->len + 1 : 0;
}

struct process_text *process_text_share(struct process_text *text)
{
	if (text)
		text->references++;
	return text;
}

void process_set_text(struct process_tree *tree, struct process_text **to, struct process_text *text)
{
	if (*to && (*to)->references == 1)
		tree->text_bytes -= text_bytes(*to);
	process_text_unref(to);
	*to = text;
	if (text && text->references == 1)
		tree->text_bytes += text_bytes(text);
}

int process_tree_new(size_t max, void (*forget)(void *user, void *data), void *data, struct process_tree **ret)
{
	struct process_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -ENOMEM;
	tree->max = max && max < PROCESS_TREE_MAX ? max : PROCESS_TREE_MAX;
	tree->forget = forget;
	tree->forget_data = data;
	*ret = tree;
	return 0;
}

static void leave_siblings(struct process *p)
{
	if (!p->parent)
		return;
	if (p->sibling_prev)
		p->sibling_prev->sibling_next = p->sibling_next;
	else
		p->parent->children = p->sibling_next;
	if (p->sibling_next)
		p->sibling_next->sibling_prev = p->sibling_prev;
	p->sibling_prev = p->sibling_next = NULL;
}

/* Takes it out of everything; its parent and origin lose a holder. */
static void unlink_process(struct process_tree *tree, struct process *p)
{
	leave_siblings(p);
	if (p->parent)
		p->parent->holders--;
	if (p->origin)
		p->origin->holders--;
	if (p->all_prev)
		p->all_prev->all_next = p->all_next;
	else
		tree->all = p->all_next;
	if (p->all_next)
		p->all_next->all_prev = p->all_prev;
	tree->n--;
	tree->exited -= p->exit_ns != 0;
}

static void free_process(struct process_tree *tree, struct process *p)
{
	if (p->user && tree->forget)
		tree->forget(p->user, tree->forget_data);
	process_set_text(tree, &p->exepath, NULL);
	process_set_text(tree, &p->args, NULL);
	process_set_text(tree, &p->env, NULL);
	process_set_text(tree, &p->cwd, NULL);
	free(p);
}

/* I1. What it held may follow; no chain of those who exited is longer than PROCESS_ANCESTORS_MAX. */
void process_try_free(struct process_tree *tree, struct process *p)
{
	while (p && p->exit_ns && !p->holders && p != tree->leaving) {
		struct process *origin = p->origin;

		unlink_process(tree, p);
		free_process(tree, p);
		p = origin;
	}
}

void process_tree_free(struct process_tree **tree)
{
	struct process *next;

	if (!*tree)
		return;
	for (struct process *p = (*tree)->all; p; p = next) {
		next = p->all_next;
		free_process(*tree, p);
	}
	free(*tree);
	*tree = NULL;
}

void process_set_parent(struct process_tree *tree, struct process *p, struct process *parent)
{
	struct process *before = p->parent;

	if (before == parent || parent == p)
		return;
	leave_siblings(p);
	p->parent = parent;
	if (parent) {
		parent->holders++;
		p->sibling_next = parent->children;
		if (p->sibling_next)
			p->sibling_next->sibling_prev = p;
		parent->children = p;
	}
	if (before) {
		before->holders--;
		process_try_free(tree, before);
	}
}

void process_set_origin(struct process_tree *tree, struct process *p, struct process *origin)
{
	struct process *before = p->origin;

	if (before == origin || origin == p)
		return;
	p->origin = origin;
	if (origin)
		origin->holders++;
	if (before) {
		before->holders--;
		process_try_free(tree, before);
	}
}

void process_hash(struct process_tree *tree, struct process *p)
{
	struct process **slot = &tree->hash[slot_of(p->pid)];

	p->hash_next = *slot;
	p->hashed = true;
	*slot = p;
}

void process_unhash(struct process_tree *tree, struct process *p)
{
	struct process **at = &tree->hash[slot_of(p->pid)];

	if (!p->hashed)
		return;
	while (*at != p)
		at = &(*at)->hash_next;
	*at = p->hash_next;
	p->hash_next = NULL;
	p->hashed = false;
}

struct process *process_new(struct process_tree *tree, uint32_t pid, uint64_t start_ns)
{
	struct process *p = tree->n < tree->max ? calloc(1, sizeof(*p)) : NULL;

	if (!p) {
		tree->refused++;
		return NULL;
	}
	p->pid = pid;
	p->start_ns = p->exec_ns = start_ns;
	p->all_next = tree->all;
	if (p->all_next)
		p->all_next->all_prev = p;
	tree->all = p;
	tree->n++;
	process_hash(tree, p);
	return p;
}

struct process *process_tree_find(const struct process_tree *tree, uint32_t pid)
{
	struct process *p = tree->hash[slot_of(pid)];

	while (p && p->pid != pid)
		p = p->hash_next;
	return p;
}

const struct process *process_ancestor(const struct process *process, unsigned int n)
{
	for (unsigned int i = 0; i < n && process; i++)
		process = i < PROCESS_ANCESTORS_MAX ? process->parent : NULL;
	return process;
}

const struct process *process_origin(const struct process *process, unsigned int n)
{
	for (unsigned int i = 0; i < n && process; i++)
		process = i < PROCESS_ANCESTORS_MAX ? process->origin : NULL;
	return process;
}

const char *process_exe(const struct process *process, uint32_t *ret_len)
{
	const struct process_text *args = process ? process->args : NULL;

	*ret_len = args ? (uint32_t)strnlen(args->data, args->len) : 0;
	return args ? args->data : "";
}

void process_tree_count(const struct process_tree *tree, struct process_tree_counts *ret)
{
	*ret = (struct process_tree_counts){
		.processes = tree->n,
		.exited = tree->exited,
		.bytes = sizeof(*tree) + tree->n * sizeof(struct process) + tree->text_bytes,
		.refused = tree->refused,
		.mended = tree->mended,
	};
}

static int compare_starts(const void *a, const void *b)
{
	const struct process *const *p = a, *const *q = b;

	if ((*p)->start_ns != (*q)->start_ns)
		return (*p)->start_ns < (*q)->start_ns ? -1 : 1;
	return (*p)->pid < (*q)->pid ? -1 : (*p)->pid > (*q)->pid;
}

int process_tree_walk(const struct process_tree *tree, int (*fn)(const struct process *process, void *data), void *data)
{
	_cleanup_(free_ptr) const struct process **sorted = calloc(tree->n + 1, sizeof(struct process *));
	size_t n = 0;
	int err = 0;

	if (!sorted)
		return -ENOMEM;
	for (const struct process *p = tree->all; p; p = p->all_next)
		sorted[n++] = p;
	qsort(sorted, n, sizeof(sorted[0]), compare_starts);
	for (size_t i = 0; i < n && !err; i++)
		err = fn(sorted[i], data);
	return err;
}

int process_tree_add(struct process_tree *tree, const struct process *process)
{
	struct process *p, kept;

	if (process_tree_find(tree, process->pid))
		return -EEXIST;
	if (tree->n >= tree->max) {
		tree->refused++;
		return -ENOSPC;
	}
	p = process_new(tree, process->pid, process->start_ns);
	if (!p)
		return -ENOMEM;
	kept = *p;
	*p = *process;
	p->user = NULL;
	p->parent = p->origin = p->children = p->sibling_next = p->sibling_prev = NULL;
	p->hash_next = kept.hash_next;
	p->all_next = kept.all_next;
	p->all_prev = kept.all_prev;
	p->hashed = true;
	p->holders = 0;
	p->exit_ns = 0;
	p->comm[sizeof(p->comm) - 1] = '\0';
	p->exepath = p->args = p->env = p->cwd = NULL;
	process_set_text(tree, &p->exepath, process_text_share(process->exepath));
	process_set_text(tree, &p->args, process_text_share(process->args));
	process_set_text(tree, &p->env, process_text_share(process->env));
	process_set_text(tree, &p->cwd, process_text_share(process->cwd));
	return 0;
}

void process_tree_tie(struct process_tree *tree)
{
	for (struct process *p = tree->all; p; p = p->all_next) {
		struct process *parent = p->parent || !p->ppid ? NULL : process_tree_find(tree, p->ppid);

		if (!parent || parent->start_ns > p->start_ns + PROCESS_TICK_NS)
			continue;
		process_set_parent(tree, p, parent);
		if (!p->origin)
			process_set_origin(tree, p, parent);
	}
}
