// SPDX-License-Identifier: Apache-2.0
/* The words that users see for the numbers of the contract. Owns: those tables, nothing else. */
#include <linux/magic.h>

#include "enforcer/event_json.h"
#include "enforcer/util.h"

/* What linux/magic.h lacks on some systems; values from the file systems' own headers. */
#define MAGIC_CEPH 0x00c36400u
#define MAGIC_CIFS 0xff534d42u
#define MAGIC_EXFAT 0x2011bab0u
#define MAGIC_FUSE 0x65735546u
#define MAGIC_NTFS3 0x7366746eu
#define MAGIC_SMB2 0xfe534d42u
#define MAGIC_UDF 0x15013346u
#define MAGIC_XFS 0x58465342u
#define MAGIC_ZFS 0x2fc12fc1u
#define MAGIC_BCACHEFS 0xca451a4eu
#define MAGIC_EROFS 0xe0f5e1e2u

static const char *const op_names[] = {
	[HF_OP_EXEC] = "exec",
	[HF_OP_EXEC_CHECK] = "exec-check",
	[HF_OP_MMAP] = "mmap",
	[HF_OP_MMAP_BACKING] = "mmap-backing",
	[HF_OP_MPROTECT] = "mprotect",
	[HF_OP_ADOPT] = "adopt",
	[HF_OP_READ] = "read",
	[HF_OP_PERSONALITY] = "personality",
	[HF_OP_PTRACE] = "ptrace",
	[HF_OP_PROCESS_MEMORY] = "process-memory",
	[HF_OP_KERNEL] = "kernel",
	[HF_OP_TAMPER] = "tamper",
	[HF_OP_WRITE_IMAGE] = "write-image",
};
_Static_assert(ARRAY_SIZE(op_names) == _HF_OP_MAX, "a word for each operation");

static const char *const class_names[] = {
	[HF_CLASS_EXECUTABLE] = "executable",
	[HF_CLASS_LIBRARY] = "library",
	[HF_CLASS_SCRIPT] = "script",
};
_Static_assert(ARRAY_SIZE(class_names) == _HF_CLASS_MAX, "a word for each class");

static const char *const reason_names[] = {
	[HF_REASON_ORIGINAL] = "original",
	[HF_REASON_ADDED] = "added",
	[HF_REASON_MODIFIED] = "modified",
	[HF_REASON_METADATA] = "metadata",
	[HF_REASON_MEMFD] = "memfd",
	[HF_REASON_TMPFS] = "tmpfs",
	[HF_REASON_VOLUME] = "volume",
	[HF_REASON_FOREIGN] = "foreign",
	[HF_REASON_DELETED] = "deleted",
	[HF_REASON_LIBRARY] = "library",
	[HF_REASON_ANONYMOUS_CODE] = "anonymous-code",
	[HF_REASON_MODIFIED_CODE] = "modified-code",
	[HF_REASON_SCRIPT] = "script",
	[HF_REASON_HOST_MODIFIED] = "host-modified",
	[HF_REASON_UNKNOWN_CONTAINER] = "unknown-container",
	[HF_REASON_UNDECIDABLE] = "undecidable",
	[HF_REASON_PERSONALITY] = "personality",
	[HF_REASON_PROCESS_MEMORY] = "process-memory",
	[HF_REASON_PTRACE] = "ptrace",
	[HF_REASON_KERNEL_ACCESS] = "kernel-access",
	[HF_REASON_TAMPERING] = "tampering",
	[HF_REASON_IMAGE_WRITE] = "image-write",
	[HF_REASON_HOST_EXEC] = "host-exec",
	[HF_REASON_KERNEL_HELPER] = "kernel-helper",
};
_Static_assert(ARRAY_SIZE(reason_names) == _HF_REASON_MAX, "a word for each reason");

static const char *const detail_names[] = {
	[HF_DETAIL_NONE] = NULL,
	[HF_DETAIL_NO_REAL_FILE] = "no-real-file",
	[HF_DETAIL_NESTED_OVERLAY] = "nested-overlay",
	[HF_DETAIL_NO_POLICY] = "no-policy",
	[HF_DETAIL_STALE_TAG] = "stale-tag",
	[HF_DETAIL_NO_TAG_MEMORY] = "no-tag-memory",
	[HF_DETAIL_WRITER] = "writer",
	[HF_DETAIL_CHANGED] = "changed",
	[HF_DETAIL_NOT_READY] = "not-ready",
	[HF_DETAIL_READ_IMPLIES_EXEC] = "read-implies-exec",
	[HF_DETAIL_UNSUPPORTED_ROOT] = "unsupported-root",
	[HF_DETAIL_COPIED_UP] = "copied-up",
	[HF_DETAIL_UNSETTLED] = "unsettled",
	[HF_DETAIL_SETTLED] = "settled",
	[HF_DETAIL_COPY] = "copy",
	[HF_DETAIL_HEAP] = "heap",
	[HF_DETAIL_STACK] = "stack",
	[HF_DETAIL_TRACEME] = "traceme",
	[HF_DETAIL_BPF] = "bpf",
	[HF_DETAIL_MODULE] = "module",
	[HF_DETAIL_PERF] = "perf",
	[HF_DETAIL_KEXEC] = "kexec",
	[HF_DETAIL_RAW_MEMORY] = "raw-memory",
	[HF_DETAIL_TRACING] = "tracing",
	[HF_DETAIL_PINS] = "pins",
	[HF_DETAIL_MAP] = "map",
	[HF_DETAIL_PROGRAM] = "program",
	[HF_DETAIL_LINK] = "link",
	[HF_DETAIL_DAEMON] = "daemon",
	[HF_DETAIL_BLOCK_DEVICE] = "block-device",
	[HF_DETAIL_HELPER] = "helper",
	[HF_DETAIL_DESCENDANT] = "descendant",
	[HF_DETAIL_WRITE] = "write",
	[HF_DETAIL_WRITABLE_LAYER] = "writable-layer",
	[HF_DETAIL_EXE] = "exe",
	[HF_DETAIL_MAPPED] = "mapped",
};
_Static_assert(ARRAY_SIZE(detail_names) == _HF_DETAIL_MAX, "a word for each detail");

