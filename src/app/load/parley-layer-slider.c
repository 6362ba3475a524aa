/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-layer-slider.h"

#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <math.h>

struct _ParleyLayerSlider {
  GtkBox parent;
  GtkWidget *words, *busy, *curve, *scale, *number;
  GtkAdjustment *layers;
  guint most, best;  /* best: G_MAXUINT while no curve is shown */
  guint showing : 1; /* the number follows the model, not the person */
};

G_DEFINE_FINAL_TYPE (ParleyLayerSlider, parley_layer_slider, GTK_TYPE_BOX)

enum { MOVED, N_SIGNALS };
static guint signals[N_SIGNALS];

guint
parley_layer_slider_get_value (ParleyLayerSlider *self)
{
  return (guint) lround (gtk_adjustment_get_value (self->layers));
}

static void
changed (ParleyLayerSlider *self)
{
  parley_speed_curve_set_position (PARLEY_SPEED_CURVE (self->curve),
                                   parley_layer_slider_get_value (self));
  if (!self->showing)
    g_signal_emit (self, signals[MOVED], 0);
}

void
parley_layer_slider_set_value (ParleyLayerSlider *self, guint value)
{
  self->showing = TRUE;
  gtk_adjustment_set_value (self->layers, value);
  self->showing = FALSE;
}

/* None, the best, and all. */
static void
mark (ParleyLayerSlider *self)
{
  GtkScale *scale = GTK_SCALE (self->scale);

  gtk_scale_clear_marks (scale);
  gtk_scale_add_mark (scale, 0, GTK_POS_BOTTOM, NULL);
  gtk_scale_add_mark (scale, self->most, GTK_POS_BOTTOM, NULL);
  if (self->best > 0 && self->best < self->most)
    gtk_scale_add_mark (scale, self->best, GTK_POS_BOTTOM, NULL);
}

void
parley_layer_slider_set_most (ParleyLayerSlider *self, guint most)
{
  if (most == self->most)
    return;
  self->most = most;
  self->showing = TRUE;
  gtk_adjustment_set_upper (self->layers, most);
  self->showing = FALSE;
  mark (self);
}

void
parley_layer_slider_set_usable (ParleyLayerSlider *self, gboolean usable, gboolean has_gpu)
{
  GtkWidget *const controls[] = { self->scale, self->number };

  for (gsize i = 0; i < G_N_ELEMENTS (controls); i++) {
    gtk_widget_set_sensitive (controls[i], usable);
    gtk_widget_set_visible (controls[i], has_gpu);
  }
}

void
parley_layer_slider_set_words (ParleyLayerSlider *self, const char *words)
{
  GtkWidget *const controls[] = { self->scale, self->number };

  gtk_label_set_text (GTK_LABEL (self->words), words);
  for (gsize i = 0; i < G_N_ELEMENTS (controls); i++)
    gtk_accessible_update_property (GTK_ACCESSIBLE (controls[i]),
                                    GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, words, -1);
}

void
parley_layer_slider_set_busy (ParleyLayerSlider *self, gboolean busy)
{
  gtk_widget_set_visible (self->busy, busy);
  gtk_spinner_set_spinning (GTK_SPINNER (self->busy), busy);
}

void
parley_layer_slider_set_curve (ParleyLayerSlider *self, const ParleyCurvePoint *points, guint n,
                               guint best)
{
  parley_speed_curve_set (PARLEY_SPEED_CURVE (self->curve), points, n, best);
  parley_speed_curve_set_position (PARLEY_SPEED_CURVE (self->curve),
                                   parley_layer_slider_get_value (self));
  self->best = n >= 2 ? best : G_MAXUINT;
  mark (self);
}

static void
parley_layer_slider_class_init (ParleyLayerSliderClass *klass)
{
  signals[MOVED] = g_signal_new ("moved", PARLEY_TYPE_LAYER_SLIDER, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);
}

static void
parley_layer_slider_init (ParleyLayerSlider *self)
{
  GtkWidget *head = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);
  self->best = G_MAXUINT;
  self->words = parley_label ("", "layers-words numeric");
  gtk_widget_set_hexpand (self->words, TRUE);
  self->busy = gtk_spinner_new ();
  self->layers = gtk_adjustment_new (0, 0, 1, 1, 4, 0);
  self->scale = gtk_scale_new (GTK_ORIENTATION_HORIZONTAL, self->layers);
  gtk_scale_set_digits (GTK_SCALE (self->scale), 0);
  gtk_range_set_round_digits (GTK_RANGE (self->scale), 0);
  parley_set_accessible_name (self->scale, _ ("Layers on the GPU"));
  self->number = gtk_spin_button_new (self->layers, 1, 0);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (self->number), TRUE);
  gtk_editable_set_width_chars (GTK_EDITABLE (self->number), 3);
  gtk_widget_set_valign (self->number, GTK_ALIGN_CENTER);
  parley_set_accessible_name (self->number, _ ("Layers on the GPU"));
  g_signal_connect_swapped (self->layers, "value-changed", G_CALLBACK (changed), self);
  gtk_box_append (GTK_BOX (head), self->words);
  gtk_box_append (GTK_BOX (head), self->busy);
  gtk_box_append (GTK_BOX (head), self->number);

  self->curve = parley_speed_curve_new ();
  gtk_box_append (GTK_BOX (self), head);
  gtk_box_append (GTK_BOX (self), self->curve);
  gtk_box_append (GTK_BOX (self), self->scale);
}

GtkWidget *
parley_layer_slider_new (void)
{
  return g_object_new (PARLEY_TYPE_LAYER_SLIDER, NULL);
}
