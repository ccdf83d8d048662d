/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is likely to be a script to an interpreter, by the name of the file: pure.
 *
 * Owns: the suffixes and names of each family. Must not know: tasks, files, maps, whether a file has drifted. Compiled natively for
 * the unit tests, as decide.h is.
 */
#ifndef BPF_LSM_LIKELY_H
#define BPF_LSM_LIKELY_H

#include <stdbool.h>

#include "bpf-lsm/abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Interpreters of the image by what is a script to them (likely.h). Told at enrolment, never by the name at run time. */
enum hf_interpreter {
	HF_INTERPRETER_NONE,
	HF_INTERPRETER_SHELL,
	HF_INTERPRETER_PYTHON,
	HF_INTERPRETER_PERL,
	HF_INTERPRETER_RUBY,
	HF_INTERPRETER_NODE,
	HF_INTERPRETER_PHP,
	HF_INTERPRETER_LUA,
	HF_INTERPRETER_FILTER, /* awk, sed: their first operand is no file, only -f names one */
	HF_INTERPRETER_JAVA,
	HF_INTERPRETER_ERLANG,
	HF_INTERPRETER_DOTNET,
	HF_INTERPRETER_MULTI,  /* busybox, toybox: what it is, its first argument says */
	HF_INTERPRETER_OTHER,  /* named by a #! line of the image, or of many languages' kind */
	HF_INTERPRETER_LOADER, /* ld.so: becomes what it is told to load */
	HF_INTERPRETER_BASH,   /* a shell whose child opens what a command is to read, so that itself it opens what it sources */
	_HF_INTERPRETER_MAX
};
#define HF_INTERPRETER_EMBEDDED 0x10u /* part of a program with arguments of its own (php-fpm): only names tell */
#define HF_INTERPRETER_HEAP HF_INTERPRETER_EMBEDDED /* … of no language: no program, but what one saved of its memory */
#define HF_INTERPRETER_MASK 0x1fu
_Static_assert(_HF_INTERPRETER_MAX <= HF_INTERPRETER_EMBEDDED, "four bits");
_Static_assert(HF_INTERPRETER_MASK << HF_ENTRY_INTERPRETER_SHIFT < 1u << HF_ENTRY_SIZE_SHIFT, "their place in the catalogue's entry");
_Static_assert(HF_ENTRY_SIZE_SHIFT + HF_ENTRY_SIZE_BITS == HF_ENTRY_COOKIE_SHIFT, "… before size and cookie");

#define LIKELY_NAME_BYTES 256	/* NAME_MAX and a NUL */
#define LIKELY_SUFFIX_BYTES 8	/* of a suffix or a word that is compared */

enum likely {
	LIKELY_DATA,
	LIKELY_BYTECODE, /* what a compiler made of a script, for the interpreter's own use */
	LIKELY_SCRIPT,
};

static __always_inline __u8 likely_lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* The first eight bytes of a text as a number: "py" is 'p' | 'y' << 8. */
#define LIKELY_WORD(text)                                                                        \
	((__u64)LIKELY_BYTE(text, 0) | (__u64)LIKELY_BYTE(text, 1) << 8 | (__u64)LIKELY_BYTE(text, 2) << 16 |  \
	 (__u64)LIKELY_BYTE(text, 3) << 24 | (__u64)LIKELY_BYTE(text, 4) << 32 | (__u64)LIKELY_BYTE(text, 5) << 40 | \
	 (__u64)LIKELY_BYTE(text, 6) << 48 | (__u64)LIKELY_BYTE(text, 7) << 56)
#define LIKELY_BYTE(text, i) ((i) < sizeof(text) - 1 ? (__u8)(text)[(i) < sizeof(text) ? (i) : 0] : 0)

