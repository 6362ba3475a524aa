/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Predicted speed over the positions of the layer slider: a small curve above it, with the best
 * position marked and what does not fit shaded.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct {
  double speed; /* tokens a second */
  gboolean fits;
} ParleyCurvePoint;

#define PARLEY_TYPE_SPEED_CURVE (parley_speed_curve_get_type ())
G_DECLARE_FINAL_TYPE (ParleySpeedCurve, parley_speed_curve, PARLEY, SPEED_CURVE, GtkWidget)

GtkWidget *parley_speed_curve_new (void);
/* Copies the points, position 0 first; `best` is one of them. Fewer than two: nothing is shown. */
void parley_speed_curve_set (ParleySpeedCurve *self, const ParleyCurvePoint *points, guint n,
                             guint best);
void parley_speed_curve_set_position (ParleySpeedCurve *self, guint position);

G_END_DECLS
