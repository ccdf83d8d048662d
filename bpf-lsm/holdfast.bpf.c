// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The hooks, as a table of contents: previous verdict -> in scope? -> subject -> object -> judge.
 *
 * Must not know: how any of that is done. Programs that only some kernels can attach are switched off by user space
 * before loading.
 */
#include "bpf-lsm/abi.h"
#include "bpf-lsm/kernel.h"
#include "bpf-lsm/maps.h"
#include "bpf-lsm/adopt.h"
#include "bpf-lsm/enrol.h"
#include "bpf-lsm/fast.h"
#include "bpf-lsm/guard_hooks.h"
#include "bpf-lsm/host.h"
#include "bpf-lsm/judge.h"
#include "bpf-lsm/open.h"
#include "bpf-lsm/settle.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void request_add_task(struct request *r)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	if (task->personality & KERNEL_READ_IMPLIES_EXEC) {
		r->event_flags |= HF_EVENT_READ_IMPLIES_EXEC;
		r->facts.bits |= HF_FACT_READ_IMPLIES_EXEC;
	}
	if (BPF_CORE_READ_BITFIELD_PROBED(task, in_execve) && r->facts.op > HF_OP_EXEC_CHECK)
		r->event_flags |= HF_EVENT_EXEC_STAGE;
}

/*
 * The long way, for whatever the short one did not take. Returns 0 or -EPERM. The file comes as a number, and with it all that
 * the hook knows: a global function, seen once by the verifier, and its memory is not the hooks' to clear.
 */
__noinline int judge_file(struct subject *s, u64 file, u32 what, u32 prot, u32 map_flags)
{
	struct request r = { .prot = prot, .map_flags = map_flags };
	struct hf_config *cfg = config();
	struct object o = {};

	if (!s || !cfg)
		return -EPERM;
	r.facts.op = what >> REQUEST_OP_SHIFT;
	r.facts.bits = what & REQUEST_BITS;
	request_add_task(&r);
	r.facts.volume = _HF_VOLUME_MAX;
	if (file) {
		object_resolve(&o, file);
		facts_of_file(&r.facts, s, &o);
	} else {
		r.facts.bits |= HF_FACT_NO_FILE;
	}
	return judge(s, &o, &r, cfg);
}

/* enum hf_op and HF_FACT_* in one argument: there is room for five. */
static __always_inline u32 request(u8 op, u32 bits)
{
	return (u32)op << REQUEST_OP_SHIFT | bits;
}

/* A file that this execve did not open itself is that of a binfmt_misc handler, opened when that was registered. */
static __always_inline u32 exec_bits(struct file *file)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return (u64)file->f_cred != (u64)task->cred && file_is_hosts(address_of(file)) ? HF_FACT_HOST_HANDLER : 0;
}

/* tag: the current task's, to be told what an exec begins; NULL: nothing begins, or nobody has to know. */
static __always_inline int on_exec(struct linux_binprm *bprm, u8 op, struct subject *s, struct hf_task_tag *tag)
{
	struct file *file = bprm->file;
	u32 known;

	count(HF_COUNTER_EXEC);
	known = fast_original(file, s);
	if (known) {
		if (known == FAST_ORIGINAL && tag && !(s->flags & HF_CONTAINER_UNARMED))
			interpreter_is_none(tag);
		return 0;
	}
	return judge_file(s, address_of(file), request(op, exec_bits(file)), 0, 0) ? -EPERM : 0;
}

/* Kernels with AT_EXECVE_CHECK: first at every exec, and the check itself gets no further than here. */
SEC("?lsm/bprm_creds_for_exec")
int BPF_PROG(hf_creds_exec, struct linux_binprm *bprm, int ret)
{
	struct hf_config *cfg = config();
	struct subject s = {};

	if (ret || !cfg || !cfg->enabled)
		return ret;
	if (!bpf_core_field_exists(bprm->is_check) || !BPF_CORE_READ_BITFIELD_PROBED(bprm, is_check))
		return 0;
	if (subject_of_current(&s) == HF_SUBJECT_HOST)
		return 0;
	return on_exec(bprm, HF_OP_EXEC_CHECK, &s, NULL);
}

/* A task of the host: refused nothing, but for the kernel's own helpers. */
static __always_inline int on_host_exec(struct linux_binprm *bprm, struct subject *s)
{
	u64 file = address_of(bprm->file);
	u32 bits = host_facts(s, file);

	return bits && judge_file(s, file, request(HF_OP_EXEC, bits), 0, 0) ? -EPERM : 0;
}

