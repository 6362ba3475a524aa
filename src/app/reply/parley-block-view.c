/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-block-view.h"

#include "app/reply/parley-code-block.h"
#include "app/reply/parley-formula-view.h"
#include "app/reply/parley-rich-label.h"
#include "app/reply/parley-table.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

static GtkWidget *build (const ParleyBlock *block);
static gboolean update (GtkWidget *widget, const ParleyBlock *old, const ParleyBlock *block);

static GtkWidget *
nth_child (GtkWidget *box, guint n)
{
  GtkWidget *child = gtk_widget_get_first_child (box);

  while (child != NULL && n-- > 0)
    child = gtk_widget_get_next_sibling (child);
  return child;
}

/* Of the first text in it that has letters. */
static GtkTextDirection
direction_of (const ParleyBlock *block)
{
  GtkTextDirection direction = GTK_TEXT_DIR_NONE;

  if (block->kind == PARLEY_BLOCK_CODE || block->kind == PARLEY_BLOCK_FORMULA)
    return direction;
  if (block->text != NULL)
    return parley_text_direction (block->text->str);
  for (guint i = 0;
       block->children != NULL && i < block->children->len && direction == GTK_TEXT_DIR_NONE; i++)
    direction = direction_of (g_ptr_array_index (block->children, i));
  return direction;
}

void
parley_block_view_sync (GtkWidget *box, guint first, const GPtrArray *old, const GPtrArray *blocks)
{
  guint n_old = old != NULL ? old->len : 0, n = blocks != NULL ? blocks->len : 0;
  GtkWidget *widget = nth_child (box, first);

  for (guint i = 0; i < MAX (n_old, n); i++) {
    GtkWidget *next = widget != NULL ? gtk_widget_get_next_sibling (widget) : NULL;
    const ParleyBlock *was = i < n_old ? g_ptr_array_index (old, i) : NULL;
    const ParleyBlock *is = i < n ? g_ptr_array_index (blocks, i) : NULL;

    if (was != NULL && is != NULL && parley_block_equal (was, is)) {
      widget = next;
      continue;
    }
    if (was != NULL && is != NULL && update (widget, was, is)) {
      parley_follow_direction (widget, direction_of (is));
      widget = next;
      continue;
    }
    if (is != NULL) {
      GtkWidget *fresh = build (is);
      parley_follow_direction (fresh, direction_of (is));
      if (widget != NULL)
        gtk_box_insert_child_after (GTK_BOX (box), fresh, gtk_widget_get_prev_sibling (widget));
      else
        gtk_box_append (GTK_BOX (box), fresh);
    }
    if (was != NULL && widget != NULL) {
      gtk_box_remove (GTK_BOX (box), widget);
      widget = next;
    }
  }
}

static GtkWidget *
build_text (const ParleyBlock *block)
{
  GtkWidget *label = parley_rich_label_new (block->kind == PARLEY_BLOCK_HEADING ? block->level : 0);

  gtk_widget_add_css_class (label, "md-text");
  if (block->kind == PARLEY_BLOCK_HEADING) {
    g_autofree char *css = g_strdup_printf ("md-heading%u", block->level);
    gtk_widget_add_css_class (label, css);
  }
  parley_rich_label_set (label, block->text->str, block->spans);
  return label;
}

static GtkWidget *
build_marker (const ParleyBlock *list, const ParleyBlock *item, guint index)
{
  GtkWidget *marker;

  if (item->task != PARLEY_TICK_NONE) {
    gboolean done = item->task == PARLEY_TICK_DONE;
    marker =
        gtk_image_new_from_icon_name (done ? "checkbox-checked-symbolic" : "checkbox-symbolic");
    parley_set_accessible_name (marker, done ? _ ("Done") : _ ("Not done"));
    gtk_widget_add_css_class (marker, "md-tick");
  } else if (list->level > 0) {
    g_autofree char *number = g_strdup_printf ("%u.", list->level + index);
    marker = parley_label (number, "md-bullet md-text");
  } else
    marker = parley_label ("•", "md-bullet md-text");
  gtk_widget_set_valign (marker, GTK_ALIGN_START);
  gtk_widget_set_halign (marker, GTK_ALIGN_END);
  gtk_widget_set_size_request (marker, 18, -1);
  return marker;
}

