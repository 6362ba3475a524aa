/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/compat.h"
#include "app/chats/parley-chat-settings.h"
#include "app/widgets/parley-dialog.h"
#include "app/parley-help.h"
#include "app/text/parley-link.h"
#include "app/desktop/parley-picture.h"
#include "app/parley-preferences.h"
#include "app/parley-shortcuts.h"
#include "app/desktop/parley-watchdog.h"
#include "app/widgets/parley-widgets.h"
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
show_sidebar (ParleyWindow *self)
{
  if (parley_split_get_folded (self->split))
    parley_window_show_place (self, "chats");
  parley_split_set_show_sidebar (self->split, TRUE);
}

void
parley_window_search_chats (ParleyWindow *self, const char *text)
{
  show_sidebar (self);
  parley_sidebar_search (self->sidebar, text);
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
  if (g_strcmp0 (place, "models") == 0) {
    parley_models_page_start_search (self->models_page);
    return;
  }
  show_sidebar (self);
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
load_model (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_chat_page_load_model (PARLEY_WINDOW (widget)->chat_page);
}

static void
chat_settings (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = parley_chat_page_get_chat (self->chat_page);

  if (chat != NULL)
    parley_chat_settings_present (GTK_WINDOW (self), chat, self->services->store);
}

static void
stop (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = parley_chat_page_get_chat (self->chat_page);

  if (parley_chat_page_stop_editing (self->chat_page))
    return;
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

static void
copy_reply (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  if (parley_chat_page_copy_reply (PARLEY_WINDOW (widget)->chat_page))
    parley_window_toast (PARLEY_WINDOW (widget), _ ("Message copied"));
}

static void
edit_last (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_chat_page_edit_last (PARLEY_WINDOW (widget)->chat_page);
}

static void
step_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_sidebar_step_chat (PARLEY_WINDOW (widget)->sidebar,
                            g_str_equal (g_action_get_name (G_ACTION (action)), "next-chat") ? 1
                                                                                             : -1);
}

static void
attach (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_chat_page_attach (PARLEY_WINDOW (widget)->chat_page);
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
static char *
where_it_opens (const char *address, gboolean safe)
{
  g_autofree char *host = parley_link_get_host (address);

  if (!safe)
    return g_strdup (_ ("Parley opens web and mail addresses only, and none that hide where they "
                        "lead. You can copy this one."));
  if (g_ascii_strncasecmp (address, "mailto:", 7) == 0)
    return g_strdup (_ ("It opens in your mail program."));
  /* Translators: the name of a computer on the web, such as en.wikipedia.org. */
  return g_strdup_printf (_ ("It opens in your web browser and leads to %s."), host);
}

static void
open_link (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  const char *address = g_variant_get_string (parameter, NULL);
  gboolean safe = parley_link_is_safe (address);
  g_autofree char *display = parley_link_for_display (address);
  g_autofree char *where = where_it_opens (address, safe);
  Link *link = g_new0 (Link, 1);
  GtkWidget *shown = parley_label (display, "notice monospace");

  gtk_label_set_selectable (GTK_LABEL (shown), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (shown), PANGO_WRAP_CHAR);
  parley_label_keep_as_is (GTK_LABEL (shown));
  gtk_label_set_lines (GTK_LABEL (shown), 8);
  gtk_label_set_ellipsize (GTK_LABEL (shown), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (shown), 44);
  link->window = GTK_WINDOW (widget);
  link->address = g_strdup (address);
  parley_ask (GTK_WINDOW (widget), safe ? _ ("Open This Address?") : _ ("Not Opened"), where, shown,
              safe ? _ ("Open") : _ ("Copy"), FALSE, safe ? open_now : copy_now, link, link_free);
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

/* What the main loop did, into a file: for measurements. */
static void
watchdog (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autofree char *report = parley_watchdog_report ();
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents (g_variant_get_string (parameter, NULL), report, -1, &error))
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

/* The name of a topic, or nothing for the list. */
static void
help (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  const char *topic = g_variant_get_string (parameter, NULL);

  parley_help_present (GTK_WINDOW (widget), *topic != '\0' ? topic : NULL);
}

static void
about (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_show_about (GTK_WINDOW (widget));
}

/* "org/name:Q4_K_M" joins what is compared. */
static void
compare (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_window_show_place (PARLEY_WINDOW (widget), "compare");
  parley_compare_page_add (PARLEY_WINDOW (widget)->compare_page,
                           g_variant_get_string (parameter, NULL));
}

void
_parley_window_add_actions (ParleyWindow *self)
{
  static const GActionEntry actions[] = {
    { "new-chat", new_chat, NULL },
    { "show-chats", show_place, NULL },
    { "show-discover", show_place, NULL },
    { "show-models", show_place, NULL },
    { "show-compare", show_place, NULL },
    { "show-computer", show_place, NULL },
    { "find", find, NULL },
    { "toggle-sidebar", toggle_sidebar, NULL },
    { "pick-model", pick_model, NULL },
    { "load-panel", show_load_panel, NULL },
    { "load-model", load_model, NULL },
    { "chat-settings", chat_settings, NULL },
    { "attach", attach, NULL },
    { "stop", stop, NULL },
    { "regenerate", regenerate, NULL },
    { "previous-version", version, NULL },
    { "next-version", version, NULL },
    { "copy-reply", copy_reply, NULL },
    { "edit-last", edit_last, NULL },
    { "next-chat", step_chat, NULL },
    { "previous-chat", step_chat, NULL },
    { "search", search, "s" },
    { "compare", compare, "s" },
    { "open-link", open_link, "s" },
    { "toast", toast, "s" },
    { "screenshot", screenshot, "s" },
    { "watchdog", watchdog, "s" },
    { "preferences", preferences, NULL },
    { "shortcuts", shortcuts, NULL },
    { "help", help, "s" },
    { "about", about, NULL },
  };

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  _parley_window_add_chat_actions (self);
  _parley_window_add_data_actions (self);
  _parley_window_add_folder_actions (self);
}
