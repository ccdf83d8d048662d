// SPDX-License-Identifier: Apache-2.0
/* What the kernel half takes for a script: by name, and by its place on the command line. Each script beside data that must not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bpf-lsm/likely_args.h"

#define SH HF_INTERPRETER_SHELL
#define PY HF_INTERPRETER_PYTHON
#define PL HF_INTERPRETER_PERL
#define RB HF_INTERPRETER_RUBY
#define NODE HF_INTERPRETER_NODE
#define PHP HF_INTERPRETER_PHP
#define LUA HF_INTERPRETER_LUA
#define AWK HF_INTERPRETER_FILTER
#define JAVA HF_INTERPRETER_JAVA
#define ERL HF_INTERPRETER_ERLANG
#define NET HF_INTERPRETER_DOTNET
#define BOX HF_INTERPRETER_MULTI
#define TCL HF_INTERPRETER_OTHER

struct named {
	uint8_t interpreter;
	const char *name;
	bool cached;
	uint8_t want;
};

static uint8_t ask_name(const struct named *c)
{
	char name[LIKELY_NAME_BYTES];
	uint32_t len = (uint32_t)strlen(c->name);
	uint8_t answer;

	memset(name, '.', sizeof(name)); /* what stood there before */
	memcpy(name, c->name, len);
	answer = likely_by_suffix(c->interpreter, likely_suffix(name, len), c->cached);
	return answer == LIKELY_DATA && likely_by_name(c->interpreter, name, len) ? LIKELY_SCRIPT : answer;
}

static void test_names_are_scripts_to_their_family_only(void **state)
{
	static const struct named cases[] = {
		{ SH, "x.sh", false, LIKELY_SCRIPT },	    { SH, "X.SH", false, LIKELY_SCRIPT },
		{ SH, ".bashrc", false, LIKELY_SCRIPT },    { SH, "profile", false, LIKELY_SCRIPT },
		{ SH, ".bash_profile", false, LIKELY_SCRIPT }, { SH, ".bash_history", false, LIKELY_DATA },
		{ SH, "x.py", false, LIKELY_DATA },	    { SH, ".sh", false, LIKELY_DATA },
		{ SH, "sh", false, LIKELY_DATA },	    { SH, "x.conf", false, LIKELY_DATA },
		{ SH, "app.env", false, LIKELY_DATA },	    { SH, "x.sh.txt", false, LIKELY_DATA },
		{ SH, "", false, LIKELY_DATA },		    { SH, "profiles", false, LIKELY_DATA },
		{ PY, "x.py", false, LIKELY_SCRIPT },	    { PY, "x.json", false, LIKELY_DATA },
		{ PY, "m.cpython-311.pyc", true, LIKELY_BYTECODE }, { PY, "m.pyc", false, LIKELY_SCRIPT },
		{ PY, "x.pth", false, LIKELY_SCRIPT },	    { PY, "x.sh", false, LIKELY_DATA },
		{ PL, "M.pm", false, LIKELY_SCRIPT },	    { PL, "x.pl", false, LIKELY_SCRIPT },
		{ PL, "x.txt", false, LIKELY_DATA },	    { RB, "x.rb", false, LIKELY_SCRIPT },
		{ RB, "Gemfile", false, LIKELY_SCRIPT },    { RB, "Gemfile.lock", false, LIKELY_DATA },
		{ NODE, "x.mjs", false, LIKELY_SCRIPT },    { NODE, "package.json", false, LIKELY_DATA },
		{ PHP, "x.phtml", false, LIKELY_SCRIPT },   { PHP, "sess_0123456789", false, LIKELY_DATA },
		{ PHP | HF_INTERPRETER_EMBEDDED, "x.php", false, LIKELY_SCRIPT },
		{ PHP | HF_INTERPRETER_EMBEDDED, "index.html", false, LIKELY_DATA },
		{ LUA, "x.lua", false, LIKELY_SCRIPT },	    { AWK, "x.awk", false, LIKELY_SCRIPT },
		{ JAVA, "x.jar", false, LIKELY_BYTECODE },  { JAVA, "X.java", false, LIKELY_SCRIPT },
		{ JAVA, "x.properties", false, LIKELY_DATA }, { ERL, "x.beam", false, LIKELY_BYTECODE },
		{ NET, "x.dll", false, LIKELY_BYTECODE },   { TCL, "x.tcl", false, LIKELY_SCRIPT },
		{ TCL, "Makefile", false, LIKELY_SCRIPT },  { 0, "x.sh", false, LIKELY_DATA },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ask_name(&cases[i]) != cases[i].want)
			fail_msg("%s to %u: %u", cases[i].name, cases[i].interpreter, ask_name(&cases[i]));
	}
}

