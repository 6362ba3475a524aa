/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the window does with everything a person wrote: a back-up of it, and its end; and where
 * models are kept.
 */
#include "app/compat.h"
#include "app/widgets/parley-dialog.h"
#include "app/parley-network.h"
#include "app/parley-preferences.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window-private.h"
#include "library/places.h"

#include <glib/gi18n.h>

/* ---- back-up ---- */

static void
back_up_in_thread (GTask *task, gpointer window, gpointer path, GCancellable *cancellable)
{
  GError *error = NULL;

  if (parley_store_back_up (PARLEY_WINDOW (window)->services->store, path, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
backed_up (GObject *window, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    parley_window_toast (PARLEY_WINDOW (window), _ ("The back-up is complete"));
  else
    parley_window_toast (PARLEY_WINDOW (window), error->message);
}

static void
back_up_to (GFile *file, gpointer window)
{
  g_autoptr (GTask) task = g_task_new (window, NULL, backed_up, NULL);
  char *path = g_file_get_path (file);

  if (path == NULL) {
    parley_window_toast (PARLEY_WINDOW (window), _ ("Choose a folder on this computer."));
    return;
  }
  g_task_set_task_data (task, path, g_free);
  g_task_run_in_thread (task, back_up_in_thread);
}

static void
back_up (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *name = g_date_time_format (now, "Parley %Y-%m-%d.db");

  parley_save_file (GTK_WINDOW (widget), _ ("Back Up"), name, back_up_to, g_object_ref (widget),
                    g_object_unref);
}

/* The same with a path, for scripts and tests. */
static void
back_up_file (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (g_variant_get_string (parameter, NULL));

  back_up_to (file, widget);
}

/* ---- the end of it ---- */

/* What it returns is what went wrong with the keyring, or "". */
static void
erase_in_thread (GTask *task, gpointer window, gpointer hubs, GCancellable *cancellable)
{
  ParleyServices *services = PARLEY_WINDOW (window)->services;
  g_autoptr (GError) problem = NULL;
  GError *error = NULL;

  parley_network_forget_tokens (services->hub, hubs, &problem);
  if (parley_store_erase (services->store, &error))
    g_task_return_pointer (task, g_strdup (problem != NULL ? problem->message : ""), g_free);
  else
    g_task_return_error (task, error);
}

static void
erased (GObject *window, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *problem = g_task_propagate_pointer (G_TASK (result), &error);
  g_autofree char *text = NULL;

  parley_services_apply (PARLEY_WINDOW (window)->services);
  parley_preferences_apply_colours (PARLEY_WINDOW (window)->services);
  if (problem == NULL)
    text = g_strdup (error->message);
  else if (*problem == '\0')
    text = g_strdup (_ ("All chats and settings were deleted"));
  else
    text = g_strdup_printf (
        _ ("All chats and settings were deleted, but a token may still be in your keyring: %s"),
        problem);
  parley_window_toast (PARLEY_WINDOW (window), text);
}

/* First nothing may hold a chat any more, or it would be written again. */
static void
erase_now (gpointer widget)
{
  ParleyWindow *self = widget;
  g_autoptr (ParleyChat) fresh = NULL;
  g_autoptr (GTask) task = g_task_new (self, NULL, erased, NULL);

  parley_chat_list_clear (self->services->chats);
  fresh = parley_chat_list_create (self->services->chats);
  parley_chat_page_set_chat (self->chat_page, fresh);
  parley_sidebar_select_chat (self->sidebar, NULL);
  g_task_set_task_data (task, parley_network_list_hubs (self->services),
                        (GDestroyNotify) g_strfreev);
  g_task_run_in_thread (task, erase_in_thread);
}

static void
delete_data (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_ask (GTK_WINDOW (widget), _ ("Delete Everything?"),
              _ ("All chats, attached files and settings are deleted for good. This cannot be "
                 "undone. Models stay."),
              NULL, _ ("Delete"), TRUE, erase_now, g_object_ref (widget), g_object_unref);
}

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

void
_parley_window_add_data_actions (ParleyWindow *self)
{
  static const GActionEntry actions[] = {
    { "back-up", back_up, NULL },
    { "back-up-file", back_up_file, "s" },
    { "delete-data", delete_data, NULL },
    { "models-folder", models_folder, NULL },
    { "models-folder-path", models_folder_path, "s" },
  };

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
