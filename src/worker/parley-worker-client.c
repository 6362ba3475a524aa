/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/parley-worker-client.h"

#include "hardware/parley-hardware.h"
#include "worker/parley-generation-private.h"
#include "worker/parley-worker-process.h"
#include "worker/parley-worker1.h"
#include "worker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELLO_TIMEOUT_MS 30000
#define NO_TIMEOUT       G_MAXINT /* what the engine does takes as long as it takes */

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

enum {
  PROP_0,
  PROP_PROGRAM,
  PROP_STATE,
  PROP_GPU_LAYERS,
  PROP_PLACING,
  PROP_LOAD_PROGRESS,
  N_PROPS
};
static GParamSpec *props[N_PROPS];
static guint signal_crashed, signal_moved;

G_DEFINE_FINAL_TYPE (ParleyWorkerClient, parley_worker_client, G_TYPE_OBJECT)

static void
set_state (ParleyWorkerClient *self, ParleyWorkerState state, const char *message)
{
  g_autofree char *old = g_steal_pointer (&self->message);
  self->message = g_strdup (message);
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
}

static void
set_gpu_layers (ParleyWorkerClient *self, guint n)
{
  if (self->gpu_layers == n)
    return;
  self->gpu_layers = n;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_GPU_LAYERS]);
}

/* ---- errors from the other side ---- */

/* The connection is gone: the end of the process follows and says why. */
static gboolean
is_disconnection (const GError *error)
{
  if (g_dbus_error_is_remote_error (error))
    return FALSE;
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED);
}

/* What callers get to see of a failed call; owns `error`. */
static GError *
clean_error (GError *error)
{
  g_autoptr (GError) owned = error;
  g_dbus_error_strip_remote_error (owned);
  g_autofree char *text = wire_clean (owned->message);
  if (is_disconnection (owned))
    return g_error_new_literal (PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_CRASHED,
                                _ ("The engine has ended."));
  if (owned->domain == PARLEY_ENGINE_ERROR || owned->domain == PARLEY_WORKER_ERROR ||
      g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_new_literal (owned->domain, owned->code, text);
  return g_error_new_literal (PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_PROTOCOL, text);
}

static GError *
state_error (void)
{
  return g_error_new_literal (PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_STATE,
                              _ ("No model is loaded."));
}

/* ---- giving up a process ---- */

static void
finish_generations (ParleyWorkerClient *self, const GError *error)
{
  g_autoptr (GHashTable) old = g_steal_pointer (&self->generations);
  self->generations = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  GHashTableIter iter;
  gpointer generation;
  g_hash_table_iter_init (&iter, old);
  while (g_hash_table_iter_next (&iter, NULL, &generation)) {
    ParleyGenerationStats stats = { .stop = PARLEY_GENERATION_CANCELLED };
    _parley_generation_finish (generation, &stats, NULL, error ? g_error_copy (error) : NULL);
  }
}

static void
finish_tasks (GPtrArray *tasks, const GError *error)
{
  for (guint i = 0; i < tasks->len; i++)
    if (error)
      g_task_return_error (tasks->pdata[i], g_error_copy (error));
    else
      g_task_return_boolean (tasks->pdata[i], TRUE);
  g_ptr_array_set_size (tasks, 0);
}

static void
finish_loading (ParleyWorkerClient *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->loading);
  g_autoptr (GError) owned = error;
  if (!task)
    return;
  if (self->loading_cancel)
    g_cancellable_disconnect (g_task_get_cancellable (task), self->loading_cancel);
  self->loading_cancel = 0;
  if (owned)
    g_task_return_error (task, g_steal_pointer (&owned));
  else
    g_task_return_boolean (task, TRUE);
}

/* Everything that waits for the process ends: with `error`, or as cancelled when it is NULL. */
static void
drop_process (ParleyWorkerClient *self, const GError *error)
{
  gboolean was_placing = parley_worker_client_get_placing (self);
  if (self->life) {
    g_cancellable_cancel (self->life);
    g_clear_object (&self->life);
  }
  if (self->proxy)
    g_signal_handlers_disconnect_by_data (self->proxy, self);
  g_clear_object (&self->proxy);
  if (self->process) {
    g_signal_handlers_disconnect_by_data (self->process, self);
    parley_worker_process_stop (self->process);
  }
  g_clear_object (&self->process);

  g_autoptr (GError) cancelled =
      g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The model was unloaded."));
  finish_loading (self, g_error_copy (error ? error : cancelled));
  finish_tasks (self->placing, error ? error : cancelled);
  finish_tasks (self->place_waiting, error ? error : cancelled);
  if (was_placing)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PLACING]);
  finish_generations (self, error);
}

