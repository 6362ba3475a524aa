/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-chats-move.h"

#include "app/widgets/parley-widgets.h"
#include "store/chats-folder.h"

#include <glib/gi18n.h>

#define LOOK_MS 100

typedef struct {
  GtkWindow *window;
  GtkWidget *bar;
  GCancellable *cancellable;
  char *folder;
  guint look_id;
  int stage, per_cent; /* atomic */
  ParleyChatsArrived arrived;
  gpointer data;
} Move;

static void
move_free (gpointer data)
{
  Move *move = data;

  g_clear_handle_id (&move->look_id, g_source_remove);
  g_object_unref (move->cancellable);
  g_free (move->folder);
  g_free (move);
}

static void
moved (ParleyChatsMoveStage stage, double share, gpointer data)
{
  Move *move = data;

  g_atomic_int_set (&move->stage, (int) stage);
  g_atomic_int_set (&move->per_cent, (int) (share * 100));
}

static void
move_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Move *move = data;
  GError *error = NULL;

  if (parley_chats_folder_move (move->folder, moved, move, move->cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
look (gpointer data)
{
  Move *move = data;
  gboolean copying = g_atomic_int_get (&move->stage) == PARLEY_CHATS_MOVE_COPYING;

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (move->bar),
                                 g_atomic_int_get (&move->per_cent) / 100.0);
  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (move->bar),
                             copying ? _ ("Copying") : _ ("Comparing the copy"));
  return G_SOURCE_CONTINUE;
}

static void
ended (GObject *source, GAsyncResult *result, gpointer data)
{
  Move *move = data;
  g_autoptr (GError) error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  g_clear_handle_id (&move->look_id, g_source_remove);
  gtk_window_destroy (move->window);
  move->arrived (error, move->data);
}

static GtkWindow *
window_new (GtkApplication *application, GtkWidget *page)
{
  GtkWidget *window = adw_application_window_new (application);
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  gtk_box_append (GTK_BOX (box), parley_header_bar (_ ("Parley")));
  gtk_box_append (GTK_BOX (box), page);
  adw_application_window_set_content (ADW_APPLICATION_WINDOW (window), box);
  gtk_window_set_title (GTK_WINDOW (window), _ ("Parley"));
  gtk_window_set_default_size (GTK_WINDOW (window), 560, 660);
  return GTK_WINDOW (window);
}

GtkWindow *
parley_chats_move_present (GtkApplication *application, const char *folder,
                           ParleyChatsArrived arrived, gpointer data)
{
  Move *move = g_new0 (Move, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, ended, move);
  g_autofree char *shown = g_filename_display_name (folder);
  g_autofree char *text =
      g_strdup_printf (_ ("They go to “%s”. Until all of them are there, nothing changes."), shown);
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 18, NULL);
  GtkWidget *stop = parley_pill_button (_ ("Stop"), NULL, FALSE);

  move->folder = g_strdup (folder);
  move->cancellable = g_cancellable_new ();
  move->arrived = arrived;
  move->data = data;
  move->bar = gtk_progress_bar_new ();
  gtk_progress_bar_set_show_text (GTK_PROGRESS_BAR (move->bar), TRUE);
  parley_set_accessible_name (move->bar, _ ("Progress"));
  g_signal_connect_object (stop, "clicked", G_CALLBACK (g_cancellable_cancel), move->cancellable,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), move->bar);
  gtk_box_append (GTK_BOX (box), stop);
  move->window = window_new (
      application, parley_status_page ("folder-symbolic", _ ("Your Chats Are Moving"), text, box));
  gtk_window_set_deletable (move->window, FALSE);
  gtk_window_present (move->window);
  move->look_id = g_timeout_add (LOOK_MS, look, move);
  look (move);
  g_task_set_task_data (task, move, move_free);
  g_task_run_in_thread (task, move_in_thread);
  return move->window;
}

GtkWindow *
parley_chats_failure_present (GtkApplication *application, const GError *error)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 12, NULL);
  g_autofree char *text = g_strdup (error->message);

  gtk_box_append (GTK_BOX (box), parley_pill_button (_ ("Try Again"), "app.try-again", TRUE));
  if (parley_chats_folder_is_chosen ()) {
    g_autofree char *usual = parley_chats_folder_dup_usual ();
    g_autofree char *shown = g_filename_display_name (usual);
    g_free (text);
    text = g_strdup_printf (
        _ ("%s\n\nOr go on in the usual folder, “%s”, from now on: with the chats that are there, "
           "if any. Those of the other folder stay in it, and Preferences lead back to them."),
        error->message, shown);
    gtk_box_append (GTK_BOX (box),
                    parley_pill_button (_ ("Use the Usual Folder"), "app.use-usual-folder", FALSE));
  }
  gtk_box_append (GTK_BOX (box), parley_pill_button (_ ("Quit"), "app.quit", FALSE));
  GtkWindow *window =
      window_new (application, parley_status_page ("dialog-warning-symbolic",
                                                   _ ("Your Chats Cannot Be Opened"), text, box));
  gtk_window_present (window);
  return window;
}
