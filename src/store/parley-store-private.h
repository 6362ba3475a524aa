/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the parts of src/store reach the database.
 */
#pragma once

#include "store/parley-store.h"
#include "store/sql.h"

/* Works on a connection, inside a transaction that the caller opens and ends. May be run again
 * after a failure, so it changes nothing but the database until it succeeds. */
typedef gboolean (*ParleyStoreJob) (sqlite3 *db, gpointer data, GError **error);

typedef enum {
  PARLEY_STORE_SOON,    /* within 100 ms, several together, and not forced to the disk */
  PARLEY_STORE_DURABLE, /* at once, and forced to the disk */
} ParleyStoreUrgency;

/* Queues a write that is kept until it works. Takes `data`. */
void parley_store_queue (ParleyStore *self, ParleyStoreAreas areas, ParleyStoreUrgency urgency,
                         ParleyStoreJob job, gpointer data, GDestroyNotify destroy);
/* Makes a durable write after all those queued before, and waits for it. */
gboolean parley_store_run (ParleyStore *self, ParleyStoreAreas areas, ParleyStoreJob job,
                           gpointer data, GError **error);
/* Reads in one transaction, on the calling thread. */
gboolean parley_store_read (ParleyStore *self, ParleyStoreJob job, gpointer data, GError **error);

/* After all of them were deleted. */
void _parley_store_forget_settings (ParleyStore *self);

/* The number of this opened store; 0 for a read-only one. */
gint64 parley_store_get_number (ParleyStore *self);
