/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SentencePiece unigram: the cut with the highest sum of scores (Viterbi), after normalising with
 * the map of the file. Source: Kudo 2018, and the sentencepiece library; the map is a double
 * array (Yata's darts-clone) over the bytes of what is replaced.
 */
#include "engine/text/vocab.h"

#include "base/utf8.h"
#include "engine/format/limits.h"

#include <math.h>
#include <string.h>

#define UNKNOWN_PENALTY 10.0f

static bool
no_memory (struct pe_error *error)
{
  return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to tokenise the text");
}

/* ---- loading ---- */

static bool
load_charsmap (struct pe_vocab *vocab, struct pe_error *error)
{
  const struct pe_gguf_entry *entry =
      pe_gguf_find (vocab->gguf, "tokenizer.ggml.precompiled_charsmap");
  if (!entry || entry->count == 0)
    return true;
  uint32_t n_bytes = 0;
  bool ok = entry->is_array && (entry->kind == PE_GGUF_U8 || entry->kind == PE_GGUF_I8) &&
            entry->count >= 4 && entry->count <= PE_LIMIT_CHARSMAP_BYTES;
  if (ok) {
    memcpy (&n_bytes, entry->data, 4);
    ok = n_bytes >= 4 && n_bytes % 4 == 0 && n_bytes < entry->count - 4 &&
         entry->data[entry->count - 1] == 0;
  }
  if (!ok)
    return pe_fail_at (error, PE_ERROR_FORMAT, entry->offset,
                       "'tokenizer.ggml.precompiled_charsmap' at byte %llu is damaged",
                       (unsigned long long) entry->offset);
  vocab->charsmap = entry->data + 4;
  vocab->n_charsmap = n_bytes / 4;
  vocab->replacements = (struct pe_string){ (const char *) entry->data + 4 + n_bytes,
                                            (size_t) entry->count - 4 - n_bytes };
  return true;
}

bool
pe_unigram_load (struct pe_vocab *vocab, struct pe_error *error)
{
  if (!load_charsmap (vocab, error))
    return false;
  if (!pe_trie_init (&vocab->words))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary");
  float lowest = 0;
  bool any = false;
  for (uint32_t id = 0; id < vocab->info.n_tokens; id++) {
    const struct pe_token *token = &vocab->tokens[id];
    if (token->attributes == 0) {
      lowest = any ? fminf (lowest, token->score) : token->score;
      any = true;
    }
    if (token->text.n == 0 || (token->attributes & ~(PE_TOKEN_USER_DEFINED | PE_TOKEN_UNUSED)))
      continue;
    if (!pe_trie_add (&vocab->words, token->text.data, token->text.n, id))
      return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary");
  }
  vocab->unknown_score = lowest - UNKNOWN_PENALTY;
  return true;
}

/* ---- normalising ---- */

struct normaliser {
  const struct pe_vocab *vocab;
  char *out;
  size_t n, capacity;
  bool in_word, has_prefix, failed;
};

static void
put (struct normaliser *z, const char *text, size_t n)
{
  if (z->failed || !pe_grow (&z->out, &z->capacity, z->n + n, 1)) {
    z->failed = true;
    return;
  }
  memcpy (z->out + z->n, text, n);
  z->n += n;
}

static uint32_t
unit (const struct pe_vocab *vocab, uint32_t i)
{
  uint32_t value = 0;
  if (i < vocab->n_charsmap)
    memcpy (&value, vocab->charsmap + 4 * (size_t) i, 4);
  return value;
}

static uint32_t
base_of (uint32_t u)
{
  return u >> 10 << ((u & 1u << 9) >> 6);
}

/* The longest entry of the map that the text begins with; 0 when there is none. */
static size_t
map_prefix (const struct pe_vocab *vocab, const char *text, size_t n, struct pe_string *to)
{
  size_t longest = 0;
  uint32_t node = base_of (unit (vocab, 0));
  for (size_t i = 0; vocab->n_charsmap && i < n && text[i]; i++) {
    unsigned char byte = (unsigned char) text[i];
    node ^= byte;
    uint32_t u = unit (vocab, node);
    if ((u & (1u << 31 | 0xff)) != byte)
      break;
    node ^= base_of (u);
    if (u >> 8 & 1) {
      uint32_t at = unit (vocab, node) & 0x7fffffffu;
      if (at >= vocab->replacements.n)
        break;
      to->data = vocab->replacements.data + at;
      to->n = strlen (to->data); /* the last byte of the replacements is zero */
      longest = i + 1;
    }
  }
  return longest;
}

static size_t
user_defined_prefix (const struct pe_vocab *vocab, const char *text, size_t n)
{
  size_t longest = 0;
  uint32_t node = 0;
  for (size_t i = 0; i < n; i++) {
    node = pe_trie_step (&vocab->specials, node, (unsigned char) text[i]);
    if (node == PE_TRIE_NONE)
      break;
    uint32_t id = vocab->specials.values[node];
    if (id != PE_TRIE_NONE && vocab->tokens[id].attributes & PE_TOKEN_USER_DEFINED)
      longest = i + 1;
  }
  return longest;
}

/* What the text begins with becomes *to; returns how many bytes that replaces. */
static size_t
next_unit (const struct pe_vocab *vocab, const char *text, size_t n, struct pe_string *to)
{
  size_t length = user_defined_prefix (vocab, text, n);
  if (length) {
    *to = (struct pe_string){ text, length };
    return length;
  }
  length = map_prefix (vocab, text, n, to);
  if (length)
    return length;
  uint32_t unused;
  length = pe_utf8_next (text, n, &unused);
  *to = length ? (struct pe_string){ text, length } : (struct pe_string){ "\xef\xbf\xbd", 3 };
  return length ? length : 1;
}

static void
put_unit (struct normaliser *z, struct pe_string unit_text)
{
  const struct pe_vocab *vocab = z->vocab;
  for (size_t i = 0; i < unit_text.n; i++) {
    if (unit_text.data[i] == ' ') {
      z->in_word = false;
      if (!vocab->merges_spaces)
        put (z, PE_BLANK, 3);
      continue;
    }
    if (!z->in_word) {
      z->in_word = true;
      if ((vocab->info.add_space_prefix && !z->has_prefix) || vocab->merges_spaces)
        put (z, PE_BLANK, 3);
      z->has_prefix = true;
    }
    put (z, unit_text.data + i, 1);
  }
}

/* ---- the best cut ---- */

struct cell {
  double score;
  uint32_t begin; /* of the last token */
  uint32_t token; /* PE_NO_SYMBOL: not reached, or unknown text */
  bool reached;
};

static void
improve (struct cell *cell, double score, uint32_t begin, uint32_t token)
{
  if (cell->reached && !(score > cell->score))
    return;
  *cell = (struct cell){ score, begin, token, true };
}

static void
extend (const struct pe_vocab *vocab, const char *text, size_t n, struct cell *cells, size_t at)
{
  uint32_t unused, node = 0;
  unsigned length = pe_utf8_next (text + at, n - at, &unused);
  length = length ? length : 1;
  bool covered = false; /* the next character by itself */
  for (size_t i = at; i < n; i++) {
    node = pe_trie_step (&vocab->words, node, (unsigned char) text[i]);
    if (node == PE_TRIE_NONE)
      break;
    uint32_t id = vocab->words.values[node];
    if (id == PE_TRIE_NONE)
      continue;
    covered = covered || i + 1 == at + length;
    const struct pe_token *token = &vocab->tokens[id];
    double score = token->attributes & PE_TOKEN_USER_DEFINED ? 0.0 : (double) token->score;
    improve (&cells[i + 1], cells[at].score + score, (uint32_t) at, id);
  }
  if (!covered)
    improve (&cells[at + length], cells[at].score + (double) vocab->unknown_score, (uint32_t) at,
             PE_NO_SYMBOL);
}

static bool
emit (const struct pe_vocab *vocab, struct cell *cells, size_t n, struct pe_tokens *tokens,
      struct pe_error *error)
{
  /* Turn the chain of beginnings into one of ends: `begin` of a cell becomes the next cell. */
  size_t at = n, next = 0;
  while (at) {
    size_t before = cells[at].begin;
    cells[at].begin = (uint32_t) next;
    next = at;
    at = before;
  }
  bool was_unknown = false;
  for (at = next; at; at = cells[at].begin) {
    bool unknown = cells[at].token == PE_NO_SYMBOL;
    int32_t id = unknown ? vocab->info.unknown : (int32_t) cells[at].token;
    if (!(unknown && was_unknown) && id != PE_NO_TOKEN && !pe_tokens_add (tokens, id, error))
      return false;
    was_unknown = unknown;
  }
  return true;
}

bool
pe_unigram_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch,
                     struct pe_tokens *tokens, struct pe_error *error)
{
  struct normaliser z = { .vocab = vocab, .has_prefix = !stretch.at_start };
  for (size_t i = 0; i < stretch.n && !z.failed;) {
    struct pe_string to;
    i += next_unit (vocab, stretch.text + i, stretch.n - i, &to);
    put_unit (&z, to);
  }
  struct cell *cells = z.failed ? NULL : pe_calloc (z.n + 1, sizeof *cells);
  bool ok = cells != NULL && z.n < UINT32_MAX;
  if (!ok)
    no_memory (error);
  else {
    cells[0].reached = true;
    for (size_t at = 0; at < z.n; at++)
      if (cells[at].reached)
        extend (vocab, z.out, z.n, cells, at);
    ok = emit (vocab, cells, z.n, tokens, error);
  }
  pe_free (cells);
  pe_free (z.out);
  return ok;
}
