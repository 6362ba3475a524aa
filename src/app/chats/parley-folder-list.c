/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-folder-list.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "library/places.h"

#include <glib/gi18n.h>

#define SETTLE_MS 250 /* between changes of the library and a new look */

struct _ParleyFolderList {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *list;
  GCancellable *looking; /* at the disks of the rows that are there */
  guint settle_id;
};

G_DEFINE_FINAL_TYPE (ParleyFolderList, parley_folder_list, GTK_TYPE_BOX)

void
parley_folder_list_add (ParleyServices *services, GtkWidget *widget, GFile *folder,
                        gboolean managed)
{
  g_autofree char *path = g_file_get_path (folder);
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    parley_window_tell (widget, _ ("Only folders of this computer can hold models."));
  else if (!parley_places_add (services->store,
                               managed ? PARLEY_SETTING_FOLDERS : PARLEY_SETTING_PLACES, path,
                               &error))
    parley_window_tell (widget, error->message);
  else
    parley_library_refresh (services->library);
}

static void show (ParleyFolderList *self);

static void
take_off (GtkButton *button, ParleyFolderList *self)
{
  const char *path = g_object_get_data (G_OBJECT (button), "parley-folder");

  parley_places_remove (self->services->store, path);
  parley_library_refresh (self->services->library);
  show (self);
}

/* What the library has in a folder. */
static guint64
bytes_in (ParleyFolderList *self, const char *folder, guint *n_models)
{
  GListModel *library = G_LIST_MODEL (self->services->library);
  guint64 bytes = 0;

  *n_models = 0;
  for (guint i = 0; i < g_list_model_get_n_items (library); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    if (g_strcmp0 (parley_model_get_folder (model), folder) != 0 || parley_model_is_builtin (model))
      continue;
    bytes += parley_model_get_size (model);
    ++*n_models;
  }
  return bytes;
}

/* ---- how full the disks are: asked apart, for a disk may take its time ---- */

/* One row, for as long as its disk is asked. */
typedef struct {
  GtkWidget *label, *bar;
  char *models; /* "3 models, 12 GB" */
  guint64 ours; /* bytes */
} Look;

static void
look_free (Look *look)
{
  g_object_unref (look->label);
  g_object_unref (look->bar);
  g_free (look->models);
  g_free (look);
}

/* "3 models, 12 GB · other files 300 GB · 188 GB free of 500 GB", and how full the disk is. */
static void
looked (GObject *folder, GAsyncResult *result, gpointer data)
{
  Look *look = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInfo) info =
      g_file_query_filesystem_info_finish (G_FILE (folder), result, &error);
  guint64 size =
      info != NULL ? g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_FILESYSTEM_SIZE) : 0;
  guint64 free =
      info != NULL ? g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE) : 0;

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    guint64 used = size - MIN (free, size);
    g_autofree char *others = parley_format_size (used - MIN (look->ours, used));
    g_autofree char *left = parley_format_size (free), *all = parley_format_size (size);
    g_autofree char *used_by_others = g_strdup_printf (_ ("other files %s"), others);
    g_autofree char *unused = g_strdup_printf (_ ("%s free of %s"), left, all);
    g_autoptr (GString) text = g_string_new (NULL);
    parley_format_add_fact (text, look->models);
    parley_format_add_fact (text, size == 0 ? _ ("its disk is not there") : used_by_others);
    parley_format_add_fact (text, size == 0 ? NULL : unused);
    gtk_label_set_text (GTK_LABEL (look->label), text->str);
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (look->bar),
                                   size > 0 ? (double) used / (double) size : 0);
  }
  look_free (look);
}

