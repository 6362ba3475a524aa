/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The spellings are kept by first byte; each list is short and most bytes have none.
 */
#include "engine/text/special-spans.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct spelling {
  const char *text;
  size_t n;
};

struct pe_special_finder {
  struct pe_arena arena;
  struct spelling *spellings; /* by first byte, then by text */
  size_t n, capacity;
  size_t first[257]; /* those that begin with byte b are [first[b], first[b + 1]) */
};

static bool
fail_memory (struct pe_error *error)
{
  return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary's control tokens");
}

static int
compare (const void *a, const void *b)
{
  const struct spelling *x = a, *y = b;
  size_t n = x->n < y->n ? x->n : y->n;
  int order = memcmp (x->text, y->text, n);
  return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

bool
pe_special_finder_new (const struct pe_vocab *vocab, struct pe_special_finder **out,
                       struct pe_error *error)
{
  struct pe_special_finder *f = pe_calloc (1, sizeof *f);
  if (!f)
    return fail_memory (error);
  uint32_t n_tokens = pe_vocab_info (vocab)->n_tokens;
  for (uint32_t i = 0; i < n_tokens; i++) {
    char buffer[8];
    size_t n;
    if (!(pe_token_attributes (vocab, (int32_t) i) & (PE_TOKEN_CONTROL | PE_TOKEN_UNKNOWN)))
      continue;
    const char *text = pe_token_piece (vocab, (int32_t) i, true, buffer, &n);
    if (!text || n == 0)
      continue;
    char *copy = pe_arena_strndup (&f->arena, text, n);
    if (!copy || !pe_grow (&f->spellings, &f->capacity, f->n + 1, sizeof *f->spellings)) {
      pe_special_finder_free (f);
      return fail_memory (error);
    }
    f->spellings[f->n++] = (struct spelling){ copy, n };
  }
  if (f->n)
    qsort (f->spellings, f->n, sizeof *f->spellings, compare);
  size_t at = 0;
  for (unsigned b = 0; b < 256; b++) {
    f->first[b] = at;
    while (at < f->n && (unsigned char) f->spellings[at].text[0] == b)
      at++;
  }
  f->first[256] = at;
  *out = f;
  return true;
}

void
pe_special_finder_free (struct pe_special_finder *f)
{
  if (!f)
    return;
  pe_arena_clear (&f->arena);
  pe_free (f->spellings);
  pe_free (f);
}

/* The longest spelling that begins at text[0], or 0. All shorter ones lie inside it. The list is
 * sorted, so those that begin with the same bytes are neighbours: halving narrows it byte by
 * byte. */
static size_t
longest_at (const struct pe_special_finder *f, const char *text, size_t n)
{
  size_t low = f->first[(unsigned char) text[0]], high = f->first[(unsigned char) text[0] + 1];
  size_t best = 0;
  for (size_t depth = 0; low < high; depth++) {
    if (f->spellings[low].n == depth) { /* ends here: a spelling */
      best = depth;
      if (++low == high)
        break;
    }
    if (depth >= n)
      break;
    unsigned char wanted = (unsigned char) text[depth];
    size_t a = low, b = high;
    while (a < b) {
      size_t middle = a + (b - a) / 2;
      if ((unsigned char) f->spellings[middle].text[depth] < wanted)
        a = middle + 1;
      else
        b = middle;
    }
    low = a;
    b = high;
    while (a < b) {
      size_t middle = a + (b - a) / 2;
      if ((unsigned char) f->spellings[middle].text[depth] <= wanted)
        a = middle + 1;
      else
        b = middle;
    }
    high = a;
  }
  return best;
}

static bool
add_span (struct pe_spans *out, size_t begin, size_t end)
{
  if (out->n && begin <= out->items[out->n - 1].end) {
    if (end > out->items[out->n - 1].end)
      out->items[out->n - 1].end = end;
    return true;
  }
  if (!pe_grow (&out->items, &out->capacity, out->n + 1, sizeof *out->items))
    return false;
  out->items[out->n++] = (struct pe_span_bytes){ begin, end };
  return true;
}

bool
pe_special_finder_search (const struct pe_special_finder *f, const struct pe_template_result *text,
                          struct pe_spans *out, struct pe_error *error)
{
  size_t first = 0; /* piece that the position is in */
  for (size_t i = 0; i < text->n; i++) {
    unsigned char c = (unsigned char) text->text[i];
    if (f->first[c] == f->first[c + 1])
      continue;
    size_t n = longest_at (f, text->text + i, text->n - i);
    if (n == 0)
      continue;
    while (first < text->n_pieces && text->pieces[first].offset + text->pieces[first].n <= i)
      first++;
    for (size_t k = first; k < text->n_pieces && text->pieces[k].offset < i + n; k++) {
      size_t begin = text->pieces[k].offset, end = begin + text->pieces[k].n;
      if (!text->pieces[k].from_values)
        continue;
      if (!add_span (out, begin > i ? begin : i, end < i + n ? end : i + n))
        return fail_memory (error);
    }
  }
  return true;
}
