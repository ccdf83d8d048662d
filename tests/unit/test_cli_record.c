// SPDX-License-Identifier: Apache-2.0
/* Verdicts in recordings: the daemon's lines become what rules ask about, and what is missing is counted and said. */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#include "enforcer/detect_frames.h"
#include "tests/unit/fake_daemon.h"
#include "tools/holdfast/record.h"

#define DENIED \
	"{\"time\":\"2026-03-01T10:00:00.5Z\",\"type\":\"drift\",\"seq\":7,\"action\":\"denied\",\"operation\":\"exec\"," \
	"\"class\":\"executable\",\"reason\":\"added\",\"detail\":null,\"policy\":\"prod/immutable\",\"severity\":\"critical\"," \
	"\"container\":{\"id\":\"0123\",\"name\":\"web\",\"image\":\"app:1\",\"namespace\":\"prod\",\"pod\":\"\"}," \
	"\"process\":{\"pid\":42,\"tid\":43,\"ppid\":7,\"uid\":1000,\"gid\":100,\"comm\":\"a name of more than\",\"exe\":\"/bin/sh\"}," \
	"\"file\":{\"path\":\"/tmp/x\"},\"paused\":false,\"existing\":true}"
#define UNDECIDED "{\"time\":\"yesterday\",\"type\":\"drift\",\"action\":\"audited\",\"policy\":null,\"severity\":\"warning\"}"
#define LOST "{\"type\":\"lost\",\"count\":5}"

static void send_lines(struct fake_daemon *daemon, int client)
{
	(void)daemon;
	fake_daemon_send(client, WIRE_EVENT, 0, DENIED);
	fake_daemon_send(client, WIRE_EVENT, 0, LOST);
	fake_daemon_send(client, WIRE_EVENT, 0, "no JSON");
	fake_daemon_send(client, WIRE_EVENT, 0, UNDECIDED);
}

struct recording {
	struct fake_daemon daemon;
	struct cli cli;
	struct stream_writer *writer;
	int fd;
	char *said;
	size_t said_bytes;
};

static struct recording *begin(fake_answer_fn answer)
{
	struct recording *r = calloc(1, sizeof(*r));
	struct stream_record_header header = { .hostname = "h" };

	assert_non_null(r);
	fake_daemon_init(&r->daemon, "control.sock");
	if (answer)
		fake_daemon_start(&r->daemon, answer, NULL);
	r->cli.socket = r->daemon.path;
	r->cli.err = open_memstream(&r->said, &r->said_bytes);
	r->fd = memfd_create("recording", MFD_CLOEXEC);
	assert_int_equal(stream_writer_new(r->fd, &header, &r->writer), 0);
	return r;
}

static void end(struct recording *r)
{
	fake_daemon_release(&r->daemon);
	fclose(r->cli.err);
	free(r->said);
	close_fd(&r->fd);
	free(r);
}

/* All verdicts that the daemon tells. Return: how many. */
static size_t record_all(struct recording *r, uint64_t *ret_lost)
{
	struct record_drift *drift = NULL;
	size_t n = 0;
	int taken;

	assert_int_equal(record_drift_new(&r->cli, &drift), 0);
	while (record_drift_fd(drift) >= 0) {
		struct pollfd ready = { .fd = record_drift_fd(drift), .events = POLLIN };

		assert_int_equal(poll(&ready, 1, -1), 1);
		taken = record_drift_take(drift, r->writer);
		assert_in_range(taken, 0, 1);
		n += (size_t)taken;
	}
	*ret_lost = record_drift_lost(drift);
	record_drift_free(&drift);
	assert_null(drift);
	return n;
}

/* The next verdict of the file. */
static struct detect_frames_drift next_drift(struct stream_reader *reader)
{
	struct detect_frames_drift drift;
	static struct stream_item item;

	assert_int_equal(stream_reader_next(reader, &item), 1);
	assert_int_equal(item.kind, STREAM_FRAME_DRIFT);
	assert_int_equal(detect_frames_take_drift(item.bytes, item.n_bytes, &drift), 0);
	return drift;
}

static void check_denied(const struct detect_frames_drift *d)
{
	assert_int_equal(d->time_ns, 1772359200ull * NSEC_PER_SEC + NSEC_PER_SEC / 2);
	assert_int_equal(d->record.pid, 42);
	assert_int_equal(d->record.tid, 43);
	assert_int_equal(d->record.ppid, 7);
	assert_int_equal(d->record.uid, 1000);
	assert_int_equal(d->record.verdict, HF_VERDICT_DENY);
	assert_int_equal(d->record.flags, HF_EVENT_EXISTING);
	assert_string_equal(d->record.comm, "a name of more ");
	assert_string_equal(d->drift.path, "/tmp/x");
	assert_string_equal(d->drift.exe, "/bin/sh");
	assert_string_equal(d->drift.verdict, "denied");
	assert_string_equal(d->drift.reason, "added");
	assert_null(d->drift.detail);
	assert_string_equal(d->drift.policy, "immutable");
	assert_string_equal(d->drift.severity, "critical");
	assert_string_equal(d->container.id, "0123");
	assert_string_equal(d->container.namespace_, "prod");
	assert_null(d->container.pod);
}

static void test_lines_of_the_daemon_become_verdicts(void **state)
{
	struct recording *r = begin(send_lines);
	struct stream_record_header header;
	struct detect_frames_drift drift;
	struct stream_reader *reader;
	uint64_t lost;

	(void)state;
	assert_int_equal(record_all(r, &lost), 2);
	assert_int_equal(lost, 5 + 1 + 1); /* said, not readable, and the end of the connection */
	assert_non_null(strstr(r->daemon.got.payload, "\"follow\":true"));
	assert_int_equal(stream_writer_close(&r->writer, lost), 0);
	assert_int_equal(lseek(r->fd, 0, SEEK_SET), 0);
	assert_int_equal(stream_reader_new(r->fd, &reader, &header), 0);
	drift = next_drift(reader);
	check_denied(&drift);
	drift = next_drift(reader);
	assert_int_equal(drift.record.verdict, HF_VERDICT_AUDIT);
	assert_null(drift.drift.policy);
	assert_null(drift.drift.severity);
	assert_true(drift.time_ns > 0);
	stream_reader_free(&reader);
	fflush(r->cli.err);
	assert_non_null(strstr(r->said, "from here on verdicts of drift are missing"));
	end(r);
}

static void test_without_a_daemon_it_is_said_once(void **state)
{
	struct recording *r = begin(NULL);
	uint64_t lost;

	(void)state;
	assert_int_equal(record_all(r, &lost), 0);
	assert_int_equal(lost, 0);
	assert_int_equal(stream_writer_close(&r->writer, lost), 0);
	fflush(r->cli.err);
	assert_non_null(strstr(r->said, "verdicts of drift are not recorded: holdfastd does not answer"));
	end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_of_the_daemon_become_verdicts),
		cmocka_unit_test(test_without_a_daemon_it_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