static void
process_lost (ParleyWorkerClient *self, ParleyWorkerError code, const char *reason)
{
  g_autoptr (ParleyWorkerClient) keep = g_object_ref (self);
  g_autoptr (GError) error = g_error_new_literal (PARLEY_WORKER_ERROR, code, reason);
  gboolean was_loading = self->loading != NULL;
  g_autofree char *copy = g_strdup (reason);
  self->state = PARLEY_WORKER_CRASHED; /* as listeners to the end of a reply see it */
  drop_process (self, error);
  if (self->state != PARLEY_WORKER_CRASHED)
    return; /* one of them loads anew */
  set_state (self, PARLEY_WORKER_CRASHED, copy);
  if (!was_loading)
    g_signal_emit (self, signal_crashed, 0, copy);
}

static void
process_ended (ParleyWorkerProcess *process, const char *reason, gpointer data)
{
  process_lost (data, PARLEY_WORKER_ERROR_CRASHED, reason);
}

/* The process says what cannot be: it is not asked again. */
static void
protocol_broken (ParleyWorkerClient *self, const char *what)
{
  g_autofree char *reason = g_strdup_printf (
      _ ("The engine was ended, because it said something that makes no sense (%s)."), what);
  process_lost (self, PARLEY_WORKER_ERROR_PROTOCOL, reason);
}

/* ---- what the process says by itself ---- */

static void
take_load_progress (ParleyWorker1 *proxy, double share, ParleyWorkerClient *self)
{
  if (!isfinite (share) || share < 0 || share > 1) {
    protocol_broken (self, "progress of loading");
    return;
  }
  self->load_progress = share;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LOAD_PROGRESS]);
}

static void
take_placed (ParleyWorker1 *proxy, guint n, const char *reason, ParleyWorkerClient *self)
{
  if (!self->model.dictionary || n > self->model.model.n_layers + 1) {
    protocol_broken (self, "placement");
    return;
  }
  g_free (self->notice);
  self->notice = wire_clean (reason);
  self->model.model.note = self->notice;
  g_object_ref (self);
  set_gpu_layers (self, n);
  g_signal_emit (self, signal_moved, 0, self->notice);
  g_object_unref (self);
}

static void
take_progress (ParleyWorker1 *proxy, guint64 id, guint done, guint total, ParleyWorkerClient *self)
{
  ParleyGeneration *generation = g_hash_table_lookup (self->generations, &id);
  if (!generation) {
    protocol_broken (self, "progress of nothing");
    return;
  }
  g_object_ref (generation);
  gboolean sound = _parley_generation_take_progress (generation, done, total);
  g_object_unref (generation);
  if (!sound)
    protocol_broken (self, "progress of a prompt");
}

static void
take_parts (ParleyWorker1 *proxy, guint64 id, guint sequence, GVariant *parts,
            ParleyWorkerClient *self)
{
  ParleyGeneration *found = g_hash_table_lookup (self->generations, &id);
  if (!found) {
    protocol_broken (self, "a reply to nothing");
    return;
  }
  /* A listener may do anything, unload included. */
  g_autoptr (ParleyGeneration) generation = g_object_ref (found);
  g_autoptr (ParleyWorkerClient) keep = g_object_ref (self);
  guint more;
  gboolean sound = _parley_generation_take_parts (generation, sequence, parts, &more);
  if (self->proxy != proxy)
    return;
  if (!sound)
    protocol_broken (self, "parts of a reply");
  else if (more)
    parley_worker1_call_credit (self->proxy, id, more, NULL, NULL, NULL);
}

static void ask_for_kernels (ParleyWorkerClient *self);

