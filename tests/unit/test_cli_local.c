// SPDX-License-Identifier: Apache-2.0
/* What the tool does without a daemon: usage, help, files of policies, image scans, doctor, the terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "enforcer/util.h"
#include "tests/unit/cli_harness.h"

struct usage {
	const char *args[10];
	int code;
	const char *says; /* on standard error when the code is not 0, else on standard output */
};

static const struct usage usages[] = {
	{ { NULL }, 2, "Usage: holdfast" },
	{ { "--help" }, 0, "policy effective" },
	{ { "-h" }, 0, "Usage: holdfast" },
	{ { "--version" }, 0, "holdfast " },
	{ { "version", "-o", "json" }, 0, "\"protocol\": 1" },
	{ { "-o", "json", "version" }, 0, "\"protocol\": 1" },
	{ { "help" }, 0, "Commands:" },
	{ { "help", "image", "scan" }, 0, "Usage: holdfast image scan" },
	{ { "help", "pause" }, 0, "--for DURATION" },
	{ { "help", "nothing" }, 2, "no command \"nothing\"" },
	{ { "help", "unlock" }, 0, "--for DURATION" },
	{ { "help", "lock" }, 0, "Protects the enforcer" },
	{ { "help", "pause", "x" }, 2, "no command \"pause x\"" },
	{ { "stauts" }, 2, "did you mean \"holdfast status\"?" },
	{ { "policy" }, 2, "needs another word" },
	{ { "image" }, 2, "holdfast image scan" },
	{ { "policy", "efective" }, 2, "did you mean \"holdfast policy effective\"?" },
	{ { "frobnicate" }, 2, "see holdfast help" },
	{ { "evil\n\x1b[31m" }, 2, "evil\\x0a\\x1b[31m" },
	{ { "status", "--sokcet", "x" }, 2, "did you mean --socket?" },
	{ { "status", "-x" }, 2, "no option -x" },
	{ { "--outptu" }, 2, "did you mean --output?" },
	{ { "status", "extra" }, 2, "too many arguments" },
	{ { "status", "-o", "yaml" }, 2, "\"yaml\" is not json or table" },
	{ { "status", "-o" }, 2, "needs a value" },
	{ { "status", "--socket" }, 2, "needs a value" },
	{ { "status", "--socket", "/nowhere/control.sock" }, 4, "systemctl start holdfastd" },
	{ { "--socket", "/nowhere/control.sock", "containers" }, 4, "/nowhere/control.sock" },
	{ { "events", "-n", "-1" }, 2, "not a number" },
	{ { "events", "-n", "1x" }, 2, "not a number" },
	{ { "events", "-n", "99999999" }, 2, "at most" },
	{ { "pause" }, 2, "--for" },
	{ { "pause", "--for", "10" }, 2, "not a duration" },
	{ { "pause", "--for", "25h" }, 2, "at most 24h" },
	{ { "unlock" }, 2, "--for" },
	{ { "unlock", "--for", "10" }, 2, "not a duration" },
	{ { "policy", "validate" }, 2, "expected FILE" },
	{ { "policy", "effective", "--label", "novalue" }, 2, "not KEY=VALUE" },
	{ { "policy", "effective", "--label", "=v" }, 2, "not KEY=VALUE" },
	{ { "policy", "effective", "--policy", "/nowhere.yaml" }, 2, "/nowhere.yaml" },
	{ { "image", "scan" }, 2, "expected one of DIR and --layers" },
	{ { "image", "scan", "/usr", "--layers", "/usr:/etc" }, 2, "expected one of DIR and --layers" },
	{ { "image", "scan", "/nowhere" }, 2, "No such file" },
	{ { "image", "scan", "/dev/null" }, 2, "Not a directory" },
	{ { "image", "scan", "--list", "/nowhere" }, 2, "No such file" },
	{ { "image", "scan", "--layers", "/nowhere:/usr" }, 2, "--layers /nowhere:/usr: No such file" },
	{ { "image", "list", "--db", "/nowhere" }, 2, "no image database in /nowhere" },
	{ { "image", "show", "x", "--db", "/nowhere" }, 2, "no image database in /nowhere" },
	{ { "image", "verify", "x", "--db", "/nowhere" }, 2, "no image database in /nowhere" },
	{ { "image", "rm", "x", "--db", "/nowhere/deeper" }, 2, "/nowhere/deeper" },
	{ { "image", "rm" }, 2, "expected SET|LABEL" },
	{ { "image", "sacn" }, 2, "did you mean \"holdfast image scan\"?" },
	{ { "doctor", "--daemon", "/nowhere/holdfastd" }, 2, "cannot run /nowhere/holdfastd" },
};

