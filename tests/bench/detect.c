// SPDX-License-Identifier: Apache-2.0
/*
 * What an event of detection rules costs from its record on: decoded, given its process and container, shown to the rules. One
 * thread, natively.
 *
 *	detect RULES... [-r RECORDING]
 *
 * Without a recording the records are made up: opens, connections and execs of 1,000 processes in 50 containers. Prints for each kind
 * of event "NAME ns events-a-second alerts", the median of the rounds, and "tree_bytes", the memory of 10,000 processes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "enforcer/detect_frames.h"
#include "enforcer/detect_replay.h"
#include "enforcer/util.h"

#define ROUNDS 9
#define EVENTS 20000 /* of each kind; more than the caches hold */
#define PROCESSES 1000
#define CONTAINERS 50
#define FIRST_PID 1000
#define TREE_PROCESSES 10000
#define RECORDS_MAX 4000000
#define RECORD_ROOM 2048

struct records {
	void **items;
	size_t n;
};

static void add_record(struct records *records, const void *bytes, size_t n)
{
	void *copy = aligned_alloc(8, (n + 7) & ~(size_t)7);

	if (records->n == RECORDS_MAX || !copy)
		abort();
	if (!(records->n & (records->n - 1)))
		records->items = realloc(records->items, (records->n ? 2 * records->n : 1) * sizeof(*records->items));
	memcpy(copy, bytes, n);
	records->items[records->n++] = copy;
}

/* --- records that are made up --------------------------------------------------------------------------------------- */

struct maker {
	_Alignas(8) char bytes[RECORD_ROOM];
	struct hf_detect_head *head;
};

static void begin(struct maker *maker, enum hf_detect_type type, unsigned int number)
{
	unsigned int process = number % PROCESSES;

	memset(maker->bytes, 0, sizeof(maker->bytes));
	maker->head = (struct hf_detect_head *)maker->bytes;
	*maker->head = (struct hf_detect_head){
		.bytes = sizeof(*maker->head), .version = HF_DETECT_VERSION, .type = (uint16_t)type, .time_ns = 1000000000ull + number,
		.start_ns = 1000 + process, .parent_start_ns = 999 + process, .cgroup = 100 + process % CONTAINERS,
		.container = 1 + process % CONTAINERS, .cap_effective = 0xa80425fb, .cap_permitted = 0xa80425fb, .pid = FIRST_PID + process,
		.tid = FIRST_PID + process, .ppid = FIRST_PID + process - 1, .vpid = 7, .vtid = 7, .vppid = 1, .loginuid = UINT32_MAX,
		.comm = "nginx",
	};
}

static void add_section(struct maker *maker, enum hf_detect_kind kind, const void *bytes, size_t n)
{
	struct hf_detect_section section = { .kind = (uint16_t)kind, .bytes = (uint32_t)n };

	memcpy(maker->bytes + maker->head->bytes, &section, sizeof(section));
	memcpy(maker->bytes + maker->head->bytes + sizeof(section), bytes, n);
	maker->head->bytes += (uint32_t)(sizeof(section) + n / 8 * 8 + 8);
	maker->head->sections++;
}

static void make_open(struct records *records, unsigned int number)
{
	static const char *const paths[] = {
		"/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/proc/self/status", "/var/lib/app/data/0000000042", "/app/node_modules/x/index.js",
		"/etc/nginx/conf.d/default.conf", "/var/log/nginx/access.log", "/tmp/upload-17", "/sys/fs/cgroup/memory.max",
	};
	struct hf_detect_file file = { .ino = 1000 + number, .mode = 0100644, .dev = 42, .magic = 0x794c7630 };
	const char *path = paths[number % ARRAY_SIZE(paths)];
	struct maker maker;

	begin(&maker, HF_DETECT_OPENAT, number);
	maker.head->result = 9;
	maker.head->args[0] = (uint64_t)AT_FDCWD;
	maker.head->args[2] = number % 8 == 2 || number % 8 >= 5 ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC;
	add_section(&maker, HF_DETECT_KIND_PATH, path, strlen(path));
	add_section(&maker, HF_DETECT_KIND_FILE, &file, sizeof(file));
	add_record(records, maker.bytes, maker.head->bytes);
}

