/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates that were measured before, kept in a small JSON file by device and driver: a new driver is
 * measured anew. Losing the file costs a second of measuring.
 */
#pragma once

#include <glib.h>

#include "engine/plan.h"

struct pe_progress;

G_BEGIN_DECLS

/* $XDG_CACHE_HOME/parley/rates.json; g_free() it. */
char *parley_rates_default_path (void);

/* Fills in the rates that `device` lacks. FALSE: still some unknown. */
gboolean parley_rates_recall (const char *path, struct pe_device_info *device);

/* Recalls the rates of these devices, the CPU first, and measures here and now what is not known,
 * or everything with `again`: some seconds, and drivers are asked in this process. `progress`, of
 * each device anew: see pe_rates_measure(). */
gboolean parley_rates_measure (const char *path, struct pe_device_info *devices, gsize n,
                               gboolean again, const struct pe_progress *progress, GError **error);

/* Writes the rates of these devices, and keeps those of others. */
gboolean parley_rates_remember (const char *path, const struct pe_device_info *devices, gsize n,
                                GError **error);

G_END_DECLS
