/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands "holdfast image …" share: the image database, how a set is named, its root to look into, progress.
 *
 * Owns: nothing of the database's inside. Must not know: any one command, the daemon.
 */
#ifndef TOOLS_HOLDFAST_IMAGE_H
#define TOOLS_HOLDFAST_IMAGE_H

#include <stdatomic.h>

#include "imagedb/layers.h"
#include "imagedb/store.h"
#include "tools/holdfast/cli.h"

#define IMAGE_KEY_SHORT 12 /* digits of a set's SHA-256 that tables show; as many tell any node's images apart */
#define IMAGE_KEY_LEAST 4  /* digits that are taken for one */

/* --- image_store.c: the database --------------------------------------------------------------------------------- */

#define IMAGE_DB_OPTION(values)                                                                                         \
	{ 0, "db", "DIR", "folder of the image database (default " IMAGEDB_STORE_FOLDER ")", CLI_OPTION_TEXT,           \
	  offsetof(struct values, db) }

/* Opens the database; what is wrong is told. db NULL: the default. */
enum cli_exit image_open(const struct cli *cli, const char *db, bool read_only, struct imagedb_store **ret);
/* Tells an error of the database, with what to do. Returns CLI_EXIT_ERROR. */
enum cli_exit image_failed(const struct cli *cli, const char *db, const char *what, int error);
/* The set of that label or beginning of its SHA-256, owned by the caller; none or several are told. */
enum cli_exit image_find(const struct cli *cli, struct imagedb_store *store, const char *db, const char *name,
			 struct imagedb_store_set **ret);
/* The set's SHA-256, or its first digits. */
void image_key(const struct imagedb_store_set *set, size_t digits, char text[2 * IMAGEDB_KEY_BYTES + 1]);
struct json_object *image_describe(const struct imagedb_store_set *set);
struct json_object *image_describe_file(const struct imagedb_store_file *file);
/* Helpers for documents: NULL is null. */
void image_add_text(struct json_object *json, const char *key, const char *text);
void image_add_number(struct json_object *json, const char *key, uint64_t number);

/* --- image_root.c: what to look into ----------------------------------------------------------------------------- */

struct image_root {
	int fd; /* the root directory; -1: none */
	char *identity, *label;
	enum imagedb_store_source source;
};

void image_root_release(struct image_root *root);
/* The root of an image: the layers of an overlay's mount point, or a plain folder. */
enum cli_exit image_root_of_folder(const struct cli *cli, const char *folder, struct image_root *ret);
/* The same of layers "TOP:…:BOTTOM". */
enum cli_exit image_root_of_layers(const struct cli *cli, const char *layers, struct image_root *ret);
/* The root of a stored set; CLI_EXIT_NEGATIVE when a layer is no longer what it was, which is told. */
enum cli_exit image_root_of_set(const struct cli *cli, const struct imagedb_store_set *set, struct image_root *ret);

/* --- image_progress.c: a line on the terminal, and its end -------------------------------------------------------- */

struct image_progress {
	const struct cli *cli;
	const char *doing;	/* "scanning" */
	uint64_t total_bytes;	/* 0: not known */
	uint64_t started_ns, drawn_ns;
};

void image_progress_start(struct image_progress *progress, const struct cli *cli, const char *doing, uint64_t total_bytes);
/* Draws when there is a terminal and the last time is long enough ago. */
void image_progress_show(struct image_progress *progress, uint64_t files, uint64_t bytes);
void image_progress_end(const struct image_progress *progress);
double image_progress_seconds(const struct image_progress *progress);

/* From now on SIGINT and SIGTERM set this instead of ending the program; a second one ends it. */
const atomic_bool *image_catch_interrupt(void);

/* --- image_digest.c: digests of a stored set ---------------------------------------------------------------------- */

/* Computes those that are missing, in steps that stay when it is interrupted. root: the set's. */
enum cli_exit image_digest(const struct cli *cli, struct imagedb_store *store, const char *db, uint64_t number,
			   const struct image_root *root, const atomic_bool *stop);
/* Opens a file below the root without following links; -errno. */
int image_open_file(int root_fd, const char *path);

/* --- image_candidates.c ------------------------------------------------------------------------------------------- */

/* Lists what counts as executable below a folder, without storing anything. */
enum cli_exit image_list_candidates(struct cli *cli, const char *folder, bool details);

#endif
