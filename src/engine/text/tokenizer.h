/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text to tokens and back. A vocabulary is made from a GGUF file's metadata, is immutable and may
 * be used from any thread. Kinds: SentencePiece BPE ("llama"), byte-level BPE ("gpt2") with the
 * pre-tokenizers of format families, SentencePiece unigram ("t5"), WordPiece ("bert"), and
 * "gemma4". All work is linear in the length of the text (up to a logarithm).
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct pe_gguf;
struct pe_vocab;

#define PE_NO_TOKEN (-1)

enum pe_token_attribute { /* bits */
                          PE_TOKEN_UNKNOWN = 1,
                          PE_TOKEN_CONTROL = 2,      /* spelt out only where asked for */
                          PE_TOKEN_USER_DEFINED = 4, /* found in any text */
                          PE_TOKEN_UNUSED = 8,
                          PE_TOKEN_BYTE = 16,
};

struct pe_vocab_info {
  const char *model;         /* tokenizer.ggml.model */
  const char *pre_tokenizer; /* tokenizer.ggml.pre, or "" */
  bool pre_tokenizer_known;  /* false: the name is unknown and a usual rule is used instead */
  uint32_t n_tokens;
  int32_t bos, eos, eot, eom, unknown, separator, padding; /* PE_NO_TOKEN where there is none */
  bool add_bos, add_eos, add_separator, add_space_prefix;
  uint64_t memory_bytes;
};

/* A list of tokens that grows; zero-initialise, free with pe_tokens_clear(). */
struct pe_tokens {
  int32_t *ids;
  size_t n, capacity;
};

void pe_tokens_clear (struct pe_tokens *tokens);

/* Fails with PE_ERROR_UNSUPPORTED for a kind it does not know, PE_ERROR_FORMAT for damage. The
 * file must outlive the vocabulary (token texts stay in its bytes). */
bool pe_vocab_load (const struct pe_gguf *gguf, struct pe_vocab **out, struct pe_error *error);
void pe_vocab_free (struct pe_vocab *vocab);
const struct pe_vocab_info *pe_vocab_info (const struct pe_vocab *vocab);

enum pe_tokenize_flags {
  PE_ADD_SPECIAL = 1,   /* BOS/EOS/SEP as the vocabulary wants */
  PE_PARSE_SPECIAL = 2, /* text that spells a control token becomes it: never for people's text */
  PE_CONTINUE = 4,      /* the text follows other text: no SentencePiece dummy space */
};

/* Appends to *tokens. `text` may hold anything, zeros and invalid UTF-8 included. */
bool pe_tokenize (const struct pe_vocab *vocab, const char *text, size_t n, unsigned flags,
                  struct pe_tokens *tokens, struct pe_error *error);

/* The bytes of one token as they stand in a text; *n gets their number. Control tokens are spelt
 * out when `special` is set, and are empty otherwise. An id outside the vocabulary gives none.
 * `buffer` (at least 8 bytes) holds bytes that are not in the vocabulary literally; longer pieces
 * point into vocabulary memory. */
const char *pe_token_piece (const struct pe_vocab *vocab, int32_t token, bool special, char *buffer,
                            size_t *n);
unsigned pe_token_attributes (const struct pe_vocab *vocab, int32_t token); /* 0 when outside */
bool pe_token_ends_generation (const struct pe_vocab *vocab, int32_t token);
/* The token whose text is exactly this (control tokens included), or PE_NO_TOKEN. */
int32_t pe_token_by_text (const struct pe_vocab *vocab, const char *text, size_t n);

/* Gathers pieces into whole UTF-8 characters for display: bytes of an unfinished character wait
 * (three at most); what can never become one turns into U+FFFD. */
struct pe_utf8_stream {
  unsigned char pending[4];
  unsigned n_pending;
};

/* Appends valid UTF-8 to `out` (capacity 3 * (n + 4) suffices); returns the bytes written. */
size_t pe_utf8_stream_push (struct pe_utf8_stream *stream, const char *bytes, size_t n, char *out);
size_t pe_utf8_stream_finish (struct pe_utf8_stream *stream, char *out); /* out: 16 bytes */