static void test_usage_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++) {
		struct cli_result result = cli_run(NULL, usages[i].args);
		const char *said = usages[i].code ? result.err : result.out;

		if (result.code != usages[i].code || !strstr(said, usages[i].says))
			fail_msg("%s: exit code %d, out \"%s\", err \"%s\"", usages[i].args[0] ? usages[i].args[0] : "nothing",
				 result.code, result.out, result.err);
		cli_result_release(&result);
	}
}

static void test_every_command_explains_itself(void **state)
{
	(void)state;
	for (size_t i = 0; cli_command_at(i); i++) {
		const struct cli_command *command = cli_command_at(i);
		char words[64], *second;
		const char *args[] = { words, "--help", NULL, NULL };
		struct cli_result result;

		snprintf(words, sizeof(words), "%s", command->name);
		second = strchr(words, ' ');
		if (second) {
			*second = '\0';
			args[1] = second + 1;
			args[2] = "--help";
		}
		result = cli_run(NULL, args);
		assert_int_equal(result.code, 0);
		assert_non_null(strstr(result.out, command->name));
		assert_non_null(strstr(result.out, "Exit status:"));
		assert_non_null(strstr(result.out, "--output json|table"));
		assert_true(command->values_bytes <= CLI_VALUES_MAX);
		assert_true(command->summary[0] && command->help[0]);
		cli_result_release(&result);
	}
}

/* --- a folder with files ---------------------------------------------------------------------------------------- */

struct folder {
	char path[64];
};

static void write_file(const struct folder *folder, const char *name, const char *text, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

#define POLICY(name, mode)                                                                                               \
	"apiVersion: holdfast.dev/v1alpha1\nkind: DriftPolicy\nmetadata: {name: " name ", namespace: prod}\n"            \
	"spec: {mode: " mode "}\n"

static const char *const names[] = { "a.yaml", "b.yaml", "same.yaml", "bad.yaml", "doctor", "evil\n\x1b[31m\xff", "text" };

static int setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	strcpy(folder->path, "/tmp/holdfast-cli-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	write_file(folder, "a.yaml", POLICY("a", "enforce"), 0644);
	write_file(folder, "b.yaml", POLICY("b", "audit"), 0644);
	write_file(folder, "same.yaml", POLICY("a", "audit"), 0644);
	write_file(folder, "bad.yaml", POLICY("a", "enforcing"), 0644);
	write_file(folder, "doctor", "#!/bin/sh\necho \"args: $*\"\nexit ${HOLDFAST_TEST_EXIT:-0}\n", 0755);
	write_file(folder, names[5], "#!/bin/sh\n", 0644);
	write_file(folder, "text", "text\n", 0755);
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(folder->path), 0);
	free(folder);
	return 0;
}

/* Runs a command on files of the folder: "@a.yaml" stands for the file's path. */
static struct cli_result run_here(const struct folder *folder, const char *const *args)
{
	char paths[10][128];
	const char *full[11] = { NULL };
	size_t n = 0;

	for (; args[n]; n++) {
		snprintf(paths[n], sizeof(paths[n]), "%s/%s", folder->path, args[n] + 1);
		full[n] = args[n][0] == '@' ? paths[n] : args[n];
	}
	return cli_run("/nowhere/control.sock", full);
}

static const struct usage policy_cases[] = {
	{ { "policy", "validate", "@a.yaml" }, 0, "valid, 1 policy" },
	{ { "policy", "validate", "@a.yaml", "@b.yaml" }, 0, "all together: valid, 2 policies" },
	{ { "policy", "validate", "@bad.yaml" }, 1, "bad.yaml:4:14: \"enforcing\"" },
	{ { "policy", "validate", "@a.yaml", "@bad.yaml" }, 1, "a.yaml: valid" },
	{ { "policy", "validate", "@a.yaml", "@same.yaml" }, 1, "already defined" },
	{ { "policy", "validate", "@missing.yaml" }, 2, "missing.yaml" },
	{ { "policy", "validate", "@bad.yaml", "-o", "json" }, 1, "\"column\": 14" },
	{ { "policy", "validate", "@a.yaml", "-o", "json" }, 0, "\"valid\": true" },
	{ { "policy", "list", "--policy", "@a.yaml", "--policy", "@b.yaml" }, 0, "b.yaml:1" },
	{ { "policy", "list", "--policy", "@a.yaml" }, 0, "enforce" },
	{ { "policy", "effective", "--policy", "@a.yaml", "--namespace", "prod" }, 0, "DriftPolicy prod/a" },
	{ { "policy", "effective", "--policy", "@a.yaml", "--namespace", "test" }, 0, "builtin-audit" },
	{ { "policy", "effective", "--policy", "@a.yaml", "-n", "prod", "--annotation", "holdfast.dev/mode=off" }, 0,
	  "holdfast.dev/mode=off: " },
	{ { "policy", "effective", "--policy", "@a.yaml", "-n", "prod", "-o", "json" }, 0, "\"volumes_allow\"" },
};

