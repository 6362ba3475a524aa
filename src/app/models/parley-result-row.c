/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-result-row.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"
#include "app/widgets/parley-wrap-layout.h"

#include <glib/gi18n.h>

#define REPO   "parley-repo"
#define WANTED "parley-wanted"

const char *
parley_result_row_get_repo (GtkListBoxRow *row)
{
  return g_object_get_data (G_OBJECT (row), REPO);
}

const char *
parley_result_row_get_wanted (GtkListBoxRow *row)
{
  return g_object_get_data (G_OBJECT (row), WANTED);
}

/* `icon` may be NULL, `text` "". */
static void
add_figure (GtkWidget *figures, const char *icon, const char *text, const char *name)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 4, "figure-row");

  if (icon != NULL) {
    GtkWidget *image = parley_icon (icon);
    gtk_widget_add_css_class (image, "dim-label");
    gtk_box_append (GTK_BOX (box), image);
  }
  if (*text != '\0')
    gtk_box_append (GTK_BOX (box), parley_line (text, "caption dim-label"));
  gtk_widget_set_tooltip_text (box, name);
  gtk_box_append (GTK_BOX (figures), box);
}

static GtkWidget *
new_row (const char *name, const char *below, GtkWidget *figures, const char *repo,
         const char *wanted)
{
  GtkWidget *row = gtk_list_box_row_new (),
            *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, "result-row");
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);

  gtk_box_append (GTK_BOX (texts), parley_line (name, "result-name"));
  gtk_box_append (GTK_BOX (texts), parley_label (below, "caption dim-label"));
  gtk_box_append (GTK_BOX (texts), figures);
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (box), texts);
  gtk_box_append (GTK_BOX (box), parley_icon ("go-next-symbolic"));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  g_object_set_data_full (G_OBJECT (row), REPO, g_strdup (repo), g_free);
  g_object_set_data_full (G_OBJECT (row), WANTED, g_strdup (wanted), g_free);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, below, -1);
  return row;
}

static GtkWidget *
new_figures (void)
{
  GtkWidget *figures = parley_box (GTK_ORIENTATION_HORIZONTAL, 0, NULL);

  gtk_widget_set_layout_manager (figures, parley_wrap_layout_new (14, 3));
  return figures;
}

static void
add_terms (GtkWidget *figures, ParleyHubModel *model)
{
  if (parley_hub_model_get_gate (model) != PARLEY_HUB_OPEN)
    add_figure (figures, "changes-prevent-symbolic", "", _ ("Terms have to be accepted"));
}

GtkWidget *
parley_result_row_new (ParleyHubModel *model, guint64 most)
{
  GtkWidget *figures = new_figures ();
  guint64 n = parley_hub_model_get_parameters (model);
  g_autofree char *parameters = parley_format_parameters (n);
  g_autofree char *downloads = parley_format_count (parley_hub_model_get_downloads (model));
  g_autofree char *likes = parley_format_count (parley_hub_model_get_likes (model));
  g_autofree char *days =
      parley_format_days_ago (parley_hub_model_get_updated (model), g_get_real_time () / 1000000);

  if (*parameters != '\0')
    add_figure (figures, "parley-models-symbolic", parameters, _ ("Parameters"));
  add_figure (figures, "parley-download-symbolic", downloads, _ ("Downloads in the last month"));
  add_figure (figures, "emblem-favorite-symbolic", likes, _ ("Likes"));
  if (*days != '\0')
    add_figure (figures, "document-open-recent-symbolic", days, _ ("Updated"));
  add_terms (figures, model);
  if (n > most)
    add_figure (figures, "parley-toobig-symbolic", _ ("Too large for this computer"),
                _ ("Even with 4 bits for a weight it takes more memory than there is"));
  return new_row (parley_hub_model_get_name (model), parley_hub_model_get_author (model), figures,
                  parley_hub_model_get_repo (model), NULL);
}

GtkWidget *
parley_result_row_new_suggestion (const ParleySuggestion *suggestion, ParleyHubModel *known,
                                  gboolean fits)
{
  GtkWidget *figures = new_figures ();
  g_autofree char *parameters = parley_format_parameters (suggestion->parameters);
  g_autofree char *size = parley_format_size (suggestion->bytes);
  g_autofree char *download = g_strdup_printf ("≈ %s", size);
  const char *words = parley_suggestion_words (suggestion);
  g_autoptr (GString) below = g_string_new (NULL);

  parley_format_add_fact (below, suggestion->maker);
  parley_format_add_fact (below, words);
  add_figure (figures, "parley-models-symbolic", parameters, _ ("Parameters"));
  add_figure (figures, "parley-download-symbolic", download, _ ("Size of the download"));
  add_figure (figures, NULL, parley_format_license (suggestion->license), _ ("Licence"));
  if (known != NULL)
    add_terms (figures, known);
  if (!fits)
    add_figure (figures, "parley-toobig-symbolic", _ ("Too large for this computer"), NULL);
  return new_row (suggestion->name, below->str, figures, suggestion->repo,
                  suggestion->quantisation);
}
