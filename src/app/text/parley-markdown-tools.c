/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is done with Markdown besides parsing it: where a growing text may be cut, comparing and
 * describing trees.
 */
#include "app/text/parley-markdown.h"

#include <string.h>

/* ---- Where a growing text may be cut ---- */

typedef struct {
  gboolean open;
  char mark;
  gsize length;
} Fence;

static gsize
indentation (const char *line, gsize length)
{
  gsize n = 0;
  while (n < length && line[n] == ' ')
    n++;
  return n;
}

/* Follows ``` and ~~~ fences at the top level (at most three spaces in). */
static void
follow_fence (Fence *fence, const char *line, gsize length)
{
  gsize start = indentation (line, length), run = 0;

  if (start > 3 || start == length || (line[start] != '`' && line[start] != '~'))
    return;
  while (start + run < length && line[start + run] == line[start])
    run++;
  if (run < 3)
    return;
  if (!fence->open) {
    if (line[start] == '`' && memchr (line + start + run, '`', length - start - run) != NULL)
      return;
    *fence = (Fence){ TRUE, line[start], run };
  } else if (line[start] == fence->mark && run >= fence->length &&
             indentation (line + start + run, length - start - run) == length - start - run)
    fence->open = FALSE;
}

/* A line that cannot belong to what came before the blank line above it. */
static gboolean
begins_afresh (const char *line, gsize length)
{
  if (length == 0 || strchr (" \t-+*>0123456789", line[0]) != NULL)
    return FALSE;
  return TRUE;
}

gsize
parley_markdown_settled (const char *text, gsize length)
{
  Fence fence = { 0 };
  gboolean after_blank = FALSE;
  gsize settled = 0;

  for (gsize at = 0; at < length;) {
    const char *line = text + at, *end = memchr (line, '\n', length - at);
    gsize size = end != NULL ? (gsize) (end - line) : length - at;
    gsize visible = size > 0 && line[size - 1] == '\r' ? size - 1 : size;
    gboolean blank = TRUE;

    for (gsize i = 0; i < visible && blank; i++)
      blank = line[i] == ' ' || line[i] == '\t';
    if (!fence.open && after_blank && !blank && begins_afresh (line, visible))
      settled = at;
    if (end != NULL)
      follow_fence (&fence, line, visible);
    after_blank = blank && !fence.open;
    at += size + 1;
  }
  return settled;
}

/* ---- Trees ---- */

static gboolean
spans_equal (const GArray *a, const GArray *b)
{
  guint n = a != NULL ? a->len : 0;

  if (n != (b != NULL ? b->len : 0))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    const ParleySpan *x = &g_array_index (a, ParleySpan, i), *y = &g_array_index (b, ParleySpan, i);
    if (x->kind != y->kind || x->start != y->start || x->end != y->end ||
        g_strcmp0 (x->target, y->target) != 0)
      return FALSE;
  }
  return TRUE;
}

gboolean
parley_block_equal (const ParleyBlock *a, const ParleyBlock *b)
{
  guint n = a->children != NULL ? a->children->len : 0;

  if (a->kind != b->kind || a->level != b->level || a->task != b->task || a->align != b->align ||
      a->header != b->header || n != (b->children != NULL ? b->children->len : 0) ||
      g_strcmp0 (a->info, b->info) != 0 || (a->text == NULL) != (b->text == NULL) ||
      (a->text != NULL && !g_string_equal (a->text, b->text)) || !spans_equal (a->spans, b->spans))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!parley_block_equal (g_ptr_array_index (a->children, i),
                             g_ptr_array_index (b->children, i)))
      return FALSE;
  return TRUE;
}

static void
describe_text (const ParleyBlock *block, GString *out)
{
  static const char marks[] = { '_', '*', '~', '`', '@', '^', ',' };

  for (guint i = 0; i <= block->text->len; i++) {
    for (guint s = 0; block->spans != NULL && s < block->spans->len; s++) {
      const ParleySpan *span = &g_array_index (block->spans, ParleySpan, s);
      if (span->end == i) {
        g_string_append_c (out, '}');
      }
    }
    for (guint s = 0; block->spans != NULL && s < block->spans->len; s++) {
      const ParleySpan *span = &g_array_index (block->spans, ParleySpan, s);
      if (span->start == i)
        g_string_append_printf (out, "%c{%s%s", marks[span->kind], span->target ? span->target : "",
                                span->target ? "|" : "");
    }
    if (i < block->text->len)
      g_string_append_c (out, block->text->str[i]);
  }
}

static void
describe (const ParleyBlock *block, GString *out)
{
  static const char *names[] = { "doc", "p",     "h",  "code", "quote", "list",
                                 "li",  "table", "tr", "td",   "hr",    "formula" };

  g_string_append_printf (out, "[%s", names[block->kind]);
  if (block->level > 0)
    g_string_append_printf (out, "%u", block->level);
  if (block->task != PARLEY_TICK_NONE)
    g_string_append (out, block->task == PARLEY_TICK_DONE ? "+" : "-");
  if (block->align != PARLEY_ALIGN_DEFAULT)
    g_string_append_c (out, "?<^>"[block->align]);
  if (block->header)
    g_string_append_c (out, '!');
  if (block->info != NULL && block->kind != PARLEY_BLOCK_FORMULA)
    g_string_append_printf (out, " %s", block->info);
  if (block->text != NULL) {
    g_string_append_c (out, ':');
    describe_text (block, out);
  }
  for (guint i = 0; block->children != NULL && i < block->children->len; i++)
    describe (g_ptr_array_index (block->children, i), out);
  g_string_append_c (out, ']');
}

char *
parley_block_describe (const ParleyBlock *block)
{
  GString *out = g_string_new (NULL);

  if (block->kind == PARLEY_BLOCK_DOCUMENT)
    for (guint i = 0; block->children != NULL && i < block->children->len; i++)
      describe (g_ptr_array_index (block->children, i), out);
  else
    describe (block, out);
  return g_string_free (out, FALSE);
}

static void
plain_text (const ParleyBlock *block, GString *out)
{
  if (block->text != NULL && block->text->len > 0) {
    if (out->len > 0)
      g_string_append_c (out, '\n');
    g_string_append_len (out, block->text->str, (gssize) block->text->len);
  }
  for (guint i = 0; block->children != NULL && i < block->children->len; i++)
    plain_text (g_ptr_array_index (block->children, i), out);
}

char *
parley_block_plain_text (const ParleyBlock *block)
{
  GString *out = g_string_new (NULL);
  plain_text (block, out);
  return g_string_free (out, FALSE);
}
