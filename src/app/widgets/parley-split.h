/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sidebar beside its content. When the width no longer carries both, it folds: one of them fills
 * the widget and the other slides in. In either state "show-sidebar" says whether the sidebar is
 * to be seen; folding keeps a value of its own for it.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_SPLIT (parley_split_get_type ())
G_DECLARE_FINAL_TYPE (ParleySplit, parley_split, PARLEY, SPLIT, GtkWidget)

GtkWidget *parley_split_new (GtkWidget *sidebar, GtkWidget *content);

gboolean parley_split_get_folded (ParleySplit *self);       /* property "folded", notifies */
gboolean parley_split_get_show_sidebar (ParleySplit *self); /* "show-sidebar", notifies */
void parley_split_set_show_sidebar (ParleySplit *self, gboolean show);
/* What a person chose while there is room for both. */
gboolean parley_split_get_show_beside (ParleySplit *self);
/* Before it is seen: whether to show the sidebar beside the content, and when folded. */
void parley_split_restore (ParleySplit *self, gboolean beside, gboolean folded);

G_END_DECLS
