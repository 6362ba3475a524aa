/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options that say how tokens are chosen and what a reply must look like.
 */
#pragma once

#include "cli/cli.h"
#include "worker/parley-generation.h"

struct cli_sampling_options {
  double temperature, top_p, min_p, typical_p, top_n_sigma;
  double repeat_penalty, frequency_penalty, presence_penalty;
  double xtc_probability, xtc_threshold, dynamic_range, dynamic_exponent;
  double dry_multiplier, dry_base, mirostat_tau, mirostat_eta;
  int top_k, penalty_window, dry_free_length, dry_window, max_tokens;
  gboolean mirostat;
  char *seed, *schema_file, *grammar_file;
  char **biases, **stops;

  /* what the request points to */
  struct pe_logit_bias *bias_list;
  char *schema, *grammar;
};

/* The usual values. */
void cli_sampling_options_init (struct cli_sampling_options *options);
void cli_sampling_options_clear (struct cli_sampling_options *options);

/* Appends their rows, of type GOptionEntry; `options` stays where it is. */
void cli_sampling_entries (struct cli_sampling_options *options, GArray *entries);

/* Fills *request, which then points into *options. False: reported, return *status. */
bool cli_sampling_request (struct cli_sampling_options *options, ParleyGenerationRequest *request,
                           int *status);
