/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Commands that build something: fractions, roots, accents, brackets, what stands over something.
 */
#include "app/text/parley-math-parser.h"

#include "app/text/parley-math-symbols.h"

#include <string.h>

static void
put (ParleyMathParser *self, const char *text)
{
  _parley_math_put (self, text, PARLEY_LETTERS);
}

static void
put_root (ParleyMathParser *self)
{
  ParleyMathNode *degree = _parley_math_node_new (PARLEY_NODE_ROW), *outer = self->row;

  _parley_math_skip_space (self);
  if (self->at < self->end && *self->at == '[') {
    self->at++;
    self->row = degree;
    _parley_math_parse_until (self, ']');
    self->row = outer;
  }
  _parley_math_put_node (self, PARLEY_NODE_ROOT, degree, _parley_math_take_argument (self));
}

static void
put_accent (ParleyMathParser *self, const char *mark)
{
  _parley_math_put_node (self, PARLEY_NODE_ACCENT, _parley_math_take_argument (self), NULL);
  _parley_math_last (self->row)->text = g_string_new (mark);
}

/* \left( … \right). */
static void
put_fenced (ParleyMathParser *self)
{
  ParleyMathNode *fenced = _parley_math_node_new (PARLEY_NODE_FENCED), *outer = self->row;
  ParleyMathNode *inner = _parley_math_node_new (PARLEY_NODE_ROW);
  g_autofree char *left = _parley_math_take_fence (self);

  fenced->text = g_string_new (left);
  _parley_math_add (fenced, inner);
  _parley_math_add (self->row, fenced);
  self->row = inner;
  while (self->at < self->end && *self->at != '}' && !self->fence_ended)
    _parley_math_parse_atom (self);
  self->row = outer;
  fenced->right = self->fence_ended ? _parley_math_take_fence (self) : g_strdup ("");
  self->fence_ended = FALSE;
}

/* What stands over or under something: \overset, \xrightarrow. Takes both. */
static void
put_over (ParleyMathParser *self, ParleyMathNode *base, ParleyMathKind kind, ParleyMathNode *script)
{
  ParleyMathNode *only = _parley_math_last (base);

  if (only != NULL && base->children->len == 1 && only->kind == PARLEY_NODE_TEXT) {
    g_autofree char *sign = g_strstrip (g_strdup (only->text->str));
    gboolean spaced = strlen (sign) < only->text->len && !self->tight;
    if (spaced && !_parley_math_begins_here (self))
      put (self, " ");
    _parley_math_put (self, sign, PARLEY_LIMIT);
    _parley_math_put_node (self, kind, script, NULL);
    if (spaced)
      put (self, " ");
    parley_math_node_free (base);
    return;
  }
  _parley_math_add (self->row, base);
  _parley_math_put_node (self, kind, script, NULL);
}

/* The script comes before what it belongs to. */
static void
put_set (ParleyMathParser *self, ParleyMathKind kind)
{
  ParleyMathNode *script = _parley_math_take_script (self);

  put_over (self, _parley_math_take_argument (self), kind, script);
}

/* An arrow with words over it; those below are in brackets, and left out. */
static void
put_arrow (ParleyMathParser *self, const char *sign)
{
  ParleyMathNode *base = _parley_math_node_new (PARLEY_NODE_ROW), *outer = self->row;

  _parley_math_skip_space (self);
  if (self->at < self->end && *self->at == '[') {
    self->row = base;
    self->at++;
    _parley_math_parse_until (self, ']');
    self->row = outer;
    g_clear_pointer (&base->children, g_ptr_array_unref);
  }
  self->row = base;
  _parley_math_put_sign (self, sign);
  self->row = outer;
  ParleyMathNode *script = _parley_math_take_script (self);
  if (_parley_math_last (script) == NULL) {
    parley_math_node_free (script);
    parley_math_node_free (base);
    _parley_math_put_sign (self, sign);
  } else
    put_over (self, base, PARLEY_NODE_RAISED, script);
}

/* A stroke through what was put last. */
static void
put_not (ParleyMathParser *self)
{
  _parley_math_skip_space (self);
  if (self->at < self->end)
    _parley_math_parse_atom (self);
  ParleyMathNode *last = _parley_math_last (self->row);
  if (last == NULL || last->kind != PARLEY_NODE_TEXT) {
    put (self, "\u0338");
    return;
  }
  gboolean spaced = g_str_has_suffix (last->text->str, " ");
  if (spaced)
    g_string_truncate (last->text, last->text->len - 1);
  g_string_append (last->text, "\u0338");
  g_autofree char *composed = g_utf8_normalize (last->text->str, -1, G_NORMALIZE_NFC);
  g_string_assign (last->text, composed);
  if (spaced)
    g_string_append_c (last->text, ' ');
}

