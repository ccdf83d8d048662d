// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for what a runtime says: the OCI state as the hook reads it, and state and config.json as the daemon does. The
 * first line is the state, what follows the config.
 */
#include "enforcer/oci.h"
#include "tools/hook/hook.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return fd;
}

static void read_as_hook(const char *state_json, size_t len)
{
	struct hook_state state = { 0 };
	struct hook_text text = { 0 };
	char *message = NULL;
	int fd = file_of(state_json, len), r = hook_state_read(fd, UINT64_MAX, &state, &text);

	if (r < 0) {
		require(r == -EINVAL || r == -EFBIG);
	} else {
		require(state.id && *state.id && state.bundle && *state.bundle == '/' && state.pid > 1);
		r = hook_state_message(&state, &message);
		require(r == 0 ? message != NULL : r == -EMSGSIZE);
		free(message);
		hook_state_release(&state);
	}
	close(fd);
}

static void read_as_daemon(const char *state_json, const void *config, size_t len)
{
	struct oci_container *oci = NULL;
	char reterr[OCI_ERROR_BYTES] = "";
	int fd = file_of(config, len), r = oci_parse(state_json, fd, &oci, reterr);

	require(r == 0 ? oci != NULL : *reterr != '\0');
	oci_free(&oci);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	const size_t len = end ? (size_t)(end - data) : size;
	char *state = malloc(len + 1);

	require(state);
	memcpy(state, data, len);
	state[len] = '\0';
	read_as_hook(state, len);
	read_as_daemon(state, end ? end + 1 : data, end ? size - len - 1 : 0);
	free(state);
	return 0;
}
