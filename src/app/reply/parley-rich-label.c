/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-rich-label.h"

#include "app/reply/parley-highlight.h"
#include "app/text/parley-link.h"
#include "app/widgets/parley-contrast.h"
#include "app/widgets/parley-widgets.h"

#define LINKS_KEY   "parley-links" /* GArray of ParleySpan; absent where there are none */
#define WATCHES_KEY "parley-watches"

static void
span_free_target (gpointer data)
{
  g_free (((ParleySpan *) data)->target);
}

/* NULL: there are none. */
static GArray *
links_of (const GArray *spans)
{
  GArray *links = NULL;

  for (guint i = 0; spans != NULL && i < spans->len; i++) {
    ParleySpan span = g_array_index (spans, ParleySpan, i);
    if (span.kind != PARLEY_SPAN_LINK || span.target == NULL)
      continue;
    if (links == NULL) {
      links = g_array_new (FALSE, FALSE, sizeof (ParleySpan));
      g_array_set_clear_func (links, span_free_target);
    }
    span.target = g_strdup (span.target);
    g_array_append_val (links, span);
  }
  return links;
}

static const char *
link_at (GtkWidget *label, double x, double y)
{
  GArray *links = g_object_get_data (G_OBJECT (label), LINKS_KEY);
  int left, top, index, trailing;

  if (links == NULL)
    return NULL;
  gtk_label_get_layout_offsets (GTK_LABEL (label), &left, &top);
  if (!pango_layout_xy_to_index (gtk_label_get_layout (GTK_LABEL (label)),
                                 (int) (x - left) * PANGO_SCALE, (int) (y - top) * PANGO_SCALE,
                                 &index, &trailing))
    return NULL;
  for (guint i = 0; i < links->len; i++) {
    const ParleySpan *span = &g_array_index (links, ParleySpan, i);
    if ((guint) index >= span->start && (guint) index < span->end)
      return span->target;
  }
  return NULL;
}

/* The label's own gesture, which selects, would take the click for itself and leave none. */
static void
pressed (GtkGestureClick *gesture, int n_press, double x, double y, GtkWidget *label)
{
  if (link_at (label, x, y) != NULL)
    gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
}

static void
released (GtkGestureClick *gesture, int n_press, double x, double y, GtkWidget *label)
{
  const char *target = link_at (label, x, y);

  if (target != NULL && n_press == 1)
    gtk_widget_activate_action (label, "win.open-link", "s", target);
}

static void
motion (GtkEventControllerMotion *controller, double x, double y, GtkWidget *label)
{
  const char *target = link_at (label, x, y);

  gtk_widget_set_cursor_from_name (label, target != NULL ? "pointer" : NULL);
  g_autofree char *shown = target != NULL ? parley_link_for_display (target) : NULL;
  gtk_widget_set_tooltip_text (label, shown);
}

/* ---- by keyboard: Enter opens the only link, or offers those there are ---- */

static void
link_picked (GtkButton *button, GtkWidget *popover)
{
  GtkWidget *label = gtk_widget_get_parent (popover);

  gtk_popover_popdown (GTK_POPOVER (popover));
  gtk_widget_activate_action (label, "win.open-link", "s",
                              g_object_get_data (G_OBJECT (button), "parley-target"));
}

static gboolean
popover_gone (gpointer popover)
{
  gtk_widget_unparent (popover);
  return G_SOURCE_REMOVE;
}

static void
popover_closed (GtkPopover *popover)
{
  /* Not from within its own signal. */
  g_idle_add_full (G_PRIORITY_DEFAULT, popover_gone, g_object_ref (popover), g_object_unref);
}

static void
offer_links (GtkWidget *label, const GArray *links)
{
  GtkWidget *popover = gtk_popover_new (), *box = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);

  for (guint i = 0; i < links->len; i++) {
    const ParleySpan *link = &g_array_index (links, ParleySpan, i);
    g_autofree char *shown = parley_link_for_display (link->target);
    GtkWidget *button = gtk_button_new (), *address = parley_line (shown, NULL);
    gtk_label_set_max_width_chars (GTK_LABEL (address), 48);
    gtk_label_set_ellipsize (GTK_LABEL (address), PANGO_ELLIPSIZE_MIDDLE);
    gtk_button_set_child (GTK_BUTTON (button), address);
    gtk_widget_add_css_class (button, "flat");
    g_object_set_data_full (G_OBJECT (button), "parley-target", g_strdup (link->target), g_free);
    g_signal_connect (button, "clicked", G_CALLBACK (link_picked), popover);
    gtk_box_append (GTK_BOX (box), button);
  }
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  gtk_widget_set_parent (popover, label);
  g_signal_connect (popover, "closed", G_CALLBACK (popover_closed), NULL);
  gtk_popover_popup (GTK_POPOVER (popover));
}

static gboolean
key_pressed (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state,
             GtkWidget *label)
{
  GArray *links = g_object_get_data (G_OBJECT (label), LINKS_KEY);

  if ((key != GDK_KEY_Return && key != GDK_KEY_KP_Enter) || links == NULL)
    return GDK_EVENT_PROPAGATE;
  if (links->len == 1)
    gtk_widget_activate_action (label, "win.open-link", "s",
                                g_array_index (links, ParleySpan, 0).target);
  else
    offer_links (label, links);
  return GDK_EVENT_STOP;
}