static void
take_done (ParleyWorker1 *proxy, guint64 id, guint n_parts, GVariant *stats_dictionary,
           GVariant *token_bytes, const char *error_name, const char *message,
           ParleyWorkerClient *self)
{
  ParleyGeneration *found = g_hash_table_lookup (self->generations, &id);
  ParleyGenerationStats stats;
  gsize n_bytes = g_variant_get_size (token_bytes);
  if (!found || !_parley_generation_has_all (found, n_parts) ||
      !wire_read_stats (stats_dictionary, &stats) || n_bytes % sizeof (gint32) ||
      n_bytes / sizeof (gint32) > (gsize) stats.prompt_tokens + stats.reply_tokens) {
    protocol_broken (self, "the end of a reply");
    return;
  }
  g_autoptr (ParleyGeneration) generation = g_object_ref (found);
  g_hash_table_remove (self->generations, &id);
  g_autoptr (GBytes) tokens = g_variant_get_data_as_bytes (token_bytes);
  GError *error = NULL;
  if (*error_name) {
    error = g_dbus_is_interface_name (error_name)
                ? g_dbus_error_new_for_dbus_error (error_name, message)
                : g_error_new_literal (PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_PROTOCOL, message);
    error = clean_error (error);
  }
  ask_for_kernels (self);
  _parley_generation_finish (generation, &stats, n_bytes ? tokens : NULL, error);
}

/* ---- kernels that the process has compiled ---- */

static char *
kernels_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "parley", "kernels", NULL);
}

/* What the last process left; it is read there. */
static void
offer_kernels (ParleyWorkerClient *self)
{
  g_autofree char *path = kernels_path ();
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return;
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  int handle = g_unix_fd_list_append (fds, fd, NULL);
  close (fd);
  if (handle >= 0)
    parley_worker1_call_offer_kernels (self->proxy, g_variant_new_handle (handle), fds, self->life,
                                       NULL, NULL);
}

static gpointer
keep_kernels (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  g_autoptr (GBytes) kernels = wire_read_file (fd, WORKER_MAX_KERNELS);
  g_autofree char *path = kernels_path (), *folder = g_path_get_dirname (path);
  close (fd);
  gsize n = 0;
  const char *bytes = kernels ? g_bytes_get_data (kernels, &n) : NULL;
  if (bytes && g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents_full (path, bytes, (gssize) n, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
  return NULL;
}

static void
kernels_told (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) handle = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  if (!parley_worker1_call_kernels_finish (PARLEY_WORKER1 (object), &handle, &fds, result, NULL) ||
      !fds)
    return;
  int fd = g_unix_fd_list_get (fds, g_variant_get_handle (handle), NULL);
  if (fd >= 0)
    g_thread_unref (g_thread_new ("kernels", keep_kernels, GINT_TO_POINTER (fd)));
}

/* Once in the life of a process: after its first reply all kernels of common use are there. */
static void
ask_for_kernels (ParleyWorkerClient *self)
{
  if (self->asked_for_kernels || self->gpu_layers == 0)
    return;
  self->asked_for_kernels = TRUE;
  parley_worker1_call_kernels (self->proxy, NULL, self->life, kernels_told, NULL);
}

/* ---- loading ---- */

/* Owns `error`. */
static void
loading_failed (ParleyWorkerClient *self, GError *error)
{
  g_autoptr (GError) owned = error;
  g_autoptr (ParleyWorkerClient) keep = g_object_ref (self);
  gboolean cancelled = g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  drop_process (self, owned);
  set_state (self, cancelled ? PARLEY_WORKER_IDLE : PARLEY_WORKER_FAILED,
             cancelled ? NULL : owned->message);
}

static void
loaded (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyWorkerClient) self = data;
  g_autoptr (GVariant) dictionary = NULL;
  GError *error = NULL;
  gboolean ok =
      parley_worker1_call_load_finish (PARLEY_WORKER1 (object), &dictionary, NULL, result, &error);
  if (PARLEY_WORKER1 (object) != self->proxy || (!ok && is_disconnection (error))) {
    g_clear_error (&error); /* given up, or its end follows */
    return;
  }
  if (!ok) {
    loading_failed (self, clean_error (error));
    return;
  }
  WireModel model;
  if (!wire_read_model (dictionary, &model)) {
    protocol_broken (self, "the model");
    return;
  }
  wire_model_clear (&self->model);
  g_clear_pointer (&self->notice, g_free);
  self->model = model;
  self->load_progress = 1;
  set_gpu_layers (self, model.gpu_layers);
  set_state (self, PARLEY_WORKER_READY, NULL);
  finish_loading (self, NULL);
}

