/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math-tree.h"

#include "app/text/parley-math-symbols.h"

#include <string.h>

#define MAX_DEPTH   16
#define MAX_COLUMNS 64   /* of a table; what is further right joins the last */
#define MAX_DRAWN   1500 /* parts of a formula that is drawn */

typedef struct {
  const char *at, *end;
  ParleyMathNode *row; /* where things go */
  guint depth;
  gboolean fence_ended; /* \right was read */
} Parser;

static void parse_atom (Parser *self);
static void parse_until (Parser *self, char closing);

/* ---- nodes ---- */

static ParleyMathNode *
node_new (ParleyMathKind kind)
{
  ParleyMathNode *node = g_new0 (ParleyMathNode, 1);

  node->kind = kind;
  return node;
}

void
parley_math_node_free (ParleyMathNode *node)
{
  if (node == NULL)
    return;
  if (node->text != NULL)
    g_string_free (node->text, TRUE);
  g_free (node->right);
  g_clear_pointer (&node->children, g_ptr_array_unref);
  g_free (node);
}

static void
add (ParleyMathNode *parent, ParleyMathNode *child)
{
  if (parent->children == NULL)
    parent->children = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_math_node_free);
  g_ptr_array_add (parent->children, child);
}

static ParleyMathNode *
last_of (const ParleyMathNode *row)
{
  return row->children != NULL && row->children->len > 0
             ? g_ptr_array_index (row->children, row->children->len - 1)
             : NULL;
}

static gboolean
is_empty (const ParleyMathNode *row)
{
  return last_of (row) == NULL;
}

static void
put_styled (Parser *self, const char *text, gsize length, ParleyMathStyle style)
{
  ParleyMathNode *last = last_of (self->row);

  if (length == 0)
    return;
  /* What has limits stands by itself. */
  if (last == NULL || last->kind != PARLEY_NODE_TEXT || last->style != style ||
      style > PARLEY_UPRIGHT) {
    last = node_new (PARLEY_NODE_TEXT);
    last->style = style;
    last->text = g_string_new (NULL);
    add (self->row, last);
  }
  g_string_append_len (last->text, text, (gssize) length);
}

static void
put (Parser *self, const char *text)
{
  put_styled (self, text, strlen (text), PARLEY_LETTERS);
}

/* The last character of the row; 0: it is empty; 'x': no text, which counts as a letter. */
static char
last_char (Parser *self)
{
  const ParleyMathNode *last = last_of (self->row);

  if (last == NULL)
    return '\0';
  return last->kind == PARLEY_NODE_TEXT && last->text->len > 0
             ? last->text->str[last->text->len - 1]
             : 'x';
}

/* ---- small steps ---- */

static void
skip_space (Parser *self)
{
  while (self->at < self->end && g_ascii_isspace (*self->at))
    self->at++;
}

/* The name after a backslash: letters, or one other character. */
static char *
take_command (Parser *self)
{
  const char *start = self->at;

  if (self->at < self->end && !g_ascii_isalpha (*self->at)) {
    self->at = MIN (g_utf8_next_char (self->at), self->end);
    return g_strndup (start, (gsize) (self->at - start));
  }
  while (self->at < self->end && g_ascii_isalpha (*self->at))
    self->at++;
  return g_strndup (start, (gsize) (self->at - start));
}

/* A group in braces, or one atom, as a row of its own. */
static ParleyMathNode *
take_argument (Parser *self)
{
  ParleyMathNode *outer = self->row, *argument = node_new (PARLEY_NODE_ROW);

  self->row = argument;
  skip_space (self);
  if (self->at < self->end)
    parse_atom (self);
  self->row = outer;
  return argument;
}

/* The same, as it was written: of \text and the like. */
static char *
take_raw (Parser *self)
{
  skip_space (self);
  if (self->at >= self->end || *self->at != '{')
    return g_strdup ("");
  const char *start = ++self->at;
  guint open = 1;
  for (; self->at < self->end; self->at++) {
    if (*self->at == '{')
      open++;
    else if (*self->at == '}' && --open == 0)
      break;
  }
  char *text = g_strndup (start, (gsize) (self->at - start));
  if (self->at < self->end)
    self->at++;
  return text;
}

