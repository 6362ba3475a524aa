/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The side of parts that only their message uses.
 */
#pragma once

#include "chat/parley-message.h"

/* The text is shared with the record, and then with the records that are made of the part. */
ParleyPart *_parley_part_new (const ParleyPartRecord *record);
ParleyPartRecord *_parley_part_to_record (ParleyPart *self);
void _parley_part_append (ParleyPart *self, const char *text);
void
_parley_part_settle (ParleyPart *self); /* it grows no more; what it had told of its text goes */
