// SPDX-License-Identifier: Apache-2.0
/*
 * By which paths and names rules can match opens: a table of conditions, and the property behind it: what the kernel half leaves out
 * by a cover matches no rule. Conditions made up at random, the shipped rules and, where HOLDFAST_SHARED is set, those of others.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "enforcer/detect_cover.h"
#include "enforcer/detect_fields.h"
#include "enforcer/detect_rules.h"
#include "enforcer/util.h"
#include "policies/rules/parse.h"

#define HOST HF_DETECT_SHAPE_HOST
#define FAILED HF_DETECT_SHAPE_FAILED
#define READ HF_DETECT_SHAPE_READ
#define WRITE HF_DETECT_SHAPE_WRITE
#define CREATE HF_DETECT_SHAPE_CREATE
#define RANDOM_RULES 300
#define RANDOM_EVENTS 40000
#define WORDS_MAX 4096
#define RECORD_ROOM 2048

/* --- a table -------------------------------------------------------------------------------------------------------- */

static const struct {
	unsigned int shape;
	const char *condition;
	const char *cover; /* sorted; names after a colon */
} cases[] = {
	{ READ, "fd.name = /etc/shadow", "/etc/shadow" },
	{ READ, "fd.name in (/etc/shadow, /etc/sudoers)", "/etc/shadow /etc/sudoers" },
	{ READ, "fd.name startswith /etc/", "/etc/" },
	{ READ, "fd.name startswith anyof (/etc/, /usr)", "/etc/ /usr" },
	{ READ, "fd.name startswith allof (/etc/, /usr)", "any" },
	{ READ, "fd.name glob /proc/*/environ", "/proc/" },
	{ READ, "fd.name iglob /proc/*/environ", "any" },
	{ READ, "fd.name glob *", "any" },
	{ READ, "fd.name pmatch (/etc/apt/, /usr/*/lib)", "/etc/apt /usr" },
	{ READ, "fd.name pmatch (etc)", "any" },
	{ READ, "fd.name pmatch (//etc)", "any" },
	{ READ, "fd.name regex \"/proc/[0-9]+/mem\"", "/proc/" },
	{ READ, "fd.name regex '/proc/x|/etc/y'", "any" },
	{ READ, "fd.name regex '/procs?/(x|y)'", "/proc" },
	{ READ, "fd.directory = /dev", "/dev" },
	{ READ, "fd.directory = /", "any" },
	{ READ, "fd.nameraw startswith /etc", "/etc" },
	{ READ, "fd.realname startswith /etc", "any" },
	{ READ, "fd.name startswith ''", "any" },
	{ READ, "fd.name endswith /passwd", "any" },
	{ READ, "fd.name contains passwd", "any" },
	{ READ, "fd.filename = passwd", "any" },
	{ READ, "tolower(fd.name) = /etc", "any" },
	{ READ, "fd.name = val(proc.cwd)", "any" },
	{ READ, "fd.name exists", "any" },
	/* In no plain path. */
	{ READ, "fd.name contains ../", "" },
	{ READ, "fd.name contains /.ssh/", "" },
	{ READ, "fd.name endswith /.profile", "" },
	{ READ, "fd.name = /srv/.ssh", "" },
	{ READ, "fd.filename startswith .", "" },
	{ READ, "fd.filename in (.bashrc)", "" },
	{ READ, "fd.name glob /home/*/.ssh/*", "" },
	{ READ, "fd.name glob \"/home/[/.]ssh/*\"", "/home/" },
	{ READ, "not fd.name contains /.ssh/", "any" },
	/* Names. */
	{ READ, "proc.name = tar", ":tar" },
	{ READ, "proc.name in (tar, cpio)", ":cpio :tar" },
	{ READ, "proc.name startswith tar", "any" },
	{ READ, "proc.name != tar", "any" },
	{ READ, "not proc.name != tar", "any" },
	{ READ, "proc.aname = tar", "any" },
	/* Together. */
	{ READ, "fd.name startswith /etc and proc.name = tar", "/etc" },
	{ READ, "fd.name contains x and proc.name = tar", ":tar" },
	{ READ, "fd.name startswith /etc or proc.name = tar", "/etc :tar" },
	{ READ, "fd.name startswith /etc or fd.name contains x", "any" },
	{ READ, "fd.name startswith /etc and not fd.name startswith /etc/x", "/etc" },
	{ READ, "not fd.name startswith /etc", "any" },
	{ READ, "not (fd.name startswith /etc)", "any" },
	{ READ, "not not fd.name startswith /etc", "/etc" },
	{ READ, "not (not fd.name startswith /etc or proc.name = x)", "/etc" },
	{ READ, "not (not fd.name startswith /etc and not fd.name = /usr)", "/etc /usr" },
	/* What cannot be at all covers nothing. */
	{ READ, "evt.is_open_write = true or fd.name = /etc", "/etc" },
	{ WRITE, "evt.is_open_write = true or fd.name = /etc", "any" },
	{ CREATE, "evt.is_open_write = true and fd.name = /etc", "/etc" },
	{ READ, "evt.type = connect or fd.name = /etc", "/etc" },
	{ READ, "not evt.type = openat or fd.name = /etc", "/etc" },
	{ READ | HOST, "container.id != host or fd.name = /etc", "/etc" },
	{ READ, "container.id != host or fd.name = /etc", "any" },
	{ READ | FAILED, "fd.num >= 0 or fd.name = /etc", "/etc" },
	{ READ | FAILED, "evt.is_open_write = true or fd.name = /etc", "/etc" },
	{ READ, "fd.num >= 0 or fd.name = /etc", "any" },
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_cover(const struct detect_cover *cover, char ret[512])
{
	static char texts[64][64];
	const char *sorted[64];
	size_t n = 0, used = 0;

	ret[0] = '\0';
	if (cover->any) {
		strcpy(ret, "any");
		return;
	}
	for (const struct detect_cover_part *p = cover->first; p; p = p->next, n++) {
		snprintf(texts[n], sizeof(texts[n]), "%s%s", p->is_name ? ":" : "", p->text);
		sorted[n] = texts[n];
	}
	assert_int_equal(n, cover->n);
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(ret + used, 512 - used, "%s%s", i ? " " : "", sorted[i]);
}

static void test_conditions_have_covers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;
		struct rule_syntax_error error;
		struct detect_cover cover;
		struct rule_node *tree;
		char text[512];

		assert_int_equal(policy_arena_new(&arena), 0);
		if (rule_condition_parse(cases[i].condition, strlen(cases[i].condition), RULE_DEPTH_MAX, arena, &tree, &error))
			fail_msg("%s: does not parse", cases[i].condition);
		assert_int_equal(detect_cover(tree, HF_DETECT_OPENAT, cases[i].shape, arena, &cover), 0);
		print_cover(&cover, text);
		if (strcmp(text, cases[i].cover))
			fail_msg("%s: \"%s\", wanted \"%s\"", cases[i].condition, text, cases[i].cover);
		assert_int_equal(detect_cover(tree, HF_DETECT_CONNECT, cases[i].shape, arena, &cover), 0);
		assert_true(cover.any);
	}
}

