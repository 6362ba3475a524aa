/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-window-private.h"

#include "app/compat.h"
#include "app/parley-computer-page.h"
#include "app/models/parley-importer.h"
#include "app/models/parley-models-page.h"
#include "app/desktop/parley-notifier.h"
#include "app/models/parley-paste.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define OPEN_AT_ONCE_MS 30 /* a chat that is read within that is shown in the same frame */

G_DEFINE_FINAL_TYPE (ParleyWindow, parley_window, ADW_TYPE_APPLICATION_WINDOW)

enum { SHOWS, N_SIGNALS };
static guint signals[N_SIGNALS];

void
parley_window_toast (ParleyWindow *self, const char *text)
{
  adw_toast_overlay_add_toast (self->toasts, parley_toast_new (text));
}

void
parley_window_add_toast (ParleyWindow *self, AdwToast *toast)
{
  adw_toast_overlay_add_toast (self->toasts, toast);
}

void
parley_window_tell (GtkWidget *widget, const char *text)
{
  GtkRoot *root = gtk_widget_get_root (widget);

  if (!PARLEY_IS_WINDOW (root))
    return;
  ParleyWindow *self = PARLEY_WINDOW (root);
  g_autofree char *wanted = parley_store_get_setting (self->services->store, "notify");
  parley_window_toast (self, text);
  if (gtk_widget_get_visible (GTK_WIDGET (self)) || g_strcmp0 (wanted, "0") == 0)
    return;
  parley_notify (g_application_get_default (), "work", _ ("Parley"), text, "app.show-models", NULL);
}

/* The bottom switcher leaves an open conversation its room. */
static void
update_frame (ParleyWindow *self)
{
  gboolean folded = parley_split_get_folded (self->split);
  gboolean sidebar = parley_split_get_show_sidebar (self->split);
  const char *place = adw_view_stack_get_visible_child_name (self->places);
  gboolean chats = g_strcmp0 (place, "chats") == 0;

  adw_view_switcher_bar_set_reveal (ADW_VIEW_SWITCHER_BAR (self->switcher),
                                    folded && (sidebar || !chats));
  for (guint i = 0; i < self->headers->len; i++) {
    GtkWidget *header = g_ptr_array_index (self->headers, i);
    GtkWidget *lead = g_object_get_data (G_OBJECT (header), "parley-lead");
    gboolean is_chat = i == 0;
    adw_header_bar_set_show_start_title_buttons (ADW_HEADER_BAR (header), folded || !sidebar);
    gtk_widget_set_visible (lead, folded ? is_chat : !sidebar);
    gtk_button_set_icon_name (GTK_BUTTON (lead),
                              folded ? "go-previous-symbolic" : "sidebar-show-symbolic");
    parley_name_widget (lead, folded ? _ ("Back") : _ ("Show Sidebar"));
  }
}

static void
tell_what_is_shown (ParleyWindow *self)
{
  const char *place = adw_view_stack_get_visible_child_name (self->places);
  g_signal_emit (self, signals[SHOWS], 0,
                 g_strcmp0 (place, "chats") == 0 ? parley_chat_page_get_chat (self->chat_page)
                                                 : NULL);
}

static void
active_changed (ParleyWindow *self)
{
  if (gtk_window_is_active (GTK_WINDOW (self)))
    tell_what_is_shown (self);
}

static void
folded_changed (ParleyWindow *self)
{
  gboolean folded = parley_split_get_folded (self->split);
  const char *place = adw_view_stack_get_visible_child_name (self->places);

  parley_sidebar_set_folded (self->sidebar, folded);
  if (folded && !self->folds_as_before)
    parley_split_set_show_sidebar (
        self->split, g_strcmp0 (place, "chats") == 0 &&
                         !parley_chat_page_has_messages (self->chat_page) &&
                         g_list_model_get_n_items (G_LIST_MODEL (self->services->chats)) > 0);
  self->folds_as_before = FALSE;
  update_frame (self);
}

