/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-sidebar.h"

#include "app/chats/parley-chat-list-view.h"
#include "app/parley-task-list.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define SEARCH_DELAY_MS 180

static const struct {
  const char *place, *label, *icon, *action;
} places[] = {
  { "discover", N_ ("Discover"), "parley-discover-symbolic", "win.show-discover" },
  { "models", N_ ("Models"), "parley-models-symbolic", "win.show-models" },
  { "compare", N_ ("Compare"), "parley-compare-symbolic", "win.show-compare" },
  { "computer", N_ ("This Computer"), "parley-chip-symbolic", "win.show-computer" },
};

struct _ParleySidebar {
  GtkBox parent;
  ParleyChatList *chats;
  GtkWidget *header, *places, *buttons[G_N_ELEMENTS (places)], *hide;
  GtkWidget *search, *stack;
  ParleyChatListView *list;
  ParleyChat *selected; /* only compared */
  GCancellable *searching;
  guint search_id;
  guint folded : 1;
};

G_DEFINE_FINAL_TYPE (ParleySidebar, parley_sidebar, GTK_TYPE_BOX)

enum { CHAT_CHOSEN, N_SIGNALS };
static guint signals[N_SIGNALS];

/* ---- the list ---- */

static gboolean
is_searching (ParleySidebar *self)
{
  return *gtk_editable_get_text (GTK_EDITABLE (self->search)) != '\0';
}

static void
update_stack (ParleySidebar *self)
{
  gboolean empty = parley_chat_list_view_is_empty (self->list);

  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), !empty                ? "list"
                                                             : is_searching (self) ? "no-hits"
                                                                                   : "empty");
}

static void
show_selection (ParleySidebar *self)
{
  parley_chat_list_view_select (self->list, self->folded ? NULL : self->selected);
}

static void
chosen (ParleyChatListView *list, ParleyChat *chat, gint64 message, ParleySidebar *self)
{
  g_signal_emit (self, signals[CHAT_CHOSEN], 0, chat, message);
}

const char *
parley_sidebar_get_query (ParleySidebar *self)
{
  return is_searching (self) ? gtk_editable_get_text (GTK_EDITABLE (self->search)) : NULL;
}

/* ---- search ---- */

static void
found (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleySidebar) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) hits =
      parley_chat_list_search_finish (PARLEY_CHAT_LIST (source), result, &error);

  if (hits == NULL || !is_searching (self))
    return;
  parley_chat_list_view_set_hits (self->list, hits);
  update_stack (self);
}

static gboolean
search_now (gpointer data)
{
  ParleySidebar *self = data;

  self->search_id = 0;
  g_clear_object (&self->searching);
  self->searching = g_cancellable_new ();
  parley_chat_list_search_async (self->chats, gtk_editable_get_text (GTK_EDITABLE (self->search)),
                                 self->searching, found, g_object_ref (self));
  return G_SOURCE_REMOVE;
}

/* Escape: back to all chats. */
static void
search_stopped (GtkSearchEntry *entry)
{
  gtk_editable_set_text (GTK_EDITABLE (entry), "");
}

static void
search_changed (GtkSearchEntry *entry, ParleySidebar *self)
{
  if (self->searching != NULL)
    g_cancellable_cancel (self->searching);
  g_clear_handle_id (&self->search_id, g_source_remove);
  if (is_searching (self))
    self->search_id = g_timeout_add (SEARCH_DELAY_MS, search_now, self);
  else {
    parley_chat_list_view_set_hits (self->list, NULL);
    show_selection (self);
    update_stack (self);
  }
}

void
parley_sidebar_start_search (ParleySidebar *self)
{
  gtk_widget_grab_focus (self->search);
}

void
parley_sidebar_search (ParleySidebar *self, const char *text)
{
  gtk_editable_set_text (GTK_EDITABLE (self->search), text);
  gtk_widget_grab_focus (self->search);
}

/* ---- the frame ---- */

void
parley_sidebar_set_folded (ParleySidebar *self, gboolean folded)
{
  self->folded = folded;
  gtk_widget_set_visible (self->places, !folded);
  gtk_widget_set_visible (self->hide, !folded);
  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (self->header), folded);
  show_selection (self);
}

void
parley_sidebar_set_place (ParleySidebar *self, const char *place)
{
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->buttons[i]),
                                  g_str_equal (places[i].place, place));
  if (!g_str_equal (place, "chats")) {
    self->selected = NULL;
    show_selection (self);
  }
}

void
parley_sidebar_select_chat (ParleySidebar *self, ParleyChat *chat)
{
  self->selected = chat;
  show_selection (self);
}

void
parley_sidebar_step_chat (ParleySidebar *self, int step)
{
  parley_chat_list_view_step (self->list, step);
}

void
parley_sidebar_rename_folder (ParleySidebar *self, const char *from, const char *to)
{
  parley_chat_list_view_rename_folder (self->list, from, to);
}

static void
place_clicked (GtkButton *button, const char *action)
{
  gtk_widget_activate_action (GTK_WIDGET (button), action, NULL);
}

