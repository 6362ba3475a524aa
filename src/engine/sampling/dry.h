/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DRY ("don't repeat yourself"): tokens that would prolong a run of tokens that stood earlier in
 * the context become less likely, the more the longer the run. One thread.
 */
#pragma once

#include "engine/sampler.h"

struct pe_dry;

#define PE_DRY_MAX_WINDOW (1u << 20)

bool pe_dry_new (const struct pe_sampler_params *params, uint32_t n_vocab, struct pe_dry **out,
                 struct pe_error *error);
void pe_dry_free (struct pe_dry *dry);
bool pe_dry_set_breakers (struct pe_dry *dry, const struct pe_vocab *vocab,
                          const char *const *texts, size_t n, struct pe_error *error);
void pe_dry_accept (struct pe_dry *dry, int32_t token);
/* Lowers logits, in time linear in the window. */
void pe_dry_apply (struct pe_dry *dry, float *logits);
