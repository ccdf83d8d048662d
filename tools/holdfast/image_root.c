// SPDX-License-Identifier: Apache-2.0
/*
 * The root directory of an image: its layers put together read-only in a mount namespace of our own, or a plain folder.
 *
 * Owns: that mount; it goes with its descriptor. Must not know: what is looked for in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "enforcer/util.h"
#include "tools/holdfast/image.h"

#define LAYERS_MAX 500	    /* the kernel's own limit */
#define OPTIONS_BYTES 4000u /* mount() takes a page */

void image_root_release(struct image_root *root)
{
	close_fd(&root->fd);
	free_ptr(&root->identity);
	free_ptr(&root->label);
}

/* --- putting layers together -------------------------------------------------------------------------------------- */

struct stack {
	const struct cli *cli;
	int fds[LAYERS_MAX];
	bool data_only[LAYERS_MAX];
	size_t n;
	char *top; /* path */
};

static void close_stack(struct stack *stack)
{
	for (size_t i = 0; i < stack->n; i++)
		close_fd(&stack->fds[i]);
	free_ptr(&stack->top);
}

static int add_layer(const struct imagedb_layer *layer, void *data)
{
	struct stack *stack = data;

	if (layer->changed) {
		cli_error(stack->cli, "%s is gone or no longer the layer that it was: scan the image again", layer->path);
		return -ESTALE;
	}
	if (stack->n == LAYERS_MAX)
		return -E2BIG;
	stack->data_only[stack->n] = layer->data_only;
	stack->fds[stack->n] = open(layer->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (stack->fds[stack->n] < 0)
		return -errno;
	if (stack->n++ == 0)
		stack->top = strdup(layer->path);
	return stack->top ? 0 : -ENOMEM;
}

/* Descriptors' numbers instead of paths: the options stay within a page, and no path needs escaping. */
static int write_options(const struct stack *stack, const struct imagedb_mounted_layers *like, char options[OPTIONS_BYTES])
{
	size_t used = (size_t)snprintf(options, OPTIONS_BYTES, "%s%slowerdir=", like->user_xattr ? "userxattr," : "",
				       like->metacopy ? "metacopy=on," : "");

	for (size_t i = 0; i < stack->n; i++) {
		const char *colon = i == 0 ? "" : stack->data_only[i] ? "::" : ":";

		used += (size_t)snprintf(options + used, OPTIONS_BYTES - used, "%s%d", colon, stack->fds[i]);
		if (used >= OPTIONS_BYTES)
			return -E2BIG;
	}
	return 0;
}

/* A mount namespace of our own. Layers have to be opened in it: an overlay takes only folders of its own namespace. */
static int enter_namespace(void)
{
	return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

/* Mounts over the top layer's folder, which nobody but us sees, and takes it off again: the root's descriptor, which is returned,
 * keeps it. */
static int mount_stack(const struct stack *stack, const char *options)
{
	_cleanup_(close_fd) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (here < 0 || chdir("/proc/self/fd") < 0)
		return -errno;
	if (mount("overlay", stack->top, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		r = -errno;
	if (fchdir(here) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		return r;
	r = open(stack->top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = r < 0 ? -errno : r;
	umount2(stack->top, MNT_DETACH);
	return r;
}

static int open_stack(const struct cli *cli, const char *identity, const struct imagedb_mounted_layers *like, int *ret)
{
	_cleanup_(close_stack) struct stack stack = { .cli = cli };
	bool single = strchr(identity, ';') == strrchr(identity, ';');
	char options[OPTIONS_BYTES];
	int r = single ? 0 : enter_namespace();

	if (r == 0)
		r = imagedb_layers_each(identity, add_layer, &stack);
	if (r < 0)
		return r;
	if (single) { /* an overlay of one folder shows that folder */
		*ret = TAKE_FD(stack.fds[0]);
		return 0;
	}
	r = write_options(&stack, like, options);
	if (r == 0)
		r = mount_stack(&stack, options);
	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

static enum cli_exit tell_stack(const struct cli *cli, int error)
{
	if (error == -ESTALE)
		return CLI_EXIT_NEGATIVE; /* told */
	cli_error(cli, "cannot put the layers together: %s%s", strerror(-error),
		  error == -EPERM || error == -EACCES ? ": run as root" : "");
	return CLI_EXIT_ERROR;
}

/* --- from what the user names ------------------------------------------------------------------------------------- */

/* A plain folder is named by its path; that it is the same folder is all that can be told. */
static int identify_folder(const char *folder, char **ret)
{
	_cleanup_(free_ptr) char *real = realpath(folder, NULL);

	if (!real)
		return -errno;
	return asprintf(ret, "folder:%s", real) < 0 ? -ENOMEM : 0;
}

static enum cli_exit take_plain_folder(const struct cli *cli, const char *folder, struct image_root *root)
{
	int r = identify_folder(folder, &root->identity);

	if (r < 0) {
		root->identity = NULL;
		cli_error(cli, "%s: %s", folder, strerror(-r));
		return CLI_EXIT_ERROR;
	}
	root->source = IMAGEDB_STORE_FOLDER_TREE;
	root->label = strdup(root->identity + strlen("folder:"));
	return root->label ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}

/* A writable layer is no part of the image: the layers below it are put together once more. */
static enum cli_exit take_overlay(const struct cli *cli, const char *folder, struct imagedb_mounted_layers *layers,
				  struct image_root *root)
{
	int r = 0;

	root->identity = TAKE_PTR(layers->identity);
	root->source = IMAGEDB_STORE_LAYERS;
	root->label = realpath(folder, NULL);
	if (layers->writable) {
		close_fd(&root->fd);
		r = open_stack(cli, root->identity, layers, &root->fd);
	}
	return r < 0 ? tell_stack(cli, r) : CLI_EXIT_OK;
}

enum cli_exit image_root_of_folder(const struct cli *cli, const char *folder, struct image_root *ret)
{
	struct imagedb_mounted_layers layers = { 0 };
	int r;

	ret->fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0) {
		cli_error(cli, "cannot scan %s: %m", folder);
		return CLI_EXIT_ERROR;
	}
	r = imagedb_layers_of_mount(ret->fd, &layers);
	if (r == 0)
		return take_overlay(cli, folder, &layers, ret);
	if (r == -ENODEV)
		return take_plain_folder(cli, folder, ret);
	cli_error(cli, "cannot tell the layers of %s: %s: name them with --layers", folder,
		  r == -EINVAL ? "mountinfo does not give their full paths" : strerror(-r));
	return CLI_EXIT_ERROR;
}

enum cli_exit image_root_of_layers(const struct cli *cli, const char *layers, struct image_root *ret)
{
	const struct imagedb_mounted_layers like = { 0 };
	int r = imagedb_layers_of_list(layers, &ret->identity);

	if (r < 0) {
		ret->identity = NULL;
		cli_error(cli, "--layers %s: %s", layers, r == -EINVAL ? "expected TOP:…:BOTTOM" : strerror(-r));
		return CLI_EXIT_ERROR;
	}
	ret->source = IMAGEDB_STORE_LAYERS;
	ret->label = strndup(layers, strcspn(layers, ":"));
	r = open_stack(cli, ret->identity, &like, &ret->fd);
	return r < 0 ? tell_stack(cli, r) : CLI_EXIT_OK;
}

enum cli_exit image_root_of_set(const struct cli *cli, const struct imagedb_store_set *set, struct image_root *ret)
{
	const struct imagedb_mounted_layers like = { 0 };
	const char *folder = set->identity + strlen("folder:");
	int r;

	ret->source = set->source;
	if (set->source == IMAGEDB_STORE_LAYERS) {
		r = open_stack(cli, set->identity, &like, &ret->fd);
		return r < 0 ? tell_stack(cli, r) : CLI_EXIT_OK;
	}
	ret->fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd >= 0)
		return CLI_EXIT_OK;
	cli_error(cli, "%s: %m: the folder is gone; \"holdfast image rm\" forgets it", folder);
	return CLI_EXIT_NEGATIVE;
}
