/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Byte-pair encoding with a list of merges: over bytes, each shown as a printable character as
 * GPT-2 has it, or over UTF-8 with U+2581 for blanks. Source: Sennrich et al. 2016, Radford et
 * al. 2019.
 */
#include "engine/text/vocab.h"

#include "base/utf8.h"
#include "engine/format/limits.h"
#include "engine/text/merge.h"

#include <string.h>

static size_t
merge_slot (const struct pe_vocab *vocab, uint64_t pair)
{
  uint64_t h = (pair ^ vocab->hash_key.k1) * (vocab->hash_key.k0 | 1);
  size_t i = (size_t) (h ^ h >> 32) & (vocab->n_merge_slots - 1);
  while (vocab->merges[i].rank != PE_NO_RANK && vocab->merges[i].pair != pair)
    i = (i + 1) & (vocab->n_merge_slots - 1);
  return i;
}

/* ---- loading ---- */

static bool
add_merge (struct pe_vocab *vocab, struct pe_string entry, uint32_t rank, uint64_t offset,
           struct pe_error *error)
{
  const char *blank = entry.n > 2 ? memchr (entry.data + 1, ' ', entry.n - 1) : NULL;
  if (!blank || blank + 1 == entry.data + entry.n || entry.n > 2 * PE_LIMIT_TOKEN_BYTES)
    return pe_fail_at (error, PE_ERROR_FORMAT, offset,
                       "merge %u of 'tokenizer.ggml.merges' at byte %llu is not two texts with a "
                       "blank between them",
                       rank, (unsigned long long) offset);
  struct pe_string left = { entry.data, (size_t) (blank - entry.data) };
  struct pe_string right = { blank + 1, entry.n - left.n - 1 };
  char joined_bytes[2 * PE_LIMIT_TOKEN_BYTES];
  memcpy (joined_bytes, left.data, left.n);
  memcpy (joined_bytes + left.n, right.data, right.n);
  struct pe_string joined = { joined_bytes, left.n + right.n };
  uint32_t a, b, result = pe_vocab_symbol (vocab, joined.data, joined.n);
  if (!pe_vocab_add_symbol (vocab, left, &a, error) ||
      !pe_vocab_add_symbol (vocab, right, &b, error))
    return false;
  if (result == PE_NO_SYMBOL) {
    joined.data = pe_arena_strndup (&vocab->arena, joined.data, joined.n);
    if (!joined.data)
      return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary");
    if (!pe_vocab_add_symbol (vocab, joined, &result, error))
      return false;
  }
  struct pe_merge *merge = &vocab->merges[merge_slot (vocab, (uint64_t) a << 32 | b)];
  vocab->joins_words |= vocab->is_plain && pe_has_inner_blank (joined);
  if (merge->rank == PE_NO_RANK) /* of two equal merges the first one counts */
    *merge = (struct pe_merge){ (uint64_t) a << 32 | b, rank, result };
  return true;
}

/* Bytes that are printable in Latin-1 stand for themselves; the others follow from U+0100 on. */
static uint32_t
shown_as (unsigned byte, uint32_t *next)
{
  bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  return printable ? byte : (*next)++;
}

static bool
load_bytes (struct pe_vocab *vocab, struct pe_error *error)
{
  uint32_t next = 256;
  for (unsigned byte = 0; byte < 256; byte++) {
    char *shown = pe_arena_alloc (&vocab->arena, 4);
    if (!shown)
      return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary");
    struct pe_string text = { shown, pe_utf8_put (shown_as (byte, &next), shown) };
    if (!pe_vocab_add_symbol (vocab, text, &vocab->byte_symbols[byte], error))
      return false;
    uint32_t token = pe_vocab_word (vocab, text.data, text.n);
    bool is_there = token != PE_NO_SYMBOL && vocab->tokens[token].attributes == 0;
    vocab->byte_tokens[byte] = is_there ? (int32_t) token : PE_NO_TOKEN;
    vocab->lacks_bytes |= !is_there;
  }
  return true;
}

