/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-highlight.h"

#include "app/text/parley-find-words.h"

#define BEFORE_KEY "parley-before-highlight"
#define TAG_NAME   "parley-match"

static gboolean
mark_label (GtkLabel *label, const char *query)
{
  PangoAttrList *before = g_object_get_data (G_OBJECT (label), BEFORE_KEY);

  if (before != NULL) {
    gtk_label_set_attributes (label, before);
    g_object_set_data (G_OBJECT (label), BEFORE_KEY, NULL);
  }
  g_autoptr (GArray) matches = parley_find_words (gtk_label_get_text (label), query);
  if (matches->len == 0)
    return FALSE;
  PangoAttrList *present = gtk_label_get_attributes (label);
  g_autoptr (PangoAttrList) marked =
      present != NULL ? pango_attr_list_copy (present) : pango_attr_list_new ();
  g_object_set_data_full (G_OBJECT (label), BEFORE_KEY,
                          present != NULL ? pango_attr_list_ref (present) : pango_attr_list_new (),
                          (GDestroyNotify) pango_attr_list_unref);
  for (guint i = 0; i < matches->len; i++) {
    const ParleyMatch *match = &g_array_index (matches, ParleyMatch, i);
    PangoAttribute *attributes[] = { pango_attr_background_new (0xf8f8, 0xe4e4, 0x5c5c),
                                     pango_attr_foreground_new (0, 0, 0) };
    for (gsize k = 0; k < G_N_ELEMENTS (attributes); k++) {
      attributes[k]->start_index = (guint) match->start;
      attributes[k]->end_index = (guint) match->end;
      pango_attr_list_insert (marked, attributes[k]);
    }
  }
  gtk_label_set_attributes (label, marked);
  return TRUE;
}

static gboolean
mark_code (GtkTextView *view, const char *query)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  GtkTextTag *tag = gtk_text_tag_table_lookup (gtk_text_buffer_get_tag_table (buffer), TAG_NAME);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  if (tag != NULL)
    gtk_text_buffer_remove_tag (buffer, tag, &start, &end);
  g_autofree char *text = gtk_text_buffer_get_text (buffer, &start, &end, TRUE);
  g_autoptr (GArray) matches = parley_find_words (text, query);
  if (matches->len == 0)
    return FALSE;
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
  return TRUE;
}

GtkWidget *
parley_highlight (GtkWidget *root, const char *query)
{
  GtkWidget *first = NULL;

  if (GTK_IS_LABEL (root))
    return mark_label (GTK_LABEL (root), query) ? root : NULL;
  if (GTK_IS_TEXT_VIEW (root))
    return mark_code (GTK_TEXT_VIEW (root), query) ? root : NULL;
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    GtkWidget *found = parley_highlight (child, query);
    if (first == NULL)
      first = found;
  }
  return first;
}