static void
add_row (ParleyFolderList *self, const char *folder, gboolean own, gboolean managed)
{
  GtkWidget *row = gtk_list_box_row_new (),
            *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, "file-row");
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL), *bar = gtk_progress_bar_new ();
  g_autofree char *shown = g_filename_display_name (folder);
  guint n_models;
  guint64 ours = bytes_in (self, folder, &n_models);
  g_autofree char *size = parley_format_size (ours);
  g_autofree char *models =
      g_strdup_printf (ngettext ("%u model, %s", "%u models, %s", n_models), n_models, size);
  GtkWidget *name = parley_line (shown, NULL);
  GtkWidget *words = parley_label (models, "caption numeric dim-label");
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  Look *look = g_new0 (Look, 1);

  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
  gtk_widget_set_tooltip_text (name, shown);
  gtk_widget_add_css_class (bar, "slim");
  parley_set_accessible_name (bar, _ ("How full the disk is"));
  gtk_box_append (GTK_BOX (texts), name);
  gtk_box_append (GTK_BOX (texts), bar);
  gtk_box_append (GTK_BOX (texts), words);
  if (!managed)
    gtk_box_append (GTK_BOX (texts), parley_label (_ ("Used in place: Parley changes nothing here"),
                                                   "caption dim-label"));
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (line), texts);
  if (!own) {
    GtkWidget *off =
        parley_icon_button ("list-remove-symbolic", _ ("Take This Folder off the List"), NULL);
    gtk_widget_add_css_class (off, "flat");
    g_object_set_data_full (G_OBJECT (off), "parley-folder", g_strdup (folder), g_free);
    g_signal_connect (off, "clicked", G_CALLBACK (take_off), self);
    gtk_box_append (GTK_BOX (line), off);
  }
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), line);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (self->list), row);
  *look = (Look){ g_object_ref (words), g_object_ref (bar), g_steal_pointer (&models), ours };
  g_file_query_filesystem_info_async (
      file, G_FILE_ATTRIBUTE_FILESYSTEM_FREE "," G_FILE_ATTRIBUTE_FILESYSTEM_SIZE,
      G_PRIORITY_DEFAULT, self->looking, looked, look);
}

static void
show (ParleyFolderList *self)
{
  ParleyStore *store = self->services->store;
  g_auto (GStrv) folders = parley_places_get (store, PARLEY_SETTING_FOLDERS);
  g_auto (GStrv) places = parley_places_get (store, PARLEY_SETTING_PLACES);

  g_clear_handle_id (&self->settle_id, g_source_remove);
  g_cancellable_cancel (self->looking);
  g_object_unref (self->looking);
  self->looking = g_cancellable_new ();
  parley_box_clear (self->list);
  add_row (self, parley_library_get_models_dir (self->services->library), TRUE, TRUE);
  for (char **folder = folders; folder != NULL && *folder != NULL; folder++)
    add_row (self, *folder, FALSE, TRUE);
  for (char **place = places; place != NULL && *place != NULL; place++)
    add_row (self, *place, FALSE, FALSE);
}

static gboolean
settled (gpointer data)
{
  ParleyFolderList *self = data;

  self->settle_id = 0;
  show (self);
  return G_SOURCE_REMOVE;
}

/* Who does not look needs nothing: a look begins with a new list. */
static void
library_changed (ParleyFolderList *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)) && self->settle_id == 0)
    self->settle_id = g_timeout_add (SETTLE_MS, settled, self);
}

static void
dispose (GObject *object)
{
  ParleyFolderList *self = PARLEY_FOLDER_LIST (object);

  g_clear_handle_id (&self->settle_id, g_source_remove);
  g_cancellable_cancel (self->looking);
  G_OBJECT_CLASS (parley_folder_list_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  g_object_unref (PARLEY_FOLDER_LIST (object)->looking);
  G_OBJECT_CLASS (parley_folder_list_parent_class)->finalize (object);
}

static void
parley_folder_list_class_init (ParleyFolderListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
}

static void
parley_folder_list_init (ParleyFolderList *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  self->looking = g_cancellable_new ();
  self->list = parley_boxed_list ();
  parley_set_accessible_name (self->list, _ ("Folders and Space"));
  gtk_box_append (GTK_BOX (self), parley_heading (_ ("Folders and Space"), "section-title", 2));
  gtk_box_append (GTK_BOX (self), self->list);
  /* Free space changes behind our back: every look is a new one. */
  g_signal_connect (self, "map", G_CALLBACK (show), NULL);
}

GtkWidget *
parley_folder_list_new (ParleyServices *services)
{
  ParleyFolderList *self = g_object_new (PARLEY_TYPE_FOLDER_LIST, NULL);

  self->services = services;
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (library_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->library, "scanned", G_CALLBACK (library_changed), self,
                           G_CONNECT_SWAPPED); /* a new folder may be empty */
  return GTK_WIDGET (self);
}
