/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-folder-header.h"

#include "app/widgets/parley-widgets.h"
#include "chat/parley-chat.h"

#include <glib/gi18n.h>

struct _ParleyFolderHeader {
  GtkBox parent;
  char *name;
};

G_DEFINE_FINAL_TYPE (ParleyFolderHeader, parley_folder_header, GTK_TYPE_BOX)

enum { TOGGLED, N_SIGNALS };
static guint signals[N_SIGNALS];

const char *
parley_folder_header_get_name (ParleyFolderHeader *self)
{
  return self->name;
}

static void
clicked (ParleyFolderHeader *self)
{
  g_signal_emit (self, signals[TOGGLED], 0);
}

static gboolean
dropped (GtkDropTarget *target, const GValue *value, double x, double y, ParleyFolderHeader *self)
{
  parley_chat_set_folder (g_value_get_object (value), self->name);
  return TRUE;
}

static GMenuModel *
menu_for (const char *name)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenuItem) rename = g_menu_item_new (_ ("_Rename Folder…"), NULL);
  g_autoptr (GMenuItem) remove = g_menu_item_new (_ ("Re_move Folder"), NULL);

  g_menu_item_set_action_and_target (rename, "win.rename-folder", "s", name);
  g_menu_item_set_action_and_target (remove, "win.remove-folder", "s", name);
  g_menu_append_item (menu, rename);
  g_menu_append_item (menu, remove);
  return G_MENU_MODEL (menu);
}

static void
finalize (GObject *object)
{
  g_free (PARLEY_FOLDER_HEADER (object)->name);
  G_OBJECT_CLASS (parley_folder_header_parent_class)->finalize (object);
}

static void
parley_folder_header_class_init (ParleyFolderHeaderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  signals[TOGGLED] = g_signal_new ("toggled", PARLEY_TYPE_FOLDER_HEADER, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
parley_folder_header_init (ParleyFolderHeader *self)
{
  gtk_widget_add_css_class (GTK_WIDGET (self), "folder-header");
}

GtkWidget *
parley_folder_header_new (const char *name, gboolean open)
{
  ParleyFolderHeader *self = g_object_new (PARLEY_TYPE_FOLDER_HEADER, NULL);
  GtkWidget *button = gtk_button_new (), *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);
  GtkDropTarget *drop = gtk_drop_target_new (PARLEY_TYPE_CHAT, GDK_ACTION_MOVE);
  g_autoptr (GMenuModel) menu = menu_for (name);
  GtkWidget *more = parley_menu_button ("view-more-symbolic", _ ("Folder Menu"), menu);
  GtkWidget *label = parley_line (name, "caption-heading");

  self->name = g_strdup (name);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_box_append (GTK_BOX (line), parley_icon (open ? "pan-down-symbolic" : "pan-end-symbolic"));
  gtk_box_append (GTK_BOX (line), label);
  gtk_button_set_child (GTK_BUTTON (button), line);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_hexpand (button, TRUE);
  parley_set_accessible_name (button, name);
  gtk_accessible_update_state (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_STATE_EXPANDED, open, -1);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (clicked), self);
  g_signal_connect (drop, "drop", G_CALLBACK (dropped), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drop));
  parley_add_classes (more, "flat circular row-menu");
  gtk_box_append (GTK_BOX (self), button);
  gtk_box_append (GTK_BOX (self), more);
  return GTK_WIDGET (self);
}