GtkWidget *
parley_rich_label_new (guint level)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkWidget *label =
      level > 0 ? parley_heading (NULL, NULL, (int) level) : parley_label (NULL, NULL);
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *pointer = gtk_event_controller_motion_new ();

  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (click), GTK_PHASE_CAPTURE);
  g_signal_connect (click, "pressed", G_CALLBACK (pressed), label);
  g_signal_connect (click, "released", G_CALLBACK (released), label);
  g_signal_connect (pointer, "motion", G_CALLBACK (motion), label);
  gtk_widget_add_controller (label, GTK_EVENT_CONTROLLER (click));
  gtk_widget_add_controller (label, pointer);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (key_pressed), label);
  gtk_widget_add_controller (label, keys);
  return label;
}

static void
add (PangoAttrList *list, PangoAttribute *attribute, const ParleySpan *span)
{
  attribute->start_index = span->start;
  attribute->end_index = span->end;
  pango_attr_list_insert (list, attribute);
}

/* ---- colours ---- */

/* On the theme's backgrounds at least 6:1, in high contrast 8:1. */
static PangoAttribute *
link_colour (void)
{
  gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());

  if (parley_contrast_is_high ())
    return dark ? pango_attr_foreground_new (0x9999, 0xc1c1, 0xf1f1)
                : pango_attr_foreground_new (0x1313, 0x4949, 0x9090);
  return dark ? pango_attr_foreground_new (0x7878, 0xaeae, 0xeded)
              : pango_attr_foreground_new (0x1a1a, 0x5f5f, 0xb4b4);
}

static gboolean
is_colour (PangoAttribute *attribute, gpointer data)
{
  return attribute->klass->type == PANGO_ATTR_FOREGROUND;
}

/* Nothing else in such a text has a colour of its own. */
static void
colour_links (PangoAttrList *list, const GArray *links)
{
  PangoAttrList *old = pango_attr_list_filter (list, is_colour, NULL);

  g_clear_pointer (&old, pango_attr_list_unref);
  for (guint i = 0; i < links->len; i++)
    add (list, link_colour (), &g_array_index (links, ParleySpan, i));
}

static void
colours_changed (GtkWidget *label)
{
  const GArray *links = g_object_get_data (G_OBJECT (label), LINKS_KEY);
  PangoAttrList *present = parley_highlight_get_attributes (GTK_LABEL (label));

  if (links == NULL || present == NULL)
    return;
  g_autoptr (PangoAttrList) list = pango_attr_list_copy (present);
  colour_links (list, links);
  parley_highlight_set_attributes (GTK_LABEL (label), list);
}

void
parley_rich_label_set (GtkWidget *label, const char *text, const GArray *spans)
{
  g_autoptr (PangoAttrList) list = pango_attr_list_new ();
  GArray *links = links_of (spans);

  pango_attr_list_insert (list, pango_attr_insert_hyphens_new (FALSE));
  for (guint i = 0; spans != NULL && i < spans->len; i++) {
    const ParleySpan *span = &g_array_index (spans, ParleySpan, i);
    switch (span->kind) {
    case PARLEY_SPAN_EMPHASIS: add (list, pango_attr_style_new (PANGO_STYLE_ITALIC), span); break;
    case PARLEY_SPAN_STRONG: add (list, pango_attr_weight_new (PANGO_WEIGHT_BOLD), span); break;
    case PARLEY_SPAN_STRIKE: add (list, pango_attr_strikethrough_new (TRUE), span); break;
    case PARLEY_SPAN_CODE:
      add (list, pango_attr_family_new ("monospace"), span);
      add (list, pango_attr_scale_new (0.93), span);
      add (list, pango_attr_background_new (0x8000, 0x8000, 0x8000), span);
      add (list, pango_attr_background_alpha_new (0x2c00), span);
      break;
    case PARLEY_SPAN_LINK:
      add (list, pango_attr_underline_new (PANGO_UNDERLINE_SINGLE), span);
      break;
    case PARLEY_SPAN_RAISED:
      add (list, pango_attr_font_scale_new (PANGO_FONT_SCALE_SUPERSCRIPT), span);
      add (list, pango_attr_baseline_shift_new (PANGO_BASELINE_SHIFT_SUPERSCRIPT), span);
      break;
    case PARLEY_SPAN_LOWERED:
      add (list, pango_attr_font_scale_new (PANGO_FONT_SCALE_SUBSCRIPT), span);
      add (list, pango_attr_baseline_shift_new (PANGO_BASELINE_SHIFT_SUBSCRIPT), span);
      break;
    default: break;
    }
  }
  parley_label_set_long_text (GTK_LABEL (label), text);
  if (links != NULL)
    colour_links (list, links);
  parley_highlight_set_attributes (GTK_LABEL (label), list);
  if (links != NULL && g_object_get_data (G_OBJECT (label), WATCHES_KEY) == NULL) {
    g_object_set_data (G_OBJECT (label), WATCHES_KEY, label);
    parley_contrast_watch (label, G_CALLBACK (colours_changed));
  }
  g_object_set_data_full (G_OBJECT (label), LINKS_KEY, links, (GDestroyNotify) g_array_unref);
}
