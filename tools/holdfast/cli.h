/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line tool's frame: what every command is given and what it may use.
 *
 * Owns: commands and options as data, exit codes, output, text and JSON helpers. Must not know: any one command.
 * Rule for return values: functions that return enum cli_exit have already told the user what is wrong.
 */
#ifndef TOOLS_HOLDFAST_CLI_H
#define TOOLS_HOLDFAST_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "enforcer/wire.h"

struct json_object;

#define CLI_TEXTS_MAX 64		/* repetitions of one option, as many as a policy's selector may have */
#define CLI_TIMEOUT_MS 30000		/* for a reload of thousands of policies; anything else answers in ms */
#define CLI_ANSWER_MAX (64u << 20)	/* 4096 containers at 2 KiB, eight times over */
#define CLI_PAUSE_MAX_SECONDS 86400u	/* the daemon's own limit of break-glass */

enum cli_exit {
	CLI_EXIT_OK = 0,
	CLI_EXIT_NEGATIVE = 1,	  /* the answer is no: invalid, not supported */
	CLI_EXIT_ERROR = 2,	  /* wrong usage, or the question could not be answered */
	CLI_EXIT_DEGRADED = 3,	  /* the daemon runs and says that something is wrong */
	CLI_EXIT_UNREACHABLE = 4, /* no daemon to ask */
};

enum cli_output { CLI_OUTPUT_TABLE, CLI_OUTPUT_JSON, _CLI_OUTPUT_MAX };

struct cli {
	FILE *out, *err;
	const char *socket;
	uint64_t output; /* enum cli_output */
	bool help;
	bool version;
	bool colour;
	bool progress; /* err is a terminal */
	size_t width;  /* columns of the terminal; 0: out is none, do not cut */
};

/* --- options and commands as data ------------------------------------------------------------------------------- */

struct cli_texts {
	const char *items[CLI_TEXTS_MAX];
	size_t n;
};

enum cli_option_kind {
	CLI_OPTION_FLAG,     /* bool */
	CLI_OPTION_TEXT,     /* const char * */
	CLI_OPTION_TEXTS,    /* struct cli_texts */
	CLI_OPTION_PAIRS,    /* struct cli_texts, each KEY=VALUE */
	CLI_OPTION_NUMBER,   /* uint64_t */
	CLI_OPTION_DURATION, /* uint64_t, in seconds */
	CLI_OPTION_OUTPUT,   /* uint64_t, enum cli_output */
};

struct cli_option {
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* as help shows it; NULL for a flag */
	const char *help;
	enum cli_option_kind kind;
	size_t offset; /* of the field in the values */
};

/* Options and where their values go. */
struct cli_option_set {
	const struct cli_option *options;
	size_t n;
	void *values;
};

struct cli_command {
	const char *name; /* one or two words */
	const char *summary;
	const char *arguments; /* as help shows them */
	const char *help;      /* paragraphs */
	const struct cli_option *options;
	size_t n_options;
	size_t values_bytes;  /* of the struct that the options fill, at most CLI_VALUES_MAX */
	const void *defaults; /* such a struct; NULL: all zero */
	size_t min_args, max_args;
	enum cli_exit (*run)(struct cli *cli, const void *values, char *const *args, size_t n_args);
};

#define CLI_VALUES_MAX 4096

/* The global options (-o, --socket, --help, --version), whose values are a struct cli. */
extern const struct cli_option cli_global_options[];
extern const size_t cli_n_global_options;

/**
 * cli_options_parse - fill the values of one or two sets from the arguments
 * @cli: (borrowed) for messages
 * @sets: (borrowed) the sets, first match wins
 * @n: number of @sets
 * @argc, @argv: (borrowed) arguments; argv[0] is skipped; reordered so that operands come last unless @stop
 * @stop: end at the first operand
 * @ret_first: (output) index of the first operand
 */
enum cli_exit cli_options_parse(const struct cli *cli, const struct cli_option_set *sets, size_t n, int argc, char **argv,
				bool stop, int *ret_first);
/* Prints one line or two for each option. */
void cli_options_print(FILE *out, const struct cli_option *options, size_t n);

/* The whole program below main: parses argv, runs the command. out and err are borrowed. Returns the exit code. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);
/* All commands, in the order of help. NULL past the end. */
const struct cli_command *cli_command_at(size_t i);
/* By one or two words; *ret_words says how many were used. NULL: none. */
const struct cli_command *cli_command_find(int argc, char *const *argv, size_t *ret_words);
void cli_print_help(FILE *out, const struct cli_command *command); /* NULL: the overview */
/* The name among n that is nearest to what was typed; NULL when none is near. */
const char *cli_nearest(const char *typed, const char *const *names, size_t n);

