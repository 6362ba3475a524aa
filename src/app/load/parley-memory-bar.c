/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-memory-bar.h"

#include "app/compat.h"
#include "app/text/parley-format.h"
#include "app/widgets/parley-contrast.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define N_SEGMENTS   5
#define TRACK_HEIGHT 14
#define SWATCH       12
#define LARGE_TEXT   1.4 /* from here on device and figures have a line each */

typedef enum { PLAIN, STRIPES, CROSSED, DOTTED, EMPTY } Pattern;

typedef struct {
  const char *name;
  float red, green, blue, alpha; /* alpha 0: the text colour, faint */
  Pattern pattern;
} SegmentStyle;

static const SegmentStyle styles[N_SEGMENTS] = {
  { N_ ("Weights"), 0.21f, 0.52f, 0.89f, 1, PLAIN },
  { N_ ("KV cache"), 0.57f, 0.25f, 0.67f, 1, STRIPES },
  { N_ ("Working memory"), 0.90f, 0.53f, 0.05f, 1, CROSSED },
  { N_ ("Other programs"), 0, 0, 0, 0, DOTTED },
  { N_ ("Free"), 0, 0, 0, 0, EMPTY },
};

/* The bar itself and the squares of the legend: a row of segments in fixed proportion. */
typedef struct {
  GtkWidget parent;
  guint64 bytes[N_SEGMENTS];
} ParleyMemoryTrack;
typedef GtkWidgetClass ParleyMemoryTrackClass;

static GType parley_memory_track_get_type (void);
G_DEFINE_TYPE (ParleyMemoryTrack, parley_memory_track, GTK_TYPE_WIDGET)

static void
draw_stripes (GtkSnapshot *snap, const graphene_rect_t *area, float slope, const GdkRGBA *colour)
{
  GdkRGBA clear = *colour;
  clear.alpha = 0;
  const GskColorStop stops[] = { { 0, *colour }, { 0.4f, *colour }, { 0.4f, clear }, { 1, clear } };
  graphene_point_t from = GRAPHENE_POINT_INIT (area->origin.x, area->origin.y);
  graphene_point_t to = GRAPHENE_POINT_INIT (area->origin.x + 4, area->origin.y + 4 * slope);
  gtk_snapshot_append_repeating_linear_gradient (snap, area, &from, &to, stops,
                                                 G_N_ELEMENTS (stops));
}

static void
draw_segment (GtkWidget *widget, GtkSnapshot *snap, const graphene_rect_t *area, guint index)
{
  const SegmentStyle *style = &styles[index];
  GdkRGBA colour = { style->red, style->green, style->blue, style->alpha };
  GdkRGBA light = { 1, 1, 1, parley_contrast_alpha (0.45f) }, faint;

  parley_widget_get_colour (widget, &faint);
  if (style->alpha == 0) {
    colour = faint;
    colour.alpha = style->pattern == DOTTED ? 0.28f : 0.10f;
  }
  gtk_snapshot_append_color (snap, &colour, area);
  faint.alpha = parley_contrast_alpha (0.30f);
  if (style->pattern == STRIPES || style->pattern == CROSSED)
    draw_stripes (snap, area, 1, &light);
  if (style->pattern == CROSSED)
    draw_stripes (snap, area, -1, &light);
  if (style->pattern == DOTTED)
    draw_stripes (snap, area, 0, &faint);
}

static void
track_snapshot (GtkWidget *widget, GtkSnapshot *snap)
{
  ParleyMemoryTrack *self = (ParleyMemoryTrack *) widget;
  float width = (float) gtk_widget_get_width (widget);
  float height = (float) gtk_widget_get_height (widget), x = 0;
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  GskRoundedRect outline;
  double total = 0;

  for (guint i = 0; i < N_SEGMENTS; i++)
    total += (double) self->bytes[i];
  gsk_rounded_rect_init_from_rect (&outline, &GRAPHENE_RECT_INIT (0, 0, width, height),
                                   MIN (height / 2, width > 2 * height ? 7 : 3));
  gtk_snapshot_push_rounded_clip (snap, &outline);
  for (guint i = 0; i < N_SEGMENTS && total > 0; i++) {
    float share = (float) ((double) self->bytes[i] / total * width);
    /* What is there is seen, however little. */
    float wide = self->bytes[i] == 0 ? 0 : MIN (MAX (share, 2), width - x);
    float gap = wide > 3 && x + wide < width - 1 ? 1 : 0;
    if (wide <= 0)
      continue;
    float left = rtl ? width - x - wide + gap : x;
    draw_segment (widget, snap, &GRAPHENE_RECT_INIT (left, 0, wide - gap, height), i);
    x += wide;
  }
  gtk_snapshot_pop (snap);
  if (parley_contrast_is_high () && total > 0) {
    const float widths[] = { 1, 1, 1, 1 };
    GdkRGBA ink;
    parley_widget_get_colour (widget, &ink);
    gtk_snapshot_append_border (snap, &outline, widths, (GdkRGBA[4]){ ink, ink, ink, ink });
  }
}

