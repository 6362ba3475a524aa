/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libFuzzer target: GGUF headers, whole and as a prefix of a longer file, and their vocabularies.
 */
#include "engine/format/gguf.h"
#include "engine/text/tokenizer.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n)
{
  struct pe_error error;
  for (int whole = 0; whole < 2; whole++) {
    struct pe_gguf *gguf = NULL;
    struct pe_vocab *vocab = NULL;
    if (pe_gguf_parse (bytes, n, whole ? n : n + 4096, &gguf, &error))
      pe_vocab_load (gguf, &vocab, &error);
    else if (error.code == PE_ERROR_TRUNCATED && !whole && error.offset <= n)
      __builtin_trap (); /* a reader that fetches what is asked for would never end */
    pe_vocab_free (vocab);
    pe_gguf_free (gguf);
  }
  return 0;
}
