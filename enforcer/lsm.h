/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel half as the daemon sees it: load, attach, pin, take over; slots, roots, volumes, counters, the ring.
 *
 * Owns: libbpf and the skeleton (lsm*.c are the only files that include them), the pins below HF_PIN_DIR.
 * Must not know: containers, policies or JSON.
 */
#ifndef ENFORCER_LSM_H
#define ENFORCER_LSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"

struct lsm;
struct ring_map;

/* What the node asks for at the first load; 0: the most that the contract names. */
struct lsm_limits {
	uint32_t executables; /* files of all layer sets together */
	uint32_t containers;
};

/* Entries of the tables as they are: pinned ones keep the size of the load that made them. */
struct lsm_sizes {
	uint32_t catalog;
	uint32_t containers; /* slots, those of the canary and of unknown containers included */
	uint32_t policies;
	uint32_t exceptions;
	uint32_t volumes;
};

/* Opens the pinned programs if they are this build's and judge; otherwise loads (against pinned maps where their programs judge),
 * attaches and pins: new links are renamed over the old ones, so that there is no moment without. Beside another version the
 * programs judge nothing until hf_config.enabled says so. On failure nothing of this version is left unless it was there, and
 * *reterr (>= 256 bytes) says what is missing and the remedy. Needs CAP_SYS_ADMIN. limits (borrowed)
 * may be NULL. Blocks for up to seconds (verifier). -errno. */
int lsm_open(const struct lsm_limits *limits, struct lsm **ret, char *reterr, size_t reterr_bytes);
struct lsm_sizes lsm_sizes(const struct lsm *lsm);
/* Frees user-space state; pins stay and keep enforcing. */
void lsm_close(struct lsm **lsm);
/* Removes the pins of this version: for a first start that failed. 0 or -errno. */
int lsm_discard(void);
/* Removes every pin of every version: enforcement ends within seconds. Waits until no program is on a hook any more.
 * -ETIMEDOUT: somebody still holds a program or link. For `holdfastd --unload`; needs CAP_SYS_ADMIN. */
int lsm_unload_wait(unsigned int timeout_ms);
/* True when the maps of an earlier daemon of this version are used, whose programs judged all the time. */
bool lsm_took_over(const struct lsm *lsm);
/* False when the pinned programs, being this build's, were used as they are. */
bool lsm_loaded(const struct lsm *lsm);

/* Other versions' programs, maps and pins, older or newer, in force or left behind (lsm_versions.c). All need CAP_SYS_ADMIN. */
bool lsm_has_others(void);
/* Their programs judge no more from here on, and what they counted goes into our counters. Once per version in force. */
int lsm_others_silence(struct lsm *lsm);
/* Opens the ring of the i-th of them, with what is left in it: ring_map_close(). -ENOENT: there are no more; -errno. */
int lsm_others_ring(size_t i, struct ring_map **ret);
/* Removes their pins, links first. 0 or -errno. */
int lsm_others_remove(void);

/* True when hook `name` ("mmap_backing_file", …) is attached. */
bool lsm_has_hook(const struct lsm *lsm, const char *name);

/* Gives back what the question below has read, until it is asked again. */
void lsm_forget_kernel(void);
/* True when the running kernel has a function of that name in its BTF; usable without lsm_open. */
bool lsm_kernel_has_function(const char *name);

/* True when pinned programs of this version judge right now; usable without lsm_open. */
bool lsm_in_force(void);

