/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/tokenizer.h"

#include "base/utf8.h"
#include "engine/format/limits.h"
#include "engine/text/vocab.h"

#include <string.h>

/* ---- lists of tokens ---- */

void
pe_tokens_clear (struct pe_tokens *tokens)
{
  pe_free (tokens->ids);
  *tokens = (struct pe_tokens){ 0 };
}

bool
pe_tokens_add (struct pe_tokens *tokens, int32_t id, struct pe_error *error)
{
  if (!pe_grow (&tokens->ids, &tokens->capacity, tokens->n + 1, sizeof *tokens->ids))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to tokenise the text");
  tokens->ids[tokens->n++] = id;
  return true;
}

bool
pe_tokens_add_bytes (const struct pe_vocab *vocab, const char *text, size_t n,
                     struct pe_tokens *tokens, struct pe_error *error)
{
  for (size_t i = 0; i < n; i++) {
    int32_t id = vocab->byte_tokens[(unsigned char) text[i]];
    if (id != PE_NO_TOKEN && !pe_tokens_add (tokens, id, error))
      return false;
  }
  return true;
}

/* ---- text to tokens ---- */

/* The longest special token that the text begins with, among those allowed. */
static int32_t
special_at (const struct pe_vocab *vocab, const char *text, size_t n, bool parse_special)
{
  int32_t found = PE_NO_TOKEN;
  if (!vocab->special_begins[(unsigned char) text[0]])
    return found;
  uint32_t node = 0;
  for (size_t i = 0; i < n; i++) {
    node = pe_trie_step (&vocab->specials, node, (unsigned char) text[i]);
    if (node == PE_TRIE_NONE)
      break;
    uint32_t id = vocab->specials.values[node];
    if (id != PE_TRIE_NONE &&
        (parse_special || vocab->tokens[id].attributes & PE_TOKEN_USER_DEFINED))
      found = (int32_t) id;
  }
  return found;
}

static bool
tokenize_stretch (const struct pe_vocab *vocab, struct pe_stretch stretch, struct pe_tokens *tokens,
                  struct pe_error *error)
{
  if (stretch.n == 0)
    return true;
  switch (vocab->kind) {
  case PE_VOCAB_SPM: return pe_spm_tokenize (vocab, stretch, tokens, error);
  case PE_VOCAB_BPE: return pe_bpe_tokenize (vocab, stretch, tokens, error);
  case PE_VOCAB_UNIGRAM: return pe_unigram_tokenize (vocab, stretch, tokens, error);
  case PE_VOCAB_WORDPIECE: return pe_wordpiece_tokenize (vocab, stretch, tokens, error);
  }
  return true;
}

