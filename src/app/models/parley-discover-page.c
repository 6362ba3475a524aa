/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-discover-page.h"

#include "app/models/parley-discover-filters.h"
#include "app/models/parley-repo-view.h"
#include "app/models/parley-result-row.h"
#include "app/models/parley-suggestion-list.h"
#include "app/models/parley-suggestions.h"
#include "app/widgets/parley-widgets.h"
#include "hub/parley-hub-ref.h"

#include <glib/gi18n.h>
#include <string.h>

#define SEARCH_DELAY_MS 350
#define PAGE_SIZE       30

struct _ParleyDiscoverPage {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *header, *back, *title, *stack; /* stack: "search" and "model" */
  GtkWidget *entry, *sort, *filters, *filters_button, *results_stack, *results, *more, *error;
  GtkWidget *nothing, *suggestions, *results_title;
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
show_repo (ParleyDiscoverPage *self, const char *repo, const char *revision, const char *wanted)
{
  parley_repo_view_show (self->repo, repo, revision, wanted);
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

static void
result_chosen (GtkListBox *list, GtkListBoxRow *row, ParleyDiscoverPage *self)
{
  show_repo (self, parley_result_row_get_repo (row), NULL, parley_result_row_get_wanted (row));
}

static void
suggestion_chosen (ParleySuggestionList *list, GtkListBoxRow *row, ParleyDiscoverPage *self)
{
  result_chosen (NULL, row, self);
}

/* Suggestions are for who has not said yet what to look for. */
static void
show_suggestions (ParleyDiscoverPage *self)
{
  ParleyHubFilter filter;
  gboolean blank = *gtk_editable_get_text (GTK_EDITABLE (self->entry)) == '\0';

  parley_discover_filters_get (PARLEY_DISCOVER_FILTERS (self->filters), &filter);
  blank = blank && parley_hub_filter_is_empty (&filter);
  gtk_widget_set_visible (self->suggestions, blank);
  gtk_widget_set_visible (self->results_title, blank);
  if (blank)
    parley_suggestion_list_look_up (PARLEY_SUGGESTION_LIST (self->suggestions));
}

static void
show_error (ParleyDiscoverPage *self, const GError *error)
{
  gboolean offline = g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_OFFLINE) ||
                     g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK);

  adw_status_page_set_title (ADW_STATUS_PAGE (self->error),
                             offline ? _ ("No Connection") : _ ("The Search Failed"));
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
  guint64 most = parley_memory_parameters (parley_memory_for_models (self->services->hardware));
  if (!self->continuing)
    parley_box_clear (self->results);
  for (guint i = 0; i < models->len; i++) {
    ParleyHubModel *model = g_ptr_array_index (models, i);
    if (parley_hub_model_can_chat (model))
      gtk_list_box_append (GTK_LIST_BOX (self->results), parley_result_row_new (model, most));
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
  show_suggestions (self);
  ParleyHubFilter filter;
  parley_discover_filters_get (PARLEY_DISCOVER_FILTERS (self->filters), &filter);
  parley_hub_search_async (self->services->hub, gtk_editable_get_text (GTK_EDITABLE (self->entry)),
                           sorts[MIN (sort, G_N_ELEMENTS (sorts) - 1)], &filter, PAGE_SIZE, cursor,
                           self->cancellable, found, g_object_ref (self));
}

/* What names one repository, and cannot be words to search for: "org/name:Q4_K_M", an address. */
static gboolean
go_to_reference (ParleyDiscoverPage *self, gboolean short_too)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  g_autoptr (ParleyHubRef) ref =
      strchr (text, '/') != NULL && (short_too || parley_hub_ref_is_clear (text))
          ? parley_hub_ref_parse (text, parley_hub_get_endpoint (self->services->hub), NULL)
          : NULL;

  if (ref != NULL)
    show_repo (self, ref->repo, ref->revision, ref->file != NULL ? ref->file : ref->quantisation);
  return ref != NULL;
}

