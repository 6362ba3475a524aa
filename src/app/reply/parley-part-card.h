/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A part of a message that is folded up to one line: an attached file, a call of a tool, what a
 * tool gave back. Opened, it shows the text; that is made only then.
 */
#pragma once

#include "chat/parley-message.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_PART_CARD (parley_part_card_get_type ())
G_DECLARE_FINAL_TYPE (ParleyPartCard, parley_part_card, PARLEY, PART_CARD, GtkBox)

GtkWidget *parley_part_card_new (ParleyPart *part);
void parley_part_card_update (ParleyPartCard *self); /* the part has grown */

G_END_DECLS