static void test_longest_names_stay_inside(void **state)
{
	char name[LIKELY_NAME_BYTES];

	(void)state;
	memset(name, 'x', sizeof(name));
	memcpy(name + 252, ".sh", 3);
	assert_int_equal(likely_suffix(name, 255), LIKELY_WORD("sh"));
	assert_true(likely_has_suffix(name, 255));
	memset(name, 'x', sizeof(name));
	assert_int_equal(likely_suffix(name, 255), 0);
	assert_false(likely_has_suffix(name, 255));
	name[3] = '.';
	assert_int_equal(likely_suffix(name, 255), 0);
	assert_true(likely_has_suffix(name, 255));
	assert_false(likely_is_shell_data(name, 255));
	memcpy(name + 248, "history", 7);
	assert_true(likely_is_shell_data(name, 255));
}

/* line: arguments, with blanks between them and '_' for a blank inside of one. */
struct line {
	uint8_t interpreter;
	const char *line;
	const char *name, *path;
	uint8_t want;
};

#define YES LIKELY_ARGS_SCRIPT
#define NO LIKELY_ARGS_ELSE
#define STDIN LIKELY_ARGS_STDIN
#define NONE LIKELY_ARGS_NONE

static uint8_t run(const struct line *c, bool loader, bool cut)
{
	char name[LIKELY_NAME_BYTES] = "", path[LIKELY_PATH_BYTES] = "";
	struct likely_args args = { .interpreter = c->interpreter, .loader = loader };

	args.name_bytes = (uint32_t)strlen(strcpy(name, c->name));
	args.path_bytes = (uint32_t)strlen(strcpy(path, c->path ? c->path : ""));
	for (const char *at = c->line; !args.result; at++) {
		if (!*at || *at == ' ')
			likely_end(&args);
		else
			likely_byte(&args, *at == '_' ? ' ' : (uint8_t)*at, name, path);
		if (!*at)
			break;
	}
	return likely_finish(&args, cut);
}

static void try_lines(const struct line *cases, size_t n, bool loader)
{
	for (size_t i = 0; i < n; i++) {
		if (run(&cases[i], loader, false) != cases[i].want)
			fail_msg("%s: %u", cases[i].line, run(&cases[i], loader, false));
	}
}

static void test_shells_name_their_script(void **state)
{
	static const struct line cases[] = {
		{ SH, "sh ./x", "x", NULL, YES },
		{ SH, "bash -eu -o pipefail /tmp/x a", "x", NULL, YES },
		{ SH, "bash -euo pipefail /tmp/x", "x", NULL, YES },
		{ SH, "sh +x -- x", "x", NULL, YES },
		{ SH, "sh /tmp/l", "real", "/tmp/l", YES },
		{ SH, "sh /tmp/l", "real", "/tmp/m", NO },
		{ SH, "sh run.sh /tmp/x", "x", NULL, NO },
		{ SH, "sh x run", "run", NULL, NO },
		{ SH, "sh xx", "x", NULL, NO },
		{ SH, "sh x", "xx", NULL, NO },
		{ SH, "bash --rcfile /tmp/x -i", "x", NULL, YES },
		{ SH, "bash --rcfile=/tmp/x -i", "x", NULL, YES },
		{ SH, "bash --norc -i", "x", NULL, STDIN },
		{ SH, "sh", "sh", NULL, STDIN },
		{ SH, "-bash", "bash", NULL, STDIN },
		{ SH, "sh -s x", "x", NULL, STDIN },
		{ SH, "sh -", "x", NULL, NO },
	};

	(void)state;
	try_lines(cases, sizeof(cases) / sizeof(cases[0]), false);
}

