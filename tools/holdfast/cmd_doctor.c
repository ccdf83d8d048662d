// SPDX-License-Identifier: Apache-2.0
/* holdfast doctor: can this machine enforce? The daemon's program answers, since it alone loads kernel programs. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"

extern char **environ;

struct values {
	const char *daemon;
};

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

/* The folders in which the daemon's program is looked for, in this order: beside this one, PATH, the system's. */
static bool find_beside(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n < 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/holdfastd") > size)
		return false;
	strcpy(slash, "/holdfastd");
	return is_program(path);
}

static bool find_in(const char *folders, char *path, size_t size)
{
	while (folders && *folders) {
		size_t n = strcspn(folders, ":");

		snprintf(path, size, "%.*s/holdfastd", (int)n, folders);
		if (n > 0 && is_program(path))
			return true;
		folders += n + (folders[n] == ':');
	}
	return false;
}

static bool find_daemon(const char *given, char *path, size_t size)
{
	if (given)
		return snprintf(path, size, "%s", given) < (int)size;
	return find_beside(path, size) || find_in(getenv("PATH"), path, size) ||
	       find_in("/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin", path, size);
}

/* Runs the program on our own streams. Its exit status, or -errno. */
static int run_program(const struct cli *cli, char *path)
{
	char *argv[] = { path, (char *)"--doctor", (char *)"-o",
			 (char *)(cli->output == CLI_OUTPUT_JSON ? "json" : "table"), NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r, status;

	fflush(cli->out);
	r = posix_spawn_file_actions_init(&actions);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, fileno(cli->out), STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(&pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	char path[PATH_MAX];
	int r;

	(void)args, (void)n_args;
	if (!find_daemon(values->daemon, path, sizeof(path))) {
		cli_error(cli, "holdfastd is not installed here: name the program with --daemon PATH");
		return CLI_EXIT_ERROR;
	}
	r = run_program(cli, path);
	if (r == -EINTR)
		cli_error(cli, "%s was killed", path);
	else if (r < 0)
		cli_error(cli, "cannot run %s: %s", path, strerror(-r));
	return r < 0 ? CLI_EXIT_ERROR : (enum cli_exit)r;
}

static const struct cli_option options[] = {
	{ 0, "daemon", "PATH", "the program holdfastd (default: beside this one, in PATH, in /usr/sbin)", CLI_OPTION_TEXT,
	  offsetof(struct values, daemon) },
};

const struct cli_command cli_command_doctor = {
	.name = "doctor",
	.summary = "can this machine enforce, and if not, why",
	.help = "Runs \"holdfastd --doctor\", which loads and attaches a program for real and checks all that Holdfast needs.\n"
		"The exit status is 0 ready, 1 not supported (each reason is printed), 2 error.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.run = run,
};
