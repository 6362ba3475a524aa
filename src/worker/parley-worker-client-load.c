/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starting an engine process and giving it a model.
 */
#include "worker/parley-worker-client-private.h"

#include "hardware/parley-hardware.h"
#include "worker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELLO_TIMEOUT_MS 30000
#define NO_TIMEOUT       G_MAXINT /* what the engine does takes as long as it takes */

/* Owns `error`. */
static void
loading_failed (ParleyWorkerClient *self, GError *error)
{
  g_autoptr (GError) owned = error;
  g_autoptr (ParleyWorkerClient) keep = g_object_ref (self);
  gboolean cancelled = g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  _parley_worker_client_drop_process (self, owned);
  _parley_worker_client_set_state (self, cancelled ? PARLEY_WORKER_IDLE : PARLEY_WORKER_FAILED,
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
  if (PARLEY_WORKER1 (object) != self->proxy || (!ok && _parley_worker_client_lost (error))) {
    g_clear_error (&error); /* given up, or its end follows */
    return;
  }
  if (!ok) {
    loading_failed (self, _parley_worker_client_clean_error (error));
    return;
  }
  WireModel model;
  if (!wire_read_model (dictionary, &model)) {
    _parley_worker_client_protocol_broken (self, "the model");
    return;
  }
  wire_model_clear (&self->model);
  g_clear_pointer (&self->notice, g_free);
  self->model = model;
  self->load_progress = 1;
  _parley_worker_client_set_gpu_layers (self, model.gpu_layers);
  _parley_worker_client_set_state (self, PARLEY_WORKER_READY, NULL);
  _parley_worker_client_finish_loading (self, NULL);
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
  if (PARLEY_WORKER1 (object) != self->proxy || (!ok && _parley_worker_client_lost (error))) {
    g_clear_error (&error);
    return;
  }
  if (!ok || version != WORKER_PROTOCOL_VERSION) {
    g_clear_error (&error);
    _parley_worker_client_protocol_broken (
        self,
        ok ? _ ("another version of the protocol; installing Parley again helps") : "its greeting");
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
  _parley_worker_client_offer_kernels (self);
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
  self->proxy = parley_worker1_proxy_new_sync (parley_worker_process_get_connection (self->process),
                                               G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES |
                                                   G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START,
                                               NULL, WORKER_OBJECT_PATH, NULL, &error);
  if (!self->proxy) {
    loading_failed (self, _parley_worker_client_clean_error (error));
    return;
  }
  _parley_worker_client_listen (self);
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
  _parley_worker_client_drop_process (self, NULL);
  g_free (self->path);
  self->path = g_steal_pointer (&copy);
  self->request = *request;
  wire_model_clear (&self->model);
  g_clear_pointer (&self->notice, g_free);
  _parley_worker_client_set_gpu_layers (self, 0);
  self->load_progress = 0;

  self->loading = g_task_new (self, cancellable, callback, data);
  self->life = g_cancellable_new ();
  _parley_worker_client_set_state (self, PARLEY_WORKER_LOADING, NULL);
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
  _parley_worker_client_drop_process (self, NULL);
  if (self->state != PARLEY_WORKER_IDLE)
    return; /* a listener to the end of a reply loads anew */
  wire_model_clear (&self->model);
  g_clear_pointer (&self->notice, g_free);
  _parley_worker_client_set_gpu_layers (self, 0);
  _parley_worker_client_set_state (self, PARLEY_WORKER_IDLE, NULL);
}