static void test_policies_are_judged_offline(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(policy_cases); i++) {
		struct cli_result result = run_here(*state, policy_cases[i].args);

		if (result.code != policy_cases[i].code || !strstr(result.out, policy_cases[i].says))
			fail_msg("%s %s: exit code %d, out \"%s\", err \"%s\"", policy_cases[i].args[1], policy_cases[i].args[2],
				 result.code, result.out, result.err);
		cli_result_release(&result);
	}
}

static void test_broken_policy_cannot_be_resolved(void **state)
{
	static const char *const args[] = { "policy", "effective", "--policy", "@bad.yaml", NULL };
	struct cli_result result = run_here(*state, args);

	assert_int_equal(result.code, 1);
	assert_non_null(strstr(result.err, "bad.yaml:4:14:"));
	assert_string_equal(result.out, "");
	cli_result_release(&result);
}

static void test_image_scan_lists_code_by_content(void **state)
{
	static const char *const args[] = { "image", "scan", "--list", "@", NULL };
	static const char *const json_args[] = { "image", "scan", "--list", "@", "--details", "-o", "json", NULL };
	struct cli_result result = run_here(*state, args);
	struct json_object *json, *files;

	assert_int_equal(result.code, 0);
	assert_non_null(strstr(result.out, "/doctor"));
	assert_non_null(strstr(result.out, "\\x0a\\x1b[31m\\u{fffd}")); /* the C locale cannot show it */
	assert_null(strstr(result.out, "/text"));
	assert_non_null(strstr(result.out, "2 executable of 7 files"));
	cli_result_release(&result);
	result = run_here(*state, json_args);
	json = json_tokener_parse(result.out);
	files = cli_json_get(json, "files");
	assert_int_equal(json_object_array_length(files), 2);
	assert_string_equal(cli_json_text(json_object_array_get_idx(files, 0), "path"), "/doctor");
	assert_string_equal(cli_json_text(json_object_array_get_idx(files, 0), "kind"), "script");
	assert_string_equal(cli_json_text(json_object_array_get_idx(files, 0), "interpreter"), "/bin/sh");
	assert_string_equal(cli_json_text(json_object_array_get_idx(files, 1), "path_base64"), "L2V2aWwKG1szMW3/");
	assert_true(cli_json_true(json, "complete"));
	json_object_put(json);
	cli_result_release(&result);
}

static void test_doctor_passes_the_answer_on(void **state)
{
	static const char *const args[] = { "doctor", "--daemon", "@doctor", "-o", "json", NULL };
	static const char *const codes[] = { "0", "1", "2" };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct cli_result result;

		setenv("HOLDFAST_TEST_EXIT", codes[i], 1);
		result = run_here(*state, args);
		unsetenv("HOLDFAST_TEST_EXIT");
		assert_int_equal(result.code, (int)i);
		assert_string_equal(result.out, "args: --doctor -o json\n");
		cli_result_release(&result);
	}
}

static void test_table_shrinks_to_the_terminal(void **state)
{
	static const unsigned short widths[] = { 40, 60, 100 };
	const struct folder *folder = *state;
	const char *const args[] = { "image", "scan", "--list", folder->path, NULL };

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct cli_result result = cli_run_on_terminal(NULL, args, widths[i]);

		assert_int_equal(result.code, 0);
		assert_non_null(strstr(result.out, "script"));
		for (char *line = strtok(result.out, "\r\n"); line; line = strtok(NULL, "\r\n"))
			assert_true(strlen(line) <= widths[i]);
		cli_result_release(&result);
	}
}

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage_is_judged),
		cmocka_unit_test(test_every_command_explains_itself),
		FOLDER_TEST(test_policies_are_judged_offline),
		FOLDER_TEST(test_broken_policy_cannot_be_resolved),
		FOLDER_TEST(test_image_scan_lists_code_by_content),
		FOLDER_TEST(test_doctor_passes_the_answer_on),
		FOLDER_TEST(test_table_shrinks_to_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
