/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-verdict.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

static const struct {
  const char *css, *icon, *words;
} looks[] = {
  { "unknown", "parley-unknown-symbolic", N_ ("Not known yet") },
  { "fits", "parley-fits-symbolic", N_ ("Fits on the GPU") },
  { "partly", "parley-partly-symbolic", N_ ("Partly on the GPU") },
  { "ram", "parley-ram-symbolic", N_ ("Runs in main memory") },
  { "toobig", "parley-toobig-symbolic", N_ ("Does not fit") },
};

struct _ParleyVerdict {
  GtkBox parent;
  GtkWidget *icon, *words;
};

G_DEFINE_FINAL_TYPE (ParleyVerdict, parley_verdict, GTK_TYPE_BOX)

void
parley_verdict_set (ParleyVerdict *self, ParleyShownVerdict verdict, const char *words)
{
  for (gsize i = 0; i < G_N_ELEMENTS (looks); i++)
    gtk_widget_remove_css_class (GTK_WIDGET (self), looks[i].css);
  gtk_widget_add_css_class (GTK_WIDGET (self), looks[verdict].css);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon), looks[verdict].icon);
  gtk_label_set_text (GTK_LABEL (self->words), words != NULL ? words : _ (looks[verdict].words));
}

void
parley_verdict_set_why (ParleyVerdict *self, const char *why)
{
  g_auto (GStrv) lines = g_strsplit (why != NULL ? why : "", "\n", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  /* In one line: the toolkit leaves several as long as they are, wider than the screen. */
  for (char **line = lines; *line != NULL; line++)
    parley_format_add_fact (text, *line);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), text->len > 0 ? text->str : NULL);
}

static void
parley_verdict_class_init (ParleyVerdictClass *klass)
{
}

static void
parley_verdict_init (ParleyVerdict *self)
{
  gtk_box_set_spacing (GTK_BOX (self), 6);
  gtk_widget_add_css_class (GTK_WIDGET (self), "verdict");
  self->icon = parley_icon (NULL);
  self->words = parley_label ("", NULL);
  gtk_box_append (GTK_BOX (self), self->icon);
  gtk_box_append (GTK_BOX (self), self->words);
  parley_verdict_set (self, PARLEY_SHOWN_UNKNOWN, NULL);
}

GtkWidget *
parley_verdict_new (void)
{
  return g_object_new (PARLEY_TYPE_VERDICT, NULL);
}
