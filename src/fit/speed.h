/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Predicted speed: bytes and operations of the plan over the rates that were measured on each
 * device. Where a device that matters has no measured rate there is no figure.
 */
#pragma once

#include <glib.h>

#include "engine/plan.h"

G_BEGIN_DECLS

typedef struct {
  double generation, generation_full, prompt; /* tokens a second; 0: unknown */
  char basis[160];                            /* in words, translated */
} ParleySpeed;

void parley_speed_predict (const struct pe_model *model, const struct pe_plan *plan,
                           ParleySpeed *out);

/* For a file that is `ratio` times as large, everything else equal. */
void parley_speed_scale (const ParleySpeed *known, double ratio, ParleySpeed *out);

G_END_DECLS