static void test_texts_of_shells_name_what_they_source(void **state)
{
	static const struct line cases[] = {
		{ SH, "sh -c ._/tmp/x", "x", NULL, YES },
		{ SH, "sh -c true;_._./x;_false", "x", NULL, YES },
		{ SH, "bash -xc source_'/tmp/x'", "x", NULL, YES },
		{ SH, "sh -c -e {_.__x;_}", "x", NULL, YES },
		{ SH, "bash -o pipefail -c ._x", "x", NULL, YES },
		{ SH, "sh -c ._/tmp/l", "real", "/tmp/l", YES },
		{ SH, "sh -c cat_<_/tmp/x", "x", NULL, NO },
		{ SH, "sh -c source_y;_x", "x", NULL, NO },
		{ SH, "sh -c .;_x", "x", NULL, NO },
		{ SH, "sh -c find_._-name_x", "x", NULL, NO },
		{ SH, "sh -c echo_a.source_x", "x", NULL, NO },
		{ SH, "sh -c ._$0 /tmp/x", "x", NULL, NO },
		{ SH, "sh -c", "x", NULL, STDIN },
	};

	(void)state;
	try_lines(cases, sizeof(cases) / sizeof(cases[0]), false);
}

static void test_languages_name_their_script(void **state)
{
	static const struct line cases[] = {
		{ PY, "python3 -u -W ignore -X dev x", "x", NULL, YES },
		{ PY, "python3 -Wignore x", "x", NULL, YES },
		{ PY, "python3 -c code x", "x", NULL, NO },
		{ PY, "python3 -Ic code x", "x", NULL, NO },
		{ PY, "python3 -m x x", "x", NULL, NO },
		{ PY, "python3 -mx", "x", NULL, NO },
		{ PY, "python3 app.py x", "x", NULL, NO },
		{ PY, "python3 -", "x", NULL, NO },
		{ PL, "perl -w -I lib -Ilib -MX=y x", "x", NULL, YES },
		{ PL, "perl -lne print x", "x", NULL, NO },
		{ PL, "perl -e print x", "x", NULL, NO },
		{ PL, "perl -i.bak -pe s/a/b/ x", "x", NULL, NO },
		{ RB, "ruby -Ilib -r json x", "x", NULL, YES },
		{ RB, "ruby -r /tmp/x app.rb", "x", NULL, YES },
		{ RB, "ruby -ne puts x", "x", NULL, NO },
		{ NODE, "node --max-old-space-size=100 x", "x", NULL, YES },
		{ NODE, "node -r /tmp/x app.js", "x", NULL, YES },
		{ NODE, "node --require=/tmp/x app.js", "x", NULL, YES },
		{ NODE, "node --env-file x app.js", "x", NULL, NO },
		{ NODE, "node -e 1 x", "x", NULL, NO },
		{ NODE, "node --eval=1 x", "x", NULL, NO },
		{ NODE, "deno run x", "x", NULL, YES },
		{ PHP, "php -d a=b -f x", "x", NULL, YES },
		{ PHP, "php x", "x", NULL, YES },
		{ PHP, "php -r code x", "x", NULL, NO },
		{ PHP, "php -c x app.php", "x", NULL, NO },
		{ LUA, "lua -e y=1 -l m x", "x", NULL, YES },
		{ LUA, "lua app.lua x", "x", NULL, NO },
		{ AWK, "awk -f x data", "x", NULL, YES },
		{ AWK, "awk -fx data", "x", NULL, YES },
		{ AWK, "gawk --file=x", "x", NULL, YES },
		{ AWK, "awk -F : {print} x", "x", NULL, STDIN },
		{ AWK, "awk -v a=b -f prog x", "x", NULL, STDIN },
		{ AWK, "sed -nf x", "x", NULL, YES },
		{ AWK, "sed -E s/x/y/ x", "x", NULL, STDIN },
		{ AWK, "sed -i -e s/x/y/ x", "x", NULL, STDIN },
		{ JAVA, "java -Xmx1g -cp a:b -jar x.jar", "x.jar", NULL, YES },
		{ JAVA, "java -jar app.jar x.jar", "x.jar", NULL, NO },
		{ JAVA, "java -cp x.jar Main", "x.jar", NULL, NO },
		{ ERL, "beam.smp -- -root /usr -extra ./x y", "x", NULL, YES },
		{ ERL, "beam.smp -root x", "x", NULL, STDIN },
		{ NET, "dotnet exec x.dll", "x.dll", NULL, YES },
		{ TCL, "tclsh x", "x", NULL, YES },
		{ TCL, "make -f x", "x", NULL, YES },
		{ TCL, "R --no-echo --file=x", "x", NULL, YES },
	};

	(void)state;
	try_lines(cases, sizeof(cases) / sizeof(cases[0]), false);
}

