/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math-parser.h"

#include "app/text/parley-math-symbols.h"

#include <string.h>

#define MAX_DEPTH 16
#define MAX_DRAWN 1500 /* parts of a formula that is drawn */

/* ---- nodes ---- */

ParleyMathNode *
_parley_math_node_new (ParleyMathKind kind)
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

void
_parley_math_add (ParleyMathNode *parent, ParleyMathNode *child)
{
  if (parent->children == NULL)
    parent->children = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_math_node_free);
  g_ptr_array_add (parent->children, child);
}

ParleyMathNode *
_parley_math_last (const ParleyMathNode *row)
{
  return row->children != NULL && row->children->len > 0
             ? g_ptr_array_index (row->children, row->children->len - 1)
             : NULL;
}

static void
put_styled (ParleyMathParser *self, const char *text, gsize length, ParleyMathStyle style)
{
  ParleyMathNode *last = _parley_math_last (self->row);

  if (length == 0)
    return;
  /* What has limits stands by itself. */
  if (last == NULL || last->kind != PARLEY_NODE_TEXT || last->style != style ||
      style > PARLEY_UPRIGHT) {
    last = _parley_math_node_new (PARLEY_NODE_TEXT);
    last->style = style;
    last->text = g_string_new (NULL);
    _parley_math_add (self->row, last);
  }
  g_string_append_len (last->text, text, (gssize) length);
}

void
_parley_math_put (ParleyMathParser *self, const char *text, ParleyMathStyle style)
{
  put_styled (self, text, strlen (text), style);
}

static void
put (ParleyMathParser *self, const char *text)
{
  put_styled (self, text, strlen (text), PARLEY_LETTERS);
}

/* The last character of the row; 0: there is none; 'x': no text, which counts as a letter. */
static gunichar
last_char (const ParleyMathParser *self)
{
  const ParleyMathNode *last = _parley_math_last (self->row);

  if (last == NULL)
    return 0;
  if (last->kind != PARLEY_NODE_TEXT || last->text->len == 0)
    return 'x';
  return g_utf8_get_char (g_utf8_prev_char (last->text->str + last->text->len));
}

static gboolean
opens (gunichar c)
{
  return c == 0 || c == ' ' || (c < 128 && strchr ("([{,;/=<>:", (int) c) != NULL) || c == 0x27e8 ||
         c == 0x230a || c == 0x2308 /* ⟨ ⌊ ⌈ */;
}

/* A bar opens or closes: of those in a text every other does. */
static gboolean
is_open_bar (const char *text, gunichar bar)
{
  guint n = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    n += g_utf8_get_char (p) == bar;
  return n % 2 == 1;
}

gboolean
_parley_math_begins_here (const ParleyMathParser *self)
{
  gunichar last = last_char (self);

  return opens (last) || ((last == '|' || last == 0x2016 /* ‖ */) &&
                          is_open_bar (_parley_math_last (self->row)->text->str, last));
}

void
_parley_math_put_sign (ParleyMathParser *self, const char *sign)
{
  static const char *const single[] = { "+", "−", "±", "∓", NULL };
  g_autofree char *bare = g_strstrip (g_strdup (sign));

  if (self->tight || (g_strv_contains (single, bare) && _parley_math_begins_here (self))) {
    put (self, bare);
    return;
  }
  if (last_char (self) != 0 && last_char (self) != ' ')
    put (self, " ");
  put (self, bare);
  put (self, " ");
}

/* ---- small steps ---- */

void
_parley_math_skip_space (ParleyMathParser *self)
{
  while (self->at < self->end && g_ascii_isspace (*self->at))
    self->at++;
}

/* The name after a backslash: letters, or one other character. */
static char *
take_command (ParleyMathParser *self)
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
ParleyMathNode *
_parley_math_take_argument (ParleyMathParser *self)
{
  ParleyMathNode *outer = self->row, *argument = _parley_math_node_new (PARLEY_NODE_ROW);

  self->row = argument;
  _parley_math_skip_space (self);
  if (self->at < self->end)
    _parley_math_parse_atom (self);
  self->row = outer;
  return argument;
}

