// SPDX-License-Identifier: Apache-2.0
/*
 * Tables on a terminal or in a pipe. The only file that knows libsmartcols.
 *
 * Owns: columns, cutting to the terminal's width, colours. Must not know: what is listed.
 */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/cli.h"

struct cli_table {
	struct libscols_table *table;
	size_t n;
};

/* The values of a list without heading are sentences: they go on in the next line instead of being cut. */
static int add_column(struct libscols_table *table, const struct cli_column *column, bool wrap)
{
	int flags = (column->right ? SCOLS_FL_RIGHT : 0) | (column->shrink ? SCOLS_FL_TRUNC : 0) |
		    (wrap ? SCOLS_FL_WRAP : 0);

	return scols_table_new_column(table, column->name, column->shrink ? 0.1 : 0, flags) ? 0 : -ENOMEM;
}

int cli_table_new(const struct cli *cli, const struct cli_column *columns, size_t n, bool heading, struct cli_table **ret)
{
	_cleanup_(cli_table_free) struct cli_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->n = n;
	table->table = scols_new_table();
	if (!table->table)
		return -ENOMEM;
	scols_table_enable_noencoding(table->table, 1); /* cli_escape has done more than smartcols would */
	scols_table_enable_noheadings(table->table, !heading);
	scols_table_enable_colors(table->table, cli->colour);
	scols_table_set_stream(table->table, cli->out);
	scols_table_set_termforce(table->table, cli->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (cli->width)
		scols_table_set_termwidth(table->table, cli->width);
	for (size_t i = 0; i < n; i++)
		if (add_column(table->table, &columns[i], !heading && i + 1 == n) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(table);
	return 0;
}

void cli_table_free(struct cli_table **table)
{
	if (*table)
		scols_unref_table((*table)->table);
	free_ptr(table);
}

int cli_table_row(struct cli_table *table, const char *const *cells, size_t colour_at, enum cli_colour colour)
{
	static const char *const colours[] = {
		[CLI_COLOUR_GOOD] = "green", [CLI_COLOUR_WARN] = "brown", [CLI_COLOUR_BAD] = "red",
	};
	struct libscols_line *line = scols_table_new_line(table->table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < table->n; i++) {
		const char *cell = cells[i] ? cells[i] : "";
		char *safe = cli_escape(cell, strlen(cell));

		if (!safe || scols_line_refer_data(line, i, safe) != 0) {
			free(safe);
			return -ENOMEM;
		}
	}
	if (colour != CLI_COLOUR_NONE)
		scols_cell_set_color(scols_line_get_cell(line, colour_at), colours[colour]);
	return 0;
}

int cli_table_print(struct cli_table *table)
{
	return scols_print_table(table->table) == 0 ? 0 : -EIO;
}
