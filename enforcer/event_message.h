/* SPDX-License-Identifier: Apache-2.0 */
/* The one sentence of an event that is written for people. Owns: its wording, and that nothing in it can move a
 * terminal's cursor or reverse its text. Used by event_json.c only. */
#ifndef ENFORCER_EVENT_MESSAGE_H
#define ENFORCER_EVENT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf-lsm/abi.h"

/* Bytes of a path that the sentence shows; its end is what tells. */
#define EVENT_MESSAGE_PATH_BYTES 512
#define EVENT_MESSAGE_BYTES 4096

/* Writes the sentence, NUL-terminated UTF-8. path: as users read it, any bytes, NULL when there is none; whole: false
 * if its beginning is missing. */
void event_message(const struct hf_event *record, const char *path, size_t path_bytes, bool whole,
		   char ret[EVENT_MESSAGE_BYTES]);

#endif
