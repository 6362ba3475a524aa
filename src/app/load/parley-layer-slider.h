/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many layers of a model are on the GPU: in words, as a slider below the curve of predicted
 * speeds, and as a number to type.
 *
 * Signal `moved ()`: the person chose another number.
 */
#pragma once

#include "app/load/parley-speed-curve.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_LAYER_SLIDER (parley_layer_slider_get_type ())
G_DECLARE_FINAL_TYPE (ParleyLayerSlider, parley_layer_slider, PARLEY, LAYER_SLIDER, GtkBox)

GtkWidget *parley_layer_slider_new (void);

guint parley_layer_slider_get_value (ParleyLayerSlider *self);
void parley_layer_slider_set_value (ParleyLayerSlider *self, guint value); /* not `moved` */

/* From 0 to `most`. */
void parley_layer_slider_set_most (ParleyLayerSlider *self, guint most);
/* Whether it can be moved, and whether there is something to move between: without a GPU only the
 * words are shown. */
void parley_layer_slider_set_usable (ParleyLayerSlider *self, gboolean usable, gboolean has_gpu);
/* "28 of 33 layers on the GPU, 6.1 GB"; also what assistive technologies say of the value. */
void parley_layer_slider_set_words (ParleyLayerSlider *self, const char *words);
void parley_layer_slider_set_busy (ParleyLayerSlider *self, gboolean busy);
/* See parley_speed_curve_set(); the best position is marked on the slider. */
void parley_layer_slider_set_curve (ParleyLayerSlider *self, const ParleyCurvePoint *points,
                                    guint n, guint best);

G_END_DECLS
