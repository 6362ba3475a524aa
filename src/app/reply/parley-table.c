/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-table.h"

#include "app/reply/parley-code-block.h"
#include "app/reply/parley-rich-label.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define GRID_KEY "parley-grid"
#define WIDEST   36 /* characters of a cell's line */

static guint
n_rows (const ParleyBlock *table)
{
  return table->children != NULL ? table->children->len : 0;
}

static const ParleyBlock *
cell_at (const ParleyBlock *table, guint row, guint column)
{
  const ParleyBlock *cells = g_ptr_array_index (table->children, row);

  return cells->children != NULL && column < cells->children->len
             ? g_ptr_array_index (cells->children, column)
             : NULL;
}

static gboolean
is_huge (const ParleyBlock *table)
{
  return (guint64) n_rows (table) * table->level > PARLEY_TABLE_MAX_CELLS;
}

/* ---- one of thousands of cells ---- */

static char *
write_rows (const ParleyBlock *table)
{
  GString *out = g_string_new (NULL);

  for (guint r = 0; r < n_rows (table); r++)
    for (guint c = 0; c < table->level; c++) {
      const ParleyBlock *cell = cell_at (table, r, c);
      if (cell != NULL)
        for (const char *p = cell->text->str; *p != '\0'; p++)
          g_string_append_c (out, *p == '\n' ? ' ' : *p);
      g_string_append (out, c + 1 < table->level ? " | " : r + 1 < n_rows (table) ? "\n" : "");
    }
  return g_string_free (out, FALSE);
}

/* ---- a grid ---- */

static void
set_cell (GtkWidget *label, const ParleyBlock *cell)
{
  /* One width, so that a row is as high as its text: the table itself scrolls sideways. */
  int width = (int) MIN (g_utf8_strlen (cell->text->str, -1) + 1, WIDEST);

  parley_rich_label_set (label, cell->text->str, cell->spans);
  gtk_label_set_width_chars (GTK_LABEL (label), width);
  gtk_label_set_max_width_chars (GTK_LABEL (label), width);
}

static GtkWidget *
build_cell (const ParleyBlock *cell)
{
  GtkWidget *label = parley_rich_label_new (0);

  gtk_widget_add_css_class (label, "md-cell");
  if (cell->header)
    gtk_widget_add_css_class (label, "header");
  gtk_label_set_xalign (GTK_LABEL (label), cell->align == PARLEY_ALIGN_END      ? 1.0f
                                           : cell->align == PARLEY_ALIGN_CENTRE ? 0.5f
                                                                                : 0.0f);
  gtk_label_set_justify (GTK_LABEL (label), cell->align == PARLEY_ALIGN_END ? GTK_JUSTIFY_RIGHT
                                            : cell->align == PARLEY_ALIGN_CENTRE
                                                ? GTK_JUSTIFY_CENTER
                                                : GTK_JUSTIFY_LEFT);
  gtk_widget_set_hexpand (label, TRUE);
  set_cell (label, cell);
  return label;
}

static void
build_row (GtkGrid *grid, const ParleyBlock *table, guint row)
{
  for (guint c = 0; c < table->level; c++) {
    const ParleyBlock *cell = cell_at (table, row, c);
    if (cell != NULL)
      gtk_grid_attach (grid, build_cell (cell), (int) c, (int) row, 1, 1);
  }
}

/* The last row has no line below it. */
static void
mark_last (GtkGrid *grid, guint row, guint n_columns, gboolean last)
{
  for (guint c = 0; c < n_columns; c++) {
    GtkWidget *cell = gtk_grid_get_child_at (grid, (int) c, (int) row);
    if (cell != NULL && last)
      gtk_widget_add_css_class (cell, "last");
    else if (cell != NULL)
      gtk_widget_remove_css_class (cell, "last");
  }
}

GtkWidget *
parley_table_new (const ParleyBlock *table)
{
  GtkWidget *scroller, *grid;

  if (is_huge (table)) {
    g_autofree char *rows = write_rows (table);
    GtkWidget *code = parley_code_block_new (_ ("table"));
    parley_code_block_set_text (PARLEY_CODE_BLOCK (code), rows);
    return code;
  }
  scroller = gtk_scrolled_window_new ();
  grid = gtk_grid_new ();
  for (guint r = 0; r < n_rows (table); r++)
    build_row (GTK_GRID (grid), table, r);
  if (n_rows (table) > 0)
    mark_last (GTK_GRID (grid), n_rows (table) - 1, table->level, TRUE);
  gtk_widget_add_css_class (scroller, "md-table");
  gtk_widget_set_overflow (scroller, GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_halign (scroller, GTK_ALIGN_START);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_AUTOMATIC,
                                  GTK_POLICY_NEVER);
  gtk_scrolled_window_set_propagate_natural_width (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), grid);
  g_object_set_data (G_OBJECT (scroller), GRID_KEY, grid);
  return scroller;
}

gboolean
parley_table_update (GtkWidget *widget, const ParleyBlock *old, const ParleyBlock *table)
{
  GtkGrid *grid = g_object_get_data (G_OBJECT (widget), GRID_KEY);
  guint n_old = n_rows (old), n = n_rows (table);

  if (is_huge (old) != is_huge (table) || old->level != table->level || n < n_old || n_old == 0)
    return FALSE;
  if (is_huge (table)) {
    g_autofree char *rows = write_rows (table);
    parley_code_block_set_text (PARLEY_CODE_BLOCK (widget), rows);
    return TRUE;
  }
  for (guint r = 0; r < n_old; r++)
    for (guint c = 0; c < table->level; c++) {
      const ParleyBlock *was = cell_at (old, r, c), *is = cell_at (table, r, c);
      if ((was == NULL) != (is == NULL) || (is != NULL && was->align != is->align))
        return FALSE;
      if (is != NULL && !parley_block_equal (was, is))
        set_cell (gtk_grid_get_child_at (grid, (int) c, (int) r), is);
    }
  for (guint r = n_old; r < n; r++)
    build_row (grid, table, r);
  if (n > n_old) {
    mark_last (grid, n_old - 1, table->level, FALSE);
    mark_last (grid, n - 1, table->level, TRUE);
  }
  return TRUE;
}
