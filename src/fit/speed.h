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
  PARLEY_SPEED_MEASURED,  /* by replies of this model, placed like this, on this computer */
} ParleySpeedTrust;

typedef struct {
  double generation, generation_full, prompt; /* tokens a second; 0: unknown */
  double load_seconds;                        /* 0: unknown */
  double turn_seconds; /* of a typical turn: a prompt of 512 tokens and a reply of 256 */
  ParleySpeedTrust trust;
  char basis[256];      /* in words, translated */
  char load_basis[192]; /* the same of load_seconds; "" where that is unknown */
} ParleySpeed;

#define PARLEY_SPEED_RUNS 16

/* What earlier replies of one model on this computer reached, over what is foretold for them; see
 * fit/history.h. Those that were placed like a plan correct it; where there are none, those that
 * ran on the same devices do. */
typedef struct {
  struct {
    guint gpu_layers, threads;
    double generation, prompt; /* factors; 0: it says nothing about this */
  } runs[PARLEY_SPEED_RUNS];
  guint n_runs;
} ParleySpeedHistory;

/* Seconds that a reply would take by the rates alone: reading a prompt of so many tokens after
 * `depth` others, then answering from the first token to the last. 0: unknown. */
void parley_speed_of_run (const struct pe_model *model, const struct pe_plan *plan, guint depth,
                          guint prompt_tokens, guint reply_tokens, double *prompt_seconds,
                          double *reply_seconds);

/* `gpus`: what those that have layers are called; `history` may be NULL. */
void parley_speed_predict (const struct pe_model *model, const struct pe_plan *plan,
                           const char *gpus, const ParleySpeedHistory *history, ParleySpeed *out);

/* For a file that is `ratio` times as large, everything else equal. */
void parley_speed_scale (const ParleySpeed *known, double ratio, ParleySpeed *out);

G_END_DECLS
