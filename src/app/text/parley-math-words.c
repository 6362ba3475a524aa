/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math-parser.h"

#include "app/text/parley-math-symbols.h"

#include <string.h>

/* ---- letters of another kind ---- */

static void
change_letters (ParleyMathNode *node, const char *alphabet)
{
  if (node->kind == PARLEY_NODE_TEXT && node->style == PARLEY_LETTERS) {
    GString *text = g_string_new (NULL);
    for (const char *p = node->text->str; *p != '\0'; p = g_utf8_next_char (p)) {
      gunichar c = g_utf8_get_char (p), letter = parley_math_letter (alphabet, c);
      g_string_append_unichar (text, letter != 0 ? letter : c);
    }
    g_string_free (node->text, TRUE);
    node->text = text;
  }
  for (guint i = 0; node->children != NULL && i < node->children->len; i++)
    change_letters (g_ptr_array_index (node->children, i), alphabet);
}

static void
make_upright (ParleyMathNode *node, ParleyMathStyle style)
{
  if (node->kind == PARLEY_NODE_TEXT && node->style == PARLEY_LETTERS)
    node->style = style;
  for (guint i = 0; node->children != NULL && i < node->children->len; i++)
    make_upright (g_ptr_array_index (node->children, i), PARLEY_UPRIGHT);
}

/* What is in the row joins the parser's. Takes it. */
static void
join (ParleyMathParser *self, ParleyMathNode *row)
{
  while (row->children != NULL && row->children->len > 0)
    _parley_math_add (self->row, g_ptr_array_steal_index (row->children, 0));
  parley_math_node_free (row);
}

static void
put_alphabet (ParleyMathParser *self, const char *command)
{
  ParleyMathNode *row = _parley_math_take_argument (self);

  change_letters (row, command);
  join (self, row);
}

/* ---- words ---- */

/* A formula between dollar signs in words. */
static void
put_formula (ParleyMathParser *self, const char *latex, gsize length)
{
  ParleyMathParser inner = *self;

  inner.at = latex;
  inner.end = latex + length;
  while (inner.at < inner.end)
    _parley_math_parse_atom (&inner);
}

/* As it was written, but for "\%" and the like. */
static void
put_text (ParleyMathParser *self, const char *text)
{
  g_autoptr (GString) words = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++) {
    const char *close = *p == '$' ? strchr (p + 1, '$') : NULL;
    if (close != NULL) {
      _parley_math_put (self, words->str, PARLEY_UPRIGHT);
      g_string_truncate (words, 0);
      put_formula (self, p + 1, (gsize) (close - p - 1));
      p = close;
    } else if (*p == '~')
      g_string_append_c (words, ' ');
    else if (*p != '\\' || g_ascii_isalpha (p[1]))
      g_string_append_c (words, *p);
  }
  _parley_math_put (self, words->str, PARLEY_UPRIGHT);
}

/* A name, which may hold formulas of its own: "arg\,max", "H_2O". */
static void
put_name (ParleyMathParser *self, ParleyMathStyle style)
{
  const char *start = self->at;
  g_autofree char *raw = _parley_math_take_raw (self);

  if (*raw != '\0' && strpbrk (raw, "\\^_") == NULL) {
    _parley_math_put (self, raw, style);
    return;
  }
  self->at = start;
  ParleyMathNode *row = _parley_math_take_argument (self);
  make_upright (row, row->children != NULL && row->children->len == 1 ? style : PARLEY_UPRIGHT);
  join (self, row);
}

/* ---- chemistry: \ce{2H2 + O2 -> 2H2O} ---- */

static void
put_script (ParleyMathParser *self, ParleyMathKind kind, const char *text, gsize length)
{
  ParleyMathNode *row = _parley_math_node_new (PARLEY_NODE_ROW), *outer = self->row;
  g_autofree char *script = g_strndup (text, length);

  self->row = row;
  _parley_math_put (self, script, PARLEY_UPRIGHT);
  self->row = outer;
  _parley_math_put_node (self, kind, row, NULL);
}

static void
put_chemistry (ParleyMathParser *self)
{
  static const struct {
    const char *written, *sign;
  } signs[] = { { "<=>", " ⇌ " }, { "<->", " ↔ " }, { "->", " → " }, { "<-", " ← " } };
  g_autofree char *raw = _parley_math_take_raw (self);

  for (const char *p = raw; *p != '\0';) {
    const char *last = p > raw ? p - 1 : " ";
    gsize n = 0, i = 0;
    while (i < G_N_ELEMENTS (signs) && !g_str_has_prefix (p, signs[i].written))
      i++;
    if (i < G_N_ELEMENTS (signs)) {
      _parley_math_put_sign (self, signs[i].sign);
      p += strlen (signs[i].written);
      while (*p == ' ')
        p++;
    } else if (*p == '^') {
      gboolean group = p[1] == '{';
      p += group ? 2 : 1;
      n = group ? strcspn (p, "}") : strspn (p, "0123456789+-");
      put_script (self, PARLEY_NODE_RAISED, p, n);
      p += n + (group && p[n] == '}' ? 1 : 0);
    } else if (g_ascii_isdigit (*p) && (g_ascii_isalpha (*last) || strchr (")]", *last) != NULL)) {
      n = strspn (p, "0123456789");
      put_script (self, PARLEY_NODE_LOWERED, p, n);
      p += n;
    } else if ((*p == '+' || *p == '-') && *last != ' ' && (p[1] == '\0' || p[1] == ' ')) {
      put_script (self, PARLEY_NODE_RAISED, p, 1);
      p++;
    } else {
      char one[] = { *p++, '\0' };
      if (strchr ("{}_", *one) == NULL)
        _parley_math_put (self, one, PARLEY_UPRIGHT);
    }
  }
}

gboolean
_parley_math_put_words (ParleyMathParser *self, const char *command)
{
  static const char *const texts[] = { "text",   "textbf", "textit", "textrm", "textsf",
                                       "texttt", "mbox",   "hbox",   NULL };
  static const char *const names[] = { "mathrm", "mathit", "operatorname", "mathop", "rm", NULL };
  static const char *const limits[] = { "argmax",    "argmin",    "arg max", "arg min",
                                        "arg\\,max", "arg\\,min", NULL };

  if (parley_math_is_alphabet (command))
    put_alphabet (self, command);
  else if (g_strv_contains (texts, command)) {
    g_autofree char *text = _parley_math_take_raw (self);
    put_text (self, text);
  } else if (g_strv_contains (names, command)) {
    gboolean star = self->at < self->end && *self->at == '*';
    self->at += star;
    ParleyMathParser ahead = *self;
    g_autofree char *name = _parley_math_take_raw (&ahead);
    put_name (self, star || g_strv_contains (limits, name) ? PARLEY_LIMIT : PARLEY_UPRIGHT);
  } else if (g_str_equal (command, "ce"))
    put_chemistry (self);
  else if (g_str_equal (command, "tag")) {
    g_autofree char *text = _parley_math_take_raw (self);
    g_autofree char *tag = g_strdup_printf ("    (%s)", text);
    _parley_math_put (self, tag, PARLEY_UPRIGHT);
  } else
    return FALSE;
  return TRUE;
}
