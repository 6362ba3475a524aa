/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The files of a repository: models by their quantisation, with what they would do on this
 * computer, one of them recommended; and below them what goes with them.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_REPO_FILES (parley_repo_files_get_type ())
G_DECLARE_FINAL_TYPE (ParleyRepoFiles, parley_repo_files, PARLEY, REPO_FILES, GtkBox)

GtkWidget *parley_repo_files_new (ParleyServices *services);
/* `wanted`: a quantisation or file name that was asked for, or NULL; it is marked. */
void parley_repo_files_show (ParleyRepoFiles *self, ParleyHubModel *model, const char *wanted,
                             GCancellable *cancellable);

G_END_DECLS