static void
place_changed (ParleyWindow *self)
{
  const char *place = adw_view_stack_get_visible_child_name (self->places);

  if (place == NULL)
    return;
  parley_sidebar_set_place (self->sidebar, place);
  if (g_str_equal (place, "chats"))
    gtk_widget_add_css_class (GTK_WIDGET (self->toasts), "above-composer");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->toasts), "above-composer");
  if (parley_split_get_folded (self->split))
    parley_split_set_show_sidebar (self->split, g_str_equal (place, "chats"));
  update_frame (self);
  tell_what_is_shown (self);
}

void
parley_window_show_place (ParleyWindow *self, const char *place)
{
  adw_view_stack_set_visible_child_name (self->places, place);
  parley_sidebar_set_place (self->sidebar, place);
  if (g_str_equal (place, "chats"))
    parley_sidebar_select_chat (self->sidebar, parley_chat_page_get_chat (self->chat_page));
}

/* ---- showing a chat ---- */

typedef struct {
  ParleyWindow *window;
  gint64 message;
  gboolean at_once;
} Showing;

static void
showing_free (gpointer data)
{
  Showing *showing = data;

  g_object_unref (showing->window);
  g_free (showing);
}

static void
stop_opening (ParleyWindow *self)
{
  if (self->opening != NULL)
    g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
}

static void
chat_opened (ParleyChat *chat, const GError *error, gpointer data)
{
  const Showing *showing = data;
  ParleyWindow *self = showing->window;
  const char *place = adw_view_stack_get_visible_child_name (self->places);
  gint64 message = showing->message;

  g_clear_object (&self->opening);
  if (error != NULL) {
    parley_sidebar_select_chat (self->sidebar, parley_chat_page_get_chat (self->chat_page));
    parley_window_toast (self, error->message);
    return;
  }
  /* Deleted while it was read. */
  if (!showing->at_once &&
      parley_chat_list_find (self->services->chats, parley_chat_get_id (chat)) != chat)
    return;
  if (message != 0 && !parley_chat_show_message (chat, message, NULL))
    parley_window_toast (self, _ ("This is in another version of the chat, which can be shown when "
                                  "the reply is written."));
  parley_chat_page_set_chat (self->chat_page, chat);
  parley_chat_page_show_hit (self->chat_page, message, parley_sidebar_get_query (self->sidebar));
  update_frame (self);
  /* Who has gone elsewhere meanwhile stays there. */
  if (g_strcmp0 (place, "chats") == 0) {
    parley_sidebar_select_chat (self->sidebar, chat);
    parley_chat_page_focus (self->chat_page);
  }
  tell_what_is_shown (self);
}

/* What was shown before stays for as long as it takes to read the chat. */
void
parley_window_show_chat (ParleyWindow *self, ParleyChat *chat, gint64 message)
{
  Showing *showing = g_new (Showing, 1);

  *showing = (Showing){ g_object_ref (self), message, TRUE };
  stop_opening (self);
  parley_window_show_place (self, "chats");
  if (parley_split_get_folded (self->split))
    parley_split_set_show_sidebar (self->split, FALSE);
  parley_sidebar_select_chat (self->sidebar, chat);
  self->opening = g_cancellable_new ();
  g_autoptr (GCancellable) opening = g_object_ref (self->opening);
  parley_chat_open_async (chat, OPEN_AT_ONCE_MS, opening, chat_opened, showing, showing_free);
  if (self->opening == opening)
    showing->at_once = FALSE;
}

void
parley_window_new_chat (ParleyWindow *self, ParleyModel *model)
{
  ParleyChat *current = parley_chat_page_get_chat (self->chat_page);
  g_autoptr (ParleyChat) fresh = NULL;

  /* An empty chat is as good as a new one, but for one that is not kept. */
  if (current == NULL || parley_chat_is_temporary (current) ||
      g_list_model_get_n_items (G_LIST_MODEL (current)) > 0)
    current = fresh = parley_chat_list_create (self->services->chats);
  parley_window_show_chat (self, current, 0);
  if (model != NULL)
    parley_chat_page_use_model (self->chat_page, model);
}