/* --- events at random ----------------------------------------------------------------------------------------------- */

/* Words of the rules' own conditions: what is far from them matches nothing anyway. */
static const char *words[WORDS_MAX];
static size_t n_words;
static uint64_t seed = 88172645463325252ull;

static size_t below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed % n);
}

static void gather_words(const struct rule_node *node)
{
	if (node->kind == RULE_VALUE && node->len && node->len < 64 && n_words < WORDS_MAX)
		words[n_words++] = node->text;
	for (const struct rule_node *child = node->first; child; child = child->next)
		gather_words(child);
}

struct made {
	_Alignas(8) char bytes[RECORD_ROOM];
	struct hf_detect_head *head;
	char path[256];
	unsigned int shape;
};

static void add_section(struct made *made, enum hf_detect_kind kind, const void *bytes, size_t n)
{
	struct hf_detect_section section = { .kind = (uint16_t)kind, .bytes = (uint32_t)n };

	memcpy(made->bytes + made->head->bytes, &section, sizeof(section));
	memcpy(made->bytes + made->head->bytes + sizeof(section), bytes, n);
	made->head->bytes += (uint32_t)(sizeof(section) + n / 8 * 8 + 8);
	made->head->sections++;
}

static void begin(struct made *made, enum hf_detect_type type)
{
	memset(made, 0, sizeof(*made));
	made->head = (struct hf_detect_head *)made->bytes;
	*made->head = (struct hf_detect_head){
		.bytes = sizeof(*made->head), .version = HF_DETECT_VERSION, .type = (uint16_t)type, .time_ns = 1000, .start_ns = 10,
		.flags = HF_DETECT_NAMED, .pid = 100, .tid = 100, .ppid = 1, .vpid = 7, .vtid = 7, .loginuid = UINT32_MAX, .comm = "cat",
	};
}

