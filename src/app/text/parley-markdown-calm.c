/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the end of a growing text is shown while what it will be is not decided: a "-" below a line
 * would make that line a heading for as long as the item's text is not there, a "**" show as two
 * asterisks until the second pair comes. Such ends are kept back, or closed as they will be.
 */
#include "app/text/parley-markdown.h"

#include <string.h>

/* Bytes that are kept back at most: what is not decided by then is shown as it is. */
#define LONGEST_WORDS   200 /* of a link, or a table's head */
#define LONGEST_ADDRESS 2000
#define MAX_OPEN        16 /* runs of asterisks and the like that are followed in one paragraph */

typedef struct {
  char mark;
  gsize at, count;
} Open;

typedef struct {
  const char *text; /* not longer than a zero byte says */
  gsize length;     /* as shown: without what is kept back */
  Open open[MAX_OPEN];
  guint n_open;
  gsize ticks;   /* of code that is open at the end */
  gsize code_at; /* the mark of a formula that is shown as code; G_MAXSIZE: none is */
} Calm;

/* ---- lines ---- */

static gsize
line_start (const char *text, gsize end)
{
  while (end > 0 && text[end - 1] != '\n')
    end--;
  return end;
}

static gsize
skip_blanks (const char *text, gsize from, gsize end)
{
  while (from < end && (text[from] == ' ' || text[from] == '\t'))
    from++;
  return from;
}

/* The quotes and marks of items that a line begins with. */
static gsize
skip_markers (const char *text, gsize from, gsize end)
{
  for (;;) {
    gsize at = from = skip_blanks (text, from, end), digits = 0;
    while (at < end && g_ascii_isdigit (text[at]) && digits++ < 9)
      at++;
    if (digits > 0 ? at < end && (text[at] == '.' || text[at] == ')')
                   : at < end && strchr ("-*+>", text[at]) != NULL)
      at++;
    else
      return from;
    if (at < end && text[at] != ' ' && text[at - 1] != '>')
      return from;
    from = at;
  }
}

static gsize
run_of (const char *text, gsize at, gsize end)
{
  gsize n = 0;

  while (at + n < end && text[at + n] == text[at])
    n++;
  return n;
}

/* Whether the end of the text is in a fenced code block. Fences inside lists and quotes count. */
static gboolean
is_in_fence (const char *text, gsize length)
{
  char mark = 0;
  gsize fence = 0;

  for (gsize at = 0; at < length;) {
    const char *newline = memchr (text + at, '\n', length - at);
    gsize end = newline != NULL ? (gsize) (newline - text) : length;
    gsize start = skip_markers (text, at, end), run = start < end ? run_of (text, start, end) : 0;
    gboolean is_fence = run >= 3 && (text[start] == '`' || text[start] == '~');
    if (is_fence && mark == 0 && memchr (text + start + run, '`', end - start - run) == NULL) {
      mark = text[start];
      fence = run;
    } else if (is_fence && text[start] == mark && run >= fence &&
               skip_blanks (text, start + run, end) == end)
      mark = 0;
    at = end + 1;
  }
  return mark != 0;
}

/* ---- the last line ---- */

/* The beginning of something that only what comes next decides: of an item, a heading, a rule, an
 * underline, a fence. */
static gboolean
is_undecided (const char *line, gsize length)
{
  gsize at = skip_markers (line, 0, length), run = at < length ? run_of (line, at, length) : 0;

  if (at == length)
    return TRUE; /* a mark without its text */
  if (line[at] == '`' && run >= 3)
    return memchr (line + at + run, '`', length - at - run) == NULL;
  if (line[at] == '~' && run >= 3)
    return TRUE;
  if (line[at] == '[' && at > 0)
    return length - at <= 3; /* a box to tick */
  if (g_ascii_isdigit (line[at])) {
    gsize digits = at;
    while (digits < length && g_ascii_isdigit (line[digits]))
      digits++;
    return digits == length && digits - at < 4;
  }
  return strchr ("-=*+_#`~|", line[at]) != NULL && skip_blanks (line, at + run, length) == length;
}

/* A table is one when the line below its head is there. */
static gboolean
is_head_of_a_table (const char *text, gsize start, gsize end)
{
  gsize at = skip_blanks (text, start, end);

  if (at == end || text[at] != '|' || end - start > LONGEST_WORDS)
    return FALSE;
  if (start == 0)
    return TRUE;
  gsize above = line_start (text, start - 1);
  return skip_blanks (text, above, start - 1) == start - 1;
}

