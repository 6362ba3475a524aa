/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layers and memory of a loaded model: the slider that moves layers between main memory and the
 * GPU while the model answers, what lies where, and how quick it is.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_LOAD_PANEL (parley_load_panel_get_type ())
G_DECLARE_FINAL_TYPE (ParleyLoadPanel, parley_load_panel, PARLEY, LOAD_PANEL, GtkBox)

GtkWidget *parley_load_panel_new (ParleyServices *services);

/* The model that is shown and moved; NULL: none. */
void parley_load_panel_set_engine (ParleyLoadPanel *self, ParleyEngine *engine);

/* Property "summary" (string, notified): "28 of 33 layers on the GPU, 6.1 GB"; for the header. */
const char *parley_load_panel_get_summary (ParleyLoadPanel *self);

G_END_DECLS
