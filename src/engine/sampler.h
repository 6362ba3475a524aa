/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Choosing the next token. The chain, in llama.cpp's order: logit bias, penalties, DRY; then at
 * temperature 0 the best, else top-n-sigma, top-k, typical, top-p, min-p, XTC, temperature (fixed
 * or by entropy), draw. Mirostat 2 takes the place of everything from top-n-sigma to XTC. With a
 * grammar, a token that it refuses is drawn again among those that it allows. The same seed,
 * settings and logits give the same tokens.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct pe_grammar;
struct pe_vocab;

#define PE_MAX_BEST 128

struct pe_best_logit {
  int32_t token;
  float logit; /* never not a number */
};

struct pe_logit_bias {
  int32_t token;
  float bias; /* added to the logit; minus infinity: never */
};

struct pe_sampler_params {
  float temperature;    /* 0 = greedy */
  uint32_t top_k;       /* 0 = off */
  float top_p;          /* 1 = off */
  float min_p;          /* 0 = off */
  float repeat_penalty; /* 1 = off */
  float frequency_penalty, presence_penalty;
  uint32_t penalty_window; /* tokens looked back at */
  uint64_t seed;

  float typical_p;       /* 1 = off; Meister et al. 2022 */
  float top_n_sigma;     /* 0 = off; Tang et al. 2024: logits within n deviations of the best */
  float xtc_probability; /* 0 = off; how often the likeliest tokens are left out */
  float xtc_threshold;   /* those that reach it, all but the least likely of them */
  /* 0 = off: temperature - range to temperature + range, by the entropy to this exponent. */
  float dynamic_temperature_range, dynamic_temperature_exponent;

  float dry_multiplier; /* 0 = off; a repeated run of n tokens costs multiplier * base^(n - free) */
  float dry_base;
  uint32_t dry_free_length; /* longest run that costs nothing */
  uint32_t dry_window;      /* tokens looked back at; at most 2^20 */

  bool mirostat; /* version 2; Basu et al. 2021 */
  float mirostat_tau, mirostat_eta;

  const struct pe_logit_bias *logit_bias; /* copied */
  size_t n_logit_bias;
};

struct pe_sampler;

/* 0.8, 40, 0.95, 0.05, 1.0; all else is off, with usual values beside the switches. */
void pe_sampler_params_init (struct pe_sampler_params *params);
/* PE_ERROR_ARGUMENT names a setting that is out of range. */
bool pe_sampler_check (const struct pe_sampler_params *params, struct pe_error *error);
/* Checks them too. */
bool pe_sampler_new (const struct pe_sampler_params *params, uint32_t n_vocab,
                     struct pe_sampler **out, struct pe_error *error);
void pe_sampler_free (struct pe_sampler *sampler);

/* Texts that DRY never counts a run across ("\n", ":", "\"" and "*" are usual): before the first
 * token. At most 64, of 1 to 64 bytes. The vocabulary must outlive the sampler. */
bool pe_sampler_set_dry_breakers (struct pe_sampler *sampler, const struct pe_vocab *vocab,
                                  const char *const *texts, size_t n, struct pe_error *error);

/* From now on accepted tokens must follow the grammar (so: after the prompt is accepted); NULL
 * ends that. Both must outlive the sampler. Tokens that end a reply are drawn only where the
 * grammar may end. */
bool pe_sampler_set_grammar (struct pe_sampler *sampler, const struct pe_grammar *grammar,
                             const struct pe_vocab *vocab, struct pe_error *error);
/* The grammar may end here. True without one. */
bool pe_sampler_may_end (const struct pe_sampler *sampler);

/* Tells the sampler of a token that is in the context (prompt or accepted). */
void pe_sampler_accept (struct pe_sampler *sampler, int32_t token);
/* `logits`: n_vocab of them, unchanged. NaN counts as minus infinity. -1 only with a grammar: no
 * token of the vocabulary continues the text, or, where it may end, ends it. */
int32_t pe_sampler_sample (struct pe_sampler *sampler, const float *logits);

/* How many of the best logits, at most PE_MAX_BEST, are enough for the very choice that all of them
 * would lead to, after what was accepted so far; 0: all are needed. */
uint32_t pe_sampler_n_best (const struct pe_sampler *sampler);
/* From at least so many, highest first, equal ones by token (of a vocabulary that has fewer: all).
 */
int32_t pe_sampler_sample_best (struct pe_sampler *sampler, const struct pe_best_logit *best,
                                size_t n);
