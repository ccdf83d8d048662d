/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One alert as a line: Falco's JSON object, or its text.
 *
 * Owns: keys, their order, times. Must not know: where lines go, how a rule came to match.
 */
#ifndef HOLDFAST_POLICIES_RULES_ALERT_H
#define HOLDFAST_POLICIES_RULES_ALERT_H

#include "policies/rules/filter.h"
#include "policies/rules/format.h"

/* Emergency is 0, Debug is 7, as syslog counts. */
#define RULE_ALERT_PRIORITIES 8

/* The longest alert: a command line of 4 KiB and as long an environment, escaped, twice (text and field), and some paths. */
#define RULE_ALERT_BYTES_MAX (48u << 10)

struct rule_alert {
	uint64_t time_ns; /* CLOCK_REALTIME */
	const char *rule;
	unsigned int priority; /* below RULE_ALERT_PRIORITIES */
	const char *source;    /* "syscall", or "internal" */
	const char *const *tags; /* sorted */
	size_t n_tags;
	const char *hostname;
	const struct rule_format *format; /* of its output; NULL: @message and @fields stand for themselves */
	struct rule_facts *facts;	  /* … of the event */
	const char *message; /* NUL-terminated, without @format */
	const char *fields;  /* its output_fields without the time, a flat JSON object; NULL: {} */
};

struct rule_alert_options {
	bool text;     /* the text line instead of the JSON object */
	bool iso_8601; /* the time in the text in UTC by ISO 8601 instead of the local time of day */
};

/**
 * rule_alert_line - write one alert
 * @alert: (borrowed)
 * @options: (borrowed)
 * @buffer: (output) NUL-terminated, no newline in it
 * @size: at least 2; of RULE_ALERT_BYTES_MAX every alert finds room but one with values cut below
 * @ret_len: (output) bytes without the NUL
 *
 * An output that is too long is cut at its end, output_fields that are become {"holdfast.cut":true}. What comes out is
 * one line, and as JSON a whole object, whatever the values hold. Allocates nothing. Return: 0; -EMSGSIZE: even that does not fit.
 */
int rule_alert_line(const struct rule_alert *alert, const struct rule_alert_options *options, char *buffer, size_t size,
		    size_t *ret_len);

#endif
