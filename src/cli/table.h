/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table on standard output: columns as wide as their widest cell, numbers to the right.
 */
#pragma once

#include <glib.h>

typedef struct {
  GPtrArray *rows;   /* of GStrv */
  const char *align; /* one letter for each column: 'l' or 'r' */
} CliTable;

CliTable *cli_table_new (const char *align);
/* As many cells as columns; NULL is "". */
void cli_table_add (CliTable *table, ...);
void cli_table_print (CliTable *table);
void cli_table_free (CliTable *table);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliTable, cli_table_free)

/* "4.9 GB", "7.2 B", "812 k", "2026-11-02"; "" for 0. Free with g_free(). */
char *cli_format_bytes (guint64 bytes);
char *cli_format_count (guint64 count);
char *cli_format_parameters (guint64 parameters);
char *cli_format_date (gint64 seconds);
