/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models as stacked bars of memory against lines for what a computer has. The same drawing goes to
 * the screen and into a picture file; kinds of memory differ by pattern as well as by colour.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct {
  char *name;   /* "Qwen3 1.7B · Q4_K_M" */
  char *detail; /* "≈ 14 tokens/s · Fits on the GPU", or what is being waited for */
  guint64 weights, kv, work;
  gboolean too_large;
} ParleyChartBar;

typedef struct {
  char *name; /* "VRAM" */
  guint64 bytes;
} ParleyChartLine;

#define PARLEY_TYPE_COMPARE_CHART (parley_compare_chart_get_type ())
G_DECLARE_FINAL_TYPE (ParleyCompareChart, parley_compare_chart, PARLEY, COMPARE_CHART, GtkWidget)

GtkWidget *parley_compare_chart_new (void);
/* Copies all, at most two lines; `title` heads the picture that is saved. `notes`: where the bars'
 * figures come from, each a line at the foot; NULL: none. */
void parley_compare_chart_set (ParleyCompareChart *self, const char *title,
                               const ParleyChartBar *bars, guint n_bars,
                               const ParleyChartLine *lines, guint n_lines,
                               const char *const *notes);
gboolean parley_compare_chart_save (ParleyCompareChart *self, const char *path, GError **error);

G_END_DECLS