static void
put_remainder (ParleyMathParser *self, const char *words)
{
  ParleyMathNode *number = _parley_math_take_argument (self);

  put (self, self->tight ? "(" : " (");
  _parley_math_put (self, words, PARLEY_UPRIGHT);
  _parley_math_add (self->row, number);
  put (self, ")");
}

static gboolean
is_size (const char *command)
{
  static const char *const sizes[] = { "big", "Big", "bigg", "Bigg" };
  gsize length = strlen (command);

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    if (g_str_has_prefix (command, sizes[i]) &&
        (length == strlen (sizes[i]) ||
         (length == strlen (sizes[i]) + 1 && strchr ("lrm", command[length - 1]) != NULL)))
      return TRUE;
  return FALSE;
}

gboolean
_parley_math_put_construction (ParleyMathParser *self, const char *command)
{
  static const char *const fractions[] = { "frac", "dfrac", "tfrac", "cfrac", NULL };
  static const char *const plain[] = { "mathstrut", "substack", "mathclap",  "mathllap",
                                       "mathrlap",  "smash",    "mathord",   "mathbin",
                                       "mathrel",   "mathopen", "mathclose", "mathpunct",
                                       "mathinner", NULL };
  static const char *const nothing[] = { "limits",
                                         "nolimits",
                                         "displaystyle",
                                         "textstyle",
                                         "scriptstyle",
                                         "nonumber",
                                         "notag",
                                         "hline",
                                         "scriptscriptstyle",
                                         "bf",
                                         "it",
                                         "cal",
                                         "allowdisplaybreaks",
                                         "normalsize",
                                         "large",
                                         "centering",
                                         "noindent",
                                         "par",
                                         NULL };
  static const char *const dropped[] = {
    "label", "color", "vspace", "phantom", "hphantom", "vphantom", "cline", "textcolor", NULL
  }; /* with what is in braces */
  static const char *const below[] = { "cancel", "bcancel", "xcancel", "sout", NULL };

  if (_parley_math_put_words (self, command))
    return TRUE;
  if (g_strv_contains (fractions, command) || g_str_has_suffix (command, "binom")) {
    ParleyMathNode *above = _parley_math_take_argument (self);
    gboolean binomial = g_str_has_suffix (command, "binom");
    _parley_math_put_node (self, binomial ? PARLEY_NODE_BINOMIAL : PARLEY_NODE_FRACTION, above,
                           _parley_math_take_argument (self));
  } else if (g_str_equal (command, "sqrt"))
    put_root (self);
  else if (g_str_equal (command, "begin"))
    _parley_math_put_environment (self);
  else if (parley_math_accent (command) != NULL)
    put_accent (self, parley_math_accent (command));
  else if (g_strv_contains (below, command))
    put_accent (self, PARLEY_MARK_CANCEL);
  else if (g_str_equal (command, "left"))
    put_fenced (self);
  else if (is_size (command)) {
    g_autofree char *fence = _parley_math_take_fence (self);
    put (self, fence);
  } else if (g_strv_contains (plain, command)) {
    _parley_math_skip_space (self);
    if (self->at < self->end)
      _parley_math_parse_atom (self);
  } else if (g_str_equal (command, "overset") || g_str_equal (command, "stackrel"))
    put_set (self, PARLEY_NODE_RAISED);
  else if (g_str_equal (command, "underset"))
    put_set (self, PARLEY_NODE_LOWERED);
  else if (g_str_equal (command, "xrightarrow"))
    put_arrow (self, "→");
  else if (g_str_equal (command, "xleftarrow"))
    put_arrow (self, "←");
  else if (g_str_equal (command, "pmod"))
    put_remainder (self, "mod ");
  else if (g_str_equal (command, "pod"))
    put_remainder (self, "");
  else if (g_str_equal (command, "not"))
    put_not (self);
  else if (g_str_equal (command, "hspace")) {
    g_free (_parley_math_take_raw (self));
    put (self, " ");
  } else if (g_strv_contains (dropped, command))
    g_free (_parley_math_take_raw (self));
  else
    return g_strv_contains (nothing, command);
  return TRUE;
}
