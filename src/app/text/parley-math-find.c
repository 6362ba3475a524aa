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
