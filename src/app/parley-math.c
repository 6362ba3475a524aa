/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-math.h"

#include "app/parley-math-symbols.h"

#include <string.h>

#define MAX_DEPTH 16

typedef struct {
  const char *at, *end;
  GString *out;
  GArray *runs;
  guint depth;
} Parser;

static void parse_until (Parser *self, char closing);

/* ---- small steps ---- */

static void
skip_space (Parser *self)
{
  while (self->at < self->end && g_ascii_isspace (*self->at))
    self->at++;
}

static void
put (Parser *self, const char *text)
{
  g_string_append (self->out, text);
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

static void parse_atom (Parser *self);

/* A group in braces, or one atom; returns what was written into a text of its own. Runs within
 * count from the start of that text. */
static char *
take_argument (Parser *self, GArray *runs)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GString *out = self->out;
  GArray *outer_runs = self->runs;

  self->out = text;
  self->runs = runs;
  skip_space (self);
  if (self->at < self->end)
    parse_atom (self);
  self->out = out;
  self->runs = outer_runs;
  return g_string_free (g_steal_pointer (&text), FALSE);
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

static void
put_with_runs (Parser *self, const char *text, const GArray *runs)
{
  for (guint i = 0; i < runs->len; i++) {
    ParleyMathRun run = g_array_index (runs, ParleyMathRun, i);
    run.start += self->out->len;
    run.end += self->out->len;
    g_array_append_val (self->runs, run);
  }
  put (self, text);
}

/* Whether it stands by itself, or needs brackets under a stroke or a root. */
static gboolean
is_simple (const char *text)
{
  if (g_utf8_strlen (text, -1) <= 1)
    return TRUE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (!g_unichar_isalnum (c) && !g_unichar_ismark (c) && c != '.' && c != '!' &&
        c != 0x2202 /* ∂ */)
      return FALSE;
  }
  return TRUE;
}

static void
put_bracketed (Parser *self, const char *text, const GArray *runs)
{
  gboolean simple = is_simple (text);

  if (!simple)
    put (self, "(");
  put_with_runs (self, text, runs);
  if (!simple)
    put (self, ")");
}

static void
put_argument (Parser *self, gboolean bracketed)
{
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));
  g_autofree char *text = take_argument (self, runs);

  if (bracketed)
    put_bracketed (self, text, runs);
  else
    put_with_runs (self, text, runs);
}

/* ---- constructions ---- */

static void
put_script (Parser *self, ParleyMathScript script)
{
  ParleyMathRun run = { .script = script, .start = self->out->len };
  guint index = self->runs->len;

  g_array_append_val (self->runs, run);
  put_argument (self, FALSE);
  g_array_index (self->runs, ParleyMathRun, index).end = self->out->len;
  if (self->out->len == run.start)
    g_array_set_size (self->runs, index);
}

static void
put_root (Parser *self)
{
  skip_space (self);
  if (self->at < self->end && *self->at == '[') {
    self->at++;
    ParleyMathRun run = { .script = PARLEY_MATH_RAISED, .start = self->out->len };
    parse_until (self, ']');
    run.end = self->out->len;
    if (run.end > run.start)
      g_array_append_val (self->runs, run);
  }
  put (self, "√");
  put_argument (self, TRUE);
}

/* Each letter of the argument with a mark above it. */
static void
put_accent (Parser *self, const char *mark)
{
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));
  g_autofree char *text = take_argument (self, runs);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    g_string_append_len (self->out, p, g_utf8_next_char (p) - p);
    if (g_unichar_isalnum (g_utf8_get_char (p)))
      put (self, mark);
  }
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
      g_string_append_c (self->out, *p);
  }
}