/* The program, the script, and each interpreter of its chain. Here a task that got into a container is told apart for good. */
SEC("lsm/bprm_check_security")
int BPF_PROG(hf_check, struct linux_binprm *bprm, int ret)
{
	struct hf_config *cfg = config();
	struct hf_task_tag *tag;
	struct subject s;
	bool plain;

	if (ret || !cfg || !cfg->enabled)
		return ret;
	plain = subject_is_plain_host(cfg);
	if (plain && host_runs_its_own(bprm->file, cfg))
		return 0;
	s = (struct subject){};
	if (plain || subject_of_current(&s) == HF_SUBJECT_HOST)
		return on_host_exec(bprm, &s);
	if (subject_tag_current(&s, &tag))
		return -ENOMEM;
	return on_exec(bprm, HF_OP_EXEC, &s, tag);
}

static __always_inline int on_mmap(struct file *mapped, u64 prot, u64 flags)
{
	struct subject s = {};
	u32 bits = 0;
	u64 file;

	if (subject_of_current(&s) == HF_SUBJECT_HOST)
		return 0;
	if (prot & KERNEL_PROT_WRITE && (flags & KERNEL_MAP_PRIVATE_MASK) == KERNEL_MAP_PRIVATE)
		bits |= HF_FACT_CODE_WRITABLE;
	/* Asked twice: other verifiers want the plain question. */
	if (!bits && is_surely_there(mapped) && mapped && fast_original(mapped, &s)) {
		count(HF_COUNTER_MMAP);
		return 0;
	}
	file = address_of(mapped);
	if (!file && !s.tagged) /* a runtime on its way in may have a heap */
		return 0;
	count(HF_COUNTER_MMAP);
	return judge_file(&s, file, request(HF_OP_MMAP, bits), prot, flags) ? -EPERM : 0;
}

/* Code to be mapped, and the daemon's way to show a file. */
SEC("lsm/mmap_file")
int BPF_PROG(hf_mmap, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags, int ret)
{
	struct hf_config *cfg;

	if (ret)
		return ret;
	if (!(prot & KERNEL_PROT_EXEC)) {
		if (enrol_asked()) /* also while another version judges: its containers are enrolled before we do */
			enrol_file(address_of(file));
		else if (settle_asked())
			settle_file(address_of(file));
		return 0;
	}
	cfg = config();
	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return on_mmap(file, prot, flags);
}

/* The file below a stacking file system, at the moment it is mapped. */
SEC("?lsm/mmap_backing_file")
int BPF_PROG(hf_mmap_backing, struct vm_area_struct *vma, struct file *backing_file, struct file *user_file, int ret)
{
	struct hf_config *cfg;
	struct subject s;
	int kind;

	if (ret || !(vma->vm_flags & KERNEL_VM_EXEC))
		return ret;
	cfg = config();
	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	s = (struct subject){};
	kind = subject_of_current(&s);
	if (kind == HF_SUBJECT_HOST || kind == HF_SUBJECT_UNKNOWN) /* mmap_file has told of the unknown one's */
		return 0;
	if (file_is_backing(user_file)) /* the second of two overlays: with the first the whole stack was judged */
		return 0;
	count(HF_COUNTER_MMAP_BACKING);
	if (fast_original_backing(backing_file, &s))
		return 0;
	return judge_file(&s, address_of(backing_file), request(HF_OP_MMAP_BACKING, 0), KERNEL_PROT_EXEC, 0) ? -EPERM : 0;
}

/* A mapping that becomes executable. Nothing new in one that was and is not made writable. */
SEC("lsm/file_mprotect")
int BPF_PROG(hf_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	struct hf_config *cfg;
	struct subject s;
	struct file *mapped;
	bool shared;
	u32 bits = 0;
	u64 file;

	if (ret || !(prot & KERNEL_PROT_EXEC))
		return ret;
	cfg = config();
	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	if (vma->vm_flags & KERNEL_VM_EXEC && !(prot & KERNEL_PROT_WRITE))
		return 0;
	s = (struct subject){};
	if (subject_of_current(&s) == HF_SUBJECT_HOST)
		return 0;
	mapped = vma->vm_file;
	shared = vma->vm_flags & (KERNEL_VM_SHARED | KERNEL_VM_MAYSHARE);
	if (!shared && vma->anon_vma)
		bits |= HF_FACT_CODE_WRITTEN;
	if (!shared && prot & KERNEL_PROT_WRITE)
		bits |= HF_FACT_CODE_WRITABLE;
	if (mapped && !bits && fast_original_backing(mapped, &s)) {
		count(HF_COUNTER_MPROTECT);
		return 0;
	}
	file = address_of(mapped);
	if (!file && !s.tagged)
		return 0;
	if (!file)
		bits |= memory_place(vma, (void *)bpf_get_current_task_btf());
	count(HF_COUNTER_MPROTECT);
	return judge_file(&s, file, request(HF_OP_MPROTECT, bits), prot, shared ? 1 : KERNEL_MAP_PRIVATE) ? -EPERM : 0;
}

