/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the window does with everything a person wrote: a back-up of it, and its end.
 */
#include "app/compat.h"
#include "app/widgets/parley-dialog.h"
#include "app/parley-network.h"
#include "app/parley-preferences.h"
#include "app/parley-task.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window-private.h"

#include <glib/gi18n.h>

/* ---- back-up ---- */

typedef struct {
  ParleyWindow *window;
  char *path;
} BackUp;

static void
back_up_free (gpointer data)
{
  BackUp *self = data;

  g_object_unref (self->window);
  g_free (self->path);
  g_free (self);
}

static gpointer
copy_store (ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  BackUp *self = data;

  return parley_store_back_up (self->window->services->store, self->path, parley_task_report, task,
                               cancellable, error)
             ? self
             : NULL;
}

static void
backed_up (gpointer result, const GError *error, gpointer data)
{
  parley_window_tell (GTK_WIDGET (((BackUp *) data)->window),
                      result != NULL ? _ ("The back-up is complete") : error->message);
}

static void
back_up_to (GFile *file, gpointer window)
{
  char *path = g_file_get_path (file);

  if (path == NULL) {
    parley_window_toast (PARLEY_WINDOW (window), _ ("Choose a folder on this computer."));
    return;
  }
  BackUp *self = g_new (BackUp, 1);
  *self = (BackUp){ g_object_ref (window), path };
  parley_task_run (self->window->services->tasks, PARLEY_TASK_WITH_CHATS,
                   _ ("Backing up chats and settings"), copy_store, backed_up, self, back_up_free);
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

typedef struct {
  ParleyWindow *window;
  char **hubs;   /* whose tokens go, too */
  char *problem; /* what went wrong with the keyring; NULL: nothing */
} Erasing;

static void
erasing_free (gpointer data)
{
  Erasing *self = data;

  g_object_unref (self->window);
  g_strfreev (self->hubs);
  g_free (self->problem);
  g_free (self);
}

static gpointer
erase (ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  Erasing *self = data;
  ParleyServices *services = self->window->services;
  g_autoptr (GError) problem = NULL;

  parley_network_forget_tokens (services->hub, (const char *const *) self->hubs, &problem);
  self->problem = problem != NULL ? g_strdup (problem->message) : NULL;
  return parley_store_erase (services->store, error) ? self : NULL;
}

static void
erased (gpointer result, const GError *error, gpointer data)
{
  Erasing *self = data;
  ParleyServices *services = self->window->services;
  g_autofree char *text = NULL;

  parley_services_apply (services);
  parley_preferences_apply_colours (services);
  /* What could not be deleted is there still. */
  parley_chat_list_reload (services->chats);
  if (result == NULL)
    text = g_strdup (error->message);
  else if (self->problem == NULL)
    text = g_strdup (_ ("All chats and settings were deleted"));
  else
    text = g_strdup_printf (
        _ ("All chats and settings were deleted, but a token may still be in your keyring: %s"),
        self->problem);
  parley_window_toast (self->window, text);
}

/* First nothing may hold a chat any more, or it would be written again. */
static gboolean
erase_now (gpointer widget)
{
  ParleyWindow *self = widget;
  ParleyServices *services = self->services;
  g_autoptr (ParleyChat) fresh = NULL;
  Erasing *erasing = g_new0 (Erasing, 1);

  parley_chat_page_forget_new_draft (self->chat_page);
  parley_chat_list_clear (services->chats);
  fresh = parley_chat_list_create (services->chats);
  parley_chat_page_set_chat (self->chat_page, fresh);
  parley_sidebar_select_chat (self->sidebar, NULL);
  erasing->window = g_object_ref (self);
  erasing->hubs = parley_network_list_hubs (services);
  parley_task_run_whole (services->tasks, PARLEY_TASK_WITH_CHATS, _ ("Deleting chats and settings"),
                         erase, erased, erasing, erasing_free);
  return G_SOURCE_REMOVE;
}

/* When the question is gone: to take it away, all rows and a long chat is much for one frame. */
static void
erase_soon (gpointer widget)
{
  g_idle_add_full (GDK_PRIORITY_REDRAW + 10, erase_now, g_object_ref (widget), g_object_unref);
}

static void
delete_data (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_ask (GTK_WINDOW (widget), _ ("Delete Everything?"),
              _ ("All chats, attached files and settings are deleted for good. This cannot be "
                 "undone. Models stay."),
              NULL, _ ("Delete"), TRUE, erase_soon, g_object_ref (widget), g_object_unref);
}

void
_parley_window_add_data_actions (ParleyWindow *self)
{
  static const GActionEntry actions[] = {
    { "back-up", back_up, NULL },
    { "back-up-file", back_up_file, "s" },
    { "delete-data", delete_data, NULL },
  };

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
