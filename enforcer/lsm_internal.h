/* SPDX-License-Identifier: Apache-2.0 */
/* What lsm_load.c, lsm_versions.c, lsm_unload.c (life of the programs) and lsm_maps.c (use of the maps) share; nobody else
 * includes it. */
#ifndef ENFORCER_LSM_INTERNAL_H
#define ENFORCER_LSM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "enforcer/lsm.h"
#include "enforcer/ring_map.h"

#define LSM_TEXT(number) #number
#define LSM_VERSION_TEXT(number) LSM_TEXT(number)
#define LSM_PIN_FOLDER HF_PIN_DIR "/v" LSM_VERSION_TEXT(HF_ABI_VERSION)
/* Below HF_PIN_DIR, beside the folders: all versions share it. */
#define LSM_TASKS_NAME "tasks_v" LSM_VERSION_TEXT(HF_TAG_VERSION)
#define LSM_PATH_BYTES 256
#define LSM_VERSIONS_MAX 16u /* folders of other versions at once; one is usual, and more are looked at in the next start */

struct bpf_program;
struct holdfast_bpf;

/* A map whose memory the daemon sees directly. */
struct lsm_view {
	void *addr;
	size_t bytes;
};

enum lsm_survey { LSM_SURVEY_TASKS, LSM_SURVEY_PROGRAMS, LSM_SURVEY_MAPS, _LSM_SURVEY_MAX };

struct lsm {
	struct holdfast_bpf *skel;
	struct ring_map *ring, *notices;
	struct lsm_view config, enrol, settling, containers, policies, exceptions, upper_marks, shares;
	struct lsm_sizes sizes;
	bool took_over;
	bool loaded;
	bool attaching; /* links of ours may be pinned */
	bool has_backing_hook;
	int n_cpus;
	uint64_t carried[_HF_COUNTER_MAX]; /* hf_carried */
	int surveys[_LSM_SURVEY_MAX]; /* links */
	bool surveyable;
};

/* Before the load: gives each table the entries that limits (or NULL) asks for, or those of its pin. 0 or -errno. */
int lsm_size_maps(struct lsm *lsm, const struct lsm_limits *limits);
/* Maps the arrays and opens the ring. 0 or -errno. */
int lsm_maps_open(struct lsm *lsm);
void lsm_maps_close(struct lsm *lsm);
/* Writes hf_carried: what is added to our counters from now on. */
int lsm_carry(struct lsm *lsm, const uint64_t counters[_HF_COUNTER_MAX]);

/* Pins a program or link under that name in our folder, in place of what is there. 0 or -errno. */
int lsm_pin_over(int fd, const char *name);

struct bpf_object;
/* Attaches every loaded hook and pins its link over the one before; pins the programs that the daemon calls by itself, for the starts
 * that load nothing. *ret_pins: how many. 0 or -errno. */
int lsm_pins_attach(struct bpf_object *object, uint32_t *ret_pins);
/* Removes pins of programs that this build does not have, and those of a daemon that was killed before it renamed them. */
int lsm_pins_remove_strangers(struct bpf_object *object);
/* The number of pinned programs, those in the making left out. */
uint32_t lsm_pins_count(void);
/* Writes the numbers of all that is ours into hf_own, once everything is pinned. Needs CAP_SYS_ADMIN. 0 or -errno. */
int lsm_own_note(struct lsm *lsm);

/* A program that the daemon calls by itself, loaded or pinned: a descriptor of the caller's, or -1 with errno. */
int lsm_program_open(const struct bpf_program *prog);

/* The numbers of the versions that have a folder, all or all but ours. How many. */
size_t lsm_versions(uint32_t ret[LSM_VERSIONS_MAX], bool own_too);
void lsm_version_folder(uint32_t version, char ret[LSM_PATH_BYTES]);
/* A pinned map of a version by its name; -1: it has none. */
int lsm_version_map(uint32_t version, const char *name);
/* What our fresh config takes from the version in force. */
void lsm_versions_inherit(struct hf_config *config);

/* Programs whose end can be waited for. */
#define LSM_PROGRAMS_MAX 128u /* more than those of a load, and those of one that is being replaced */
struct lsm_programs {
	uint32_t ids[LSM_PROGRAMS_MAX];
	size_t n;
};

/* Removes what is pinned in a folder: links first, so that no program runs on maps that are gone, then the folder. */
int lsm_remove_folder(const char *folder, struct lsm_programs *programs);
/* The pins of maps alone. */
int lsm_remove_maps(const char *folder);

/* Removes what comparing has told of a container's files. How many entries, or -errno. */
int64_t lsm_settled_remove(struct lsm *lsm, uint64_t container);
/* … of all containers that fn calls gone. */
int64_t lsm_settled_remove_if(struct lsm *lsm, lsm_gone_fn fn, void *data);

/* Runs a program of type syscall once, on the calling thread. Its return value, or -errno. */
int lsm_run_once(const struct bpf_program *prog);

/* Makes the iterators' links, which are not pinned: they go with the daemon. Needs CAP_BPF and CAP_PERFMON. 0 or -errno. */
int lsm_surveys_open(struct lsm *lsm);
void lsm_surveys_close(struct lsm *lsm);

#endif
