/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-speed-curve.h"

#include "app/compat.h"
#include "app/text/parley-format.h"
#include "app/widgets/parley-contrast.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define HEIGHT 60 /* of the curve */
#define TOP    24 /* above it, for the words for the best point; grows with the text */
#define BOTTOM 6
#define SIDE   12 /* half of a slider's knob, so that positions stand above it */

struct _ParleySpeedCurve {
  GtkWidget parent;
  GArray *points; /* of ParleyCurvePoint */
  guint best, position;
  GtkWidget *accent; /* never shown: has the colour of the theme */
};

G_DEFINE_FINAL_TYPE (ParleySpeedCurve, parley_speed_curve, GTK_TYPE_WIDGET)

static const ParleyCurvePoint *
point_at (ParleySpeedCurve *self, guint i)
{
  return &g_array_index (self->points, ParleyCurvePoint, i);
}

/* ---- drawing ---- */

typedef struct {
  cairo_t *cr;
  GdkRGBA ink, accent;
  double width, height, top, most;
  gboolean rtl;
} Drawing;

static double
x_at (ParleySpeedCurve *self, const Drawing *d, double i)
{
  double x = SIDE + i * (d->width - 2 * SIDE) / (self->points->len - 1);

  return d->rtl ? d->width - x : x;
}

static double
y_at (ParleySpeedCurve *self, const Drawing *d, guint i)
{
  return d->height - BOTTOM - point_at (self, i)->speed / d->most * (d->height - BOTTOM - d->top);
}

static void
trace (ParleySpeedCurve *self, const Drawing *d, guint from, guint to)
{
  for (guint i = from; i <= to; i++)
    if (i == from)
      cairo_move_to (d->cr, x_at (self, d, i), y_at (self, d, i));
    else
      cairo_line_to (d->cr, x_at (self, d, i), y_at (self, d, i));
}

/* The last position that fits: sizes grow with it. */
static guint
last_that_fits (ParleySpeedCurve *self)
{
  guint last = 0;

  for (guint i = 0; i < self->points->len; i++)
    if (point_at (self, i)->fits)
      last = i;
  return last;
}

static void
draw_curve (ParleySpeedCurve *self, const Drawing *d)
{
  guint last = last_that_fits (self), end = self->points->len - 1;
  const double dashes[] = { 2, 4 };
  GdkRGBA fill = d->accent;

  fill.alpha = 0.14f;
  gdk_cairo_set_source_rgba (d->cr, &fill);
  trace (self, d, 0, last);
  cairo_line_to (d->cr, x_at (self, d, last), d->height - BOTTOM);
  cairo_line_to (d->cr, x_at (self, d, 0), d->height - BOTTOM);
  cairo_close_path (d->cr);
  cairo_fill (d->cr);

  cairo_set_line_join (d->cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap (d->cr, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_width (d->cr, parley_contrast_is_high () ? 3 : 2);
  gdk_cairo_set_source_rgba (d->cr, &d->accent);
  trace (self, d, 0, last);
  cairo_stroke (d->cr);
  if (last == end)
    return;
  fill = d->ink;
  fill.alpha = parley_contrast_alpha (0.45f);
  gdk_cairo_set_source_rgba (d->cr, &fill);
  cairo_set_dash (d->cr, dashes, 2, 0);
  trace (self, d, last, end);
  cairo_stroke (d->cr);
  cairo_set_dash (d->cr, NULL, 0, 0);
}

static char *
words_for_best (ParleySpeedCurve *self)
{
  g_autofree char *speed = parley_format_speed (point_at (self, self->best)->speed);

  return g_strdup_printf (_ ("Best: %u layers, ≈ %s"), self->best, speed);
}

static void
draw_best (ParleySpeedCurve *self, GtkWidget *widget, const Drawing *d)
{
  g_autofree char *text = words_for_best (self);
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, text);
  PangoAttrList *attributes = pango_attr_list_new ();
  double x = x_at (self, d, self->best), y = y_at (self, d, self->best);
  int width, height;

  pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_SMALL));
  pango_layout_set_attributes (layout, attributes);
  pango_attr_list_unref (attributes);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_get_pixel_size (layout, &width, &height);
  if (width > d->width) {
    width = (int) d->width;
    pango_layout_set_width (layout, width * PANGO_SCALE);
  }
  gdk_cairo_set_source_rgba (d->cr, &d->accent);
  cairo_arc (d->cr, x, y, 4.5, 0, 2 * G_PI);
  cairo_fill (d->cr);
  gdk_cairo_set_source_rgba (d->cr, &d->ink);
  cairo_move_to (d->cr, CLAMP (x - width / 2.0, 0, MAX (d->width - width, 0)),
                 MAX (y - height - 8, 0));
  pango_cairo_show_layout (d->cr, layout);
}

