/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Marking the words of a search in what is shown, and finding the place to be looked at.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct {
  GtkWidget *widget; /* the label or code that has it, borrowed; NULL: there is none */
  int at;            /* in its text: bytes of a label, characters of code */
  guint n_words;     /* different words of the query that stand there together */
  gboolean folded;   /* behind a line that was not opened */
} ParleyHit;

/* Marks them in all labels and code below `root` but not on its buttons; an empty query or NULL
 * takes the marks away. *best (or NULL) is replaced where a place has more of the words, or as many
 * and is not folded; begin with a cleared one. */
void parley_highlight (GtkWidget *root, const char *query, ParleyHit *best);

/* Where the word of the hit begins (or its widget, if that shows no text), in the coordinates of
 * `target`. FALSE: it is not laid out. */
gboolean parley_hit_get_place (const ParleyHit *hit, GtkWidget *target, graphene_point_t *place);

/* What a label looks like apart from the marks, which stay as they are. NULL: nothing. */
PangoAttrList *parley_highlight_get_attributes (GtkLabel *label);
void parley_highlight_set_attributes (GtkLabel *label, PangoAttrList *attributes);

G_END_DECLS
