/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person wants of one model whenever it is used: context, precision of the cache, layers on
 * the GPU, choice of words, system prompt. Kept in the settings, see library/record.h.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

void parley_model_defaults_present (GtkWindow *parent, ParleyServices *services,
                                    ParleyModel *model);

/* Gives a chat without messages the model's system prompt and choice of words, where it has none of
 * its own; those of another model that it was given to before are none. */
void parley_model_defaults_apply (ParleyServices *services, ParleyModel *model, ParleyChat *chat);

G_END_DECLS
