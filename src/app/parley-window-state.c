/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The window comes back as it was: its size, the place, the chat, the sidebar. Every change is
 * written soon after it, and not when the window closes, so that a crash costs nothing of it.
 * Whatever is written there may be old or wrong: then the window begins as on the first day.
 */
#include "app/parley-window-private.h"

#define DEFAULT_WIDTH  1120
#define DEFAULT_HEIGHT 760
#define APART_US       G_TIME_SPAN_SECOND /* two writings */

#define WIDTH          "window/width"
#define HEIGHT         "window/height"
#define MAXIMISED      "window/maximised"
#define PLACE          "window/place"
#define CHAT           "window/chat"
#define SIDEBAR        "window/sidebar"        /* beside the content */
#define FOLDED_SIDEBAR "window/folded-sidebar" /* in its place; absent: not folded */

/* ---- writing ---- */

static void
put (ParleyWindow *self, const char *key, gint64 value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, value);

  parley_store_set_setting (self->services->store, key, text);
}

/* What is in no list, because it is new or temporary, is not there at the next start. */
static gint64
shown_chat (ParleyWindow *self)
{
  ParleyChat *chat = parley_chat_page_get_chat (self->chat_page);
  gint64 id = chat != NULL ? parley_chat_get_id (chat) : 0;

  return parley_chat_list_find (self->services->chats, id) == chat ? id : 0;
}

static gboolean
save (gpointer data)
{
  ParleyWindow *self = data;
  GtkWindow *window = GTK_WINDOW (self);
  int width, height;

  self->save_state_id = 0;
  self->state_saved_at = g_get_monotonic_time ();
  gtk_window_get_default_size (window, &width, &height);
  put (self, WIDTH, width);
  put (self, HEIGHT, height);
  put (self, MAXIMISED, gtk_window_is_maximized (window));
  parley_store_set_setting (self->services->store, PLACE,
                            adw_view_stack_get_visible_child_name (self->places));
  put (self, CHAT, shown_chat (self));
  put (self, SIDEBAR, parley_split_get_show_beside (self->split));
  if (parley_split_get_folded (self->split))
    put (self, FOLDED_SIDEBAR, parley_split_get_show_sidebar (self->split));
  else
    parley_store_set_setting (self->services->store, FOLDED_SIDEBAR, NULL);
  return G_SOURCE_REMOVE;
}

/* At once, but for what changes all the time. */
static void
state_changed (ParleyWindow *self)
{
  gint64 due = self->state_saved_at + APART_US - g_get_monotonic_time ();

  if (self->save_state_id == 0)
    self->save_state_id = g_timeout_add ((guint) (MAX (due, 0) / 1000), save, self);
}

void
_parley_window_save_state (ParleyWindow *self)
{
  g_clear_handle_id (&self->save_state_id, g_source_remove);
  save (self);
}

void
_parley_window_watch_state (ParleyWindow *self)
{
  static const char *const of_window[] = { "notify::default-width", "notify::default-height",
                                           "notify::maximized" };

  for (gsize i = 0; i < G_N_ELEMENTS (of_window); i++)
    g_signal_connect (self, of_window[i], G_CALLBACK (state_changed), NULL);
  g_signal_connect_swapped (self->places, "notify::visible-child", G_CALLBACK (state_changed),
                            self);
  g_signal_connect_swapped (self->split, "notify::show-sidebar", G_CALLBACK (state_changed), self);
  g_signal_connect_swapped (self->chat_page, "notify::chat", G_CALLBACK (state_changed), self);
  /* A new chat joins the list with its first message. */
  g_signal_connect_object (self->services->chats, "items-changed", G_CALLBACK (state_changed), self,
                           G_CONNECT_SWAPPED);
}

/* ---- reading ---- */

/* A whole number within the limits, or `otherwise`. */
static gint64
get (ParleyWindow *self, const char *key, gint64 min, gint64 max, gint64 otherwise)
{
  g_autofree char *text = parley_store_get_setting (self->services->store, key);
  gint64 value;

  return text != NULL && g_ascii_string_to_signed (text, 10, min, max, &value, NULL) ? value
                                                                                     : otherwise;
}

void
_parley_window_restore_state (ParleyWindow *self)
{
  g_autofree char *place = parley_store_get_setting (self->services->store, PLACE);
  ParleyChat *chat =
      parley_chat_list_find (self->services->chats, get (self, CHAT, 1, G_MAXINT64, 0));

  gtk_window_set_default_size (GTK_WINDOW (self), (int) get (self, WIDTH, 360, 9999, DEFAULT_WIDTH),
                               (int) get (self, HEIGHT, 300, 9999, DEFAULT_HEIGHT));
  if (get (self, MAXIMISED, 0, 1, 0))
    gtk_window_maximize (GTK_WINDOW (self));
  if (chat != NULL)
    parley_window_show_chat (self, chat, 0);
  if (chat == NULL || parley_chat_page_get_chat (self->chat_page) != chat) {
    /* There is none, or it is still being read. */
    g_autoptr (ParleyChat) fresh = parley_chat_list_create (self->services->chats);
    parley_chat_page_set_chat (self->chat_page, fresh);
  }
  if (place != NULL && adw_view_stack_get_child_by_name (self->places, place) != NULL)
    parley_window_show_place (self, place);
  gint64 folded_sidebar = get (self, FOLDED_SIDEBAR, 0, 1, -1);
  self->folds_as_before = folded_sidebar >= 0;
  parley_split_restore (self->split, get (self, SIDEBAR, 0, 1, 1) != 0, folded_sidebar != 0);
}
