/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finding a model on the hub: search as you type, or paste an address; then the model's page.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_DISCOVER_PAGE (parley_discover_page_get_type ())
G_DECLARE_FINAL_TYPE (ParleyDiscoverPage, parley_discover_page, PARLEY, DISCOVER_PAGE, GtkBox)

GtkWidget *parley_discover_page_new (ParleyServices *services);
GtkWidget *parley_discover_page_get_header (ParleyDiscoverPage *self);
void parley_discover_page_start_search (ParleyDiscoverPage *self);
/* `text`: whatever parley_hub_ref_parse() takes, or words to search for. */
void parley_discover_page_search (ParleyDiscoverPage *self, const char *text);

G_END_DECLS
