// SPDX-License-Identifier: Apache-2.0
/*
 * What an event changes about processes. Contracts: process_tree.h.
 *
 * Owns: forks, execs, exits, new parents, as events tell them. Must not know: memory of processes (process_tree.c).
 *
 * I1: pid and start together name a process. One that stands under the pid with another start has gone unseen: its exit was
 *     lost.
 * I2: the head of every event is believed about its process, so that what was lost before is mended by the next event.
 */
#include "enforcer/process_internal.h"

#include <linux/sched.h>
#include <string.h>

static bool is_same(struct process *p, uint64_t start_ns)
{
	if (!p->from_proc)
		return p->start_ns == start_ns;
	if (p->start_ns / PROCESS_TICK_NS != start_ns / PROCESS_TICK_NS)
		return false;
	p->start_ns = start_ns;
	p->from_proc = false;
	return true;
}

/* Its children go to the one who takes orphans; NULL: not known, their next events will tell. */
static void end_process(struct process_tree *tree, struct process *p, uint64_t now_ns, struct process *reaper)
{
	process_unhash(tree, p);
	p->exit_ns = now_ns ? now_ns : 1;
	tree->exited++;
	p->holders++; /* its children leaving must not throw it away from under the loop */
	while (p->children)
		process_set_parent(tree, p->children, reaper == p || reaper == p->children ? NULL : reaper);
	p->holders--;
}

/* I1. The living process of that pid and start; NULL: it is not known. */
static struct process *find_same(struct process_tree *tree, uint32_t pid, uint64_t start_ns, uint64_t now_ns)
{
	struct process *p = process_tree_find(tree, pid);

	if (!p || is_same(p, start_ns))
		return p;
	end_process(tree, p, now_ns, NULL);
	process_set_parent(tree, p, NULL);
	process_try_free(tree, p);
	return NULL;
}

/* No more of those who exited than PROCESS_ANCESTORS_MAX in a row. What lies above one who lives is cut when that one forks. */
static void cut_ancestry(struct process_tree *tree, struct process *p)
{
	unsigned int exited = 0;

	for (struct process *q = p->origin; q && q->exit_ns; q = q->origin) {
		if (++exited > PROCESS_ANCESTORS_MAX) {
			process_set_origin(tree, q, NULL);
			return;
		}
	}
}

static void take_parent(struct process_tree *tree, struct process *p, const struct hf_detect_head *h)
{
	struct process *parent = p->parent;

	p->ppid = h->ppid;
	if (parent && parent->pid == h->ppid && is_same(parent, h->parent_start_ns))
		return;
	parent = h->ppid ? process_tree_find(tree, h->ppid) : NULL;
	if (parent == p || (parent && !is_same(parent, h->parent_start_ns)))
		parent = NULL; /* what stands there is ended by an event of its own pid only */
	process_set_parent(tree, p, parent);
	if (!p->origin)
		process_set_origin(tree, p, parent);
}

/* I2. A thread's own name is not the process's. */
static void take_head(struct process_tree *tree, struct process *p, const struct hf_detect_head *h)
{
	take_parent(tree, p, h);
	p->cgroup = h->cgroup;
	p->container = h->container;
	p->root_ino = h->root_ino;
	p->root_dev = h->root_dev;
	p->mnt_ns = h->mnt_ns;
	p->pid_ns = h->pid_ns;
	p->user_ns = h->user_ns;
	p->cap_effective = h->cap_effective;
	p->cap_permitted = h->cap_permitted;
	p->cap_inheritable = h->cap_inheritable;
	p->vpid = h->vpid;
	p->vppid = h->vppid;
	p->pgid = h->pgid;
	p->vpgid = h->vpgid;
	p->sid = h->sid;
	p->vsid = h->vsid;
	p->uid = h->uid;
	p->euid = h->euid;
	p->gid = h->gid;
	p->egid = h->egid;
	p->loginuid = h->loginuid;
	p->tty = h->tty;
	p->host = h->flags & HF_DETECT_HOST;
	p->kthread = h->flags & HF_DETECT_KTHREAD;
	if (h->flags & HF_DETECT_NAMED || h->tid == h->pid || !p->comm[0])
		memcpy(p->comm, h->comm, sizeof(p->comm));
}

static struct process *find_or_make(struct process_tree *tree, const struct hf_detect_head *h)
{
	struct process *p = find_same(tree, h->pid, h->start_ns, h->time_ns);