/* A bracket after \left or \right; "": none on this side. */
static char *
take_fence (Parser *self)
{
  skip_space (self);
  if (self->at >= self->end)
    return g_strdup ("");
  if (*self->at == '\\') {
    self->at++;
    g_autofree char *command = take_command (self);
    const char *symbol = parley_math_symbol (command);
    return g_strstrip (g_strdup (symbol != NULL ? symbol : command));
  }
  const char *start = self->at;
  self->at = MIN (g_utf8_next_char (self->at), self->end);
  return *start == '.' ? g_strdup ("") : g_strndup (start, (gsize) (self->at - start));
}

/* ---- constructions ---- */

static void
put_node (Parser *self, ParleyMathKind kind, ParleyMathNode *first, ParleyMathNode *second)
{
  ParleyMathNode *node = node_new (kind);

  add (node, first);
  if (second != NULL)
    add (node, second);
  add (self->row, node);
}

static void
put_script (Parser *self, ParleyMathKind kind)
{
  ParleyMathNode *argument = take_argument (self);

  if (is_empty (argument))
    parley_math_node_free (argument);
  else
    put_node (self, kind, argument, NULL);
}

static void
put_root (Parser *self)
{
  ParleyMathNode *degree = node_new (PARLEY_NODE_ROW), *outer = self->row;

  skip_space (self);
  if (self->at < self->end && *self->at == '[') {
    self->at++;
    self->row = degree;
    parse_until (self, ']');
    self->row = outer;
  }
  put_node (self, PARLEY_NODE_ROOT, degree, take_argument (self));
}

static void
put_accent (Parser *self, const char *mark)
{
  put_node (self, PARLEY_NODE_ACCENT, take_argument (self), NULL);
  last_of (self->row)->text = g_string_new (mark);
}

static void
put_alphabet (Parser *self, const char *command)
{
  g_autofree char *text = take_raw (self);

  for (const char *p = text; *p != '\0'; p++) {
    const char *letter = parley_math_letter (command, *p);
    if (letter != NULL)
      put (self, letter);
    else
      put_styled (self, p, 1, PARLEY_LETTERS);
  }
}

/* \left( … \right). */
static void
put_fenced (Parser *self)
{
  ParleyMathNode *fenced = node_new (PARLEY_NODE_FENCED), *outer = self->row;
  ParleyMathNode *inner = node_new (PARLEY_NODE_ROW);
  g_autofree char *left = take_fence (self);

  fenced->text = g_string_new (left);
  add (fenced, inner);
  add (self->row, fenced);
  self->row = inner;
  while (self->at < self->end && *self->at != '}' && !self->fence_ended)
    parse_atom (self);
  self->row = outer;
  fenced->right = self->fence_ended ? take_fence (self) : g_strdup ("");
  self->fence_ended = FALSE;
}

static void
end_row (ParleyMathNode *table, guint n_cells)
{
  for (; n_cells < table->columns; n_cells++)
    add (table, node_new (PARLEY_NODE_ROW));
}

/* Columns are counted first, so that every row gets as many cells. */
static guint
count_columns (const char *at, const char *end)
{
  guint most = 1, n = 1;

  for (const char *p = at; p < end; p++) {
    if (*p == '\\' && p + 1 < end) {
      p++;
      if (*p == '\\')
        n = 1;
    } else if (*p == '&') {
      n++;
      most = MAX (most, n);
    }
  }
  return MIN (most, MAX_COLUMNS);
}

static void
fill_table (Parser *self, ParleyMathNode *table)
{
  guint n = 0;
  gboolean open = FALSE; /* a cell of this row was begun */

  table->columns = count_columns (self->at, self->end);
  while (self->at < self->end) {
    if (!open) {
      skip_space (self);
      if (self->at >= self->end)
        break;
    }
    if (!open || (*self->at == '&' && n < table->columns)) {
      add (table, self->row = node_new (PARLEY_NODE_ROW));
      n++;
      self->at += open ? 1 : 0;
      open = TRUE;
    } else if (self->end - self->at >= 2 && self->at[0] == '\\' && self->at[1] == '\\') {
      self->at += 2;
      end_row (table, n);
      n = 0;
      open = FALSE;
    } else
      parse_atom (self);
  }
  if (open)
    end_row (table, n);
}

