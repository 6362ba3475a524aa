/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-chat-list-view.h"

#include "app/chats/parley-chat-row.h"
#include "app/chats/parley-folder-header.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define FOLDED_KEY "sidebar/folded-folders" /* names, one a line */
#define LOOSE_STEP 80 /* chats in no folder that have rows at first, and more with each step */

struct _ParleyChatListView {
  GtkWidget parent;
  ParleyChatList *chats;
  ParleyStore *store;
  GtkWidget *box, *list, *older;
  GPtrArray *shown;   /* of ParleyChat: the model's items, to know what was removed */
  GHashTable *rows;   /* ParleyChat -> ParleyChatRow, borrowed both; older chats have none */
  guint most_loose;   /* so many of the chats that are neither pinned nor in a folder */
  GHashTable *folded; /* names of folders */
  GListModel *hits;
  ParleyChat *selected; /* borrowed; only compared */
};

G_DEFINE_FINAL_TYPE (ParleyChatListView, parley_chat_list_view, GTK_TYPE_WIDGET)

enum { CHOSEN, N_SIGNALS };
static guint signals[N_SIGNALS];

/* ---- order and groups ---- */

/* Pinned chats stand above the folders. NULL: in no folder. */
static const char *
folder_of (ParleyChat *chat)
{
  const char *folder = parley_chat_get_folder (chat);

  return parley_chat_get_pinned (chat) || folder == NULL || *folder == '\0' ? NULL : folder;
}

static int
group_of (ParleyChat *chat)
{
  return parley_chat_get_pinned (chat) ? 0 : folder_of (chat) != NULL ? 1 : 2;
}

static int
compare_rows (GtkListBoxRow *a, GtkListBoxRow *b, gpointer data)
{
  ParleyChat *x = parley_chat_row_get_chat (PARLEY_CHAT_ROW (a)),
             *y = parley_chat_row_get_chat (PARLEY_CHAT_ROW (b));
  int order = group_of (x) - group_of (y);

  if (order == 0 && group_of (x) == 1)
    order = g_utf8_collate (folder_of (x), folder_of (y));
  if (order != 0)
    return order;
  gint64 then = parley_chat_get_updated_at (x), now = parley_chat_get_updated_at (y);
  return then > now ? -1 : then < now;
}

static gboolean
is_shown (GtkListBoxRow *row, gpointer data)
{
  ParleyChatListView *self = data;
  ParleyChat *chat = parley_chat_row_get_chat (PARLEY_CHAT_ROW (row));
  const char *folder = folder_of (chat);

  /* A folded folder shows its first chat's row as the header alone: see set_header. */
  return self->hits != NULL || folder == NULL || !g_hash_table_contains (self->folded, folder);
}

static void
store_folded (ParleyChatListView *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->folded);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_string_append_printf (text, "%s\n", (const char *) name);
  parley_store_set_setting (self->store, FOLDED_KEY, text->len > 0 ? text->str : NULL);
}