/* The suffix of a name, in lower case, as a number. 0: there is none, or it is longer than any that matters; ".profile" has none. */
static __always_inline __u64 likely_suffix(const char name[LIKELY_NAME_BYTES], __u32 len)
{
	__u64 suffix = 0;

	for (__u32 i = 1; i <= LIKELY_SUFFIX_BYTES + 1; i++) {
		__u8 c;

		if (i >= len) /* the first byte is not looked at: a dot there begins a name, not a suffix */
			return 0;
		c = name[(len - i) & (LIKELY_NAME_BYTES - 1)];
		if (c == '.')
			return suffix;
		if (i <= LIKELY_SUFFIX_BYTES)
			suffix = suffix << 8 | likely_lower(c);
	}
	return 0;
}

/* Whether a name has any suffix at all, however long. */
static __always_inline bool likely_has_suffix(const char name[LIKELY_NAME_BYTES], __u32 len)
{
	for (__u32 i = 1; i < LIKELY_NAME_BYTES; i++) {
		if (i >= len)
			return false;
		if (name[(len - i) & (LIKELY_NAME_BYTES - 1)] == '.')
			return true;
	}
	return false;
}

/* The first eight bytes of a name, from its at-th on. */
static __always_inline __u64 likely_head(const char name[LIKELY_NAME_BYTES], __u32 at, __u32 len)
{
	__u64 head = 0;

	for (__u32 i = 0; i < LIKELY_SUFFIX_BYTES; i++) {
		if (at + i < len)
			head |= (__u64)(__u8)name[(at + i) & (LIKELY_NAME_BYTES - 1)] << 8 * i;
	}
	return head;
}

#define IS(text) (word == LIKELY_WORD(text))

static __always_inline __u8 likely_script_if(bool yes)
{
	return yes ? LIKELY_SCRIPT : LIKELY_DATA;
}

static __always_inline __u8 likely_if_shell(__u64 word)
{
	return likely_script_if(IS("sh") || IS("bash") || IS("dash") || IS("ash") || IS("zsh") || IS("ksh") || IS("mksh") ||
				IS("csh") || IS("tcsh") || IS("fish") || IS("zsh-them") || IS("bats"));
}

/* The interpreter's own cache lies in __pycache__; a compiled module anywhere else was put there by somebody. */
static __always_inline __u8 likely_if_python(__u64 word, bool cached)
{
	if (IS("pyc") || IS("pyo"))
		return cached ? LIKELY_BYTECODE : LIKELY_SCRIPT;
	return likely_script_if(IS("py") || IS("pyw") || IS("pyz") || IS("pyzw") || IS("pth") || IS("egg") || IS("whl"));
}

static __always_inline __u8 likely_if_node(__u64 word)
{
	return likely_script_if(IS("js") || IS("mjs") || IS("cjs") || IS("jsx") || IS("ts") || IS("mts") || IS("cts") || IS("tsx") ||
				IS("wasm"));
}

static __always_inline __u8 likely_if_php(__u64 word)
{
	return likely_script_if(IS("php") || IS("phtml") || IS("phar") || IS("pht") || IS("phps") || IS("inc") || IS("php3") ||
				IS("php4") || IS("php5") || IS("php7") || IS("php8"));
}

static __always_inline __u8 likely_if_other(__u64 word)
{
	return likely_script_if(IS("tcl") || IS("tm") || IS("exp") || IS("scm") || IS("rkt") || IS("r") || IS("jl") || IS("ps1") ||
				IS("psm1") || IS("nu") || IS("m4") || IS("mk") || IS("lisp") || IS("ml"));
}

