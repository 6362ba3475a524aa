/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-models-page.h"

#include "app/text/parley-format.h"
#include "app/chats/parley-folder-list.h"
#include "app/models/parley-importer.h"
#include "app/models/parley-model-row.h"
#include "app/parley-task-list.h"
#include "app/models/parley-transfer-box.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <string.h>

struct _ParleyModelsPage {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *header, *title, *stack, *downloads, *downloads_title, *tasks, *models, *models_title,
      *notes, *tools, *entry, *sort, *nothing;
  GtkFilter *filter;
  GtkSorter *sorter;
  GListModel *shown;     /* what the list shows of the library, in its order */
  char *amount, *left;   /* "3 models, 12 GB" and "210 GB free", or "" */
  GCancellable *looking; /* at the disk; NULL: not */
  GListModel *work;      /* of ParleyTask: what is under way with models */
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

static gboolean
is_unfinished (ParleyTransfer *transfer)
{
  ParleyTransferState state = parley_transfer_get_state (transfer);

  return state != PARLEY_TRANSFER_DONE && state != PARLEY_TRANSFER_CANCELLED;
}

static void
download_first (GtkButton *button, ParleyModelsPage *self)
{
  parley_downloads_move (self->services->downloads,
                         g_object_get_data (G_OBJECT (button), "parley-transfer"), 0);
}

/* Whether it waits behind others. */
static gboolean
can_come_first (ParleyModelsPage *self, ParleyTransfer *transfer)
{
  GListModel *transfers = G_LIST_MODEL (self->services->downloads);
  ParleyTransferState state = parley_transfer_get_state (transfer);

  if (state != PARLEY_TRANSFER_QUEUED && state != PARLEY_TRANSFER_PAUSED)
    return FALSE;
  for (guint i = 0; i < g_list_model_get_n_items (transfers); i++) {
    g_autoptr (ParleyTransfer) other = g_list_model_get_item (transfers, i);
    if (other == transfer || is_unfinished (other))
      return other != transfer;
  }
  return FALSE;
}

static GtkWidget *
transfer_row (ParleyModelsPage *self, ParleyTransfer *transfer)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 6, "file-row");
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 6, NULL);
  GtkWidget *name = parley_line (parley_transfer_get_name (transfer), "quant-name");
  GtkWidget *first = parley_icon_button ("go-top-symbolic", _ ("Download before the others"), NULL);

  gtk_widget_set_hexpand (name, TRUE);
  parley_add_classes (first, "flat circular");
  g_object_set_data (G_OBJECT (first), "parley-transfer", transfer); /* the box below keeps it */
  g_signal_connect (first, "clicked", G_CALLBACK (download_first), self);
  gtk_widget_set_visible (first, can_come_first (self, transfer));
  gtk_box_append (GTK_BOX (line), name);
  gtk_box_append (GTK_BOX (line), first);
  gtk_box_append (GTK_BOX (box), line);
  gtk_box_append (GTK_BOX (box),
                  parley_line (parley_transfer_get_repo (transfer), "caption dim-label"));
  gtk_box_append (GTK_BOX (box), parley_transfer_box_new (self->services, transfer));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  return row;
}

/* ---- what is searched for, and the order ---- */

static gboolean
matches (gpointer item, gpointer data)
{
  ParleyModelsPage *self = data;
  ParleyModel *model = item;
  g_autofree char *wanted =
      g_utf8_casefold (gtk_editable_get_text (GTK_EDITABLE (self->entry)), -1);
  g_autofree char *facts = parley_model_describe (model);
  g_autofree char *all =
      g_strjoin (" ", parley_model_get_name (model), facts, parley_model_get_repo (model),
                 parley_model_get_file_name (model), NULL);
  g_autofree char *folded = g_utf8_casefold (all, -1);
  g_auto (GStrv) words = g_strsplit (g_strstrip (wanted), " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (strstr (folded, *word) == NULL)
      return FALSE;
  return TRUE;
}

enum { BY_NAME, BY_USE, BY_SIZE, BY_PARAMETERS, BY_AGE };

static guint64
weight (ParleyModel *model, guint order)
{
  switch (order) {
  case BY_USE: return (guint64) parley_model_get_last_used (model);
  case BY_SIZE: return parley_model_get_size (model);
  case BY_PARAMETERS: return parley_model_get_parameters (model);
  case BY_AGE: return (guint64) parley_model_get_modified (model);
  default: return 0;
  }
}

/* Pinned ones first and the one that comes with Parley last, in every order. */
static int
compare (gconstpointer a, gconstpointer b, gpointer data)
{
  ParleyModelsPage *self = data;
  ParleyModel *x = (ParleyModel *) a, *y = (ParleyModel *) b;
  guint order = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->sort));
  int last = parley_model_is_builtin (x) - parley_model_is_builtin (y);
  int pinned = parley_model_is_pinned (y) - parley_model_is_pinned (x);
  guint64 m = weight (x, order), n = weight (y, order);

  if (last != 0 || pinned != 0)
    return last != 0 ? last : pinned;
  if (m != n)
    return m > n ? -1 : 1;
  return g_utf8_collate (parley_model_get_name (x), parley_model_get_name (y));
}

