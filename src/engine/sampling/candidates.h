/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tokens that may come next, highest logit first, and the cuts that shorten the list. Each
 * cut returns how many are left, at least one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pe_candidate {
  int32_t token;
  float logit;
  float p;
};

/* The `k` best (0: all) of n > 0 logits that reach `least`, sorted; at least one. `out` has room
 * for n. NaN counts as minus infinity. */
size_t pe_candidates_collect (struct pe_candidate *out, const float *logits, uint32_t n, uint32_t k,
                              float least);
/* The best logit minus `n_sigma` standard deviations of all that are finite. */
float pe_candidates_sigma_bound (const float *logits, uint32_t n, float n_sigma);
/* In the order of pe_candidates_collect(). */
void pe_candidates_sort (struct pe_candidate *c, size_t n);
void pe_candidates_softmax (struct pe_candidate *c, size_t n, float temperature);

/* These want softmax first. */
size_t pe_candidates_cut_typical (struct pe_candidate *c, size_t n, float mass);
size_t pe_candidates_cut_top_p (const struct pe_candidate *c, size_t n, float mass);
size_t pe_candidates_cut_min_p (const struct pe_candidate *c, size_t n, float share);
size_t pe_candidates_cut_surprise (const struct pe_candidate *c, size_t n, float bits);
size_t pe_candidates_cut_xtc (struct pe_candidate *c, size_t n, float threshold);
/* Entropy over the largest that n tokens can have: 0 to 1. */
float pe_candidates_entropy (const struct pe_candidate *c, size_t n);
