/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is full or broken right now: told once when it begins and once when it is over, counted in between.
 *
 * Owns: the kinds, their words, and when a fault counts as over. Must not know: how a fault is met or mended. Main thread
 * only; nothing blocks.
 */
#ifndef ENFORCER_FAULTS_H
#define ENFORCER_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct faults;

enum fault_kind {
	FAULT_CONTAINERS,  /* no slot for another container */
	FAULT_POLICIES,	   /* no slot for another policy, or no room for its exceptions */
	FAULT_CATALOG,	   /* no room for another executable */
	FAULT_VOLUMES,	   /* … declared mount */
	FAULT_ROOTS,	   /* … root or cgroup */
	FAULT_WRITES,	   /* … note of an image file that was opened for writing */
	FAULT_QUEUE,	   /* too many containers start at once */
	FAULT_DESCRIPTORS, /* the daemon can open no more files */
	FAULT_TASKS,	   /* the kernel had no memory for a task's tag: its fork was refused */
	FAULT_STATE,	   /* a container's state could not be written or removed */
	_FAULT_MAX
};

/* How long nothing may have met a fault until it counts as over, unless faults_over() says so earlier. */
#define FAULTS_QUIET_NS (60ull * 1000000000ull)
/* Least time between the end of a fault and its line, so that one that comes and goes is one fault. */
#define FAULTS_SETTLE_NS (5ull * 1000000000ull)

/**
 * faults_new - nothing is wrong yet
 * @loop: (borrowed) for the timer that runs while something is
 * @mend: called every few seconds with @data while something is wrong, to try again what failed
 * @ret: (output) to be given to faults_free(); untouched on failure
 *
 * Return: 0; -ENOMEM.
 */
int faults_new(struct loop *loop, void (*mend)(void *data), void *data, struct faults **ret);
/* NULL-safe, sets *faults to NULL. */
void faults_free(struct faults **faults);

/* It was met: counted, and logged with detail (NULL: none) when it had not been there. True then. */
bool faults_met(struct faults *faults, enum fault_kind kind, const char *detail);
/* The same for n at once. */
void faults_met_times(struct faults *faults, enum fault_kind kind, uint64_t n);
/* It is still there, though nothing new met it: silence does not end it. */
void faults_still(struct faults *faults, enum fault_kind kind);
/* What failed has worked, or there is room again. Nothing happens when nothing was wrong. */
void faults_over(struct faults *faults, enum fault_kind kind);
/* Whether it is there; one that was over a moment ago counts until that is told. */
bool faults_present(const struct faults *faults, enum fault_kind kind);
/* How often it was met since the daemon's start. */
uint64_t faults_count(const struct faults *faults, enum fault_kind kind);
/* "container_slots": for programs. */
const char *faults_name(enum fault_kind kind);
/* "no slot is left for …": for people. */
const char *faults_text(enum fault_kind kind);

/* What the timer does, for tests: now_ns is CLOCK_MONOTONIC. */
void faults_check(struct faults *faults, uint64_t now_ns);

#endif
