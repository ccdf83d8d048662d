/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is a file the one that the command line hands to the interpreter as its script? Pure: a machine that is fed the arguments byte by byte.
 *
 * Owns: how each family reads its options, and where its script stands among them. Must not know: where the bytes come from. The
 * arguments are the user's, and may lie: what they say can only make a file a script, never keep it from being one.
 */
#ifndef BPF_LSM_LIKELY_ARGS_H
#define BPF_LSM_LIKELY_ARGS_H

#include "bpf-lsm/likely.h"

#define LIKELY_PATH_BYTES 1024 /* of the path that is being opened; a longer one is compared by its last component alone */

enum likely_args_result {
	LIKELY_ARGS_GO_ON,
	LIKELY_ARGS_SCRIPT, /* the file is the script */
	LIKELY_ARGS_ELSE,   /* the script is another file, a text of the command line, or nothing that is read from files */
	LIKELY_ARGS_STDIN,  /* no script at all: a terminal, a pipe, an interactive session */
	LIKELY_ARGS_NONE,   /* no interpreter: another applet of a multi-call program */
};

/* What the next argument is, or the rest of this one. */
enum likely_expect {
	LIKELY_EXPECT_ANY,
	LIKELY_EXPECT_VALUE,  /* of an option, nothing to us */
	LIKELY_EXPECT_SCRIPT, /* of an option: a file with code */
	LIKELY_EXPECT_LAST,   /* the same, and what comes behind it are its arguments */
	LIKELY_EXPECT_CODE,   /* a text: no file is the script */
	LIKELY_EXPECT_REST,   /* a value that can only stand in the same argument */
};

/* The file in question, and the machine's state. Zeroed, then interpreter (of the two kinds of shells HF_INTERPRETER_SHELL), loader, name
 * and path filled in. */
struct likely_args {
	__u8 interpreter; /* enum hf_interpreter; for HF_INTERPRETER_MULTI replaced by what the applet is */
	__u8 loader;	  /* 1: the command line is ld.so's, the interpreter's begins behind its options */
	__u8 result;	  /* enum likely_args_result */
	__u8 expect;	  /* enum likely_expect: of this argument */
	__u8 next;	  /* … of the one behind it */
	__u8 attached;	  /* … of what follows the letter in this very argument */
	__u8 options_over; /* "--" was there */
	__u8 text_next;	  /* a shell's -c: its text is the first argument that is no option */
	__u8 in_text;	  /* this argument is that text */
	__u8 sources;	  /* the last word of the text was "." or "source" */
	__u8 to_stdin;	  /* a shell's -s: what follows are arguments */
	__u8 first;	  /* of this argument */
	__u8 base_differs, path_differs; /* from the file's, so far */
	__u32 index;	  /* of this argument */
	__u32 len;
	__u32 base_len, path_len; /* so far */
	__u32 rest;	  /* where the attached value begins */
	__u64 head;	  /* the argument's first eight bytes */
	__u64 long_head;  /* the first eight of a long option's name */
	__u64 base_head;  /* of its last component */
	__u32 name_bytes, path_bytes;
};

#define WORD_IS(text) (word == LIKELY_WORD(text))

/* --- options, by family ------------------------------------------------------------------------------------------------------ */

static __always_inline __u8 likely_letter_shell(struct likely_args *a, __u8 c)
{
	if (c == 'c')
		a->text_next = 1;
	if (c == 's')
		a->to_stdin = 1;
	if (c == 'o' || c == 'O') /* "-euo pipefail": the value is the next argument's, whatever letters follow */
		a->next = LIKELY_EXPECT_VALUE;
	return LIKELY_EXPECT_ANY;
}

