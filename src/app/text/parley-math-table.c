/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math-parser.h"

#include <string.h>

#define MAX_COLUMNS 64 /* of a table; what is further right joins the last */

static const struct {
  const char *name; /* without a star */
  ParleyMathTable table;
  const char *left, *right;
} environments[] = {
  { "matrix", PARLEY_TABLE_MATRIX, "", "" },    { "smallmatrix", PARLEY_TABLE_MATRIX, "", "" },
  { "pmatrix", PARLEY_TABLE_MATRIX, "(", ")" }, { "bmatrix", PARLEY_TABLE_MATRIX, "[", "]" },
  { "Bmatrix", PARLEY_TABLE_MATRIX, "{", "}" }, { "vmatrix", PARLEY_TABLE_MATRIX, "|", "|" },
  { "Vmatrix", PARLEY_TABLE_MATRIX, "‖", "‖" }, { "array", PARLEY_TABLE_MATRIX, "", "" },
  { "cases", PARLEY_TABLE_CASES, "{", "" },     { "dcases", PARLEY_TABLE_CASES, "{", "" },
  { "rcases", PARLEY_TABLE_CASES, "", "}" },    { "drcases", PARLEY_TABLE_CASES, "", "}" },
  { "", PARLEY_TABLE_ALIGNED, "", "" }, /* any other */
};

static void
end_row (ParleyMathNode *table, guint n_cells)
{
  for (; n_cells < table->columns; n_cells++)
    _parley_math_add (table, _parley_math_node_new (PARLEY_NODE_ROW));
}

/* Columns are counted first, so that every row gets as many cells. Those of a table within count
 * there. */
static guint
count_columns (const char *at, const char *end)
{
  guint most = 1, n = 1, inside = 0;

  for (const char *p = at; p < end; p++) {
    gsize rest = (gsize) (end - p);
    if (rest > 6 && memcmp (p, "\\begin", 6) == 0)
      inside++;
    else if (rest > 4 && memcmp (p, "\\end", 4) == 0)
      inside -= inside > 0;
    if (*p == '\\' && p + 1 < end) {
      p++;
      if (*p == '\\' && inside == 0)
        n = 1;
    } else if (*p == '&' && inside == 0) {
      n++;
      most = MAX (most, n);
    }
  }
  return MIN (most, MAX_COLUMNS);
}

static void
fill_table (ParleyMathParser *self, ParleyMathNode *table)
{
  guint n = 0;
  gboolean open = FALSE; /* a cell of this row was begun */

  table->columns = count_columns (self->at, self->end);
  while (self->at < self->end) {
    if (!open) {
      _parley_math_skip_space (self);
      if (self->at >= self->end)
        break;
    }
    if (!open || (*self->at == '&' && n < table->columns)) {
      _parley_math_add (table, self->row = _parley_math_node_new (PARLEY_NODE_ROW));
      n++;
      self->at += open ? 1 : 0;
      open = TRUE;
    } else if (self->end - self->at >= 2 && self->at[0] == '\\' && self->at[1] == '\\') {
      self->at += 2;
      const char *close = self->at < self->end && *self->at == '[' /* how far below it is */
                              ? memchr (self->at, ']', (gsize) MIN (self->end - self->at, 16))
                              : NULL;
      if (close != NULL && g_ascii_isdigit (self->at[1]))
        self->at = close + 1;
      end_row (table, n);
      n = 0;
      open = FALSE;
    } else
      _parley_math_parse_atom (self);
  }
  if (open)
    end_row (table, n);
}

/* The end of this environment: those of the same name within have their own. */
static const char *
find_end (const char *at, const char *end, const char *name)
{
  g_autofree char *opening = g_strdup_printf ("\\begin{%s}", name);
  g_autofree char *closing = g_strdup_printf ("\\end{%s}", name);
  guint inside = 0;

  for (const char *p = at; (p = memchr (p, '\\', (gsize) (end - p))) != NULL; p++) {
    if ((gsize) (end - p) >= strlen (opening) && memcmp (p, opening, strlen (opening)) == 0)
      inside++;
    else if ((gsize) (end - p) >= strlen (closing) && memcmp (p, closing, strlen (closing)) == 0 &&
             inside-- == 0)
      return p;
  }
  return NULL;
}

void
_parley_math_put_environment (ParleyMathParser *self)
{
  g_autofree char *name = _parley_math_take_raw (self);
  const char *close = find_end (self->at, self->end, name);
  ParleyMathNode *table = _parley_math_node_new (PARLEY_NODE_TABLE);
  ParleyMathParser inner = { self->at,    close != NULL ? close : self->end,
                             NULL,        self->depth + 1,
                             self->tight, FALSE };
  gsize length = strlen (name) - g_str_has_suffix (name, "*"), i = 0;

  while (i + 1 < G_N_ELEMENTS (environments) && (strlen (environments[i].name) != length ||
                                                 memcmp (environments[i].name, name, length) != 0))
    i++;
  /* How its columns are aligned, or how many there are. */
  if (g_str_equal (name, "array") || g_str_has_prefix (name, "alignat") ||
      g_str_equal (name, "alignedat"))
    g_free (_parley_math_take_raw (&inner));
  table->table = environments[i].table;
  table->text = g_string_new (environments[i].left);
  table->right = g_strdup (environments[i].right);
  fill_table (&inner, table);
  _parley_math_add (self->row, table);
  self->at = close != NULL ? strchr (close, '}') + 1 : self->end;
}
