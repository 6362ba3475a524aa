/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-repo-view.h"

#include "app/compat.h"
#include "app/text/parley-format.h"
#include "app/reply/parley-markdown-view.h"
#include "app/models/parley-repo-files.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <string.h>

struct _ParleyRepoView {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *stack, *error, *error_page, *title, *author, *facts, *base, *gate, *gate_words;
  GtkWidget *files, *card, *card_title;
  char *repo, *revision, *wanted;
  ParleyHubModel *model;
  ParleyHubModel *base_model; /* looked up for its licence; NULL: not known */
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (ParleyRepoView, parley_repo_view, GTK_TYPE_BOX)

enum { TITLED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* The licence of the model that this one was made from, where its own page names none. */
static void
add_base_terms (ParleyRepoView *self, GString *facts)
{
  const char *license = parley_hub_model_get_license (self->base_model);
  /* Translators: "Licence: Apache 2.0 (of org/name)". */
  g_autofree char *terms = g_strdup_printf (
      _ ("Licence: %s (of %s)"), *license != '\0' ? parley_format_license (license) : _ ("unknown"),
      parley_hub_model_get_repo (self->base_model));

  parley_format_add_fact (facts, terms);
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
  g_autofree char *terms = g_strdup_printf (
      _ ("Licence: %s"), *license != '\0' ? parley_format_license (license) : _ ("unknown"));
  g_autofree char *popular = g_strdup_printf (_ ("%s downloads a month"), loads);
  g_autofree char *fresh = *days != '\0' ? g_strdup_printf (_ ("Updated %s"), days) : g_strdup ("");

  g_autoptr (GString) facts = g_string_new (NULL);
  parley_format_add_fact (facts, size);
  parley_format_add_fact (facts, parley_hub_model_get_architecture (model));
  parley_format_add_fact (facts, reach);
  if (*license != '\0' || self->base_model == NULL)
    parley_format_add_fact (facts, terms);
  else
    add_base_terms (self, facts);
  parley_format_add_fact (facts, popular);
  parley_format_add_fact (facts, fresh);
  gtk_label_set_text (GTK_LABEL (self->facts), facts->str);
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
base_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyRepoView) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) base = parley_hub_look_up_finish (PARLEY_HUB (source), result, &error);

  if (base == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_set_object (&self->base_model, base);
  show_facts (self);
}

/* What it was made from, and the way there. */
static void
show_base (ParleyRepoView *self)
{
  const char *base = parley_hub_model_get_base_model (self->model);
  g_autofree char *text = g_strdup_printf (_ ("Made from %s"), base);

  g_clear_object (&self->base_model);
  gtk_button_set_label (GTK_BUTTON (self->base), text);
  gtk_widget_set_visible (self->base, *base != '\0');
  if (*base != '\0' && *parley_hub_model_get_license (self->model) == '\0')
    parley_hub_look_up_async (self->services->hub, base, self->cancellable, base_ready,
                              g_object_ref (self));
}

static void
show_gate (ParleyRepoView *self)
{
  ParleyHubGate gate = parley_hub_model_get_gate (self->model);
  const char *first = gate == PARLEY_HUB_GATED_MANUAL
                          ? _ ("Its owner decides on each request for access, which you make on "
                               "the model's page.")
                          : _ ("Its owner asks you to accept terms on the model's page.");
  const char *then = parley_hub_has_token (self->services->hub)
                         ? _ ("Do so with the account that your access token belongs to.")
                         : _ ("Downloading then needs an access token of your account: enter it in "
                              "the preferences.");
  g_autofree char *text = g_strdup_printf ("%s %s", first, then);

  gtk_label_set_text (GTK_LABEL (self->gate_words), text);
  gtk_widget_set_visible (self->gate, gate != PARLEY_HUB_OPEN);
}

static void
show_error (ParleyRepoView *self, const GError *error)
{
  static const ParleyHubError closed[] = { PARLEY_HUB_ERROR_GATED, PARLEY_HUB_ERROR_NOT_FOUND,
                                           PARLEY_HUB_ERROR_UNAUTHORISED,
                                           PARLEY_HUB_ERROR_FORBIDDEN };
  gboolean page = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (closed); i++)
    page |= g_error_matches (error, PARLEY_HUB_ERROR, (int) closed[i]);
  gtk_widget_set_visible (self->error_page, page);
  parley_status_page_set_text (self->error, error->message);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "error");
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
    show_error (self, error);
    return;
  }
  g_set_object (&self->model, model);
  gtk_label_set_text (GTK_LABEL (self->title), parley_hub_model_get_name (model));
  gtk_label_set_text (GTK_LABEL (self->author), parley_hub_model_get_author (model));
  show_gate (self);
  show_base (self);
  gtk_widget_set_visible (self->card, FALSE);
  gtk_widget_set_visible (self->card_title, FALSE);
  show_facts (self);
  parley_repo_files_show (PARLEY_REPO_FILES (self->files), model, self->wanted, self->cancellable);
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
parley_repo_view_show (ParleyRepoView *self, const char *repo, const char *revision,
                       const char *wanted)
{
  g_free (self->repo);
  g_free (self->revision);
  g_free (self->wanted);
  self->wanted = g_strdup (wanted);
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

static void
open_base (ParleyRepoView *self)
{
  g_autofree char *address = parley_hub_dup_page_address (
      self->services->hub, parley_hub_model_get_base_model (self->model));
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
  g_clear_object (&self->base_model);
  g_clear_pointer (&self->wanted, g_free);
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
  GtkWidget *text = self->gate_words = parley_label ("", NULL);
  GtkWidget *button = parley_text_button (_ ("Open Page"), NULL);

  gtk_widget_set_hexpand (text, TRUE);
  gtk_box_append (GTK_BOX (box), parley_icon ("changes-prevent-symbolic"));
  gtk_box_append (GTK_BOX (box), text);
  gtk_box_append (GTK_BOX (box), button);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (open_page), self);
  return box;
}

