/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-importer.h"

#include "app/compat.h"
#include "app/chats/parley-folder-list.h"
#include "app/models/parley-paste.h"
#include "app/parley-task.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "library/import.h"

#include <glib/gi18n.h>
#include <string.h>

typedef struct {
  ParleyStore *store;
  ParleyChatList *chats;
  char *path, *models_dir;
  GtkWidget *widget;
  GPtrArray *taken; /* of ParleyChat: those that came along */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->store);
  g_object_unref (job->chats);
  g_object_unref (job->widget);
  g_ptr_array_unref (job->taken);
  g_free (job->path);
  g_free (job->models_dir);
  g_free (job);
}

/* They enter the store here; one that is no chat is left out. */
static void
take_chats (Job *job, GPtrArray *chats, GCancellable *cancellable)
{
  for (guint i = 0; i < chats->len && !g_cancellable_is_cancelled (cancellable); i++) {
    const char *json = g_ptr_array_index (chats, i);
    g_autoptr (GError) error = NULL;
    ParleyChat *chat =
        parley_chat_import_json (job->store, json, strlen (json), cancellable, &error);
    if (chat != NULL)
      g_ptr_array_add (job->taken, chat);
    else
      g_message ("a chat was left out: %s", error->message);
  }
}

static gpointer
import (ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  Job *job = data;
  ParleyImport *import = parley_import (job->path, job->models_dir, job->store, FALSE,
                                        parley_task_report, task, cancellable, error);

  if (import != NULL)
    take_chats (job, import->chats, cancellable);
  return import;
}

static void
imported (gpointer result, const GError *error, gpointer data)
{
  Job *job = data;
  g_autoptr (ParleyImport) import = result;

  if (import == NULL) {
    parley_window_tell (job->widget, error->message);
    return;
  }
  guint n_chats = job->taken->len;
  parley_chat_list_adopt_all (job->chats, job->taken);
  g_autofree char *text =
      import->paths->len == 0
          ? g_strdup (_ ("This model is in the library already."))
          : g_strdup_printf (
                ngettext ("%u model was imported.", "%u models were imported.", import->paths->len),
                import->paths->len);
  g_autofree char *with = n_chats > 0
                              ? g_strdup_printf (ngettext ("%s %u chat came with it.",
                                                           "%s %u chats came with it.", n_chats),
                                                 text, n_chats)
                              : g_strdup (text);
  g_autofree char *left_out =
      import->left->len > 0
          ? g_strdup_printf (ngettext ("%s %u file was left out: %s",
                                       "%s %u files were left out: %s", import->left->len),
                             with, import->left->len, (char *) import->left->pdata[0])
          : g_strdup (with);
  parley_window_tell (job->widget, left_out);
}

void
parley_importer_run (ParleyServices *services, GtkWidget *widget, GFile *file)
{
  g_autofree char *path = g_file_get_path (file);
  g_autofree char *name = path != NULL ? g_path_get_basename (path) : NULL;

  if (path == NULL) {
    parley_window_tell (
        widget, _ ("Only files on this computer can be imported. Copy the file here first."));
    return;
  }
  Job *job = g_new0 (Job, 1);
  job->store = g_object_ref (services->store);
  job->chats = g_object_ref (services->chats);
  job->models_dir = g_strdup (parley_library_get_models_dir (services->library));
  job->widget = g_object_ref (widget);
  job->path = g_steal_pointer (&path);
  job->taken = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *shown = g_filename_display_name (name);
  /* Translators: the name of a file. */
  g_autofree char *title = g_strdup_printf (_ ("Importing %s"), shown);
  parley_task_run (services->tasks, PARLEY_TASK_WITH_MODELS, title, import, imported, job,
                   job_free);
}

/* ---- ways in ---- */

typedef struct {
  ParleyServices *services;
  GtkWidget *widget;
} Chooser;

static Chooser *
chooser_new (ParleyServices *services, GtkWidget *widget)
{
  Chooser *chooser = g_new0 (Chooser, 1);

  chooser->services = services;
  chooser->widget = g_object_ref (widget);
  return chooser;
}

