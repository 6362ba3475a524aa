/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/parley-chat-records.h"
#include "store/sql.h"

/* Inside a transaction. */
gboolean parley_attachments_put (sqlite3 *db, const ParleyAttachmentRecord *record, GError **error);
