/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Drifted files that interpreters of the image open for reading: which of them are scripts.
 *
 * Owns: the way from an open to that question. Must not know: what the policy says to the answer, names and options (likely.h).
 *
 *   I1  A file of the image as it was leaves at once, and so does every task that runs no interpreter.
 *   I2  What the user's memory says (arguments, the path given to open) can only make a file a script.
 */
#ifndef BPF_LSM_SCRIPTS_H
#define BPF_LSM_SCRIPTS_H

#include "bpf-lsm/interpreter.h"
#include "bpf-lsm/judge.h"
#include "bpf-lsm/kernel_open.h"

#define SCRIPT_TRIES_MAX 64 /* drifted files that a program may open before its main script; later ones are no operands */
#define SCRIPT_ARGS_MAX (HF_PATH_BYTES - 1) /* bytes of the command line that are looked at; a mask */
#define SCRIPT_PYCACHE LIKELY_WORD("__pycach")

/* How sure it is: HF_FACT_* to go with the question, and SCRIPT_YES. */
#define SCRIPT_YES 0x1u
#define SCRIPT_WEAK 0x2u /* only an interactive shell's habit says so: files of declared volumes are left alone */

static __always_inline bool script_is_pseudo(u32 magic)
{
	return magic == KERNEL_MAGIC_PROC || magic == KERNEL_MAGIC_SYSFS || magic == KERNEL_MAGIC_CGROUP ||
	       magic == KERNEL_MAGIC_CGROUP2 || magic == KERNEL_MAGIC_DEVPTS || magic == KERNEL_MAGIC_DEBUGFS ||
	       magic == KERNEL_MAGIC_TRACEFS || magic == KERNEL_MAGIC_SECURITYFS || magic == KERNEL_MAGIC_MQUEUE ||
	       magic == KERNEL_MAGIC_NSFS;
}

/* --- what the name says ------------------------------------------------------------------------------------------------------ */

static __always_inline u32 script_read_name(struct hf_scratch *s, struct dentry *dentry)
{
	u32 len = BPF_CORE_READ(dentry, d_name.len) & PATH_NAME_MASK;

	if (bpf_probe_read_kernel(s->text.name, len, BPF_CORE_READ(dentry, d_name.name)))
		return 0;
	return len;
}

/* likely.h, once for the verifier each: what a name in the scratch says. */
__noinline u64 script_suffix(struct hf_scratch *s, u32 name_bytes)
{
	return s ? likely_suffix(s->text.name, name_bytes) : 0;
}

__noinline u32 script_has_suffix(struct hf_scratch *s, u32 name_bytes)
{
	return s ? likely_has_suffix(s->text.name, name_bytes) : 1;
}

__noinline u32 script_by_suffix(u32 kind, u64 suffix, u32 is_cached)
{
	return likely_by_suffix(kind, suffix, is_cached);
}

__noinline u32 script_by_name(struct hf_scratch *s, u32 kind, u32 name_bytes)
{
	return s ? likely_by_name(kind, s->text.name, name_bytes) : 0;
}

__noinline u32 script_is_shell_data(struct hf_scratch *s, u32 name_bytes)
{
	return s ? likely_is_shell_data(s->text.name, name_bytes) : 0;
}

/* In the cache beside modules of the image. Beside modules that are none, compiled ones are as new as those. */
static __always_inline bool script_is_cached(struct dentry *dentry, u32 root_dev)
{
	struct dentry *cache = BPF_CORE_READ(dentry, d_parent);
	struct inode *modules = BPF_CORE_READ(cache, d_parent, d_inode);
	char head[LIKELY_SUFFIX_BYTES + 1] = {};
	u64 word = 0;

	bpf_probe_read_kernel_str(head, sizeof(head), BPF_CORE_READ(cache, d_name.name));
	__builtin_memcpy(&word, head, sizeof(word));
	if (word != SCRIPT_PYCACHE || !modules || BPF_CORE_READ(modules, i_sb, s_dev) != root_dev)
		return false;
	return BPF_CORE_READ(modules, i_sb, s_magic) != KERNEL_MAGIC_OVERLAY || overlay_has_lower(modules);
}

/* --- what the command line says ---------------------------------------------------------------------------------------------- */

struct script_args_run {
	struct hf_scratch *scratch;
	u32 bytes;
};

static long script_args_step(u32 index, void *data)
{
	struct script_args_run *run = data;
	struct hf_scratch *s = run->scratch;
	u8 c;

	if (index >= run->bytes || index >= sizeof(s->text.args))
		return 1;
	c = s->text.args[index];
	if (c)
		likely_byte(&s->args, c, s->text.name, s->text.path);
	else
		likely_end(&s->args);
	return s->args.result != 0;
}