static void test_applets_are_told_by_their_name(void **state)
{
	static const struct line cases[] = {
		{ BOX, "busybox sh x", "x", NULL, YES },   { BOX, "/bin/sh x", "x", NULL, YES },
		{ BOX, "-ash", "x", NULL, STDIN },	   { BOX, "busybox awk -f x", "x", NULL, YES },
		{ BOX, "busybox cat x", "x", NULL, NONE }, { BOX, "cat x", "x", NULL, NONE },
		{ BOX, "busybox.static ash -c ._x", "x", NULL, YES },
	};

	(void)state;
	try_lines(cases, sizeof(cases) / sizeof(cases[0]), false);
}

static void test_the_loader_is_what_it_loads(void **state)
{
	static const struct line cases[] = {
		{ PY, "/lib64/ld.so /usr/bin/python3 -u x", "x", NULL, YES },
		{ PY, "ld.so --library-path x /usr/bin/python3 app.py", "x", NULL, NO },
		{ PY, "ld.so --inhibit-cache /usr/bin/python3 x", "x", NULL, YES },
		{ PY, "ld.so --inhibit-rpath /lib /usr/bin/python3 x", "x", NULL, YES },
		{ PY, "ld.so --preload x --argv0 x /usr/bin/python3 app.py", "x", NULL, NO },
		{ BOX, "ld.so /bin/busybox sh x", "x", NULL, YES },
		{ BOX, "ld.so /bin/cat x", "x", NULL, NONE },
	};

	(void)state;
	try_lines(cases, sizeof(cases) / sizeof(cases[0]), true);
}

static void test_what_is_cut_off_hides_nothing(void **state)
{
	static const struct line padded = { SH, "sh -e -e -e", "x", NULL, YES }, text = { SH, "sh -c echo_", "x", NULL, NO },
				 found = { SH, "sh app.sh ", "x", NULL, NO };

	(void)state;
	assert_int_equal(run(&padded, false, true), LIKELY_ARGS_SCRIPT);
	assert_int_equal(run(&found, false, true), LIKELY_ARGS_ELSE);
	assert_int_equal(run(&text, false, true), LIKELY_ARGS_ELSE);
}

/* Whatever the bytes are: an answer, and nothing outside the buffers (the sanitizer looks). */
static void test_any_bytes_get_an_answer(void **state)
{
	static const char alphabet[] = "-+=./xcsef \0\0\0 ;<'abc";
	char name[LIKELY_NAME_BYTES] = "x", path[LIKELY_PATH_BYTES] = "./x";
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct likely_args args = { .name_bytes = 1, .path_bytes = 3 };

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		args.interpreter = (uint8_t)(seed >> 33) % _HF_INTERPRETER_MAX;
		args.loader = seed >> 63;
		for (int n = 0; n < 40 && !args.result; n++) {
			char c;

			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			c = alphabet[(seed >> 40) % (sizeof(alphabet) - 1)];
			if (c)
				likely_byte(&args, (uint8_t)c, name, path);
			else
				likely_end(&args);
		}
		assert_in_range(likely_finish(&args, seed >> 62 & 1), LIKELY_ARGS_SCRIPT, LIKELY_ARGS_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_scripts_to_their_family_only),
		cmocka_unit_test(test_longest_names_stay_inside),
		cmocka_unit_test(test_shells_name_their_script),
		cmocka_unit_test(test_texts_of_shells_name_what_they_source),
		cmocka_unit_test(test_languages_name_their_script),
		cmocka_unit_test(test_applets_are_told_by_their_name),
		cmocka_unit_test(test_the_loader_is_what_it_loads),
		cmocka_unit_test(test_what_is_cut_off_hides_nothing),
		cmocka_unit_test(test_any_bytes_get_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
