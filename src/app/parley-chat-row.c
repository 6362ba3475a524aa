/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-chat-row.h"

#include "app/parley-widgets.h"

#include <glib/gi18n.h>

struct _ParleyChatRow {
  GtkListBoxRow parent;
  ParleyChat *chat;
  gint64 message;
  GtkWidget *title, *spinner, *menu;
};

G_DEFINE_FINAL_TYPE (ParleyChatRow, parley_chat_row, GTK_TYPE_LIST_BOX_ROW)

ParleyChat *
parley_chat_row_get_chat (ParleyChatRow *self)
{
  return self->chat;
}

gint64
parley_chat_row_get_message (ParleyChatRow *self)
{
  return self->message;
}

static void
show (ParleyChatRow *self)
{
  const char *title = parley_chat_get_title (self->chat);
  gboolean busy = parley_chat_get_state (self->chat) != PARLEY_CHAT_IDLE;

  if (*title == '\0')
    title = _ ("New Chat");
  gtk_label_set_text (GTK_LABEL (self->title), title);
  gtk_widget_set_visible (self->spinner, busy);
  gtk_spinner_set_spinning (GTK_SPINNER (self->spinner), busy);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
}

static GMenuModel *
menu_for (gint64 chat, gboolean pinned)
{
  static const struct {
    const char *label, *action;
  } entries[] = {
    { N_ ("_Rename…"), "win.rename-chat" },
    { N_ ("_Duplicate"), "win.duplicate-chat" },
    { N_ ("D_elete"), "win.delete-chat" },
  };
  GMenu *menu = g_menu_new ();

  g_autoptr (GMenuItem) pin = g_menu_item_new (pinned ? _ ("Un_pin") : _ ("_Pin"), NULL);
  g_menu_item_set_action_and_target (pin, "win.pin-chat", "x", chat);
  g_menu_append_item (menu, pin);
  for (gsize i = 0; i < G_N_ELEMENTS (entries); i++) {
    g_autoptr (GMenuItem) item = g_menu_item_new (_ (entries[i].label), NULL);
    g_menu_item_set_action_and_target (item, entries[i].action, "x", chat);
    g_menu_append_item (menu, item);
  }
  return G_MENU_MODEL (menu);
}

static void
show_menu (ParleyChatRow *self)
{
  g_autoptr (GMenuModel) menu =
      menu_for (parley_chat_get_id (self->chat), parley_chat_get_pinned (self->chat));
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->menu), menu);
}

static void
dispose (GObject *object)
{
  g_clear_object (&PARLEY_CHAT_ROW (object)->chat);
  G_OBJECT_CLASS (parley_chat_row_parent_class)->dispose (object);
}

static void
parley_chat_row_class_init (ParleyChatRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_chat_row_init (ParleyChatRow *self)
{
}

/* What was found stands out by weight; the snippet itself is plain text. */
static GtkWidget *
snippet_label (ParleyChatHit *hit)
{
  GtkWidget *label = parley_line (parley_chat_hit_get_snippet (hit), "caption dim-label");
  g_autoptr (PangoAttrList) list = pango_attr_list_new ();
  guint n;
  const ParleySearchMatch *matches = parley_chat_hit_get_matches (hit, &n);

  for (guint i = 0; i < n; i++) {
    PangoAttribute *bold = pango_attr_weight_new (PANGO_WEIGHT_BOLD);
    bold->start_index = matches[i].start;
    bold->end_index = matches[i].end;
    pango_attr_list_insert (list, bold);
  }
  gtk_label_set_attributes (GTK_LABEL (label), list);
  return label;
}

GtkWidget *
parley_chat_row_new (ParleyChat *chat, ParleyChatHit *hit)
{
  ParleyChatRow *self = g_object_new (PARLEY_TYPE_CHAT_ROW, NULL);
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 6, "chat-row");
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 1, NULL);

  self->chat = g_object_ref (chat);
  self->message = hit != NULL ? parley_chat_hit_get_message (hit) : 0;
  self->title = parley_line ("", NULL);
  self->spinner = gtk_spinner_new ();
  self->menu = parley_menu_button ("view-more-symbolic", _ ("Chat menu"), NULL);
  parley_add_classes (self->menu, "flat circular row-menu");
  gtk_widget_set_valign (texts, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (texts), self->title);
  if (hit != NULL && self->message != 0)
    gtk_box_append (GTK_BOX (texts), snippet_label (hit));
  gtk_box_append (GTK_BOX (box), texts);
  gtk_box_append (GTK_BOX (box), self->spinner);
  gtk_box_append (GTK_BOX (box), self->menu);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), box);
  g_signal_connect_object (chat, "notify::title", G_CALLBACK (show), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (chat, "notify::state", G_CALLBACK (show), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (chat, "notify::pinned", G_CALLBACK (show_menu), self, G_CONNECT_SWAPPED);
  show (self);
  show_menu (self);
  return GTK_WIDGET (self);
}
