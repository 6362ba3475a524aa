/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

CliTable *
cli_table_new (const char *align)
{
  CliTable *table = g_new0 (CliTable, 1);
  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  table->align = align;
  return table;
}

void
cli_table_add (CliTable *table, ...)
{
  gsize n = strlen (table->align);
  char **row = g_new0 (char *, n + 1);
  va_list args;
  va_start (args, table);
  for (gsize i = 0; i < n; i++) {
    const char *cell = va_arg (args, const char *);
    row[i] = g_strdup (cell ? cell : "");
  }
  va_end (args);
  g_ptr_array_add (table->rows, row);
}

void
cli_table_print (CliTable *table)
{
  gsize n = strlen (table->align);
  g_autofree glong *widths = g_new0 (glong, n);
  for (guint r = 0; r < table->rows->len; r++)
    for (gsize i = 0; i < n; i++)
      widths[i] = MAX (widths[i], g_utf8_strlen (((char **) table->rows->pdata[r])[i], -1));
  for (guint r = 0; r < table->rows->len; r++) {
    g_autoptr (GString) line = g_string_new (NULL);
    for (gsize i = 0; i < n; i++) {
      const char *cell = ((char **) table->rows->pdata[r])[i];
      glong blanks = widths[i] - g_utf8_strlen (cell, -1);
      if (i > 0)
        g_string_append (line, "  ");
      if (table->align[i] == 'r')
        g_string_append_printf (line, "%*s", (int) blanks, "");
      g_string_append (line, cell);
      if (table->align[i] != 'r')
        g_string_append_printf (line, "%*s", (int) blanks, "");
    }
    g_strchomp (line->str);
    puts (line->str);
  }
}

void
cli_table_free (CliTable *table)
{
  if (!table)
    return;
  g_ptr_array_unref (table->rows);
  g_free (table);
}

char *
cli_format_bytes (guint64 bytes)
{
  static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
  double value = (double) bytes;
  gsize i = 0;
  for (; value >= 999.5 && i + 1 < G_N_ELEMENTS (units); i++)
    value /= 1000;
  return g_strdup_printf (i == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, units[i]);
}

/* 1234567 as "1.2 M" and so on. */
static char *
format_short (guint64 value, const char *const units[4])
{
  static const double sizes[] = { 1e12, 1e9, 1e6, 1e3 };
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    if ((double) value >= 0.9995 * sizes[i]) {
      double x = (double) value / sizes[i];
      gboolean whole = x >= 99.95 || (guint64) (x * 10 + 0.5) % 10 == 0;
      return g_strdup_printf (whole ? "%.0f %s" : "%.1f %s", x, units[i]);
    }
  return value ? g_strdup_printf ("%" G_GUINT64_FORMAT, value) : g_strdup ("");
}

char *
cli_format_count (guint64 count)
{
  static const char *const units[] = { "T", "G", "M", "k" };
  return format_short (count, units);
}

char *
cli_format_parameters (guint64 parameters)
{
  static const char *const units[] = { "T", "B", "M", "K" };
  return format_short (parameters, units);
}

char *
cli_format_date (gint64 seconds)
{
  g_autoptr (GDateTime) time = seconds > 0 ? g_date_time_new_from_unix_utc (seconds) : NULL;
  return time ? g_date_time_format (time, "%Y-%m-%d") : g_strdup ("");
}