/* What tokens of shown bytes stand for. Characters that show no byte stay as they are. */
static bool
load_pieces (struct pe_vocab *vocab, struct pe_error *error)
{
  static const unsigned char unset = 0;
  unsigned char byte_of[0x200] = { unset };
  bool has_byte[0x200] = { false };
  uint32_t next = 256;
  for (unsigned byte = 0; byte < 256; byte++) {
    uint32_t c = shown_as (byte, &next);
    byte_of[c] = (unsigned char) byte;
    has_byte[c] = true;
  }
  for (uint32_t id = 0; id < vocab->info.n_tokens; id++) {
    struct pe_token *token = &vocab->tokens[id];
    if (token->attributes)
      continue;
    char *piece = pe_arena_alloc (&vocab->arena, token->text.n ? token->text.n : 1);
    if (!piece)
      return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary");
    size_t n = 0;
    for (size_t i = 0; i < token->text.n;) {
      uint32_t c;
      unsigned length = pe_utf8_next (token->text.data + i, token->text.n - i, &c);
      if (length && c < 0x200 && has_byte[c])
        piece[n++] = (char) byte_of[c];
      else {
        length = length ? length : 1;
        memcpy (piece + n, token->text.data + i, length);
        n += length;
      }
      i += length;
    }
    token->piece = (struct pe_string){ piece, n };
  }
  return true;
}

bool
pe_bpe_load (struct pe_vocab *vocab, struct pe_error *error)
{
  const struct pe_gguf_entry *entry = pe_gguf_find (vocab->gguf, "tokenizer.ggml.merges");
  uint64_t n = 0;
  if (entry) {
    if (!entry->is_array || entry->kind != PE_GGUF_STRING || entry->count > PE_LIMIT_MERGES)
      return pe_fail_at (error, PE_ERROR_FORMAT, entry->offset,
                         "'tokenizer.ggml.merges' at byte %llu is not a list of at most %u texts",
                         (unsigned long long) entry->offset, PE_LIMIT_MERGES);
    n = entry->count;
  }
  vocab->n_merge_slots = 16;
  while (vocab->n_merge_slots < 2 * n)
    vocab->n_merge_slots *= 2;
  vocab->merges = pe_arena_array (&vocab->arena, vocab->n_merge_slots, sizeof *vocab->merges);
  if (!vocab->merges)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary");
  for (size_t i = 0; i < vocab->n_merge_slots; i++)
    vocab->merges[i].rank = PE_NO_RANK;
  for (uint64_t i = 0; i < n; i++)
    if (!add_merge (vocab, entry->strings[i], (uint32_t) i, entry->offset, error))
      return false;
  return vocab->is_plain || (load_bytes (vocab, error) && load_pieces (vocab, error));
}

/* ---- text ---- */

static void
pair (const void *data, struct pe_part *left, const struct pe_part *right)
{
  const struct pe_vocab *vocab = data;
  if (left->symbol == PE_NO_SYMBOL || right->symbol == PE_NO_SYMBOL)
    return;
  const struct pe_merge *merge =
      &vocab->merges[merge_slot (vocab, (uint64_t) left->symbol << 32 | right->symbol)];
  left->order = merge->rank; /* PE_NO_RANK is PE_NO_PAIR */
  left->merged = merge->result;
}

/* The token that is the whole piece, if there is one. */
static uint32_t
whole_piece (const struct pe_vocab *vocab, const char *piece, size_t n)
{
  if (vocab->is_plain)
    return pe_vocab_word (vocab, piece, n);
  char shown[512];
  size_t length = 0;
  for (size_t i = 0; i < n; i++) {
    struct pe_string c = pe_vocab_text (vocab, vocab->byte_symbols[(unsigned char) piece[i]]);
    if (length + c.n > sizeof shown || length + c.n > vocab->longest)
      return PE_NO_SYMBOL;
    memcpy (shown + length, c.data, c.n);
    length += c.n;
  }
  return pe_vocab_word (vocab, shown, length);
}

