/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Vocabularies for made-up models: every byte can be written, and the rest of the tokens are
 * words of syllables, so that replies look like babble.
 */
#pragma once

#include "engine/format/gguf.h"

enum synth_vocab_kind {
  SYNTH_VOCAB_SPM, /* SentencePiece with byte tokens, as Llama 2 has */
  SYNTH_VOCAB_BPE, /* byte-level BPE, as Qwen has */
};

/* The fewest tokens that a vocabulary can have. */
#define SYNTH_VOCAB_MIN 512

/* Adds the tokenizer's metadata and a ChatML template. False when memory is short. */
bool synth_vocab_put (struct pe_gguf_writer *w, enum synth_vocab_kind kind, uint32_t n_tokens);