/* Every open of the node. One program: each costs a host's open a hundred instructions before its first own one. */
SEC("lsm/file_open")
int BPF_PROG(hf_open, struct file *file, int ret)
{
	struct hf_config *cfg;

	if (ret)
		return ret;
	cfg = config();
	if (!cfg)
		return 0;
	return file->f_mode & KERNEL_FMODE_WRITE ? open_to_write(file, cfg) : open_to_read(file, cfg);
}

/* Somebody getting hold of another process: ptrace, its memory, its descriptors. Looking at it (ps, top) is another mode. */
SEC("lsm/ptrace_access_check")
int BPF_PROG(hf_ptrace, struct task_struct *child, unsigned int mode, int ret)
{
	struct hf_config *cfg;

	if (ret || !(mode & KERNEL_PTRACE_MODE_ATTACH))
		return ret;
	cfg = config();
	if (!cfg || !cfg->enabled)
		return 0;
	if (guard_is_ours(cfg, child))
		return guard_judge(HF_DETAIL_DAEMON, 0, 0) ? -EPERM : 0;
	if (subject_is_plain_host(cfg))
		return 0;
	return memory_attach(child);
}

/* A process asking its parent to. */
SEC("lsm/ptrace_traceme")
int BPF_PROG(hf_traceme, struct task_struct *parent, int ret)
{
	struct hf_config *cfg;

	if (ret)
		return ret;
	cfg = config();
	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return memory_traceme(parent);
}

/* What a tracer asks of whom it traces, by programs of 64 and of 32 bits. */
SEC("?fentry/arch_ptrace")
int BPF_PROG(hf_trace, struct task_struct *child, long request)
{
	return memory_trace(child, (u32)request);
}

SEC("?fentry/compat_arch_ptrace")
int BPF_PROG(hf_trace_32, struct task_struct *child, int request)
{
	return memory_trace(child, (u32)request);
}

/* personality(), by programs of 64 and of 32 bits. */
SEC("?fentry/__x64_sys_personality")
int BPF_PROG(hf_personality, struct pt_regs *regs)
{
	return memory_personality((u32)regs->di);
}

SEC("?fentry/__ia32_sys_personality")
int BPF_PROG(hf_personality_32, struct pt_regs *regs)
{
	return memory_personality((u32)regs->bx);
}

/* truncate(2), and open with O_TRUNC up to 6.1. */
SEC("lsm/path_truncate")
int BPF_PROG(hf_truncate, const struct path *path, int ret)
{
	u64 inode;

	if (ret)
		return ret;
	inode = (u64)BPF_CORE_READ(path, dentry, d_inode);
	if (copyup_on_change(inode, HF_WRITTEN_BYTES))
		settled_tell((u64)BPF_CORE_READ(path, mnt), (u64)BPF_CORE_READ(path, dentry));
	if (store_truncates(inode) && store_judge(address_of(path), HF_DETAIL_NONE, ACCESS_PATH))
		return -EPERM;
	if (upper_on_truncate(path))
		return -EPERM;
	return volume_on_change((u64)BPF_CORE_READ(path, mnt), (u64)BPF_CORE_READ(path, dentry));
}

/* ftruncate and O_TRUNC since 6.2. */
SEC("?lsm/file_truncate")
int BPF_PROG(hf_ftruncate, struct file *file, int ret)
{
	u64 inode;

	if (ret)
		return ret;
	inode = (u64)BPF_CORE_READ(file, f_inode);
	if (copyup_on_change(inode, HF_WRITTEN_BYTES))
		settled_tell((u64)BPF_CORE_READ(file, f_path.mnt), (u64)BPF_CORE_READ(file, f_path.dentry));
	return store_truncates(inode) && store_judge(address_of(file), HF_DETAIL_NONE, 0) ? -EPERM : 0;
}

/* Another name for an image file. */
SEC("lsm/path_link")
int BPF_PROG(hf_link, struct dentry *old, const struct path *dir, struct dentry *fresh, int ret)
{
	if (ret)
		return ret;
	if (copyup_on_change((u64)BPF_CORE_READ(old, d_inode), HF_WRITTEN_LINKED))
		settled_tell((u64)BPF_CORE_READ(dir, mnt), address_of(old));
	if (upper_on_change(address_of(dir), address_of(fresh)))
		return -EPERM;
	return volume_on_change((u64)BPF_CORE_READ(dir, mnt), (u64)BPF_CORE_READ(dir, dentry));
}