static bool
split (struct pe_merger *m, const struct pe_vocab *vocab, const char *piece, size_t begin,
       size_t end, struct pe_error *error)
{
  m->n_parts = 0;
  for (size_t i = begin; i < end;) {
    uint32_t unused, length = 1, symbol;
    if (vocab->is_plain) {
      length = pe_utf8_next (piece + i, end - i, &unused);
      length = length ? length : 1;
      symbol = pe_vocab_symbol (vocab, piece + i, length);
    } else
      symbol = vocab->byte_symbols[(unsigned char) piece[i]];
    if (!pe_merger_add (m, (uint32_t) i, length, symbol, error))
      return false;
    i += length;
  }
  return true;
}

static bool
is_word (const struct pe_vocab *vocab, uint32_t symbol)
{
  return symbol < vocab->info.n_tokens && !(vocab->tokens[symbol].attributes &
                                            (PE_TOKEN_CONTROL | PE_TOKEN_UNKNOWN | PE_TOKEN_BYTE));
}

static bool
tokenize_piece (struct pe_merger *m, const struct pe_vocab *vocab, const char *piece, size_t n,
                struct pe_tokens *tokens, struct pe_error *error)
{
  if (vocab->takes_whole || (vocab->is_plain && piece[0] == '\n')) {
    uint32_t token = whole_piece (vocab, piece, n);
    if (token != PE_NO_SYMBOL)
      return pe_tokens_add (tokens, (int32_t) token, error);
  }
  bool ok = true;
  for (size_t begin = 0, end; ok && begin < n; begin = end) {
    end = vocab->is_plain ? pe_vocab_word_end (vocab, piece, begin, n) : n;
    ok = split (m, vocab, piece, begin, end, error) && pe_merger_run (m, pair, vocab, error);
    for (uint32_t i = 0; ok && i != PE_NO_PAIR; i = m->parts[i].next) {
      const struct pe_part *part = &m->parts[i];
      ok = is_word (vocab, part->symbol)
               ? pe_tokens_add (tokens, (int32_t) part->symbol, error)
               : pe_tokens_add_bytes (vocab, piece + part->offset, part->n, tokens, error);
    }
  }
  return ok;
}

/* A copy as the vocabulary needs it: with U+2581 for blanks, or without invalid UTF-8. */
static char *
prepare (const struct pe_vocab *vocab, const char *text, size_t n, size_t *n_out)
{
  char *copy = n <= SIZE_MAX / 3 ? pe_malloc (3 * n + 1) : NULL, *to = copy;
  for (size_t i = 0; copy && i < n;) {
    uint32_t unused;
    unsigned length = pe_utf8_next (text + i, n - i, &unused);
    bool is_blank = vocab->is_plain && text[i] == ' ';
    if (is_blank || (length == 0 && vocab->lacks_bytes)) {
      memcpy (to, is_blank ? PE_BLANK : "\xef\xbf\xbd", 3);
      to += 3;
      length = 1;
    } else {
      length = length ? length : 1;
      memcpy (to, text + i, length);
      to += length;
    }
    i += length;
  }
  *n_out = (size_t) (to - copy);
  return copy;
}

bool
pe_bpe_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch, struct pe_tokens *tokens,
                 struct pe_error *error)
{
  char *copy = NULL;
  if (vocab->is_plain || (vocab->lacks_bytes && !pe_utf8_valid (stretch.text, stretch.n))) {
    copy = prepare (vocab, stretch.text, stretch.n, &stretch.n);
    if (!copy)
      return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to tokenise the text");
    stretch.text = copy;
  }
  struct pe_merger m = { 0 };
  struct pe_cuts cuts = { 0 };
  size_t begin = 0;
  bool ok = pe_pretokenize (vocab->pretokenizer, stretch.text, stretch.n, &cuts, error);
  for (size_t i = 0; ok && i < cuts.n; i++) {
    ok = tokenize_piece (&m, vocab, stretch.text + begin, cuts.ends[i] - begin, tokens, error);
    begin = cuts.ends[i];
  }
  pe_cuts_clear (&cuts);
  pe_merger_clear (&m);
  pe_free (copy);
  return ok;
}
