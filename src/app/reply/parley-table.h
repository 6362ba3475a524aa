/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table of a reply: a grid that scrolls sideways when it is wide. One of thousands of cells is
 * text in columns instead, as a widget for each cell would take seconds to be laid out.
 */
#pragma once

#include "app/text/parley-markdown.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TABLE_MAX_CELLS 2000 /* that have a widget of their own */

/* `table`: of kind PARLEY_BLOCK_TABLE; not kept. */
GtkWidget *parley_table_new (const ParleyBlock *table);

/* Makes what shows `old` show `table`. FALSE: it cannot; a new one is needed. */
gboolean parley_table_update (GtkWidget *widget, const ParleyBlock *old, const ParleyBlock *table);

G_END_DECLS
