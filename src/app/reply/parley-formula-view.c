/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-formula-view.h"

#include "app/compat.h"
#include "app/reply/parley-formula-layout.h"
#include "app/widgets/parley-widgets.h"

#include <string.h>

struct _ParleyFormulaView {
  GtkWidget parent;
  ParleyMathNode *formula;
  ParleyFormulaLayout *layout;
  guint serial; /* of the font that the layout was made for */
};

G_DEFINE_FINAL_TYPE (ParleyFormulaView, parley_formula_view, GTK_TYPE_WIDGET)

static ParleyFormulaLayout *
layout_of (ParleyFormulaView *self)
{
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (self));
  guint serial = pango_context_get_serial (context);

  if (self->layout == NULL || serial != self->serial) {
    parley_formula_layout_free (self->layout);
    self->layout = parley_formula_layout_new (context, self->formula);
    self->serial = serial;
  }
  return self->layout;
}

static void
measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
         int *minimum_baseline, int *natural_baseline)
{
  int width, height;

  parley_formula_layout_get_size (layout_of (PARLEY_FORMULA_VIEW (widget)), &width, &height);
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? width : height;
}

static void
snapshot (GtkWidget *widget, GtkSnapshot *to)
{
  ParleyFormulaLayout *layout = layout_of (PARLEY_FORMULA_VIEW (widget));
  GdkRGBA colour;
  int height;

  parley_formula_layout_get_size (layout, NULL, &height);
  parley_widget_get_colour (widget, &colour);
  gtk_snapshot_save (to);
  gtk_snapshot_translate (
      to, &GRAPHENE_POINT_INIT (0, (float) ((gtk_widget_get_height (widget) - height) / 2)));
  parley_formula_layout_snapshot (layout, to, &colour);
  gtk_snapshot_restore (to);
}

static void
finalize (GObject *object)
{
  ParleyFormulaView *self = PARLEY_FORMULA_VIEW (object);

  parley_formula_layout_free (self->layout);
  parley_math_node_free (self->formula);
  G_OBJECT_CLASS (parley_formula_view_parent_class)->finalize (object);
}

static void
parley_formula_view_class_init (ParleyFormulaViewClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  GTK_WIDGET_CLASS (klass)->measure = measure;
  GTK_WIDGET_CLASS (klass)->snapshot = snapshot;
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_IMG);
}

static void
parley_formula_view_init (ParleyFormulaView *self)
{
}

GtkWidget *
parley_formula_view_new (const char *latex, const char *words)
{
  ParleyFormulaView *self = g_object_new (PARLEY_TYPE_FORMULA_VIEW, NULL);
  GtkWidget *scroller = gtk_scrolled_window_new ();

  self->formula = parley_math_parse (latex, strlen (latex));
  parley_set_accessible_name (GTK_WIDGET (self), words);
  parley_add_classes (GTK_WIDGET (self), "md-text keeps-direction");
  /* Mathematics goes rightwards in every language. */
  gtk_widget_set_direction (GTK_WIDGET (self), GTK_TEXT_DIR_LTR);
  gtk_widget_set_halign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_AUTOMATIC,
                                  GTK_POLICY_NEVER);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self));
  return scroller;
}