static GtkWidget *
build_item (const ParleyBlock *list, const ParleyBlock *item, guint index)
{
  GtkWidget *row = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);

  gtk_box_append (GTK_BOX (row), build_marker (list, item, index));
  gtk_widget_set_hexpand (body, TRUE);
  gtk_box_append (GTK_BOX (row), body);
  parley_block_view_sync (body, 0, NULL, item->children);
  return row;
}

static GtkWidget *
build_list (const ParleyBlock *list)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);

  for (guint i = 0; list->children != NULL && i < list->children->len; i++)
    gtk_box_append (GTK_BOX (box), build_item (list, g_ptr_array_index (list->children, i), i));
  return box;
}

/* Items only ever join at the end of a growing list; all but the last are as they were. */
static gboolean
update_list (GtkWidget *box, const ParleyBlock *old, const ParleyBlock *list)
{
  guint n_old = old->children != NULL ? old->children->len : 0;
  guint n = list->children != NULL ? list->children->len : 0;
  GtkWidget *row = gtk_widget_get_first_child (box);

  if (old->level != list->level || n < n_old)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    const ParleyBlock *item = g_ptr_array_index (list->children, i);
    if (i >= n_old) {
      gtk_box_append (GTK_BOX (box), build_item (list, item, i));
      continue;
    }
    const ParleyBlock *was = g_ptr_array_index (old->children, i);
    if (was->task != item->task)
      return FALSE;
    parley_block_view_sync (gtk_widget_get_last_child (row), 0, was->children, item->children);
    row = gtk_widget_get_next_sibling (row);
  }
  return TRUE;
}

static GtkWidget *
build (const ParleyBlock *block)
{
  GtkWidget *widget;

  switch (block->kind) {
  case PARLEY_BLOCK_CODE:
    widget = parley_code_block_new (block->info);
    parley_code_block_set_text (PARLEY_CODE_BLOCK (widget), block->text->str);
    return widget;
  case PARLEY_BLOCK_QUOTE:
    widget = parley_box (GTK_ORIENTATION_VERTICAL, 8, "md-quote");
    parley_block_view_sync (widget, 0, NULL, block->children);
    return widget;
  case PARLEY_BLOCK_LIST: return build_list (block);
  case PARLEY_BLOCK_TABLE: return parley_table_new (block);
  case PARLEY_BLOCK_RULE:
    widget = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL);
    gtk_widget_add_css_class (widget, "md-rule");
    return widget;
  case PARLEY_BLOCK_FORMULA: return parley_formula_view_new (block->info, block->text->str);
  case PARLEY_BLOCK_PARAGRAPH:
  case PARLEY_BLOCK_HEADING: return build_text (block);
  default: return parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  }
}

/* FALSE: the widget cannot become this block; it is built anew. */
static gboolean
update (GtkWidget *widget, const ParleyBlock *old, const ParleyBlock *block)
{
  if (widget == NULL || old->kind != block->kind)
    return FALSE;
  switch (block->kind) {
  case PARLEY_BLOCK_PARAGRAPH:
    parley_rich_label_set (widget, block->text->str, block->spans);
    return TRUE;
  case PARLEY_BLOCK_HEADING:
    if (old->level != block->level)
      return FALSE;
    parley_rich_label_set (widget, block->text->str, block->spans);
    return TRUE;
  case PARLEY_BLOCK_CODE:
    if (g_strcmp0 (old->info, block->info) != 0)
      return FALSE;
    parley_code_block_set_text (PARLEY_CODE_BLOCK (widget), block->text->str);
    return TRUE;
  case PARLEY_BLOCK_QUOTE:
    parley_block_view_sync (widget, 0, old->children, block->children);
    return TRUE;
  case PARLEY_BLOCK_LIST: return update_list (widget, old, block);
  case PARLEY_BLOCK_TABLE: return parley_table_update (widget, old, block);
  default: return FALSE;
  }
}
