/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-discover-page.h"

#include "app/parley-format.h"
#include "app/parley-repo-view.h"
#include "app/parley-widgets.h"
#include "hub/parley-hub-ref.h"

#include <glib/gi18n.h>
#include <string.h>

#define SEARCH_DELAY_MS 350
#define PAGE_SIZE       30

struct _ParleyDiscoverPage {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *header, *back, *title, *stack; /* stack: "search" and "model" */
  GtkWidget *entry, *sort, *results_stack, *results, *more, *error, *nothing;
  ParleyRepoView *repo;
  GCancellable *cancellable;
  char *cursor;
  guint search_id;
  guint asked : 1;
  guint continuing : 1; /* the running search adds to the list */
};

G_DEFINE_FINAL_TYPE (ParleyDiscoverPage, parley_discover_page, GTK_TYPE_BOX)

GtkWidget *
parley_discover_page_get_header (ParleyDiscoverPage *self)
{
  return self->header;
}

/* ---- the two views ---- */

static void
show_search (ParleyDiscoverPage *self)
{
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "search");
  gtk_widget_set_visible (self->back, FALSE);
  adw_window_title_set_title (ADW_WINDOW_TITLE (self->title), _ ("Discover"));
}

static void
show_repo (ParleyDiscoverPage *self, const char *repo, const char *revision)
{
  parley_repo_view_show (self->repo, repo, revision);
  adw_window_title_set_title (ADW_WINDOW_TITLE (self->title), repo);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "model");
  gtk_widget_set_visible (self->back, TRUE);
  gtk_widget_grab_focus (self->back);
}

static void
repo_titled (ParleyRepoView *view, const char *title, ParleyDiscoverPage *self)
{
  adw_window_title_set_title (ADW_WINDOW_TITLE (self->title), title);
}

/* ---- results ---- */

static GtkWidget *
figure (const char *icon, const char *text, const char *name, gboolean may_shrink)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 4, "figure-row");
  GtkWidget *image = gtk_image_new_from_icon_name (icon);

  gtk_widget_add_css_class (image, "dim-label");
  gtk_box_append (GTK_BOX (box), image);
  GtkWidget *label = parley_line (text, "caption dim-label");
  if (!may_shrink)
    gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_NONE);
  gtk_box_append (GTK_BOX (box), label);
  gtk_widget_set_tooltip_text (box, name);
  return box;
}

static GtkWidget *
result_row (ParleyHubModel *model)
{
  GtkWidget *row = gtk_list_box_row_new (),
            *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);
  GtkWidget *figures = parley_box (GTK_ORIENTATION_HORIZONTAL, 14, NULL);
  const char *name = parley_hub_model_get_name (model);
  g_autofree char *parameters = parley_format_parameters (parley_hub_model_get_parameters (model));
  g_autofree char *downloads = parley_format_count (parley_hub_model_get_downloads (model));
  g_autofree char *likes = parley_format_count (parley_hub_model_get_likes (model));
  g_autofree char *days =
      parley_format_days_ago (parley_hub_model_get_updated (model), g_get_real_time () / 1000000);

  gtk_widget_add_css_class (box, "result-row");
  gtk_box_append (GTK_BOX (texts), parley_line (name, "result-name"));
  gtk_box_append (GTK_BOX (texts),
                  parley_line (parley_hub_model_get_author (model), "caption dim-label"));
  if (*parameters != '\0')
    gtk_box_append (GTK_BOX (figures),
                    figure ("parley-models-symbolic", parameters, _ ("Parameters"), FALSE));
  gtk_box_append (GTK_BOX (figures), figure ("parley-download-symbolic", downloads,
                                             _ ("Downloads in the last month"), FALSE));
  gtk_box_append (GTK_BOX (figures),
                  figure ("emblem-favorite-symbolic", likes, _ ("Likes"), FALSE));
  if (*days != '\0')
    gtk_box_append (GTK_BOX (figures),
                    figure ("document-open-recent-symbolic", days, _ ("Updated"), TRUE));
  if (parley_hub_model_get_gate (model) != PARLEY_HUB_OPEN)
    gtk_box_append (GTK_BOX (figures), figure ("changes-prevent-symbolic", "",
                                               _ ("Terms have to be accepted"), FALSE));
  gtk_box_append (GTK_BOX (texts), figures);
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (box), texts);
  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name ("go-next-symbolic"));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  g_object_set_data_full (G_OBJECT (row), "parley-repo",
                          g_strdup (parley_hub_model_get_repo (model)), g_free);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  return row;
}

static void
result_chosen (GtkListBox *list, GtkListBoxRow *row, ParleyDiscoverPage *self)
{
  show_repo (self, g_object_get_data (G_OBJECT (row), "parley-repo"), NULL);
}