static void make_connect(struct records *records, unsigned int number)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(number % 2 ? 5432 : 443)),
				       .sin_addr.s_addr = htonl(0x0a010203u + number % 100) };
	struct hf_detect_socket sock = { .family = AF_INET, .type = SOCK_STREAM, .protocol = IPPROTO_TCP, .state = 1, .local_port = 40000,
					 .peer_port = ntohs(address.sin_port), .local = { 10, 1, 0, 7 } };
	struct maker maker;

	memcpy(sock.peer, &address.sin_addr, 4);
	begin(&maker, HF_DETECT_CONNECT, number);
	maker.head->args[0] = 5;
	add_section(&maker, HF_DETECT_KIND_ADDRESS, &address, sizeof(address));
	add_section(&maker, HF_DETECT_KIND_SOCKET, &sock, sizeof(sock));
	add_record(records, maker.bytes, maker.head->bytes);
}

static void make_exec(struct records *records, unsigned int number)
{
	static const char args[] = "nginx\0-g\0daemon off;\0-c\0/etc/nginx/nginx.conf", env[] = "PATH=/usr/sbin:/usr/bin\0HOME=/root";
	struct hf_detect_file file = { .ino = 77, .mode = 0100755, .flags = HF_DETECT_FILE_LOWER };
	struct maker maker;

	begin(&maker, HF_DETECT_EXECVE, number);
	add_section(&maker, HF_DETECT_KIND_EXE, "nginx/sbin/usr/", 15);
	add_section(&maker, HF_DETECT_KIND_FILENAME, "/usr/sbin/nginx", 15);
	add_section(&maker, HF_DETECT_KIND_ARGS, args, sizeof(args));
	add_section(&maker, HF_DETECT_KIND_ENV, env, sizeof(env));
	add_section(&maker, HF_DETECT_KIND_CWD, "", 0);
	add_section(&maker, HF_DETECT_KIND_FILE, &file, sizeof(file));
	add_record(records, maker.bytes, maker.head->bytes);
}

/* --- measuring ------------------------------------------------------------------------------------------------------ */

struct bench {
	struct detect_replay *replay;
	struct stream_decoder decoder;
	size_t alerts;
};

static void on_match(const struct rule *rule, struct rule_facts *facts, const struct detect_event *event, void *data)
{
	(void)rule, (void)facts, (void)event;
	((struct bench *)data)->alerts++;
}

