/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-formula-strokes.h"

gboolean
parley_stroke_for (const char *bracket, ParleyStroke *stroke)
{
  static const struct {
    const char *text;
    ParleyStroke stroke;
  } brackets[] = {
    { "(", PARLEY_STROKE_ROUND },   { ")", PARLEY_STROKE_ROUND_END },
    { "[", PARLEY_STROKE_SQUARE },  { "]", PARLEY_STROKE_SQUARE_END },
    { "{", PARLEY_STROKE_CURLY },   { "}", PARLEY_STROKE_CURLY_END },
    { "⟨", PARLEY_STROKE_ANGLE },   { "⟩", PARLEY_STROKE_ANGLE_END },
    { "⌊", PARLEY_STROKE_FLOOR },   { "⌋", PARLEY_STROKE_FLOOR_END },
    { "⌈", PARLEY_STROKE_CEILING }, { "⌉", PARLEY_STROKE_CEILING_END },
    { "|", PARLEY_STROKE_BAR },     { "‖", PARLEY_STROKE_BARS },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (brackets); i++)
    if (g_str_equal (brackets[i].text, bracket)) {
      *stroke = brackets[i].stroke;
      return TRUE;
    }
  return FALSE;
}

typedef struct {
  double x, y;
} Point;

/* Through points given in shares of the box; mirrored for a closing bracket. */
static void
lines (cairo_t *cr, double w, double h, gboolean mirrored, const Point *points, guint n)
{
  for (guint i = 0; i < n; i++) {
    double x = mirrored ? 1 - points[i].x : points[i].x;
    if (i == 0)
      cairo_move_to (cr, x * w, points[i].y * h);
    else
      cairo_line_to (cr, x * w, points[i].y * h);
  }
}

/* From the first point in curves of three points each. */
static void
curves (cairo_t *cr, double w, double h, gboolean mirrored, const Point *points, guint n)
{
  Point p[7];

  for (guint i = 0; i < n; i++)
    p[i] = (Point){ (mirrored ? 1 - points[i].x : points[i].x) * w, points[i].y * h };
  cairo_move_to (cr, p[0].x, p[0].y);
  for (guint i = 1; i + 2 < n; i += 3)
    cairo_curve_to (cr, p[i].x, p[i].y, p[i + 1].x, p[i + 1].y, p[i + 2].x, p[i + 2].y);
}

#define LINES(mirrored, ...)                                                                       \
  lines (cr, w, h, mirrored, (const Point[]){ __VA_ARGS__ },                                       \
         sizeof ((const Point[]){ __VA_ARGS__ }) / sizeof (Point))
#define CURVES(mirrored, ...)                                                                      \
  curves (cr, w, h, mirrored, (const Point[]){ __VA_ARGS__ },                                      \
          sizeof ((const Point[]){ __VA_ARGS__ }) / sizeof (Point))

