/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One download: a ParleyHubFile on its way to the models folder. Properties change, and notify,
 * on the main context that created the ParleyDownloads; a worker thread does the work.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_TRANSFER_QUEUED,   /* until others are done */
  PARLEY_TRANSFER_CHECKING, /* reading what is on disk already */
  PARLEY_TRANSFER_RUNNING,
  PARLEY_TRANSFER_WAITING, /* something passing went wrong; goes on by itself; see message */
  PARLEY_TRANSFER_PAUSED,  /* by the person, or for want of disk space; see message */
  PARLEY_TRANSFER_FAILED,  /* see message; resume() tries again */
  PARLEY_TRANSFER_DONE,
  PARLEY_TRANSFER_CANCELLED, /* nothing is left on disk */
} ParleyTransferState;

#define PARLEY_TYPE_TRANSFER (parley_transfer_get_type ())
G_DECLARE_FINAL_TYPE (ParleyTransfer, parley_transfer, PARLEY, TRANSFER, GObject)

/* Readable properties that notify: "state", "bytes-done" (never falls, but for a checksum that
 * did not match), "bytes-total", "fraction" (0 … 1), "rate", "message". The rest is constant. */
const char *parley_transfer_get_repo (ParleyTransfer *self);
const char *parley_transfer_get_commit (ParleyTransfer *self);
const char *parley_transfer_get_name (ParleyTransfer *self); /* file name of the first part */
const char *parley_transfer_get_quantisation (ParleyTransfer *self);
const char *parley_transfer_get_path (ParleyTransfer *self); /* where the first part will be */
ParleyTransferState parley_transfer_get_state (ParleyTransfer *self);
guint64 parley_transfer_get_bytes_done (ParleyTransfer *self);
guint64 parley_transfer_get_bytes_total (ParleyTransfer *self);
double parley_transfer_get_fraction (ParleyTransfer *self);
double parley_transfer_get_rate (ParleyTransfer *self); /* bytes/s over some seconds; 0: unknown */
/* A sentence for people: why it waits, pauses or failed, and what to do; "" otherwise. */
const char *parley_transfer_get_message (ParleyTransfer *self);
/* The failure behind the message, or NULL; PARLEY_HUB_ERROR_GATED asks for the repository's page.
 */
const GError *parley_transfer_get_error (ParleyTransfer *self);
gboolean parley_transfer_is_active (ParleyTransfer *self); /* queued, checking, running, waiting */

/* Another program downloads it at this moment. Looks at the disk. */
gboolean parley_transfer_runs_elsewhere (ParleyTransfer *self);

void parley_transfer_pause (ParleyTransfer *self);  /* keeps what is there, across restarts */
void parley_transfer_resume (ParleyTransfer *self); /* after paused or failed; skips a wait */
void parley_transfer_cancel (ParleyTransfer *self); /* and removes what is there */

G_END_DECLS
