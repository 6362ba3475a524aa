/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math.h"

#include <string.h>

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

/* Where the paragraph ends: formulas do not go beyond. */
static const char *
paragraph_end (const char *start, const char *end)
{
  for (const char *p = start; (p = memchr (p, '\n', (gsize) (end - p))) != NULL; p++) {
    const char *q = p + 1;
    while (q < end && (*q == ' ' || *q == '\t' || *q == '\r'))
      q++;
    if (q < end && *q == '\n')
      return p;
  }
  return end;
}

static const char *
find_close (const char *from, const char *end, const char *mark)
{
  gsize n = strlen (mark);

  for (const char *p = from; p + n <= end; p++) {
    if (memcmp (p, mark, n) == 0)
      return p;
    /* \] and \) are found before the backslash makes its way past them. */
    if (*p == '\\' && p + 1 < end)
      p++;
  }
  return NULL;
}

/* "$5 to 10$", "US$5": an amount, and words. */
static gboolean
is_money (const char *start, const char *open, const char *close)
{
  gboolean word = FALSE;

  if (!g_ascii_isdigit (*open))
    return FALSE;
  if (open - 1 > start && g_ascii_isalpha (open[-2]))
    return TRUE;
  for (const char *p = open; p < close; p++) {
    if (strchr ("\\^_{}=<>+*", *p) != NULL)
      return FALSE;
    word |= p > open && g_ascii_isalpha (*p) && g_ascii_isalpha (p[-1]);
  }
  return word;
}

static gboolean
is_single_dollar (const char *start, const char *open, const char *close, const char *end)
{
  return close > open && !g_ascii_isspace (*open) && !g_ascii_isspace (close[-1]) &&
         (close + 1 == end || !g_ascii_isdigit (close[1])) &&
         memchr (open, '`', (gsize) (close - open)) == NULL &&
         strchr ("/:=,;&|-_", close[-1]) == NULL /* "$HOME/$USER" */ &&
         !is_money (start, open, close);
}

/* An environment of equations that stands by itself, as in a text of LaTeX. Its whole length, or 0.
 */
static gsize
environment_at (const char *start, const char *p, const char *end, gboolean *no_end)
{
  static const char *const names[] = { "equation", "align",   "gather",  "multline",
                                       "eqnarray", "alignat", "aligned", "cases" };
  const char *line = p, *begin = "\\begin{";

  while (line > start && (line[-1] == ' ' || line[-1] == '>'))
    line--;
  if ((line > start && line[-1] != '\n') || (gsize) (end - p) < strlen (begin) ||
      memcmp (p, begin, strlen (begin)) != 0)
    return 0;
  const char *name = p + strlen (begin),
             *after = memchr (name, '}', MIN ((gsize) (end - name), 16));
  if (after == NULL)
    return 0;
  gsize length = (gsize) (after - name), bare = length - (length > 0 && after[-1] == '*');
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (strlen (names[i]) == bare && memcmp (names[i], name, bare) == 0) {
      g_autofree char *closing = g_strdup_printf ("\\end{%.*s}", (int) length, name);
      const char *close = g_strstr_len (after, end - after, closing);
      *no_end = close == NULL;
      return close != NULL ? (gsize) (close - p) + strlen (closing) : 0;
    }
  return 0;
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
  const char *end = text + length, *stop = text; /* stop: of the paragraph */
  /* What does not close before the paragraph ends is not looked for again in it: a text of openings
   * alone must not take the square of its length. */
  gboolean gone[G_N_ELEMENTS (marks)] = { FALSE }, no_environment = FALSE;

  for (const char *p = text; p < end;) {
    if (*p == '`') {
      p = skip_code (p, end);
      continue;
    }
    if (*p != '$' && *p != '\\') {
      p++;
      continue;
    }
    if (p >= stop) {
      stop = paragraph_end (p, end);
      memset (gone, 0, sizeof gone);
      no_environment = FALSE;
    }
    gsize whole =
        no_environment || *p != '\\' ? 0 : environment_at (text, p, stop, &no_environment);
    const char *next = p + (*p == '\\' ? MIN (2, end - p) : 1); /* \$ is a dollar sign */
    if (whole > 0) {
      ParleyFormula formula = { (gsize) (p - text), (gsize) (p - text) + whole, (gsize) (p - text),
                                (gsize) (p - text) + whole, TRUE };
      g_array_append_val (found, formula);
      p += whole;
      continue;
    }
    for (gsize i = 0; i < G_N_ELEMENTS (marks); i++) {
      gsize n = strlen (marks[i].open);
      if ((gsize) (end - p) < n || memcmp (p, marks[i].open, n) != 0)
        continue;
      const char *inner = p + n;
      const char *close = gone[i] ? NULL : find_close (inner, stop, marks[i].close);
      gone[i] = close == NULL;
      next = inner;
      if (close != NULL && close > inner && (n > 1 || is_single_dollar (text, inner, close, end))) {
        ParleyFormula formula = { (gsize) (p - text), (gsize) (close - text) + n,
                                  (gsize) (inner - text), (gsize) (close - text),
                                  marks[i].display };
        g_array_append_val (found, formula);
        next = close + n;
      }
      break;
    }
    p = next;
  }
  return found;
}
