/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-export-dialog.h"

#include "app/widgets/parley-dialog.h"
#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <string.h>

#define CHAT_KEY  "parley-chat"
#define CHECK_KEY "parley-check"
#define STEP      100 /* rows at first, and more with each step */
#define FEW       8   /* so many chats need no search */

typedef struct {
  ParleyModel *model;
  GListModel *chats;  /* all */
  GHashTable *chosen; /* of ParleyChat */
  GtkSliceListModel *shown;
  GtkFilter *filter;
  GtkWidget *entry, *count, *more;
  ParleyExportChosen ready;
  gpointer data;
  GDestroyNotify destroy;
} Export;

static void
export_free (gpointer data)
{
  Export *self = data;

  if (self->destroy != NULL)
    self->destroy (self->data);
  g_clear_object (&self->shown);
  g_hash_table_unref (self->chosen);
  g_object_unref (self->chats);
  g_object_unref (self->model);
  g_free (self);
}

static gboolean
is_with (Export *self, ParleyChat *chat)
{
  return g_strcmp0 (parley_chat_get_model (chat), parley_model_get_id (self->model)) == 0;
}

static const char *
title_of (ParleyChat *chat)
{
  const char *title = parley_chat_get_title (chat);

  return *title != '\0' ? title : _ ("New Chat");
}

/* ---- which are listed, and how ---- */

static int
compare (gconstpointer a, gconstpointer b, gpointer data)
{
  ParleyChat *x = (ParleyChat *) a, *y = (ParleyChat *) b;
  int with = is_with (data, y) - is_with (data, x);
  gint64 then = parley_chat_get_updated_at (x), now = parley_chat_get_updated_at (y);

  return with != 0 ? with : then > now ? -1 : then < now;
}

static gboolean
matches (gpointer item, gpointer data)
{
  Export *self = data;
  g_autofree char *wanted =
      g_utf8_casefold (gtk_editable_get_text (GTK_EDITABLE (self->entry)), -1);
  g_autofree char *title = g_utf8_casefold (title_of (item), -1);

  return strstr (title, g_strstrip (wanted)) != NULL;
}

static void
show_more_button (Export *self)
{
  GListModel *all = gtk_slice_list_model_get_model (self->shown);

  gtk_widget_set_visible (self->more, g_list_model_get_n_items (all) >
                                          gtk_slice_list_model_get_size (self->shown));
}

static void
search_changed (Export *self)
{
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
  show_more_button (self);
}

static void
show_more (Export *self)
{
  gtk_slice_list_model_set_size (self->shown, gtk_slice_list_model_get_size (self->shown) + STEP);
  show_more_button (self);
}

static void
show_count (Export *self)
{
  guint n = g_hash_table_size (self->chosen);
  g_autofree char *text =
      n == 0 ? g_strdup (_ ("No chat goes along"))
             : g_strdup_printf (ngettext ("%u chat goes along", "%u chats go along", n), n);

  gtk_label_set_text (GTK_LABEL (self->count), text);
}

static void
toggled (GtkCheckButton *check, Export *self)
{
  ParleyChat *chat = g_object_get_data (G_OBJECT (check), CHAT_KEY);

  if (gtk_check_button_get_active (check))
    g_hash_table_add (self->chosen, g_object_ref (chat));
  else
    g_hash_table_remove (self->chosen, chat);
  show_count (self);
}

static GtkWidget *
chat_row (gpointer item, gpointer data)
{
  Export *self = data;
  ParleyChat *chat = item;
  GtkWidget *row = gtk_list_box_row_new (), *check = gtk_check_button_new ();
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, "file-row");
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
  g_autofree char *day = parley_format_days_ago (parley_chat_get_updated_at (chat) / G_USEC_PER_SEC,
                                                 g_get_real_time () / G_USEC_PER_SEC);
  /* Translators: after it comes when a chat was changed: "today". */
  g_autofree char *with = g_strdup_printf (_ ("With this model · %s"), day);

  gtk_check_button_set_active (GTK_CHECK_BUTTON (check),
                               g_hash_table_contains (self->chosen, chat));
  g_object_set_data_full (G_OBJECT (check), CHAT_KEY, g_object_ref (chat), g_object_unref);
  g_signal_connect (check, "toggled", G_CALLBACK (toggled), self);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  parley_set_accessible_name (check, title_of (chat));
  gtk_box_append (GTK_BOX (texts), parley_line (title_of (chat), NULL));
  gtk_box_append (GTK_BOX (texts),
                  parley_line (is_with (self, chat) ? with : day, "caption dim-label"));
  gtk_box_append (GTK_BOX (line), check);
  gtk_box_append (GTK_BOX (line), texts);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), line);
  g_object_set_data (G_OBJECT (row), CHECK_KEY, check);
  return row;
}

/* A click anywhere in a row. */
static void
activated (GtkListBox *list, GtkListBoxRow *row, gpointer data)
{
  GtkCheckButton *check = g_object_get_data (G_OBJECT (row), CHECK_KEY);

  gtk_check_button_set_active (check, !gtk_check_button_get_active (check));
}

