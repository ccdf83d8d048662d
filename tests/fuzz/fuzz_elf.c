// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for what imagedb reads of a file's content: magic, "#!" line, ELF headers with all details.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "imagedb/classify.h"
#include "imagedb/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct imagedb_start *start)
{
	static struct imagedb_elf elf;
	struct imagedb_script script;
	enum imagedb_kind kind;
	size_t bytes = 0;

	if (!imagedb_classify_magic(start, &kind))
		return;
	if (kind == IMAGEDB_KIND_SCRIPT) {
		imagedb_script_read(start, &script);
		return;
	}
	if (kind != IMAGEDB_KIND_ELF_OTHER)
		return;
	imagedb_elf_read(start, true, &elf);
	for (size_t i = 0; i < elf.details.needed_count; i++)
		bytes += strlen(elf.details.needed[i]);
	if (bytes > sizeof(elf.strings) || elf.kind > IMAGEDB_KIND_ELF_OTHER)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	size_t len = size < IMAGEDB_START_BYTES ? size : IMAGEDB_START_BYTES;
	uint8_t *exact = malloc(len ? len : 1);
	struct imagedb_start start = { .file_size = size, .bytes = exact, .len = len };

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || !exact || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	start.fd = fd;
	memcpy(exact, data, len);
	read_all(&start);
	free(exact);
	return 0;
}
