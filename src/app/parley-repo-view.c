/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-repo-view.h"

#include "app/compat.h"
#include "app/parley-file-row.h"
#include "app/parley-forecast.h"
#include "app/parley-format.h"
#include "app/parley-markdown-view.h"
#include "app/parley-widgets.h"

#include <glib/gi18n.h>
#include <string.h>

struct _ParleyRepoView {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *stack, *error, *title, *author, *facts, *gate, *files, *card, *card_title;
  GtkWidget *unsupported;
  char *repo, *revision;
  ParleyHubModel *model;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (ParleyRepoView, parley_repo_view, GTK_TYPE_BOX)

enum { TITLED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
add_fact (GString *facts, const char *text)
{
  if (*text != '\0')
    g_string_append_printf (facts, "%s%s", facts->len > 0 ? " · " : "", text);
}

static void
show_facts (ParleyRepoView *self)
{
  ParleyHubModel *model = self->model;
  guint64 context = parley_hub_model_get_context_length (model);
  const char *license = parley_hub_model_get_license (model);
  g_autofree char *parameters = parley_format_parameters (parley_hub_model_get_parameters (model));
  g_autofree char *loads = parley_format_count (parley_hub_model_get_downloads (model));
  g_autofree char *days =
      parley_format_days_ago (parley_hub_model_get_updated (model), g_get_real_time () / 1000000);
  g_autofree char *tokens = parley_format_tokens ((guint) MIN (context, G_MAXINT));
  g_autofree char *size =
      *parameters != '\0' ? g_strdup_printf (_ ("%s parameters"), parameters) : g_strdup ("");
  g_autofree char *reach =
      context > 0 ? g_strdup_printf (_ ("%s of context"), tokens) : g_strdup ("");
  g_autofree char *terms =
      g_strdup_printf (_ ("Licence: %s"), *license != '\0' ? license : _ ("unknown"));
  g_autofree char *popular = g_strdup_printf (_ ("%s downloads a month"), loads);
  g_autofree char *fresh = *days != '\0' ? g_strdup_printf (_ ("Updated %s"), days) : g_strdup ("");

  g_autoptr (GString) facts = g_string_new (NULL);
  add_fact (facts, size);
  add_fact (facts, parley_hub_model_get_architecture (model));
  add_fact (facts, reach);
  add_fact (facts, terms);
  add_fact (facts, popular);
  add_fact (facts, fresh);
  gtk_label_set_text (GTK_LABEL (self->facts), facts->str);
}

/* ---- verdicts ---- */

static void
forecast_ready (gpointer file, const ParleyForecast *forecast, gpointer data)
{
  ParleyRepoView *self = data;
  GtkWidget *row = gtk_widget_get_first_child (self->files);

  for (; row != NULL; row = gtk_widget_get_next_sibling (row))
    if (parley_file_row_get_file (PARLEY_FILE_ROW (row)) == file)
      parley_file_row_set_verdict (PARLEY_FILE_ROW (row), forecast->verdict, forecast->words,
                                   forecast->speed, forecast->why);
}

static void
show_files (ParleyRepoView *self)
{
  GListModel *files = parley_hub_model_get_files (self->model);
  ParleyHubFile *best = parley_hub_model_choose (self->model, NULL, NULL);
  guint n = g_list_model_get_n_items (files);

  parley_box_clear (self->files);
  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (files, i);
    GtkWidget *row = parley_file_row_new (self->services, file);
    parley_file_row_set_recommended (PARLEY_FILE_ROW (row), file == best);
    gtk_list_box_append (GTK_LIST_BOX (self->files), row);
  }
  if (best != NULL)
    parley_forecast_files (self->services, files, best, self->cancellable, forecast_ready,
                           g_object_ref (self), g_object_unref);
  gtk_widget_set_visible (self->files, n > 0);
  gtk_widget_set_visible (self->unsupported, n == 0);
}

/* ---- asking the hub ---- */

static void
card_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyRepoView) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *card = parley_hub_card_finish (PARLEY_HUB (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_widget_set_visible (self->card_title, card != NULL && *card != '\0');
  gtk_widget_set_visible (self->card, card != NULL && *card != '\0');
  if (card != NULL)
    parley_markdown_view_set (PARLEY_MARKDOWN_VIEW (self->card), card, strlen (card), TRUE);
}

static void
details_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyRepoView) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) model =
      parley_hub_details_finish (PARLEY_HUB (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (model == NULL) {
    parley_status_page_set_text (self->error, error->message);
    gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "error");
    return;
  }
  g_set_object (&self->model, model);
  gtk_label_set_text (GTK_LABEL (self->title), parley_hub_model_get_name (model));
  gtk_label_set_text (GTK_LABEL (self->author), parley_hub_model_get_author (model));
  gtk_widget_set_visible (self->gate, parley_hub_model_get_gate (model) != PARLEY_HUB_OPEN);
  gtk_widget_set_visible (self->card, FALSE);
  gtk_widget_set_visible (self->card_title, FALSE);
  show_facts (self);
  show_files (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "model");
  g_signal_emit (self, signals[TITLED], 0, parley_hub_model_get_name (model));
  parley_hub_card_async (self->services->hub, self->repo, parley_hub_model_get_commit (model),
                         self->cancellable, card_ready, g_object_ref (self));
}

