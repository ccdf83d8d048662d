/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a system call that returned to a record, by the row that user space gave for its number.
 *
 * Owns: what struct hf_detect_call means. Must not know: which number is which call.
 * What a task pointed to is read after the call: another thread may have changed it since. The file behind a descriptor is
 * what the kernel really used.
 */
#ifndef BPF_LSM_DETECT_CALL_H
#define BPF_LSM_DETECT_CALL_H

#include "bpf-lsm/detect_file.h"
#include "bpf-lsm/detect_task.h"

/* struct msghdr as programs of 64 and of 32 bits give it. */
struct detect_message {
	u64 name;
	u32 name_bytes;
	u32 pad;
	u64 pieces;
	u64 n_pieces;
};
struct detect_message32 {
	u32 name, name_bytes, pieces, n_pieces;
};
struct detect_piece {
	u64 base, bytes;
};
struct detect_piece32 {
	u32 base, bytes;
};

static __always_inline u64 argument(struct detect_scratch *s, u32 n)
{
	return n >= 1 && n <= HF_DETECT_ARGUMENTS ? s->head.args[n - 1] : 0;
}

static __always_inline bool has_failed(s64 result)
{
	return result < 0 && result >= -KERNEL_ERRNO_MAX && result != -KERNEL_EINPROGRESS;
}

/* Whether the events of this type are wanted at all for such a result and task. */
static __always_inline bool is_wanted(struct task_struct *task, u32 wants, s64 result)
{
	if (!(wants & (has_failed(result) ? HF_DETECT_WANT_FAILURE : HF_DETECT_WANT_SUCCESS)))
		return false;
	if ((wants & HF_DETECT_WANT_HOST) && (wants & HF_DETECT_WANT_CONTAINERS))
		return true;
	return wants & (task_is_host(task, tag_of(task)) ? HF_DETECT_WANT_HOST : HF_DETECT_WANT_CONTAINERS);
}

static __always_inline bool is_open_wanted(u32 wants, u64 flags)
{
	if (flags & (KERNEL_O_CREAT | KERNEL_O_TMPFILE))
		return (wants & HF_DETECT_WANT_CREATE) || ((flags & KERNEL_O_ACCMODE) && (wants & HF_DETECT_WANT_WRITE)) ||
		       (!(flags & KERNEL_O_ACCMODE) && (wants & HF_DETECT_WANT_READ));
	return wants & ((u32)((flags & KERNEL_O_ACCMODE) ? HF_DETECT_WANT_WRITE : HF_DETECT_WANT_READ));
}

static long look_at_memory(struct task_struct *task, struct vm_area_struct *vma, u64 *ret)
{
	bool may_write = vma->vm_flags & KERNEL_VM_SHARED ? vma->vm_flags & KERNEL_VM_MAYWRITE : vma->anon_vma != NULL;

	*ret = HF_DETECT_PROT_KNOWN | (may_write ? HF_DETECT_PROT_WRITE : 0);
	return 0;
}

/* 0: it cannot be told, as when another thread is changing the memory's map. */
static __always_inline u64 memory_before(u64 address)
{
	u64 found = 0;

	bpf_find_vma((void *)bpf_get_current_task_btf(), address, look_at_memory, &found, 0);
	return found;
}

/* Does what was written begin as a program does? */
static __always_inline bool is_elf(const struct hf_detect_call *call, u64 from, bool compat)
{
	struct detect_piece piece = {};
	u32 magic = 0;

	if (call->special == HF_DETECT_IS_WRITEV) {
		bpf_probe_read_user(&piece, compat ? sizeof(u64) : sizeof(piece), (void *)from);
		from = compat ? (u32)piece.base : piece.base;
	} else if (call->special != HF_DETECT_IS_WRITE) {
		return true; /* sendfile, copy_file_range: from file to file */
	}
	bpf_probe_read_user(&magic, sizeof(magic), (void *)from);
	return magic == KERNEL_ELF_MAGIC;
}

