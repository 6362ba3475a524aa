/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A repository in a list: what a search found, or a suggestion.
 */
#pragma once

#include "app/models/parley-suggestions.h"
#include "hub/parley-hub-model.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* `most`: parameters that this computer's memory holds; larger ones are marked. */
GtkWidget *parley_result_row_new (ParleyHubModel *model, guint64 most);
/* `known` NULL: the hub was not reached. */
GtkWidget *parley_result_row_new_suggestion (const ParleySuggestion *suggestion,
                                             ParleyHubModel *known, gboolean fits);

const char *parley_result_row_get_repo (GtkListBoxRow *row);
const char *parley_result_row_get_wanted (GtkListBoxRow *row); /* quantisation, or NULL */

G_END_DECLS