/* The path that open(2) was given, as the current task wrote it. */
static __always_inline u32 script_read_path(struct hf_scratch *s, struct task_struct *task)
{
	u64 address = kernel_open_path((void *)bpf_task_pt_regs(task));
	long n = address ? bpf_probe_read_user_str(s->text.path, sizeof(s->text.path), (void *)address) : 0;

	return n > 1 && n < (long)sizeof(s->text.path) ? (u32)n - 1 : 0;
}

/* Runs the machine of likely_args.h over the current task's arguments. The scratch holds the name. Returns its answer. A global
 * function: seen once by the verifier. */
__noinline u32 script_look_at_args(u32 kind, u32 loader, u32 name_bytes)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_scratch *s = bpf_task_storage_get(&hf_scratches, task, 0, 0);
	struct script_args_run run = {};
	struct mm_struct___args *mm;
	u64 start, bytes;

	if (!s)
		return LIKELY_ARGS_ELSE;
	mm = (void *)BPF_CORE_READ(task, mm);
	start = BPF_CORE_READ(mm, arg_start);
	bytes = BPF_CORE_READ(mm, arg_end) - start;
	run.scratch = s;
	run.bytes = bytes < SCRIPT_ARGS_MAX ? bytes : SCRIPT_ARGS_MAX;
	barrier_var(run.bytes); /* the compiler knows the bound, the verifier wants to see it */
	run.bytes &= SCRIPT_ARGS_MAX;
	__builtin_memset(&s->args, 0, sizeof(s->args));
	s->args.interpreter = kind == HF_INTERPRETER_BASH ? HF_INTERPRETER_SHELL : kind;
	s->args.loader = loader;
	s->args.name_bytes = name_bytes;
	s->args.path_bytes = script_read_path(s, task);
	if (bpf_probe_read_user(s->text.args, run.bytes, (void *)start)) {
		if (kind == HF_INTERPRETER_MULTI)
			s->args.interpreter = HF_INTERPRETER_SHELL; /* cannot be told: what matters most */
		return LIKELY_ARGS_ELSE;
	}
	bpf_loop(sizeof(s->text.args), script_args_step, &run, 0);
	return likely_finish(&s->args, bytes > SCRIPT_ARGS_MAX);
}

/* Whether the process has run nothing but its own fork: a shell's child that opens what its command will read. */
static __always_inline bool script_is_forked(struct task_struct *task)
{
	return task->group_leader->flags & KERNEL_PF_FORKNOEXEC;
}

/* --- the question ------------------------------------------------------------------------------------------------------------ */

/* One drifted file before one interpreter. */
struct script_guess {
	struct hf_scratch *scratch;
	struct interpreter *note;
	struct dentry *dentry;
	u32 mode; /* of the file */
	u32 kind;
	u32 name_bytes;
	u32 how; /* enum likely_args_result; LIKELY_ARGS_GO_ON: the command line was not looked at */
};

static __always_inline void script_ask_args(struct script_guess *g)
{
	if (g->how != LIKELY_ARGS_GO_ON || g->kind & HF_INTERPRETER_EMBEDDED)
		return;
	g->how = script_look_at_args(g->kind, g->note->loader, g->name_bytes);
}

/* A multi-call program is what its first argument says, and most of its applets interpret nothing. False: one of those. */
static __always_inline bool script_find_applet(struct script_guess *g)
{
	if (g->kind != HF_INTERPRETER_MULTI)
		return true;
	script_ask_args(g);
	g->kind = g->scratch->args.interpreter;
	if (g->how != LIKELY_ARGS_NONE)
		return true;
	g->note->kind = HF_INTERPRETER_NONE;
	return false;
}

/* By name, mode and what it was in the image. */
static __always_inline u32 script_by_file(struct script_guess *g, u32 *ret_is_plain)
{
	u64 suffix = script_suffix(g->scratch, g->name_bytes);
	u32 likely = script_by_suffix(g->kind, suffix, script_is_cached(g->dentry, g->note->root_dev));

	if (likely == LIKELY_BYTECODE) {
		script_ask_args(g);
		return g->how == LIKELY_ARGS_SCRIPT ? SCRIPT_YES : SCRIPT_YES | HF_FACT_BYTECODE;
	}
	if (likely == LIKELY_SCRIPT || script_by_name(g->scratch, g->kind, g->name_bytes))
		return SCRIPT_YES;
	*ret_is_plain = !suffix && !script_has_suffix(g->scratch, g->name_bytes);
	return *ret_is_plain && g->mode & KERNEL_S_IXUGO ? SCRIPT_YES : 0;
}

