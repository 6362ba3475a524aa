/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Well-known models, those that suit this computer first. The hub is asked about each once
 * somebody looks; what it does not know is not shown.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_SUGGESTION_LIST (parley_suggestion_list_get_type ())
G_DECLARE_FINAL_TYPE (ParleySuggestionList, parley_suggestion_list, PARLEY, SUGGESTION_LIST, GtkBox)

GtkWidget *parley_suggestion_list_new (ParleyServices *services);
/* Asks the hub, once. */
void parley_suggestion_list_look_up (ParleySuggestionList *self);

/* Signal "chosen" (GtkListBoxRow *): see parley-result-row.h. */

G_END_DECLS