/* Directly mapped shared state: plain loads and stores, no system call. Valid until lsm_close. */
struct hf_config *lsm_config(struct lsm *lsm);
struct hf_container *lsm_container(struct lsm *lsm, uint32_t slot); /* NULL when slot is out of range */
struct hf_policy *lsm_policy(struct lsm *lsm, uint32_t slot);
struct hf_exception *lsm_exception(struct lsm *lsm, uint32_t index);
/* Block devices that carry layers, and HF_STORE_* of each, at most max: how many. */
size_t lsm_store_devices(struct lsm *lsm, uint32_t *ret, uint32_t *ret_why, size_t max);
/* One more; what is known stays. 0 or -errno. */
int lsm_store_device_add(struct lsm *lsm, uint32_t dev, uint32_t why);
int lsm_store_device_remove(struct lsm *lsm, uint32_t dev);
int lsm_store_device_looked(struct lsm *lsm, uint32_t dev);
struct hf_share *lsm_share(struct lsm *lsm, uint32_t slot);

int lsm_root_add(struct lsm *lsm, const struct hf_root_key *key, const struct hf_slot_ref *ref);
/* Leaves the entry alone when it is another container's by now; as lsm_cgroup_remove. */
int lsm_root_remove(struct lsm *lsm, const struct hf_root_key *key, uint64_t container);
/* The folder of a container's writable layer: files below it are that container's, whoever reaches them. */
int lsm_upper_add(struct lsm *lsm, const struct hf_root_key *key, const struct hf_slot_ref *ref);
/* Removes a container's. Walks the map: O(containers); so does the next. */
int lsm_upper_remove(struct lsm *lsm, uint64_t container);
/* while_read_only: the kind holds while the mount is read-only and no task of the container wrote to it. */
int lsm_volume_add(struct lsm *lsm, const struct hf_volume_key *key, enum hf_volume_kind kind, bool while_read_only);
/* Removes all volumes of a container. Walks the map: O(volumes). */
int lsm_volumes_remove(struct lsm *lsm, uint64_t container);
/* Notes that a copy of that image file in the container's writable layer holds other bytes. */
int lsm_written_add(struct lsm *lsm, const struct hf_written_key *key);
/* Adopted containers: notes that a copy of that image file holds its bytes. -EEXIST: something else was noted, which stands. */
int lsm_written_copied(struct lsm *lsm, const struct hf_written_key *key);
/* Forgets which image files a container opened for writing, and what comparing its files has told. Walks the maps: O(entries). */
int lsm_written_remove(struct lsm *lsm, uint64_t container);
int lsm_cgroup_add(struct lsm *lsm, uint64_t cgroup, const struct hf_slot_ref *ref);
int lsm_cgroup_remove(struct lsm *lsm, uint64_t cgroup, uint64_t container);
/* Removes roots, cgroups, volumes and notes of writes of all containers that fn calls gone. Walks those maps: O(entries). */
typedef bool (*lsm_gone_fn)(uint64_t container, void *data);
/* Of folders of writable layers alone. */
int lsm_uppers_sweep(struct lsm *lsm, lsm_gone_fn fn, void *data);
int lsm_leftovers_remove(struct lsm *lsm, lsm_gone_fn fn, void *data);
/* Removes all catalogue entries whose key fn wants gone. Walks the map: O(entries). The number removed, or -errno. */
typedef bool (*lsm_key_fn)(const struct hf_catalog_key *key, void *data);
int64_t lsm_catalog_remove_if(struct lsm *lsm, lsm_key_fn fn, void *data);
/* From now on opens for writing are looked at on all file systems, not only on overlays: before HF_ENROL_WATCH is asked for. It stays so,
 * over restarts, since files of such a root may be watched. */
void lsm_watch_plain_roots(struct lsm *lsm);
bool lsm_catalog_has(struct lsm *lsm, const struct hf_catalog_key *key);
/* -ENOENT: it is not there. */
int lsm_catalog_get(struct lsm *lsm, const struct hf_catalog_key *key, struct hf_catalog_entry *ret);
/* Takes one file out again. 0 also when it was not there. */
int lsm_catalog_drop(struct lsm *lsm, const struct hf_catalog_key *key);
/* Ends the watch over a file of a plain root (HF_ENROL_WATCH). */
int lsm_watch_remove(struct lsm *lsm, const struct hf_catalog_key *file);

