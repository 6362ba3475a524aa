/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-repo-files.h"

#include "app/models/parley-file-row.h"
#include "app/models/parley-forecast.h"
#include "app/text/parley-format.h"
#include "app/models/parley-recommend.h"
#include "app/widgets/parley-widgets.h"
#include "hub/quality.h"

#include <glib/gi18n.h>

#define MAX_ROWS 40 /* at first: a repository may have thousands of files */

struct _ParleyRepoFiles {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *notice, *groups, *all, *companions_title, *companions;
  ParleyHubModel *model;
  GPtrArray *sorted;    /* of ParleyHubFile, by quantisation */
  GPtrArray *rows;      /* of ParleyFileRow, borrowed, in the same order */
  GPtrArray *forecasts; /* of ParleyForecast or NULL, in that order too */
  ParleyHubFile *wanted, *usual;
  GCancellable *cancellable;
  guint n_forecast;
  gboolean recommends; /* everything that it takes is known */
};

G_DEFINE_FINAL_TYPE (ParleyRepoFiles, parley_repo_files, GTK_TYPE_BOX)

static guint
bits_of (ParleyHubFile *file)
{
  return parley_quality_bits (parley_hub_file_get_quantisation (file));
}

static int
compare_files (gconstpointer a, gconstpointer b)
{
  ParleyHubFile *x = *(ParleyHubFile **) a, *y = *(ParleyHubFile **) b;
  guint m = bits_of (x), n = bits_of (y);

  if (m != n)
    return m < n ? -1 : 1;
  return (parley_hub_file_get_size (x) > parley_hub_file_get_size (y)) -
         (parley_hub_file_get_size (x) < parley_hub_file_get_size (y));
}

/* ---- what is recommended ---- */

static void
say (ParleyRepoFiles *self, const char *text)
{
  gtk_label_set_text (GTK_LABEL (self->notice), text);
  gtk_widget_set_visible (self->notice, *text != '\0');
}

static void
recommend (ParleyRepoFiles *self)
{
  g_autoptr (GArray) candidates = g_array_new (FALSE, TRUE, sizeof (ParleyCandidate));
  const char *why = "";

  for (guint i = 0; i < self->sorted->len; i++) {
    ParleyHubFile *file = self->sorted->pdata[i];
    const ParleyForecast *forecast = self->forecasts->pdata[i];
    const ParleyCandidate candidate = { parley_hub_file_get_size (file), bits_of (file),
                                        parley_hub_file_is_complete (file), file == self->usual,
                                        forecast != NULL ? forecast->fit : NULL };
    g_array_append_val (candidates, candidate);
  }
  int best = parley_recommend ((const ParleyCandidate *) (gpointer) candidates->data,
                               candidates->len, &why);
  for (guint i = 0; i < self->rows->len; i++)
    if (self->rows->pdata[i] != NULL)
      parley_file_row_set_recommended (self->rows->pdata[i], (int) i == best, why);
  if (best < 0)
    say (self, why);
}

/* ---- verdicts ---- */

static gboolean
is_exact (const ParleyForecast *forecast)
{
  return forecast != NULL && forecast->fit != NULL && !parley_fit_is_approximate (forecast->fit);
}

/* What was read from the file's own header stays when others are reckoned from another one. */
static void
take_forecast (ParleyRepoFiles *self, gpointer file, const ParleyForecast *forecast)
{
  guint i;

  if (!g_ptr_array_find (self->sorted, file, &i))
    return;
  if (!is_exact (self->forecasts->pdata[i]) || is_exact (forecast)) {
    parley_forecast_free (self->forecasts->pdata[i]);
    self->forecasts->pdata[i] = parley_forecast_copy (forecast);
  }
  if (self->rows->pdata[i] != NULL)
    parley_file_row_set_forecast (self->rows->pdata[i], self->forecasts->pdata[i]);
}

static void
one_ready (gpointer file, const ParleyForecast *forecast, gpointer data)
{
  take_forecast (data, file, forecast);
}

