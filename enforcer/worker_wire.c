// SPDX-License-Identifier: Apache-2.0
/*
 * Packets between the daemon and its children: packing, unpacking, sending, receiving.
 */
#include "enforcer/worker_wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enforcer/util.h"

#define CANCEL_NS (100ull * 1000000ull) /* how soon a cancellation is noticed */

enum record_flags {
	RECORD_HARDLINK = 1 << 0,
	RECORD_ELF = 1 << 1,
	RECORD_BIG_ENDIAN = 1 << 2,
	RECORD_MALFORMED = 1 << 3,
	RECORD_CUT_SHORT = 1 << 4,
};

/* Behind it the strings, each with its NUL: path, interpreter, its argument, soname, needed names; 0 bytes: there is none. */
struct record {
	uint32_t bytes; /* with the strings, a multiple of 8 */
	uint32_t kind, mode, uid, gid, flags;
	uint64_t nlink, dev, ino, size;
	int64_t ctime_s, mtime_s;
	uint32_t ctime_ns, mtime_ns;
	uint32_t path_bytes, interpreter_bytes, argument_bytes, soname_bytes, needed_bytes;
	uint16_t needed_count, machine;
	uint32_t bits;
	uint32_t pad;
};
_Static_assert(sizeof(struct record) % 8 == 0, "records follow each other");

void worker_packet_clear(struct worker_packet *packet)
{
	for (size_t i = 0; i < packet->n_fds; i++)
		close_fd(&packet->fds[i]);
	packet->n_fds = 0;
	packet->used = 0;
}

static uint32_t text_bytes(const char *text)
{
	return text ? (uint32_t)strlen(text) + 1 : 0;
}

static void fill_elf(struct record *record, const struct imagedb_elf_details *elf)
{
	record->flags |= RECORD_ELF | (elf->big_endian ? RECORD_BIG_ENDIAN : 0) | (elf->malformed ? RECORD_MALFORMED : 0) |
			 (elf->cut_short ? RECORD_CUT_SHORT : 0);
	record->machine = elf->machine;
	record->bits = elf->bits;
	record->soname_bytes = text_bytes(elf->soname);
	for (size_t i = 0; i < elf->needed_count && i < WORKER_NEEDED_MAX; i++) {
		record->needed_bytes += text_bytes(elf->needed[i]);
		record->needed_count++;
	}
}

static void fill_record(struct record *record, const struct imagedb_file *file)
{
	*record = (struct record){
		.kind = file->kind, .mode = file->mode, .uid = file->uid, .gid = file->gid,
		.flags = file->hardlink_seen ? RECORD_HARDLINK : 0,
		.nlink = file->nlink, .dev = file->dev, .ino = file->ino, .size = file->size,
		.ctime_s = file->ctime.tv_sec, .ctime_ns = (uint32_t)file->ctime.tv_nsec,
		.mtime_s = file->mtime.tv_sec, .mtime_ns = (uint32_t)file->mtime.tv_nsec,
		.path_bytes = (uint32_t)file->path_len + 1,
		.interpreter_bytes = text_bytes(file->interpreter),
		.argument_bytes = text_bytes(file->interpreter_arg),
	};
	if (file->elf)
		fill_elf(record, file->elf);
	record->bytes = (uint32_t)(sizeof(*record) + record->path_bytes + record->interpreter_bytes +
				   record->argument_bytes + record->soname_bytes + record->needed_bytes + 7) & ~7u;
}

static char *put(char *at, const void *bytes, size_t n)
{
	if (n)
		memcpy(at, bytes, n);
	return at + n;
}

int worker_packet_add(struct worker_packet *packet, const struct imagedb_file *file, int fd)
{
	struct worker_answer head = { .magic = WORKER_MAGIC, .kind = WORKER_FILES };
	struct record record;
	size_t start = packet->n_fds ? packet->used : sizeof(head);
	char *at;

	fill_record(&record, file);
	if (packet->n_fds == WORKER_FILES_MAX || start + record.bytes > sizeof(packet->bytes))
		return packet->n_fds ? -ENOSPC : -EMSGSIZE;
	memset(packet->bytes + start, 0, record.bytes);
	at = put(packet->bytes + start, &record, sizeof(record));
	at = put(at, file->path, record.path_bytes);
	at = put(at, file->interpreter, record.interpreter_bytes);
	at = put(at, file->interpreter_arg, record.argument_bytes);
	if (file->elf)
		at = put(at, file->elf->soname, record.soname_bytes);
	for (size_t i = 0; i < record.needed_count; i++)
		at = put(at, file->elf->needed[i], text_bytes(file->elf->needed[i]));
	packet->used = start + record.bytes;
	packet->fds[packet->n_fds++] = fd;
	head.count = (uint32_t)packet->n_fds;
	memcpy(packet->bytes, &head, sizeof(head));
	return 0;
}