static void
toggle_folder (ParleyFolderHeader *header, ParleyChatListView *self)
{
  const char *name = parley_folder_header_get_name (header);

  if (!g_hash_table_remove (self->folded, name))
    g_hash_table_add (self->folded, g_strdup (name));
  store_folded (self);
  for (GtkWidget *row = gtk_widget_get_first_child (self->list); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    if (PARLEY_IS_CHAT_ROW (row))
      parley_chat_row_set_folded (PARLEY_CHAT_ROW (row), !is_shown (GTK_LIST_BOX_ROW (row), self));
  gtk_list_box_invalidate_headers (GTK_LIST_BOX (self->list));
}

void
parley_chat_list_view_rename_folder (ParleyChatListView *self, const char *from, const char *to)
{
  if (!g_hash_table_remove (self->folded, from))
    return;
  g_hash_table_add (self->folded, g_strdup (to));
  store_folded (self);
}

static GtkWidget *
header_for (ParleyChatListView *self, ParleyChat *chat)
{
  const char *folder = folder_of (chat);

  if (folder == NULL)
    return parley_line (group_of (chat) == 0 ? _ ("Pinned") : _ ("Chats"),
                        "caption-heading dim-label sidebar-heading");
  GtkWidget *header =
      parley_folder_header_new (folder, !g_hash_table_contains (self->folded, folder));
  g_signal_connect (header, "toggled", G_CALLBACK (toggle_folder), self);
  return header;
}

static void
set_header (GtkListBoxRow *row, GtkListBoxRow *before, gpointer data)
{
  ParleyChatListView *self = data;
  ParleyChat *chat = parley_chat_row_get_chat (PARLEY_CHAT_ROW (row));
  ParleyChat *above = before != NULL ? parley_chat_row_get_chat (PARLEY_CHAT_ROW (before)) : NULL;
  gboolean first = above == NULL || group_of (above) != group_of (chat) ||
                   g_strcmp0 (folder_of (above), folder_of (chat)) != 0;

  if (self->hits != NULL)
    gtk_list_box_row_set_header (row, NULL);
  else if (!first)
    gtk_list_box_row_set_header (row, NULL);
  else
    gtk_list_box_row_set_header (row, header_for (self, chat));
}

/* ---- rows ---- */

static void
show_selection (ParleyChatListView *self)
{
  GtkWidget *row = self->selected != NULL ? g_hash_table_lookup (self->rows, self->selected) : NULL;

  if (row != NULL && self->hits == NULL)
    gtk_list_box_select_row (GTK_LIST_BOX (self->list), GTK_LIST_BOX_ROW (row));
  else
    gtk_list_box_unselect_all (GTK_LIST_BOX (self->list));
}

static void make_row (ParleyChatListView *self, ParleyChat *chat);

static void
chat_changed (ParleyChatListView *self, GParamSpec *pspec, ParleyChat *chat)
{
  if (self->hits != NULL)
    return;
  if (!g_hash_table_contains (self->rows, chat))
    make_row (self, chat);
  GtkListBoxRow *row = g_hash_table_lookup (self->rows, chat);
  parley_chat_row_set_folded (PARLEY_CHAT_ROW (row), !is_shown (row, self));
  gtk_list_box_row_changed (row);
  gtk_list_box_invalidate_headers (GTK_LIST_BOX (self->list));
}

static void
make_row (ParleyChatListView *self, ParleyChat *chat)
{
  GtkWidget *row = parley_chat_row_new (chat, NULL);

  g_hash_table_insert (self->rows, chat, row);
  parley_chat_row_set_folded (PARLEY_CHAT_ROW (row), !is_shown (GTK_LIST_BOX_ROW (row), self));
  gtk_list_box_append (GTK_LIST_BOX (self->list), row);
}

static void
show_older_button (ParleyChatListView *self)
{
  gtk_widget_set_visible (self->older,
                          self->hits == NULL && g_hash_table_size (self->rows) < self->shown->len);
}

static void
watch (ParleyChatListView *self, ParleyChat *chat)
{
  g_signal_connect_object (chat, "notify::folder", G_CALLBACK (chat_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (chat, "notify::pinned", G_CALLBACK (chat_changed), self,
                           G_CONNECT_SWAPPED);
}

/* Of chats that were not touched for long there may be thousands: they wait below. */
static void
make_rows (ParleyChatListView *self)
{
  guint n_loose = 0;

  for (guint i = 0; i < self->shown->len; i++) {
    ParleyChat *chat = self->shown->pdata[i];
    if (group_of (chat) == 2 && ++n_loose > self->most_loose)
      continue;
    if (!g_hash_table_contains (self->rows, chat))
      make_row (self, chat);
  }
}

static void
show_older (ParleyChatListView *self)
{
  self->most_loose += LOOSE_STEP * 3;
  make_rows (self);
  show_older_button (self);
}

/* The rows of what was found in a chat. */
static void
remove_hits (ParleyChatListView *self, ParleyChat *chat)
{
  GtkWidget *next;

  for (GtkWidget *row = gtk_widget_get_first_child (self->list); row != NULL; row = next) {
    next = gtk_widget_get_next_sibling (row);
    if (PARLEY_IS_CHAT_ROW (row) && parley_chat_row_get_chat (PARLEY_CHAT_ROW (row)) == chat)
      gtk_list_box_remove (GTK_LIST_BOX (self->list), row);
  }
}

static void
remove_chat (ParleyChatListView *self, ParleyChat *chat)
{
  GtkWidget *row = g_hash_table_lookup (self->rows, chat);

  g_signal_handlers_disconnect_by_data (chat, self);
  g_hash_table_remove (self->rows, chat);
  if (row != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (self->list), row);
  if (self->hits != NULL)
    remove_hits (self, chat);
}

static void
show_chats (ParleyChatListView *self)
{
  g_hash_table_remove_all (self->rows);
  parley_box_clear (self->list);
  gtk_list_box_set_sort_func (GTK_LIST_BOX (self->list), NULL, NULL, NULL);
  make_rows (self);
  gtk_list_box_set_sort_func (GTK_LIST_BOX (self->list), compare_rows, self, NULL);
  show_older_button (self);
  show_selection (self);
}

static void
show_hits (ParleyChatListView *self)
{
  g_hash_table_remove_all (self->rows);
  gtk_list_box_set_sort_func (GTK_LIST_BOX (self->list), NULL, NULL, NULL);
  parley_box_clear (self->list);
  gtk_widget_set_visible (self->older, FALSE);
  for (guint i = 0; i < g_list_model_get_n_items (self->hits); i++) {
    g_autoptr (ParleyChatHit) hit = g_list_model_get_item (self->hits, i);
    if (parley_chat_hit_get_chat (hit) != NULL)
      gtk_list_box_append (GTK_LIST_BOX (self->list),
                           parley_chat_row_new (parley_chat_hit_get_chat (hit), hit));
  }
}

static void
chats_changed (GListModel *model, guint position, guint removed, guint added,
               ParleyChatListView *self)
{
  g_autoptr (GHashTable) gone = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  GHashTableIter iter;
  gpointer left;
  ParleyChat *chat = NULL;

  for (guint i = 0; i < removed; i++)
    g_hash_table_add (gone, g_object_ref (self->shown->pdata[position + i]));
  if (removed > 0)
    g_ptr_array_remove_range (self->shown, position, removed);
  for (guint i = 0; i < added; i++) {
    chat = g_list_model_get_item (model, position + i);
    g_ptr_array_insert (self->shown, (int) (position + i), chat);
    /* One between others that came stays as it is. */
    if (!g_hash_table_remove (gone, chat))
      watch (self, chat);
  }
  for (g_hash_table_iter_init (&iter, gone); g_hash_table_iter_next (&iter, &left, NULL);)
    remove_chat (self, left);
  /* One that comes alone was just touched, or brought back, however old it is. */
  if (self->hits == NULL && added == 1 && !g_hash_table_contains (self->rows, chat))
    make_row (self, chat);
  else if (self->hits == NULL)
    make_rows (self);
  show_older_button (self);
  show_selection (self);
}

void
parley_chat_list_view_set_hits (ParleyChatListView *self, GListModel *hits)
{
  if (hits == NULL && self->hits == NULL)
    return;
  g_set_object (&self->hits, hits);
  if (hits != NULL)
    show_hits (self);
  else
    show_chats (self);
}

void
parley_chat_list_view_select (ParleyChatListView *self, ParleyChat *chat)
{
  self->selected = chat;
  show_selection (self);
}

gboolean
parley_chat_list_view_is_empty (ParleyChatListView *self)
{
  return gtk_widget_get_first_child (self->list) == NULL;
}

static void
activated (GtkListBox *list, GtkListBoxRow *row, ParleyChatListView *self)
{
  g_signal_emit (self, signals[CHOSEN], 0, parley_chat_row_get_chat (PARLEY_CHAT_ROW (row)),
                 parley_chat_row_get_message (PARLEY_CHAT_ROW (row)));
}

void
parley_chat_list_view_step (ParleyChatListView *self, int step)
{
  GtkListBox *list = GTK_LIST_BOX (self->list);
  GtkListBoxRow *row = gtk_list_box_get_selected_row (list);
  int at = row != NULL ? gtk_list_box_row_get_index (row) : step > 0 ? -1 : 0;

  do
    row = (at += step) >= 0 ? gtk_list_box_get_row_at_index (list, at) : NULL;
  while (row != NULL && !is_shown (row, self));
  if (row != NULL)
    activated (list, row, self);
}

/* ---- menus and dragging: one controller for all rows ---- */

static ParleyChatRow *
row_at (ParleyChatListView *self, double y)
{
  GtkListBoxRow *row = gtk_list_box_get_row_at_y (GTK_LIST_BOX (self->list), (int) y);

  return row != NULL ? PARLEY_CHAT_ROW (row) : NULL;
}

static void
pressed (GtkGestureClick *gesture, int n, double x, double y, ParleyChatListView *self)
{
  ParleyChatRow *row = row_at (self, y);

  if (row == NULL)
    return;
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  parley_chat_row_popup (row);
}

static gboolean
popup_key (GtkWidget *widget, GVariant *parameters, gpointer data)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (gtk_widget_get_root (widget)));
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, PARLEY_TYPE_CHAT_ROW) : NULL;

  if (row == NULL)
    return FALSE;
  parley_chat_row_popup (PARLEY_CHAT_ROW (row));
  return TRUE;
}

