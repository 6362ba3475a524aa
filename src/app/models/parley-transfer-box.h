/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A download under way: progress, what it does, pause, resume and cancel.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_TRANSFER_BOX (parley_transfer_box_get_type ())
G_DECLARE_FINAL_TYPE (ParleyTransferBox, parley_transfer_box, PARLEY, TRANSFER_BOX, GtkBox)

GtkWidget *parley_transfer_box_new (ParleyServices *services, ParleyTransfer *transfer);

/* "1.2 GB of 4.7 GB · 31 MB/s · 2 min left", or why it waits. Free with g_free(). */
char *parley_transfer_describe (ParleyTransfer *transfer);

G_END_DECLS