/* Of a letter among the options: what it makes of the rest of its argument, or of the next one. */
static __always_inline __u8 likely_letter(struct likely_args *a, __u8 c)
{
	switch (a->interpreter) {
	case HF_INTERPRETER_SHELL:
		return likely_letter_shell(a, c);
	case HF_INTERPRETER_PYTHON:
		if (c == 'c' || c == 'm')
			return LIKELY_EXPECT_CODE;
		return c == 'W' || c == 'X' ? LIKELY_EXPECT_VALUE : LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_PERL:
		if (c == 'e' || c == 'E')
			return LIKELY_EXPECT_CODE;
		if (c == 'I')
			return LIKELY_EXPECT_VALUE;
		return c == 'M' || c == 'm' || c == 'x' || c == 'i' || c == 'F' || c == 'D' || c == 'C' || c == 'd' ||
				       c == 'l' || c == '0' ?
			       LIKELY_EXPECT_REST :
			       LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_RUBY:
		if (c == 'e')
			return LIKELY_EXPECT_CODE;
		if (c == 'r')
			return LIKELY_EXPECT_SCRIPT;
		if (c == 'I' || c == 'C' || c == 'E')
			return LIKELY_EXPECT_VALUE;
		return c == 'x' || c == 'i' || c == 'F' || c == 'K' || c == 'W' || c == 'T' || c == '0' ? LIKELY_EXPECT_REST :
													   LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_NODE:
		if (c == 'e' || c == 'p')
			return LIKELY_EXPECT_CODE;
		return c == 'r' ? LIKELY_EXPECT_SCRIPT : c == 'C' ? LIKELY_EXPECT_VALUE : LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_PHP:
		if (c == 'r' || c == 'R' || c == 'B' || c == 'E')
			return LIKELY_EXPECT_CODE;
		if (c == 'f' || c == 'F')
			return LIKELY_EXPECT_SCRIPT;
		return c == 'c' || c == 'd' || c == 'z' || c == 'S' || c == 't' ? LIKELY_EXPECT_VALUE : LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_LUA:
		return c == 'e' || c == 'l' || c == 'j' ? LIKELY_EXPECT_VALUE : c == 'O' ? LIKELY_EXPECT_REST : LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_FILTER:
		if (c == 'f' || c == 'E')
			return LIKELY_EXPECT_SCRIPT;
		return c == 'F' || c == 'v' || c == 'e' || c == 'l' ? LIKELY_EXPECT_VALUE : c == 'i' ? LIKELY_EXPECT_REST :
												       LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_OTHER:
		return c == 'f' || c == 's' || c == 'l' ? LIKELY_EXPECT_SCRIPT : c == 'c' || c == 'e' ? LIKELY_EXPECT_CODE :
													LIKELY_EXPECT_ANY;
	default:
		return LIKELY_EXPECT_ANY;
	}
}

/* Of a long option's name: what its value is, behind '=' or in the next argument. */
static __always_inline __u8 likely_long(__u8 interpreter, __u64 word)
{
	switch (interpreter) {
	case HF_INTERPRETER_SHELL:
		return WORD_IS("rcfile") || WORD_IS("init-file") ? LIKELY_EXPECT_SCRIPT : LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_PYTHON:
		return WORD_IS("check-hash") ? LIKELY_EXPECT_VALUE : LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_RUBY:
		return WORD_IS("encoding") || WORD_IS("external") || WORD_IS("internal") ? LIKELY_EXPECT_VALUE : LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_NODE:
		if (WORD_IS("eval") || WORD_IS("print"))
			return LIKELY_EXPECT_CODE;
		if (WORD_IS("require") || WORD_IS("import") || WORD_IS("loader"))
			return LIKELY_EXPECT_SCRIPT;
		return WORD_IS("conditions") || WORD_IS("env-file") || WORD_IS("watch-path") ? LIKELY_EXPECT_VALUE :
											       LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_PHP:
		if (WORD_IS("run"))
			return LIKELY_EXPECT_CODE;
		if (WORD_IS("file"))
			return LIKELY_EXPECT_SCRIPT;
		return WORD_IS("php-ini") || WORD_IS("define") || WORD_IS("server") || WORD_IS("docroot") ? LIKELY_EXPECT_VALUE :
													    LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_FILTER:
		if (WORD_IS("file") || WORD_IS("exec") || WORD_IS("include"))
			return LIKELY_EXPECT_SCRIPT;
		return WORD_IS("expression") || WORD_IS("field-sep") || WORD_IS("assign") || WORD_IS("source") ?
			       LIKELY_EXPECT_VALUE :
			       LIKELY_EXPECT_ANY;
	case HF_INTERPRETER_OTHER:
		return WORD_IS("file") ? LIKELY_EXPECT_SCRIPT : LIKELY_EXPECT_ANY;
	default:
		return LIKELY_EXPECT_ANY;
	}
}