static void
show_nothing (ParleyModelsPage *self)
{
  gboolean some = g_list_model_get_n_items (self->shown) > 0;

  gtk_widget_set_visible (self->models, some);
  gtk_widget_set_visible (self->nothing, !some && g_list_model_get_n_items (
                                                      G_LIST_MODEL (self->services->library)) > 0);
}

void
parley_models_page_start_search (ParleyModelsPage *self)
{
  gtk_widget_grab_focus (self->entry);
}

static void
search_changed (ParleyModelsPage *self)
{
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
  show_nothing (self);
}

static void
sort_changed (ParleyModelsPage *self)
{
  gtk_sorter_changed (self->sorter, GTK_SORTER_CHANGE_DIFFERENT);
}

static GtkWidget *
build_tools (ParleyModelsPage *self)
{
  const char *const orders[] = { _ ("Name"),          _ ("Last Used"),
                                 _ ("Largest First"), _ ("Most Parameters"),
                                 _ ("Newest First"),  NULL };
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  self->entry = gtk_search_entry_new ();
  gtk_widget_set_hexpand (self->entry, TRUE);
  g_object_set (self->entry, "placeholder-text", _ ("Name, family, tag …"), NULL);
  parley_set_accessible_name (self->entry, _ ("Search models on this computer"));
  g_signal_connect_swapped (self->entry, "search-changed", G_CALLBACK (search_changed), self);
  self->sort = gtk_drop_down_new_from_strings (orders);
  parley_name_widget (self->sort, _ ("Order"));
  g_signal_connect_swapped (self->sort, "notify::selected", G_CALLBACK (sort_changed), self);
  gtk_box_append (GTK_BOX (line), self->entry);
  gtk_box_append (GTK_BOX (line), self->sort);
  gtk_widget_set_margin_bottom (line, 12);
  return line;
}

/* ---- how much there is ---- */

static void
show_subtitle (ParleyModelsPage *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  parley_format_add_fact (text, self->amount);
  if (*self->amount != '\0')
    parley_format_add_fact (text, self->left);
  adw_window_title_set_subtitle (ADW_WINDOW_TITLE (self->title), text->str);
}

static void
looked (GObject *folder, GAsyncResult *result, gpointer data)
{
  ParleyModelsPage *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInfo) info =
      g_file_query_filesystem_info_finish (G_FILE (folder), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* the page may be gone */
  g_clear_object (&self->looking);
  g_free (self->left);
  self->left = g_strdup ("");
  if (info != NULL) {
    g_autofree char *size = parley_format_size (
        g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE));
    g_free (self->left);
    self->left = g_strdup_printf (_ ("%s free"), size);
  }
  show_subtitle (self);
}

/* The disk with the models, only while somebody sees what it says; it may take its time. */
static void
look_at_disk (ParleyModelsPage *self)
{
  g_autoptr (GFile) folder =
      g_file_new_for_path (parley_library_get_models_dir (self->services->library));

  if (self->looking != NULL || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->looking = g_cancellable_new ();
  g_file_query_filesystem_info_async (folder, G_FILE_ATTRIBUTE_FILESYSTEM_FREE, G_PRIORITY_DEFAULT,
                                      self->looking, looked, self);
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
  gboolean working = g_list_model_get_n_items (self->work) > 0;
  guint64 bytes = 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    bytes += parley_model_get_size (model);
  }
  g_autofree char *size = parley_format_size (bytes);
  g_free (self->amount);
  self->amount = n > 0 ? g_strdup_printf (ngettext ("%u model, %s", "%u models, %s", n), n, size)
                       : g_strdup ("");
  show_notes (self);
  show_subtitle (self);
  look_at_disk (self);
  gtk_widget_set_visible (self->downloads, downloading);
  gtk_widget_set_visible (self->downloads_title, downloading);
  gtk_widget_set_visible (self->tasks, working);
  gtk_widget_set_visible (self->tools, n > 1);
  gtk_widget_set_visible (self->models_title, n > 0 && (downloading || working));
  show_nothing (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), n > 0 || downloading || working
                                                                 ? "list"
                                                             : loading ? "loading"
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
    g_signal_handlers_disconnect_by_func (transfer, show_downloads, self);
    g_signal_connect_object (transfer, "notify::state", G_CALLBACK (show_downloads), self,
                             G_CONNECT_SWAPPED);
    if (is_unfinished (transfer))
      gtk_list_box_append (GTK_LIST_BOX (self->downloads), transfer_row (self, transfer));
  }
  update (self);
}

