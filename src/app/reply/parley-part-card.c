/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-part-card.h"

#include "app/reply/parley-code-block.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_SHOWN 100000 /* bytes of a long file */

struct _ParleyPartCard {
  GtkBox parent;
  ParleyPart *part;
  GtkWidget *button, *chevron, *revealer, *code; /* code: NULL until opened */
};

G_DEFINE_FINAL_TYPE (ParleyPartCard, parley_part_card, GTK_TYPE_BOX)

static char *
title_of (ParleyPart *part)
{
  const char *name = parley_part_get_name (part);

  switch (parley_part_get_kind (part)) {
  case PARLEY_PART_TOOL_CALL: return g_strdup_printf (_ ("Calls %s"), name ? name : _ ("a tool"));
  case PARLEY_PART_TOOL_RESULT:
    return g_strdup_printf (_ ("Answer of %s"), name ? name : _ ("a tool"));
  default: return g_strdup (name ? name : _ ("Attached file"));
  }
}

static const char *
icon_of (ParleyPart *part)
{
  return parley_part_get_kind (part) == PARLEY_PART_ATTACHMENT ? "text-x-generic-symbolic"
                                                               : "applications-system-symbolic";
}

/* The highlighter of a file goes by the end of its name. */
static const char *
language_of (ParleyPart *part)
{
  const char *name = parley_part_get_name (part);
  const char *dot = name != NULL ? strrchr (name, '.') : NULL;

  if (parley_part_get_kind (part) != PARLEY_PART_ATTACHMENT)
    return "json";
  return dot != NULL && dot[1] != '\0' && strlen (dot) < 12 ? dot + 1 : NULL;
}

void
parley_part_card_update (ParleyPartCard *self)
{
  const char *text = parley_part_get_text (self->part);

  if (self->code == NULL)
    return;
  if (strlen (text) <= MAX_SHOWN) {
    parley_code_block_set_text (PARLEY_CODE_BLOCK (self->code), text);
    return;
  }
  const char *end = g_utf8_find_prev_char (text, text + MAX_SHOWN);
  g_autofree char *start = g_strndup (text, (gsize) (end - text));
  g_autofree char *shown = g_strconcat (start, "\n…", NULL);
  parley_code_block_set_text (PARLEY_CODE_BLOCK (self->code), shown);
}

static void
toggled (GtkToggleButton *button, ParleyPartCard *self)
{
  gboolean open = gtk_toggle_button_get_active (button);

  if (open && self->code == NULL) {
    self->code = parley_code_block_new (language_of (self->part));
    gtk_widget_set_margin_top (self->code, 6);
    gtk_revealer_set_child (GTK_REVEALER (self->revealer), self->code);
    parley_part_card_update (self);
  }
  parley_fold (self->button, self->chevron, self->revealer, open);
}

static void
dispose (GObject *object)
{
  g_clear_object (&PARLEY_PART_CARD (object)->part);
  G_OBJECT_CLASS (parley_part_card_parent_class)->dispose (object);
}

static void
parley_part_card_class_init (ParleyPartCardClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_part_card_init (ParleyPartCard *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_widget_add_css_class (GTK_WIDGET (self), "part-card");
}

GtkWidget *
parley_part_card_new (ParleyPart *part)
{
  ParleyPartCard *self = g_object_new (PARLEY_TYPE_PART_CARD, NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);
  g_autofree char *title = title_of (part);
  GtkWidget *label = parley_line (title, NULL);

  self->part = g_object_ref (part);
  self->button = gtk_toggle_button_new ();
  self->chevron = parley_icon (NULL);
  self->revealer = gtk_revealer_new ();
  parley_fold (self->button, self->chevron, self->revealer, FALSE);
  gtk_widget_add_css_class (self->button, "flat");
  gtk_widget_set_halign (self->button, GTK_ALIGN_START);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  parley_set_accessible_name (self->button, title);
  gtk_box_append (GTK_BOX (line), parley_icon (icon_of (part)));
  gtk_box_append (GTK_BOX (line), label);
  gtk_box_append (GTK_BOX (line), self->chevron);
  gtk_button_set_child (GTK_BUTTON (self->button), line);
  g_signal_connect (self->button, "toggled", G_CALLBACK (toggled), self);
  gtk_box_append (GTK_BOX (self), self->button);
  gtk_box_append (GTK_BOX (self), self->revealer);
  return GTK_WIDGET (self);
}
