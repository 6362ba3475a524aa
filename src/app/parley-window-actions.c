/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/compat.h"
#include "app/parley-chat-settings.h"
#include "app/parley-dialog.h"
#include "app/parley-markdown.h"
#include "app/parley-picture.h"
#include "app/parley-preferences.h"
#include "app/parley-shortcuts.h"
#include "app/parley-widgets.h"
#include "app/parley-window-private.h"
#include "parley-config.h"

#include <glib/gi18n.h>

static void
new_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_window_new_chat (PARLEY_WINDOW (widget), NULL);
}

static void
show_place (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_window_show_place (PARLEY_WINDOW (widget),
                            g_action_get_name (G_ACTION (action)) + strlen ("show-"));
}

static void
find (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  const char *place = adw_view_stack_get_visible_child_name (self->places);

  if (g_strcmp0 (place, "discover") == 0) {
    parley_discover_page_start_search (self->discover_page);
    return;
  }
  if (parley_split_get_folded (self->split))
    parley_window_show_place (self, "chats");
  parley_split_set_show_sidebar (self->split, TRUE);
  parley_sidebar_start_search (self->sidebar);
}

static void
toggle_sidebar (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleySplit *split = PARLEY_WINDOW (widget)->split;

  parley_split_set_show_sidebar (split, !parley_split_get_show_sidebar (split));
}

static void
pick_model (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);

  parley_window_show_place (self, "chats");
  if (parley_split_get_folded (self->split))
    parley_split_set_show_sidebar (self->split, FALSE);
  parley_chat_page_pick_model (self->chat_page);
}

static void
show_load_panel (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_chat_page_show_load_panel (PARLEY_WINDOW (widget)->chat_page);
}

static void
chat_settings (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = parley_chat_page_get_chat (self->chat_page);

  if (chat != NULL)
    parley_chat_settings_present (GTK_WINDOW (self), chat);
}

static void
stop (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = parley_chat_page_get_chat (self->chat_page);

  if (chat != NULL && parley_chat_get_state (chat) != PARLEY_CHAT_IDLE)
    parley_chat_stop (chat);
}

static void
regenerate (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_chat_page_regenerate (PARLEY_WINDOW (widget)->chat_page);
}

static void
version (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_chat_page_step_version (
      PARLEY_WINDOW (widget)->chat_page,
      g_str_equal (g_action_get_name (G_ACTION (action)), "next-version") ? 1 : -1);
}

/* ---- chats by number ---- */

static ParleyChat *
chat_of (ParleyWindow *self, GVariant *parameter)
{
  return parley_chat_list_find (self->services->chats, g_variant_get_int64 (parameter));
}

static void
undo_delete (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);

  if (self->deleted == NULL)
    return;
  parley_chat_list_restore (self->services->chats, self->deleted);
  parley_window_show_chat (self, self->deleted, 0);
  g_clear_object (&self->deleted);
}

static void
delete_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat == NULL)
    return;
  const char *title = parley_chat_get_title (chat);
  g_autofree char *text =
      g_strdup_printf (_ ("“%s” deleted"), *title != '\0' ? title : _ ("New Chat"));
  AdwToast *toast = parley_toast_new (text);

  g_set_object (&self->deleted, chat);
  parley_chat_list_delete (self->services->chats, chat);
  if (parley_chat_page_get_chat (self->chat_page) == self->deleted) {
    g_autoptr (ParleyChat) fresh = parley_chat_list_create (self->services->chats);
    parley_chat_page_set_chat (self->chat_page, fresh);
    parley_sidebar_select_chat (self->sidebar, NULL);
  }
  adw_toast_set_button_label (toast, _ ("Undo"));
  adw_toast_set_action_name (toast, "win.undo-delete");
  adw_toast_overlay_add_toast (self->toasts, toast);
}

static void
duplicate_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat == NULL)
    return;
  g_autoptr (ParleyChat) copy = parley_chat_list_duplicate (self->services->chats, chat);
  if (copy != NULL)
    parley_window_show_chat (self, copy, 0);
}

static void
pin_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyChat *chat = chat_of (PARLEY_WINDOW (widget), parameter);

  if (chat != NULL)
    parley_chat_set_pinned (chat, !parley_chat_get_pinned (chat));
}

typedef struct {
  ParleyChat *chat;
  GtkEditable *entry;
} Rename;

static void
rename_free (gpointer data)
{
  Rename *rename = data;

  g_object_unref (rename->chat);
  g_object_unref (rename->entry);
  g_free (rename);
}

static void
rename_now (gpointer data)
{
  Rename *rename = data;

  parley_chat_set_title (rename->chat, gtk_editable_get_text (rename->entry));
}

