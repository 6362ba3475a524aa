/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compare: the memory and the speed of models side by side, on this computer or an imagined one,
 * under a context slider.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_COMPARE_PAGE (parley_compare_page_get_type ())
G_DECLARE_FINAL_TYPE (ParleyComparePage, parley_compare_page, PARLEY, COMPARE_PAGE, GtkBox)

GtkWidget *parley_compare_page_new (ParleyServices *services);
GtkWidget *parley_compare_page_get_header (ParleyComparePage *self);

/* One more model, as people write it: "org/name:Q4_K_M". */
void parley_compare_page_add (ParleyComparePage *self, const char *reference);

G_END_DECLS
