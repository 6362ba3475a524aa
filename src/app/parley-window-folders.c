/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the window does about where things are kept: models and chats.
 */
#include "app/compat.h"
#include "app/parley-application.h"
#include "app/parley-window-private.h"
#include "app/widgets/parley-dialog.h"
#include "library/places.h"
#include "store/chats-folder.h"

#include <glib/gi18n.h>
#include <string.h>

/* ---- where models are ---- */

/* What is where models were until now stays there, and stays in the list. */
static void
keep_models_in (GFile *folder, gpointer widget)
{
  ParleyWindow *self = widget;
  ParleyStore *store = self->services->store;
  g_autofree char *path = g_file_get_path (folder);
  g_autoptr (GError) error = NULL;

  if (path == NULL) {
    parley_window_toast (self, _ ("Choose a folder on this computer."));
    return;
  }
  if (!parley_models_dir_choose (path, &error)) {
    parley_window_toast (self, error->message);
    return;
  }
  parley_places_remove (store, path);
  if (g_strcmp0 (path, parley_models_dir ()) != 0 &&
      !parley_places_add (store, PARLEY_SETTING_FOLDERS, parley_models_dir (), &error)) {
    g_autofree char *text = g_strdup_printf (
        _ ("From the next start on new models are kept there. The present folder cannot stay in "
           "the list: %s"),
        error->message);
    parley_window_toast (self, text);
    return;
  }
  parley_window_toast (self, _ ("From the next start on new models are kept there. Those of now "
                                "stay where they are, and in the list."));
}

static void
models_folder (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_open_folder (GTK_WINDOW (widget), _ ("Folder for Models"), keep_models_in,
                      g_object_ref (widget), g_object_unref);
}

/* The same with a path, for scripts and tests. */
static void
models_folder_path (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (GFile) folder =
      g_file_new_for_commandline_arg (g_variant_get_string (parameter, NULL));

  keep_models_in (folder, widget);
}

/* ---- where chats are ---- */