static gboolean
is_rule_of_a_table (const char *text, gsize start, gsize end)
{
  for (gsize i = start; i < end; i++)
    if (strchr ("|:- \t", text[i]) == NULL)
      return FALSE;
  return TRUE;
}

static void
keep_back_line (Calm *self)
{
  gsize start = line_start (self->text, self->length);
  gsize above = start > 0 ? line_start (self->text, start - 1) : 0;

  if (is_undecided (self->text + start, self->length - start))
    self->length = start;
  if (start > 0 && is_rule_of_a_table (self->text, start, self->length) &&
      is_head_of_a_table (self->text, above, start - 1))
    self->length = above;
  else if (self->length > start && is_head_of_a_table (self->text, start, self->length))
    self->length = start;
}

/* ---- within a paragraph ---- */

/* Where the text that goes together with the end begins. */
static gsize
paragraph_start (const Calm *self)
{
  gsize start = line_start (self->text, self->length);

  for (;;) {
    gsize first = skip_blanks (self->text, start, self->length);
    if (start == 0 || strchr ("#|", self->text[first]) != NULL ||
        skip_markers (self->text, start, self->length) != first)
      break;
    gsize above = line_start (self->text, start - 1);
    if (skip_blanks (self->text, above, start - 1) == start - 1)
      break;
    start = above;
  }
  gsize at = skip_markers (self->text, start, self->length);
  /* Of a table's row, the last cell. */
  if (at < self->length && self->text[at] == '|')
    for (gsize i = at; i < self->length; i++)
      if (self->text[i] == '|')
        at = i + 1;
  return at;
}

static gboolean
is_space_at (const Calm *self, gsize at)
{
  return at >= self->length || g_ascii_isspace (self->text[at]);
}

/* Runs of asterisks and the like open or close. */
static gsize
take_run (Calm *self, gsize at, gsize start)
{
  gsize n = run_of (self->text, at, self->length);
  char mark = self->text[at];
  gboolean space_before = at == start || g_ascii_isspace (self->text[at - 1]);
  gboolean word_before = at > start && g_ascii_isalnum (self->text[at - 1]);
  gboolean opens = !is_space_at (self, at + n) && !(mark == '_' && word_before);
  gsize left = n;

  for (guint i = self->n_open; i-- > 0 && !space_before && left > 0;)
    if (self->open[i].mark == mark) {
      gsize closed = MIN (left, self->open[i].count);
      left -= closed;
      self->open[i].count -= closed;
      self->n_open = self->open[i].count > 0 ? i + 1 : i;
    }
  if (opens && left == n && self->n_open < MAX_OPEN && (mark != '~' || n == 2) && n <= 3)
    self->open[self->n_open++] = (Open){ mark, at, n };
  return at + n;
}

/* Code: to behind its end, or it is closed. */
static gsize
take_code (Calm *self, gsize at)
{
  gsize n = run_of (self->text, at, self->length);

  for (gsize i = at + n; i < self->length;) {
    gsize run = self->text[i] == '`' ? run_of (self->text, i, self->length) : 0;
    if (run == n)
      return i + n;
    i += MAX (run, 1);
  }
  if (at + n == self->length) {
    self->length = at;
    return at;
  }
  self->ticks = n;
  return self->length;
}

/* A link: kept back until its address is there. Other brackets are none of it. */
static gsize
take_bracket (Calm *self, gsize at)
{
  const char *from = self->text + at, *end = self->text + self->length;
  const char *stop = memchr (from, '\n', (gsize) (end - from)), *close = NULL;
  gsize length = (gsize) ((stop != NULL ? stop : end) - from), i = 1;

  for (int open = 1; i < length && open > 0; i++)
    open += from[i] == '[' ? 1 : from[i] == ']' ? -1 : 0;
  gboolean is_closed = i > 1 && from[i - 1] == ']', has_address = i < length && from[i] == '(';
  if (is_closed && has_address && (close = memchr (from + i, ')', length - i)) != NULL)
    return at + (gsize) (close + 1 - from);
  if (stop != NULL || (is_closed && i < length && !has_address) ||
      length > (is_closed ? LONGEST_ADDRESS : LONGEST_WORDS))
    return at + 1;
  self->length = at > 0 && self->text[at - 1] == '!' ? at - 1 : at;
  return self->length;
}

/* An address or a tag in angle brackets. */
static gsize
take_angle (Calm *self, gsize at)
{
  gsize i = at + 1;

  while (i < self->length && (g_ascii_isalnum (self->text[i]) || strchr (":/.", self->text[i])))
    i++;
  if (i == self->length && i - at < 100)
    self->length = at;
  return MIN (at + 1, self->length);
}

