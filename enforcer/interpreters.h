/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of an image are interpreters: those that its own #! lines name, and those of a shipped list. And which are heaps that
 * interpreters saved.
 *
 * Owns: that list, and what is collected while an image is scanned. Must not know: the kernel's tables, how files are opened. Names
 * only find files of the image here; what is known at run time is the inode.
 */
#ifndef ENFORCER_INTERPRETERS_H
#define ENFORCER_INTERPRETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/likely.h"
#include "imagedb/store.h"

#define INTERPRETERS_MAX 512 /* of one image; real ones name some ten */
#define INTERPRETERS_NEVER 0xffu /* a program that #! lines name and that runs no code from files: cat, env, true */

/* A path of the image to be looked at. */
struct interpreters_item {
	char *path;	/* as the image names it: symbolic links are not followed yet, no leading slash */
	uint8_t family; /* enum hf_interpreter, for a file whose own name is on no list */
};

struct interpreters {
	struct interpreters_item items[INTERPRETERS_MAX];
	size_t n;
	bool cut; /* there were more, or no memory */
};

/* Frees the paths; the list is empty then. */
void interpreters_clear(struct interpreters *list);

/* Takes notes of one executable of the image (borrowed). Cost: grows with the number of different interpreters. */
void interpreters_note(struct interpreters *list, const struct imagedb_store_file *file);

/**
 * interpreters_family - what the name of a file says
 * @name: (borrowed) its last component
 *
 * Versions and variants do not matter: "python3.11", "perl5.36-x86_64-linux-gnu". Return: enum hf_interpreter, perhaps with
 * HF_INTERPRETER_EMBEDDED; 0: no name of the list; INTERPRETERS_NEVER.
 */
uint8_t interpreters_family(const char *name);
/* Whether a path's last component is a script's to any interpreter (bpf-lsm/likely.h). */
bool interpreters_may_read(const char *path);
/* Whether the last component of a path is a name of the list. */
bool interpreters_lists(const char *path);

#endif
