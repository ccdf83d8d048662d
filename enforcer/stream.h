/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel events for detection rules: the programs of detect.bpf.c, their ring, and records decoded.
 *
 * Owns: load, attach, the switches, reading, counts of what was lost. Must not know: rules, containers, outputs.
 * Nothing is pinned: when the daemon goes, so do the programs. Main thread only.
 */
#ifndef ENFORCER_STREAM_H
#define ENFORCER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi_detect.h"

struct stream;

#define STREAM_RING_BYTES_DEFAULT (8u << 20)

struct stream_options {
	size_t ring_bytes; /* a power of two, at least a page; 0: the default */
	int tasks_fd;	   /* (borrowed) of the enforcing half's hf_tasks, so that events carry their container; -1: they do not */
	uint32_t wants[_HF_DETECT_MAX]; /* enum hf_detect_want */
};

/* Borrowed text or bytes of a record; data[len] is NUL, NULL when the record has none. */
struct stream_text {
	const char *data;
	uint32_t len;
	bool cut; /* there was more */
};

/* A record, decoded. Everything is borrowed until the next one is decoded with the same decoder. */
struct stream_event {
	const struct hf_detect_head *head;
	enum hf_detect_type type;
	struct stream_text path, path2;	    /* as the task wrote them */
	struct stream_text base, base2;	    /* absolute: where a relative path, path2 begins; absent for absolute ones */
	struct stream_text real;	    /* absolute in the task's root: where the file behind the descriptor lies */
	struct stream_text cwd, exepath;    /* absolute */
	struct stream_text filename;	    /* exec: what was asked to be run */
	struct stream_text args, env;	    /* NUL between the pieces */
	struct stream_text name, value;
	struct stream_text address, data;   /* bytes */
	struct stream_text unix_local, unix_peer; /* bytes of sun_path */
	const struct hf_detect_file *file;	  /* NULL: none */
	const struct hf_detect_socket *socket;
	const struct hf_detect_child *child;
};

/* Room for the texts of one event that are not in the record as they are to be read. */
struct stream_decoder {
	uint64_t used;
	char room[6 * (HF_DETECT_TEXT_BYTES + 8)];
};

/**
 * stream_decode - check a record and find its parts
 * @record: (borrowed by @ret) 8-byte aligned, from the ring or a recording; nothing in it is believed
 * @ret: (output) untouched on failure
 *
 * Does not block, allocates nothing. Return: 0; -EBADMSG: not a record; -EPROTO: of another version.
 */
int stream_decode(struct stream_decoder *decoder, const void *record, size_t bytes, struct stream_event *ret);

/**
 * stream_open - load and attach
 * @ret: (output) to be given to stream_close(); untouched on failure
 * @reterr: (output) at least 256 bytes: a sentence on failure
 *
 * Needs CAP_BPF and CAP_PERFMON: before capabilities are dropped. Takes some 100 ms. Attached programs cost every system call
 * of the node some 20 ns even if nothing is wanted: open it only if rules are to run.
 * Return: 0; -errno of libbpf.
 */
int stream_open(const struct stream_options *options, struct stream **ret, char *reterr, size_t reterr_bytes);
/* NULL-safe, sets *stream to NULL. Detaches. */
void stream_close(struct stream **stream);

/* Switches types on and off, from the next event on: plain stores, no system call. */
void stream_want(struct stream *stream, const uint32_t wants[_HF_DETECT_MAX]);
/* Every n-th record is thrown away and counted as lost; 0: none. For tests of what follows from losses. */
void stream_simulate_loss(struct stream *stream, uint32_t n);

/* Of one set of rules; those of the set before it still have their bits in the kernel's maps. */
#define STREAM_COVERS_MAX (HF_DETECT_CLASSES / 2)

/* By type and enum hf_detect_shape: number of a cover, from 1; 0: all are told. */
struct stream_classes {
	uint8_t of[_HF_DETECT_MAX][_HF_DETECT_SHAPE_MAX];
};

/* What lets a call through: a beginning of its path, or the name of its process. All borrowed. */
struct stream_cover {
	const char *const *prefixes;
	const char *const *names;
	size_t n_prefixes, n_names;
};

/**
 * stream_narrow - leave out what no rule can match, in place of what was left out before
 * @classes: (borrowed)
 * @covers: (borrowed) at most STREAM_COVERS_MAX; of a longer prefix the first HF_DETECT_PREFIX_BYTES count
 *
 * At no moment less is told than by the former or the new covers. Some system calls for each prefix and name.
 * Return: 0; -E2BIG, -ENOMEM, -errno of the maps: nothing is left out then.
 */
int stream_narrow(struct stream *stream, const struct stream_classes *classes, const struct stream_cover *covers, size_t n);

/* Nothing is left out any more, until the next stream_narrow(). */
void stream_tell_all(struct stream *stream);

/* A descriptor that epoll calls readable when there is something to read. Borrowed. */
int stream_fd(const struct stream *stream);

typedef void (*stream_event_fn)(const struct stream_event *event, void *data);

/**
 * stream_read - hand out what waits, at most @max events
 * @fn: called for each; the event is valid during the call
 *
 * Does not block, makes no system call. Return: how many were taken (unreadable ones too); fewer than @max: the ring was empty.
 */
size_t stream_read(struct stream *stream, size_t max, stream_event_fn fn, void *data);

struct stream_count {
	struct hf_detect_counters kernel;
	uint64_t delivered;  /* handed out */
	uint64_t unreadable; /* taken from the ring, and made no sense */
};

/* Of one type, over all CPUs. One system call. 0 or -errno. */
int stream_count(const struct stream *stream, enum hf_detect_type type, struct stream_count *ret);
/* What one container lost since the last call. */
struct stream_loss {
	uint64_t container; /* hf_detect_head.container; 0: of tasks without a tag, the host's among them */
	uint64_t lost;
};

/* Together they are what stream_count() tells as lost, but for unreadable ones. What finds no room in @ret is told by the next call.
 * Looks at some thousand words. Return: how many there are. */
size_t stream_losses(struct stream *stream, struct stream_loss *ret, size_t max);
/* enum hf_detect_unseen. 0 or -errno. */
int stream_unseen(const struct stream *stream, uint64_t ret[_HF_DETECT_UNSEEN_MAX]);

/* Falco's word for a type ("openat"); never NULL. */
const char *stream_type_name(enum hf_detect_type type);
/* HF_DETECT_NONE: there is no such type. */
enum hf_detect_type stream_type_by_name(const char *name);

#endif
