/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SentencePiece BPE: characters are merged to the token with the highest score. Source: Kudo and
 * Richardson 2018, and the sentencepiece library.
 */
#include "engine/text/vocab.h"

#include "base/utf8.h"
#include "engine/text/merge.h"

#include <string.h>

struct context {
  const struct pe_vocab *vocab;
  const char *text;
};

/* Higher scores first: the bits of a float, made to sort as unsigned numbers, turned around. */
static uint32_t
order_of (float score)
{
  uint32_t bits;
  score += 0.0f; /* minus zero equals zero */
  memcpy (&bits, &score, sizeof bits);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ~bits < PE_NO_PAIR ? ~bits : PE_NO_PAIR - 1;
}

static void
pair (const void *data, struct pe_part *left, const struct pe_part *right)
{
  const struct context *c = data;
  uint32_t token = pe_vocab_word (c->vocab, c->text + left->offset, (size_t) left->n + right->n);
  if (token == PE_NO_SYMBOL)
    return;
  left->merged = token;
  left->order = order_of (c->vocab->tokens[token].score);
}

/* A copy with U+2581 for blanks, and one before it where the vocabulary wants that. */
static char *
with_marks (const struct pe_vocab *vocab, struct pe_stretch s, size_t *n)
{
  bool prefix = vocab->info.add_space_prefix && s.at_start;
  size_t blanks = prefix;
  for (size_t i = 0; i < s.n; i++)
    blanks += s.text[i] == ' ';
  char *copy = pe_malloc (s.n + 3 * blanks);
  if (!copy)
    return NULL;
  char *to = copy;
  if (prefix) {
    memcpy (to, PE_BLANK, 3);
    to += 3;
  }
  for (size_t i = 0; i < s.n; i++)
    if (s.text[i] == ' ') {
      memcpy (to, PE_BLANK, 3);
      to += 3;
    } else
      *to++ = s.text[i];
  *n = (size_t) (to - copy);
  return copy;
}

static bool
split (struct pe_merger *m, const struct pe_vocab *vocab, const char *text, size_t begin,
       size_t end, struct pe_error *error)
{
  m->n_parts = 0;
  for (size_t i = begin; i < end;) {
    uint32_t unused;
    unsigned length = pe_utf8_next (text + i, end - i, &unused);
    if (length == 0)
      length = 1;
    if (!pe_merger_add (m, (uint32_t) i, length, pe_vocab_word (vocab, text + i, length), error))
      return false;
    i += length;
  }
  return true;
}

bool
pe_spm_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch, struct pe_tokens *tokens,
                 struct pe_error *error)
{
  struct context c = { .vocab = vocab };
  struct pe_merger m = { 0 };
  size_t n;
  char *text = with_marks (vocab, stretch, &n);
  if (!text)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to tokenise the text");
  c.text = text;
  bool ok = true;
  for (size_t begin = 0, end; ok && begin < n; begin = end) {
    end = pe_vocab_word_end (vocab, text, begin, n);
    ok = split (&m, vocab, text, begin, end, error) && pe_merger_run (&m, pair, &c, error);
    for (uint32_t i = 0; ok && i != PE_NO_PAIR; i = m.parts[i].next) {
      const struct pe_part *part = &m.parts[i];
      ok = part->symbol != PE_NO_SYMBOL
               ? pe_tokens_add (tokens, (int32_t) part->symbol, error)
               : pe_tokens_add_bytes (vocab, text + part->offset, part->n, tokens, error);
    }
  }
  pe_merger_clear (&m);
  pe_free (text);
  return ok;
}