bool worker_path_is_sane(const char *path, size_t bytes)
{
	if (!bytes || memchr(path, '\0', bytes))
		return false;
	for (const char *at = path, *end = path + bytes; at <= end;) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t n = (size_t)((slash ? slash : end) - at);

		if (n == 0 || (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += n + 1;
	}
	return true;
}

/* Takes a string of that many bytes with its NUL. NULL in *ret_text: there is none. */
static bool take_text(const char **at, const char *end, uint32_t bytes, const char **ret_text)
{
	*ret_text = NULL;
	if (!bytes)
		return true;
	if (bytes > (size_t)(end - *at) || memchr(*at, '\0', bytes) != *at + bytes - 1)
		return false;
	*ret_text = *at;
	*at += bytes;
	return true;
}

static bool take_needed(const struct record *record, const char *at, const char *end, struct worker_file *ret)
{
	if (record->needed_count > WORKER_NEEDED_MAX || record->needed_bytes > (size_t)(end - at))
		return false;
	end = at + record->needed_bytes;
	for (size_t i = 0; i < record->needed_count; i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (!nul)
			return false;
		ret->needed[i] = at;
		at = nul + 1;
	}
	return at == end;
}

static bool take_texts(const struct record *record, const char *at, struct worker_file *ret)
{
	const char *end = at + record->bytes - sizeof(*record);

	return take_text(&at, end, record->path_bytes, &ret->file.path) &&
	       take_text(&at, end, record->interpreter_bytes, &ret->file.interpreter) &&
	       take_text(&at, end, record->argument_bytes, &ret->file.interpreter_arg) &&
	       take_text(&at, end, record->soname_bytes, &ret->elf.soname) && take_needed(record, at, end, ret) &&
	       ret->file.path && worker_path_is_sane(ret->file.path, record->path_bytes - 1);
}

static void take_numbers(const struct record *record, struct worker_file *ret)
{
	struct imagedb_file *file = &ret->file;

	file->path_len = record->path_bytes - 1;
	file->kind = (enum imagedb_kind)record->kind;
	file->dev = record->dev;
	file->ino = record->ino;
	file->nlink = record->nlink;
	file->mode = record->mode;
	file->uid = record->uid;
	file->gid = record->gid;
	file->size = record->size;
	file->ctime = (struct timespec){ .tv_sec = record->ctime_s, .tv_nsec = record->ctime_ns };
	file->mtime = (struct timespec){ .tv_sec = record->mtime_s, .tv_nsec = record->mtime_ns };
	file->hardlink_seen = record->flags & RECORD_HARDLINK;
	ret->elf.machine = record->machine;
	ret->elf.bits = record->bits == 32 || record->bits == 64 ? (uint8_t)record->bits : 0;
	ret->elf.big_endian = record->flags & RECORD_BIG_ENDIAN;
	ret->elf.malformed = record->flags & RECORD_MALFORMED;
	ret->elf.cut_short = record->flags & RECORD_CUT_SHORT;
	ret->elf.needed_count = record->needed_count;
	ret->elf.needed = record->needed_count ? ret->needed : NULL;
	file->elf = record->flags & RECORD_ELF ? &ret->elf : NULL;
}

int worker_packet_next(const struct worker_packet *packet, size_t *at, size_t index, struct worker_file *ret)
{
	size_t start = *at ? *at : sizeof(struct worker_answer);
	struct record record;

	if (index >= packet->n_fds || start > packet->used || packet->used - start < sizeof(record))
		return -EPROTO;
	memcpy(&record, packet->bytes + start, sizeof(record));
	if (record.bytes < sizeof(record) || record.bytes % 8 || record.bytes > packet->used - start)
		return -EPROTO;
	if (record.kind >= _IMAGEDB_KIND_MAX || record.ctime_ns >= NSEC_PER_SEC || record.mtime_ns >= NSEC_PER_SEC)
		return -EPROTO;
	*ret = (struct worker_file){ 0 };
	if (!take_texts(&record, packet->bytes + start + sizeof(record), ret))
		return -EPROTO;
	take_numbers(&record, ret);
	ret->file.fd = packet->fds[index];
	*at = start + record.bytes;
	return 0;
}

int worker_send(int sock, const void *const *parts, const size_t *bytes, size_t n_parts, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * WORKER_FDS_MAX)];
	} control = { 0 };
	struct iovec iov[2];
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = n_parts };

	for (size_t i = 0; i < n_parts && i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){ .iov_base = (void *)parts[i], .iov_len = bytes[i] };
	if (n_fds) {
		struct cmsghdr *head;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(head), fds, sizeof(int) * n_fds);
	}
	for (;;) {
		if (sendmsg(sock, &message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
	}
}

static void take_descriptors(struct msghdr *message, struct worker_packet *packet)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
		size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS || n > WORKER_FDS_MAX)
			continue;
		memcpy(packet->fds, CMSG_DATA(head), n * sizeof(int));
		packet->n_fds = n;
	}
}

/* 1: there was nothing to read. */
static int receive_now(int sock, struct worker_packet *packet)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * WORKER_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = packet->bytes, .iov_len = sizeof(packet->bytes) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	take_descriptors(&message, packet);
	packet->used = (size_t)n;
	if (n == 0)
		return -EPIPE;
	return message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EPROTO : 0;
}

static int wait_readable(int sock, uint64_t deadline_ns, const atomic_bool *cancel)
{
	struct pollfd poll_fd = { .fd = sock, .events = POLLIN };
	uint64_t now = clock_ns(CLOCK_MONOTONIC), left = UINT64_MAX;
	int ms = -1;

	if (cancel && atomic_load(cancel))
		return -ECANCELED;
	if (deadline_ns && now >= deadline_ns)
		return -ETIMEDOUT;
	if (deadline_ns)
		left = deadline_ns - now;
	if (cancel && left > CANCEL_NS)
		left = CANCEL_NS;
	if (left != UINT64_MAX)
		ms = left / 1000000 > 60000 ? 60000 : (int)(left / 1000000) + 1;
	return poll(&poll_fd, 1, ms) < 0 && errno != EINTR ? -errno : 0;
}

int worker_receive(int sock, struct worker_packet *packet, uint64_t deadline_ns, const atomic_bool *cancel)
{
	worker_packet_clear(packet);
	for (;;) {
		int err = receive_now(sock, packet);

		if (err == 1)
			err = wait_readable(sock, deadline_ns, cancel);
		else
			return err;
		if (err)
			return err;
	}
}