/* Where a file is enrolled to, and what is refused. */
struct lsm_enrolment {
	uint32_t layer_set;
	uint32_t root_dev;
	uint32_t flags; /* HF_ENROL_REFUSE_UPPER, HF_ENROL_LOWER, HF_ENROL_WATCH */
};

/* Registers the calling thread as the one whose mappings are enrolments. Needs CAP_BPF: call before dropping. */
int lsm_enrol_register(struct lsm *lsm);
/* Enrols the regular file behind fd (open for reading) by mapping a page of it. Only on the registered thread.
 * 0 with *ret filled in (status says what happened), -errno when mapping failed. */
int lsm_enrol_file(struct lsm *lsm, int fd, const struct lsm_enrolment *where, struct hf_enrol *ret);
/* What the kernel calls the file or folder behind fd (O_PATH will do): ret->key.dev, .ino, .generation, ->magic.
 * -EOPNOTSUPP: it cannot tell that file system's files apart. */
int lsm_identify(struct lsm *lsm, int fd, struct hf_enrol *ret);
/* Where the calling program lies: into lsm_config()->told_place. Needs CAP_BPF: call before dropping. 0; -E2BIG: too deep a place, or
 * too long a name; -errno. */
int lsm_tell_place(struct lsm *lsm);

/* --- comparing bytes (lsm_settle.c) --- */
/* Registers the calling thread as the one whose questions about compared files are answered. Needs CAP_BPF: call before dropping. */
int lsm_settle_register(struct lsm *lsm);
/* Asks about the regular file behind fd (open for reading) by mapping a page of it: question->question, kind and who it is about; *ret
 * is the answer. Only on the registered thread. 0, or -errno when mapping failed. */
int lsm_settle_ask(struct lsm *lsm, int fd, const struct hf_settling *question, struct hf_settling *ret);
/* What the hooks tell that is no event, read as the ring of events is. Valid until lsm_close. */
/* Notes that a file of the writable layer stands in the place of the image's file and has its bytes. file: as HF_ENROL_LOOK answered,
 * key.layer_set that of the image; image: HF_ENTRY_* of its file. Nobody may be able to write it: its container does not run yet. */
int lsm_settled_add(struct lsm *lsm, uint64_t container, const struct hf_enrol *file, uint64_t image);
int lsm_notices_fd(struct lsm *lsm);
struct ring_map *lsm_notices(struct lsm *lsm);

/* Surveys of what runs already (lsm_survey.c). They take no capability, may take seconds on a busy node, and run on any thread, one at
 * a time. */
#define LSM_TASKS_MAX 262144 /* listed by one survey: a node's pid_max is often 32768, and 4194304 at most */
/* Tags the tasks of adopted containers and lists those that are not at home in the host's root and namespace. *ret: free().
 * 0; -E2BIG: more than LSM_TASKS_MAX, the first of them are there; -ENOMEM; -errno. */
int lsm_survey_tasks(struct lsm *lsm, struct hf_task **ret, size_t *ret_n);
/* Reports through the ring what the tasks of containers with HF_CONTAINER_SURVEY run and map, each file and process once. */
int lsm_survey_report(struct lsm *lsm);

/* Sum over all CPUs, and what other versions had counted before. */
int lsm_counters(struct lsm *lsm, uint64_t ret[_HF_COUNTER_MAX]);
const char *lsm_counter_name(enum hf_counter counter); /* "events_lost" */

/* The ring of events, read with ring_map.h; valid until lsm_close. Its descriptor is readable (EPOLLIN, level-triggered) while
 * a record stands in it that was not taken. */
int lsm_ring_fd(struct lsm *lsm);
/* Of the tasks' tags, for programs that tell whose an event is; borrowed. */
int lsm_tasks_fd(struct lsm *lsm);
struct ring_map *lsm_ring(struct lsm *lsm);

#endif
