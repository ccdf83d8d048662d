/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What recordings (stream_record.h) say about containers, names of users and verdicts of the enforcer.
 *
 * Owns: the bytes of those kinds of frames. Must not know: the file, rules. They are believed as little as any other file's.
 * A container, and names, stand before the first event that they are about.
 */
#ifndef ENFORCER_DETECT_FRAMES_H
#define ENFORCER_DETECT_FRAMES_H

#include "enforcer/detect_containers.h"
#include "enforcer/stream_record.h"

/* Of each of a root's two files, whole lines; some hundred users. Both fit into a frame. */
#define DETECT_FRAMES_NAMES_BYTES 30000

/* Whose names: of a registered container, or of a cgroup; both 0: the host's. Then passwd, a NUL, and group. */
struct detect_frames_names {
	uint64_t kernel_id, cgroup;
};

/* A verdict. @record: pid, tid, ppid, uid, gid, comm and flags alone, and the verdict, which is that of @drift's word; @drift: its
 * record is not set. Texts are borrowed. */
struct detect_frames_drift {
	uint64_t time_ns; /* CLOCK_REALTIME */
	struct hf_event record;
	struct detect_drift drift;
	struct detect_container container; /* id, name, image, namespace and pod alone; no id: not known */
};

/* Writes one frame. 0; -EMSGSIZE: its texts are longer than the daemon writes any; -ENOMEM; -errno of writing. */
int detect_frames_put_drift(struct stream_writer *writer, const struct detect_frames_drift *drift);
/* The verdict of a frame, whose texts are borrowed from @bytes. 0; -EBADMSG: it makes no sense. */
int detect_frames_take_drift(const void *bytes, size_t n, struct detect_frames_drift *ret);

/* Writes one frame. Labels and mounts that are too much for it are left out. 0; -ENOMEM; -errno of writing. */
int detect_frames_put_container(struct stream_writer *writer, const struct detect_containers_key *key,
				const struct detect_container *facts);
int detect_frames_put_names(struct stream_writer *writer, const struct detect_frames_names *whose, const char *passwd, size_t passwd_bytes,
			    const char *group, size_t group_bytes);

/* The container of a frame, remembered. 0; -EBADMSG: it makes no sense; -ENOMEM. */
int detect_frames_take_container(const void *bytes, size_t n, struct detect_containers *containers);
/* The names of a frame, to be given to detect_names_free(). Errors as above. */
int detect_frames_take_names(const void *bytes, size_t n, struct detect_frames_names *ret_whose, struct detect_names **ret);

#endif
