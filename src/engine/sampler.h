/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Choosing the next token. The chain: penalties, temperature 0 = greedy, else top-k, top-p,
 * min-p, temperature, draw. Order and meaning follow llama.cpp's chain.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct pe_sampler_params {
  float temperature;    /* 0 = greedy */
  uint32_t top_k;       /* 0 = off */
  float top_p;          /* 1 = off */
  float min_p;          /* 0 = off */
  float repeat_penalty; /* 1 = off */
  float frequency_penalty, presence_penalty;
  uint32_t penalty_window; /* tokens looked back at */
  uint64_t seed;
};

struct pe_sampler;

void pe_sampler_params_init (struct pe_sampler_params *params); /* 0.8, 40, 0.95, 0.05, 1.0 */
bool pe_sampler_new (const struct pe_sampler_params *params, uint32_t n_vocab,
                     struct pe_sampler **out, struct pe_error *error);
void pe_sampler_free (struct pe_sampler *sampler);

/* Tells the sampler of a token that is in the context (prompt or accepted). */
void pe_sampler_accept (struct pe_sampler *sampler, int32_t token);
/* `logits`: n_vocab of them, unchanged. NaN counts as minus infinity. */
int32_t pe_sampler_sample (struct pe_sampler *sampler, const float *logits);
