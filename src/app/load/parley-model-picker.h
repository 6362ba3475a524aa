/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The button in the chat's header that names the model and opens the list of those on this
 * computer.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_MODEL_PICKER (parley_model_picker_get_type ())
G_DECLARE_FINAL_TYPE (ParleyModelPicker, parley_model_picker, PARLEY, MODEL_PICKER, GtkWidget)

GtkWidget *parley_model_picker_new (ParleyServices *services);
void parley_model_picker_popup (ParleyModelPicker *self);
/* `name` NULL: none is chosen. `state`: the second line, or NULL. */
void parley_model_picker_set (ParleyModelPicker *self, const char *name, const char *state);

/* Signal "picked" (ParleyModel *). */

G_END_DECLS