/* By the command line. is_new: no file of the image was there; is_plain: no suffix. */
static __always_inline u32 script_by_args(struct script_guess *g, bool is_new, bool is_plain)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	if (g->kind != HF_INTERPRETER_SHELL && g->kind != HF_INTERPRETER_BASH) {
		if (g->note->tries >= SCRIPT_TRIES_MAX)
			return 0;
		g->note->tries++;
	}
	script_ask_args(g);
	if (g->how == LIKELY_ARGS_SCRIPT)
		return SCRIPT_YES;
	/* Of an interactive bash, or one that reads its commands from a pipe: a new file without a suffix is what it sources. Other shells
	 * open what their commands read in the same way. */
	if (g->kind != HF_INTERPRETER_BASH || g->how != LIKELY_ARGS_STDIN || !is_new || !is_plain || script_is_forked(task))
		return 0;
	return script_is_shell_data(g->scratch, g->name_bytes) ? 0 : SCRIPT_YES | SCRIPT_WEAK;
}

/* SCRIPT_*, HF_FACT_BYTECODE: what the current interpreter makes of a drifted file (its address). A global function, as above. */
__noinline u32 script_likely(u64 file)
{
	struct script_guess g = { .scratch = scratch_of_current(), .how = LIKELY_ARGS_GO_ON };
	u32 is_plain = 0, answer;
	struct inode *inode;
	bool has_lower;

	g.note = interpreter_note((void *)bpf_get_current_task_btf());
	if (!g.note || !file)
		return 0;
	if (!g.scratch) {
		count(HF_COUNTER_EVENTS_NO_MEMORY);
		return SCRIPT_YES;
	}
	g.kind = g.note->kind;
	g.dentry = BPF_CORE_READ((struct file *)file, f_path.dentry);
	inode = BPF_CORE_READ((struct file *)file, f_inode);
	g.mode = BPF_CORE_READ(inode, i_mode);
	g.name_bytes = script_read_name(g.scratch, g.dentry);
	if (!script_find_applet(&g))
		return 0;
	answer = script_by_file(&g, &is_plain);
	if (answer)
		return answer;
	has_lower = BPF_CORE_READ(inode, i_sb, s_magic) == KERNEL_MAGIC_OVERLAY && overlay_has_lower(inode);
	/* One of the image's #! scripts, changed, whatever its name. */
	if (has_lower && interpreter_entry(file, g.note->layer_set))
		return SCRIPT_YES;
	return script_by_args(&g, !has_lower, is_plain);
}

/* --- the open ---------------------------------------------------------------------------------------------------------------- */

/*
 * What a file that is being opened is: its own private data is not set yet, so that the overlay's inode tells where its bytes are. As
 * object_resolve otherwise.
 */
__noinline int script_resolve(struct object *o, u64 address)
{
	struct file *file = (void *)address;
	struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	struct dentry *upper;

	if (!o || !inode)
		return -EINVAL;
	o->path.mnt = BPF_CORE_READ(file, f_path.mnt);
	o->path.dentry = BPF_CORE_READ(file, f_path.dentry);
	o->inode = o->real = inode;
	if (BPF_CORE_READ(inode, i_sb, s_magic) == KERNEL_MAGIC_OVERLAY) {
		upper = overlay_upper_data(inode) ? BPF_CORE_READ(overlay_inode(inode), __upperdentry) : NULL;
		o->real = upper ? BPF_CORE_READ(upper, d_inode) : overlay_named_inode(inode);
	}
	if (o->real)
		o->real_magic = identify_inode(o->real, &o->key, &o->value);
	else
		o->detail = HF_DETAIL_NO_REAL_FILE;
	object_classify(o);
	return 0;
}

/*
 * A file of the image with its data in the writable layer: moved there by chmod, chown and such, or changed? As copyup.h has it, but for
 * all files, not for the catalogue's: their layers are believed to be as they were. What an adopted container copied up before is
 * taken for unchanged if its size is.
 */
static __always_inline void script_prove_copy(struct object *o, const struct subject *s)
{
	struct inode *lower = overlay_lower_inode(o->inode);
	struct hf_catalog_key key = {};
	struct hf_catalog_value now = {};
	u32 noted;

	if ((s->flags & (HF_CONTAINER_CLEAN_UPPER | HF_CONTAINER_WRITES_LOST)) != HF_CONTAINER_CLEAN_UPPER || !lower)
		return;
	identify_inode(lower, &key, &now);
	if (entry_size(&now) != entry_size(&o->value))
		return;
	noted = copyup_noted(s->id, key.ino, (u64)key.dev << 32 | key.generation);
	if (noted & HF_WRITTEN_BYTES || (noted & HF_WRITTEN_LINKED && !overlay_is_traceable((u64)o->inode)))
		return;
	o->bits |= HF_FACT_COPIED_UP;
}

