/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine thread: it owns the loaded model and does one thing at a time, in steps of a token or
 * a chunk of a prompt. Commands from the connection are carried out between steps, so that layers
 * move while a reply is written.
 */
#pragma once

#include "engine/plan.h"
#include "worker/parley-worker1.h"

G_BEGIN_DECLS

typedef struct WorkerHost WorkerHost;

/* Starts the thread. Signals go out through `bus`. Lives as long as the process. */
WorkerHost *worker_host_new (ParleyWorker1 *bus);

/* From the connection's thread; each answers its invocation sooner or later. `fds`: descriptors of
 * all parts of the model, taken over. */
void worker_host_load (WorkerHost *self, GDBusMethodInvocation *invocation, GArray *fds,
                       const char *name, const struct pe_plan_request *request);
/* `fd`: kernels of an earlier run, read here and now; stays the caller's. */
void worker_host_offer_kernels (WorkerHost *self, int fd);
void worker_host_kernels (WorkerHost *self, GDBusMethodInvocation *invocation);
void worker_host_place (WorkerHost *self, GDBusMethodInvocation *invocation, guint n_gpu_layers);
void worker_host_generate (WorkerHost *self, GDBusMethodInvocation *invocation, guint64 id,
                           GVariant *request, guint credit);
void worker_host_credit (WorkerHost *self, guint64 id, guint more);
void worker_host_cancel (WorkerHost *self, guint64 id);
void worker_host_count (WorkerHost *self, GDBusMethodInvocation *invocation, GVariant *request);
void worker_host_memory (WorkerHost *self, GDBusMethodInvocation *invocation);
void worker_host_counters (WorkerHost *self, GDBusMethodInvocation *invocation);

G_END_DECLS
