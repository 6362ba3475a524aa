/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "hub/job.h"
#include "hub/parley-transfer.h"

G_BEGIN_DECLS

/* Takes `job`. Starts paused or queued, as its description says. */
ParleyTransfer *_parley_transfer_new (ParleyJob *job);

ParleyJob *_parley_transfer_get_job (ParleyTransfer *self); /* only its identity may be read */
gboolean _parley_transfer_has_thread (ParleyTransfer *self);

/* Begins the work of a queued transfer; `recorder` must outlive it. */
void _parley_transfer_start (ParleyTransfer *self, ParleyDownloadsRecorder recorder,
                             gpointer recorder_data);

/* Ends the work and waits for its thread; what is there stays for the next run. */
void _parley_transfer_stop (ParleyTransfer *self);

/* Stops the work and waits in the queue, saying why; the next start goes on. */
void _parley_transfer_hold (ParleyTransfer *self, const char *message);

/* Ends a wait, if it is in one. */
void _parley_transfer_hurry (ParleyTransfer *self);

/* Does what another program wishes of a transfer that this one runs. */
void _parley_transfer_fulfil_wish (ParleyTransfer *self);

/* Takes over what other programs did to a transfer that this one does not run; TRUE: it has another
 * place in the queue. */
gboolean _parley_transfer_look_again (ParleyTransfer *self);

/* For tests: what the network is taken for, how often disks are looked at, and a look at what other
 * programs did at once. */
void _parley_downloads_set_metered (ParleyDownloads *self, gboolean metered);
void _parley_downloads_look_around (ParleyDownloads *self);
void _parley_downloads_set_space_poll (ParleyDownloads *self, guint ms);

G_END_DECLS