/* Arguments that lie behind a pointer, in place of it. False: not wanted after all. */
static __always_inline bool look_behind(struct detect_scratch *s)
{
	struct hf_detect_head *h = &s->head;
	u64 words[3] = {};

	switch (s->call.special) {
	case HF_DETECT_IS_OPENAT2:
		if (bpf_probe_read_user(words, sizeof(words), (void *)h->args[2]))
			h->flags |= HF_DETECT_UNREADABLE;
		h->args[2] = words[0];
		h->args[3] = words[1];
		h->args[4] = words[2];
		return is_open_wanted(s->wants, words[0]);
	case HF_DETECT_IS_CLONE3:
		if (bpf_probe_read_user(words, sizeof(u64), (void *)h->args[0]))
			h->flags |= HF_DETECT_UNREADABLE;
		h->args[0] = words[0];
		return true;
	case HF_DETECT_IS_PROTECT:
		if ((s->wants & HF_DETECT_WANT_EXECUTABLE) && !(h->args[2] & KERNEL_PROT_EXEC))
			return false;
		if (s->call.type == HF_DETECT_MPROTECT)
			h->args[3] = memory_before(h->args[0]);
		return true;
	case HF_DETECT_IS_OPEN:
		return !s->call.flags || is_open_wanted(s->wants, argument(s, s->call.flags));
	default:
		return true;
	}
}

/* Where a relative path begins. Absolute paths begin nowhere: their text was put last, at .at before. */
static __always_inline void put_base(struct detect_scratch *s, u32 path_at, u32 base, u32 kind)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	u64 fd = argument(s, base), file;

	path_at += sizeof(struct hf_detect_section);
	if (path_at >= DETECT_DATA || s->data[path_at] == '/' || !base)
		return;
	if (base == HF_DETECT_ARG_CWD || (s32)fd == KERNEL_AT_FDCWD) {
		put_walk(s, (u64)BPF_CORE_READ(more_of(task), fs, pwd.dentry), (u64)BPF_CORE_READ(more_of(task), fs, pwd.mnt), kind);
		return;
	}
	file = file_of(task, (u32)fd);
	if (file)
		put_path_of(s, file, kind);
}

/* FSCONFIG_SET_STRING, _PATH, _PATH_EMPTY. */
static __always_inline bool is_text_command(u64 command)
{
	return command == 1 || command == 3 || command == 4;
}

__noinline int put_paths(struct detect_scratch *s)
{
	u32 at;

	if (!s)
		return -EINVAL;
	at = s->at;
	if (argument(s, s->call.path) && !put_text(s, argument(s, s->call.path), HF_DETECT_KIND_PATH, 0))
		put_base(s, at, s->call.base, HF_DETECT_KIND_BASE);
	at = s->at;
	if (argument(s, s->call.path2) && !put_text(s, argument(s, s->call.path2), HF_DETECT_KIND_PATH2, 0))
		put_base(s, at, s->call.base2, HF_DETECT_KIND_BASE2);
	if (argument(s, s->call.name))
		put_text(s, argument(s, s->call.name), HF_DETECT_KIND_NAME, 0);
	if (s->call.special == HF_DETECT_IS_FSCONFIG && is_text_command(s->head.args[1]) && argument(s, s->call.value))
		put_text(s, argument(s, s->call.value), HF_DETECT_KIND_VALUE, 0);
	return 0;
}

/* Where a write without a position of its own began, in place of the fourth argument: that of pwrite. */
__noinline int put_position(struct detect_scratch *s, s64 result)
{
	u64 file;

	if (!s)
		return -EINVAL;
	file = file_of((void *)bpf_get_current_task_btf(), (u32)s->head.args[0]);
	s->head.args[3] = file ? BPF_CORE_READ((struct file___pos *)file, f_pos) - (result > 0 ? result : 0) : 0;
	return 0;
}