static void make_path(char path[256])
{
	static const char *const pieces[] = { "/etc", "/x", "/dev/", "/.ssh/", "/../", "a", "/", "/proc/1/environ", ".so", "//", "/root" };
	const char *start = below(3) ? words[below(n_words)] : pieces[below(ARRAY_SIZE(pieces))];
	size_t n = (size_t)snprintf(path, 256, "%s%s", below(4) && start[0] != '/' ? "/" : "", start);

	for (size_t more = below(4); more; more--) {
		const char *piece = below(2) ? words[below(n_words)] : pieces[below(ARRAY_SIZE(pieces))];

		n += (size_t)snprintf(path + n, 256 - n, "%s", piece);
	}
	for (char *c = path; *c; c++)
		if (strchr("*?[]", *c))
			*c = '7';
}

static void make_open(struct made *made)
{
	static const enum hf_detect_type types[] = { HF_DETECT_OPENAT, HF_DETECT_OPENAT, HF_DETECT_OPEN, HF_DETECT_OPENAT2, HF_DETECT_CREAT };
	static const uint64_t flags[] = { O_RDONLY, O_RDONLY | O_CLOEXEC, O_WRONLY, O_RDWR | O_TRUNC, O_CREAT | O_WRONLY, O_CREAT | O_RDONLY,
					  O_TMPFILE | O_RDWR, O_DIRECTORY };
	enum hf_detect_type type = types[below(ARRAY_SIZE(types))];
	struct hf_detect_file file = { .ino = 5, .mode = below(4) ? S_IFREG | 0644 : S_IFDIR | 0755, .dev = 42, .magic = 0xef53 };
	uint64_t flag = flags[below(ARRAY_SIZE(flags))];

	begin(made, type);
	make_path(made->path);
	made->head->args[type == HF_DETECT_OPEN ? 1 : 2] = flag;
	if (type != HF_DETECT_OPEN && type != HF_DETECT_CREAT)
		made->head->args[0] = (uint64_t)AT_FDCWD;
	made->shape = type == HF_DETECT_CREAT ? READ : flag & (O_CREAT | 020000000u) ? CREATE : flag & O_ACCMODE ? WRITE : READ;
	made->head->result = below(3) ? 4 : -1 - (int64_t)below(30);
	made->shape |= made->head->result < 0 ? FAILED : 0;
	if (below(2)) {
		made->head->flags |= HF_DETECT_HOST;
		made->shape |= HOST;
	}
	if (below(2))
		snprintf(made->head->comm, sizeof(made->head->comm), "%s", words[below(n_words)]);
	add_section(made, HF_DETECT_KIND_PATH, made->path, strlen(made->path));
	if (made->path[0] != '/')
		add_section(made, HF_DETECT_KIND_BASE, "srv/", 4);
	if (made->head->result >= 0)
		add_section(made, HF_DETECT_KIND_FILE, &file, sizeof(file));
}

static bool is_plain(const char *path)
{
	size_t n = strlen(path);

	if (path[0] != '/' || n >= HF_DETECT_PLAIN_BYTES)
		return false;
	for (size_t i = 1; i < n; i++)
		if ((path[i] == '.' || path[i] == '/') && (path[i - 1] == '.' || path[i - 1] == '/'))
			return false;
	return true;
}

/* As bpf-lsm/detect_cover.h. */
static bool is_told(const struct detect_cover *cover, const struct made *made)
{
	if (cover->any || !is_plain(made->path))
		return true;
	for (const struct detect_cover_part *part = cover->first; part; part = part->next) {
		if (part->is_name ? !strcmp(part->text, made->head->comm) :
				    !strncmp(part->text, made->path, strnlen(part->text, HF_DETECT_PREFIX_BYTES)))
			return true;
	}
	return false;
}

static bool is_told_to_set(const struct detect_covers *covers, const struct made *made)
{
	uint8_t class = covers->classes.of[made->head->type][made->shape];
	const struct stream_cover *cover = class ? &covers->covers[class - 1] : NULL;

	if (!class || !is_plain(made->path))
		return true;
	for (size_t i = 0; i < cover->n_prefixes; i++)
		if (!strncmp(cover->prefixes[i], made->path, strnlen(cover->prefixes[i], HF_DETECT_PREFIX_BYTES)))
			return true;
	for (size_t i = 0; i < cover->n_names; i++)
		if (!strcmp(cover->names[i], made->head->comm))
			return true;
	return false;
}

