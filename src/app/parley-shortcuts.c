/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-shortcuts.h"

#include "app/compat.h"
#include "app/widgets/parley-dialog.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <string.h>

typedef struct {
  const char *label;
  const char *action;  /* what the keys do in any place; NULL: the widget in question knows them */
  const char *keys[3]; /* the first is shown, the others are for layouts that lack it */
} Shortcut;

typedef struct {
  const char *title;
  Shortcut shortcuts[16];
} Group;

static const Group groups[] = {
  { N_ ("Chats"),
    { { N_ ("New chat"), "win.new-chat", { "<Control>n" } },
      { N_ ("New temporary chat"), "win.temporary-chat", { "<Control><Shift>n" } },
      { N_ ("Search"), "win.find", { "<Control>f" } },
      { N_ ("Next chat"), "win.next-chat", { "<Control>Page_Down" } },
      { N_ ("Previous chat"), "win.previous-chat", { "<Control>Page_Up" } },
      { N_ ("Rename the chat"), "win.rename-chat(int64 0)", { "F2" } },
      { N_ ("Choose a model"), "win.pick-model", { "<Control>l" } },
      { N_ ("Layers and memory"), "win.load-panel", { "<Control>g" } },
      /* With Shift the key gives what the layout has there. */
      { N_ ("Chat settings"),
        "win.chat-settings",
        { "<Control><Shift>comma", "<Control>less", "<Control><Shift>less" } } } },
  { N_ ("Writing"),
    { { N_ ("Send"), NULL, { "Return" } },
      { N_ ("New line"), NULL, { "<Shift>Return" } },
      { N_ ("Attach files"), "win.attach", { "<Control><Shift>a" } },
      { N_ ("Stop the reply"), NULL, { "Escape" } },
      { N_ ("Answer again"), "win.regenerate", { "<Control>r" } },
      { N_ ("Copy the last reply"), "win.copy-reply", { "<Control><Shift>c" } },
      { N_ ("Edit the last message"), NULL, { "Up" } },
      { N_ ("Previous version"), "win.previous-version", { "<Control>bracketleft" } },
      { N_ ("Next version"), "win.next-version", { "<Control>bracketright" } } } },
  { N_ ("Window"),
    { { N_ ("Chats"), "win.show-chats", { "<Alt>1" } },
      { N_ ("Discover"), "win.show-discover", { "<Alt>2" } },
      { N_ ("Models"), "win.show-models", { "<Alt>3" } },
      { N_ ("Compare"), "win.show-compare", { "<Alt>4" } },
      { N_ ("This computer"), "win.show-computer", { "<Alt>5" } },
      { N_ ("Sidebar"), "win.toggle-sidebar", { "F9" } },
      { N_ ("Main menu"), NULL, { "F10" } },
      { N_ ("Preferences"), "win.preferences", { "<Control>comma" } },
      { N_ ("Keyboard shortcuts"), "win.shortcuts", { "<Control>question" } },
      { N_ ("Help"), "win.help('')", { "F1" } },
      { N_ ("Close the window"), "window.close", { "<Control>w" } },
      { N_ ("Quit"), "app.quit", { "<Control>q" } } } },
};

void
parley_shortcuts_install (GtkApplication *application)
{
  for (gsize g = 0; g < G_N_ELEMENTS (groups); g++)
    for (const Shortcut *s = groups[g].shortcuts; s->label != NULL; s++) {
      const char *const keys[] = { s->keys[0], s->keys[1], s->keys[2], NULL };
      if (s->action != NULL)
        gtk_application_set_accels_for_action (application, s->action, keys);
    }
}

/* As it is written on keyboards in the person's language, a word for each key. */
static char **
key_caps (const char *accelerator)
{
  static const struct {
    GdkModifierType modifier;
    guint key; /* whose name stands for it */
  } modifiers[] = { { GDK_CONTROL_MASK, GDK_KEY_Control_L },
                    { GDK_SHIFT_MASK, GDK_KEY_Shift_L },
                    { GDK_ALT_MASK, GDK_KEY_Alt_L } };
  g_autoptr (GStrvBuilder) caps = g_strv_builder_new ();
  GdkModifierType state;
  guint key;

  gtk_accelerator_parse (accelerator, &key, &state);
  for (gsize i = 0; i < G_N_ELEMENTS (modifiers); i++)
    if (state & modifiers[i].modifier) {
      /* "Ctrl+A" without the last two bytes. */
      g_autofree char *label = gtk_accelerator_get_label (GDK_KEY_A, modifiers[i].modifier);
      label[MAX (strlen (label), 2) - 2] = '\0';
      g_strv_builder_add (caps, label);
    }
  g_autofree char *label = gtk_accelerator_get_label (key, 0);
  g_strv_builder_add (caps, label);
  return g_strv_builder_end (caps);
}

static GtkWidget *
shortcut_row (const Shortcut *shortcut)
{
  GtkWidget *row = adw_action_row_new (), *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 4, NULL);
  g_auto (GStrv) caps = key_caps (shortcut->keys[0]);

  parley_row_set_plain (row);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (shortcut->label));
  for (guint i = 0; caps[i] != NULL; i++) {
    GtkWidget *cap = parley_line (caps[i], "keycap");
    gtk_label_set_xalign (GTK_LABEL (cap), 0.5f);
    gtk_box_append (GTK_BOX (box), cap);
  }
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), box);
  return row;
}

void
parley_shortcuts_present (GtkWindow *parent)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  for (gsize g = 0; g < G_N_ELEMENTS (groups); g++) {
    GtkWidget *list = parley_boxed_list ();
    for (const Shortcut *s = groups[g].shortcuts; s->label != NULL; s++)
      gtk_list_box_append (GTK_LIST_BOX (list), shortcut_row (s));
    gtk_box_append (GTK_BOX (box), parley_heading (_ (groups[g].title), "section-title", 2));
    gtk_box_append (GTK_BOX (box), list);
  }
  gtk_window_present (
      parley_dialog_new (parent, _ ("Keyboard Shortcuts"), parley_page_body (box, 480), 480, 620));
}
