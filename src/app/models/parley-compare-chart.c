/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-compare-chart.h"

#include "app/compat.h"
#include "app/text/parley-format.h"
#include "app/widgets/parley-contrast.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define ROW        58
#define BAR_TOP    26
#define BAR_HEIGHT 18
#define HEAD       42 /* two levels of names of the lines */
#define AXIS       34
#define LEGEND     20 /* a line of it */
#define NOTE       22 /* a line at the foot */
#define TITLE      44 /* of a picture */
#define SIDE       6
#define MAX_LINES  2
#define NARROW     480

#define PICTURE_WIDTH  900
#define PICTURE_MARGIN 28
#define PICTURE_SCALE  2

struct _ParleyCompareChart {
  GtkWidget parent;
  char *title, **notes;
  GArray *bars;  /* of ParleyChartBar */
  GArray *lines; /* of ParleyChartLine */
};

G_DEFINE_FINAL_TYPE (ParleyCompareChart, parley_compare_chart, GTK_TYPE_WIDGET)

enum { WEIGHTS, KV, WORK, N_KINDS };

static const struct {
  const char *name;
  double red, green, blue;
} kinds[N_KINDS] = {
  { N_ ("Weights"), 0.21, 0.52, 0.89 },
  { N_ ("KV cache"), 0.57, 0.25, 0.67 },
  { N_ ("Working memory"), 0.90, 0.53, 0.05 },
};

static void
clear_bar (gpointer data)
{
  ParleyChartBar *bar = data;

  g_free (bar->name);
  g_free (bar->detail);
}

static void
clear_line (gpointer data)
{
  g_free (((ParleyChartLine *) data)->name);
}

/* ---- drawing ---- */

typedef struct {
  cairo_t *cr;
  PangoContext *pango;
  GdkRGBA ink;
  double text_scale;   /* of the font in `pango`: everything grows with it */
  double width, scale; /* pixels a byte; pixels as with text of the usual size */
  guint64 end;         /* of the axis */
  gboolean rtl, high_contrast;
} Drawing;

static void
set_ink (const Drawing *d, double alpha)
{
  if (d->high_contrast)
    alpha = (1 + alpha) / 2;
  cairo_set_source_rgba (d->cr, d->ink.red, d->ink.green, d->ink.blue, d->ink.alpha * alpha);
}

/* Of lines behind words: strong ones would strike them through. */
static void
set_line (const Drawing *d, double alpha)
{
  alpha = d->high_contrast ? 2 * alpha : alpha;
  cairo_set_source_rgba (d->cr, d->ink.red, d->ink.green, d->ink.blue, d->ink.alpha * alpha);
}

static double
x_of (const Drawing *d, double bytes)
{
  double x = SIDE + bytes * d->scale;

  return d->rtl ? d->width - x : x;
}

static PangoLayout *
layout_of (const Drawing *d, const char *text, gboolean bold, double size)
{
  PangoLayout *layout = pango_layout_new (d->pango);
  PangoFontDescription *font =
      pango_font_description_copy (pango_context_get_font_description (d->pango));

  size *= pango_font_description_get_size (font) / d->text_scale;
  if (pango_font_description_get_size_is_absolute (font))
    pango_font_description_set_absolute_size (font, size);
  else
    pango_font_description_set_size (font, (int) size);
  if (bold)
    pango_font_description_set_weight (font, PANGO_WEIGHT_BOLD);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_text (layout, text, -1);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_font_description_free (font);
  return layout;
}

/* Returns the width that was taken. `at_end`: right-aligned there, in the reading direction. */
static double
draw_text (const Drawing *d, const char *text, gboolean bold, double size, double x, double y,
           double room, gboolean at_end)
{
  g_autoptr (PangoLayout) layout = layout_of (d, text, bold, size);
  int width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  if (width > room) {
    pango_layout_set_width (layout, (int) (MAX (room, 1) * PANGO_SCALE));
    width = (int) room;
  }
  if (at_end != d->rtl)
    x -= width;
  cairo_move_to (d->cr, x, y);
  pango_cairo_show_layout (d->cr, layout);
  return width;
}