/* The files of a model as descriptors: one, or all parts of "name-00001-of-00003.gguf". */
static gboolean
open_file (GUnixFDList *fds, GVariantBuilder *handles, const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;
  int problem = fd < 0 || fstat (fd, &status) != 0 ? errno : S_ISREG (status.st_mode) ? 0 : EINVAL;
  if (problem) {
    if (fd >= 0)
      close (fd);
    g_autofree char *shown = g_filename_display_name (path);
    g_set_error (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_IO,
                 _ ("“%s” cannot be opened: %s"), shown,
                 problem == EINVAL ? _ ("it is not a file") : g_strerror (problem));
    return FALSE;
  }
  int handle = g_unix_fd_list_append (fds, fd, error);
  close (fd);
  if (handle < 0)
    return FALSE;
  g_variant_builder_add (handles, "h", handle);
  return TRUE;
}

static gboolean
open_files (GUnixFDList *fds, GVariantBuilder *handles, const char *path, GError **error)
{
  g_autoptr (GRegex) split = g_regex_new ("^(.*)-00001-of-([0-9]{5})\\.gguf$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  if (!g_regex_match_full (split, path, -1, 0, 0, &match, NULL))
    return open_file (fds, handles, path, error);
  g_autofree char *stem = g_match_info_fetch (match, 1), *count = g_match_info_fetch (match, 2);
  guint n = (guint) g_ascii_strtoull (count, NULL, 10);
  if (n == 0 || n > WORKER_MAX_FILES) {
    g_set_error (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_LIMIT,
                 _ ("“%s” says that it has %u parts; at most %d can be loaded"), path, n,
                 WORKER_MAX_FILES);
    return FALSE;
  }
  for (guint i = 1; i <= n; i++) {
    g_autofree char *part = g_strdup_printf ("%s-%05u-of-%s.gguf", stem, i, count);
    if (!open_file (fds, handles, part, error))
      return FALSE;
  }
  return TRUE;
}

static void
greeted (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyWorkerClient) self = data;
  guint version = 0;
  g_autofree char *confinement = NULL;
  GError *error = NULL;
  gboolean ok = parley_worker1_call_hello_finish (PARLEY_WORKER1 (object), &version, &confinement,
                                                  result, &error);
  if (PARLEY_WORKER1 (object) != self->proxy || (!ok && is_disconnection (error))) {
    g_clear_error (&error);
    return;
  }
  if (!ok || version != WORKER_PROTOCOL_VERSION) {
    g_clear_error (&error);
    protocol_broken (self, ok ? _ ("another version of the protocol; installing Parley again helps")
                              : "its greeting");
    return;
  }
  g_free (self->confinement);
  self->confinement = wire_clean (confinement);

  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GVariantBuilder handles;
  g_variant_builder_init (&handles, G_VARIANT_TYPE ("ah"));
  if (!open_files (fds, &handles, self->path, &error)) {
    g_variant_builder_clear (&handles);
    loading_failed (self, error);
    return;
  }
  g_autofree char *name = g_filename_display_basename (self->path);
  self->asked_for_kernels = FALSE;
  offer_kernels (self);
  parley_worker1_call_load (self->proxy, g_variant_builder_end (&handles), name,
                            wire_plan_request (&self->request), fds, self->life, loaded,
                            g_object_ref (self));
}

static void
started (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyWorkerClient) self = data;
  GError *error = NULL;
  g_autoptr (ParleyWorkerProcess) process = parley_worker_process_start_finish (result, &error);
  if (!process) {
    /* When cancelled, the load has finished already, and perhaps another one has begun. */
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      g_error_free (error);
    else
      loading_failed (self, error);
    return;
  }
  self->process = g_steal_pointer (&process);
  g_signal_connect (self->process, "ended", G_CALLBACK (process_ended), self);
  self->proxy = parley_worker1_proxy_new_sync (parley_worker_process_get_connection (self->process),
                                               G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES |
                                                   G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START,
                                               NULL, WORKER_OBJECT_PATH, NULL, &error);
  if (!self->proxy) {
    loading_failed (self, clean_error (error));
    return;
  }
  g_signal_connect (self->proxy, "load-progress", G_CALLBACK (take_load_progress), self);
  g_signal_connect (self->proxy, "placed", G_CALLBACK (take_placed), self);
  g_signal_connect (self->proxy, "progress", G_CALLBACK (take_progress), self);
  g_signal_connect (self->proxy, "parts", G_CALLBACK (take_parts), self);
  g_signal_connect (self->proxy, "done", G_CALLBACK (take_done), self);
  g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (self->proxy), HELLO_TIMEOUT_MS);
  parley_worker1_call_hello (self->proxy, WORKER_PROTOCOL_VERSION, self->life, greeted,
                             g_object_ref (self));
  g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (self->proxy), NO_TIMEOUT);
}

