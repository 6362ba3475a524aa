/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-markdown-view.h"

#include "app/reply/parley-block-view.h"

#include <string.h>

struct _ParleyMarkdownView {
  GtkBox parent;
  gsize settled; /* bytes whose blocks are final */
  gsize length;  /* bytes shown */
  guint check;   /* of the shown text's first bytes, to tell another text from a longer one */
  guint64 ended; /* of all of a text that is complete; 0: the text shown is not */
  guint n_final;
  ParleyBlock *live;  /* what the widgets after the final ones show */
  ParleyBlock *whole; /* final blocks, for the comparison at the end; NULL: none yet */
};

G_DEFINE_FINAL_TYPE (ParleyMarkdownView, parley_markdown_view, GTK_TYPE_BOX)

static guint
checksum (const char *text, gsize length)
{
  guint hash = 5381;

  for (gsize i = 0; i < MIN (length, 64); i++)
    hash = hash * 33 + (guchar) text[i];
  return hash;
}

/* Not 0. */
static guint64
checksum_of_all (const char *text, gsize length)
{
  guint64 hash = G_GUINT64_CONSTANT (14695981039346656037);

  for (gsize i = 0; i < length; i++)
    hash = (hash ^ (guchar) text[i]) * G_GUINT64_CONSTANT (1099511628211);
  return hash | 1;
}

static void
forget (ParleyMarkdownView *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_box_remove (GTK_BOX (self), child);
  self->settled = self->length = 0;
  self->n_final = 0;
  g_clear_pointer (&self->live, parley_block_free);
  g_clear_pointer (&self->whole, parley_block_free);
}

static void
take_children (ParleyBlock *to, ParleyBlock *from)
{
  if (from->children == NULL)
    return;
  if (to->children == NULL) {
    to->children = g_steal_pointer (&from->children);
    return;
  }
  g_ptr_array_extend_and_steal (to->children, g_steal_pointer (&from->children));
}

static void
show_live (ParleyMarkdownView *self, ParleyBlock *blocks)
{
  parley_block_view_sync (GTK_WIDGET (self), self->n_final,
                          self->live != NULL ? self->live->children : NULL, blocks->children);
  g_clear_pointer (&self->live, parley_block_free);
  self->live = blocks;
}

/* References to link definitions further down resolve only in a parse of the whole text. */
static void
settle_all (ParleyMarkdownView *self, const char *text, gsize length)
{
  ParleyBlock *all = parley_markdown_parse (text, length);

  if (self->live != NULL && self->whole != NULL)
    take_children (self->whole, self->live);
  g_clear_pointer (&self->live, parley_block_free);
  self->live = g_steal_pointer (&self->whole);
  self->n_final = 0;
  self->settled = 0;
  show_live (self, all);
}

void
parley_markdown_view_set (ParleyMarkdownView *self, const char *text, gsize length,
                          gboolean complete)
{
  guint64 ended = complete ? checksum_of_all (text, length) : 0;

  /* Its widgets stay as they are, and so do words that are marked in them. */
  if (ended != 0 && ended == self->ended && length == self->length)
    return;
  self->ended = ended;
  if (length < self->length || checksum (text, MIN (self->length, length)) != self->check)
    forget (self);
  gsize settled =
      self->settled + parley_markdown_settled (text + self->settled, length - self->settled);
  if (settled > self->settled) {
    ParleyBlock *final = parley_markdown_parse (text + self->settled, settled - self->settled);
    show_live (self, final);
    self->n_final += final->children != NULL ? final->children->len : 0;
    if (self->whole == NULL)
      self->whole = g_steal_pointer (&self->live);
    else
      take_children (self->whole, self->live);
    g_clear_pointer (&self->live, parley_block_free);
    self->settled = settled;
  }
  g_autofree char *calm = complete ? NULL : parley_markdown_calm (text + settled, length - settled);
  show_live (self, calm != NULL ? parley_markdown_parse (calm, strlen (calm))
                                : parley_markdown_parse (text + settled, length - settled));
  if (complete && self->whole != NULL)
    settle_all (self, text, length);
  self->length = length;
  self->check = checksum (text, length);
}

static void
dispose (GObject *object)
{
  forget (PARLEY_MARKDOWN_VIEW (object));
  G_OBJECT_CLASS (parley_markdown_view_parent_class)->dispose (object);
}

static void
parley_markdown_view_class_init (ParleyMarkdownViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_markdown_view_init (ParleyMarkdownView *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 10);
}

GtkWidget *
parley_markdown_view_new (void)
{
  return g_object_new (PARLEY_TYPE_MARKDOWN_VIEW, NULL);
}