/* java's and erl's options are words behind one dash. */
static __always_inline __u8 likely_word_option(__u8 interpreter, __u64 word)
{
	if (interpreter == HF_INTERPRETER_ERLANG)
		return WORD_IS("-extra") ? LIKELY_EXPECT_LAST : LIKELY_EXPECT_ANY;
	if (WORD_IS("-jar"))
		return LIKELY_EXPECT_LAST;
	if (WORD_IS("-m") || WORD_IS("--module"))
		return LIKELY_EXPECT_CODE;
	if (WORD_IS("-cp") || WORD_IS("-p") || WORD_IS("-classpath") || WORD_IS("--class-path") || WORD_IS("--add-modules") ||
	    WORD_IS("--upgrade") || WORD_IS("--source") || WORD_IS("--patch-module") || WORD_IS("--limit-modules"))
		return LIKELY_EXPECT_VALUE;
	return LIKELY_EXPECT_ANY;
}

static __always_inline bool likely_has_word_options(__u8 interpreter)
{
	return interpreter == HF_INTERPRETER_JAVA || interpreter == HF_INTERPRETER_ERLANG;
}

/* ld.so's options that stand alone, without their first four bytes ("--inhibit-cache" is one, "--inhibit-rpath" is not); all others
 * take the next argument. */
#define LIKELY_LOADER_SKIP 4
static __always_inline bool likely_loader_flag(__u64 word)
{
	return WORD_IS("st") || WORD_IS("rify") || WORD_IS("hibit-cache") || WORD_IS("lp") || WORD_IS("rsion") ||
	       WORD_IS("st-tunables") || WORD_IS("st-diagnostics");
}

/* What an applet of a multi-call program is. */
static __always_inline __u8 likely_applet(__u64 word)
{
	if (WORD_IS("sh") || WORD_IS("ash") || WORD_IS("bash") || WORD_IS("hush") || WORD_IS("lash") || WORD_IS("msh"))
		return HF_INTERPRETER_SHELL;
	return WORD_IS("awk") || WORD_IS("sed") ? HF_INTERPRETER_FILTER : HF_INTERPRETER_NONE;
}

/* --- comparing --------------------------------------------------------------------------------------------------------------- */

static __always_inline void likely_compare_anew(struct likely_args *a)
{
	a->base_len = a->path_len = 0;
	a->base_differs = a->path_differs = 0;
	a->base_head = 0;
}

static __always_inline bool likely_same(const struct likely_args *a)
{
	return (a->name_bytes && !a->base_differs && a->base_len == a->name_bytes) ||
	       (a->path_bytes && !a->path_differs && a->path_len == a->path_bytes);
}

/* name and path: of the file that is opened, its real last component, and what open(2) was told. */
static __always_inline void likely_compare(struct likely_args *a, __u8 c, const char name[LIKELY_NAME_BYTES],
					   const char path[LIKELY_PATH_BYTES])
{
	if (a->path_len >= a->path_bytes || (__u8)path[a->path_len & (LIKELY_PATH_BYTES - 1)] != c)
		a->path_differs = 1;
	a->path_len++;
	if (c == '/') {
		a->base_len = 0;
		a->base_differs = 0;
		a->base_head = 0;
		return;
	}
	if (a->base_len >= a->name_bytes || (__u8)name[a->base_len & (LIKELY_NAME_BYTES - 1)] != c)
		a->base_differs = 1;
	if (a->base_len < LIKELY_SUFFIX_BYTES)
		a->base_head |= (__u64)c << 8 * (a->base_len & 7);
	a->base_len++;
}

