/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math.h"

#include <string.h>

typedef struct {
  GString *out;
  GArray *runs;
} Writer;

static void write_node (Writer *self, const ParleyMathNode *node);

static const ParleyMathNode *
nth (const ParleyMathNode *node, guint n)
{
  return g_ptr_array_index (node->children, n);
}

/* Whether it stands by itself, or needs brackets beside a stroke or a root: x/2a is read in two
 * ways. */
static gboolean
is_simple (const char *text, gboolean below)
{
  gboolean letter = FALSE, digit = FALSE;

  if (g_utf8_strlen (text, -1) <= 1)
    return TRUE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    letter |= g_unichar_isalpha (c);
    digit |= g_unichar_isdigit (c);
    if (!g_unichar_isalnum (c) && !g_unichar_ismark (c) && c != '.' && c != '!' &&
        c != 0x2202 /* ∂ */)
      return FALSE;
  }
  return !(letter && digit && below);
}

/* In brackets where it would else be read with what is around it. */
static void
write_bracketed (Writer *self, const ParleyMathNode *node, gboolean below)
{
  gsize start = self->out->len;
  guint first = self->runs->len;

  write_node (self, node);
  if (is_simple (self->out->str + start, below && first == self->runs->len))
    return;
  g_string_insert_c (self->out, (gssize) start, '(');
  g_string_append_c (self->out, ')');
  for (guint i = first; i < self->runs->len; i++) {
    g_array_index (self->runs, ParleyMathRun, i).start++;
    g_array_index (self->runs, ParleyMathRun, i).end++;
  }
}

static void
write_script (Writer *self, ParleyMathScript script, const ParleyMathNode *node)
{
  ParleyMathRun run = { .script = script, .start = self->out->len };
  guint index = self->runs->len;

  g_array_append_val (self->runs, run);
  write_node (self, node);
  g_array_index (self->runs, ParleyMathRun, index).end = self->out->len;
  if (self->out->len == run.start)
    g_array_set_size (self->runs, index);
}

/* Each letter with the mark above it. */
static void
write_accent (Writer *self, const ParleyMathNode *node)
{
  static const char *const around[] = { PARLEY_MARK_BRACE_ABOVE, PARLEY_MARK_BRACE_BELOW,
                                        PARLEY_MARK_BOX, NULL };

  if (g_strv_contains (around, node->text->str)) {
    write_node (self, nth (node, 0));
    return;
  }
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));
  g_autoptr (GString) text = g_string_new (NULL);
  Writer inner = { text, runs };

  write_node (&inner, nth (node, 0));
  for (const char *p = text->str; *p != '\0'; p = g_utf8_next_char (p)) {
    g_string_append_len (self->out, p, g_utf8_next_char (p) - p);
    if (g_unichar_isalnum (g_utf8_get_char (p)))
      g_string_append (self->out, node->text->str);
  }
}

static void
write_table (Writer *self, const ParleyMathNode *table)
{
  gboolean cases = table->table == PARLEY_TABLE_CASES;
  const char *column = table->table == PARLEY_TABLE_ALIGNED ? " " : "  ";
  const char *row = table->table == PARLEY_TABLE_MATRIX ? "; " : cases ? "\n  " : "\n";

  g_string_append (self->out, table->text->str);
  if (cases)
    g_string_append_c (self->out, ' ');
  for (guint i = 0; table->children != NULL && i < table->children->len; i++) {
    if (i > 0)
      g_string_append (self->out, i % table->columns == 0 ? row : column);
    write_node (self, nth (table, i));
  }
  g_string_append (self->out, table->right);
}

/* What would run together with what is beside it in a line: "1/n ∑ x". */
static gboolean
stands_apart (const ParleyMathNode *node)
{
  return node->kind == PARLEY_NODE_FRACTION ||
         (node->kind == PARLEY_NODE_TEXT &&
          (node->style == PARLEY_OPERATOR || node->style == PARLEY_INTEGRAL));
}

