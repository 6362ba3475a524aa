/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory of one device as a segmented bar with a legend: weights, KV cache, working memory,
 * what others use, what stays free. Segments differ by colour and by pattern, the legend has the
 * numbers, and a sentence says it all for those who cannot see it.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct {
  guint64 weights, kv, work; /* ours, bytes */
  guint64 others;            /* other programs' */
  guint64 total;             /* the device's */
} ParleyMemoryUse;

#define PARLEY_TYPE_MEMORY_BAR (parley_memory_bar_get_type ())
G_DECLARE_FINAL_TYPE (ParleyMemoryBar, parley_memory_bar, PARLEY, MEMORY_BAR, GtkWidget)

GtkWidget *parley_memory_bar_new (void);
void parley_memory_bar_set (ParleyMemoryBar *self, const char *device, const ParleyMemoryUse *use);

/* "Radeon: 6.1 GB of 8.0 GB: weights 5.2 GB, …" Free with g_free(). */
char *parley_memory_bar_describe (const char *device, const ParleyMemoryUse *use);

G_END_DECLS