static void
moved (GtkEventControllerMotion *motion, double x, double y, ParleyChatListView *self)
{
  ParleyChatRow *row = row_at (self, y);

  if (row != NULL)
    parley_chat_row_show_button (row);
}

static GdkContentProvider *
prepare_drag (GtkDragSource *source, double x, double y, ParleyChatListView *self)
{
  ParleyChatRow *row = row_at (self, y);

  if (row == NULL || self->hits != NULL)
    return NULL;
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (GTK_WIDGET (row));
  gtk_drag_source_set_icon (source, paintable, 12, 12);
  return gdk_content_provider_new_typed (PARLEY_TYPE_CHAT, parley_chat_row_get_chat (row));
}

static void
add_controllers (ParleyChatListView *self)
{
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkDragSource *drag = gtk_drag_source_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  g_signal_connect (click, "pressed", G_CALLBACK (pressed), self);
  g_signal_connect (motion, "motion", G_CALLBACK (moved), self);
  gtk_drag_source_set_actions (drag, GDK_ACTION_MOVE);
  g_signal_connect (drag, "prepare", G_CALLBACK (prepare_drag), self);
  gtk_widget_add_controller (self->list, GTK_EVENT_CONTROLLER (click));
  gtk_widget_add_controller (self->list, motion);
  gtk_widget_add_controller (self->list, GTK_EVENT_CONTROLLER (drag));
}

