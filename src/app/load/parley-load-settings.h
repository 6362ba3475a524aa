/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a load of a model asks for besides the layers on the GPU: the context, and on a second level
 * its precision, threads, batch, and the layers whose experts stay in RAM. Kept for each model;
 * what was changed holds from the next load.
 *
 * Signal `changed ()`: the person set something.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_LOAD_SETTINGS (parley_load_settings_get_type ())
G_DECLARE_FINAL_TYPE (ParleyLoadSettings, parley_load_settings, PARLEY, LOAD_SETTINGS, GtkBox)

GtkWidget *parley_load_settings_new (ParleyServices *services);

/* `model`: what is set, or NULL; `engine`: what it is loaded by, or NULL. */
void parley_load_settings_set_model (ParleyLoadSettings *self, ParleyModel *model,
                                     ParleyEngine *engine);
/* How it is loaded, or would be; NULL: not known now, and nothing can be set. `n_expert_layers`:
 * those that have experts. What was changed of a loaded model stays as the person left it. */
void parley_load_settings_show (ParleyLoadSettings *self, const struct pe_plan_request *plan,
                                guint n_expert_layers);

/* Whether the model is loaded otherwise than it is set now. */
gboolean parley_load_settings_has_changes (ParleyLoadSettings *self);
/* Puts that into the request. */
void parley_load_settings_apply (ParleyLoadSettings *self, struct pe_plan_request *request);

/* What would fit, beside the context; "": not known. */
void parley_load_settings_set_limits (ParleyLoadSettings *self, const char *text);

G_END_DECLS
