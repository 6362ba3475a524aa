/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person wants of the models that are found: that they fit this computer, their size,
 * family, licence and language.
 */
#pragma once

#include "app/parley-services.h"
#include "hub/parley-hub-filter.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_DISCOVER_FILTERS (parley_discover_filters_get_type ())
G_DECLARE_FINAL_TYPE (ParleyDiscoverFilters, parley_discover_filters, PARLEY, DISCOVER_FILTERS,
                      GtkBox)

GtkWidget *parley_discover_filters_new (ParleyServices *services);
/* The strings live as long as the program. */
void parley_discover_filters_get (ParleyDiscoverFilters *self, ParleyHubFilter *filter);
void parley_discover_filters_clear (ParleyDiscoverFilters *self);

/* Signal "changed". */

G_END_DECLS