struct trial {
	struct detect_rules *rules;
	struct process_tree *tree;
	struct policy_arena *arena;
	struct detect_cover *covers; /* by rule, then by type and shape; .n is SIZE_MAX until it is asked for */
	struct detect_covers set;
	const struct made *made;
	size_t matches, left_out;
};

static const struct detect_cover *cover_of(struct trial *trial, const struct rule *rule)
{
	size_t row = (size_t)(rule - detect_rules_set(trial->rules)->rules);
	unsigned int type = trial->made->head->type;
	struct detect_cover *cover = &trial->covers[(row * 4 + type - HF_DETECT_OPEN) * _HF_DETECT_SHAPE_MAX + trial->made->shape];

	if (cover->n == SIZE_MAX)
		assert_int_equal(detect_cover(rule->tree, type, trial->made->shape, trial->arena, cover), 0);
	return cover;
}

static void on_match(const struct rule *rule, struct rule_facts *facts, void *data)
{
	struct trial *trial = data;

	(void)facts;
	trial->matches++;
	if (!is_told(cover_of(trial, rule), trial->made))
		fail_msg("%s matches what is left out: type %u shape %u \"%s\" by %s", rule->name, trial->made->head->type,
			 trial->made->shape, trial->made->path, trial->made->head->comm);
	if (!is_told_to_set(&trial->set, trial->made))
		fail_msg("%s matches what is left out of the set: \"%s\"", rule->name, trial->made->path);
}

static void try_event(struct trial *trial, const struct made *made, struct stream_decoder *decoder)
{
	static const struct detect_container host = { .id = "host", .privileged = -1 };
	static const struct detect_container box = { .id = "0123456789ab", .name = "box", .image = "localhost/box:1", .namespace_ = "open",
						     .privileged = 1 };
	struct stream_event stream;
	struct detect_event event = { .number = 1, .time_ns = 2000, .stream = &stream,
				      .container = made->head->flags & HF_DETECT_HOST ? &host : &box };

	assert_int_equal(stream_decode(decoder, made->bytes, made->head->bytes, &stream), 0);
	event.type = detect_type_of(stream.type);
	event.process = process_tree_apply(trial->tree, &stream);
	trial->made = made;
	trial->left_out += !is_told_to_set(&trial->set, made);
	detect_rules_run(trial->rules, &event, on_match, trial);
}

/* @is_known: reading opens are what most of the node's opens are, and these rules are known to leave some out. */
static void try_rules(const char *const *paths, size_t n, size_t events, bool is_known)
{
	struct detect_rules_options options = { .paths = paths, .n_paths = n, .priority_max = RULE_PRIORITY_DEBUG };
	_cleanup_(free_ptr) struct stream_decoder *decoder = calloc(1, sizeof(*decoder));
	_cleanup_(free_ptr) struct trial *trial = calloc(1, sizeof(*trial));
	struct policy_error error = { 0 };
	const struct rule_set *set;
	struct made made;

	if (detect_rules_new(&options, &trial->rules, &error))
		fail_msg("%s:%d: %s", error.file, error.line, error.message);
	set = detect_rules_set(trial->rules);
	n_words = 0;
	for (size_t i = 0; i < set->n_rules; i++)
		gather_words(set->rules[i].tree);
	assert_int_equal(policy_arena_new(&trial->arena), 0);
	assert_int_equal(process_tree_new(64, NULL, NULL, &trial->tree), 0);
	assert_int_equal(detect_covers_make(set, trial->arena, &trial->set), 0);
	if (is_known)
		assert_true(trial->set.classes.of[HF_DETECT_OPENAT][READ] && trial->set.classes.of[HF_DETECT_OPENAT][READ | HOST]);
	trial->covers = calloc(set->n_rules * 4 * _HF_DETECT_SHAPE_MAX, sizeof(*trial->covers));
	for (size_t i = 0; i < set->n_rules * 4 * _HF_DETECT_SHAPE_MAX; i++)
		trial->covers[i].n = SIZE_MAX;
	for (size_t i = 0; i < events; i++) {
		make_open(&made);
		try_event(trial, &made, decoder);
	}
	print_message("%zu rules, %zu events: %zu matches, %zu left out\n", set->n_rules, events, trial->matches, trial->left_out);
	assert_true(trial->matches > 100);
	free(trial->covers);
	process_tree_free(&trial->tree);
	policy_arena_free(&trial->arena);
	detect_rules_free(&trial->rules);
}