static gboolean
cancel_loading (gpointer data)
{
  ParleyWorkerClient *self = data;
  if (self->loading && g_cancellable_is_cancelled (g_task_get_cancellable (self->loading)))
    loading_failed (
        self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Loading was cancelled.")));
  return G_SOURCE_REMOVE;
}

/* May come from any thread, and from inside g_cancellable_cancel(). */
static void
loading_cancelled (GCancellable *cancellable, gpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_callback (source, cancel_loading, g_object_ref (data), g_object_unref);
  g_source_attach (source, g_task_get_context (PARLEY_WORKER_CLIENT (data)->loading));
}

void
parley_worker_client_set_budgets (ParleyWorkerClient *self, const char *budgets)
{
  g_return_if_fail (PARLEY_IS_WORKER_CLIENT (self));
  g_autofree char *old = self->budgets;
  self->budgets = g_strdup (budgets);
}

void
parley_worker_client_load_async (ParleyWorkerClient *self, const char *path,
                                 const struct pe_plan_request *request, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (PARLEY_IS_WORKER_CLIENT (self));
  g_return_if_fail (path && request);
  g_autofree char *copy = g_strdup (path);
  g_autofree char *program =
      self->program ? g_strdup (self->program) : parley_hardware_find_worker ();
  drop_process (self, NULL);
  g_free (self->path);
  self->path = g_steal_pointer (&copy);
  self->request = *request;
  wire_model_clear (&self->model);
  g_clear_pointer (&self->notice, g_free);
  set_gpu_layers (self, 0);
  self->load_progress = 0;

  self->loading = g_task_new (self, cancellable, callback, data);
  self->life = g_cancellable_new ();
  set_state (self, PARLEY_WORKER_LOADING, NULL);
  parley_worker_process_start_async (program, self->budgets, self->life, started,
                                     g_object_ref (self));
  if (cancellable && self->loading)
    self->loading_cancel =
        g_cancellable_connect (cancellable, G_CALLBACK (loading_cancelled), self, NULL);
}

gboolean
parley_worker_client_load_finish (ParleyWorkerClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
parley_worker_client_unload (ParleyWorkerClient *self)
{
  g_return_if_fail (PARLEY_IS_WORKER_CLIENT (self));
  g_autoptr (ParleyWorkerClient) keep = g_object_ref (self);
  self->state = PARLEY_WORKER_IDLE;
  drop_process (self, NULL);
  if (self->state != PARLEY_WORKER_IDLE)
    return; /* a listener to the end of a reply loads anew */
  wire_model_clear (&self->model);
  g_clear_pointer (&self->notice, g_free);
  set_gpu_layers (self, 0);
  set_state (self, PARLEY_WORKER_IDLE, NULL);
}

/* ---- placement ---- */

static void place_next (ParleyWorkerClient *self);

static void
placed (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyWorkerClient) self = data;
  guint reached = 0;
  g_autofree char *problem = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok = parley_worker1_call_place_finish (PARLEY_WORKER1 (object), &reached, &problem,
                                                  result, &error);
  if (PARLEY_WORKER1 (object) != self->proxy || (!ok && is_disconnection (error)))
    return;
  if (ok && reached > self->model.model.n_layers + 1) {
    protocol_broken (self, "placement");
    return;
  }
  if (ok)
    set_gpu_layers (self, reached);
  else
    error = clean_error (g_steal_pointer (&error));
  if (ok && *problem) {
    g_autofree char *text = wire_clean (problem);
    error = g_error_new_literal (PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_DEVICE_MEMORY, text);
  }
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->placing);
  self->placing = g_ptr_array_new_with_free_func (g_object_unref);
  place_next (self);
  if (self->placing->len == 0)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PLACING]);
  finish_tasks (tasks, error);
}