/* The rows are made when somebody first looks: there may be hundreds. */
static void
show_models (ParleyModelsPage *self)
{
  g_signal_handlers_disconnect_by_func (self, show_models, NULL);
  gtk_list_box_bind_model (GTK_LIST_BOX (self->models), self->shown, model_row, self, NULL);
}

/* Tags in the rows say which model has a newer version. */
static void
updates_changed (ParleyModelsPage *self)
{
  gtk_list_box_bind_model (GTK_LIST_BOX (self->models), self->shown, model_row, self, NULL);
}

static void
look_for_updates (ParleyModelsPage *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    parley_updates_check (self->services->updates);
}

static void
dispose (GObject *object)
{
  ParleyModelsPage *self = PARLEY_MODELS_PAGE (object);

  g_clear_object (&self->shown);
  g_clear_object (&self->work);
  g_clear_object (&self->filter);
  g_clear_object (&self->sorter);
  if (self->looking != NULL)
    g_cancellable_cancel (self->looking);
  g_clear_object (&self->looking);
  G_OBJECT_CLASS (parley_models_page_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  g_free (PARLEY_MODELS_PAGE (object)->amount);
  g_free (PARLEY_MODELS_PAGE (object)->left);
  G_OBJECT_CLASS (parley_models_page_parent_class)->finalize (object);
}

static void
parley_models_page_class_init (ParleyModelsPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
}

static void
parley_models_page_init (ParleyModelsPage *self)
{
  self->amount = g_strdup ("");
  self->left = g_strdup ("");
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
  adw_header_bar_pack_end (
      ADW_HEADER_BAR (self->header),
      parley_icon_button ("list-add-symbolic", _ ("Find Another Model"), "win.show-discover"));
  self->downloads_title = parley_heading (_ ("Downloads"), "section-title", 2);
  self->downloads = parley_boxed_list ();
  self->models_title = parley_heading (_ ("On This Computer"), "section-title", 2);
  self->models = parley_boxed_list ();
  self->tools = build_tools (self);
  self->filter = GTK_FILTER (gtk_custom_filter_new (matches, self, NULL));
  self->sorter = GTK_SORTER (gtk_custom_sorter_new (compare, self, NULL));
  self->shown = G_LIST_MODEL (gtk_sort_list_model_new (
      G_LIST_MODEL (gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (services->library)),
                                               g_object_ref (self->filter))),
      g_object_ref (self->sorter)));
  self->nothing = parley_label (_ ("Nothing here is called so."), "dim-label");
  self->work = parley_task_list_filter (services->tasks, PARLEY_TASK_WITH_MODELS);
  self->tasks = parley_task_list_new (self->work);
  gtk_widget_set_margin_bottom (self->tasks, 12);
  g_signal_connect (self, "map", G_CALLBACK (show_models), NULL);
  g_signal_connect (self, "map", G_CALLBACK (look_for_updates), NULL);
  g_signal_connect (self, "map", G_CALLBACK (look_at_disk), NULL);
  gtk_box_append (GTK_BOX (body), self->tasks);
  gtk_box_append (GTK_BOX (body), self->downloads_title);
  gtk_box_append (GTK_BOX (body), self->downloads);
  gtk_box_append (GTK_BOX (body), self->models_title);
  gtk_box_append (GTK_BOX (body), self->tools);
  gtk_box_append (GTK_BOX (body), self->models);
  gtk_box_append (GTK_BOX (body), self->nothing);
  self->notes = parley_label ("", "caption dim-label");
  gtk_box_append (GTK_BOX (body), self->notes);
  gtk_box_append (GTK_BOX (body), parley_folder_list_new (services));
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
  g_signal_connect_object (services->library, "notify::loading", G_CALLBACK (look_for_updates),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (look_for_updates), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (self->work, "items-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (services->updates, "changed", G_CALLBACK (updates_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->downloads, "items-changed", G_CALLBACK (show_downloads), self,
                           G_CONNECT_SWAPPED);
  show_downloads (self);
  return GTK_WIDGET (self);
}