static void test_what_is_left_out_matches_no_known_rule(void **state)
{
	static const char *const names[] = { "falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml" };
	const char *shared = getenv("HOLDFAST_SHARED"), *paths[1 + ARRAY_SIZE(names)] = { "policies/rules/holdfast_rules.yaml" };
	char room[ARRAY_SIZE(names)][512];

	(void)state;
	try_rules(paths, 1, RANDOM_EVENTS, true);
	if (!shared) {
		print_message("skip: HOLDFAST_SHARED is not set, which holds falco/%s\n", names[0]);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(room[i], sizeof(room[i]), "%s/falco/%s", shared, names[i]);
		paths[1 + i] = room[i];
	}
	try_rules(paths, ARRAY_SIZE(paths), RANDOM_EVENTS, true);
}

/* --- conditions at random ------------------------------------------------------------------------------------------- */

static void write_leaf(FILE *out)
{
	static const char *const leaves[] = {
		"fd.name startswith /etc", "fd.name = /etc/shadow", "fd.name in (/etc/a, /dev/x, /srv/.ssh)", "fd.name contains /.ssh/",
		"fd.name endswith .so", "fd.name endswith /.x", "fd.name glob \"/etc/*a\"", "fd.name glob \"*a/.ssh*\"", "fd.name regex \"/etc/?x?.*\"",
		"fd.name regex \"/(etc|dev)/.*\"", "fd.name regex \"/etcx*/.*\"", "fd.name pmatch (/etc, /root/)", "fd.name pmatch (etc)",
		"fd.name != /etc/x", "fd.name startswith anyof (/dev/, /etc/x)", "fd.name exists", "fd.directory = /etc",
		"fd.directory in (/, /dev)", "fd.directory pmatch (/etc)", "fd.filename = x", "fd.filename startswith .",
		"fd.filename in (.ssh, x)", "fd.nameraw contains ../", "fd.nameraw startswith /etc", "proc.name = cat", "proc.name in (x, a)",
		"proc.name != cat", "proc.name startswith c", "evt.is_open_write = true", "evt.is_open_read = true",
		"evt.is_open_exec = true", "container.id = host", "container.id != host", "fd.num >= 0", "fd.num = -1", "evt.res startswith E",
		"evt.failed = false", "evt.type = openat", "evt.type in (open, creat)", "fd.typechar = f", "fd.typechar != d",
		"evt.arg.flags contains O_TRUNC", "tolower(fd.name) startswith /etc", "fd.name = val(fd.nameraw)", "basename(fd.name) = x",
	};

	fprintf(out, "%s", leaves[below(ARRAY_SIZE(leaves))]);
}

static void write_condition(FILE *out, unsigned int depth)
{
	size_t kind = depth ? below(4) : 0, n = 2 + below(2);

	if (kind == 0) {
		fprintf(out, "%s", below(4) ? "" : "not ");
		write_leaf(out);
		return;
	}
	fprintf(out, "%s(", kind == 3 ? "not " : "");
	for (size_t i = 0; i < n; i++) {
		if (i)
			fprintf(out, kind == 1 ? " and " : " or ");
		write_condition(out, depth - 1);
	}
	fprintf(out, ")");
}

static void test_what_is_left_out_matches_no_rule_made_up(void **state)
{
	char path[] = "/tmp/test_cover.XXXXXX";
	const char *paths[] = { path };
	FILE *out;

	(void)state;
	for (int round = 0; round < 3; round++) {
		strcpy(path + strlen(path) - 6, "XXXXXX");
		out = fdopen(mkstemp(path), "w");
		for (int i = 0; i < RANDOM_RULES; i++) {
			fprintf(out, "- rule: made up %d\n  desc: d\n  condition: >\n    evt.type in (open, openat, openat2, creat) and (", i);
			write_condition(out, 3);
			fprintf(out, ")\n  output: o\n  priority: INFO\n");
		}
		fclose(out);
		try_rules(paths, 1, RANDOM_EVENTS / 10, false);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions_have_covers),
		cmocka_unit_test(test_what_is_left_out_matches_no_known_rule),
		cmocka_unit_test(test_what_is_left_out_matches_no_rule_made_up),
	};

	return cmocka_run_group_tests_name("detect_cover", tests, NULL, NULL);
}