/* --- the machine ------------------------------------------------------------------------------------------------------------- */

static __always_inline bool likely_breaks_command(__u8 c)
{
	return c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')' || c == '<' || c == '>' || c == 0;
}

static __always_inline bool likely_breaks_word(__u8 c)
{
	return likely_breaks_command(c) || c == ' ' || c == '\t' || c == '\'' || c == '"' || c == '`' || c == '{' || c == '}';
}

/* A word of a shell's -c text has ended before c. */
static __always_inline void likely_end_word(struct likely_args *a, __u8 c)
{
	if (a->path_len) {
		if (a->sources && likely_same(a))
			a->result = LIKELY_ARGS_SCRIPT;
		a->sources = (a->path_len == 1 && a->base_head == LIKELY_WORD(".")) ||
			     (a->path_len == 6 && a->base_head == LIKELY_WORD("source"));
	}
	if (likely_breaks_command(c))
		a->sources = 0;
	likely_compare_anew(a);
}

/* A byte behind the dash of an option: a letter, part of a long name, or of a value that has begun. */
static __always_inline void likely_option_byte(struct likely_args *a, __u8 c)
{
	bool is_long = (__u16)a->head == ('-' | '-' << 8);
	__u32 from = a->loader ? LIKELY_LOADER_SKIP : 2;

	if (a->attached || (likely_has_word_options(a->interpreter) && !a->loader))
		return;
	if (a->loader || (is_long && c != '=')) {
		if (a->len >= from && a->len < from + LIKELY_SUFFIX_BYTES)
			a->long_head |= (__u64)c << 8 * ((a->len - from) & 7);
		return;
	}
	a->attached = is_long ? LIKELY_EXPECT_REST : likely_letter(a, c);
	if (a->attached) {
		a->rest = a->len + 1;
		likely_compare_anew(a);
	}
}

static __always_inline bool likely_may_be_option(const struct likely_args *a)
{
	if (a->options_over || (a->first != '-' && (a->first != '+' || a->interpreter != HF_INTERPRETER_SHELL)))
		return false;
	return a->expect == LIKELY_EXPECT_ANY || a->expect == LIKELY_EXPECT_SCRIPT;
}

/* One byte of an argument; not its NUL. */
static __always_inline void likely_byte(struct likely_args *a, __u8 c, const char name[LIKELY_NAME_BYTES],
					const char path[LIKELY_PATH_BYTES])
{
	if (!a->len) {
		a->first = c;
		a->in_text = a->text_next && a->expect == LIKELY_EXPECT_ANY && (a->options_over || (c != '-' && c != '+'));
	}
	if (a->len < LIKELY_SUFFIX_BYTES)
		a->head |= (__u64)c << 8 * (a->len & 7);
	if (a->in_text && likely_breaks_word(c)) {
		likely_end_word(a, c);
	} else {
		likely_compare(a, c, name, path);
		if (!a->in_text && a->len && a->index && likely_may_be_option(a))
			likely_option_byte(a, c);
	}
	a->len++;
}

/* The program's own name has ended: which applet of a multi-call program it is, if it is one. */
static __always_inline void likely_end_program(struct likely_args *a)
{
	__u64 word = a->first == '-' && a->base_len == a->len ? a->base_head >> 8 : a->base_head; /* "-sh": a login shell */

	a->index = 1;
	if (a->interpreter != HF_INTERPRETER_MULTI)
		return;
	if (WORD_IS("busybox") || WORD_IS("toybox") || WORD_IS("busybox.static")) {
		a->index = 0; /* the next argument names it */
		return;
	}
	a->interpreter = likely_applet(word);
	if (!a->interpreter)
		a->result = LIKELY_ARGS_NONE;
}

static __always_inline void likely_end_loader(struct likely_args *a)
{
	if (a->expect != LIKELY_EXPECT_ANY || !a->index) {
		a->index = 1;
	} else if ((__u16)a->head == ('-' | '-' << 8)) {
		a->next = likely_loader_flag(a->long_head) ? LIKELY_EXPECT_ANY : LIKELY_EXPECT_VALUE;
	} else {
		a->loader = 0;
		likely_end_program(a);
	}
}

