/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model of the hub: facts, its files with what they would do on this computer, its card.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_REPO_VIEW (parley_repo_view_get_type ())
G_DECLARE_FINAL_TYPE (ParleyRepoView, parley_repo_view, PARLEY, REPO_VIEW, GtkBox)

GtkWidget *parley_repo_view_new (ParleyServices *services);
/* `revision` NULL: the main one. `wanted`: a quantisation or file to be marked, or NULL. */
void parley_repo_view_show (ParleyRepoView *self, const char *repo, const char *revision,
                            const char *wanted);

/* Signal "titled" (const char *title): the name is known. */

G_END_DECLS
