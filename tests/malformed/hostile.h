/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hostile GGUF files, built from a table in memory. Each must be refused; `by` says by whom.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum refused_by {
  BY_PARSER, /* pe_gguf_parse() */
  BY_VOCAB,  /* pe_vocab_load(): the container is sound */
  BY_NOBODY, /* sound, although at a limit: must be accepted */
};

struct hostile {
  char name[96];
  enum refused_by by;
  unsigned char *bytes; /* exactly n of them, so that a sanitizer sees the first byte too many */
  size_t n;
};

typedef void (*hostile_fn) (const struct hostile *file, void *data);

/* Builds them one by one; the bytes are freed after `fn`. Returns how many there were. */
size_t hostile_each (hostile_fn fn, void *data);

/* A sound file of this size with metadata of every kind, a vocabulary and the tensors of a small
 * Llama; free() it. */
#define HOSTILE_SOUND_BYTES 65536
unsigned char *hostile_sound_file (size_t *n);