static void
draw_position (ParleySpeedCurve *self, const Drawing *d)
{
  GdkRGBA ink = d->ink;
  double x = x_at (self, d, self->position);

  ink.alpha = parley_contrast_alpha (0.35f);
  gdk_cairo_set_source_rgba (d->cr, &ink);
  cairo_set_line_width (d->cr, 1);
  cairo_move_to (d->cr, x, y_at (self, d, self->position));
  cairo_line_to (d->cr, x, d->height);
  cairo_stroke (d->cr);
  ink.alpha = 1;
  gdk_cairo_set_source_rgba (d->cr, &ink);
  cairo_arc (d->cr, x, y_at (self, d, self->position), 3, 0, 2 * G_PI);
  cairo_fill (d->cr);
}

static void
snapshot (GtkWidget *widget, GtkSnapshot *snap)
{
  ParleySpeedCurve *self = PARLEY_SPEED_CURVE (widget);
  Drawing d = { .width = gtk_widget_get_width (widget),
                .height = gtk_widget_get_height (widget),
                .top = TOP * parley_text_scale (widget),
                .rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL };

  for (guint i = 0; i < self->points->len; i++)
    d.most = MAX (d.most, point_at (self, i)->speed);
  if (self->points->len < 2 || d.most <= 0)
    return;
  parley_widget_get_colour (widget, &d.ink);
  parley_widget_get_colour (self->accent, &d.accent);
  d.cr = gtk_snapshot_append_cairo (snap,
                                    &GRAPHENE_RECT_INIT (0, 0, (float) d.width, (float) d.height));
  draw_curve (self, &d);
  draw_position (self, &d);
  draw_best (self, widget, &d);
  cairo_destroy (d.cr);
}

static void
measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
         int *minimum_baseline, int *natural_baseline)
{
  *minimum = *natural = orientation == GTK_ORIENTATION_VERTICAL
                            ? HEIGHT + (int) (TOP * parley_text_scale (widget))
                            : 160;
}

/* ---- the rest ---- */

static void
describe (ParleySpeedCurve *self)
{
  g_autofree char *best = words_for_best (self);
  g_autofree char *none = parley_format_speed (point_at (self, 0)->speed);
  g_autofree char *text =
      g_strdup_printf (_ ("Predicted speed by layers on the GPU. None: %s. %s"), none, best);

  parley_set_accessible_name (GTK_WIDGET (self), text);
}

void
parley_speed_curve_set (ParleySpeedCurve *self, const ParleyCurvePoint *points, guint n, guint best)
{
  g_array_set_size (self->points, 0);
  if (n >= 2)
    g_array_append_vals (self->points, points, n);
  self->best = MIN (best, n >= 2 ? n - 1 : 0);
  self->position = MIN (self->position, n >= 2 ? n - 1 : 0);
  gtk_widget_set_visible (GTK_WIDGET (self), n >= 2);
  if (n >= 2)
    describe (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
parley_speed_curve_set_position (ParleySpeedCurve *self, guint position)
{
  self->position = MIN (position, self->points->len > 0 ? self->points->len - 1 : 0);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
dispose (GObject *object)
{
  g_clear_pointer (&PARLEY_SPEED_CURVE (object)->accent, gtk_widget_unparent);
  G_OBJECT_CLASS (parley_speed_curve_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  g_array_unref (PARLEY_SPEED_CURVE (object)->points);
  G_OBJECT_CLASS (parley_speed_curve_parent_class)->finalize (object);
}

static void
parley_speed_curve_class_init (ParleySpeedCurveClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
  widget_class->snapshot = snapshot;
  widget_class->measure = measure;
  gtk_widget_class_set_css_name (widget_class, "speedcurve");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
parley_speed_curve_init (ParleySpeedCurve *self)
{
  self->points = g_array_new (FALSE, TRUE, sizeof (ParleyCurvePoint));
  self->accent = g_object_new (GTK_TYPE_LABEL, "visible", FALSE, NULL);
  gtk_widget_add_css_class (self->accent, "accent-text");
  gtk_widget_set_parent (self->accent, GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  parley_contrast_redraw (GTK_WIDGET (self));
}

GtkWidget *
parley_speed_curve_new (void)
{
  return g_object_new (PARLEY_TYPE_SPEED_CURVE, NULL);
}