/* What a suffix (likely_suffix) means to an interpreter. cached: the file lies in a folder of the interpreter's cache. */
static __always_inline __u8 likely_by_suffix(__u8 interpreter, __u64 word, bool cached)
{
	switch (interpreter & ~HF_INTERPRETER_EMBEDDED) {
	case HF_INTERPRETER_SHELL:
	case HF_INTERPRETER_BASH:
		return likely_if_shell(word);
	case HF_INTERPRETER_PYTHON:
		return likely_if_python(word, cached);
	case HF_INTERPRETER_PERL:
		return likely_script_if(IS("pl") || IS("pm") || IS("ph") || IS("al") || IS("t") || IS("psgi") || IS("cgi") ||
					IS("raku") || IS("rakumod"));
	case HF_INTERPRETER_RUBY:
		return likely_script_if(IS("rb") || IS("rbw") || IS("ru") || IS("rake") || IS("gemspec"));
	case HF_INTERPRETER_NODE:
		return likely_if_node(word);
	case HF_INTERPRETER_PHP:
		return likely_if_php(word);
	case HF_INTERPRETER_LUA:
		return likely_script_if(IS("lua") || IS("luac") || IS("luajit"));
	case HF_INTERPRETER_FILTER:
		return likely_script_if(IS("awk") || IS("gawk") || IS("sed"));
	case HF_INTERPRETER_JAVA:
		if (IS("jar") || IS("class") || IS("war") || IS("jmod") || IS("jsa"))
			return LIKELY_BYTECODE;
		return likely_script_if(IS("java") || IS("jsh"));
	case HF_INTERPRETER_ERLANG:
		if (IS("beam") || IS("ez"))
			return LIKELY_BYTECODE;
		return likely_script_if(IS("escript") || IS("erl") || IS("exs"));
	case HF_INTERPRETER_DOTNET:
		if (IS("dll") || IS("exe"))
			return LIKELY_BYTECODE;
		return likely_script_if(IS("csx") || IS("fsx"));
	case HF_INTERPRETER_OTHER:
		return likely_if_other(word);
	default:
		return LIKELY_DATA;
	}
}

/* Files that a shell sources by itself when it starts: their name without a leading dot. */
static __always_inline bool likely_is_profile(const char name[LIKELY_NAME_BYTES], __u32 len)
{
	__u32 at = name[0] == '.';
	__u64 word = likely_head(name, at, len);

	len -= at;
	if (IS("bash_pro") || IS("bash_log") || IS("bash_ali"))
		return true;
	return (IS("bashrc") && len == 6) || (IS("bash.bas") && len == 11) || (IS("profile") && len == 7) ||
	       (IS("kshrc") && len == 5) || (IS("mkshrc") && len == 6) || (IS("shrc") && len == 4) || (IS("shinit") && len == 6) ||
	       (IS("zshrc") && len == 5) || (IS("zshenv") && len == 6) || (IS("zprofile") && len == 8) ||
	       (IS("zlogin") && len == 6) || (IS("zlogout") && len == 7) || (IS("cshrc") && len == 5) ||
	       (IS("tcshrc") && len == 6);
}

/* What an interactive shell and the libraries below it read by themselves: no script, though nothing in the name says so. */
static __always_inline bool likely_is_shell_data(const char name[LIKELY_NAME_BYTES], __u32 len)
{
	__u64 word = likely_head(name, 0, len);

	if (len >= 7 && likely_head(name, len - 7, len) == LIKELY_WORD("history"))
		return true;
	return IS("locale-a") || IS("localtim") || IS("timezone") || IS("hosts") || IS("passwd") || IS("group") || IS("shadow") ||
	       IS(".inputrc") || IS("inputrc") || IS("hostname") || IS("services") || IS("protocol") || IS("LC_CTYPE") ||
	       IS("LC_MESSA") || IS("LC_COLLA") || IS("LC_TIME") || IS("LC_NUMER");
}

/* Files without a suffix that an interpreter looks for by their name. */
static __always_inline bool likely_by_name(__u8 interpreter, const char name[LIKELY_NAME_BYTES], __u32 len)
{
	__u64 word = likely_head(name, 0, len);

	switch (interpreter & ~HF_INTERPRETER_EMBEDDED) {
	case HF_INTERPRETER_SHELL:
	case HF_INTERPRETER_BASH:
		return likely_is_profile(name, len);
	case HF_INTERPRETER_RUBY:
		return ((IS("Gemfile") || IS("Rakefile")) && len <= 8) || (IS("Guardfil") && len == 9) || (IS(".irbrc") && len == 6);
	case HF_INTERPRETER_OTHER:
		return ((IS("Makefile") || IS("makefile")) && len == 8) || (IS("GNUmakef") && len == 11);
	default:
		return false;
	}
}

#undef IS
#endif