static void
trace (ParleyStroke stroke, cairo_t *cr, double w, double h)
{
  switch (stroke) {
  case PARLEY_STROKE_LINE: break;
  case PARLEY_STROKE_ROOT:
    LINES (FALSE, { 0.02, 0.62 }, { 0.2, 0.55 }, { 0.52, 0.97 }, { 1, 0 });
    break;
  case PARLEY_STROKE_BAR: LINES (FALSE, { 0.5, 0 }, { 0.5, 1 }); break;
  case PARLEY_STROKE_BARS:
    LINES (FALSE, { 0.3, 0 }, { 0.3, 1 });
    LINES (FALSE, { 0.7, 0 }, { 0.7, 1 });
    break;
  case PARLEY_STROKE_ROUND:
  case PARLEY_STROKE_ROUND_END:
    CURVES (stroke == PARLEY_STROKE_ROUND_END, { 0.85, 0 }, { 0.1, 0.25 }, { 0.1, 0.75 },
            { 0.85, 1 });
    break;
  case PARLEY_STROKE_SQUARE:
  case PARLEY_STROKE_SQUARE_END:
    LINES (stroke == PARLEY_STROKE_SQUARE_END, { 0.85, 0 }, { 0.35, 0 }, { 0.35, 1 }, { 0.85, 1 });
    break;
  case PARLEY_STROKE_CURLY:
  case PARLEY_STROKE_CURLY_END:
    CURVES (stroke == PARLEY_STROKE_CURLY_END, { 0.9, 0 }, { 0.2, 0 }, { 0.8, 0.5 }, { 0.1, 0.5 },
            { 0.8, 0.5 }, { 0.2, 1 }, { 0.9, 1 });
    break;
  case PARLEY_STROKE_ANGLE:
  case PARLEY_STROKE_ANGLE_END:
    LINES (stroke == PARLEY_STROKE_ANGLE_END, { 0.85, 0 }, { 0.25, 0.5 }, { 0.85, 1 });
    break;
  case PARLEY_STROKE_FLOOR:
  case PARLEY_STROKE_FLOOR_END:
    LINES (stroke == PARLEY_STROKE_FLOOR_END, { 0.35, 0 }, { 0.35, 1 }, { 0.85, 1 });
    break;
  case PARLEY_STROKE_CEILING:
  case PARLEY_STROKE_CEILING_END:
    LINES (stroke == PARLEY_STROKE_CEILING_END, { 0.85, 0 }, { 0.35, 0 }, { 0.35, 1 });
    break;
  case PARLEY_STROKE_ARROW:
    LINES (FALSE, { 0, 0.5 }, { 1, 0.5 });
    cairo_move_to (cr, w - h * 0.6, 0.1 * h);
    cairo_line_to (cr, w, 0.5 * h);
    cairo_line_to (cr, w - h * 0.6, 0.9 * h);
    break;
  case PARLEY_STROKE_ARROW_BACK:
    LINES (FALSE, { 0, 0.5 }, { 1, 0.5 });
    cairo_move_to (cr, h * 0.6, 0.1 * h);
    cairo_line_to (cr, 0, 0.5 * h);
    cairo_line_to (cr, h * 0.6, 0.9 * h);
    break;
  case PARLEY_STROKE_BRACE_ABOVE:
    CURVES (FALSE, { 0, 1 }, { 0, 0 }, { 0.5, 1 }, { 0.5, 0 }, { 0.5, 1 }, { 1, 0 }, { 1, 1 });
    break;
  case PARLEY_STROKE_BRACE_BELOW:
    CURVES (FALSE, { 0, 0 }, { 0, 1 }, { 0.5, 0 }, { 0.5, 1 }, { 0.5, 0 }, { 1, 1 }, { 1, 0 });
    break;
  case PARLEY_STROKE_SLASH: LINES (FALSE, { 0, 1 }, { 1, 0 }); break;
  case PARLEY_STROKE_HAT: LINES (FALSE, { 0, 1 }, { 0.5, 0 }, { 1, 1 }); break;
  case PARLEY_STROKE_CHECK: LINES (FALSE, { 0, 0 }, { 0.5, 1 }, { 1, 0 }); break;
  case PARLEY_STROKE_WAVE:
    CURVES (FALSE, { 0, 0.8 }, { 0.3, -0.4 }, { 0.7, 1.4 }, { 1, 0.2 });
    break;
  }
}

void
parley_stroke_draw (ParleyStroke stroke, GtkSnapshot *snapshot, double width, double height,
                    double thickness, const GdkRGBA *colour)
{
  if (stroke == PARLEY_STROKE_LINE) {
    gtk_snapshot_append_color (snapshot, colour,
                               &GRAPHENE_RECT_INIT (0, 0, (float) width, (float) height));
    return;
  }
  float edge = (float) thickness;
  cairo_t *cr = gtk_snapshot_append_cairo (
      snapshot,
      &GRAPHENE_RECT_INIT (-edge, -edge, (float) width + 2 * edge, (float) height + 2 * edge));
  gdk_cairo_set_source_rgba (cr, colour);
  cairo_set_line_width (cr, thickness);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  trace (stroke, cr, width, height);
  cairo_stroke (cr);
  cairo_destroy (cr);
}
