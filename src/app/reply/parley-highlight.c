/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-highlight.h"

#include "app/text/parley-find-words.h"

#define BEFORE_KEY "parley-before-highlight" /* attributes of a marked label without the marks */
#define MARKS_KEY  "parley-highlight"        /* and the marks alone */
#define TAG_NAME   "parley-match"

void
parley_highlight_set_attributes (GtkLabel *label, PangoAttrList *attributes)
{
  PangoAttrList *marks = g_object_get_data (G_OBJECT (label), MARKS_KEY);

  if (marks == NULL) {
    gtk_label_set_attributes (label, attributes);
    return;
  }
  g_autoptr (PangoAttrList) marked = pango_attr_list_copy (attributes);
  g_autoptr (GSList) list = pango_attr_list_get_attributes (marks);
  for (GSList *l = list; l != NULL; l = l->next)
    pango_attr_list_insert (marked, l->data);
  gtk_label_set_attributes (label, marked);
  g_object_set_data_full (G_OBJECT (label), BEFORE_KEY, pango_attr_list_ref (attributes),
                          (GDestroyNotify) pango_attr_list_unref);
}

PangoAttrList *
parley_highlight_get_attributes (GtkLabel *label)
{
  PangoAttrList *before = g_object_get_data (G_OBJECT (label), BEFORE_KEY);

  return before != NULL ? before : gtk_label_get_attributes (label);
}

typedef struct {
  const char *query;
  gboolean folded;
  ParleyHit *best;
} Marking;

/* `at`: of the match, in what the widget counts its text in. */
static void
consider (Marking *marking, GtkWidget *widget, guint n_words, int at)
{
  ParleyHit *best = marking->best;

  if (best == NULL || n_words == 0 || n_words < best->n_words ||
      (n_words == best->n_words && (!best->folded || marking->folded)))
    return;
  *best = (ParleyHit){ widget, at, n_words, marking->folded };
}

static void
mark_label (GtkLabel *label, Marking *marking)
{
  PangoAttrList *before = g_object_get_data (G_OBJECT (label), BEFORE_KEY);
  guint n_words;

  if (before != NULL) {
    gtk_label_set_attributes (label, before);
    g_object_set_data (G_OBJECT (label), MARKS_KEY, NULL);
    g_object_set_data (G_OBJECT (label), BEFORE_KEY, NULL);
  }
  g_autoptr (GArray) matches = parley_find_words (gtk_label_get_text (label), marking->query);
  if (matches->len == 0)
    return;
  PangoAttrList *present = gtk_label_get_attributes (label);
  g_autoptr (PangoAttrList) unmarked =
      present != NULL ? pango_attr_list_ref (present) : pango_attr_list_new ();
  PangoAttrList *marks = pango_attr_list_new ();
  for (guint i = 0; i < matches->len; i++) {
    const ParleyMatch *match = &g_array_index (matches, ParleyMatch, i);
    PangoAttribute *attributes[] = { pango_attr_background_new (0xf8f8, 0xe4e4, 0x5c5c),
                                     pango_attr_foreground_new (0, 0, 0) };
    for (gsize k = 0; k < G_N_ELEMENTS (attributes); k++) {
      attributes[k]->start_index = (guint) match->start;
      attributes[k]->end_index = (guint) match->end;
      pango_attr_list_insert (marks, attributes[k]);
    }
  }
  g_object_set_data_full (G_OBJECT (label), MARKS_KEY, marks,
                          (GDestroyNotify) pango_attr_list_unref);
  parley_highlight_set_attributes (label, unmarked);
  const ParleyMatch *match = parley_best_match (matches, &n_words);
  consider (marking, GTK_WIDGET (label), n_words, (int) match->start);
}

static void
mark_code (GtkTextView *view, Marking *marking)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  GtkTextTag *tag = gtk_text_tag_table_lookup (gtk_text_buffer_get_tag_table (buffer), TAG_NAME);
  GtkTextIter start, end;
  guint n_words;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  if (tag != NULL)
    gtk_text_buffer_remove_tag (buffer, tag, &start, &end);
  g_autofree char *text = gtk_text_buffer_get_text (buffer, &start, &end, TRUE);
  g_autoptr (GArray) matches = parley_find_words (text, marking->query);
  if (matches->len == 0)
    return;
  if (tag == NULL)
    tag = gtk_text_buffer_create_tag (buffer, TAG_NAME, "background", "#f8e45c", "foreground",
                                      "#000000", NULL);
  for (guint i = 0; i < matches->len; i++) {
    const ParleyMatch *match = &g_array_index (matches, ParleyMatch, i);
    gtk_text_buffer_get_iter_at_offset (buffer, &start,
                                        (int) g_utf8_strlen (text, (gssize) match->start));
    gtk_text_buffer_get_iter_at_offset (buffer, &end,
                                        (int) g_utf8_strlen (text, (gssize) match->end));
    gtk_text_buffer_apply_tag (buffer, tag, &start, &end);
  }
  const ParleyMatch *match = parley_best_match (matches, &n_words);
  consider (marking, GTK_WIDGET (view), n_words, (int) g_utf8_strlen (text, (gssize) match->start));
}

static void
mark (GtkWidget *root, Marking *marking)
{
  gboolean folded = marking->folded;

  if (GTK_IS_BUTTON (root))
    return;
  if (GTK_IS_LABEL (root)) {
    mark_label (GTK_LABEL (root), marking);
    return;
  }
  if (GTK_IS_TEXT_VIEW (root)) {
    mark_code (GTK_TEXT_VIEW (root), marking);
    return;
  }
  if (GTK_IS_REVEALER (root) && !gtk_revealer_get_reveal_child (GTK_REVEALER (root)))
    marking->folded = TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    mark (child, marking);
  marking->folded = folded;
}

void
parley_highlight (GtkWidget *root, const char *query, ParleyHit *best)
{
  Marking marking = { query, FALSE, best };

  mark (root, &marking);
}

gboolean
parley_hit_get_place (const ParleyHit *hit, GtkWidget *target, graphene_point_t *place)
{
  int x = 0, y = 0;

  if (!gtk_widget_get_mapped (hit->widget))
    return FALSE;
  if (GTK_IS_LABEL (hit->widget)) {
    PangoRectangle at;
    pango_layout_index_to_pos (gtk_label_get_layout (GTK_LABEL (hit->widget)), hit->at, &at);
    gtk_label_get_layout_offsets (GTK_LABEL (hit->widget), &x, &y);
    x += at.x / PANGO_SCALE;
    y += at.y / PANGO_SCALE;
  } else if (GTK_IS_TEXT_VIEW (hit->widget)) {
    GtkTextView *view = GTK_TEXT_VIEW (hit->widget);
    GtkTextIter iter;
    GdkRectangle at;
    gtk_text_buffer_get_iter_at_offset (gtk_text_view_get_buffer (view), &iter, hit->at);
    gtk_text_view_get_iter_location (view, &iter, &at);
    gtk_text_view_buffer_to_window_coords (view, GTK_TEXT_WINDOW_WIDGET, at.x, at.y, &x, &y);
  }
  return gtk_widget_compute_point (hit->widget, target, &GRAPHENE_POINT_INIT ((float) x, (float) y),
                                   place);
}
