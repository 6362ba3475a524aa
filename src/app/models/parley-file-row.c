/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-file-row.h"

#include "app/text/parley-format.h"
#include "app/models/parley-transfer-box.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "app/widgets/parley-wrap-layout.h"

#include <glib/gi18n.h>

struct _ParleyFileRow {
  GtkListBoxRow parent;
  ParleyServices *services;
  ParleyHubFile *file;
  guint64 parameters;
  GtkWidget *recommended, *wanted, *why, *verdict, *speed, *download, *chat, *progress;
  ParleyTransfer *transfer; /* shown in `progress` */
};

G_DEFINE_FINAL_TYPE (ParleyFileRow, parley_file_row, GTK_TYPE_LIST_BOX_ROW)

ParleyHubFile *
parley_file_row_get_file (ParleyFileRow *self)
{
  return self->file;
}

void
parley_file_row_set_recommended (ParleyFileRow *self, gboolean recommended, const char *why)
{
  gtk_widget_set_visible (self->recommended, recommended);
  gtk_widget_set_visible (self->why, recommended);
  gtk_label_set_text (GTK_LABEL (self->why), recommended ? why : "");
  if (recommended)
    gtk_widget_add_css_class (self->download, "suggested-action");
  else
    gtk_widget_remove_css_class (self->download, "suggested-action");
}

void
parley_file_row_set_wanted (ParleyFileRow *self, gboolean wanted)
{
  gtk_widget_set_visible (self->wanted, wanted);
}

void
parley_file_row_set_busy (ParleyFileRow *self)
{
  parley_verdict_set (PARLEY_VERDICT (self->verdict), PARLEY_SHOWN_UNKNOWN,
                      _ ("Reading its header"));
}

void
parley_file_row_set_forecast (ParleyFileRow *self, const ParleyForecast *forecast)
{
  gboolean rough = forecast->fit != NULL && parley_fit_is_approximate (forecast->fit);
  g_autofree char *words = rough && forecast->words != NULL
                               ? g_strdup_printf ("≈ %s", forecast->words)
                               : g_strdup (forecast->words);
  g_autofree char *why =
      rough ? g_strdup_printf (_ ("%s\nReckoned from another file of this model. Select this one "
                                  "for exact figures."),
                               forecast->why)
            : g_strdup (forecast->why);

  parley_verdict_set (PARLEY_VERDICT (self->verdict), forecast->verdict, words);
  gtk_label_set_text (GTK_LABEL (self->speed), forecast->speed);
  gtk_widget_set_visible (self->speed, *forecast->speed != '\0');
  parley_verdict_set_why (PARLEY_VERDICT (self->verdict), why);
}

/* The model on disk that this file became, or NULL. */
static ParleyModel *
model_of (ParleyFileRow *self)
{
  GListModel *library = G_LIST_MODEL (self->services->library);
  const char *repo = parley_hub_file_get_repo (self->file);
  const char *name = parley_hub_file_get_name (self->file);

  for (guint i = 0; i < g_list_model_get_n_items (library); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    if (g_str_equal (parley_model_get_repo (model), repo) &&
        g_str_equal (parley_model_get_file_name (model), name) &&
        parley_model_get_state (model) != PARLEY_MODEL_INCOMPLETE)
      return model;
  }
  return NULL;
}

static void
show (ParleyFileRow *self)
{
  ParleyTransfer *transfer = parley_downloads_find (self->services->downloads, self->file);
  gboolean here = model_of (self) != NULL;

  if (transfer != self->transfer) {
    GtkWidget *child = gtk_widget_get_first_child (self->progress);
    if (child != NULL)
      gtk_box_remove (GTK_BOX (self->progress), child);
    if (self->transfer != NULL)
      g_signal_handlers_disconnect_by_data (self->transfer, self);
    g_set_object (&self->transfer, transfer);
    if (transfer != NULL) {
      g_signal_connect_object (transfer, "notify::state", G_CALLBACK (show), self,
                               G_CONNECT_SWAPPED);
      gtk_box_append (GTK_BOX (self->progress), parley_transfer_box_new (self->services, transfer));
    }
  }
  gtk_widget_set_visible (self->progress, transfer != NULL && !here);
  gtk_widget_set_visible (self->download, transfer == NULL && !here);
  gtk_widget_set_visible (self->chat, here);
  gtk_widget_set_sensitive (self->download, parley_hub_file_is_complete (self->file));
}