/* Rows of a matrix or of equations: each on a line of its own. */
static void
put_environment (Parser *self)
{
  g_autofree char *name = take_raw (self);
  g_autofree char *end = g_strdup_printf ("\\end{%s}", name);
  const char *close = g_strstr_len (self->at, self->end - self->at, end);
  const char *stop = close != NULL ? close : self->end;
  const char *rest = close != NULL ? close + strlen (end) : self->end;
  gboolean matrix = g_str_has_suffix (name, "matrix"), cases = g_str_equal (name, "cases");
  const char *left = name[0] == 'p' ? "(" : name[0] == 'b' ? "[" : name[0] == 'v' ? "|" : "";
  const char *right = name[0] == 'p' ? ")" : name[0] == 'b' ? "]" : name[0] == 'v' ? "|" : "";
  Parser inner = { self->at, stop, self->out, self->runs, self->depth + 1 };

  if (g_str_equal (name, "array"))
    g_free (take_raw (&inner)); /* how its columns are aligned */
  if (matrix)
    put (self, left);
  if (cases)
    put (self, "{ ");
  while (inner.at < stop && self->depth < MAX_DEPTH) {
    if (*inner.at == '&') {
      inner.at++;
      put (self, matrix || cases ? "  " : " ");
    } else if (stop - inner.at >= 2 && inner.at[0] == '\\' && inner.at[1] == '\\') {
      inner.at += 2;
      skip_space (&inner);
      if (inner.at < stop)
        put (self, matrix ? "; " : cases ? "\n  " : "\n");
    } else
      parse_atom (&inner);
  }
  if (matrix)
    put (self, right);
  self->at = rest;
}

static gboolean
put_construction (Parser *self, const char *command)
{
  if (strcmp (command, "frac") == 0 || strcmp (command, "dfrac") == 0 ||
      strcmp (command, "tfrac") == 0 || strcmp (command, "cfrac") == 0) {
    put_argument (self, TRUE);
    put (self, "/");
    put_argument (self, TRUE);
  } else if (strcmp (command, "binom") == 0) {
    put (self, "(");
    put_argument (self, FALSE);
    put (self, " over ");
    put_argument (self, FALSE);
    put (self, ")");
  } else if (strcmp (command, "sqrt") == 0)
    put_root (self);
  else if (strcmp (command, "begin") == 0)
    put_environment (self);
  else if (parley_math_accent (command) != NULL)
    put_accent (self, parley_math_accent (command));
  else if (parley_math_is_alphabet (command))
    put_alphabet (self, command);
  else if (strcmp (command, "text") == 0 || strcmp (command, "textbf") == 0 ||
           strcmp (command, "textit") == 0 || strcmp (command, "mathrm") == 0 ||
           strcmp (command, "operatorname") == 0 || strcmp (command, "mbox") == 0 ||
           strcmp (command, "mathit") == 0 || strcmp (command, "tag") == 0) {
    g_autofree char *text = take_raw (self);
    put (self, text);
  } else if (strcmp (command, "left") == 0 || strcmp (command, "right") == 0 ||
             g_str_has_prefix (command, "big") || g_str_has_prefix (command, "Big")) {
    skip_space (self);
    if (self->at < self->end && *self->at == '.')
      self->at++; /* no bracket on this side */
  } else if (strcmp (command, "boxed") == 0 || strcmp (command, "underbrace") == 0 ||
             strcmp (command, "overbrace") == 0 || strcmp (command, "mathop") == 0)
    put_argument (self, FALSE);
  else if (strcmp (command, "not") == 0) {
    put_argument (self, FALSE);
    put (self, "\u0338");
  } else
    return FALSE;
  return TRUE;
}

/* ---- the grammar ---- */

static void
put_command (Parser *self)
{
  g_autofree char *command = take_command (self);
  const char *symbol = parley_math_symbol (command);

  if (symbol != NULL) {
    put (self, symbol);
    return;
  }
  if (put_construction (self, command))
    return;
  if (parley_math_is_function (command)) {
    if (self->out->len > 0 && g_ascii_isalnum (self->out->str[self->out->len - 1]))
      put (self, " ");
    put (self, command);
    skip_space (self);
    if (self->at < self->end && (g_ascii_isalnum (*self->at) || *self->at == '\\'))
      put (self, " ");
    return;
  }
  put (self, "\\");
  put (self, command);
}

/* Relations and signs breathe. */
static gboolean
put_operator (Parser *self, char c)
{
  static const char *const spaced = "=<>+";
  const char *before = self->out->str;
  gsize n = self->out->len;

  if (c == '-') {
    gboolean binary = n > 0 && strchr ("(=<>+, ", before[n - 1]) == NULL;
    put (self, binary ? " − " : "−");
    return TRUE;
  }
  if (strchr (spaced, c) == NULL)
    return FALSE;
  if (n > 0 && before[n - 1] != ' ')
    put (self, " ");
  g_string_append_c (self->out, c);
  put (self, " ");
  return TRUE;
}

