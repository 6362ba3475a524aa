/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A memory bar for each device, the GPUs first: what a loaded model has, or what one would take.
 */
#pragma once

#include "fit/parley-fit.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_MEMORY_BARS (parley_memory_bars_get_type ())
G_DECLARE_FINAL_TYPE (ParleyMemoryBars, parley_memory_bars, PARLEY, MEMORY_BARS, GtkBox)

GtkWidget *parley_memory_bars_new (void);

/* What an engine says that it has: an array of ParleyDeviceMemory. */
void parley_memory_bars_set_live (ParleyMemoryBars *self, GArray *devices);
/* What a plan comes to; others keep what they were last seen to have. */
void parley_memory_bars_set_forecast (ParleyMemoryBars *self, ParleyFit *fit);
void parley_memory_bars_clear (ParleyMemoryBars *self);

/* What is shown as the model's, on all GPUs. */
guint64 parley_memory_bars_get_gpu_bytes (ParleyMemoryBars *self);

G_END_DECLS