/* What a new start would cut off, or lose. */
static gboolean
is_busy (ParleyWindow *self)
{
  GListModel *chats = G_LIST_MODEL (self->services->chats);
  ParleyChat *shown = parley_chat_page_get_chat (self->chat_page);

  if (g_list_model_get_n_items (G_LIST_MODEL (self->services->tasks)) > 0)
    return TRUE;
  if (shown != NULL && parley_chat_is_temporary (shown) &&
      g_list_model_get_n_items (G_LIST_MODEL (shown)) > 0)
    return TRUE;
  for (guint i = 0; i < g_list_model_get_n_items (chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (chats, i);
    if (parley_chat_get_state (chat) != PARLEY_CHAT_IDLE)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_inside (const char *path, const char *folder)
{
  gsize n = strlen (folder);

  return strncmp (path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* Why this folder is none, whatever is in it; NULL: nothing is against it. */
static char *
objection (ParleyWindow *self, const char *path)
{
  g_autofree char *chosen = parley_models_dir_dup_chosen ();

  if (path == NULL)
    return g_strdup (_ ("Choose a folder on this computer."));
  if (parley_chats_folder_is_given ())
    return g_strdup (_ ("The variable PARLEY_DATA_DIR says where chats are kept."));
  if (strcmp (path, parley_store_get_folder (self->services->store)) == 0)
    return g_strdup (_ ("Your chats are kept there already."));
  if (is_inside (path, parley_models_dir ()) || is_inside (path, chosen))
    return g_strdup (_ ("That is the folder for models. Choose another one for chats."));
  if (is_busy (self))
    return g_strdup (_ ("Not while a reply is written, files are worked on, or a temporary chat "
                        "is shown."));
  return NULL;
}

typedef struct {
  ParleyWindow *window;
  char *folder;
  ParleyChatsFolderLook look;
} Destination;

static void
destination_free (gpointer data)
{
  Destination *destination = data;

  g_object_unref (destination->window);
  g_free (destination->folder);
  g_free (destination);
}

static void
go_there (gpointer data)
{
  Destination *destination = data;
  ParleyWindow *self = destination->window;
  g_autofree char *against = objection (self, destination->folder);

  if (against != NULL)
    parley_window_toast (self, against);
  else
    parley_application_begin_in (PARLEY_APPLICATION (g_application_get_default ()),
                                 destination->folder, !destination->look.has_chats);
}

/* Takes `destination`. */
static void
ask_to_move (ParleyWindow *self, Destination *destination)
{
  g_autofree char *shown = g_filename_display_name (destination->folder);
  g_autofree char *text = g_strdup_printf (
      _ ("All chats, attached files and settings go to “%s”. Parley closes for it and comes back "
         "by itself. Models stay where they are."),
      shown);

  parley_ask (GTK_WINDOW (self), _ ("Move Your Chats?"), text, NULL, _ ("Move"), FALSE, go_there,
              destination, destination_free);
}

/* Takes `destination`. */
static void
ask_to_use (ParleyWindow *self, Destination *destination)
{
  const ParleyChatsFolderLook *look = &destination->look;
  g_autofree char *now = g_filename_display_name (parley_store_get_folder (self->services->store));
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_local (look->changed_at / G_TIME_SPAN_SECOND);
  g_autofree char *date = g_date_time_format (time, "%x");
  g_autofree char *what =
      look->n_chats == 0
          ? g_strdup (_ ("Parley has been used with this folder, and there is no chat in it."))
          /* Translators: a number of chats, a date. */
          : g_strdup_printf (ngettext ("There is %u chat in this folder, of %s.",
                                       "There are %u chats in this folder, the latest of %s.",
                                       look->n_chats),
                             look->n_chats, date);
  /* Translators: what is in the folder (a sentence); the folder of now. */
  g_autofree char *text = g_strdup_printf (
      _ ("%s Parley closes and comes back with that. Your chats of now stay in “%s”."), what, now);

  parley_ask (GTK_WINDOW (self), _ ("Use This Folder?"), text, NULL, _ ("Use"), FALSE, go_there,
              destination, destination_free);
}

static void
look_in_thread (GTask *task, gpointer window, gpointer data, GCancellable *cancellable)
{
  Destination *destination = data;
  GError *error = NULL;

  if (parley_chats_folder_look (destination->folder, &destination->look, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
looked (GObject *window, GAsyncResult *result, gpointer data)
{
  ParleyWindow *self = PARLEY_WINDOW (window);
  const Destination *found = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    parley_window_toast (self, error->message);
    return;
  }
  Destination *destination = g_new (Destination, 1);
  *destination = (Destination){ g_object_ref (self), g_strdup (found->folder), found->look };
  if (found->look.has_chats)
    ask_to_use (self, destination);
  else
    ask_to_move (self, destination);
}

static void
keep_chats_in (GFile *folder, gpointer widget)
{
  ParleyWindow *self = widget;
  g_autofree char *path = g_file_get_path (folder), *against = objection (self, path);

  if (against != NULL) {
    parley_window_toast (self, against);
    return;
  }
  g_autoptr (GTask) task = g_task_new (self, NULL, looked, NULL);
  Destination *destination = g_new0 (Destination, 1);
  *destination = (Destination){ .window = g_object_ref (self), .folder = g_steal_pointer (&path) };
  g_task_set_task_data (task, destination, destination_free);
  g_task_run_in_thread (task, look_in_thread);
}

static void
chats_folder (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_open_folder (GTK_WINDOW (widget), _ ("Folder for Chats"), keep_chats_in,
                      g_object_ref (widget), g_object_unref);
}

/* The same with a path, for scripts and tests. */
static void
chats_folder_path (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (GFile) folder =
      g_file_new_for_commandline_arg (g_variant_get_string (parameter, NULL));

  keep_chats_in (folder, widget);
}

/* ---- what a move left behind ---- */

typedef struct {
  ParleyWindow *window;
  gboolean delete;
} Left;

static void
delete_left (gpointer data)
{
  ((Left *) data)->delete = TRUE;
}

static void
settle_left (gpointer data)
{
  Left *left = data;
  g_autoptr (GError) error = NULL;

  if (!parley_chats_folder_settle (left->delete, &error))
    parley_window_toast (left->window, error->message);
  else if (left->delete)
    parley_window_toast (left->window, _ ("The old copy was deleted"));
  g_object_unref (left->window);
  g_free (left);
}

void
parley_window_ask_about_left (ParleyWindow *self)
{
  g_autofree char *folder = parley_chats_folder_dup_left ();

  if (folder == NULL)
    return;
  g_autofree char *old = g_filename_display_name (folder);
  g_autofree char *now = g_filename_display_name (parley_store_get_folder (self->services->store));
  g_autofree char *text = g_strdup_printf (
      _ ("Your chats are in “%s” now. A copy is left in “%s”. If you cancel, it stays there under "
         "another name."),
      now, old);
  Left *left = g_new0 (Left, 1);
  left->window = g_object_ref (self);
  parley_ask (GTK_WINDOW (self), _ ("Delete the Old Copy?"), text, NULL, _ ("Delete"), TRUE,
              delete_left, left, settle_left);
}

void
_parley_window_add_folder_actions (ParleyWindow *self)
{
  static const GActionEntry actions[] = {
    { "models-folder", models_folder, NULL },
    { "models-folder-path", models_folder_path, "s" },
    { "chats-folder", chats_folder, NULL },
    { "chats-folder-path", chats_folder_path, "s" },
  };

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
