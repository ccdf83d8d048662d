// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for what detection rules are fed with: a record of the ring (and what it does to the tree of processes), and a
 * recording as a whole. The first byte chooses. Records get a right head first, so that their sections are reached.
 * Build: clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_stream.c enforcer/stream_decode.c
 *        enforcer/stream_record.c enforcer/process_tree.c enforcer/process_apply.c; seeds: none are needed, for recordings a
 *        small one behind a byte of 1.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enforcer/detect_frames.h"
#include "enforcer/stream_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS_KEPT 4096 /* applied to one tree before it is made anew */

static void touch(const struct stream_text *text)
{
	if (text->data && text->data[text->len] != '\0')
		abort();
}

static void touch_all(const struct stream_event *event)
{
	const struct stream_text *const texts[] = { &event->path, &event->path2, &event->base,	&event->base2, &event->real,
						    &event->cwd,  &event->args,	 &event->env,	&event->name,  &event->value,
						    &event->data, &event->exepath, &event->address, &event->filename };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		touch(texts[i]);
}

/* Few pids, so that records meet the same processes again. */
static void apply(const struct stream_event *event, struct hf_detect_head *head)
{
	static struct process_tree *tree;
	static unsigned int n;
	struct process *p;

	if (n++ % RECORDS_KEPT == 0) {
		process_tree_free(&tree);
		if (process_tree_new(64, NULL, NULL, &tree))
			abort();
	}
	head->pid = 1 + head->pid % 16;
	head->ppid %= 17;
	head->start_ns %= 3;
	head->parent_start_ns %= 3;
	p = process_tree_apply(tree, event);
	if (p && p->pid != head->pid)
		abort();
	for (unsigned int i = 0; p && i < PROCESS_ANCESTORS_MAX; i++)
		(void)(process_ancestor(p, i) == process_origin(p, i));
}

static void read_record(uint8_t *bytes, size_t len)
{
	static struct stream_decoder decoder;
	struct hf_detect_head *head = (void *)bytes;
	struct stream_event event;

	if (len >= sizeof(*head)) {
		head->bytes = (uint32_t)len;
		head->version = HF_DETECT_VERSION;
		head->comm[sizeof(head->comm) - 1] = '\0';
	}
	if (stream_decode(&decoder, bytes, len, &event))
		return;
	touch_all(&event);
	apply(&event, head);
}

static void touch_drift(const struct detect_frames_drift *drift)
{
	const char *const texts[] = { drift->drift.path, drift->drift.policy, drift->container.id, drift->container.pod };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] && strlen(texts[i]) > STREAM_FRAME_BYTES_MAX)
			abort();
	}
}

static void read_recording(const uint8_t *bytes, size_t len)
{
	static struct stream_item item;
	struct stream_record_header header;
	struct stream_reader *reader;
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, bytes, len, 0) != (ssize_t)len || lseek(fd, 0, SEEK_SET))
		abort();
	if (stream_reader_new(fd, &reader, &header))
		return;
	while (stream_reader_next(reader, &item) == 1) {
		struct detect_frames_drift drift;

		if (item.kind == STREAM_FRAME_EVENT)
			touch_all(&item.event);
		else if (item.kind == STREAM_FRAME_DRIFT && detect_frames_take_drift(item.bytes, item.n_bytes, &drift) == 0)
			touch_drift(&drift);
	}
	stream_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact;

	if (size < 1)
		return 0;
	exact = malloc(size - 1 ? size - 1 : 1);
	if (!exact)
		abort();
	memcpy(exact, data + 1, size - 1);
	if (data[0] % 2)
		read_recording(exact, size - 1);
	else
		read_record(exact, size - 1);
	free(exact);
	return 0;
}
