/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replies in the database: pieces become parts, and what no living process writes any more is
 * closed. All inside the caller's transaction.
 */
#pragma once

#include "store/parley-chat-records.h"
#include "store/sql.h"

/* Turns the pieces of the message into parts, makes its text findable, sets the state. */
gboolean parley_replies_fold (sqlite3 *db, gint64 message, ParleyMessageState state,
                              GError **error);
/* Replaces what `search` knows of the message by the text of its parts. */
gboolean parley_replies_index (sqlite3 *db, gint64 message, GError **error);
/* Folds every running reply whose writer is gone, and marks it interrupted. */
gboolean parley_replies_recover (sqlite3 *db, int presence, GError **error);
/* The text as `search` keeps it: one line, without control characters. */
char *parley_replies_plain (const char *text);