static void
draw_pattern (const Drawing *d, int kind, double x, double y, double width, double height)
{
  cairo_t *cr = d->cr;

  cairo_save (cr);
  cairo_rectangle (cr, x, y, width, height);
  cairo_clip_preserve (cr);
  cairo_set_source_rgb (cr, kinds[kind].red, kinds[kind].green, kinds[kind].blue);
  cairo_fill (cr);
  cairo_set_source_rgba (cr, 1, 1, 1, 0.4);
  cairo_set_line_width (cr, 1.5);
  for (double at = x - height; kind != WEIGHTS && at < x + width; at += 6) {
    cairo_move_to (cr, at, y + height);
    cairo_line_to (cr, at + height, y);
    if (kind == WORK) {
      cairo_move_to (cr, at, y);
      cairo_line_to (cr, at + height, y + height);
    }
  }
  cairo_stroke (cr);
  cairo_restore (cr);
}

static void
round_rectangle (cairo_t *cr, double x, double y, double width, double height, double radius)
{
  radius = MIN (radius, MIN (width, height) / 2);
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + width - radius, y + radius, radius, -G_PI_2, 0);
  cairo_arc (cr, x + width - radius, y + height - radius, radius, 0, G_PI_2);
  cairo_arc (cr, x + radius, y + height - radius, radius, G_PI_2, G_PI);
  cairo_arc (cr, x + radius, y + radius, radius, G_PI, G_PI + G_PI_2);
  cairo_close_path (cr);
}

static void
draw_bar (const Drawing *d, const ParleyChartBar *bar, double y)
{
  const guint64 bytes[N_KINDS] = { bar->weights, bar->kv, bar->work };
  double room = d->width - 2 * SIDE, start = d->rtl ? d->width - SIDE : SIDE;
  double all = (double) (bytes[0] + bytes[1] + bytes[2]), sum = 0;

  /* Where it is narrow the speed alone: the rows below have the words. */
  const char *rest = d->width < NARROW ? strstr (bar->detail, " · ") : NULL;
  g_autofree char *detail =
      rest != NULL ? g_strndup (bar->detail, (gsize) (rest - bar->detail)) : g_strdup (bar->detail);
  set_ink (d, 0.65);
  double taken =
      draw_text (d, detail, FALSE, 0.9, d->rtl ? SIDE : d->width - SIDE, y + 4, room * 0.62, TRUE);
  set_ink (d, 1);
  draw_text (d, bar->name, TRUE, 1, start, y + 2, room - taken - 12, FALSE);

  cairo_save (d->cr);
  round_rectangle (d->cr, SIDE, y + BAR_TOP, room, BAR_HEIGHT, 5);
  cairo_set_source_rgba (d->cr, d->ink.red, d->ink.green, d->ink.blue, 0.06);
  cairo_fill_preserve (d->cr);
  if (d->high_contrast) {
    set_ink (d, 0);
    cairo_set_line_width (d->cr, 1);
    cairo_stroke (d->cr);
  }
  cairo_new_path (d->cr);
  if (all > 0) {
    double a = x_of (d, 0), b = x_of (d, all);
    round_rectangle (d->cr, MIN (a, b), y + BAR_TOP, MAX (fabs (b - a), 3), BAR_HEIGHT, 5);
    cairo_clip (d->cr);
    for (int kind = 0; kind < N_KINDS; kind++) {
      double from = x_of (d, sum), to = x_of (d, sum + (double) bytes[kind]);
      sum += (double) bytes[kind];
      if (bytes[kind] > 0)
        draw_pattern (d, kind, MIN (from, to), y + BAR_TOP, fabs (to - from), BAR_HEIGHT);
    }
  }
  cairo_restore (d->cr);
  if (bar->too_large && all > 0) {
    double a = x_of (d, 0), b = x_of (d, all);
    round_rectangle (d->cr, MIN (a, b), y + BAR_TOP, fabs (b - a), BAR_HEIGHT, 5);
    cairo_set_source_rgb (d->cr, 0.88, 0.11, 0.14);
    cairo_set_line_width (d->cr, 2);
    cairo_stroke (d->cr);
  }
}