static void
download (GtkButton *button, ParleyFileRow *self)
{
  g_autoptr (GError) error = NULL;

  if (parley_downloads_add (self->services->downloads, self->file, &error) == NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
  show (self);
}

static void
chat (GtkButton *button, ParleyFileRow *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  ParleyModel *model = model_of (self);

  if (model != NULL && PARLEY_IS_WINDOW (root))
    parley_window_new_chat (PARLEY_WINDOW (root), model);
}

static void
dispose (GObject *object)
{
  ParleyFileRow *self = PARLEY_FILE_ROW (object);

  g_clear_object (&self->transfer);
  g_clear_object (&self->file);
  G_OBJECT_CLASS (parley_file_row_parent_class)->dispose (object);
}

static void
parley_file_row_class_init (ParleyFileRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_file_row_init (ParleyFileRow *self)
{
}

/* A box whose children wrap: a narrow window cuts nothing. */
static GtkWidget *
wrapping_box (int spacing)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 0, NULL);

  gtk_widget_set_layout_manager (box, parley_wrap_layout_new (spacing, 3));
  return box;
}

static GtkWidget *
build_facts (ParleyFileRow *self)
{
  GtkWidget *line = wrapping_box (14);
  g_autofree char *size = parley_format_size (parley_hub_file_get_size (self->file));

  self->verdict = parley_verdict_new ();
  self->speed = parley_line ("", "numeric dim-label");
  gtk_widget_set_visible (self->speed, FALSE);
  gtk_box_append (GTK_BOX (line), parley_line (size, "numeric dim-label"));
  if (self->parameters > 0) {
    double bits = (double) parley_hub_file_get_size (self->file) * 8 / (double) self->parameters;
    g_autofree char *text = g_strdup_printf (_ ("%.1f bits per weight"), bits);
    if (bits < 40) /* else the parameters are those of another model of the repository */
      gtk_box_append (GTK_BOX (line), parley_line (text, "numeric dim-label"));
  }
  if (parley_hub_file_get_n_parts (self->file) > 1) {
    g_autofree char *parts =
        g_strdup_printf (_ ("in %u parts"), parley_hub_file_get_n_parts (self->file));
    gtk_box_append (GTK_BOX (line), parley_line (parts, "numeric dim-label"));
  }
  if (!parley_hub_file_is_complete (self->file))
    gtk_box_append (GTK_BOX (line), parley_line (_ ("Parts are missing on the hub"), "error"));
  gtk_box_append (GTK_BOX (line), self->verdict);
  gtk_box_append (GTK_BOX (line), self->speed);
  return line;
}

GtkWidget *
parley_file_row_new (ParleyServices *services, ParleyHubFile *file, guint64 parameters)
{
  ParleyFileRow *self = g_object_new (PARLEY_TYPE_FILE_ROW, NULL);
  GtkWidget *column = parley_box (GTK_ORIENTATION_VERTICAL, 8, "file-row");
  GtkWidget *row = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);
  GtkWidget *first = wrapping_box (10);
  const char *quantisation = parley_hub_file_get_quantisation (file);
  const char *name = *quantisation != '\0' ? quantisation : parley_hub_file_get_name (file);
  g_autofree char *download_name = g_strdup_printf (_ ("Download %s"), name);
  g_autofree char *chat_name = g_strdup_printf (_ ("Chat with %s"), name);

  self->services = services;
  self->file = g_object_ref (file);
  self->parameters = parameters;
  self->wanted = parley_line (_ ("Asked for"), "tag");
  gtk_widget_set_visible (self->wanted, FALSE);
  gtk_widget_set_valign (self->wanted, GTK_ALIGN_CENTER);
  self->why = parley_label ("", "caption dim-label");
  gtk_widget_set_visible (self->why, FALSE);
  self->recommended = parley_line (_ ("Recommended"), "tag recommended");
  gtk_widget_set_visible (self->recommended, FALSE);
  gtk_widget_set_valign (self->recommended, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (first), parley_line (name, "quant-name"));
  gtk_box_append (GTK_BOX (first), self->recommended);
  gtk_box_append (GTK_BOX (first), self->wanted);
  gtk_box_append (GTK_BOX (texts), first);
  gtk_box_append (GTK_BOX (texts), build_facts (self));
  gtk_box_append (GTK_BOX (texts), self->why);
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_widget_set_tooltip_text (first, parley_hub_file_get_name (file));

  self->download = parley_text_button (_ ("Download"), NULL);
  self->chat = parley_text_button (_ ("Chat"), NULL);
  gtk_widget_add_css_class (self->chat, "suggested-action");
  parley_set_accessible_name (self->download, download_name);
  parley_set_accessible_name (self->chat, chat_name);
  parley_set_accessible_name (GTK_WIDGET (self), name);
  g_signal_connect (self->download, "clicked", G_CALLBACK (download), self);
  g_signal_connect (self->chat, "clicked", G_CALLBACK (chat), self);
  self->progress = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  gtk_box_append (GTK_BOX (row), texts);
  gtk_box_append (GTK_BOX (row), self->download);
  gtk_box_append (GTK_BOX (row), self->chat);
  gtk_box_append (GTK_BOX (column), row);
  gtk_box_append (GTK_BOX (column), self->progress);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), column);
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->downloads, "items-changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