static void
place_next (ParleyWorkerClient *self)
{
  if (self->placing->len || self->place_waiting->len == 0)
    return;
  GPtrArray *empty = self->placing;
  self->placing = self->place_waiting;
  self->place_waiting = empty;
  parley_worker1_call_place (self->proxy, self->place_target, self->life, placed,
                             g_object_ref (self));
}

void
parley_worker_client_place_async (ParleyWorkerClient *self, guint n_gpu_layers,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data)
{
  g_return_if_fail (PARLEY_IS_WORKER_CLIENT (self));
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  g_task_set_check_cancellable (task, FALSE); /* a move that has begun is not undone */
  if (self->state != PARLEY_WORKER_READY) {
    g_task_return_error (task, state_error ());
    return;
  }
  gboolean was_placing = parley_worker_client_get_placing (self);
  self->place_target = MIN (n_gpu_layers, self->model.model.n_layers + 1);
  g_ptr_array_add (self->place_waiting, g_steal_pointer (&task));
  place_next (self);
  if (!was_placing)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PLACING]);
}

gboolean
parley_worker_client_place_finish (ParleyWorkerClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- generating and counting ---- */

struct request_call {
  ParleyWorkerClient *client;
  guint64 id;
};

static void
cancel_generation (guint64 id, gpointer data)
{
  ParleyWorkerClient *self = data;
  if (self->proxy)
    parley_worker1_call_cancel (self->proxy, id, NULL, NULL, NULL);
}

static void
generation_accepted (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree struct request_call *call = data;
  g_autoptr (ParleyWorkerClient) self = call->client;
  GError *error = NULL;
  if (parley_worker1_call_generate_finish (PARLEY_WORKER1 (object), result, &error))
    return;
  ParleyGeneration *found = g_hash_table_lookup (self->generations, &call->id);
  if (!found || is_disconnection (error)) {
    g_error_free (error); /* it finishes with the reason why the process ended */
    return;
  }
  g_autoptr (ParleyGeneration) generation = g_object_ref (found);
  g_hash_table_remove (self->generations, &call->id);
  _parley_generation_finish (generation, NULL, NULL, clean_error (error));
}

static gboolean
finish_unstarted (gpointer data)
{
  _parley_generation_finish (data, NULL, NULL, state_error ());
  return G_SOURCE_REMOVE;
}

ParleyGeneration *
parley_worker_client_generate (ParleyWorkerClient *self, const ParleyGenerationRequest *request)
{
  g_return_val_if_fail (PARLEY_IS_WORKER_CLIENT (self), NULL);
  g_return_val_if_fail ((request->messages != NULL) != (request->text != NULL), NULL);
  guint64 id = ++self->last_id;
  ParleyGeneration *generation =
      _parley_generation_new (id, WORKER_CREDIT, cancel_generation, self);
  if (self->state != PARLEY_WORKER_READY) {
    g_autoptr (GSource) source = g_idle_source_new ();
    g_source_set_callback (source, finish_unstarted, g_object_ref (generation), g_object_unref);
    g_source_attach (source, g_main_context_get_thread_default ());
    return generation;
  }
  g_hash_table_insert (self->generations, g_memdup2 (&id, sizeof id), g_object_ref (generation));
  struct request_call *call = g_new (struct request_call, 1);
  *call = (struct request_call){ g_object_ref (self), id };
  parley_worker1_call_generate (self->proxy, id, wire_generation (request), WORKER_CREDIT,
                                self->life, generation_accepted, call);
  return generation;
}

static void
counted (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  guint total = 0;
  g_autoptr (GVariant) turns = NULL;
  GError *error = NULL;
  if (!parley_worker1_call_count_finish (PARLEY_WORKER1 (object), &total, &turns, result, &error)) {
    g_task_return_error (task, clean_error (error));
    return;
  }
  gsize n;
  const guint32 *lengths = g_variant_get_fixed_array (turns, &n, sizeof *lengths);
  ParleyTokenCount *count = g_malloc0 (sizeof *count + n * sizeof *count->turns);
  count->total = total;
  count->n_turns = (guint) n;
  for (gsize i = 0; i < n; i++)
    count->turns[i] = lengths[i];
  g_task_return_pointer (task, count, g_free);
}

/* A task for a call to the process, or NULL when there is none and the task has returned. */
static GTask *
call_task (ParleyWorkerClient *self, GCancellable *cancellable, GAsyncReadyCallback callback,
           gpointer data)
{
  GTask *task = g_task_new (self, cancellable, callback, data);
  if (self->state == PARLEY_WORKER_READY)
    return task;
  g_task_return_error (task, state_error ());
  g_object_unref (task);
  return NULL;
}

void
parley_worker_client_count_async (ParleyWorkerClient *self, const ParleyGenerationRequest *request,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data)
{
  g_return_if_fail (PARLEY_IS_WORKER_CLIENT (self));
  GTask *task = call_task (self, cancellable, callback, data);
  if (task)
    parley_worker1_call_count (self->proxy, wire_generation (request), cancellable, counted, task);
}

ParleyTokenCount *
parley_worker_client_count_finish (ParleyWorkerClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- memory and counters ---- */

static void
memory_told (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GVariant) list = NULL;
  GError *error = NULL;
  if (!parley_worker1_call_memory_finish (PARLEY_WORKER1 (object), &list, result, &error)) {
    g_task_return_error (task, clean_error (error));
    return;
  }
  gsize n = g_variant_n_children (list);
  g_autoptr (GArray) devices = g_array_new (FALSE, TRUE, sizeof (ParleyDeviceMemory));
  gboolean sound = n > 0 && n <= PE_MAX_DEVICES;
  for (gsize i = 0; sound && i < n; i++) {
    g_autoptr (GVariant) entry = g_variant_get_child_value (list, i);
    ParleyDeviceMemory memory;
    sound = wire_read_memory (entry, &memory) && (memory.kind == PE_DEVICE_CPU) == (i == 0);
    g_array_append_val (devices, memory);
  }
  if (sound)
    g_task_return_pointer (task, g_steal_pointer (&devices), (GDestroyNotify) g_array_unref);
  else {
    ParleyWorkerClient *self = g_task_get_source_object (task);
    g_task_return_new_error (task, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_PROTOCOL,
                             _ ("The engine's report about memory makes no sense."));
    if (PARLEY_WORKER1 (object) == self->proxy)
      protocol_broken (self, "memory");
  }
}

void
parley_worker_client_memory_async (ParleyWorkerClient *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (PARLEY_IS_WORKER_CLIENT (self));
  GTask *task = call_task (self, cancellable, callback, data);
  if (task)
    parley_worker1_call_memory (self->proxy, cancellable, memory_told, task);
}

GArray *
parley_worker_client_memory_finish (ParleyWorkerClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
counters_told (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GVariant) list = NULL;
  GError *error = NULL;
  if (!parley_worker1_call_counters_finish (PARLEY_WORKER1 (object), &list, result, &error)) {
    g_task_return_error (task, clean_error (error));
    return;
  }
  gsize n;
  const guint64 *numbers = g_variant_get_fixed_array (list, &n, sizeof *numbers);
  if (n != 6) {
    g_task_return_new_error (task, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_PROTOCOL,
                             _ ("The engine's counters make no sense."));
    return;
  }
  ParleyWorkerCounters *counters = g_new (ParleyWorkerCounters, 1);
  *counters = (ParleyWorkerCounters){ numbers[0], numbers[1], numbers[2],
                                      numbers[3], numbers[4], numbers[5] };
  g_task_return_pointer (task, counters, g_free);
}

void
parley_worker_client_counters_async (ParleyWorkerClient *self, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (PARLEY_IS_WORKER_CLIENT (self));
  GTask *task = call_task (self, cancellable, callback, data);
  if (task)
    parley_worker1_call_counters (self->proxy, cancellable, counters_told, task);
}

gboolean
parley_worker_client_counters_finish (ParleyWorkerClient *self, GAsyncResult *result,
                                      ParleyWorkerCounters *counters, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_autofree ParleyWorkerCounters *told = g_task_propagate_pointer (G_TASK (result), error);
  if (!told)
    return FALSE;
  *counters = *told;
  return TRUE;
}

/* ---- getters ---- */

ParleyWorkerState
parley_worker_client_get_state (ParleyWorkerClient *self)
{
  return self->state;
}

const char *
parley_worker_client_get_path (ParleyWorkerClient *self)
{
  return self->path;
}

const ParleyLoadedModel *
parley_worker_client_get_model (ParleyWorkerClient *self)
{
  return self->model.dictionary ? &self->model.model : NULL;
}

const char *
parley_worker_client_get_message (ParleyWorkerClient *self)
{
  return self->message;
}

guint
parley_worker_client_get_context_length (ParleyWorkerClient *self)
{
  return self->model.dictionary ? self->model.model.plan.n_ctx : 0;
}

guint
parley_worker_client_get_gpu_layers (ParleyWorkerClient *self)
{
  return self->gpu_layers;
}

gboolean
parley_worker_client_get_placing (ParleyWorkerClient *self)
{
  return self->placing->len + self->place_waiting->len > 0;
}

double
parley_worker_client_get_load_progress (ParleyWorkerClient *self)
{
  return self->load_progress;
}

GPid
parley_worker_client_get_pid (ParleyWorkerClient *self)
{
  return self->process ? parley_worker_process_get_pid (self->process) : 0;
}

const char *
parley_worker_client_get_confinement (ParleyWorkerClient *self)
{
  return self->confinement;
}

/* ---- the object ---- */

ParleyWorkerClient *
parley_worker_client_new (void)
{
  return g_object_new (PARLEY_TYPE_WORKER_CLIENT, NULL);
}

static void
parley_worker_client_dispose (GObject *object)
{
  drop_process (PARLEY_WORKER_CLIENT (object), NULL);
  G_OBJECT_CLASS (parley_worker_client_parent_class)->dispose (object);
}

static void
parley_worker_client_finalize (GObject *object)
{
  ParleyWorkerClient *self = PARLEY_WORKER_CLIENT (object);
  wire_model_clear (&self->model);
  g_clear_pointer (&self->notice, g_free);
  g_hash_table_unref (self->generations);
  g_ptr_array_unref (self->placing);
  g_ptr_array_unref (self->place_waiting);
  g_free (self->program);
  g_free (self->budgets);
  g_free (self->path);
  g_free (self->message);
  g_free (self->confinement);
  G_OBJECT_CLASS (parley_worker_client_parent_class)->finalize (object);
}

static void
parley_worker_client_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  ParleyWorkerClient *self = PARLEY_WORKER_CLIENT (object);
  switch (id) {
  case PROP_PROGRAM: g_value_set_string (value, self->program); break;
  case PROP_STATE: g_value_set_uint (value, self->state); break;
  case PROP_GPU_LAYERS: g_value_set_uint (value, self->gpu_layers); break;
  case PROP_PLACING: g_value_set_boolean (value, parley_worker_client_get_placing (self)); break;
  case PROP_LOAD_PROGRESS: g_value_set_double (value, self->load_progress); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
parley_worker_client_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_PROGRAM)
    PARLEY_WORKER_CLIENT (object)->program = g_value_dup_string (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
parley_worker_client_class_init (ParleyWorkerClientClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  object_class->dispose = parley_worker_client_dispose;
  object_class->finalize = parley_worker_client_finalize;
  object_class->get_property = parley_worker_client_get_property;
  object_class->set_property = parley_worker_client_set_property;
  props[PROP_PROGRAM] =
      g_param_spec_string ("program", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  props[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, PARLEY_WORKER_CRASHED,
                                         PARLEY_WORKER_IDLE, readable);
  props[PROP_GPU_LAYERS] = g_param_spec_uint ("gpu-layers", NULL, NULL, 0, G_MAXUINT, 0, readable);
  props[PROP_PLACING] = g_param_spec_boolean ("placing", NULL, NULL, FALSE, readable);
  props[PROP_LOAD_PROGRESS] = g_param_spec_double ("load-progress", NULL, NULL, 0, 1, 0, readable);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signal_moved = g_signal_new ("moved", PARLEY_TYPE_WORKER_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                               NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signal_crashed = g_signal_new ("crashed", PARLEY_TYPE_WORKER_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  /* Registered with GDBus before the first error can come in. */
  g_type_ensure (PARLEY_TYPE_GENERATION);
  (void) PARLEY_ENGINE_ERROR;
  (void) PARLEY_WORKER_ERROR;
}

static void
parley_worker_client_init (ParleyWorkerClient *self)
{
  self->generations = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  self->placing = g_ptr_array_new_with_free_func (g_object_unref);
  self->place_waiting = g_ptr_array_new_with_free_func (g_object_unref);
}