static void
chat_chosen (ParleySidebar *sidebar, ParleyChat *chat, gint64 message, ParleyWindow *self)
{
  parley_window_show_chat (self, chat, message);
}

/* ---- what is wrong with saving ---- */

static void
show_problem (ParleyWindow *self)
{
  g_autofree char *problem = parley_store_dup_problem (self->services->store);
  GtkWidget *label = g_object_get_data (G_OBJECT (self->problem), "parley-text");

  gtk_label_set_text (GTK_LABEL (label), problem != NULL ? problem : "");
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->problem), problem != NULL);
}

static GtkWidget *
build_problem (void)
{
  GtkWidget *revealer = gtk_revealer_new (), *label = parley_label ("", NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, "notice failure problem-line");

  gtk_box_append (GTK_BOX (line), parley_icon ("dialog-warning-symbolic"));
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_box_append (GTK_BOX (line), label);
  gtk_revealer_set_child (GTK_REVEALER (revealer), line);
  g_object_set_data (G_OBJECT (revealer), "parley-text", label);
  return revealer;
}

/* ---- making ---- */

static GMenuModel *
main_menu (void)
{
  GMenu *menu = g_menu_new (), *first = g_menu_new (), *second = g_menu_new ();

  g_menu_append (first, _ ("_New Chat"), "win.new-chat");
  g_menu_append (first, _ ("New _Temporary Chat"), "win.temporary-chat");
  g_menu_append (first, _ ("_Search Chats"), "win.find");
  g_menu_append (first, _ ("_Import Chats…"), "win.import-chat");
  g_menu_append (second, _ ("_Preferences"), "win.preferences");
  g_menu_append (second, _ ("_Keyboard Shortcuts"), "win.shortcuts");
  g_menu_append (second, _ ("_Help"), "win.help('')");
  g_menu_append (second, _ ("_About Parley"), "win.about");
  g_menu_append_section (menu, NULL, G_MENU_MODEL (first));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (second));
  g_object_unref (first);
  g_object_unref (second);
  return G_MENU_MODEL (menu);
}

static void
add_place (ParleyWindow *self, GtkWidget *page, GtkWidget *header, const char *name,
           const char *title, const char *icon)
{
  AdwViewStackPage *entry = adw_view_stack_add_titled (self->places, page, name, title);
  GtkWidget *lead =
      parley_icon_button ("sidebar-show-symbolic", _ ("Show Sidebar"), "win.toggle-sidebar");

  adw_view_stack_page_set_icon_name (entry, icon);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), lead);
  g_object_set_data (G_OBJECT (header), "parley-lead", lead);
  g_ptr_array_add (self->headers, header);
}

static gboolean
close_request (GtkWindow *window)
{
  ParleyWindow *self = PARLEY_WINDOW (window);

  _parley_window_save_state (self);
  parley_chat_page_flush_draft (self->chat_page);
  return GTK_WINDOW_CLASS (parley_window_parent_class)->close_request (window);
}

static void
dispose (GObject *object)
{
  ParleyWindow *self = PARLEY_WINDOW (object);

  g_clear_handle_id (&self->save_state_id, g_source_remove);
  stop_opening (self);
  g_clear_pointer (&self->headers, g_ptr_array_unref);
  G_OBJECT_CLASS (parley_window_parent_class)->dispose (object);
}

static void
parley_window_class_init (ParleyWindowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  GTK_WINDOW_CLASS (klass)->close_request = close_request;
  signals[SHOWS] = g_signal_new ("shows", PARLEY_TYPE_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 1, PARLEY_TYPE_CHAT);
  /* Not an application-wide key: popovers and entries have their own use for Escape. */
  gtk_widget_class_add_binding_action (GTK_WIDGET_CLASS (klass), GDK_KEY_Escape, 0, "win.stop",
                                       NULL);
}