static __always_inline bool script_is_off(const struct hf_policy *policy)
{
	return policy && policy->valid && policy->action[HF_CLASS_SCRIPT][HF_REASON_SCRIPT] == HF_ACTION_ALLOW &&
	       policy->bytecode == HF_ACTION_ALLOW;
}

/* Is it to be judged? SCRIPT_* and HF_FACT_BYTECODE, 0: no. A global function beside script_judge, not below it: 6.1's stack. */
__noinline u32 script_asked(u64 file)
{
	struct hf_policy *policy;
	struct subject s = {};

	if (subject_of_current(&s) != HF_SUBJECT_CONTAINER)
		return 0;
	policy = policy_slot(s.policy);
	if (script_is_off(policy))
		return 0;
	return policy && policy->all_script_files ? SCRIPT_YES : script_likely(file);
}

/* A file that is not the image's as it was; how: script_asked's answer. 0 or -EPERM. A global function, as judge_file. */
__noinline int script_judge(u64 file, u32 how)
{
	struct request r = { .facts.op = HF_OP_READ, .facts.volume = _HF_VOLUME_MAX };
	struct hf_config *cfg = config();
	struct subject s = {};
	struct object o = {};

	if (!cfg || subject_of_current(&s) != HF_SUBJECT_CONTAINER)
		return 0;
	if (script_resolve(&o, file))
		o.detail = HF_DETAIL_NO_REAL_FILE;
	r.facts.bits = how & HF_FACT_BYTECODE;
	facts_of_file(&r.facts, &s, &o);
	if ((o.bits & COPYUP_BITS) == (COPYUP_BITS & ~HF_FACT_HIT))
		script_prove_copy(&o, &s);
	r.facts.bits |= o.bits & HF_FACT_COPIED_UP;
	if (how & SCRIPT_WEAK && r.facts.volume < _HF_VOLUME_MAX)
		return 0;
	/* On a root that is no overlay only the catalogue tells what the image had, and it has no scripts without a #! line. */
	if ((r.facts.bits & (HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_HIT)) == HF_FACT_ROOT_WORLD &&
	    r.facts.volume == _HF_VOLUME_MAX)
		return 0;
	return judge(&s, &o, &r, cfg);
}

/* ld.so was handed a program: from the first interpreter that it opens on, the task is that one. */
static __always_inline void script_follow_loader(struct interpreter *note, u64 file)
{
	u32 kind = interpreter_of_file(file, note->layer_set);

	if (!kind || kind == HF_INTERPRETER_LOADER)
		return;
	note->kind = kind;
	note->loader = 1;
}

/* An interpreter opens a file (its address) that may not be the image's. 0 or -EPERM. */
static __always_inline int script_open(u64 address)
{
	struct interpreter *note = interpreter_note((void *)bpf_get_current_task_btf());
	struct file *file = (void *)address;
	struct super_block *sb;
	struct inode *inode;
	u32 magic, how;

	if (!note || !file)
		return 0;
	if (note->kind == HF_INTERPRETER_LOADER)
		script_follow_loader(note, address);
	inode = BPF_CORE_READ(file, f_inode);
	sb = BPF_CORE_READ(inode, i_sb);
	magic = BPF_CORE_READ(sb, s_magic);
	if (magic == KERNEL_MAGIC_OVERLAY && BPF_CORE_READ(sb, s_dev) == note->root_dev && !overlay_upper_data(inode))
		return 0;
	if (note->kind == HF_INTERPRETER_LOADER || script_is_pseudo(magic) || file_is_below(file)) /* a copy-up reads, too */
		return 0;
	how = script_asked(address);
	return how ? script_judge(address, how) : 0;
}

/* An open for reading by a task that is not plainly the host's. 0 or -EPERM. */
static __always_inline int script_on_open(struct file *file)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct inode *inode = file->f_inode;
	struct interpreter *note;

	if ((inode->i_mode & KERNEL_S_IFMT) != KERNEL_S_IFREG || file->f_flags & KERNEL_OPENED_FOR_EXEC)
		return 0;
	if (file->f_path.dentry->d_inode != inode) /* below an overlay, up to 6.7 */
		return 0;
	if (interpreter_is_known_none(task))
		return 0;
	note = interpreter_note(task);
	if (!note) {
		if (!interpreter_learn())
			return 0;
	} else if (!note->kind) {
		return 0;
	}
	return script_open(address_of(file)) ? -EPERM : 0;
}
#endif
