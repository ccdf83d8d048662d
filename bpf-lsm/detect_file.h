/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is behind a descriptor: sections about files and sockets.
 *
 * Owns: HF_DETECT_KIND_FILE, _SOCKET, _UNIX_LOCAL, _UNIX_PEER. Must not know: which call was made.
 */
#ifndef BPF_LSM_DETECT_FILE_H
#define BPF_LSM_DETECT_FILE_H

#include "bpf-lsm/detect_record.h"

#define DETECT_MEMFD_BYTES 6 /* "memfd:" */
#define DETECT_UNIX_BYTES 108 /* of sun_path */

/* Upper or lower: of overlays only, and only if these programs know an overlay's inodes. */
static __always_inline u32 overlay_flags(struct inode *inode)
{
	if (!bpf_core_type_exists(struct ovl_inode))
		return 0;
	return overlay_has_upper(inode) ? HF_DETECT_FILE_UPPER : HF_DETECT_FILE_LOWER;
}

static __always_inline bool is_memfd(struct dentry *dentry, u64 magic)
{
	char name[8] = {};

	if (magic != KERNEL_MAGIC_TMPFS && magic != KERNEL_MAGIC_HUGETLBFS)
		return false;
	bpf_probe_read_kernel(name, DETECT_MEMFD_BYTES, BPF_CORE_READ(dentry, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

/* As mode, owner and capabilities say; access control lists and other modules may say otherwise. */
static __always_inline bool is_writable(struct hf_detect_head *h, struct hf_detect_file *f, struct inode *inode)
{
	u32 bits = f->mode;

	if (BPF_CORE_READ(inode, i_sb, s_flags) & KERNEL_SB_RDONLY)
		return false;
	if (h->cap_effective >> KERNEL_CAP_DAC_OVERRIDE & 1)
		return true;
	if (h->euid == f->uid)
		return bits & 0200;
	return h->egid == f->gid ? bits & 020 : bits & 02;
}

/* Fills in a file of the record's task. open_flags: O_*, 0 for a program. */
__noinline int put_file(struct detect_scratch *s, u64 file, u32 is_program)
{
	struct file *f = (void *)file;
	struct inode *inode = BPF_CORE_READ(f, f_inode);
	struct inode___more *more = (void *)inode;
	struct hf_detect_file *out;
	u32 begin;
	u64 magic;

	if (!s)
		return -EINVAL;
	begin = section_begin(s);
	if (!begin || begin > DETECT_LAST + sizeof(struct hf_detect_section))
		return -ENOSPC;
	out = (void *)(s->data + begin);
	magic = BPF_CORE_READ(inode, i_sb, s_magic);
	out->ino = BPF_CORE_READ(inode, i_ino);
	out->ctime_ns = inode_ctime_ns(inode);
	out->mtime_ns = inode_mtime_ns(inode);
	out->size = BPF_CORE_READ(inode, i_size);
	out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	out->mode = BPF_CORE_READ(inode, i_mode);
	out->uid = BPF_CORE_READ(more, i_uid.val);
	out->gid = BPF_CORE_READ(more, i_gid.val);
	out->nlink = BPF_CORE_READ(inode, i_nlink);
	out->open_flags = is_program ? 0 : BPF_CORE_READ(f, f_flags);
	out->magic = (u32)magic;
	out->flags = out->nlink ? 0 : HF_DETECT_FILE_UNLINKED;
	if (magic == KERNEL_MAGIC_OVERLAY)
		out->flags |= overlay_flags(inode);
	if (is_memfd(BPF_CORE_READ(f, f_path.dentry), magic))
		out->flags |= HF_DETECT_FILE_MEMFD;
	if (is_writable(&s->head, out, inode))
		out->flags |= HF_DETECT_FILE_WRITABLE;
	section_end(s, begin, sizeof(*out), HF_DETECT_KIND_FILE, 0);
	return 0;
}

/* A name of a unix socket; none if it has none. */
__noinline int put_unix_name(struct detect_scratch *s, u64 sock, u32 kind)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sock, addr);
	u32 begin, bytes;
	int len;

	if (!s || !address)
		return -EINVAL;
	len = BPF_CORE_READ(address, len) - 2;
	begin = section_begin(s);
	if (len <= 0 || !begin || begin > DETECT_LAST + sizeof(struct hf_detect_section))
		return -ENOSPC;
	bytes = len > DETECT_UNIX_BYTES ? DETECT_UNIX_BYTES : (u32)len;
	if (bpf_probe_read_kernel(s->data + begin, bytes,
				  (void *)((u64)address + bpf_core_field_offset(struct unix_address, name) + 2)))
		return -EFAULT;
	section_end(s, begin, bytes, kind, 0);
	return 0;
}

static __always_inline void socket_addresses(struct hf_detect_socket *out, struct sock *sk)
{
	u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr), peer = BPF_CORE_READ(sk, __sk_common.skc_daddr);

	out->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	out->peer_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (out->family == KERNEL_AF_INET) {
		*(u32 *)out->local = local;
		*(u32 *)out->peer = peer;
	} else {
		bpf_core_read(out->local, sizeof(out->local), &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(out->peer, sizeof(out->peer), &sk->__sk_common.skc_v6_daddr);
	}
}

/* Fills in a socket as it is now. */
__noinline int put_socket(struct detect_scratch *s, u64 file)
{
	struct socket *socket = BPF_CORE_READ((struct file *)file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct hf_detect_socket *out;
	u32 begin;

	if (!s || !sk)
		return -EINVAL;
	begin = section_begin(s);
	if (!begin || begin > DETECT_LAST + sizeof(struct hf_detect_section))
		return -ENOSPC;
	out = (void *)(s->data + begin);
	__builtin_memset(out, 0, sizeof(*out));
	out->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	out->type = BPF_CORE_READ(socket, type);
	out->protocol = BPF_CORE_READ(sk, sk_protocol);
	out->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (out->family == KERNEL_AF_INET || out->family == KERNEL_AF_INET6)
		socket_addresses(out, sk);
	section_end(s, begin, sizeof(*out), HF_DETECT_KIND_SOCKET, 0);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == KERNEL_AF_UNIX) {
		u64 other = (u64)BPF_CORE_READ((struct unix_sock *)sk, peer);

		put_unix_name(s, (u64)sk, HF_DETECT_KIND_UNIX_LOCAL);
		if (other)
			put_unix_name(s, other, HF_DETECT_KIND_UNIX_PEER);
	}
	return 0;
}

static __always_inline bool file_is_socket(u64 file)
{
	return BPF_CORE_READ((struct file *)file, f_inode, i_sb, s_magic) == KERNEL_MAGIC_SOCKFS;
}

#endif