static void
forecast_ready (gpointer file, const ParleyForecast *forecast, gpointer data)
{
  ParleyRepoFiles *self = data;

  take_forecast (self, file, forecast);
  if (++self->n_forecast < self->sorted->len)
    return;
  if (forecast->fit != NULL && parley_fit_get_verdict (forecast->fit) == PARLEY_FIT_UNSUPPORTED) {
    g_autofree char *text = g_strdup_printf (_ ("Parley cannot run this model: %s"),
                                             parley_fit_get_sentence (forecast->fit));
    say (self, text);
  } else if (parley_hub_model_can_chat (self->model)) {
    self->recommends = TRUE;
    recommend (self);
  }
}

/* The header of the file that somebody points at is read too: exact instead of scaled. */
static void
pointed_at (GtkListBox *list, GtkListBoxRow *row, ParleyRepoFiles *self)
{
  g_autoptr (GListStore) one = g_list_store_new (PARLEY_TYPE_HUB_FILE);
  ParleyHubFile *file = parley_file_row_get_file (PARLEY_FILE_ROW (row));

  parley_file_row_set_busy (PARLEY_FILE_ROW (row));
  g_list_store_append (one, file);
  parley_forecast_files (self->services, G_LIST_MODEL (one), file, self->cancellable, one_ready,
                         g_object_ref (self), g_object_unref);
}

/* ---- the lists ---- */

static GtkWidget *
add_group (ParleyRepoFiles *self, guint bits)
{
  GtkWidget *list = parley_boxed_list ();
  g_autofree char *count = g_strdup_printf (ngettext ("%u bit", "%u bits", bits), bits);
  const char *words = parley_quality_words (bits);
  g_autoptr (GString) title = g_string_new (NULL);

  parley_format_add_fact (title, bits == 0 ? _ ("Others") : count);
  parley_format_add_fact (title, bits == 0 ? NULL : words);
  gtk_box_append (GTK_BOX (self->groups), parley_heading (title->str, "group-title", 3));
  parley_set_accessible_name (list, title->str);
  g_signal_connect (list, "row-activated", G_CALLBACK (pointed_at), self);
  gtk_box_append (GTK_BOX (self->groups), list);
  return list;
}

static void
add_rows (ParleyRepoFiles *self, guint n)
{
  GtkWidget *list = NULL;
  guint bits = G_MAXUINT;

  parley_box_clear (self->groups);
  for (guint i = 0; i < self->sorted->len; i++) {
    ParleyHubFile *file = self->sorted->pdata[i];
    self->rows->pdata[i] = NULL;
    /* What was asked for, or most people take, is there in any case. */
    if (i >= n && file != self->wanted && file != self->usual)
      continue;
    if (list == NULL || bits_of (file) != bits)
      list = add_group (self, bits = bits_of (file));
    GtkWidget *row =
        parley_file_row_new (self->services, file, parley_hub_model_get_parameters (self->model));
    parley_file_row_set_wanted (PARLEY_FILE_ROW (row), file == self->wanted);
    if (self->forecasts->pdata[i] != NULL)
      parley_file_row_set_forecast (PARLEY_FILE_ROW (row), self->forecasts->pdata[i]);
    gtk_list_box_append (GTK_LIST_BOX (list), row);
    self->rows->pdata[i] = row;
  }
  g_autofree char *label = g_strdup_printf (_ ("Show All %u Files"), self->sorted->len);
  gtk_button_set_label (GTK_BUTTON (self->all), label);
  gtk_widget_set_visible (self->all, self->sorted->len > n);
}

static void
ask_forecasts (ParleyRepoFiles *self)
{
  ParleyHubFile *chosen = self->wanted != NULL ? self->wanted : self->usual;

  self->n_forecast = 0;
  self->recommends = FALSE;
  if (chosen != NULL)
    parley_forecast_files (self->services, parley_hub_model_get_files (self->model), chosen,
                           self->cancellable, forecast_ready, g_object_ref (self), g_object_unref);
}

static void
show_all (ParleyRepoFiles *self)
{
  add_rows (self, G_MAXUINT);
  if (self->recommends)
    recommend (self);
}

