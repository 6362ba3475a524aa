/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-chat-row.h"

#include "app/chats/parley-chat-menu.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

struct _ParleyChatRow {
  GtkListBoxRow parent;
  ParleyChat *chat;
  gint64 message;
  GtkWidget *box, *title;
  GtkWidget *spinner, *menu; /* NULL until they are needed: there may be thousands of rows */
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
show_busy (ParleyChatRow *self)
{
  ParleyChatState state = parley_chat_get_state (self->chat);
  gboolean busy = state != PARLEY_CHAT_IDLE && state != PARLEY_CHAT_NEEDS_ROOM;

  if (self->spinner == NULL && !busy)
    return;
  if (self->spinner == NULL) {
    self->spinner = gtk_spinner_new ();
    gtk_box_insert_child_after (GTK_BOX (self->box), self->spinner,
                                gtk_widget_get_first_child (self->box));
  }
  gtk_widget_set_visible (self->spinner, busy);
  gtk_spinner_set_spinning (GTK_SPINNER (self->spinner), busy);
}

static void
show (ParleyChatRow *self)
{
  const char *title = parley_chat_get_title (self->chat);

  if (*title == '\0')
    title = _ ("New Chat");
  gtk_label_set_text (GTK_LABEL (self->title), title);
  parley_set_accessible_name (GTK_WIDGET (self), title);
  show_busy (self);
}

static void
fill_menu (GtkMenuButton *button, gpointer data)
{
  g_autoptr (GMenuModel) menu = parley_chat_menu_new (PARLEY_CHAT_ROW (data)->chat, FALSE);

  gtk_menu_button_set_menu_model (button, menu);
}

void
parley_chat_row_show_button (ParleyChatRow *self)
{
  if (self->menu != NULL)
    return;
  self->menu = parley_menu_button ("view-more-symbolic", _ ("Chat menu"), NULL);
  parley_add_classes (self->menu, "flat circular row-menu");
  gtk_menu_button_set_create_popup_func (GTK_MENU_BUTTON (self->menu), fill_menu, self, NULL);
  gtk_box_append (GTK_BOX (self->box), self->menu);
}

void
parley_chat_row_popup (ParleyChatRow *self)
{
  parley_chat_row_show_button (self);
  gtk_menu_button_popup (GTK_MENU_BUTTON (self->menu));
}

void
parley_chat_row_set_folded (ParleyChatRow *self, gboolean folded)
{
  /* Not the row itself: its header stays. */
  gtk_widget_set_visible (self->box, !folded);
  gtk_widget_set_can_focus (GTK_WIDGET (self), !folded);
  if (folded)
    gtk_widget_add_css_class (GTK_WIDGET (self), "folded-away");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "folded-away");
}

static void
flags_changed (GtkWidget *widget, GtkStateFlags before)
{
  GtkStateFlags wanted = GTK_STATE_FLAG_SELECTED | GTK_STATE_FLAG_FOCUS_VISIBLE;

  GTK_WIDGET_CLASS (parley_chat_row_parent_class)->state_flags_changed (widget, before);
  if ((gtk_widget_get_state_flags (widget) & wanted) != 0)
    parley_chat_row_show_button (PARLEY_CHAT_ROW (widget));
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
  GTK_WIDGET_CLASS (klass)->state_flags_changed = flags_changed;
}

static void
parley_chat_row_init (ParleyChatRow *self)
{
}

/* What was found stands out by weight; the snippet itself is plain text. */
static GtkWidget *
snippet_label (ParleyChatHit *hit)
{
  GtkWidget *label = parley_label (parley_chat_hit_get_snippet (hit), "caption dim-label");
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
  gtk_label_set_lines (GTK_LABEL (label), 2);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  return label;
}

GtkWidget *
parley_chat_row_new (ParleyChat *chat, ParleyChatHit *hit)
{
  ParleyChatRow *self = g_object_new (PARLEY_TYPE_CHAT_ROW, NULL);
  GtkWidget *lead;

  self->box = parley_box (GTK_ORIENTATION_HORIZONTAL, 6, "chat-row");
  self->chat = g_object_ref (chat);
  self->message = hit != NULL ? parley_chat_hit_get_message (hit) : 0;
  lead = self->title = parley_line ("", NULL);
  if (hit != NULL && self->message != 0) {
    lead = parley_box (GTK_ORIENTATION_VERTICAL, 1, NULL);
    gtk_widget_set_valign (lead, GTK_ALIGN_CENTER);
    gtk_box_append (GTK_BOX (lead), self->title);
    gtk_box_append (GTK_BOX (lead), snippet_label (hit));
  }
  gtk_widget_set_hexpand (lead, TRUE);
  gtk_box_append (GTK_BOX (self->box), lead);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), self->box);
  g_signal_connect_object (chat, "notify::title", G_CALLBACK (show), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (chat, "notify::state", G_CALLBACK (show_busy), self, G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