/* A line beyond the axis is named at its end with an arrow. */
static void
draw_line (const Drawing *d, const ParleyChartLine *line, guint level, guint n_rows)
{
  g_autofree char *size = parley_format_size (line->bytes);
  gboolean beyond = line->bytes > d->end;
  g_autofree char *text = g_strdup_printf (beyond ? "%s %s →" : "%s %s", line->name, size);
  double y = level > 0 ? 2 : 20, x = x_of (d, (double) MIN (line->bytes, d->end));
  g_autoptr (PangoLayout) layout = layout_of (d, text, TRUE, 0.88);
  int width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  gboolean before = beyond || (d->rtl ? x - width - 6 < SIDE : x + width + 6 > d->width - SIDE);
  if (!beyond) {
    const double dashes[] = { 4, 3 };
    cairo_save (d->cr);
    cairo_set_line_width (d->cr, level > 0 ? 1.5 : 2);
    x = floor (x) + 0.5;
    if (level > 0)
      cairo_set_dash (d->cr, dashes, 2, 0);
    /* Faint behind words, strong where it is measured against. */
    set_line (d, 0.18);
    cairo_move_to (d->cr, x, y);
    cairo_line_to (d->cr, x, HEAD + n_rows * (double) ROW + 4);
    cairo_stroke (d->cr);
    set_ink (d, 0.9);
    for (guint row = 0; row < n_rows; row++) {
      cairo_move_to (d->cr, x, HEAD + row * (double) ROW + BAR_TOP - 3);
      cairo_rel_line_to (d->cr, 0, BAR_HEIGHT + 6);
    }
    cairo_move_to (d->cr, x, y);
    cairo_line_to (d->cr, x, y + 16);
    cairo_stroke (d->cr);
    cairo_restore (d->cr);
  }
  set_ink (d, 0.9);
  double gap = beyond ? 0 : 6;
  draw_text (d, text, TRUE, 0.88, before == d->rtl ? x + gap : x - gap, y - 2, d->width, before);
}

/* 1, 2 or 5 times a power of ten, so that there are at most `most` steps. */
static double
nice_step (double whole, double most)
{
  double step = pow (10, floor (log10 (whole / most)));

  while (whole / step > most)
    step *= whole / step > most * 2.5 ? 5 : whole / step > most * 2 ? 2.5 : 2;
  return step;
}

/* What the colours mean, in as many lines as that takes; returns how many. `y` 0: only counts. */
static guint
draw_legend (const Drawing *d, double y)
{
  double used = 0;
  guint n_lines = 1;

  for (int kind = 0; kind < N_KINDS; kind++) {
    g_autoptr (PangoLayout) layout = layout_of (d, _ (kinds[kind].name), FALSE, 0.85);
    int width;
    pango_layout_get_pixel_size (layout, &width, NULL);
    if (used > 0 && used + 18 + width > d->width - 2 * SIDE) {
      used = 0;
      n_lines++;
    }
    if (y > 0) {
      double x = d->rtl ? d->width - SIDE - used : SIDE + used;
      double top = y + (n_lines - 1) * LEGEND;
      draw_pattern (d, kind, d->rtl ? x - 12 : x, top + 4, 12, 12);
      set_ink (d, 0.8);
      draw_text (d, _ (kinds[kind].name), FALSE, 0.85, d->rtl ? x - 18 : x + 18, top, 200, FALSE);
    }
    used += width + 18 + 18;
  }
  return n_lines;
}

static void
draw_foot (const Drawing *d, double y)
{
  double step = nice_step ((double) d->end, MAX (d->width / 110, 2));

  for (double at = 0; at <= (double) d->end * 1.0001; at += step) {
    g_autofree char *text = parley_format_size ((guint64) at);
    double x = x_of (d, at);
    gboolean last = at + step > (double) d->end * 1.0001;
    set_line (d, 0.12);
    cairo_rectangle (d->cr, floor (x), HEAD, 1, y - HEAD);
    cairo_fill (d->cr);
    set_ink (d, 0.6);
    if (at == 0)
      draw_text (d, "0", FALSE, 0.8, x, y + 4, 200, FALSE);
    else
      draw_text (d, text, FALSE, 0.8, last ? x + (d->rtl ? -2 : 2) : x + (d->rtl ? -18 : 18), y + 4,
                 200, TRUE);
  }
  draw_legend (d, y + 28);
}