/* LaTeX that is not there to its end: short formulas are kept back, others shown as they are
 * written, like code, so that nothing in them passes for Markdown. */
static gsize
take_formula (Calm *self, gsize at)
{
  static const struct {
    const char *open, *close;
    gsize kept; /* as long as it is at most so long; 0: never */
  } marks[] = { { "$$", "$$", 2 }, { "\\[", "\\]", 2 }, { "\\(", "\\)", 150 }, { "$", "$", 60 } };
  const char *text = self->text + at;
  gsize rest = self->length - at, i = 0, n;

  while (i < G_N_ELEMENTS (marks) && strncmp (text, marks[i].open, strlen (marks[i].open)) != 0)
    i++;
  if (i == G_N_ELEMENTS (marks)) /* a backslash before something else */
    return at + MIN (2, rest);
  n = strlen (marks[i].open);
  const char *close = g_strstr_len (text + n, (gssize) (rest - n), marks[i].close);
  if (close != NULL)
    return n == 2 ? (gsize) (close - self->text) + 2 : at + 1;
  /* Money, or the name of a variable. */
  if (n == 1 && rest > 1 &&
      ((!g_ascii_isalpha (text[1]) && text[1] != '\\') || g_ascii_isupper (text[1])))
    return at + 1;
  if (rest <= marks[i].kept || (n == 2 && memchr (text, '`', rest) != NULL)) {
    self->length = at;
    return at;
  }
  if (n == 1)
    return at + 1;
  self->code_at = at;
  return self->length;
}

static void
follow_paragraph (Calm *self)
{
  gsize start = paragraph_start (self);

  for (gsize at = start; at < self->length;)
    switch (self->text[at]) {
    case '*':
    case '_':
    case '~': at = take_run (self, at, start); break;
    case '`': at = take_code (self, at); break;
    case '[': at = take_bracket (self, at); break;
    case '<': at = take_angle (self, at); break;
    case '$':
    case '\\': at = take_formula (self, at); break;
    default: at++;
    }
}

/* What nothing follows yet opens or closes something, or will be longer. */
static void
keep_back_marks (Calm *self)
{
  gsize start = line_start (self->text, self->length);

  while (self->length > start && strchr ("*_~`\\", self->text[self->length - 1]) != NULL)
    self->length--;
}

/* In a fence, only what may become its end. */
static void
keep_back_fence (Calm *self)
{
  gsize start = line_start (self->text, self->length);
  gsize at = skip_blanks (self->text, start, self->length);

  if (at < self->length && (self->text[at] == '`' || self->text[at] == '~') &&
      at + run_of (self->text, at, self->length) == self->length)
    self->length = start;
}

static gboolean
is_indented_code (const Calm *self)
{
  gsize start = line_start (self->text, self->length);

  return self->length > start && (self->text[start] == '\t' || self->length - start > 3) &&
         skip_blanks (self->text, start, start + MIN (4, self->length - start)) - start ==
             (self->text[start] == '\t' ? 1 : 4);
}

/* Closes what is open, the innermost first. */
static void
close_runs (Calm *self, GString *out)
{
  for (gsize i = 0; i < self->ticks; i++)
    g_string_append_c (out, '`');
  while (self->n_open > 0 && self->ticks == 0) { /* what nothing follows */
    const Open *last = &self->open[self->n_open - 1];
    while (out->len > 0 && g_ascii_isspace (out->str[out->len - 1]))
      g_string_truncate (out, out->len - 1);
    if (out->len > last->at + last->count)
      break;
    g_string_truncate (out, MIN (out->len, last->at));
    self->n_open--;
  }
  while (self->n_open > 0) {
    const Open *last = &self->open[--self->n_open];
    for (gsize i = 0; i < last->count; i++)
      g_string_append_c (out, last->mark);
  }
}

char *
parley_markdown_calm (const char *text, gsize length)
{
  g_autofree char *whole = g_strndup (text, length);
  Calm self = { .text = whole, .length = strlen (whole), .code_at = G_MAXSIZE };

  if (is_in_fence (whole, line_start (whole, self.length))) {
    keep_back_fence (&self);
    return g_strndup (whole, self.length);
  }
  if (is_indented_code (&self))
    return g_steal_pointer (&whole);
  keep_back_line (&self);
  keep_back_marks (&self);
  follow_paragraph (&self);
  GString *out = g_string_new_len (whole, (gssize) self.length);
  if (self.code_at < self.length) {
    memcpy (out->str + self.code_at, "``", 2);
    g_string_append (out, "``");
  }
  close_runs (&self, out);
  return g_string_free (out, FALSE);
}
