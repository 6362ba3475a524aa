/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-task-list.h"

#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define MOMENT_MS 400 /* what is over by then needs no row */
#define TIMER_KEY "parley-timer"

/* ---- which ---- */

static gboolean
is_shown_there (gpointer item, gpointer place)
{
  return parley_task_get_place (item) == (ParleyTaskPlace) GPOINTER_TO_INT (place);
}

GListModel *
parley_task_list_filter (GListStore *tasks, ParleyTaskPlace place)
{
  GtkCustomFilter *filter =
      gtk_custom_filter_new (is_shown_there, GINT_TO_POINTER ((int) place), NULL);

  return G_LIST_MODEL (
      gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (tasks)), GTK_FILTER (filter)));
}

/* ---- rows ---- */

static void
show_fraction (ParleyTask *task, GParamSpec *pspec, GtkProgressBar *bar)
{
  gtk_progress_bar_set_fraction (bar, parley_task_get_fraction (task));
}

static GtkWidget *
cancel_button (ParleyTask *task)
{
  g_autofree char *name = g_strdup_printf (_ ("Cancel: %s"), parley_task_get_title (task));
  GtkWidget *cancel = parley_icon_button ("window-close-symbolic", name, NULL);

  parley_add_classes (cancel, "flat circular");
  g_signal_connect_object (cancel, "clicked", G_CALLBACK (parley_task_cancel), task,
                           G_CONNECT_SWAPPED);
  return cancel;
}

static GtkWidget *
task_row (gpointer item, gpointer data)
{
  ParleyTask *task = item;
  GtkWidget *row = gtk_list_box_row_new (), *bar = gtk_progress_bar_new ();
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 6, "file-row");
  GtkWidget *column = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);
  const char *title = parley_task_get_title (task);

  gtk_widget_add_css_class (bar, "slim");
  parley_set_accessible_name (bar, title);
  g_signal_connect_object (task, "notify::fraction", G_CALLBACK (show_fraction), bar, 0);
  gtk_box_append (GTK_BOX (column), parley_line (title, NULL));
  gtk_box_append (GTK_BOX (column), bar);
  gtk_widget_set_hexpand (column, TRUE);
  gtk_box_append (GTK_BOX (line), column);
  if (parley_task_can_cancel (task))
    gtk_box_append (GTK_BOX (line), cancel_button (task));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), line);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  return row;
}

GtkWidget *
parley_task_list_new (GListModel *tasks)
{
  GtkWidget *list = parley_boxed_list ();

  parley_set_accessible_name (list, _ ("Under Way"));
  gtk_list_box_bind_model (GTK_LIST_BOX (list), tasks, task_row, NULL, NULL);
  return list;
}

/* ---- for a moment only ---- */

static void
remove_timer (gpointer id)
{
  g_source_remove (GPOINTER_TO_UINT (id));
}

static gboolean
reveal (gpointer list)
{
  g_object_steal_data (G_OBJECT (list), TIMER_KEY);
  gtk_widget_set_visible (list, TRUE);
  return G_SOURCE_REMOVE;
}

static void
tasks_changed (GListModel *tasks, guint position, guint removed, guint added, GtkWidget *list)
{
  if (g_list_model_get_n_items (tasks) == 0) {
    g_object_set_data (G_OBJECT (list), TIMER_KEY, NULL);
    gtk_widget_set_visible (list, FALSE);
  } else if (!gtk_widget_get_visible (list) &&
             g_object_get_data (G_OBJECT (list), TIMER_KEY) == NULL)
    g_object_set_data_full (G_OBJECT (list), TIMER_KEY,
                            GUINT_TO_POINTER (g_timeout_add (MOMENT_MS, reveal, list)),
                            remove_timer);
}

GtkWidget *
parley_task_list_new_revealed (GListModel *tasks)
{
  GtkWidget *list = parley_task_list_new (tasks);

  gtk_widget_set_visible (list, FALSE);
  g_signal_connect_object (tasks, "items-changed", G_CALLBACK (tasks_changed), list, 0);
  tasks_changed (tasks, 0, 0, 0, list);
  return list;
}