static double
notes_height (ParleyCompareChart *self)
{
  return self->notes != NULL ? g_strv_length (self->notes) * (double) NOTE : 0;
}

static double
bars_height (ParleyCompareChart *self)
{
  return HEAD + MAX (self->bars->len, 1) * (double) ROW;
}

/* The axis ends behind the longest bar and, where they are not far off, the lines. */
static guint64
axis_end (ParleyCompareChart *self)
{
  guint64 most = 0, end;

  for (guint i = 0; i < self->bars->len; i++) {
    const ParleyChartBar *bar = &g_array_index (self->bars, ParleyChartBar, i);
    most = MAX (most, bar->weights + bar->kv + bar->work);
  }
  most = MAX (most, 1000 * 1000 * 1000);
  end = most / 10 * 11;
  for (guint i = 0; i < self->lines->len; i++) {
    guint64 line = g_array_index (self->lines, ParleyChartLine, i).bytes;
    if (line <= most * 3)
      end = MAX (end, line / 20 * 21);
  }
  return end;
}

static double
height_of (ParleyCompareChart *self, const Drawing *d)
{
  return bars_height (self) + AXIS + draw_legend (d, 0) * (double) LEGEND + notes_height (self);
}

static void
draw (ParleyCompareChart *self, Drawing *d)
{
  double foot = height_of (self, d) - notes_height (self);

  d->end = axis_end (self);
  d->scale = (d->width - 2 * SIDE) / (double) d->end;
  draw_foot (d, bars_height (self));
  set_ink (d, 0.8);
  for (guint i = 0; self->notes != NULL && self->notes[i] != NULL; i++)
    draw_text (d, self->notes[i], FALSE, 0.85, d->rtl ? d->width - SIDE : SIDE,
               foot + i * (double) NOTE, d->width - 2 * SIDE, FALSE);
  for (guint i = 0; i < self->bars->len; i++)
    draw_bar (d, &g_array_index (self->bars, ParleyChartBar, i), HEAD + i * (double) ROW);
  for (guint i = 0; i < self->lines->len; i++)
    draw_line (d, &g_array_index (self->lines, ParleyChartLine, i), i, self->bars->len);
}

/* ---- the widget ---- */

static Drawing
drawing_for (GtkWidget *widget, int width)
{
  double scale = parley_text_scale (widget);

  return (Drawing){ .pango = gtk_widget_get_pango_context (widget),
                    .text_scale = scale,
                    .width = width / scale,
                    .rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL,
                    .high_contrast = parley_contrast_is_high () };
}

static void
snapshot (GtkWidget *widget, GtkSnapshot *snap)
{
  int width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  Drawing d = drawing_for (widget, width);

  d.cr = gtk_snapshot_append_cairo (snap, &GRAPHENE_RECT_INIT (0, 0, width, height));
  parley_widget_get_colour (widget, &d.ink);
  cairo_scale (d.cr, d.text_scale, d.text_scale);
  draw (PARLEY_COMPARE_CHART (widget), &d);
  cairo_destroy (d.cr);
}

static GtkSizeRequestMode
get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
         int *minimum_baseline, int *natural_baseline)
{
  if (orientation == GTK_ORIENTATION_HORIZONTAL) {
    *minimum = 240;
    *natural = 640;
  } else {
    Drawing d = drawing_for (widget, for_size > 0 ? for_size : 640);
    *minimum = *natural = (int) ceil (height_of (PARLEY_COMPARE_CHART (widget), &d) * d.text_scale);
  }
}

