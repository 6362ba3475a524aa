/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Predicted speed: bytes and operations of the plan over the rates that the engine reached on
 * each device, times what this computer's own runs say beside it. Where a device that matters was
 * never measured there is no figure.
 */
#pragma once

#include <glib.h>

#include "engine/plan.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_SPEED_UNKNOWN,   /* no figures */
  PARLEY_SPEED_ROUGH,     /* from bandwidth alone, or from types that are near */
  PARLEY_SPEED_PREDICTED, /* from the engine's own rates on these devices */
  PARLEY_SPEED_MEASURED,  /* and corrected by runs of this model here */
} ParleySpeedTrust;

typedef struct {
  double generation, generation_full, prompt; /* tokens a second; 0: unknown */
  double load_seconds;                        /* 0: unknown */
  double turn_seconds; /* of a typical turn: a prompt of 512 tokens and a reply of 256 */
  ParleySpeedTrust trust;
  char basis[200]; /* in words, translated */
} ParleySpeed;

/* What earlier runs on this computer reached, over what was foretold for them; 1 of 0 runs. */
typedef struct {
  double generation, prompt; /* factors */
  guint n_runs;
} ParleySpeedHistory;

/* `history` may be NULL. */
void parley_speed_predict (const struct pe_model *model, const struct pe_plan *plan,
                           const ParleySpeedHistory *history, ParleySpeed *out);

/* For a file that is `ratio` times as large, everything else equal. */
void parley_speed_scale (const ParleySpeed *known, double ratio, ParleySpeed *out);

G_END_DECLS