static void
show_error (ParleyDiscoverPage *self, const GError *error)
{
  gboolean offline = g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_OFFLINE) ||
                     g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK);

  adw_status_page_set_title (ADW_STATUS_PAGE (self->error),
                             offline ? _ ("No Connection") : _ ("The Hub Did Not Answer"));
  parley_status_page_set_text (self->error, error->message);
  gtk_stack_set_visible_child_name (GTK_STACK (self->results_stack), "error");
}

static void
found (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyDiscoverPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *cursor = NULL;
  g_autoptr (GPtrArray) models =
      parley_hub_search_finish (PARLEY_HUB (source), result, &cursor, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_widget_set_sensitive (self->more, TRUE);
  gtk_widget_set_opacity (self->results, 1);
  if (models == NULL) {
    show_error (self, error);
    return;
  }
  if (!self->continuing)
    parley_box_clear (self->results);
  for (guint i = 0; i < models->len; i++) {
    ParleyHubModel *model = g_ptr_array_index (models, i);
    if (parley_hub_model_can_chat (model))
      gtk_list_box_append (GTK_LIST_BOX (self->results), result_row (model));
  }
  g_free (self->cursor);
  self->cursor = g_steal_pointer (&cursor);
  gtk_widget_set_visible (self->more, self->cursor != NULL);
  gtk_stack_set_visible_child_name (GTK_STACK (self->results_stack),
                                    gtk_widget_get_first_child (self->results) != NULL ? "results"
                                                                                       : "nothing");
}

static void
ask (ParleyDiscoverPage *self, const char *cursor)
{
  static const ParleyHubSort sorts[] = { PARLEY_HUB_SORT_TRENDING, PARLEY_HUB_SORT_DOWNLOADS,
                                         PARLEY_HUB_SORT_LIKES, PARLEY_HUB_SORT_UPDATED };
  guint sort = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->sort));

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->asked = TRUE;
  gtk_widget_set_opacity (self->results, cursor != NULL ? 1 : 0.5); /* of the search before */
  self->continuing = cursor != NULL;
  parley_hub_search_async (self->services->hub, gtk_editable_get_text (GTK_EDITABLE (self->entry)),
                           sorts[MIN (sort, G_N_ELEMENTS (sorts) - 1)], PAGE_SIZE, cursor,
                           self->cancellable, found, g_object_ref (self));
}

static gboolean
search_now (gpointer data)
{
  ParleyDiscoverPage *self = data;

  self->search_id = 0;
  if (gtk_widget_get_first_child (self->results) == NULL)
    gtk_stack_set_visible_child_name (GTK_STACK (self->results_stack), "loading");
  ask (self, NULL);
  return G_SOURCE_REMOVE;
}

static void
search_changed (ParleyDiscoverPage *self)
{
  g_clear_handle_id (&self->search_id, g_source_remove);
  self->search_id = g_timeout_add (SEARCH_DELAY_MS, search_now, self);
}

/* Enter on an address goes straight to the model. */
static void
entry_activated (ParleyDiscoverPage *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  g_autoptr (ParleyHubRef) ref =
      strchr (text, '/') != NULL
          ? parley_hub_ref_parse (text, parley_hub_get_endpoint (self->services->hub), NULL)
          : NULL;

  g_clear_handle_id (&self->search_id, g_source_remove);
  if (ref != NULL)
    show_repo (self, ref->repo, ref->revision);
  else
    search_now (self);
}

static void
show_more (ParleyDiscoverPage *self)
{
  gtk_widget_set_sensitive (self->more, FALSE);
  ask (self, self->cursor);
}

static void
try_again (ParleyDiscoverPage *self)
{
  gtk_stack_set_visible_child_name (GTK_STACK (self->results_stack), "loading");
  ask (self, NULL);
}

void
parley_discover_page_start_search (ParleyDiscoverPage *self)
{
  show_search (self);
  gtk_widget_grab_focus (self->entry);
}

void
parley_discover_page_search (ParleyDiscoverPage *self, const char *text)
{
  show_search (self);
  gtk_editable_set_text (GTK_EDITABLE (self->entry), text);
  entry_activated (self);
}

/* ---- making ---- */

/* The hub is asked only once somebody looks. */
static void
map (GtkWidget *widget)
{
  ParleyDiscoverPage *self = PARLEY_DISCOVER_PAGE (widget);

  GTK_WIDGET_CLASS (parley_discover_page_parent_class)->map (widget);
  if (!self->asked)
    try_again (self);
}

static void
dispose (GObject *object)
{
  ParleyDiscoverPage *self = PARLEY_DISCOVER_PAGE (object);

  g_clear_handle_id (&self->search_id, g_source_remove);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->cursor, g_free);
  G_OBJECT_CLASS (parley_discover_page_parent_class)->dispose (object);
}

static void
parley_discover_page_class_init (ParleyDiscoverPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  GTK_WIDGET_CLASS (klass)->map = map;
}