static const char *const verdict_names[] = {
	[HF_VERDICT_ALLOW] = "allowed",
	[HF_VERDICT_AUDIT] = "audited",
	[HF_VERDICT_DENY] = "denied",
	[HF_VERDICT_KILL] = "killed",
};
_Static_assert(ARRAY_SIZE(verdict_names) == _HF_VERDICT_MAX, "a word for each verdict");

static const char *const volume_names[] = {
	[HF_VOLUME_READ_ONLY] = "read-only",
	[HF_VOLUME_WRITABLE] = "writable",
	[HF_VOLUME_INIT] = "init",
	[HF_VOLUME_ALLOWED] = "allowed",
};
_Static_assert(ARRAY_SIZE(volume_names) == _HF_VOLUME_MAX, "a word for each kind of volume");

static const struct {
	uint32_t magic;
	const char *name;
} filesystems[] = {
	{ OVERLAYFS_SUPER_MAGIC, "overlay" }, { TMPFS_MAGIC, "tmpfs" },	      { EXT4_SUPER_MAGIC, "ext4" },
	{ MAGIC_XFS, "xfs" },		      { BTRFS_SUPER_MAGIC, "btrfs" }, { MAGIC_ZFS, "zfs" },
	{ MAGIC_FUSE, "fuse" },		      { NFS_SUPER_MAGIC, "nfs" },     { V9FS_MAGIC, "9p" },
	{ HUGETLBFS_MAGIC, "hugetlbfs" },     { RAMFS_MAGIC, "ramfs" },	      { SQUASHFS_MAGIC, "squashfs" },
	{ MAGIC_EROFS, "erofs" },	      { F2FS_SUPER_MAGIC, "f2fs" },   { MSDOS_SUPER_MAGIC, "vfat" },
	{ MAGIC_EXFAT, "exfat" },	      { MAGIC_NTFS3, "ntfs3" },	      { ISOFS_SUPER_MAGIC, "iso9660" },
	{ MAGIC_UDF, "udf" },		      { MAGIC_CEPH, "ceph" },	      { MAGIC_CIFS, "cifs" },
	{ MAGIC_SMB2, "smb3" },		      { MAGIC_BCACHEFS, "bcachefs" }, { PROC_SUPER_MAGIC, "proc" },
	{ SYSFS_MAGIC, "sysfs" },	      { DEVPTS_SUPER_MAGIC, "devpts" }, { CGROUP2_SUPER_MAGIC, "cgroup2" },
	{ ECRYPTFS_SUPER_MAGIC, "ecryptfs" },
};

static const char *look_up(const char *const *names, size_t n, size_t i)
{
	return i < n ? names[i] : "unknown";
}

bool event_is_access(const struct hf_event *record)
{
	return record->op >= HF_OP_PERSONALITY && record->op < _HF_OP_MAX;
}

const char *event_op_name(enum hf_op op)
{
	return look_up(op_names, ARRAY_SIZE(op_names), op);
}

const char *event_class_name(enum hf_class class_)
{
	return look_up(class_names, ARRAY_SIZE(class_names), class_);
}

const char *event_reason_name(enum hf_reason reason)
{
	return look_up(reason_names, ARRAY_SIZE(reason_names), reason);
}

const char *event_detail_name(enum hf_detail detail)
{
	return look_up(detail_names, ARRAY_SIZE(detail_names), detail);
}

const char *event_verdict_name(enum hf_verdict verdict)
{
	return look_up(verdict_names, ARRAY_SIZE(verdict_names), verdict);
}

const char *event_volume_name(enum hf_volume_kind kind)
{
	return look_up(volume_names, ARRAY_SIZE(volume_names), kind);
}

const char *event_filesystem_name(uint32_t magic)
{
	for (size_t i = 0; i < ARRAY_SIZE(filesystems); i++)
		if (filesystems[i].magic == magic)
			return filesystems[i].name;
	return NULL;
}