static void
ask (ParleyRepoView *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "loading");
  parley_hub_details_async (self->services->hub, self->repo, self->revision, self->cancellable,
                            details_ready, g_object_ref (self));
}

void
parley_repo_view_show (ParleyRepoView *self, const char *repo, const char *revision)
{
  g_free (self->repo);
  g_free (self->revision);
  self->repo = g_strdup (repo);
  self->revision = g_strdup (revision);
  ask (self);
}

static void
open_page (ParleyRepoView *self)
{
  g_autofree char *address = parley_hub_dup_page_address (self->services->hub, self->repo);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.open-link", "s", address);
}

/* ---- making ---- */

static void
dispose (GObject *object)
{
  ParleyRepoView *self = PARLEY_REPO_VIEW (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->model);
  g_clear_pointer (&self->repo, g_free);
  g_clear_pointer (&self->revision, g_free);
  G_OBJECT_CLASS (parley_repo_view_parent_class)->dispose (object);
}

static void
parley_repo_view_class_init (ParleyRepoViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  signals[TITLED] = g_signal_new ("titled", PARLEY_TYPE_REPO_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static GtkWidget *
build_gate (ParleyRepoView *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, "notice");
  GtkWidget *text = parley_label (_ ("Its owner asks you to accept terms on the model's page, and "
                                     "to use an access token."),
                                  NULL);
  GtkWidget *button = parley_text_button (_ ("Open Page"), NULL);

  gtk_widget_set_hexpand (text, TRUE);
  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name ("changes-prevent-symbolic"));
  gtk_box_append (GTK_BOX (box), text);
  gtk_box_append (GTK_BOX (box), button);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (open_page), self);
  return box;
}

static GtkWidget *
build_model (ParleyRepoView *self)
{
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);

  self->title = parley_label ("", "title-1");
  self->author = parley_label ("", "dim-label");
  self->facts = parley_label ("", "numeric");
  gtk_widget_set_margin_top (self->facts, 8);
  gtk_widget_set_margin_bottom (self->facts, 8);
  self->gate = build_gate (self);
  self->files = parley_boxed_list ();
  self->unsupported = parley_label (
      _ ("There is no GGUF file in this repository, so there is nothing that Parley can run."),
      "notice");
  self->card_title = parley_line (_ ("About This Model"), "section-title");
  self->card = parley_markdown_view_new ();
  gtk_widget_set_margin_start (self->card, 4);
  gtk_widget_set_margin_end (self->card, 4);
  GtkWidget *children[] = { self->title,
                            self->author,
                            self->facts,
                            self->gate,
                            parley_line (_ ("Files"), "section-title"),
                            self->files,
                            self->unsupported,
                            self->card_title,
                            self->card };
  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    gtk_box_append (GTK_BOX (body), children[i]);
  return parley_page_body (body, 760);
}

static void
parley_repo_view_init (ParleyRepoView *self)
{
  GtkWidget *spinner = gtk_spinner_new (),
            *again = parley_pill_button (_ ("Try Again"), NULL, TRUE);

  self->stack = gtk_stack_new ();
  gtk_stack_set_transition_type (GTK_STACK (self->stack), GTK_STACK_TRANSITION_TYPE_CROSSFADE);
  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_size_request (spinner, 32, 32);
  gtk_widget_set_halign (spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (spinner, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (again, "clicked", G_CALLBACK (ask), self);
  self->error = parley_status_page ("network-error-symbolic", _ ("Not Available"), "", again);
  gtk_stack_add_named (GTK_STACK (self->stack), spinner, "loading");
  gtk_stack_add_named (GTK_STACK (self->stack), self->error, "error");
  gtk_stack_add_named (GTK_STACK (self->stack), build_model (self), "model");
  gtk_widget_set_vexpand (self->stack, TRUE);
  gtk_widget_set_hexpand (self->stack, TRUE);
  gtk_box_append (GTK_BOX (self), self->stack);
}

GtkWidget *
parley_repo_view_new (ParleyServices *services)
{
  ParleyRepoView *self = g_object_new (PARLEY_TYPE_REPO_VIEW, NULL);

  self->services = services;
  return GTK_WIDGET (self);
}
