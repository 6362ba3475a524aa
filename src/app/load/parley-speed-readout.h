/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How quick a model is: tokens a second of the reply that is being written, and what was foretold
 * while none is.
 */
#pragma once

#include "app/load/parley-engine.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_SPEED_READOUT (parley_speed_readout_get_type ())
G_DECLARE_FINAL_TYPE (ParleySpeedReadout, parley_speed_readout, PARLEY, SPEED_READOUT, GtkBox)

GtkWidget *parley_speed_readout_new (void);

/* The one that is measured, while the readout is on the screen; NULL: none. */
void parley_speed_readout_set_engine (ParleySpeedReadout *self, ParleyEngine *engine);
/* "≈ 14 tokens/s", or "", and where that comes from. */
void parley_speed_readout_set_forecast (ParleySpeedReadout *self, const char *speed,
                                        const char *basis);
/* What was measured is of how things were. */
void parley_speed_readout_restart (ParleySpeedReadout *self);

G_END_DECLS
