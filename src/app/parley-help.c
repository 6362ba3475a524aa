/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-help.h"

#include "app/reply/parley-markdown-view.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define GUIDE "/io/github/parleychat/Parley/guide/"

typedef struct {
  const char *name, *title;
} Topic;

static const Topic topics[] = {
  { "start", N_ ("Your First Chat") },
  { "choosing", N_ ("How to Choose a Model") },
  { "memory", N_ ("What the Memory Bar Means") },
  { "slider", N_ ("The Slider, and Speed") },
  { "gpu", N_ ("The Graphics Card Is Not Found") },
  { "files", N_ ("Files and Back-up") },
  { "privacy", N_ ("Privacy and the Network") },
  { "terminal", N_ ("In the Terminal") },
  { "trouble", N_ ("When Something Goes Wrong") },
};

typedef struct {
  GtkWidget *stack, *back, *title; /* of the window */
} Help;

/* The text of a topic in the first of the session's languages that has it. */
static GBytes *
read_topic (const char *name)
{
  const char *const *languages = g_get_language_names ();

  for (gsize i = 0; languages[i] != NULL; i++) {
    g_autofree char *path = g_strconcat (GUIDE, languages[i], "/", name, ".md", NULL);
    GBytes *text = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    if (text != NULL)
      return text;
  }
  g_autofree char *path = g_strconcat (GUIDE, name, ".md", NULL);
  return g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}

static GtkWidget *
topic_page (const Topic *topic)
{
  GtkWidget *view = parley_markdown_view_new ();
  g_autoptr (GBytes) text = read_topic (topic->name);

  if (text != NULL)
    parley_markdown_view_set (PARLEY_MARKDOWN_VIEW (view), g_bytes_get_data (text, NULL),
                              g_bytes_get_size (text), TRUE);
  return parley_page_body (view, 640);
}

static void
show_list (Help *help)
{
  gtk_stack_set_visible_child_name (GTK_STACK (help->stack), "list");
  gtk_widget_set_visible (help->back, FALSE);
  gtk_label_set_text (GTK_LABEL (help->title), _ ("Help"));
}

static void
show_topic (Help *help, const Topic *topic)
{
  if (gtk_stack_get_child_by_name (GTK_STACK (help->stack), topic->name) == NULL)
    gtk_stack_add_named (GTK_STACK (help->stack), topic_page (topic), topic->name);
  gtk_stack_set_visible_child_name (GTK_STACK (help->stack), topic->name);
  gtk_widget_set_visible (help->back, TRUE);
  gtk_label_set_text (GTK_LABEL (help->title), _ (topic->title));
}

static void
row_activated (GtkListBox *list, GtkListBoxRow *row, Help *help)
{
  show_topic (help, &topics[gtk_list_box_row_get_index (row)]);
}

static gboolean
escape (GtkWidget *widget, GVariant *arguments, gpointer window)
{
  gtk_window_close (GTK_WINDOW (window));
  return TRUE;
}

static GtkWidget *
topic_list (Help *help)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL), *list = parley_boxed_list ();

  for (gsize i = 0; i < G_N_ELEMENTS (topics); i++) {
    GtkWidget *row = adw_action_row_new ();
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (topics[i].title));
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), parley_icon ("go-next-symbolic"));
    gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
    gtk_list_box_append (GTK_LIST_BOX (list), row);
  }
  g_signal_connect (list, "row-activated", G_CALLBACK (row_activated), help);
  gtk_box_append (GTK_BOX (box), list);
  return parley_page_body (box, 560);
}

void
parley_help_present (GtkWindow *parent, const char *topic)
{
  Help *help = g_new0 (Help, 1);
  GtkWidget *window = g_object_new (ADW_TYPE_WINDOW, "default-width", 720, "default-height", 640,
                                    "title", _ ("Help"), "transient-for", parent, NULL);
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  GtkWidget *header = adw_header_bar_new ();
  GtkEventController *keys = gtk_shortcut_controller_new ();

  g_object_set_data_full (G_OBJECT (window), "parley-help", help, g_free);
  help->title = parley_line (_ ("Help"), "title");
  help->back = parley_icon_button ("go-previous-symbolic", _ ("All topics"), NULL);
  g_signal_connect_swapped (help->back, "clicked", G_CALLBACK (show_list), help);
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (header), help->title);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), help->back);
  help->stack = gtk_stack_new ();
  gtk_stack_set_transition_type (GTK_STACK (help->stack), GTK_STACK_TRANSITION_TYPE_CROSSFADE);
  gtk_stack_add_named (GTK_STACK (help->stack), topic_list (help), "list");
  gtk_widget_set_vexpand (help->stack, TRUE);
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), help->stack);
  adw_window_set_content (ADW_WINDOW (window), box);
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (keys),
      gtk_shortcut_new (gtk_keyval_trigger_new (GDK_KEY_Escape, 0),
                        gtk_callback_action_new (escape, window, NULL)));
  gtk_widget_add_controller (window, keys);
  show_list (help);
  for (gsize i = 0; topic != NULL && i < G_N_ELEMENTS (topics); i++)
    if (g_str_equal (topics[i].name, topic))
      show_topic (help, &topics[i]);
  gtk_window_present (GTK_WINDOW (window));
}
