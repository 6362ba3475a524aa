/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libFuzzer target: texts against the vocabulary of the GGUF file named by $PARLEY_FUZZ_VOCAB.
 * The first byte holds the flags. Every token must exist.
 */
#include "engine/format/gguf.h"
#include "engine/text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n);

static struct pe_vocab *vocab;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  (void) argc, (void) argv;
  const char *path = getenv ("PARLEY_FUZZ_VOCAB");
  FILE *f = path ? fopen (path, "rb") : NULL;
  static char bytes[64 << 20];
  size_t n = f ? fread (bytes, 1, sizeof bytes, f) : 0;
  static struct pe_gguf *gguf;
  struct pe_error error = { .message = "PARLEY_FUZZ_VOCAB names no file" };
  if (f)
    fclose (f);
  if (!n || !pe_gguf_parse (bytes, n, n, &gguf, &error) || !pe_vocab_load (gguf, &vocab, &error)) {
    fprintf (stderr, "%s\n", error.message);
    exit (2);
  }
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n)
{
  struct pe_tokens tokens = { 0 };
  struct pe_error error;
  if (n && pe_tokenize (vocab, (const char *) bytes + 1, n - 1, bytes[0] & 7, &tokens, &error))
    for (size_t i = 0; i < tokens.n; i++) {
      char buffer[8];
      size_t n_piece;
      if (tokens.ids[i] < 0 || (uint32_t) tokens.ids[i] >= pe_vocab_info (vocab)->n_tokens)
        __builtin_trap ();
      pe_token_piece (vocab, tokens.ids[i], true, buffer, &n_piece);
    }
  pe_tokens_clear (&tokens);
  return 0;
}