static gboolean
search_now (gpointer data)
{
  ParleyDiscoverPage *self = data;

  self->search_id = 0;
  if (go_to_reference (self, FALSE))
    return G_SOURCE_REMOVE;
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

/* Enter on "org/name" goes straight to the model. */
static void
entry_activated (ParleyDiscoverPage *self)
{
  g_clear_handle_id (&self->search_id, g_source_remove);
  if (!go_to_reference (self, TRUE))
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
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  self->results = parley_boxed_list ();
  parley_set_accessible_name (self->results, _ ("Models found"));
  g_signal_connect (self->results, "row-activated", G_CALLBACK (result_chosen), self);
  self->more = parley_pill_button (_ ("Show More"), NULL, FALSE);
  g_signal_connect_swapped (self->more, "clicked", G_CALLBACK (show_more), self);
  self->suggestions = parley_suggestion_list_new (self->services);
  g_signal_connect (self->suggestions, "chosen", G_CALLBACK (suggestion_chosen), self);
  self->results_title = parley_heading (_ ("On the Hub"), "section-title", 2);
  gtk_box_append (GTK_BOX (box), self->suggestions);
  gtk_box_append (GTK_BOX (box), self->results_title);
  gtk_box_append (GTK_BOX (box), self->results);
  gtk_widget_set_margin_top (self->more, 18);
  gtk_box_append (GTK_BOX (box), self->more);
  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_size_request (spinner, 32, 32);
  gtk_widget_set_halign (spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (spinner, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (again, "clicked", G_CALLBACK (try_again), self);
  self->error = parley_status_page ("network-offline-symbolic", _ ("No Connection"), "", again);
  self->nothing = parley_status_page (
      "system-search-symbolic", _ ("No Models Found"),
      _ ("Try fewer or other words, clear the filters, or paste the address of a repository."),
      NULL);
  gtk_stack_add_named (GTK_STACK (stack), parley_page_body (box, 760), "results");
  gtk_stack_add_named (GTK_STACK (stack), spinner, "loading");
  gtk_stack_add_named (GTK_STACK (stack), self->error, "error");
  gtk_stack_add_named (GTK_STACK (stack), self->nothing, "nothing");
  gtk_widget_set_vexpand (stack, TRUE);
  return stack;
}

static void
filters_changed (ParleyDiscoverPage *self)
{
  ParleyHubFilter filter;

  parley_discover_filters_get (PARLEY_DISCOVER_FILTERS (self->filters), &filter);
  if (parley_hub_filter_is_empty (&filter))
    gtk_widget_remove_css_class (self->filters_button, "accent-text");
  else
    gtk_widget_add_css_class (self->filters_button, "accent-text");
  search_changed (self);
}

static GtkWidget *
build_search (ParleyDiscoverPage *self)
{
  static const char *const sorts[] = { N_ ("Trending"), N_ ("Downloads"), N_ ("Likes"),
                                       N_ ("Updated"), NULL };
  const char *translated[G_N_ELEMENTS (sorts)] = { NULL };
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL), *clamp = adw_clamp_new ();
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);
  GtkWidget *column = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  for (gsize i = 0; sorts[i] != NULL; i++)
    translated[i] = _ (sorts[i]);
  self->entry = gtk_search_entry_new ();
  gtk_widget_set_hexpand (self->entry, TRUE);
  g_object_set (self->entry, "placeholder-text", _ ("Search, or paste an address"), NULL);
  parley_set_accessible_name (self->entry, _ ("Search models"));
  g_signal_connect_swapped (self->entry, "search-changed", G_CALLBACK (search_changed), self);
  g_signal_connect_swapped (self->entry, "activate", G_CALLBACK (entry_activated), self);
  self->sort = gtk_drop_down_new_from_strings (translated);
  parley_name_widget (self->sort, _ ("Order"));
  g_signal_connect_swapped (self->sort, "notify::selected", G_CALLBACK (search_changed), self);
  gtk_box_append (GTK_BOX (line), self->entry);
  gtk_box_append (GTK_BOX (line), self->sort);
  self->filters = parley_discover_filters_new (self->services);
  gtk_widget_set_margin_start (self->filters, 12);
  gtk_widget_set_margin_end (self->filters, 12);
  gtk_widget_set_margin_bottom (self->filters, 6);
  gtk_widget_set_visible (self->filters, FALSE);
  g_signal_connect_swapped (self->filters, "changed", G_CALLBACK (filters_changed), self);
  self->filters_button = gtk_toggle_button_new ();
  gtk_button_set_icon_name (GTK_BUTTON (self->filters_button), "parley-sliders-symbolic");
  parley_name_widget (self->filters_button, _ ("Filters"));
  g_object_bind_property (self->filters_button, "active", self->filters, "visible",
                          G_BINDING_DEFAULT);
  gtk_box_append (GTK_BOX (line), self->filters_button);
  gtk_box_append (GTK_BOX (column), line);
  gtk_box_append (GTK_BOX (column), self->filters);
  gtk_widget_set_margin_start (line, 12);
  gtk_widget_set_margin_end (line, 12);
  gtk_widget_set_margin_bottom (line, 6);
  adw_clamp_set_maximum_size (ADW_CLAMP (clamp), 748);
  adw_clamp_set_child (ADW_CLAMP (clamp), column);
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
