/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Putting chats into the database and taking them out for good, inside the caller's transaction.
 */
#pragma once

#include "store/parley-chat-records.h"
#include "store/sql.h"

gboolean parley_chats_put (sqlite3 *db, const ParleyChatRecord *chat, GError **error);
gboolean parley_chats_purge (sqlite3 *db, gint64 chat, GError **error);
/* Those that were deleted more than an hour before `now`, and attachments that nothing uses. */
gboolean parley_chats_purge_old (sqlite3 *db, gint64 now, GError **error);