static void
add_companions (ParleyRepoFiles *self)
{
  GListModel *files = parley_hub_model_get_companions (self->model);
  guint n = MIN (g_list_model_get_n_items (files), MAX_ROWS);

  parley_box_clear (self->companions);
  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (files, i);
    GtkWidget *row = gtk_list_box_row_new (),
              *box = parley_box (GTK_ORIENTATION_VERTICAL, 2, "file-row");
    GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
    g_autofree char *size = parley_format_size (parley_hub_file_get_size (file));
    GtkWidget *name = parley_line (parley_hub_file_get_name (file), NULL);
    gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
    gtk_widget_set_hexpand (name, TRUE);
    gtk_box_append (GTK_BOX (line), name);
    gtk_box_append (GTK_BOX (line), parley_line (size, "numeric dim-label"));
    gtk_box_append (GTK_BOX (box), line);
    gtk_box_append (GTK_BOX (box),
                    parley_label (parley_hub_file_kind_words (parley_hub_file_get_kind (file)),
                                  "caption dim-label"));
    gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
    gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
    gtk_list_box_append (GTK_LIST_BOX (self->companions), row);
  }
  gtk_widget_set_visible (self->companions, n > 0);
  gtk_widget_set_visible (self->companions_title, n > 0);
}

void
parley_repo_files_show (ParleyRepoFiles *self, ParleyHubModel *model, const char *wanted,
                        GCancellable *cancellable)
{
  GListModel *files = parley_hub_model_get_files (model);
  guint n = g_list_model_get_n_items (files);

  g_set_object (&self->model, model);
  g_set_object (&self->cancellable, cancellable);
  g_ptr_array_set_size (self->sorted, 0);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (self->sorted, g_list_model_get_item (files, i));
  g_ptr_array_sort (self->sorted, compare_files);
  g_ptr_array_set_size (self->rows, 0);
  g_ptr_array_set_size (self->rows, (int) n);
  g_ptr_array_set_size (self->forecasts, 0);
  g_ptr_array_set_size (self->forecasts, (int) n);
  g_clear_object (&self->wanted);
  g_clear_object (&self->usual);
  self->usual = n > 0 ? parley_hub_model_choose (model, NULL, NULL) : NULL;
  self->wanted = n > 0 && wanted != NULL ? parley_hub_model_choose (model, wanted, NULL) : NULL;
  if (self->wanted != NULL && parley_hub_file_get_kind (self->wanted) != PARLEY_HUB_FILE_MODEL)
    g_clear_object (&self->wanted);
  if (n == 0)
    say (self, _ ("There is no model in a GGUF file in this repository, so there is nothing that "
                  "Parley can run."));
  else if (!parley_hub_model_can_chat (model)) {
    g_autofree char *text =
        g_strdup_printf (_ ("This is no model to talk to: its page says it is for “%s”."),
                         parley_hub_model_get_pipeline (model));
    say (self, text);
  } else
    say (self, "");
  add_rows (self, MAX_ROWS);
  add_companions (self);
  ask_forecasts (self);
}

static void
dispose (GObject *object)
{
  ParleyRepoFiles *self = PARLEY_REPO_FILES (object);

  g_clear_object (&self->model);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->wanted);
  g_clear_object (&self->usual);
  G_OBJECT_CLASS (parley_repo_files_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  ParleyRepoFiles *self = PARLEY_REPO_FILES (object);

  g_ptr_array_unref (self->sorted);
  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->forecasts);
  G_OBJECT_CLASS (parley_repo_files_parent_class)->finalize (object);
}

static void
parley_repo_files_class_init (ParleyRepoFilesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
}

static void
parley_repo_files_init (ParleyRepoFiles *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  self->sorted = g_ptr_array_new_with_free_func (g_object_unref);
  self->rows = g_ptr_array_new ();
  self->forecasts = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_forecast_free);
  self->notice = parley_label ("", "notice");
  gtk_widget_set_margin_top (self->notice, 6);
  self->groups = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  self->all = parley_pill_button (_ ("Show All"), NULL, FALSE);
  gtk_widget_set_margin_top (self->all, 12);
  g_signal_connect_swapped (self->all, "clicked", G_CALLBACK (show_all), self);
  self->companions_title = parley_heading (_ ("Goes With Them"), "section-title", 2);
  self->companions = parley_boxed_list ();
  GtkWidget *children[] = { parley_heading (_ ("Files"), "section-title", 2),
                            self->notice,
                            self->groups,
                            self->all,
                            self->companions_title,
                            self->companions };
  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    gtk_box_append (GTK_BOX (self), children[i]);
}

GtkWidget *
parley_repo_files_new (ParleyServices *services)
{
  ParleyRepoFiles *self = g_object_new (PARLEY_TYPE_REPO_FILES, NULL);

  self->services = services;
  return GTK_WIDGET (self);
}
