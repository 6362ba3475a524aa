/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An engine process and the private connection to it, from start to end. Main thread only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_WORKER_PROCESS (parley_worker_process_get_type ())
G_DECLARE_FINAL_TYPE (ParleyWorkerProcess, parley_worker_process, PARLEY, WORKER_PROCESS, GObject)

/* Signal `ended (const char *reason)`: once, when the process is gone and nothing more comes; the
 * reason is a sentence. */

/* Starts `program` with one end of a socket and speaks D-Bus on the other. `budgets`: its
 * PARLEY_BUDGETS; NULL: ours. */
void parley_worker_process_start_async (const char *program, const char *budgets,
                                        GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer data);
ParleyWorkerProcess *parley_worker_process_start_finish (GAsyncResult *result, GError **error);

GDBusConnection *parley_worker_process_get_connection (ParleyWorkerProcess *self);
GPid parley_worker_process_get_pid (ParleyWorkerProcess *self); /* 0: it has ended */

/* Ends it at once; `ended` is not emitted any more. */
void parley_worker_process_stop (ParleyWorkerProcess *self);

G_END_DECLS
