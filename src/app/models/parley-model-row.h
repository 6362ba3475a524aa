/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model of the library: name, facts, verdict, history; Chat, and a menu of what can be done with
 * it.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_MODEL_ROW (parley_model_row_get_type ())
G_DECLARE_FINAL_TYPE (ParleyModelRow, parley_model_row, PARLEY, MODEL_ROW, GtkListBoxRow)

GtkWidget *parley_model_row_new (ParleyServices *services, ParleyModel *model);

/* "1.7B · Q4_K_M · 1.3 GB". Free with g_free(). */
char *parley_model_describe (ParleyModel *model);

G_END_DECLS
