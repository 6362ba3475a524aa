/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How long the main loop is busy: for `./dev bench ui`. Only where $PARLEY_WATCHDOG is set; else
 * nothing is measured and nothing costs anything.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Before the first window. */
void parley_watchdog_start (void);
/* Notes when this window was drawn for the first time. */
void parley_watchdog_watch (GtkWindow *window);
/* What was measured since the start or the last call, as a JSON object; or "{}". Durations are in
 * milliseconds; those of the processor (`cpu_…`) are this thread's own work without the time that
 * other programs took, `cpu_longest` with layout and drawing; `frames` counts sixtieths of a second
 * with work in them; what is `own` is without the toolkit's layout and drawing. */
char *parley_watchdog_report (void);

G_END_DECLS
