/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much RAM there is, and how much of it a program may take: MemAvailable, or less where a
 * control group (version 2) of this process or one above it sets a limit. Swap does not count; it
 * is told apart.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint64 total;                 /* bytes; the limit, where one is set */
  guint64 available;             /* bytes */
  gboolean limited;              /* what is available, by a control group */
  guint64 limit;                 /* of a control group, where that is less than the RAM; 0: none */
  guint64 swap_total, swap_free; /* on disk: no place for a model */
  guint64 zram_total;            /* swap that is compressed RAM: no capacity of its own */
} ParleyMemory;

/* `root`: "" for this computer, else a folder with proc/ and sys/ in it. FALSE: no /proc. */
gboolean parley_memory_read (const char *root, ParleyMemory *memory);

G_END_DECLS