static void run_once(struct bench *bench, const struct records *records)
{
	struct stream_item item = { .kind = STREAM_FRAME_EVENT };

	for (size_t i = 0; i < records->n; i++) {
		const struct hf_detect_head *head = records->items[i];

		if (stream_decode(&bench->decoder, head, head->bytes, &item.event) || detect_replay_item(bench->replay, &item, on_match, bench))
			abort();
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void measure(struct bench *bench, const char *name, const struct records *records)
{
	uint64_t times[ROUNDS];
	double ns;

	if (!records->n)
		return;
	run_once(bench, records);
	for (size_t i = 0; i < ROUNDS; i++) {
		uint64_t begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		bench->alerts = 0;
		run_once(bench, records);
		times[i] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	ns = (double)times[ROUNDS / 2] / (double)records->n;
	printf("%s %.1f %.0f %zu\n", name, ns, 1e9 / ns, bench->alerts);
}

static void measure_made_up(struct bench *bench)
{
	static const struct {
		const char *name;
		void (*make)(struct records *records, unsigned int number);
	} kinds[] = { { "exec", make_exec }, { "open", make_open }, { "connect", make_connect } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct records records = { 0 };

		for (unsigned int number = 0; number < EVENTS; number++)
			kinds[i].make(&records, number);
		measure(bench, kinds[i].name, &records);
	}
}

/* By kind, since what programs do is a mixture of its own. */
static int measure_recording(struct bench *bench, struct stream_reader *reader)
{
	struct records open = { 0 }, exec = { 0 }, connect_ = { 0 }, all = { 0 };
	struct stream_item item;
	int more;

	while ((more = stream_reader_next(reader, &item)) > 0) {
		if (item.kind != STREAM_FRAME_EVENT) {
			detect_replay_item(bench->replay, &item, on_match, bench);
			continue;
		}
		add_record(&all, item.bytes, item.n_bytes);
		if (item.event.type >= HF_DETECT_OPEN && item.event.type <= HF_DETECT_OPENAT2)
			add_record(&open, item.bytes, item.n_bytes);
		else if (item.event.type == HF_DETECT_EXECVE)
			add_record(&exec, item.bytes, item.n_bytes);
		else if (item.event.type == HF_DETECT_CONNECT)
			add_record(&connect_, item.bytes, item.n_bytes);
	}
	measure(bench, "all", &all);
	measure(bench, "exec", &exec);
	measure(bench, "open", &open);
	measure(bench, "connect", &connect_);
	return more;
}

static void measure_tree(void)
{
	struct process_tree_counts counts;
	struct process_tree *tree = NULL;
	struct stream_decoder *decoder = malloc(sizeof(*decoder));
	struct records records = { 0 };

	if (!decoder || process_tree_new(PROCESS_TREE_MAX, NULL, NULL, &tree))
		abort();
	for (unsigned int number = 0; number < TREE_PROCESSES; number++) {
		struct hf_detect_head *head;
		struct stream_event event;

		make_exec(&records, number);
		head = records.items[number];
		head->pid = head->tid = FIRST_PID + number;
		head->start_ns = 1000 + number;
		if (stream_decode(decoder, head, head->bytes, &event))
			abort();
		process_tree_apply(tree, &event);
	}
	process_tree_count(tree, &counts);
	printf("tree_bytes %zu %zu processes\n", counts.bytes, counts.processes);
	process_tree_free(&tree);
	free(decoder);
}

/* Containers of the made-up events. */
static int add_containers(struct bench *bench)
{
	struct stream_record_header header = { .hostname = "bench" };
	_cleanup_(close_fd) int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct stream_writer *writer = NULL;
	struct stream_reader *reader = NULL;
	struct stream_item item;
	int err = fd < 0 ? -errno : stream_writer_new(fd, &header, &writer);

	for (uint64_t i = 0; !err && i < CONTAINERS; i++) {
		struct detect_containers_key key = { .kernel_id = 1 + i };
		struct detect_container facts = { .id = "4f6c1d2e3a4b5c6d", .name = "web", .image = "docker.io/library/nginx:1", .privileged = 0 };

		err = detect_frames_put_container(writer, &key, &facts);
	}
	if (!err)
		err = stream_writer_close(&writer, 0);
	if (!err && lseek(fd, 0, SEEK_SET) == 0)
		err = stream_reader_new(fd, &reader, &header);
	while (!err && stream_reader_next(reader, &item) > 0)
		err = detect_replay_item(bench->replay, &item, on_match, bench);
	stream_reader_free(&reader);
	return err;
}

static int run(struct bench *bench, struct detect_rules *rules, const char *recording)
{
	struct stream_record_header header = { .hostname = "bench" };
	struct stream_reader *reader = NULL;
	int err = 0, fd = recording ? open(recording, O_RDONLY | O_CLOEXEC) : -1;

	if (recording)
		err = fd < 0 ? -errno : stream_reader_new(fd, &reader, &header);
	if (!err)
		err = detect_replay_new(rules, &header, &bench->replay);
	if (!err && recording)
		err = measure_recording(bench, reader);
	else if (!err && !(err = add_containers(bench)))
		measure_made_up(bench);
	stream_reader_free(&reader);
	close_fd(&fd);
	return err;
}

int main(int argc, char **argv)
{
	struct detect_rules_options options = { .paths = (const char *const *)argv + 1, .priority_max = RULE_PRIORITY_DEBUG };
	struct bench *bench = calloc(1, sizeof(*bench));
	struct policy_error error = { 0 };
	struct detect_rules *rules = NULL;
	const char *recording = NULL;
	int err;

	options.n_paths = (size_t)argc - 1;
	if (argc > 3 && !strcmp(argv[argc - 2], "-r")) {
		recording = argv[argc - 1];
		options.n_paths -= 2;
	}
	err = detect_rules_new(&options, &rules, &error);
	if (err) {
		fprintf(stderr, "%s:%d:%d: %s\n", error.file, error.line, error.column, error.message);
		return 2;
	}
	printf("rules %zu\n", detect_rules_enabled(rules));
	err = run(bench, rules, recording);
	if (err)
		fprintf(stderr, "%s: %s\n", recording ? recording : "made-up events", strerror(-err));
	else
		measure_tree();
	return err ? 2 : 0;
}