static bool
is_blank (char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
tokenize_text (const struct pe_vocab *vocab, const char *text, size_t n, unsigned flags,
               struct pe_tokens *tokens, struct pe_error *error)
{
  size_t begin = 0;
  bool at_start = !(flags & PE_CONTINUE);
  for (size_t i = 0; i < n;) {
    int32_t id = special_at (vocab, text + i, n - i, flags & PE_PARSE_SPECIAL);
    if (id == PE_NO_TOKEN) {
      i++;
      continue;
    }
    const struct pe_token *token = &vocab->tokens[id];
    size_t end = i;
    while (token->strips_left && end > begin && is_blank (text[end - 1]))
      end--;
    struct pe_stretch stretch = { text + begin, end - begin, at_start };
    if (!tokenize_stretch (vocab, stretch, tokens, error) || !pe_tokens_add (tokens, id, error))
      return false;
    i += token->text.n;
    while (token->strips_right && i < n && is_blank (text[i]))
      i++;
    begin = i;
    at_start = true;
  }
  struct pe_stretch rest = { text + begin, n - begin, at_start };
  return tokenize_stretch (vocab, rest, tokens, error);
}

bool
pe_tokenize (const struct pe_vocab *vocab, const char *text, size_t n, unsigned flags,
             struct pe_tokens *tokens, struct pe_error *error)
{
  const struct pe_vocab_info *info = &vocab->info;
  size_t n_before = tokens->n;
  if (n > PE_LIMIT_TEXT_BYTES)
    return pe_fail (error, PE_ERROR_LIMIT, "a text of %zu bytes is too long to tokenise", n);
  bool special = flags & PE_ADD_SPECIAL;
  bool ok = (!special || !info->add_bos || pe_tokens_add (tokens, info->bos, error)) &&
            tokenize_text (vocab, text, n, flags, tokens, error) &&
            (!special || !info->add_separator || pe_tokens_add (tokens, info->separator, error)) &&
            (!special || !info->add_eos || pe_tokens_add (tokens, info->eos, error));
  if (!ok)
    tokens->n = n_before;
  return ok;
}

/* ---- tokens to text ---- */

static const struct pe_token *
token_of (const struct pe_vocab *vocab, int32_t id)
{
  return id >= 0 && (uint32_t) id < vocab->info.n_tokens ? &vocab->tokens[id] : NULL;
}

const char *
pe_token_piece (const struct pe_vocab *vocab, int32_t id, bool special, char *buffer, size_t *n)
{
  const struct pe_token *token = token_of (vocab, id);
  unsigned hidden = PE_TOKEN_UNUSED | (special ? 0 : PE_TOKEN_CONTROL | PE_TOKEN_UNKNOWN);
  if (!token || token->attributes & hidden || token->piece.n == 0) {
    *n = 0;
    buffer[0] = 0;
    return buffer;
  }
  *n = token->piece.n;
  return token->piece.data;
}

unsigned
pe_token_attributes (const struct pe_vocab *vocab, int32_t id)
{
  const struct pe_token *token = token_of (vocab, id);
  return token ? token->attributes : 0;
}

bool
pe_token_ends_generation (const struct pe_vocab *vocab, int32_t id)
{
  const struct pe_token *token = token_of (vocab, id);
  return token && token->ends_generation;
}

int32_t
pe_token_by_text (const struct pe_vocab *vocab, const char *text, size_t n)
{
  uint32_t symbol = pe_vocab_symbol (vocab, text, n);
  return symbol < vocab->info.n_tokens ? (int32_t) symbol : PE_NO_TOKEN;
}

/* ---- whole characters for display ---- */

/* How many more bytes the beginning of a character in b[0, n) needs; 0 when it is none. */
static unsigned
lacks (const unsigned char *b, unsigned n)
{
  unsigned length = b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
  if (n >= length)
    return 0;
  if (n > 1) {
    unsigned low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
    if (b[1] < low || b[1] > high || (n > 2 && (b[2] & 0xc0) != 0x80))
      return 0;
  }
  return length - n;
}

/* Writes what is decided of the pending bytes. */
static size_t
settle (struct pe_utf8_stream *s, char *out, bool last)
{
  size_t n = 0;
  while (s->n_pending) {
    uint32_t c;
    unsigned length = pe_utf8_next ((const char *) s->pending, s->n_pending, &c);
    if (length)
      memcpy (out + n, s->pending, length);
    else if (!last && lacks (s->pending, s->n_pending))
      break;
    n += length ? length : pe_utf8_put (0xfffd, out + n);
    length = length ? length : 1;
    s->n_pending -= length;
    memmove (s->pending, s->pending + length, s->n_pending);
  }
  return n;
}

size_t
pe_utf8_stream_push (struct pe_utf8_stream *s, const char *bytes, size_t n, char *out)
{
  size_t written = 0;
  for (size_t i = 0; i < n; i++) {
    s->pending[s->n_pending++] = (unsigned char) bytes[i];
    written += settle (s, out + written, false);
  }
  return written;
}

size_t
pe_utf8_stream_finish (struct pe_utf8_stream *s, char *out)
{
  return settle (s, out, true);
}