static void
parley_memory_track_class_init (ParleyMemoryTrackClass *klass)
{
  klass->snapshot = track_snapshot;
  gtk_widget_class_set_accessible_role (klass, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
parley_memory_track_init (ParleyMemoryTrack *self)
{
  parley_contrast_redraw (GTK_WIDGET (self));
}

struct _ParleyMemoryBar {
  GtkWidget parent;
  GtkWidget *device, *summary, *track;
  GtkWidget *legend[N_SEGMENTS], *amounts[N_SEGMENTS];
};

G_DEFINE_FINAL_TYPE (ParleyMemoryBar, parley_memory_bar, GTK_TYPE_WIDGET)

static void
segments_of (const ParleyMemoryUse *use, guint64 bytes[N_SEGMENTS])
{
  guint64 taken = use->weights + use->kv + use->work + use->others;

  bytes[0] = use->weights;
  bytes[1] = use->kv;
  bytes[2] = use->work;
  bytes[3] = use->others;
  bytes[4] = use->total > taken ? use->total - taken : 0;
}

char *
parley_memory_bar_describe (const char *device, const ParleyMemoryUse *use)
{
  guint64 bytes[N_SEGMENTS];
  g_autofree char *total = parley_format_size (use->total);
  GString *out = g_string_new (NULL);

  segments_of (use, bytes);
  g_string_append_printf (out, _ ("%s, %s"), device, total);
  for (guint i = 0; i < N_SEGMENTS; i++) {
    g_autofree char *size = parley_format_size (bytes[i]);
    if (bytes[i] > 0 || i == N_SEGMENTS - 1)
      g_string_append_printf (out, "%s %s %s", i == 0 ? ":" : ",", _ (styles[i].name), size);
  }
  return g_string_free (out, FALSE);
}

void
parley_memory_bar_set (ParleyMemoryBar *self, const char *device, const ParleyMemoryUse *use)
{
  ParleyMemoryTrack *track = (ParleyMemoryTrack *) self->track;
  guint64 ours = use->weights + use->kv + use->work, all = ours + use->others;
  g_autofree char *total = parley_format_size (use->total), *taken = parley_format_size (all);
  g_autofree char *over = parley_format_size (all > use->total ? all - use->total : 0);
  g_autofree char *summary = all > use->total
                                 ? g_strdup_printf (_ ("%s too much for %s"), over, total)
                                 : g_strdup_printf (_ ("%s of %s"), taken, total);
  g_autofree char *sentence = parley_memory_bar_describe (device, use);

  segments_of (use, track->bytes);
  for (guint i = 0; i < N_SEGMENTS; i++) {
    g_autofree char *size = parley_format_size (track->bytes[i]);
    gtk_label_set_text (GTK_LABEL (self->amounts[i]), size);
    gtk_widget_set_visible (self->legend[i], track->bytes[i] > 0 || i == N_SEGMENTS - 1);
  }
  gtk_label_set_text (GTK_LABEL (self->device), device);
  gtk_label_set_text (GTK_LABEL (self->summary), summary);
  if (all > use->total)
    gtk_widget_add_css_class (self->summary, "error");
  else
    gtk_widget_remove_css_class (self->summary, "error");
  gtk_widget_queue_draw (self->track);
  parley_set_accessible_name (GTK_WIDGET (self), sentence);
}

static GtkWidget *
legend_entry (ParleyMemoryBar *self, guint i)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, "memory-legend");
  GtkWidget *swatch = g_object_new (parley_memory_track_get_type (), NULL);
  GtkWidget *name = parley_line (_ (styles[i].name), "caption");

  ((ParleyMemoryTrack *) swatch)->bytes[i] = 1;
  gtk_widget_set_size_request (swatch, SWATCH, SWATCH);
  gtk_widget_set_valign (swatch, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (name, TRUE);
  self->amounts[i] = parley_line ("", "caption numeric dim-label");
  gtk_box_append (GTK_BOX (box), swatch);
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), self->amounts[i]);
  return box;
}

static void
dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (parley_memory_bar_parent_class)->dispose (object);
}

static void
parley_memory_bar_class_init (ParleyMemoryBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "memorybar");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
parley_memory_bar_init (ParleyMemoryBar *self)
{
  GtkWidget *widget = GTK_WIDGET (self), *legend = gtk_flow_box_new ();
  GtkWidget *heading = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (widget);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (layout), GTK_ORIENTATION_VERTICAL);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 8);
  self->device = parley_line ("", "heading");
  gtk_widget_set_hexpand (self->device, TRUE);
  self->summary = parley_line ("", "dim-label numeric");
  gtk_label_set_ellipsize (GTK_LABEL (self->summary), PANGO_ELLIPSIZE_NONE);
  if (parley_text_scale (widget) > LARGE_TEXT)
    gtk_orientable_set_orientation (GTK_ORIENTABLE (heading), GTK_ORIENTATION_VERTICAL);
  gtk_box_append (GTK_BOX (heading), self->device);
  gtk_box_append (GTK_BOX (heading), self->summary);
  self->track = g_object_new (parley_memory_track_get_type (), NULL);
  gtk_widget_set_size_request (self->track, 120, TRACK_HEIGHT);

  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (legend), GTK_SELECTION_NONE);
  gtk_flow_box_set_min_children_per_line (GTK_FLOW_BOX (legend), 1);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (legend), 3);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (legend), 24);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (legend), 2);
  gtk_flow_box_set_homogeneous (GTK_FLOW_BOX (legend), TRUE);
  for (guint i = 0; i < N_SEGMENTS; i++) {
    self->legend[i] = legend_entry (self, i);
    gtk_flow_box_insert (GTK_FLOW_BOX (legend), self->legend[i], -1);
    self->legend[i] = gtk_widget_get_parent (self->legend[i]); /* the flow box's own child */
    gtk_widget_set_focusable (self->legend[i], FALSE);
  }
  gtk_widget_set_parent (heading, widget);
  gtk_widget_set_parent (self->track, widget);
  gtk_widget_set_parent (legend, widget);
}

GtkWidget *
parley_memory_bar_new (void)
{
  return g_object_new (PARLEY_TYPE_MEMORY_BAR, NULL);
}