static GtkWidget *
build_results (ParleyDiscoverPage *self)
{
  GtkWidget *stack = self->results_stack = gtk_stack_new (), *spinner = gtk_spinner_new ();
  GtkWidget *again = parley_pill_button (_ ("Try Again"), NULL, TRUE);
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 18, NULL);

  self->results = parley_boxed_list ();
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->results), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Models found"), -1);
  g_signal_connect (self->results, "row-activated", G_CALLBACK (result_chosen), self);
  self->more = parley_pill_button (_ ("Show More"), NULL, FALSE);
  g_signal_connect_swapped (self->more, "clicked", G_CALLBACK (show_more), self);
  gtk_box_append (GTK_BOX (box), self->results);
  gtk_box_append (GTK_BOX (box), self->more);
  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_size_request (spinner, 32, 32);
  gtk_widget_set_halign (spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (spinner, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (again, "clicked", G_CALLBACK (try_again), self);
  self->error = parley_status_page ("network-offline-symbolic", _ ("No Connection"), "", again);
  self->nothing = parley_status_page (
      "system-search-symbolic", _ ("No Models Found"),
      _ ("Try fewer or other words, or paste the address of a repository."), NULL);
  gtk_stack_add_named (GTK_STACK (stack), parley_page_body (box, 760), "results");
  gtk_stack_add_named (GTK_STACK (stack), spinner, "loading");
  gtk_stack_add_named (GTK_STACK (stack), self->error, "error");
  gtk_stack_add_named (GTK_STACK (stack), self->nothing, "nothing");
  gtk_widget_set_vexpand (stack, TRUE);
  return stack;
}

static GtkWidget *
build_search (ParleyDiscoverPage *self)
{
  static const char *const sorts[] = { N_ ("Trending"), N_ ("Downloads"), N_ ("Likes"),
                                       N_ ("Updated"), NULL };
  const char *translated[G_N_ELEMENTS (sorts)] = { NULL };
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL), *clamp = adw_clamp_new ();
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  for (gsize i = 0; sorts[i] != NULL; i++)
    translated[i] = _ (sorts[i]);
  self->entry = gtk_search_entry_new ();
  gtk_widget_set_hexpand (self->entry, TRUE);
  g_object_set (self->entry, "placeholder-text", _ ("Search, or paste an address"), NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Search models"), -1);
  g_signal_connect_swapped (self->entry, "search-changed", G_CALLBACK (search_changed), self);
  g_signal_connect_swapped (self->entry, "activate", G_CALLBACK (entry_activated), self);
  self->sort = gtk_drop_down_new_from_strings (translated);
  parley_name_widget (self->sort, _ ("Order"));
  g_signal_connect_swapped (self->sort, "notify::selected", G_CALLBACK (search_changed), self);
  gtk_box_append (GTK_BOX (line), self->entry);
  gtk_box_append (GTK_BOX (line), self->sort);
  gtk_widget_set_margin_start (line, 12);
  gtk_widget_set_margin_end (line, 12);
  gtk_widget_set_margin_bottom (line, 6);
  adw_clamp_set_maximum_size (ADW_CLAMP (clamp), 748);
  adw_clamp_set_child (ADW_CLAMP (clamp), line);
  gtk_box_append (GTK_BOX (box), clamp);
  gtk_box_append (GTK_BOX (box), build_results (self));
  return box;
}

static void
parley_discover_page_init (ParleyDiscoverPage *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
}

GtkWidget *
parley_discover_page_new (ParleyServices *services)
{
  ParleyDiscoverPage *self = g_object_new (PARLEY_TYPE_DISCOVER_PAGE, NULL);

  self->services = services;
  self->header = parley_header_bar (_ ("Discover"));
  self->title = adw_window_title_new (_ ("Discover"), NULL);
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (self->header), self->title);
  self->back = parley_icon_button ("go-previous-symbolic", _ ("Back to the search"), NULL);
  gtk_widget_set_visible (self->back, FALSE);
  g_signal_connect_swapped (self->back, "clicked", G_CALLBACK (show_search), self);
  adw_header_bar_pack_start (ADW_HEADER_BAR (self->header), self->back);
  self->repo = PARLEY_REPO_VIEW (parley_repo_view_new (services));
  g_signal_connect (self->repo, "titled", G_CALLBACK (repo_titled), self);
  self->stack = gtk_stack_new ();
  gtk_stack_set_transition_type (GTK_STACK (self->stack),
                                 GTK_STACK_TRANSITION_TYPE_SLIDE_LEFT_RIGHT);
  gtk_stack_add_named (GTK_STACK (self->stack), build_search (self), "search");
  gtk_stack_add_named (GTK_STACK (self->stack), GTK_WIDGET (self->repo), "model");
  gtk_box_append (GTK_BOX (self), self->header);
  gtk_box_append (GTK_BOX (self), self->stack);
  return GTK_WIDGET (self);
}