static void
put_environment (Parser *self)
{
  g_autofree char *name = take_raw (self);
  g_autofree char *end = g_strdup_printf ("\\end{%s}", name);
  const char *close = g_strstr_len (self->at, self->end - self->at, end);
  const char *stop = close != NULL ? close : self->end;
  gboolean matrix = g_str_has_suffix (name, "matrix"), cases = g_str_equal (name, "cases");
  ParleyMathNode *table = node_new (PARLEY_NODE_TABLE);
  Parser inner = { self->at, stop, NULL, self->depth + 1, FALSE };

  if (g_str_equal (name, "array"))
    g_free (take_raw (&inner)); /* how its columns are aligned */
  table->table = matrix || g_str_equal (name, "array") ? PARLEY_TABLE_MATRIX
                 : cases                               ? PARLEY_TABLE_CASES
                                                       : PARLEY_TABLE_ALIGNED;
  table->text = g_string_new (!matrix          ? (cases ? "{" : "")
                              : name[0] == 'p' ? "("
                              : name[0] == 'b' ? "["
                              : name[0] == 'B' ? "{"
                              : name[0] == 'v' ? "|"
                              : name[0] == 'V' ? "‖"
                                               : "");
  table->right = g_strdup (!matrix          ? ""
                           : name[0] == 'p' ? ")"
                           : name[0] == 'b' ? "]"
                           : name[0] == 'B' ? "}"
                           : name[0] == 'v' ? "|"
                           : name[0] == 'V' ? "‖"
                                            : "");
  fill_table (&inner, table);
  add (self->row, table);
  self->at = close != NULL ? close + strlen (end) : self->end;
}

/* The script of \overset and \underset comes before what it belongs to. */
static void
put_set (Parser *self, ParleyMathKind kind)
{
  ParleyMathNode *script = take_argument (self);

  skip_space (self);
  if (self->at < self->end)
    parse_atom (self);
  put_node (self, kind, script, NULL);
}

static gboolean
put_construction (Parser *self, const char *command)
{
  static const char *const fractions[] = { "frac", "dfrac", "tfrac", "cfrac", NULL };
  static const char *const words[] = { "text", "textbf", "textit", "mathrm", "operatorname",
                                       "mbox", "mathit", "tag",    NULL };
  static const char *const plain[] = { "boxed", "underbrace", "overbrace", "mathop", NULL };
  static const char *const nothing[] = { "limits",    "nolimits",    "displaystyle",
                                         "textstyle", "scriptstyle", "nonumber",
                                         NULL };

  if (g_strv_contains (fractions, command) || g_str_equal (command, "binom")) {
    ParleyMathNode *above = take_argument (self);
    gboolean binomial = *command == 'b';
    put_node (self, binomial ? PARLEY_NODE_BINOMIAL : PARLEY_NODE_FRACTION, above,
              take_argument (self));
  } else if (g_str_equal (command, "sqrt"))
    put_root (self);
  else if (g_str_equal (command, "begin"))
    put_environment (self);
  else if (parley_math_accent (command) != NULL)
    put_accent (self, parley_math_accent (command));
  else if (parley_math_is_alphabet (command))
    put_alphabet (self, command);
  else if (g_strv_contains (words, command)) {
    g_autofree char *text = take_raw (self);
    put_styled (self, text, strlen (text), PARLEY_UPRIGHT);
  } else if (g_str_equal (command, "left"))
    put_fenced (self);
  else if (g_str_has_prefix (command, "big") || g_str_has_prefix (command, "Big")) {
    g_autofree char *fence = take_fence (self);
    put (self, fence);
  } else if (g_strv_contains (plain, command)) {
    skip_space (self);
    if (self->at < self->end)
      parse_atom (self);
  } else if (g_str_equal (command, "overset") || g_str_equal (command, "stackrel"))
    put_set (self, PARLEY_NODE_RAISED);
  else if (g_str_equal (command, "underset"))
    put_set (self, PARLEY_NODE_LOWERED);
  else if (g_str_equal (command, "not")) {
    skip_space (self);
    if (self->at < self->end)
      parse_atom (self);
    put (self, "\u0338");
  } else
    return g_strv_contains (nothing, command);
  return TRUE;
}

/* ---- the grammar ---- */

static ParleyMathStyle
style_of (const char *text, gsize length)
{
  static const char *const operators[] = { "∑", "∏", "∐", "⋃", "⋂", "⨁", "⨂", "⋁", "⋀", "⨆", NULL };
  static const char *const integrals[] = { "∫", "∬", "∭", "∮", NULL };
  g_autofree char *sign = g_strndup (text, length);

  return g_strv_contains (operators, sign)   ? PARLEY_OPERATOR
         : g_strv_contains (integrals, sign) ? PARLEY_INTEGRAL
                                             : PARLEY_LETTERS;
}

