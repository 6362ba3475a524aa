/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The models on this computer, and the downloads on their way.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_MODELS_PAGE (parley_models_page_get_type ())
G_DECLARE_FINAL_TYPE (ParleyModelsPage, parley_models_page, PARLEY, MODELS_PAGE, GtkBox)

GtkWidget *parley_models_page_new (ParleyServices *services);
GtkWidget *parley_models_page_get_header (ParleyModelsPage *self);
void parley_models_page_start_search (ParleyModelsPage *self);

G_END_DECLS