/* Something that comes to another folder. */
SEC("lsm/path_rename")
int BPF_PROG(hf_rename, const struct path *old_dir, struct dentry *old, const struct path *dir, struct dentry *fresh,
	     unsigned int flags, int ret)
{
	if (ret)
		return ret;
	if (upper_on_change(address_of(dir), address_of(fresh)))
		return -EPERM;
	return volume_on_change((u64)BPF_CORE_READ(dir, mnt), (u64)BPF_CORE_READ(dir, dentry));
}

/* File capabilities given. The hook before the change is not for us: a program on it would replace the kernel's own check. */
SEC("lsm/inode_post_setxattr")
int BPF_PROG(hf_setxattr, struct dentry *dentry, const char *name, const void *value, unsigned long size,
	     int flags)
{
	char text[sizeof(KERNEL_XATTR_CAPABILITY)] = {};

	if (bpf_probe_read_kernel_str(text, sizeof(text), name) != sizeof(text))
		return 0;
	for (u32 i = 0; i < sizeof(text); i++) {
		if (text[i] != KERNEL_XATTR_CAPABILITY[i])
			return 0;
	}
	copyup_on_change((u64)BPF_CORE_READ(dentry, d_inode), HF_WRITTEN_CAPABILITIES);
	return 0;
}

/* A file of the image on its way into the writable layer, for whatever reason. Noted for adopted containers only. */
SEC("lsm/inode_copy_up")
int BPF_PROG(hf_copy_up, struct dentry *src, struct cred **new, int ret)
{
	if (ret)
		return ret;
	copyup_on_change((u64)BPF_CORE_READ(src, d_inode), HF_WRITTEN_COPIED);
	return 0;
}

/* A tag goes to every child and thread. */
SEC("lsm/task_alloc")
int BPF_PROG(hf_fork, struct task_struct *task, unsigned long clone_flags, int ret)
{
	if (ret)
		return ret;
	return subject_inherit(task);
}

/* The daemon's way to ask what the kernel calls a folder (statfs is the rarest call that passes a dentry here). */
SEC("lsm/sb_statfs")
int BPF_PROG(hf_statfs, struct dentry *dentry, int ret)
{
	struct hf_enrol *enrol;

	if (ret)
		return ret;
	enrol = enrol_asked();
	if (enrol)
		enrol_identify(enrol, dentry);
	return 0;
}

/* Run once by the daemon's enrolling thread: from now on it is the one that enrol_asked knows. */
SEC("syscall")
int hf_register(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_enrol *enrol = enrol_slot();

	if (!enrol)
		return -ENOENT;
	enrol->active = 0;
	enrol->task = (u64)task;
	enrol->start_ns = task->start_boottime;
	return 0;
}

/* The same by its settling thread, for settle_asked. */
SEC("syscall")
int hf_register_settler(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_settling *settling = settle_slot();

	if (!settling)
		return -ENOENT;
	settling->active = 0;
	settling->task = (u64)task;
	settling->start_ns = task->start_boottime;
	return 0;
}

/* Run once by the daemon: where its program lies, for guard_runs_program. */
SEC("syscall")
int hf_tell_place(void *ctx)
{
	struct hf_config *cfg = config();

	return cfg ? guard_tell_place(&cfg->told_place) : -ENOENT;
}

/* Read by the daemon: tags the tasks of adopted containers, and lists whoever is not at home in the host's root. */
SEC("iter/task")
int hf_survey_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	return task ? adopt_task(ctx->meta->seq, task) : 0;
}

/* Read by the daemon: reports what processes of adopted containers run. */
SEC("iter/task")
int hf_survey_programs(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct request r = { .facts.op = HF_OP_EXEC, .event_flags = HF_EVENT_EXISTING };
	u64 exe;

	if (!task || !adopt_is_surveyed(task))
		return 0;
	exe = address_of(BPF_CORE_READ(task, mm, exe_file));
	if (exe)
		adopt_report(task, exe, &r);
	return 0;
}

/* … and what they have mapped as code. */
SEC("iter/task_vma")
int hf_survey_maps(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;
	struct vm_area_struct *vma = ctx->vma;
	struct request r = { .facts.op = HF_OP_MMAP, .event_flags = HF_EVENT_EXISTING, .prot = KERNEL_PROT_EXEC };

	if (!task || !vma || !(vma->vm_flags & KERNEL_VM_EXEC) || !adopt_is_surveyed(task))
		return 0;
	if (adopt_take_mapping(&r, task, vma))
		adopt_report(task, address_of(vma->vm_file), &r);
	return 0;
}