static __always_inline void likely_end_option(struct likely_args *a)
{
	__u8 kind = a->attached;
	bool has_value = kind && a->len > a->rest;

	if (likely_has_word_options(a->interpreter)) {
		a->next = likely_word_option(a->interpreter, a->head);
		return;
	}
	if (a->len == 2 && a->head == LIKELY_WORD("--")) {
		a->options_over = 1;
		return;
	}
	if ((__u16)a->head == ('-' | '-' << 8)) {
		has_value = kind;
		kind = likely_long(a->interpreter, a->long_head);
	}
	if (!has_value)
		a->next = a->next ? a->next : kind == LIKELY_EXPECT_REST ? LIKELY_EXPECT_ANY : kind;
	else if (kind == LIKELY_EXPECT_CODE)
		a->result = LIKELY_ARGS_ELSE;
	else if (kind == LIKELY_EXPECT_SCRIPT && likely_same(a))
		a->result = LIKELY_ARGS_SCRIPT;
}

static __always_inline void likely_end_operand(struct likely_args *a)
{
	__u64 word = a->head;

	if (a->interpreter == HF_INTERPRETER_FILTER || a->interpreter == HF_INTERPRETER_ERLANG)
		return;
	if (a->to_stdin) {
		a->result = LIKELY_ARGS_STDIN;
	} else if (likely_same(a)) {
		a->result = LIKELY_ARGS_SCRIPT;
	} else if ((a->interpreter == HF_INTERPRETER_DOTNET && WORD_IS("exec")) ||
		   (a->interpreter == HF_INTERPRETER_NODE && (WORD_IS("run") || WORD_IS("inspect")))) {
		return;
	} else {
		a->result = LIKELY_ARGS_ELSE;
	}
}

/* An argument of an option, or one that stands for itself. */
static __always_inline void likely_end_argument(struct likely_args *a)
{
	if (a->in_text) {
		likely_end_word(a, 0);
		if (!a->result)
			a->result = LIKELY_ARGS_ELSE;
	} else if (a->expect == LIKELY_EXPECT_VALUE) {
		return;
	} else if (a->expect == LIKELY_EXPECT_CODE) {
		a->result = LIKELY_ARGS_ELSE;
	} else if (a->expect == LIKELY_EXPECT_LAST) {
		a->result = likely_same(a) ? LIKELY_ARGS_SCRIPT : LIKELY_ARGS_ELSE;
	} else if (a->len > 1 && likely_may_be_option(a)) {
		likely_end_option(a);
	} else if (a->expect == LIKELY_EXPECT_SCRIPT) {
		if (likely_same(a))
			a->result = LIKELY_ARGS_SCRIPT;
	} else {
		likely_end_operand(a);
	}
}

/* The NUL behind an argument. */
static __always_inline void likely_end(struct likely_args *a)
{
	if (a->loader)
		likely_end_loader(a);
	else if (!a->index)
		likely_end_program(a);
	else
		likely_end_argument(a);
	a->expect = a->next;
	a->next = LIKELY_EXPECT_ANY;
	a->len = a->rest = 0;
	a->head = a->long_head = 0;
	a->attached = a->first = a->in_text = a->sources = 0;
	likely_compare_anew(a);
}

/* All that there is has been read. cut: there was more. */
static __always_inline __u8 likely_finish(struct likely_args *a, bool cut)
{
	if (a->result)
		return a->result;
	if (!cut)
		return LIKELY_ARGS_STDIN;
	if (a->in_text || a->interpreter == HF_INTERPRETER_JAVA || a->interpreter == HF_INTERPRETER_ERLANG ||
	    a->interpreter == HF_INTERPRETER_FILTER)
		return LIKELY_ARGS_ELSE; /* long texts and lists of libraries are what they live on */
	return LIKELY_ARGS_SCRIPT; /* nobody needs that many options, unless to hide what stands behind them */
}

#undef WORD_IS
#endif
