/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine process as its user sees it: one client is one loaded model in one process of its own
 * (parley-worker). Everything returns at once; answers come in the main context that was the
 * thread's default when the client was made. Whatever the process says is checked first: one that
 * talks nonsense is ended and counts as crashed.
 *
 *   idle --load--> loading --> ready --unload--> idle
 *                     \----------\--> crashed or failed --load--> loading …
 *
 * Properties (readable, notified): state, gpu-layers, placing, load-progress. At construction:
 * program, the path of an engine process to start instead of the one that belongs to Parley.
 * Signal `crashed (const char *reason)`: the process of a loaded model is gone without having been
 * told to go; the sentence says why, as far as the system tells. Every generation under way has
 * finished with PARLEY_WORKER_ERROR_CRASHED before, with all of its text passed on. load_async()
 * starts anew. (A process that ends while it loads makes the load fail instead.)
 * Kernels that a process compiled for a GPU are kept in the user's cache folder for the next one.
 * Signal `moved (const char *what)`: the engine moved layers by itself, because the GPU failed or
 * others need its memory; a sentence or two, which is the model's note from then on.
 */
#pragma once

#include <gio/gio.h>

#include "bridge/parley-engine-error.h"
#include "engine/plan.h"
#include "worker/parley-generation.h"

G_BEGIN_DECLS

#define PARLEY_WORKER_ERROR (parley_worker_error_quark ())

/* Beside these, calls fail with PARLEY_ENGINE_ERROR (the model, memory, a device) and
 * G_IO_ERROR_CANCELLED. */
typedef enum {
  PARLEY_WORKER_ERROR_SPAWN,    /* the program is not there or would not start */
  PARLEY_WORKER_ERROR_CRASHED,  /* the process ended */
  PARLEY_WORKER_ERROR_PROTOCOL, /* it said something that makes no sense, and was ended */
  PARLEY_WORKER_ERROR_STATE,    /* nothing is loaded, or the client is busy loading */
  PARLEY_WORKER_ERROR_TEMPLATE, /* the model's chat template refuses these messages */
} ParleyWorkerError;

GQuark parley_worker_error_quark (void);

typedef enum {
  PARLEY_WORKER_IDLE,
  PARLEY_WORKER_LOADING,
  PARLEY_WORKER_READY,
  PARLEY_WORKER_FAILED,  /* loading failed; there is no process */
  PARLEY_WORKER_CRASHED, /* there is no process any more */
} ParleyWorkerState;

/* What is loaded, and how. Lives until the next load; strings are valid UTF-8, never NULL. */
typedef struct {
  const char *name; /* general.name, or the file's */
  const char *architecture, *family, *quantisation;
  guint n_layers; /* the slider goes from 0 to n_layers + 1 */
  guint n_ctx_train;
  guint n_vocab;
  gboolean has_template;        /* FALSE: messages are run together as plain completion */
  gboolean has_vocab;           /* FALSE: nothing can be said to it */
  struct pe_plan_request plan;  /* as loaded, defaults filled in */
  struct pe_device_info device; /* the GPU; an empty id: there is none in use */
  const char *note;             /* what had to be changed from the request, a sentence, or "" */
} ParleyLoadedModel;

/* Memory by device and kind, in bytes. */
typedef struct {
  char id[48];
  char name[128];
  enum pe_device_kind kind;
  guint64 planned[PE_MEMORY_KIND_COUNT];
  guint64 mapped; /* of the planned bytes: file mapping, which the system can drop at any time */
  guint64 allocated[PE_MEMORY_KIND_COUNT];
  guint64 available; /* what a program may still take; 0: unknown */
  guint64 total;
} ParleyDeviceMemory;

typedef struct {
  guint64 rows_evaluated;    /* tokens that went through the model, ever */
  guint64 weight_bytes_read; /* from the file, ever */
  guint64 passes, gpu_submits, gpu_dispatches;
  guint64 tokens_chosen; /* of replies, ever */
} ParleyWorkerCounters;