/* Said aloud: every model with its figures. */
static void
describe (ParleyCompareChart *self)
{
  g_autoptr (GString) text = g_string_new (self->title);

  for (guint i = 0; i < self->bars->len; i++) {
    const ParleyChartBar *bar = &g_array_index (self->bars, ParleyChartBar, i);
    g_autofree char *size = parley_format_size (bar->weights + bar->kv + bar->work);
    g_string_append_printf (text, "\n%s: %s, %s", bar->name, size, bar->detail);
  }
  for (guint i = 0; self->notes != NULL && self->notes[i] != NULL; i++)
    g_string_append_printf (text, "\n%s", self->notes[i]);
  parley_set_accessible_name (GTK_WIDGET (self), text->str);
}

void
parley_compare_chart_set (ParleyCompareChart *self, const char *title, const ParleyChartBar *bars,
                          guint n_bars, const ParleyChartLine *lines, guint n_lines,
                          const char *const *notes)
{
  g_free (self->title);
  self->title = g_strdup (title);
  g_strfreev (self->notes);
  self->notes = g_strdupv ((char **) notes);
  g_array_set_size (self->bars, 0);
  g_array_set_size (self->lines, 0);
  for (guint i = 0; i < n_bars; i++) {
    ParleyChartBar bar = bars[i];
    bar.name = g_strdup (bar.name);
    bar.detail = g_strdup (bar.detail);
    g_array_append_val (self->bars, bar);
  }
  for (guint i = 0; i < MIN (n_lines, MAX_LINES); i++) {
    ParleyChartLine line = { g_strdup (lines[i].name), lines[i].bytes };
    g_array_append_val (self->lines, line);
  }
  describe (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

gboolean
parley_compare_chart_save (ParleyCompareChart *self, const char *path, GError **error)
{
  Drawing d = drawing_for (GTK_WIDGET (self), PICTURE_WIDTH);

  /* For anybody to look at, whatever this screen is set to. */
  d.ink = (GdkRGBA){ 0.12f, 0.12f, 0.14f, 1 };
  d.width = PICTURE_WIDTH;
  d.rtl = d.high_contrast = FALSE;
  double width = PICTURE_WIDTH + 2 * PICTURE_MARGIN;
  double height = height_of (self, &d) + TITLE + 2 * PICTURE_MARGIN;
  cairo_surface_t *surface = cairo_image_surface_create (
      CAIRO_FORMAT_RGB24, (int) (width * PICTURE_SCALE), (int) (height * PICTURE_SCALE));
  cairo_t *cr = d.cr = cairo_create (surface);

  cairo_scale (cr, PICTURE_SCALE, PICTURE_SCALE);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  cairo_translate (cr, PICTURE_MARGIN, PICTURE_MARGIN);
  set_ink (&d, 1);
  draw_text (&d, self->title, TRUE, 1.25, SIDE, 0, PICTURE_WIDTH, FALSE);
  cairo_translate (cr, 0, TITLE);
  draw (self, &d);
  cairo_destroy (cr);
  cairo_status_t status = cairo_surface_write_to_png (surface, path);
  cairo_surface_destroy (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _ ("The picture could not be saved: %s."),
               cairo_status_to_string (status));
  return FALSE;
}

static void
finalize (GObject *object)
{
  ParleyCompareChart *self = PARLEY_COMPARE_CHART (object);

  g_free (self->title);
  g_strfreev (self->notes);
  g_array_unref (self->bars);
  g_array_unref (self->lines);
  G_OBJECT_CLASS (parley_compare_chart_parent_class)->finalize (object);
}

static void
parley_compare_chart_class_init (ParleyCompareChartClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = finalize;
  widget_class->snapshot = snapshot;
  widget_class->get_request_mode = get_request_mode;
  widget_class->measure = measure;
  gtk_widget_class_set_css_name (widget_class, "comparechart");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
parley_compare_chart_init (ParleyCompareChart *self)
{
  self->bars = g_array_new (FALSE, TRUE, sizeof (ParleyChartBar));
  self->lines = g_array_new (FALSE, TRUE, sizeof (ParleyChartLine));
  g_array_set_clear_func (self->bars, clear_bar);
  g_array_set_clear_func (self->lines, clear_line);
  parley_contrast_redraw (GTK_WIDGET (self));
}

GtkWidget *
parley_compare_chart_new (void)
{
  return g_object_new (PARLEY_TYPE_COMPARE_CHART, NULL);
}
