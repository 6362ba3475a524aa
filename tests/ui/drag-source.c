/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * drag-source [--text TEXT] [FILE…]: a window out of which files or a text can be dragged, as a
 * file manager or a browser offers them. Says "ready" when it is there, then of a drag "accepted"
 * or "refused" whenever what is below the pointer changes its mind, and "done" or "cancelled" at
 * the end.
 */
#include <gtk/gtk.h>

#include <stdio.h>

static void
say (const char *word)
{
  printf ("%s\n", word);
  fflush (stdout);
}

static void
action_changed (GdkDrag *drag)
{
  say (gdk_drag_get_selected_action (drag) != 0 ? "accepted" : "refused");
}

static void
begun (GtkDragSource *source, GdkDrag *drag)
{
  g_signal_connect (drag, "notify::selected-action", G_CALLBACK (action_changed), NULL);
  g_signal_connect_swapped (drag, "dnd-finished", G_CALLBACK (say), "done");
  g_signal_connect_swapped (drag, "cancel", G_CALLBACK (say), "cancelled");
}

static GdkContentProvider *
offered (int argc, char **argv)
{
  g_autoslist (GFile) files = NULL;

  if (argc == 3 && g_str_equal (argv[1], "--text"))
    return gdk_content_provider_new_typed (G_TYPE_STRING, argv[2]);
  for (int i = argc - 1; i > 0; i--)
    files = g_slist_prepend (files, g_file_new_for_path (argv[i]));
  GdkFileList *list = gdk_file_list_new_from_list (files);
  GdkContentProvider *content = gdk_content_provider_new_typed (GDK_TYPE_FILE_LIST, list);
  g_boxed_free (GDK_TYPE_FILE_LIST, list);
  return content;
}

int
main (int argc, char **argv)
{
  gtk_init ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GtkWidget *window = gtk_window_new (), *label = gtk_label_new ("Drag me");
  GtkDragSource *source = gtk_drag_source_new ();
  g_autoptr (GdkContentProvider) content = offered (argc, argv);

  gtk_drag_source_set_content (source, content);
  g_signal_connect (source, "drag-begin", G_CALLBACK (begun), NULL);
  gtk_widget_add_controller (label, GTK_EVENT_CONTROLLER (source));
  gtk_window_set_child (GTK_WINDOW (window), label);
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_default_size (GTK_WINDOW (window), 120, 120);
  g_signal_connect_swapped (window, "map", G_CALLBACK (say), "ready");
  gtk_window_present (GTK_WINDOW (window));
  g_main_loop_run (loop);
  return 0;
}