/* ---- making ---- */

static void
dispose (GObject *object)
{
  ParleyChatListView *self = PARLEY_CHAT_LIST_VIEW (object);

  if (self->chats != NULL)
    g_signal_handlers_disconnect_by_data (self->chats, self);
  for (guint i = 0; self->shown != NULL && i < self->shown->len; i++)
    g_signal_handlers_disconnect_by_data (self->shown->pdata[i], self);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_pointer (&self->rows, g_hash_table_unref);
  g_clear_pointer (&self->folded, g_hash_table_unref);
  g_clear_pointer (&self->shown, g_ptr_array_unref);
  g_clear_object (&self->hits);
  g_clear_object (&self->chats);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_chat_list_view_parent_class)->dispose (object);
}

static void
parley_chat_list_view_class_init (ParleyChatListViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Menu, 0, popup_key, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_F10, GDK_SHIFT_MASK, popup_key, NULL);
  signals[CHOSEN] = g_signal_new ("chosen", PARLEY_TYPE_CHAT_LIST_VIEW, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 2, PARLEY_TYPE_CHAT, G_TYPE_INT64);
}

static void
parley_chat_list_view_init (ParleyChatListView *self)
{
  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
  self->rows = g_hash_table_new (NULL, NULL);
  self->folded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->list = gtk_list_box_new ();
  parley_add_classes (self->list, "navigation-sidebar chat-list");
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_SINGLE);
  gtk_list_box_set_header_func (GTK_LIST_BOX (self->list), set_header, self, NULL);
  parley_set_accessible_name (self->list, _ ("Chats"));
  g_signal_connect (self->list, "row-activated", G_CALLBACK (activated), self);
  self->older = parley_text_button (_ ("Show Older Chats"), NULL);
  gtk_widget_add_css_class (self->older, "flat");
  gtk_widget_set_halign (self->older, GTK_ALIGN_CENTER);
  gtk_widget_set_margin_bottom (self->older, 12);
  g_signal_connect_swapped (self->older, "clicked", G_CALLBACK (show_older), self);
  self->most_loose = LOOSE_STEP;
  self->box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  gtk_box_append (GTK_BOX (self->box), self->list);
  gtk_box_append (GTK_BOX (self->box), self->older);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  add_controllers (self);
}

GtkWidget *
parley_chat_list_view_new (ParleyChatList *chats, ParleyStore *store)
{
  ParleyChatListView *self = g_object_new (PARLEY_TYPE_CHAT_LIST_VIEW, NULL);
  g_autofree char *folded = parley_store_get_setting (store, FOLDED_KEY);
  g_auto (GStrv) names = g_strsplit (folded != NULL ? folded : "", "\n", -1);

  self->chats = g_object_ref (chats);
  self->store = g_object_ref (store);
  for (guint i = 0; names[i] != NULL; i++)
    if (*names[i] != '\0')
      g_hash_table_add (self->folded, g_strdup (names[i]));
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (chats)); i++) {
    ParleyChat *chat = g_list_model_get_item (G_LIST_MODEL (chats), i);
    g_ptr_array_add (self->shown, chat);
    watch (self, chat);
  }
  show_chats (self);
  g_signal_connect (chats, "items-changed", G_CALLBACK (chats_changed), self);
  return GTK_WIDGET (self);
}
