/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-suggestion-list.h"

#include "app/models/parley-result-row.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define AT_ONCE   4  /* questions to the hub */
#define MAX_SUITS 6  /* rows of the first list */
#define MIN_SHARE 40 /* a model of less than a 40th of the memory is no suggestion for it */

struct _ParleySuggestionList {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *suits_title, *suits, *expander, *others;
  GPtrArray *known; /* for each suggestion: ParleyHubModel, or NULL */
  GArray *states;   /* of State */
  GPtrArray *rows;  /* for each of those that are shown its row, else NULL */
  GArray *order;    /* of guint: which is asked about first */
  GCancellable *cancellable;
  guint asked, answered;
};

typedef enum { UNKNOWN, SHOWN, HIDDEN } State;

G_DEFINE_FINAL_TYPE (ParleySuggestionList, parley_suggestion_list, GTK_TYPE_BOX)

enum { CHOSEN, N_SIGNALS };
static guint signals[N_SIGNALS];

/* A row that is where it belongs is left alone: somebody may be about to choose it. */
static void
place (GtkWidget *list, guint position, GtkWidget *row)
{
  GtkWidget *parent = gtk_widget_get_parent (row);

  if (GTK_WIDGET (gtk_list_box_get_row_at_index (GTK_LIST_BOX (list), (int) position)) == row)
    return;
  if (parent != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (parent), row);
  gtk_list_box_insert (GTK_LIST_BOX (list), row, (int) position);
}

/* The largest that fit come first, then what is left, by rising size. They come as the hub answers
 * for each. */
static void
show (ParleySuggestionList *self)
{
  GPtrArray *all = parley_suggestions_get ();
  guint64 memory = parley_memory_for_models (self->services->hardware);
  guint n_suits = 0, n_others = 0;
  g_autoptr (GPtrArray) others = g_ptr_array_new ();

  for (guint i = all->len; i-- > 0;) {
    const ParleySuggestion *suggestion = all->pdata[i];
    gboolean fits = parley_memory_holds (memory, suggestion->bytes);
    if (g_array_index (self->states, State, i) != SHOWN)
      continue;
    if (self->rows->pdata[i] == NULL)
      self->rows->pdata[i] = g_object_ref_sink (
          parley_result_row_new_suggestion (suggestion, self->known->pdata[i], fits));
    if (fits && n_suits < MAX_SUITS && suggestion->bytes > memory / MIN_SHARE)
      place (self->suits, n_suits++, self->rows->pdata[i]);
    else
      g_ptr_array_add (others, self->rows->pdata[i]);
  }
  while (others->len > 0)
    place (self->others, n_others++, g_ptr_array_steal_index (others, others->len - 1));
  gtk_widget_set_visible (self->suits, n_suits > 0);
  gtk_widget_set_visible (self->suits_title, n_suits > 0);
  gtk_widget_set_visible (self->expander, n_others > 0);
}

/* What fits may be another now, which the rows say. */
static void
hardware_changed (ParleySuggestionList *self)
{
  parley_box_clear (self->suits);
  parley_box_clear (self->others);
  for (guint i = 0; i < self->rows->len; i++)
    g_clear_object ((GObject **) &self->rows->pdata[i]);
  show (self);
}

static void ask (ParleySuggestionList *self);

typedef struct {
  ParleySuggestionList *list;
  guint index;
} Question;

static void
answered (GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  g_autoptr (ParleySuggestionList) self = question->list;
  guint i = question->index;
  g_autoptr (GError) error = NULL;
  ParleyHubModel *model = parley_hub_look_up_finish (PARLEY_HUB (source), result, &error);

  g_free (question);
  if (self->known == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_clear_object (&model); /* nobody looks any more */
    return;
  }
  self->known->pdata[i] = model;
  /* A hub that cannot be reached says nothing against it. */
  g_array_index (self->states, State, i) =
      model == NULL && (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND) ||
                        g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FORBIDDEN))
          ? HIDDEN
          : SHOWN;
  self->answered++;
  ask (self);
  show (self);
}

