/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A downloadable file of a repository: quantisation, size, bits for a weight, verdict, speed, and
 * one button that is Download, then the download's progress, then Chat.
 */
#pragma once

#include "app/models/parley-forecast.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_FILE_ROW (parley_file_row_get_type ())
G_DECLARE_FINAL_TYPE (ParleyFileRow, parley_file_row, PARLEY, FILE_ROW, GtkListBoxRow)

/* `parameters` of its model; 0: not known. */
GtkWidget *parley_file_row_new (ParleyServices *services, ParleyHubFile *file, guint64 parameters);
ParleyHubFile *parley_file_row_get_file (ParleyFileRow *self);
void parley_file_row_set_recommended (ParleyFileRow *self, gboolean recommended, const char *why);
void parley_file_row_set_wanted (ParleyFileRow *self, gboolean wanted); /* it was asked for */
void parley_file_row_set_busy (ParleyFileRow *self);                    /* until the forecast */
void parley_file_row_set_forecast (ParleyFileRow *self, const ParleyForecast *forecast);

G_END_DECLS