/* --- talking ---------------------------------------------------------------------------------------------------- */

/* One line "holdfast: …" on err, control bytes escaped. */
void cli_error(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The daemon's answer. */
struct cli_reply {
	int status; /* 0 or -errno */
	struct json_object *json; /* an object, owned */
};

/**
 * cli_request - ask the daemon and wait for the whole answer
 * @cli: (borrowed)
 * @type: the question
 * @request: (borrowed) its payload; NULL is {}
 * @ret: (output) to be released by cli_reply_release(); untouched unless CLI_EXIT_OK is returned
 *
 * Return: CLI_EXIT_OK also when the daemon refuses: look at @ret->status.
 */
enum cli_exit cli_request(const struct cli *cli, enum wire_type type, struct json_object *request, struct cli_reply *ret);
void cli_reply_release(struct cli_reply *reply);
/* As cli_request, but a refusal is told to the user and is CLI_EXIT_ERROR. *ret is owned by the caller. */
enum cli_exit cli_ask(const struct cli *cli, enum wire_type type, struct json_object *request, struct json_object **ret);

/* Called for each event, text as it came. Not CLI_EXIT_OK ends the stream. */
typedef enum cli_exit (*cli_event_fn)(const char *text, size_t bytes, void *data);
/* Asks for events; with follow it returns only when the daemon goes away or fn ends it. */
enum cli_exit cli_stream(const struct cli *cli, struct json_object *request, bool follow, cli_event_fn fn, void *data);

/* --- printing --------------------------------------------------------------------------------------------------- */

enum cli_colour { CLI_COLOUR_NONE, CLI_COLOUR_GOOD, CLI_COLOUR_WARN, CLI_COLOUR_BAD };

struct cli_column {
	const char *name;
	bool right;  /* numbers */
	bool shrink; /* may be cut when the terminal is narrow */
};

struct cli_table;

/* heading false: a list of names and values without a heading line. */
int cli_table_new(const struct cli *cli, const struct cli_column *columns, size_t n, bool heading, struct cli_table **ret);
void cli_table_free(struct cli_table **table);
/* One text for each column, copied and escaped; NULL is "". colour goes to the column colour_at. */
int cli_table_row(struct cli_table *table, const char *const *cells, size_t colour_at, enum cli_colour colour);
int cli_table_print(struct cli_table *table);

/* The document, indented, with a newline. */
void cli_json_print(const struct cli *cli, struct json_object *json);
/* A JSON text as it is but for control characters that a terminal would obey, which become \u escapes. */
void cli_json_write(FILE *out, const char *text, size_t bytes);

/* --- text and JSON ---------------------------------------------------------------------------------------------- */

/* A copy for a terminal: control characters, marks that change the direction of writing, bytes that are not UTF-8 and
 * characters that the locale (LC_CTYPE) cannot show become \xNN or \u{N}, a backslash is doubled. To be freed; NULL:
 * out of memory. */
char *cli_escape(const char *text, size_t bytes);
/* Bytes of the UTF-8 character at the beginning of text; 0 when there is none. *ret_code: its code point. */
size_t cli_utf8(const char *text, size_t bytes, uint32_t *ret_code);

/* "30s", "10m", "2h", "1d", "1h30m". 0 or -EINVAL: not a duration, zero, or above 100 years. */
int cli_duration_parse(const char *text, uint64_t *ret_seconds);
/* "45s", "10m", "2h 5m", "3d 4h". */
void cli_duration_format(uint64_t seconds, char *buf, size_t size);
/* "512 B", "1.4 MiB". */
void cli_size_format(uint64_t bytes, char *buf, size_t size);
/* RFC 3339 to seconds since the epoch; -EINVAL. */
int cli_time_parse(const char *text, time_t *ret);

/* Members of an object; what is missing or of another type is NULL, "" , 0 or false. Borrowed from json. */
struct json_object *cli_json_get(struct json_object *json, const char *key);
const char *cli_json_text(struct json_object *json, const char *key);
int64_t cli_json_number(struct json_object *json, const char *key);
bool cli_json_true(struct json_object *json, const char *key);
/* Adds a text; bytes that are not UTF-8 are replaced by U+FFFD and then given exactly in KEY_base64. 0 or -ENOMEM. */
int cli_json_add_bytes(struct json_object *json, const char *key, const char *text, size_t bytes);

#endif
