/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The side of parts that only their message uses.
 */
#pragma once

#include "chat/parley-message.h"

ParleyPart *_parley_part_new (const ParleyPartRecord *record);
ParleyPartRecord *_parley_part_to_record (ParleyPart *self);
void _parley_part_append (ParleyPart *self, const char *text);