static void
choose_held (Export *self)
{
  guint size = gtk_slice_list_model_get_size (self->shown);

  for (guint i = 0; i < g_list_model_get_n_items (self->chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (self->chats, i);
    if (is_with (self, chat))
      g_hash_table_add (self->chosen, g_steal_pointer (&chat));
  }
  gtk_slice_list_model_set_size (self->shown, 0); /* rows of what is chosen now */
  gtk_slice_list_model_set_size (self->shown, size);
  show_count (self);
}

static guint
count_held (Export *self)
{
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (self->chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (self->chats, i);
    n += is_with (self, chat);
  }
  return n;
}

/* ---- the dialog ---- */

/* In the order of the list, which is theirs in the archive. */
static void
go_on (GtkButton *button, Export *self)
{
  GtkWindow *dialog = GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (button)));
  GPtrArray *chats = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (self->chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (self->chats, i);
    if (g_hash_table_contains (self->chosen, chat))
      g_ptr_array_add (chats, g_steal_pointer (&chat));
  }
  self->ready (chats, self->data);
  gtk_window_close (dialog);
}

static void
build_list (Export *self, GtkWidget *body)
{
  GtkWidget *list = parley_boxed_list ();
  GtkSorter *sorter = GTK_SORTER (gtk_custom_sorter_new (compare, self, NULL));

  self->entry = gtk_search_entry_new ();
  parley_set_accessible_name (self->entry, _ ("Search chats"));
  gtk_widget_set_visible (self->entry, g_list_model_get_n_items (self->chats) > FEW);
  g_signal_connect_swapped (self->entry, "search-changed", G_CALLBACK (search_changed), self);
  self->filter = GTK_FILTER (gtk_custom_filter_new (matches, self, NULL));
  self->shown = gtk_slice_list_model_new (
      G_LIST_MODEL (gtk_sort_list_model_new (
          G_LIST_MODEL (gtk_filter_list_model_new (g_object_ref (self->chats), self->filter)),
          sorter)),
      0, STEP);
  gtk_list_box_bind_model (GTK_LIST_BOX (list), G_LIST_MODEL (self->shown), chat_row, self, NULL);
  g_signal_connect (list, "row-activated", G_CALLBACK (activated), NULL);
  parley_set_accessible_name (list, _ ("Chats to export"));
  self->more = parley_text_button (_ ("Show More"), NULL);
  gtk_widget_set_halign (self->more, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (self->more, "clicked", G_CALLBACK (show_more), self);
  show_more_button (self);
  gtk_box_append (GTK_BOX (body), self->entry);
  gtk_box_append (GTK_BOX (body), list);
  gtk_box_append (GTK_BOX (body), self->more);
}

static GtkWidget *
build (Export *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 12, NULL);
  GtkWidget *held = parley_text_button (_ ("Choose All With This Model"), NULL);
  GtkWidget *bar = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, "dialog-foot");
  GtkWidget *go = parley_text_button (_ ("Export…"), NULL);

  gtk_box_append (GTK_BOX (body),
                  parley_label (_ ("One file takes the model, its card, its name, tags and "
                                   "defaults, and the chats that you choose here. Who gets the "
                                   "file can read them."),
                                NULL));
  gtk_widget_set_halign (held, GTK_ALIGN_START);
  gtk_widget_set_visible (held, count_held (self) > 0);
  g_signal_connect_swapped (held, "clicked", G_CALLBACK (choose_held), self);
  gtk_box_append (GTK_BOX (body), held);
  build_list (self, body);
  GtkWidget *page = parley_page_body (body, 480);
  gtk_widget_set_vexpand (page, TRUE);
  self->count = parley_label ("", "dim-label");
  gtk_widget_set_hexpand (self->count, TRUE);
  show_count (self);
  gtk_widget_add_css_class (go, "suggested-action");
  g_signal_connect (go, "clicked", G_CALLBACK (go_on), self);
  gtk_box_append (GTK_BOX (bar), self->count);
  gtk_box_append (GTK_BOX (bar), go);
  gtk_box_append (GTK_BOX (box), page);
  gtk_box_append (GTK_BOX (box), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  gtk_box_append (GTK_BOX (box), bar);
  return box;
}

void
parley_export_dialog_present (GtkWindow *parent, ParleyServices *services, ParleyModel *model,
                              ParleyExportChosen chosen, gpointer data, GDestroyNotify destroy)
{
  if (g_list_model_get_n_items (G_LIST_MODEL (services->chats)) == 0) {
    chosen (g_ptr_array_new_with_free_func (g_object_unref), data);
    destroy (data);
    return;
  }
  Export *self = g_new0 (Export, 1);
  /* Translators: the name of a model. */
  g_autofree char *title = g_strdup_printf (_ ("Export %s"), parley_model_get_name (model));

  self->model = g_object_ref (model);
  self->chats = g_object_ref (G_LIST_MODEL (services->chats));
  self->chosen = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->ready = chosen;
  self->data = data;
  self->destroy = destroy;
  GtkWindow *dialog = parley_dialog_new (parent, title, build (self), 540, 600);
  g_object_set_data_full (G_OBJECT (dialog), "parley-export", self, export_free);
  gtk_window_present (dialog);
}