static void
parse_atom (Parser *self)
{
  char c = *self->at;

  if (self->depth >= MAX_DEPTH) {
    g_string_append_len (self->out, self->at, self->end - self->at);
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
    put_script (self, c == '^' ? PARLEY_MATH_RAISED : PARLEY_MATH_LOWERED);
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
    g_string_append_len (self->out, self->at, next - self->at);
    self->at = next;
  }
  self->depth--;
}

static void
parse_until (Parser *self, char closing)
{
  while (self->at < self->end && *self->at != closing)
    parse_atom (self);
  if (self->at < self->end)
    self->at++;
}

/* Runs were found while spaces were doubled; nothing is taken out behind them, so that their places
 * hold: only the end is trimmed. */
void
parley_math_append (GString *out, GArray *runs, const char *latex, gsize length)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) inner = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));
  g_autofree char *valid = g_utf8_make_valid (latex, (gssize) length);
  Parser self = { valid, valid + strlen (valid), text, inner, 0 };

  while (self.at < self.end)
    parse_until (&self, '\0');
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

/* ---- finding ---- */

/* Where a stretch of code that begins here ends, or NULL. */
static const char *
skip_code (const char *p, const char *end)
{
  gsize run = 0;

  while (p + run < end && p[run] == '`')
    run++;
  for (const char *q = p + run; q < end;) {
    gsize close = 0;
    while (q + close < end && q[close] == '`')
      close++;
    if (close == run || (run >= 3 && close >= run))
      return q + close;
    q += MAX (close, 1);
  }
  return run >= 3 ? end : p + run;
}

static gboolean
has_empty_line (const char *start, const char *end)
{
  for (const char *p = start; p < end; p++)
    if (*p == '\n') {
      const char *q = p + 1;
      while (q < end && (*q == ' ' || *q == '\t'))
        q++;
      if (q < end && *q == '\n')
        return TRUE;
    }
  return FALSE;
}

static const char *
find_close (const char *from, const char *end, const char *mark)
{
  gsize n = strlen (mark);

  for (const char *p = from; p + n <= end; p++) {
    if (memcmp (p, mark, n) == 0)
      return p;
    if (*p == '\\' && p + 1 < end)
      p++;
  }
  return NULL;
}

static gboolean
is_single_dollar (const char *open, const char *close, const char *end)
{
  return close > open && !g_ascii_isspace (*open) && !g_ascii_isspace (close[-1]) &&
         (close + 1 == end || !g_ascii_isdigit (close[1])) &&
         memchr (open, '`', (gsize) (close - open)) == NULL;
}

GArray *
parley_math_find (const char *text, gsize length)
{
  static const struct {
    const char *open, *close;
    gboolean display;
  } marks[] = {
    { "$$", "$$", TRUE }, { "\\[", "\\]", TRUE }, { "\\(", "\\)", FALSE }, { "$", "$", FALSE }
  };
  GArray *found = g_array_new (FALSE, FALSE, sizeof (ParleyFormula));
  const char *end = text + length;

  for (const char *p = text; p < end;) {
    if (*p == '`') {
      p = skip_code (p, end);
      continue;
    }
    const char *next = p + 1;
    for (gsize i = 0; i < G_N_ELEMENTS (marks) && (*p == '$' || *p == '\\'); i++) {
      gsize n = strlen (marks[i].open);
      if ((gsize) (end - p) < n || memcmp (p, marks[i].open, n) != 0)
        continue;
      const char *inner = p + n;
      /* \] and \) are found before the backslash makes its way past them. */
      const char *close = marks[i].close[0] == '\\'
                              ? g_strstr_len (inner, end - inner, marks[i].close)
                              : find_close (inner, end, marks[i].close);
      if (close != NULL && close > inner && !has_empty_line (inner, close) &&
          (n > 1 || is_single_dollar (inner, close, end))) {
        ParleyFormula formula = { (gsize) (p - text), (gsize) (close - text) + n,
                                  (gsize) (inner - text), (gsize) (close - text),
                                  marks[i].display };
        g_array_append_val (found, formula);
        next = close + n;
        break;
      }
      if (n > 1)
        next = p + n;
      break;
    }
    if (next == p + 1 && *p == '\\' && p + 1 < end)
      next = p + 2; /* \$ is a dollar sign */
    p = next;
  }
  return found;
}