static void
ask (ParleySuggestionList *self)
{
  GPtrArray *all = parley_suggestions_get ();

  for (; self->asked < all->len && self->asked < self->answered + AT_ONCE; self->asked++) {
    guint i = g_array_index (self->order, guint, self->asked);
    const ParleySuggestion *suggestion = all->pdata[i];
    Question *question = g_new0 (Question, 1);
    *question = (Question){ g_object_ref (self), i };
    parley_hub_look_up_async (self->services->hub, suggestion->repo, self->cancellable, answered,
                              question);
  }
}

/* First about those that come first. */
static void
set_order (ParleySuggestionList *self)
{
  GPtrArray *all = parley_suggestions_get ();
  guint64 memory = parley_memory_for_models (self->services->hardware);
  guint n_fit = 0;

  for (; n_fit < all->len; n_fit++)
    if (!parley_memory_holds (memory, ((const ParleySuggestion *) all->pdata[n_fit])->bytes))
      break;
  for (guint i = n_fit; i-- > 0;)
    g_array_append_val (self->order, i);
  for (guint i = n_fit; i < all->len; i++)
    g_array_append_val (self->order, i);
}

void
parley_suggestion_list_look_up (ParleySuggestionList *self)
{
  if (self->asked > 0)
    return;
  set_order (self);
  ask (self);
}

static void
activated (GtkListBox *list, GtkListBoxRow *row, ParleySuggestionList *self)
{
  g_signal_emit (self, signals[CHOSEN], 0, row);
}

static void
release (gpointer object)
{
  if (object != NULL)
    g_object_unref (object);
}

static void
dispose (GObject *object)
{
  ParleySuggestionList *self = PARLEY_SUGGESTION_LIST (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->known, g_ptr_array_unref);
  g_clear_pointer (&self->states, g_array_unref);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->order, g_array_unref);
  G_OBJECT_CLASS (parley_suggestion_list_parent_class)->dispose (object);
}

static void
parley_suggestion_list_class_init (ParleySuggestionListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  signals[CHOSEN] = g_signal_new ("chosen", PARLEY_TYPE_SUGGESTION_LIST, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, GTK_TYPE_LIST_BOX_ROW);
}

static GtkWidget *
build_list (ParleySuggestionList *self, const char *name)
{
  GtkWidget *list = parley_boxed_list ();

  parley_set_accessible_name (list, name);
  g_signal_connect (list, "row-activated", G_CALLBACK (activated), self);
  return list;
}

static void
parley_suggestion_list_init (ParleySuggestionList *self)
{
  guint n = parley_suggestions_get ()->len;

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  self->cancellable = g_cancellable_new ();
  self->known = g_ptr_array_new_with_free_func (release);
  g_ptr_array_set_size (self->known, (int) n);
  self->order = g_array_new (FALSE, FALSE, sizeof (guint));
  self->rows = g_ptr_array_new_with_free_func (release);
  g_ptr_array_set_size (self->rows, (int) n);
  self->states = g_array_sized_new (FALSE, TRUE, sizeof (State), n);
  g_array_set_size (self->states, n);
  self->suits_title = parley_heading (_ ("Suits This Computer"), "section-title", 2);
  self->suits = build_list (self, _ ("Suits This Computer"));
  self->others = build_list (self, _ ("Other suggestions"));
  self->expander = gtk_expander_new (NULL);
  gtk_expander_set_label_widget (GTK_EXPANDER (self->expander),
                                 parley_label (_ ("Smaller and Larger Ones"), NULL));
  parley_set_accessible_name (self->expander, _ ("Smaller and Larger Ones"));
  gtk_widget_set_margin_top (self->expander, 12);
  gtk_widget_set_margin_top (self->others, 8);
  gtk_expander_set_child (GTK_EXPANDER (self->expander), self->others);
  gtk_box_append (GTK_BOX (self), self->suits_title);
  gtk_box_append (GTK_BOX (self), self->suits);
  gtk_box_append (GTK_BOX (self), self->expander);
}

GtkWidget *
parley_suggestion_list_new (ParleyServices *services)
{
  ParleySuggestionList *self = g_object_new (PARLEY_TYPE_SUGGESTION_LIST, NULL);

  self->services = services;
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (hardware_changed), self,
                           G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
