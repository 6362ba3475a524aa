/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What of a formula is drawn and not set in type, because it is as high or as wide as what it
 * belongs to: brackets, roots, strokes.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_STROKE_LINE, /* fills its box */
  PARLEY_STROKE_ROOT,
  PARLEY_STROKE_BAR,
  PARLEY_STROKE_BARS,
  PARLEY_STROKE_ROUND,
  PARLEY_STROKE_ROUND_END,
  PARLEY_STROKE_SQUARE,
  PARLEY_STROKE_SQUARE_END,
  PARLEY_STROKE_CURLY,
  PARLEY_STROKE_CURLY_END,
  PARLEY_STROKE_ANGLE,
  PARLEY_STROKE_ANGLE_END,
  PARLEY_STROKE_FLOOR,
  PARLEY_STROKE_FLOOR_END,
  PARLEY_STROKE_CEILING,
  PARLEY_STROKE_CEILING_END,
  PARLEY_STROKE_ARROW,
  PARLEY_STROKE_ARROW_BACK,
  PARLEY_STROKE_HAT,
  PARLEY_STROKE_CHECK,
  PARLEY_STROKE_WAVE,
  PARLEY_STROKE_BRACE_ABOVE,
  PARLEY_STROKE_BRACE_BELOW,
  PARLEY_STROKE_SLASH,
} ParleyStroke;

/* The one for a bracket; FALSE: it is none of these. */
gboolean parley_stroke_for (const char *bracket, ParleyStroke *stroke);

/* In the box from the origin on. */
void parley_stroke_draw (ParleyStroke stroke, GtkSnapshot *snapshot, double width, double height,
                         double thickness, const GdkRGBA *colour);

G_END_DECLS
