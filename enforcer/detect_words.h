/* SPDX-License-Identifier: Apache-2.0 */
/* Falco's words for flags and numbers of system calls: "O_CREAT|O_RDWR". Owns: the tables. Must not know: events, rules. */
#ifndef ENFORCER_DETECT_WORDS_H
#define ENFORCER_DETECT_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* Longest text of detect_words_flags(): all words of the longest table. */
#define DETECT_WORDS_BYTES 1024

/* Words by bits: several are joined. */
enum detect_flags {
	DETECT_FLAGS_OPEN,
	DETECT_FLAGS_MODE,
	DETECT_FLAGS_CLONE,
	DETECT_FLAGS_EXEC, /* enum hf_detect_file_flag */
	DETECT_FLAGS_UNLINK,
	DETECT_FLAGS_LINK,
	DETECT_FLAGS_RENAME,
	DETECT_FLAGS_PROT,
	DETECT_FLAGS_MMAP,
	DETECT_FLAGS_MEMFD,
	DETECT_FLAGS_MOUNT,
	DETECT_FLAGS_UMOUNT,
	DETECT_FLAGS_MODULE_INIT,
	DETECT_FLAGS_MODULE_DELETE,
	DETECT_FLAGS_RESOLVE,
	_DETECT_FLAGS_MAX
};

/* Words by number. */
enum detect_numbers {
	DETECT_NUMBERS_PTRACE,
	DETECT_NUMBERS_DOMAIN,
	DETECT_NUMBERS_SOCKET_TYPE,
	DETECT_NUMBERS_BPF,
	DETECT_NUMBERS_SHUTDOWN,
	DETECT_NUMBERS_FSCONFIG,
	DETECT_NUMBERS_SIGNAL,
	_DETECT_NUMBERS_MAX
};

/* Writes the words of the bits that have one, joined by '|', into DETECT_WORDS_BYTES; no NUL. Return: bytes; 0: there is no word. */
size_t detect_words_flags(enum detect_flags table, uint64_t value, char *ret);

/* NULL: it has none. */
const char *detect_words_number(enum detect_numbers table, uint64_t value);

#endif
