/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Work under way as rows: what it is, how far it is, and a button that cancels it.
 */
#pragma once

#include <gtk/gtk.h>

#include "app/parley-task.h"

G_BEGIN_DECLS

/* Those of `tasks` (of ParleyTask) that are shown there. A new reference. */
GListModel *parley_task_list_filter (GListStore *tasks, ParleyTaskPlace place);

/* A list of them. */
GtkWidget *parley_task_list_new (GListModel *tasks);
/* The same, to be seen only while there are any: and not before they have taken a moment. */
GtkWidget *parley_task_list_new_revealed (GListModel *tasks);

G_END_DECLS
