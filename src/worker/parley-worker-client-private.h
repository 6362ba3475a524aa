/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of a client share: the object itself (parley-worker-client.c), loading (-load.c),
 * what is asked of the process (-calls.c) and what it says by itself (-told.c). One thread: that
 * of the context in which the client was made.
 */
#pragma once

#include "worker/parley-worker-client.h"
#include "worker/parley-worker-process.h"
#include "worker/parley-worker1.h"
#include "worker/wire.h"

struct _ParleyWorkerClient {
  GObject parent;
  char *program;
  char *budgets; /* of the next process; NULL: ours */
  char *path;
  struct pe_plan_request request;
  ParleyWorkerState state;
  char *message;

  ParleyWorkerProcess *process;
  ParleyWorker1 *proxy;
  GCancellable *life; /* of the process: cancelled when it is given up */
  char *confinement;
  GTask *loading;
  gulong loading_cancel;
  double load_progress;

  WireModel model; /* dictionary NULL: none */
  char *notice;    /* the note of the model, once the engine had to move layers; NULL: its own */
  guint gpu_layers;
  gboolean asked_for_kernels;
  GPtrArray *placing, *place_waiting; /* of GTask: under way; for the move after it */
  guint place_target;                 /* of those that wait */

  GHashTable *generations; /* guint64 id -> ParleyGeneration */
  guint64 last_id;
};

void _parley_worker_client_set_state (ParleyWorkerClient *self, ParleyWorkerState state,
                                      const char *message);
void _parley_worker_client_set_gpu_layers (ParleyWorkerClient *self, guint n);

/* Whether the connection is gone: the end of the process follows and says why. */
gboolean _parley_worker_client_lost (const GError *error);
/* What callers get to see of a failed call; takes `error`. */
GError *_parley_worker_client_clean_error (GError *error);
/* No model is loaded. */
GError *_parley_worker_client_state_error (void);

/* Everything that waits for the process ends: with `error`, or as cancelled when it is NULL. */
void _parley_worker_client_drop_process (ParleyWorkerClient *self, const GError *error);
/* The process is gone, or is not to be believed any more. */
void _parley_worker_client_give_up (ParleyWorkerClient *self, ParleyWorkerError code,
                                    const char *reason);
/* The process says what cannot be: it is not asked again. */
void _parley_worker_client_protocol_broken (ParleyWorkerClient *self, const char *what);
/* Returns from the tasks with `error`, or with TRUE when it is NULL, and empties the list. */
void _parley_worker_client_finish_tasks (GPtrArray *tasks, const GError *error);
/* Returns from the load under way, if there is one; takes `error`. */
void _parley_worker_client_finish_loading (ParleyWorkerClient *self, GError *error);

/* Listens to the proxy of a process that has just begun. */
void _parley_worker_client_listen (ParleyWorkerClient *self);
/* Gives the process the kernels that an earlier one has compiled. */
void _parley_worker_client_offer_kernels (ParleyWorkerClient *self);
