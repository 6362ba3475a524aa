/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a load of a model asks for besides the layers: the context and its precision, and on a
 * second level threads and batch. Kept for each model; what was changed holds from the next load.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_LOAD_SETTINGS (parley_load_settings_get_type ())
G_DECLARE_FINAL_TYPE (ParleyLoadSettings, parley_load_settings, PARLEY, LOAD_SETTINGS, GtkBox)

GtkWidget *parley_load_settings_new (ParleyServices *services);

/* Shows how this one is loaded; NULL: none, and nothing can be set. */
void parley_load_settings_set_engine (ParleyLoadSettings *self, ParleyEngine *engine);
/* The engine's state may be another. */
void parley_load_settings_update (ParleyLoadSettings *self);

G_END_DECLS