	if (p)
		return p;
	p = process_new(tree, h->pid, h->start_ns);
	if (!p)
		return NULL;
	p->incomplete = !(h->flags & HF_DETECT_KTHREAD);
	tree->mended++;
	return p;
}

static void take_text(struct process_tree *tree, struct process_text **to, const struct stream_text *from)
{
	struct process_text *text;

	if (!from->data)
		return;
	if (*to && (*to)->len == from->len && !memcmp((*to)->data, from->data, from->len))
		return;
	text = process_text_new(from->data, from->len, from->cut);
	if (!text)
		tree->refused++;
	process_set_text(tree, to, text);
}

static void on_exec(struct process_tree *tree, struct process *p, const struct stream_event *event)
{
	p->exec_ns = event->head->time_ns;
	p->incomplete = false;
	process_set_text(tree, &p->env, NULL); /* the old program's says nothing about this one */
	take_text(tree, &p->exepath, &event->exepath);
	take_text(tree, &p->args, &event->args);
	take_text(tree, &p->env, &event->env);
	if (event->file)
		p->exe_file = *event->file;
	memcpy(p->comm, event->head->comm, sizeof(p->comm));
}

static bool is_clone(enum hf_detect_type type)
{
	return type == HF_DETECT_CLONE || type == HF_DETECT_CLONE3;
}

static void inherit(struct process_tree *tree, struct process *child, const struct process *p)
{
	struct process own = *child;

	*child = *p;
	child->pid = own.pid;
	child->start_ns = child->exec_ns = own.start_ns;
	child->exit_ns = 0;
	child->from_proc = false;
	child->user = NULL;
	child->parent = child->origin = child->children = child->sibling_next = child->sibling_prev = NULL;
	child->hash_next = own.hash_next;
	child->all_next = own.all_next;
	child->all_prev = own.all_prev;
	child->hashed = own.hashed;
	child->holders = 0;
	child->exepath = child->args = child->env = child->cwd = NULL;
	process_set_text(tree, &child->exepath, process_text_share(p->exepath));
	process_set_text(tree, &child->args, process_text_share(p->args));
	process_set_text(tree, &child->env, process_text_share(p->env));
	process_set_text(tree, &child->cwd, process_text_share(p->cwd));
}

static void on_fork(struct process_tree *tree, struct process *p, const struct stream_event *event)
{
	const struct hf_detect_child *c = event->child;
	bool keeps_parent = is_clone(event->type) && (event->head->args[0] & CLONE_PARENT);
	struct process *child;

	if (!c || c->pid == p->pid || find_same(tree, c->pid, c->start_ns, event->head->time_ns))
		return;
	child = process_new(tree, c->pid, c->start_ns);
	if (!child)
		return;
	inherit(tree, child, p);
	child->vpid = c->vpid;
	child->ppid = keeps_parent ? p->ppid : p->pid;
	child->vppid = keeps_parent ? p->vppid : p->vpid;
	memcpy(child->comm, event->head->comm, sizeof(child->comm));
	process_set_parent(tree, child, keeps_parent ? p->parent : p);
	process_set_origin(tree, child, p);
	cut_ancestry(tree, p);
}

struct process *process_tree_apply(struct process_tree *tree, const struct stream_event *event)
{
	const struct hf_detect_head *h = event->head;
	struct process *gone = tree->leaving, *p;

	tree->leaving = NULL;
	if (gone) {
		process_set_parent(tree, gone, NULL);
		process_try_free(tree, gone);
	}
	p = find_or_make(tree, h);
	if (!p)
		return NULL;
	take_head(tree, p, h);
	take_text(tree, &p->cwd, &event->cwd);
	switch (event->type) {
	case HF_DETECT_EXECVE:
	case HF_DETECT_EXECVEAT:
		if (h->result == 0)
			on_exec(tree, p, event);
		break;
	case HF_DETECT_FORK:
	case HF_DETECT_VFORK:
	case HF_DETECT_CLONE:
	case HF_DETECT_CLONE3:
		on_fork(tree, p, event);
		break;
	case HF_DETECT_PROCEXIT:
		tree->leaving = p;
		end_process(tree, p, h->time_ns, h->args[0] ? process_tree_find(tree, (uint32_t)h->args[0]) : NULL);
		break;
	default:
		break;
	}
	return p;
}
