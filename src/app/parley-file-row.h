/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A downloadable file of a repository: quantisation, size, verdict, speed, and one button that is
 * Download, then the download's progress, then Chat.
 */
#pragma once

#include "app/parley-services.h"
#include "app/parley-verdict.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_FILE_ROW (parley_file_row_get_type ())
G_DECLARE_FINAL_TYPE (ParleyFileRow, parley_file_row, PARLEY, FILE_ROW, GtkListBoxRow)

GtkWidget *parley_file_row_new (ParleyServices *services, ParleyHubFile *file);
ParleyHubFile *parley_file_row_get_file (ParleyFileRow *self);
void parley_file_row_set_recommended (ParleyFileRow *self, gboolean recommended);
/* `words` NULL: the usual ones. `speed` "": none. `why`: the breakdown, for a tooltip; or NULL. */
void parley_file_row_set_verdict (ParleyFileRow *self, ParleyShownVerdict verdict,
                                  const char *words, const char *speed, const char *why);

G_END_DECLS
