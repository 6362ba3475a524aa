/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-suggestion-list.h"

#include "app/parley-result-row.h"
#include "app/parley-widgets.h"

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
  GCancellable *cancellable;
  guint asked, answered;
};

typedef enum { UNKNOWN, SHOWN, HIDDEN } State;

G_DEFINE_FINAL_TYPE (ParleySuggestionList, parley_suggestion_list, GTK_TYPE_BOX)

enum { CHOSEN, N_SIGNALS };
static guint signals[N_SIGNALS];

/* The largest that fit come first, then what is left, by rising size. */
static void
show (ParleySuggestionList *self)
{
  GPtrArray *all = parley_suggestions_get ();
  guint64 memory = parley_memory_for_models (self->services->hardware);
  guint n_suits = 0, n_others = 0;

  parley_box_clear (self->suits);
  parley_box_clear (self->others);
  for (guint i = all->len; i-- > 0;) {
    const ParleySuggestion *suggestion = all->pdata[i];
    gboolean fits = parley_memory_holds (memory, suggestion->bytes);
    if (g_array_index (self->states, State, i) != SHOWN)
      continue;
    GtkWidget *row = parley_result_row_new_suggestion (suggestion, self->known->pdata[i], fits);
    if (fits && n_suits < MAX_SUITS && suggestion->bytes > memory / MIN_SHARE) {
      gtk_list_box_append (GTK_LIST_BOX (self->suits), row);
      n_suits++;
    } else {
      gtk_list_box_prepend (GTK_LIST_BOX (self->others), row);
      n_others++;
    }
  }
  gtk_widget_set_visible (self->suits, n_suits > 0);
  gtk_widget_set_visible (self->suits_title, n_suits > 0);
  gtk_widget_set_visible (self->expander, n_others > 0);
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
  if (self->answered == self->known->len)
    show (self);
}

static void
ask (ParleySuggestionList *self)
{
  GPtrArray *all = parley_suggestions_get ();

  for (; self->asked < all->len && self->asked < self->answered + AT_ONCE; self->asked++) {
    const ParleySuggestion *suggestion = all->pdata[self->asked];
    Question *question = g_new0 (Question, 1);
    *question = (Question){ g_object_ref (self), self->asked };
    parley_hub_look_up_async (self->services->hub, suggestion->repo, self->cancellable, answered,
                              question);
  }
}

void
parley_suggestion_list_look_up (ParleySuggestionList *self)
{
  if (self->asked == 0)
    ask (self);
}

static void
activated (GtkListBox *list, GtkListBoxRow *row, ParleySuggestionList *self)
{
  g_signal_emit (self, signals[CHOSEN], 0, row);
}

static void
free_known (gpointer model)
{
  if (model != NULL)
    g_object_unref (model);
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

  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_signal_connect (list, "row-activated", G_CALLBACK (activated), self);
  return list;
}

static void
parley_suggestion_list_init (ParleySuggestionList *self)
{
  guint n = parley_suggestions_get ()->len;

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  self->cancellable = g_cancellable_new ();
  self->known = g_ptr_array_new_with_free_func (free_known);
  g_ptr_array_set_size (self->known, (int) n);
  self->states = g_array_sized_new (FALSE, TRUE, sizeof (State), n);
  g_array_set_size (self->states, n);
  self->suits_title = parley_line (_ ("Suits This Computer"), "section-title");
  self->suits = build_list (self, _ ("Suits This Computer"));
  self->others = build_list (self, _ ("Other suggestions"));
  self->expander = gtk_expander_new (_ ("Smaller and Larger Ones"));
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
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