static gboolean
runs_on (const char *text)
{
  gunichar c = g_utf8_get_char (text);

  return g_unichar_isalnum (c) || c == '(' || (c >= 0x2200 && c <= 0x22ff) || c == 0x221a;
}

static void
write_row (Writer *self, const ParleyMathNode *row)
{
  gboolean apart = FALSE; /* what came before, with its scripts */

  for (guint i = 0; row->children != NULL && i < row->children->len; i++) {
    const ParleyMathNode *node = nth (row, i);
    gboolean script = node->kind == PARLEY_NODE_RAISED || node->kind == PARLEY_NODE_LOWERED;
    const char *last = self->out->len > 0
                           ? g_utf8_find_prev_char (self->out->str, self->out->str + self->out->len)
                           : NULL;
    gsize start = self->out->len;
    guint first = self->runs->len;

    write_node (self, node);
    gboolean fraction = node->kind == PARLEY_NODE_FRACTION && i > 0;
    if (!script && last != NULL && self->out->len > start && runs_on (self->out->str + start) &&
        (apart || (fraction && g_unichar_isalnum (g_utf8_get_char (last))))) {
      g_string_insert_c (self->out, (gssize) start, ' ');
      for (guint r = first; r < self->runs->len; r++) {
        g_array_index (self->runs, ParleyMathRun, r).start++;
        g_array_index (self->runs, ParleyMathRun, r).end++;
      }
    }
    apart = stands_apart (node) || (script && apart);
  }
}

static void
write_node (Writer *self, const ParleyMathNode *node)
{
  switch (node->kind) {
  case PARLEY_NODE_ROW: write_row (self, node); break;
  case PARLEY_NODE_TEXT: g_string_append (self->out, node->text->str); break;
  case PARLEY_NODE_BREAK: g_string_append_c (self->out, '\n'); break;
  case PARLEY_NODE_FRACTION:
    write_bracketed (self, nth (node, 0), FALSE);
    g_string_append_c (self->out, '/');
    write_bracketed (self, nth (node, 1), TRUE);
    break;
  case PARLEY_NODE_BINOMIAL:
    g_string_append_c (self->out, '(');
    write_node (self, nth (node, 0));
    g_string_append (self->out, " over ");
    write_node (self, nth (node, 1));
    g_string_append_c (self->out, ')');
    break;
  case PARLEY_NODE_ROOT:
    write_script (self, PARLEY_MATH_RAISED, nth (node, 0));
    g_string_append (self->out, "√");
    write_bracketed (self, nth (node, 1), TRUE);
    break;
  case PARLEY_NODE_RAISED: write_script (self, PARLEY_MATH_RAISED, nth (node, 0)); break;
  case PARLEY_NODE_LOWERED: write_script (self, PARLEY_MATH_LOWERED, nth (node, 0)); break;
  case PARLEY_NODE_ACCENT: write_accent (self, node); break;
  case PARLEY_NODE_FENCED:
    g_string_append (self->out, node->text->str);
    write_node (self, nth (node, 0));
    g_string_append (self->out, node->right);
    break;
  case PARLEY_NODE_TABLE: write_table (self, node); break;
  }
}

/* Only the end is trimmed, so that the places of runs hold. */
void
parley_math_append (GString *out, GArray *runs, const ParleyMathNode *formula)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) inner = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));
  Writer self = { text, inner };

  write_node (&self, formula);
  while (text->len > 0 && g_ascii_isspace (text->str[text->len - 1]))
    g_string_truncate (text, text->len - 1);
  for (guint i = 0; i < inner->len; i++) {
    ParleyMathRun run = g_array_index (inner, ParleyMathRun, i);
    run.end = MIN (run.end, text->len);
    if (run.end <= run.start)
      continue;
    run.start += out->len;
    run.end += out->len;
    g_array_append_val (runs, run);
  }
  g_string_append_len (out, text->str, (gssize) text->len);
}