static GtkWidget *
build_places (ParleySidebar *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 2, "places");

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++) {
    GtkWidget *button = self->buttons[i] = gtk_toggle_button_new ();
    GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
    gtk_box_append (GTK_BOX (line), parley_icon (places[i].icon));
    gtk_box_append (GTK_BOX (line), parley_line (_ (places[i].label), NULL));
    gtk_button_set_child (GTK_BUTTON (button), line);
    gtk_widget_add_css_class (button, "flat");
    parley_set_accessible_name (button, _ (places[i].label));
    g_signal_connect (button, "clicked", G_CALLBACK (place_clicked), (gpointer) places[i].action);
    gtk_box_append (GTK_BOX (box), button);
  }
  return box;
}

static GtkWidget *
quiet_text (const char *text)
{
  GtkWidget *label = parley_label (text, "dim-label");

  gtk_label_set_xalign (GTK_LABEL (label), 0.5f);
  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_CENTER);
  gtk_widget_set_margin_top (label, 30);
  gtk_widget_set_margin_start (label, 24);
  gtk_widget_set_margin_end (label, 24);
  gtk_widget_set_valign (label, GTK_ALIGN_START);
  return label;
}

static GtkWidget *
build_list (ParleySidebar *self, ParleyStore *store)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();

  self->list = PARLEY_CHAT_LIST_VIEW (parley_chat_list_view_new (self->chats, store));
  g_signal_connect (self->list, "chosen", G_CALLBACK (chosen), self);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self->list));
  self->stack = gtk_stack_new ();
  gtk_stack_set_hhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_stack_set_vhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_stack_add_named (GTK_STACK (self->stack), scroller, "list");
  gtk_stack_add_named (GTK_STACK (self->stack), quiet_text (_ ("Your chats will be listed here")),
                       "empty");
  gtk_stack_add_named (GTK_STACK (self->stack), quiet_text (_ ("Nothing was found")), "no-hits");
  gtk_widget_set_vexpand (self->stack, TRUE);
  return self->stack;
}

static GtkWidget *
build_tasks (GListStore *tasks)
{
  g_autoptr (GListModel) ours = parley_task_list_filter (tasks, PARLEY_TASK_WITH_CHATS);
  GtkWidget *list = parley_task_list_new_revealed (ours);

  gtk_widget_set_margin_start (list, 12);
  gtk_widget_set_margin_end (list, 12);
  gtk_widget_set_margin_top (list, 6);
  gtk_widget_set_margin_bottom (list, 12);
  return list;
}

static void
dispose (GObject *object)
{
  ParleySidebar *self = PARLEY_SIDEBAR (object);

  g_clear_handle_id (&self->search_id, g_source_remove);
  if (self->searching != NULL)
    g_cancellable_cancel (self->searching);
  g_clear_object (&self->searching);
  if (self->chats != NULL)
    g_signal_handlers_disconnect_by_data (self->chats, self);
  g_clear_object (&self->chats);
  G_OBJECT_CLASS (parley_sidebar_parent_class)->dispose (object);
}

static void
parley_sidebar_class_init (ParleySidebarClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  signals[CHAT_CHOSEN] =
      g_signal_new ("chat-chosen", PARLEY_TYPE_SIDEBAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 2, PARLEY_TYPE_CHAT, G_TYPE_INT64);
}

static void
parley_sidebar_init (ParleySidebar *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_widget_add_css_class (GTK_WIDGET (self), "sidebar-pane");
}

GtkWidget *
parley_sidebar_new (ParleyServices *services, GMenuModel *menu)
{
  ParleySidebar *self = g_object_new (PARLEY_TYPE_SIDEBAR, NULL);
  GtkBox *box = GTK_BOX (self);

  self->chats = g_object_ref (services->chats);
  self->header = parley_header_bar (_ ("Parley"));
  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (self->header), FALSE);
  adw_header_bar_pack_start (
      ADW_HEADER_BAR (self->header),
      parley_icon_button ("list-add-symbolic", _ ("New Chat"), "win.new-chat"));
  GtkWidget *main_menu = parley_menu_button ("open-menu-symbolic", _ ("Main Menu"), menu);
  gtk_menu_button_set_primary (GTK_MENU_BUTTON (main_menu), TRUE);
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), main_menu);
  self->hide =
      parley_icon_button ("sidebar-show-symbolic", _ ("Hide Sidebar"), "win.toggle-sidebar");
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), self->hide);

  self->search = gtk_search_entry_new ();
  gtk_widget_add_css_class (self->search, "sidebar-search");
  g_object_set (self->search, "placeholder-text", _ ("Search chats"), NULL);
  parley_set_accessible_name (self->search, _ ("Search chats"));
  g_signal_connect (self->search, "search-changed", G_CALLBACK (search_changed), self);
  g_signal_connect (self->search, "stop-search", G_CALLBACK (search_stopped), NULL);
  self->places = build_places (self);
  gtk_box_append (box, self->header);
  gtk_box_append (box, self->search);
  gtk_box_append (box, self->places);
  gtk_box_append (box, build_list (self, services->store));
  gtk_box_append (box, build_tasks (services->tasks));
  /* After the list, which was connected first. */
  g_signal_connect_swapped (self->chats, "items-changed", G_CALLBACK (update_stack), self);
  update_stack (self);
  return GTK_WIDGET (self);
}