__noinline int put_descriptor(struct detect_scratch *s)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	u64 fd, file;

	if (!s)
		return -EINVAL;
	fd = s->call.fd == HF_DETECT_ARG_RESULT ? (u64)s->head.result : argument(s, s->call.fd);
	if ((s32)fd < 0)
		return 0;
	file = file_of(task, (u32)fd);
	if (!file)
		return 0;
	if (file_is_socket(file))
		return put_socket(s, file);
	put_file(s, file, 0);
	if (s->wants & HF_DETECT_WANT_REAL)
		put_path_of(s, file, HF_DETECT_KIND_REAL);
	return 0;
}

static __always_inline void put_data(struct detect_scratch *s, u64 from, u64 room)
{
	s64 n = s->head.result;

	if (n <= 0 || !(s->wants & HF_DETECT_WANT_DATA))
		return;
	put_bytes(s, from, (u64)n < room ? (u64)n : room, HF_DETECT_DATA_BYTES, HF_DETECT_KIND_DATA);
}

/* sendmsg, recvmsg: the address and the first piece. */
__noinline int put_message(struct detect_scratch *s)
{
	struct detect_message m = {};
	struct detect_piece piece = {};
	int err;

	if (!s)
		return -EINVAL;
	if (s->head.flags & HF_DETECT_COMPAT) {
		struct detect_message32 m32 = {};
		struct detect_piece32 piece32 = {};

		err = (int)bpf_probe_read_user(&m32, sizeof(m32), (void *)s->head.args[1]);
		m.name = m32.name;
		m.name_bytes = m32.name_bytes;
		if (!err && m32.n_pieces)
			err = (int)bpf_probe_read_user(&piece32, sizeof(piece32), (void *)(u64)m32.pieces);
		piece.base = piece32.base;
		piece.bytes = piece32.bytes;
	} else {
		err = (int)bpf_probe_read_user(&m, sizeof(m), (void *)s->head.args[1]);
		if (!err && m.n_pieces)
			err = (int)bpf_probe_read_user(&piece, sizeof(piece), (void *)m.pieces);
	}
	if (err) {
		s->head.flags |= HF_DETECT_UNREADABLE;
		return -EFAULT;
	}
	if (m.name && m.name_bytes)
		put_bytes(s, m.name, m.name_bytes, HF_DETECT_ADDRESS_BYTES, HF_DETECT_KIND_ADDRESS);
	put_data(s, piece.base, piece.bytes);
	return 0;
}

__noinline int put_network(struct detect_scratch *s)
{
	u64 from, bytes;

	if (!s)
		return -EINVAL;
	if (s->call.special == HF_DETECT_IS_MESSAGE)
		return put_message(s);
	if (s->call.special == HF_DETECT_IS_WRITEV) {
		struct detect_piece piece = {};

		bpf_probe_read_user(&piece, sizeof(piece), (void *)s->head.args[1]);
		put_data(s, piece.base, piece.bytes);
		return 0;
	}
	from = argument(s, s->call.address);
	bytes = argument(s, s->call.address + 1);
	if (s->call.address_is_result && bytes) {
		u32 n = 0;

		if (s->head.result >= 0)
			bpf_probe_read_user(&n, sizeof(n), (void *)bytes);
		bytes = n;
	}
	if (from && bytes)
		put_bytes(s, from, (u32)bytes, HF_DETECT_ADDRESS_BYTES, HF_DETECT_KIND_ADDRESS);
	if (s->call.data)
		put_data(s, argument(s, s->call.data), ~0ull);
	return 0;
}

__noinline int put_cwd(struct detect_scratch *s)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return put_walk(s, (u64)BPF_CORE_READ(more_of(task), fs, pwd.dentry), (u64)BPF_CORE_READ(more_of(task), fs, pwd.mnt),
			HF_DETECT_KIND_CWD);
}

#endif