static void
parley_window_init (ParleyWindow *self)
{
  self->headers = g_ptr_array_new ();
  _parley_window_add_actions (self);
  gtk_window_set_title (GTK_WINDOW (self), _ ("Parley"));
  gtk_widget_set_size_request (GTK_WIDGET (self), 360, 294);
}

GtkWindow *
parley_window_new (AdwApplication *application, ParleyServices *services)
{
  ParleyWindow *self = g_object_new (PARLEY_TYPE_WINDOW, "application", application, NULL);
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  g_autoptr (GMenuModel) menu = main_menu ();
  GtkWidget *models = parley_models_page_new (services);
  GtkWidget *compare = parley_compare_page_new (services);
  GtkWidget *computer = parley_computer_page_new (services);

  self->services = services;
  self->places = ADW_VIEW_STACK (adw_view_stack_new ());
  gtk_widget_add_css_class (GTK_WIDGET (self->places), "content-pane");
  self->chat_page = PARLEY_CHAT_PAGE (parley_chat_page_new (services));
  self->discover_page = PARLEY_DISCOVER_PAGE (parley_discover_page_new (services));
  parley_paste_watch (GTK_WIDGET (self), services);
  parley_importer_accept_drops (services, GTK_WIDGET (self->places));
  add_place (self, GTK_WIDGET (self->chat_page), parley_chat_page_get_header (self->chat_page),
             "chats", _ ("Chats"), "parley-chats-symbolic");
  add_place (self, GTK_WIDGET (self->discover_page),
             parley_discover_page_get_header (self->discover_page), "discover", _ ("Discover"),
             "parley-discover-symbolic");
  add_place (self, models, parley_models_page_get_header (PARLEY_MODELS_PAGE (models)), "models",
             _ ("Models"), "parley-models-symbolic");
  self->models_page = PARLEY_MODELS_PAGE (models);
  self->compare_page = PARLEY_COMPARE_PAGE (compare);
  add_place (self, compare, parley_compare_page_get_header (self->compare_page), "compare",
             _ ("Compare"), "parley-compare-symbolic");
  add_place (self, computer, parley_computer_page_get_header (PARLEY_COMPUTER_PAGE (computer)),
             "computer", _ ("Computer"), "parley-chip-symbolic");

  self->sidebar = PARLEY_SIDEBAR (parley_sidebar_new (services, menu));
  self->split =
      PARLEY_SPLIT (parley_split_new (GTK_WIDGET (self->sidebar), GTK_WIDGET (self->places)));
  gtk_widget_set_vexpand (GTK_WIDGET (self->split), TRUE);
  self->switcher = adw_view_switcher_bar_new ();
  adw_view_switcher_bar_set_stack (ADW_VIEW_SWITCHER_BAR (self->switcher), self->places);
  self->problem = build_problem ();
  gtk_box_append (GTK_BOX (box), self->problem);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->split));
  gtk_box_append (GTK_BOX (box), self->switcher);
  self->toasts = ADW_TOAST_OVERLAY (adw_toast_overlay_new ());
  adw_toast_overlay_set_child (self->toasts, box);
  adw_application_window_set_content (ADW_APPLICATION_WINDOW (self), GTK_WIDGET (self->toasts));

  g_signal_connect (self->sidebar, "chat-chosen", G_CALLBACK (chat_chosen), self);
  g_signal_connect_swapped (self->split, "notify::folded", G_CALLBACK (folded_changed), self);
  g_signal_connect_swapped (self->split, "notify::show-sidebar", G_CALLBACK (update_frame), self);
  g_signal_connect_swapped (self->places, "notify::visible-child", G_CALLBACK (place_changed),
                            self);
  g_signal_connect_object (services->engines, "told", G_CALLBACK (parley_window_toast), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->store, "notify::problem", G_CALLBACK (show_problem), self,
                           G_CONNECT_SWAPPED);
  show_problem (self);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (active_changed), NULL);
  _parley_window_restore_state (self);
  update_frame (self);
  _parley_window_watch_state (self);
  return GTK_WINDOW (self);
}