static void
put_function (Parser *self, const char *name)
{
  static const char *const ranged[] = { "lim", "limsup", "liminf", "max", "min",
                                        "sup", "inf",    "gcd",    "Pr",  NULL };

  if (g_ascii_isalnum (last_char (self)))
    put (self, " ");
  put_styled (self, name, strlen (name),
              g_strv_contains (ranged, name) ? PARLEY_LIMIT : PARLEY_UPRIGHT);
  skip_space (self);
  if (self->at < self->end && (g_ascii_isalnum (*self->at) || *self->at == '\\'))
    put (self, " ");
}

static void
put_command (Parser *self)
{
  g_autofree char *command = take_command (self);
  const char *symbol = parley_math_symbol (command);

  if (g_str_equal (command, "\\"))
    add (self->row, node_new (PARLEY_NODE_BREAK));
  else if (symbol != NULL)
    put_styled (self, symbol, strlen (symbol),
                strstr (symbol, "mod") != NULL ? PARLEY_UPRIGHT
                                               : style_of (symbol, strlen (symbol)));
  else if (g_str_equal (command, "right"))
    self->fence_ended = TRUE;
  else if (parley_math_is_function (command))
    put_function (self, command);
  else if (!put_construction (self, command)) {
    put (self, "\\");
    put (self, command);
  }
}

/* Relations and signs breathe. */
static gboolean
put_operator (Parser *self, char c)
{
  char before = last_char (self);

  if (c == '-') {
    gboolean binary = before != '\0' && strchr ("(=<>+, ", before) == NULL;
    put (self, binary ? " − " : "−");
    return TRUE;
  }
  if (strchr ("=<>+", c) == NULL)
    return FALSE;
  if (before != '\0' && before != ' ')
    put (self, " ");
  put_styled (self, &c, 1, PARLEY_LETTERS);
  put (self, " ");
  return TRUE;
}

static void
parse_atom (Parser *self)
{
  char c = *self->at;

  if (self->depth >= MAX_DEPTH) {
    put_styled (self, self->at, (gsize) (self->end - self->at), PARLEY_LETTERS);
    self->at = self->end;
    return;
  }
  self->depth++;
  if (c == '{') {
    self->at++;
    parse_until (self, '}');
  } else if (c == '\\') {
    self->at++;
    put_command (self);
  } else if (c == '^' || c == '_') {
    self->at++;
    put_script (self, c == '^' ? PARLEY_NODE_RAISED : PARLEY_NODE_LOWERED);
  } else if (c == '\'') {
    self->at++;
    put (self, "′");
  } else if (c == '~') {
    self->at++;
    put (self, " ");
  } else if (c == '&' || g_ascii_isspace (c))
    self->at++;
  else if (put_operator (self, c)) {
    self->at++;
    skip_space (self);
  } else if (c == ',') {
    self->at++;
    put (self, ", ");
    skip_space (self);
  } else {
    const char *next = MIN (g_utf8_next_char (self->at), self->end);
    gsize length = (gsize) (next - self->at);
    put_styled (self, self->at, length, style_of (self->at, length));
    self->at = next;
  }
  self->depth--;
}

static void
parse_until (Parser *self, char closing)
{
  while (self->at < self->end && *self->at != closing && !self->fence_ended)
    parse_atom (self);
  if (self->at < self->end && *self->at == closing)
    self->at++;
}

ParleyMathNode *
parley_math_parse (const char *latex, gsize length)
{
  ParleyMathNode *root = node_new (PARLEY_NODE_ROW);
  g_autofree char *valid = g_utf8_make_valid (latex, (gssize) length);
  Parser self = { valid, valid + strlen (valid), root, 0, FALSE };

  while (self.at < self.end) {
    parse_until (&self, '\0');
    if (self.fence_ended) { /* it was not open: the bracket is text */
      self.fence_ended = FALSE;
      g_autofree char *fence = take_fence (&self);
      put (&self, fence);
    }
  }
  return root;
}

/* ---- what may be drawn ---- */

static guint
count (const ParleyMathNode *node)
{
  guint n = 1;

  for (guint i = 0; node->children != NULL && i < node->children->len; i++)
    n += count (g_ptr_array_index (node->children, i));
  return n;
}

gboolean
parley_math_is_drawable (const ParleyMathNode *node)
{
  return count (node) <= MAX_DRAWN;
}