static void
rename_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat == NULL)
    return;
  GtkWidget *entry = gtk_entry_new ();
  Rename *rename = g_new0 (Rename, 1);
  gtk_editable_set_text (GTK_EDITABLE (entry), parley_chat_get_title (chat));
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Name of the chat"), -1);
  rename->chat = g_object_ref (chat);
  rename->entry = GTK_EDITABLE (g_object_ref (entry));
  parley_ask (GTK_WINDOW (self), _ ("Rename Chat"), NULL, entry, _ ("Rename"), FALSE, rename_now,
              rename, rename_free);
  gtk_widget_grab_focus (entry);
}

/* ---- links, toasts, pictures ---- */

typedef struct {
  GtkWindow *window;
  char *address;
} Link;

static void
link_free (gpointer data)
{
  Link *link = data;

  g_free (link->address);
  g_free (link);
}

static void
open_now (gpointer data)
{
  Link *link = data;

  parley_open_address (link->window, link->address);
}

static void
copy_now (gpointer data)
{
  Link *link = data;

  parley_copy (GTK_WIDGET (link->window), link->address);
}

/* Nothing is opened before a person has seen where it leads. */
static void
open_link (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  const char *address = g_variant_get_string (parameter, NULL);
  gboolean safe = parley_markdown_link_is_safe (address);
  Link *link = g_new0 (Link, 1);
  GtkWidget *shown = parley_label (address, "notice monospace");

  gtk_label_set_selectable (GTK_LABEL (shown), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (shown), PANGO_WRAP_CHAR);
  gtk_label_set_lines (GTK_LABEL (shown), 8);
  gtk_label_set_ellipsize (GTK_LABEL (shown), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (shown), 44);
  link->window = GTK_WINDOW (widget);
  link->address = g_strdup (address);
  parley_ask (GTK_WINDOW (widget), safe ? _ ("Open This Address?") : _ ("Not Opened"),
              safe ? _ ("It opens in your web browser.")
                   : _ ("Parley opens web and mail addresses only. You can copy this one."),
              shown, safe ? _ ("Open") : _ ("Copy"), FALSE, safe ? open_now : copy_now, link,
              link_free);
}

static void
toast (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_window_toast (PARLEY_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

static void
screenshot (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (GError) error = NULL;

  if (!parley_picture_save (widget, g_variant_get_string (parameter, NULL), &error))
    g_warning ("%s", error->message);
}

/* Words, or the address of a repository. */
static void
search (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);

  parley_window_show_place (self, "discover");
  parley_discover_page_search (self->discover_page, g_variant_get_string (parameter, NULL));
}

static void
show_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyChat *chat = chat_of (PARLEY_WINDOW (widget), parameter);

  if (chat != NULL)
    parley_window_show_chat (PARLEY_WINDOW (widget), chat, 0);
}

/* ---- windows ---- */

static void
preferences (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_preferences_present (GTK_WINDOW (widget), PARLEY_WINDOW (widget)->services);
}

static void
shortcuts (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_shortcuts_present (GTK_WINDOW (widget));
}

static void
about (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  const char *authors[] = { "The Parley authors", NULL };

  gtk_show_about_dialog (
      GTK_WINDOW (widget), "program-name", "Parley", "version", PARLEY_VERSION, "logo-icon-name",
      PARLEY_APP_ID, "license-type", GTK_LICENSE_GPL_3_0, "authors", authors, "website",
      "https://github.com/parleychat/parley", "comments",
      _ ("Talk to language models on your own computer. Nothing you write leaves it."), NULL);
}

void
_parley_window_add_actions (ParleyWindow *self)
{
  static const GActionEntry actions[] = {
    { "new-chat", new_chat, NULL },
    { "show-chats", show_place, NULL },
    { "show-discover", show_place, NULL },
    { "show-models", show_place, NULL },
    { "show-computer", show_place, NULL },
    { "find", find, NULL },
    { "toggle-sidebar", toggle_sidebar, NULL },
    { "pick-model", pick_model, NULL },
    { "load-panel", show_load_panel, NULL },
    { "chat-settings", chat_settings, NULL },
    { "stop", stop, NULL },
    { "regenerate", regenerate, NULL },
    { "previous-version", version, NULL },
    { "next-version", version, NULL },
    { "rename-chat", rename_chat, "x" },
    { "duplicate-chat", duplicate_chat, "x" },
    { "delete-chat", delete_chat, "x" },
    { "pin-chat", pin_chat, "x" },
    { "undo-delete", undo_delete, NULL },
    { "search", search, "s" },
    { "show-chat", show_chat, "x" },
    { "open-link", open_link, "s" },
    { "toast", toast, "s" },
    { "screenshot", screenshot, "s" },
    { "preferences", preferences, NULL },
    { "shortcuts", shortcuts, NULL },
    { "about", about, NULL },
  };

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
