/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-shortcuts.h"

#include "app/compat.h"
#include "app/parley-dialog.h"
#include "app/parley-widgets.h"

#include <glib/gi18n.h>

typedef struct {
  const char *label, *keys; /* keys: separated by spaces; NULL label: a heading */
} Entry;

static const Entry entries[] = {
  { NULL, N_ ("Chats") },
  { N_ ("New chat"), "Ctrl N" },
  { N_ ("New temporary chat"), "Ctrl Shift N" },
  { N_ ("Search"), "Ctrl F" },
  { N_ ("Choose a model"), "Ctrl L" },
  { N_ ("Layers and memory"), "Ctrl G" },
  { N_ ("Chat settings"), "Ctrl Shift ," },
  { NULL, N_ ("Writing") },
  { N_ ("Send"), "Enter" },
  { N_ ("New line"), "Shift Enter" },
  { N_ ("Attach files"), "Ctrl Shift A" },
  { N_ ("Stop the reply"), "Esc" },
  { N_ ("Answer again"), "Ctrl R" },
  { N_ ("Edit the last message"), "↑" },
  { N_ ("Previous version"), "Ctrl [" },
  { N_ ("Next version"), "Ctrl ]" },
  { NULL, N_ ("Window") },
  { N_ ("Chats"), "Alt 1" },
  { N_ ("Discover"), "Alt 2" },
  { N_ ("Models"), "Alt 3" },
  { N_ ("Compare"), "Alt 4" },
  { N_ ("This computer"), "Alt 5" },
  { N_ ("Sidebar"), "F9" },
  { N_ ("Main menu"), "F10" },
  { N_ ("Preferences"), "Ctrl ," },
  { N_ ("Keyboard shortcuts"), "Ctrl ?" },
  { N_ ("Help"), "F1" },
  { N_ ("Close the window"), "Ctrl W" },
  { N_ ("Quit"), "Ctrl Q" },
};

static GtkWidget *
entry_row (const Entry *entry)
{
  GtkWidget *row = adw_action_row_new (), *keys = parley_box (GTK_ORIENTATION_HORIZONTAL, 4, NULL);
  g_auto (GStrv) parts = g_strsplit (entry->keys, " ", -1);

  parley_row_set_plain (row);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (entry->label));
  for (guint i = 0; parts[i] != NULL; i++)
    gtk_box_append (GTK_BOX (keys), parley_line (parts[i], "keycap"));
  gtk_widget_set_valign (keys, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), keys);
  return row;
}

void
parley_shortcuts_present (GtkWindow *parent)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL), *list = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (entries); i++) {
    if (entries[i].label == NULL) {
      gtk_box_append (GTK_BOX (box), parley_line (_ (entries[i].keys), "section-title"));
      gtk_box_append (GTK_BOX (box), list = parley_boxed_list ());
      continue;
    }
    gtk_list_box_append (GTK_LIST_BOX (list), entry_row (&entries[i]));
  }
  gtk_window_present (
      parley_dialog_new (parent, _ ("Keyboard Shortcuts"), parley_page_body (box, 480), 480, 620));
}
