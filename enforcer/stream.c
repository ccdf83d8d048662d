// SPDX-License-Identifier: Apache-2.0
/*
 * Reading kernel events: from the ring to decoded events, and the counts. Contracts: stream.h.
 *
 * Owns: the position in the ring. Must not know: how programs are loaded (stream_load.c), what an event means.
 */
#include "enforcer/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/ring_map.h"
#include "enforcer/stream_internal.h"
#include "enforcer/util.h"

struct stream {
	struct stream_kernel *kernel;
	struct stream_kernel_view view;
	struct ring_map *ring;
	struct stream_covers *covers;
	struct stream_decoder decoder;
	struct stream_loss told[HF_DETECT_SHARES]; /* losses of each share, all that were told */
	uint64_t delivered[_HF_DETECT_MAX];
	uint64_t unreadable[_HF_DETECT_MAX]; /* [0]: of no type at all */
};

void stream_close(struct stream **stream)
{
	if (!*stream)
		return;
	ring_map_close(&(*stream)->ring);
	stream_covers_free(&(*stream)->covers);
	stream_kernel_close(&(*stream)->kernel);
	free(*stream);
	*stream = NULL;
}

static int start(struct stream *stream, const struct stream_options *options, char *reterr, size_t bytes)
{
	size_t ring_bytes = options->ring_bytes ? options->ring_bytes : STREAM_RING_BYTES_DEFAULT;
	int err = stream_kernel_open(ring_bytes, options->tasks_fd, &stream->kernel, reterr, bytes);

	if (err)
		return err;
	stream_kernel_view(stream->kernel, &stream->view);
	err = ring_map_open(stream->view.ring_fd, stream->view.ring_bytes, &stream->ring);
	if (err) {
		snprintf(reterr, bytes, "cannot map the ring of events: %s", strerror(-err));
		return err;
	}
	*stream->view.own_tgid = (uint32_t)getpid();
	stream_want(stream, options->wants);
	return 0;
}

int stream_open(const struct stream_options *options, struct stream **ret, char *reterr, size_t reterr_bytes)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	int err;

	if (!stream) {
		snprintf(reterr, reterr_bytes, "no memory for events");
		return -ENOMEM;
	}
	err = start(stream, options, reterr, reterr_bytes);
	if (err) {
		stream_close(&stream);
		return err;
	}
	*ret = stream;
	return 0;
}

void stream_want(struct stream *stream, const uint32_t wants[_HF_DETECT_MAX])
{
	for (size_t i = 0; i < _HF_DETECT_MAX; i++)
		__atomic_store_n(&stream->view.wants[i], wants[i], __ATOMIC_RELAXED);
}

void stream_simulate_loss(struct stream *stream, uint32_t n)
{
	__atomic_store_n(stream->view.lose_every, n, __ATOMIC_RELAXED);
}

int stream_narrow(struct stream *stream, const struct stream_classes *classes, const struct stream_cover *covers, size_t n)
{
	return stream_covers_put(&stream->covers, &stream->view, classes, covers, n);
}

void stream_tell_all(struct stream *stream)
{
	stream_covers_tell_all(&stream->view);
}

int stream_fd(const struct stream *stream)
{
	return stream->view.ring_fd;
}

static void hand_out(struct stream *stream, const struct ring_record *found, stream_event_fn fn, void *data)
{
	const struct hf_detect_head *head = found->data;
	struct stream_event event;

	if (stream_decode(&stream->decoder, found->data, found->bytes, &event) == 0) {
		stream->delivered[event.type]++;
		fn(&event, data);
	} else {
		bool has_type = found->bytes >= sizeof(*head) && head->type < _HF_DETECT_MAX;

		stream->unreadable[has_type ? head->type : HF_DETECT_NONE]++;
	}
}

size_t stream_read(struct stream *stream, size_t max, stream_event_fn fn, void *data)
{
	struct ring_record found;
	size_t n = 0;

	while (n < max) {
		switch (ring_map_peek(stream->ring, ring_map_position(stream->ring), &found)) {
		case RING_RECORD:
			hand_out(stream, &found, fn, data);
			n++;
			break;
		case RING_DISCARDED:
			break;
		case RING_BROKEN:
			stream->unreadable[HF_DETECT_NONE]++;
			ring_map_skip_all(stream->ring);
			return n;
		default:
			return n;
		}
		ring_map_take(stream->ring, found.next);
	}
	return n;
}

int stream_count(const struct stream *stream, enum hf_detect_type type, struct stream_count *ret)
{
	uint64_t sums[sizeof(ret->kernel) / sizeof(uint64_t)];
	int err;

	if (type >= _HF_DETECT_MAX)
		return -EINVAL;
	err = stream_kernel_sum(stream->view.count_fd, type, sums, ARRAY_SIZE(sums));
	if (err)
		return err;
	memcpy(&ret->kernel, sums, sizeof(sums));
	ret->delivered = stream->delivered[type];
	ret->unreadable = stream->unreadable[type];
	return 0;
}

size_t stream_losses(struct stream *stream, struct stream_loss *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < HF_DETECT_SHARES && n < max; i++) {
		uint64_t container = __atomic_load_n(&stream->view.shares[i].container, __ATOMIC_RELAXED);
		uint64_t lost = __atomic_load_n(&stream->view.shares[i].lost, __ATOMIC_RELAXED);
		struct stream_loss *told = &stream->told[i];

		if (told->container != container)
			*told = (struct stream_loss){ .container = container };
		if (lost <= told->lost)
			continue;
		ret[n++] = (struct stream_loss){ .container = container, .lost = lost - told->lost };
		told->lost = lost;
	}
	return n;
}

int stream_unseen(const struct stream *stream, uint64_t ret[_HF_DETECT_UNSEEN_MAX])
{
	uint64_t counts[_HF_DETECT_UNSEEN_MAX];

	for (uint32_t i = 0; i < _HF_DETECT_UNSEEN_MAX; i++) {
		int err = stream_kernel_sum(stream->view.unseen_fd, i, &counts[i], 1);

		if (err)
			return err;
	}
	memcpy(ret, counts, sizeof(counts));
	return 0;
}