static void
chooser_free (gpointer data)
{
  g_object_unref (((Chooser *) data)->widget);
  g_free (data);
}

static void
chosen (GFile *file, gpointer data)
{
  Chooser *chooser = data;

  parley_importer_run (chooser->services, chooser->widget, file);
}

static void
choose_files (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  Chooser *chooser = data;
  GtkWindow *window = GTK_WINDOW (gtk_widget_get_root (chooser->widget));

  parley_open_files (window, _ ("Import Models"), NULL, TRUE, chosen,
                     chooser_new (chooser->services, chooser->widget), chooser_free);
}

static void
choose_folder (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  Chooser *chooser = data;
  GtkWindow *window = GTK_WINDOW (gtk_widget_get_root (chooser->widget));

  parley_open_folder (window, _ ("Import the Models of a Folder"), chosen,
                      chooser_new (chooser->services, chooser->widget), chooser_free);
}

static void
folder_added (GFile *folder, gpointer data)
{
  Chooser *chooser = data;

  parley_folder_list_add (chooser->services, chooser->widget, folder, TRUE);
}

static void
place_added (GFile *folder, gpointer data)
{
  Chooser *chooser = data;

  parley_folder_list_add (chooser->services, chooser->widget, folder, FALSE);
}

static void
add_folder (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  Chooser *chooser = data;

  parley_open_folder (GTK_WINDOW (gtk_widget_get_root (chooser->widget)),
                      _ ("A Further Folder for Models"), folder_added,
                      chooser_new (chooser->services, chooser->widget), chooser_free);
}

static void
add_place (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  Chooser *chooser = data;

  parley_open_folder (GTK_WINDOW (gtk_widget_get_root (chooser->widget)),
                      _ ("A Folder Whose Models Are Used in Place"), place_added,
                      chooser_new (chooser->services, chooser->widget), chooser_free);
}

GtkWidget *
parley_importer_menu_new (ParleyServices *services)
{
  static const GActionEntry entries[] = { { .name = "files", .activate = choose_files },
                                          { .name = "folder", .activate = choose_folder },
                                          { .name = "add-folder", .activate = add_folder },
                                          { .name = "add-place", .activate = add_place } };
  g_autoptr (GMenu) folders = g_menu_new ();
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();

  g_menu_append (menu, _ ("Import _Files or Archives…"), "import.files");
  g_menu_append (menu, _ ("Import a _Folder…"), "import.folder");
  g_menu_append (folders, _ ("Use a Folder in _Place…"), "import.add-place");
  g_menu_append (folders, _ ("_Add a Folder for Models…"), "import.add-folder");
  g_menu_append_section (menu, NULL, G_MENU_MODEL (folders));
  GtkWidget *button =
      parley_menu_button ("document-open-symbolic", _ ("Import Models"), G_MENU_MODEL (menu));
  Chooser *chooser = g_new0 (Chooser, 1);
  *chooser = (Chooser){ services, button };
  g_object_set_data_full (G_OBJECT (button), "parley-chooser", chooser, g_free);
  g_action_map_add_action_entries (G_ACTION_MAP (group), entries, G_N_ELEMENTS (entries), chooser);
  gtk_widget_insert_action_group (button, "import", G_ACTION_GROUP (group));
  return button;
}

static gboolean
dropped (GtkDropTarget *target, const GValue *value, double x, double y, ParleyServices *services)
{
  GtkWidget *widget = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (target));
  if (G_VALUE_HOLDS_STRING (value)) { /* an address out of a browser */
    gboolean known = parley_paste_text (widget, services, g_value_get_string (value));
    if (!known)
      parley_window_tell (widget, _ ("What you dropped names no model on the hub."));
    return known;
  }
  const GSList *files = g_value_get_boxed (value);
  for (; files != NULL; files = files->next)
    parley_importer_run (services, widget, files->data);
  return TRUE;
}

void
parley_importer_accept_drops (ParleyServices *services, GtkWidget *widget)
{
  GType types[] = { GDK_TYPE_FILE_LIST, G_TYPE_STRING };
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY);

  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  g_signal_connect (target, "drop", G_CALLBACK (dropped), services);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (target));
}
