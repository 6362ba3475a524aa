/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-models-page.h"

#include "app/parley-format.h"
#include "app/parley-importer.h"
#include "app/parley-model-row.h"
#include "app/parley-transfer-box.h"
#include "app/parley-widgets.h"

#include <glib/gi18n.h>

struct _ParleyModelsPage {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *header, *title, *stack, *downloads, *downloads_title, *models, *models_title, *notes;
};

G_DEFINE_FINAL_TYPE (ParleyModelsPage, parley_models_page, GTK_TYPE_BOX)

GtkWidget *
parley_models_page_get_header (ParleyModelsPage *self)
{
  return self->header;
}

static GtkWidget *
model_row (gpointer item, gpointer data)
{
  ParleyModelsPage *self = data;

  return parley_model_row_new (self->services, item);
}

static GtkWidget *
transfer_row (ParleyModelsPage *self, ParleyTransfer *transfer)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 6, "file-row");

  gtk_box_append (GTK_BOX (box), parley_line (parley_transfer_get_name (transfer), "quant-name"));
  gtk_box_append (GTK_BOX (box),
                  parley_line (parley_transfer_get_repo (transfer), "caption dim-label"));
  gtk_box_append (GTK_BOX (box), parley_transfer_box_new (self->services, transfer));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  return row;
}

/* "210 GB free", of the disk with the models; "" when it does not tell. */
static char *
dup_free_space (ParleyModelsPage *self)
{
  g_autoptr (GFile) folder =
      g_file_new_for_path (parley_library_get_models_dir (self->services->library));
  g_autoptr (GFileInfo) info =
      g_file_query_filesystem_info (folder, G_FILE_ATTRIBUTE_FILESYSTEM_FREE, NULL, NULL);

  if (info == NULL)
    return g_strdup ("");
  g_autofree char *size = parley_format_size (
      g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE));
  return g_strdup_printf (_ ("%s free"), size);
}

/* Places that could not be looked into. */
static void
show_notes (ParleyModelsPage *self)
{
  GPtrArray *notes = parley_library_get_notes (self->services->library);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < notes->len; i++)
    g_string_append_printf (text, "%s%s.", i > 0 ? "\n" : "", (char *) notes->pdata[i]);
  gtk_label_set_text (GTK_LABEL (self->notes), text->str);
  gtk_widget_set_visible (self->notes, text->len > 0);
}

static void
update (ParleyModelsPage *self)
{
  GListModel *library = G_LIST_MODEL (self->services->library);
  guint n = g_list_model_get_n_items (library);
  gboolean loading = parley_library_is_loading (self->services->library);
  gboolean downloading = gtk_widget_get_first_child (self->downloads) != NULL;
  guint64 bytes = 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    bytes += parley_model_get_size (model);
  }
  g_autofree char *size = parley_format_size (bytes);
  g_autofree char *subtitle =
      n > 0 ? g_strdup_printf (ngettext ("%u model, %s", "%u models, %s", n), n, size)
            : g_strdup ("");
  g_autofree char *free_text = dup_free_space (self);
  g_autofree char *both = *subtitle != '\0' && *free_text != '\0'
                              ? g_strdup_printf ("%s · %s", subtitle, free_text)
                              : g_strdup (subtitle);
  show_notes (self);
  adw_window_title_set_subtitle (ADW_WINDOW_TITLE (self->title), both);
  gtk_widget_set_visible (self->downloads, downloading);
  gtk_widget_set_visible (self->downloads_title, downloading);
  gtk_widget_set_visible (self->models, n > 0);
  gtk_widget_set_visible (self->models_title, n > 0 && downloading);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), n > 0 || downloading ? "list"
                                                             : loading            ? "loading"
                                                                                  : "empty");
}

/* Finished and cancelled downloads leave the list; failed ones stay until somebody decides. */
static void
show_downloads (ParleyModelsPage *self)
{
  GListModel *transfers = G_LIST_MODEL (self->services->downloads);

  parley_box_clear (self->downloads);
  for (guint i = 0; i < g_list_model_get_n_items (transfers); i++) {
    g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (transfers, i);
    ParleyTransferState state = parley_transfer_get_state (transfer);
    g_signal_handlers_disconnect_by_func (transfer, show_downloads, self);
    g_signal_connect_object (transfer, "notify::state", G_CALLBACK (show_downloads), self,
                             G_CONNECT_SWAPPED);
    if (state != PARLEY_TRANSFER_DONE && state != PARLEY_TRANSFER_CANCELLED)
      gtk_list_box_append (GTK_LIST_BOX (self->downloads), transfer_row (self, transfer));
  }
  update (self);
}

/* The rows are made when somebody first looks: there may be hundreds. */
static void
show_models (ParleyModelsPage *self)
{
  g_signal_handlers_disconnect_by_func (self, show_models, NULL);
  gtk_list_box_bind_model (GTK_LIST_BOX (self->models), G_LIST_MODEL (self->services->library),
                           model_row, self, NULL);
}

static void
parley_models_page_class_init (ParleyModelsPageClass *klass)
{
}

static void
parley_models_page_init (ParleyModelsPage *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
}

GtkWidget *
parley_models_page_new (ParleyServices *services)
{
  ParleyModelsPage *self = g_object_new (PARLEY_TYPE_MODELS_PAGE, NULL);
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL), *spinner = gtk_spinner_new ();

  self->services = services;
  self->header = parley_header_bar (_ ("Models"));
  self->title = adw_window_title_new (_ ("Models"), NULL);
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (self->header), self->title);
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), parley_importer_menu_new (services));
  parley_importer_accept_drops (services, GTK_WIDGET (self));
  adw_header_bar_pack_end (
      ADW_HEADER_BAR (self->header),
      parley_icon_button ("list-add-symbolic", _ ("Find Another Model"), "win.show-discover"));
  self->downloads_title = parley_line (_ ("Downloads"), "section-title");
  self->downloads = parley_boxed_list ();
  self->models_title = parley_line (_ ("On This Computer"), "section-title");
  self->models = parley_boxed_list ();
  g_signal_connect (self, "map", G_CALLBACK (show_models), NULL);
  gtk_box_append (GTK_BOX (body), self->downloads_title);
  gtk_box_append (GTK_BOX (body), self->downloads);
  gtk_box_append (GTK_BOX (body), self->models_title);
  gtk_box_append (GTK_BOX (body), self->models);
  self->notes = parley_label ("", "caption dim-label");
  gtk_box_append (GTK_BOX (body), self->notes);
  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_size_request (spinner, 32, 32);
  gtk_widget_set_halign (spinner, GTK_ALIGN_CENTER);
  self->stack = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (self->stack), parley_page_body (body, 760), "list");
  gtk_stack_add_named (GTK_STACK (self->stack), spinner, "loading");
  gtk_stack_add_named (
      GTK_STACK (self->stack),
      parley_status_page ("parley-models-symbolic", _ ("No Models Yet"),
                          _ ("Find one that suits this computer. Everything runs here afterwards, "
                             "also without a connection."),
                          parley_pill_button (_ ("Discover Models"), "win.show-discover", TRUE)),
      "empty");
  gtk_widget_set_vexpand (self->stack, TRUE);
  gtk_box_append (GTK_BOX (self), self->header);
  gtk_box_append (GTK_BOX (self), self->stack);
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (services->library, "notify::loading", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->downloads, "items-changed", G_CALLBACK (show_downloads), self,
                           G_CONNECT_SWAPPED);
  show_downloads (self);
  return GTK_WIDGET (self);
}
