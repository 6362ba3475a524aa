/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything that is known of a model on disk, with the card that came with it.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

void parley_model_details_present (GtkWindow *parent, ParleyServices *services, ParleyModel *model);

/* Shows the file in the person's file manager. */
void parley_model_show_file (GtkWindow *parent, ParleyModel *model);

G_END_DECLS
