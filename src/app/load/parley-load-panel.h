/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layers and memory of a model. A loaded one: the slider that moves layers between main memory and
 * the GPU while the model answers, what lies where, and how quick it is. One that is not: how that
 * would be, and Load.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_LOAD_PANEL (parley_load_panel_get_type ())
G_DECLARE_FINAL_TYPE (ParleyLoadPanel, parley_load_panel, PARLEY, LOAD_PANEL, GtkBox)

GtkWidget *parley_load_panel_new (ParleyServices *services);

/* The model that is shown, or NULL, and what it is loaded by, or NULL. */
void parley_load_panel_set_model (ParleyLoadPanel *self, ParleyModel *model, ParleyEngine *engine);

/* Property "summary" (string, notified): "28 of 33 layers on the GPU, 6.1 GB", or "" while nothing
 * is loaded; for the header. */
const char *parley_load_panel_get_summary (ParleyLoadPanel *self);

G_END_DECLS