/* The same, as it was written: of \text and the like. */
char *
_parley_math_take_raw (ParleyMathParser *self)
{
  _parley_math_skip_space (self);
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
char *
_parley_math_take_fence (ParleyMathParser *self)
{
  _parley_math_skip_space (self);
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

/* ---- scripts ---- */

ParleyMathNode *
_parley_math_put_node (ParleyMathParser *self, ParleyMathKind kind, ParleyMathNode *first,
                       ParleyMathNode *second)
{
  ParleyMathNode *node = _parley_math_node_new (kind);

  _parley_math_add (node, first);
  if (second != NULL)
    _parley_math_add (node, second);
  _parley_math_add (self->row, node);
  return node;
}

/* An argument in which signs bring no spaces. */
ParleyMathNode *
_parley_math_take_script (ParleyMathParser *self)
{
  gboolean outer = self->tight;

  self->tight = TRUE;
  ParleyMathNode *script = _parley_math_take_argument (self);
  self->tight = outer;
  return script;
}

/* A function and what it is of: "sin x", "log₂ n". */
static void
put_space_before_argument (ParleyMathParser *self)
{
  static const char *const none[] = { "\\left", "\\big", "\\Big", "\\limits", "\\nolimits" };

  _parley_math_skip_space (self);
  if (self->at >= self->end || self->tight)
    return;
  gboolean spaced = g_ascii_isalnum (*self->at) || (*self->at == '\\' && self->at + 1 < self->end &&
                                                    g_ascii_isalpha (self->at[1]));
  for (gsize i = 0; i < G_N_ELEMENTS (none) && spaced; i++)
    spaced = (gsize) (self->end - self->at) < strlen (none[i]) ||
             memcmp (self->at, none[i], strlen (none[i])) != 0;
  if (spaced)
    put (self, " ");
}

static void
put_script (ParleyMathParser *self, ParleyMathKind kind)
{
  ParleyMathNode *argument = _parley_math_take_script (self), *base = _parley_math_last (self->row);
  const ParleyMathNode *only = _parley_math_last (argument);

  if (only == NULL) {
    parley_math_node_free (argument);
    return;
  }
  if (kind == PARLEY_NODE_RAISED && only->kind == PARLEY_NODE_TEXT &&
      argument->children->len == 1 &&
      strspn (only->text->str, "′") == only->text->len) { /* raised of itself */
    put (self, only->text->str);
    parley_math_node_free (argument);
    return;
  }
  _parley_math_put_node (self, kind, argument, NULL);
  if (base != NULL && base->kind == PARLEY_NODE_TEXT &&
      (base->style == PARLEY_UPRIGHT || base->style == PARLEY_LIMIT) &&
      (self->at == self->end || strchr ("^_", *self->at) == NULL))
    put_space_before_argument (self);
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
put_function (ParleyMathParser *self, const char *name)
{
  static const char *const ranged[] = { "lim", "limsup", "liminf", "max",    "min",    "sup", "inf",
                                        "gcd", "Pr",     "det",    "argmax", "argmin", NULL };
  gunichar before = last_char (self);

  if (!self->tight &&
      (g_unichar_isalnum (before) || before == ')' || before == ']' ||
       ((before == '|' || before == 0x2016 /* ‖ */) && !_parley_math_begins_here (self)) ||
       before == 0x2032 /* ′ */))
    put (self, " ");
  _parley_math_put (self, name, g_strv_contains (ranged, name) ? PARLEY_LIMIT : PARLEY_UPRIGHT);
  put_space_before_argument (self);
}

static void
put_command (ParleyMathParser *self)
{
  g_autofree char *command = take_command (self);
  const char *symbol = parley_math_symbol (command);

  if (g_str_equal (command, "\\")) {
    if (self->tight) /* of \substack: on one line, below its sign */
      put (self, ", ");
    else
      _parley_math_add (self->row, _parley_math_node_new (PARLEY_NODE_BREAK));
  } else if (symbol != NULL && symbol[0] == ' ' && symbol[1] > ' ' &&
             strstr (symbol, "mod") != NULL)
    _parley_math_put (self, symbol, PARLEY_UPRIGHT);
  else if (symbol != NULL && symbol[0] == ' ' && strspn (symbol, " ") < strlen (symbol))
    _parley_math_put_sign (self, symbol);
  else if (symbol != NULL)
    put_styled (self, symbol, strlen (symbol), style_of (symbol, strlen (symbol)));
  else if (g_str_equal (command, "right"))
    self->fence_ended = TRUE;
  else if (parley_math_is_function (command))
    put_function (self, command);
  else if (!_parley_math_put_construction (self, command)) {
    put (self, "\\");
    put (self, command);
  }
}

/* Relations and signs breathe. */
static gboolean
put_operator (ParleyMathParser *self, char c)
{
  const char sign[] = { c, '\0' };

  if (c == ':' && self->at + 1 < self->end && self->at[1] == '=') {
    self->at++;
    _parley_math_put_sign (self, ":=");
  } else if (c == '-')
    _parley_math_put_sign (self, "−");
  else if (strchr ("=<>+", c) != NULL)
    _parley_math_put_sign (self, sign);
  else
    return FALSE;
  return TRUE;
}

/* The comma of 1,000, or of 1{,}000. */
static gboolean
take_comma_of_number (ParleyMathParser *self)
{
  gsize rest = (gsize) (self->end - self->at), digits = 0;

  if (rest > 3 && memcmp (self->at, "{,}", 3) == 0) {
    put (self, ",");
    self->at += 3;
    return TRUE;
  }
  if (*self->at != ',' || !g_unichar_isdigit (last_char (self)))
    return FALSE;
  while (digits + 1 < rest && g_ascii_isdigit (self->at[digits + 1]))
    digits++;
  if (digits != 3)
    return FALSE;
  put (self, ",");
  self->at++;
  return TRUE;
}

void
_parley_math_parse_atom (ParleyMathParser *self)
{
  char c = *self->at;

  if (self->depth >= MAX_DEPTH) {
    put_styled (self, self->at, (gsize) (self->end - self->at), PARLEY_LETTERS);
    self->at = self->end;
    return;
  }
  self->depth++;
  if (take_comma_of_number (self)) {
    self->depth--;
    return;
  }
  if (c == '{') {
    self->at++;
    _parley_math_parse_until (self, '}');
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
    _parley_math_skip_space (self);
  } else if (c == ',') {
    self->at++;
    put (self, self->tight ? "," : ", ");
    _parley_math_skip_space (self);
  } else if (c == ':' && self->at + 1 < self->end && self->at[1] == ' ') {
    self->at++;
    put (self, ": ");
  } else {
    const char *next = MIN (g_utf8_next_char (self->at), self->end);
    gsize length = (gsize) (next - self->at);
    put_styled (self, self->at, length, style_of (self->at, length));
    self->at = next;
  }
  self->depth--;
}

void
_parley_math_parse_until (ParleyMathParser *self, char closing)
{
  while (self->at < self->end && *self->at != closing && !self->fence_ended)
    _parley_math_parse_atom (self);
  if (self->at < self->end && *self->at == closing)
    self->at++;
}

ParleyMathNode *
parley_math_parse (const char *latex, gsize length)
{
  ParleyMathNode *root = _parley_math_node_new (PARLEY_NODE_ROW);
  g_autofree char *valid = g_utf8_make_valid (latex, (gssize) length);
  ParleyMathParser self = { valid, valid + strlen (valid), root, 0, FALSE, FALSE };

  while (self.at < self.end) {
    _parley_math_parse_until (&self, '\0');
    if (self.fence_ended) { /* it was not open: the bracket is text */
      self.fence_ended = FALSE;
      g_autofree char *fence = _parley_math_take_fence (&self);
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