static GtkWidget *
build_model (ParleyRepoView *self)
{
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);

  self->title = parley_heading ("", "title-1", 1);
  self->author = parley_label ("", "dim-label");
  self->facts = parley_label ("", "numeric");
  gtk_widget_set_margin_top (self->facts, 8);
  gtk_widget_set_margin_bottom (self->facts, 8);
  self->gate = build_gate (self);
  self->base = parley_text_button (_ ("Base model"), NULL);
  GtkLabel *base = GTK_LABEL (gtk_button_get_child (GTK_BUTTON (self->base)));
  gtk_label_set_wrap_mode (base, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (base, 0);
  gtk_label_set_justify (base, GTK_JUSTIFY_LEFT);
  parley_add_classes (self->base, "flat base-link");
  gtk_widget_set_halign (self->base, GTK_ALIGN_START);
  g_signal_connect_swapped (self->base, "clicked", G_CALLBACK (open_base), self);
  self->files = parley_repo_files_new (self->services);
  self->card_title = parley_heading (_ ("About This Model"), "section-title", 2);
  self->card = parley_markdown_view_new ();
  gtk_widget_set_margin_start (self->card, 4);
  gtk_widget_set_margin_end (self->card, 4);
  GtkWidget *children[] = { self->title, self->author, self->facts,      self->base,
                            self->gate,  self->files,  self->card_title, self->card };
  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    gtk_box_append (GTK_BOX (body), children[i]);
  return parley_page_body (body, 760);
}

static void
parley_repo_view_init (ParleyRepoView *self)
{
}

static GtkWidget *
build_error (ParleyRepoView *self)
{
  GtkWidget *again = parley_pill_button (_ ("Try Again"), NULL, TRUE);
  GtkWidget *buttons = parley_box (GTK_ORIENTATION_VERTICAL, 12, NULL);

  self->error_page = parley_pill_button (_ ("Open Page"), NULL, FALSE);
  g_signal_connect_swapped (again, "clicked", G_CALLBACK (ask), self);
  g_signal_connect_swapped (self->error_page, "clicked", G_CALLBACK (open_page), self);
  gtk_box_append (GTK_BOX (buttons), again);
  gtk_box_append (GTK_BOX (buttons), self->error_page);
  return parley_status_page ("network-error-symbolic", _ ("Not Available"), "", buttons);
}

static void
build (ParleyRepoView *self)
{
  GtkWidget *spinner = gtk_spinner_new ();

  self->stack = gtk_stack_new ();
  gtk_stack_set_transition_type (GTK_STACK (self->stack), GTK_STACK_TRANSITION_TYPE_CROSSFADE);
  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_size_request (spinner, 32, 32);
  gtk_widget_set_halign (spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (spinner, GTK_ALIGN_CENTER);
  self->error = build_error (self);
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
  build (self);
  return GTK_WIDGET (self);
}