/* How long a prompt is. */
typedef struct {
  guint total;
  guint n_turns;
  guint turns[]; /* growth of the prompt by each message, in order */
} ParleyTokenCount;

#define PARLEY_TYPE_WORKER_CLIENT (parley_worker_client_get_type ())
G_DECLARE_FINAL_TYPE (ParleyWorkerClient, parley_worker_client, PARLEY, WORKER_CLIENT, GObject)

ParleyWorkerClient *parley_worker_client_new (void);

/* What the next process may take of each device, as PARLEY_BUDGETS has it; NULL: as ours says. */
void parley_worker_client_set_budgets (ParleyWorkerClient *self, const char *budgets);

/* Starts a process and loads the file (the first part of a split one). What was loaded before is
 * unloaded. A load never fails for memory where a smaller plan would do: the model's `note` says
 * what was changed. Cancelling ends the process. */
void parley_worker_client_load_async (ParleyWorkerClient *self, const char *path,
                                      const struct pe_plan_request *request,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer data);
gboolean parley_worker_client_load_finish (ParleyWorkerClient *self, GAsyncResult *result,
                                           GError **error);

/* Ends the process without waiting for it; generations under way finish as cancelled. */
void parley_worker_client_unload (ParleyWorkerClient *self);

ParleyWorkerState parley_worker_client_get_state (ParleyWorkerClient *self);
const char *parley_worker_client_get_path (ParleyWorkerClient *self); /* last asked for, or NULL */
const ParleyLoadedModel *parley_worker_client_get_model (ParleyWorkerClient *self); /* NULL: none */
/* Why the state is FAILED or CRASHED, as a sentence; else NULL. */
const char *parley_worker_client_get_message (ParleyWorkerClient *self);
guint parley_worker_client_get_context_length (ParleyWorkerClient *self); /* tokens; 0: none */
guint parley_worker_client_get_gpu_layers (ParleyWorkerClient *self);     /* 0 … n_layers + 1 */
gboolean parley_worker_client_get_placing (ParleyWorkerClient *self);     /* a move is under way */
double parley_worker_client_get_load_progress (ParleyWorkerClient *self); /* 0 to 1 */
GPid parley_worker_client_get_pid (ParleyWorkerClient *self);             /* 0: no process */
/* How far the process has closed itself in: "Landlock, seccomp", with what the kernel lacks. */
const char *parley_worker_client_get_confinement (ParleyWorkerClient *self);

/* Moves layers; a running generation goes on meanwhile and after. Of several calls that wait, only
 * the last is carried out; the others finish with its result. On failure `gpu-layers` says how far
 * it went. */
void parley_worker_client_place_async (ParleyWorkerClient *self, guint n_gpu_layers,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer data);
gboolean parley_worker_client_place_finish (ParleyWorkerClient *self, GAsyncResult *result,
                                            GError **error);

/* Never NULL: what goes wrong, comes as the generation's error. Requests wait for those before
 * them. Keep the reference until `done`. */
ParleyGeneration *
parley_worker_client_generate (ParleyWorkerClient *self,
                               const ParleyGenerationRequest *request) G_GNUC_WARN_UNUSED_RESULT;

/* Counts the tokens of the request's prompt, also while another reply is generated. The result is
 * freed by g_free(). */
void parley_worker_client_count_async (ParleyWorkerClient *self,
                                       const ParleyGenerationRequest *request,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer data);
ParleyTokenCount *parley_worker_client_count_finish (ParleyWorkerClient *self, GAsyncResult *result,
                                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is planned and allocated now: an array of ParleyDeviceMemory, the CPU first. During a pass
 * the answer comes at its end. */
void parley_worker_client_memory_async (ParleyWorkerClient *self, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer data);
GArray *parley_worker_client_memory_finish (ParleyWorkerClient *self, GAsyncResult *result,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

void parley_worker_client_counters_async (ParleyWorkerClient *self, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer data);
gboolean parley_worker_client_counters_finish (ParleyWorkerClient *self, GAsyncResult *result,
                                               ParleyWorkerCounters *counters, GError **error);

G_END_DECLS
