/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the engine process says by itself: progress, parts and ends of replies, layers it had to
 * move, and the kernels it has compiled. Each is checked before it is believed.
 */
#include "worker/parley-worker-client-private.h"

#include "worker/parley-generation-private.h"
#include "worker/wire.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <math.h>
#include <unistd.h>

static void
take_load_progress (ParleyWorker1 *proxy, double share, ParleyWorkerClient *self)
{
  if (!isfinite (share) || share < 0 || share > 1) {
    _parley_worker_client_protocol_broken (self, "progress of loading");
    return;
  }
  self->load_progress = share;
  g_object_notify (G_OBJECT (self), "load-progress");
}

static void
take_placed (ParleyWorker1 *proxy, guint n, const char *reason, ParleyWorkerClient *self)
{
  if (!self->model.dictionary || n > self->model.model.n_layers + 1) {
    _parley_worker_client_protocol_broken (self, "placement");
    return;
  }
  g_free (self->notice);
  self->notice = wire_clean (reason);
  self->model.model.note = self->notice;
  g_object_ref (self);
  _parley_worker_client_set_gpu_layers (self, n);
  g_signal_emit_by_name (self, "moved", self->notice);
  g_object_unref (self);
}

static void
take_progress (ParleyWorker1 *proxy, guint64 id, guint done, guint total, ParleyWorkerClient *self)
{
  ParleyGeneration *generation = g_hash_table_lookup (self->generations, &id);
  if (!generation) {
    _parley_worker_client_protocol_broken (self, "progress of nothing");
    return;
  }
  g_object_ref (generation);
  gboolean sound = _parley_generation_take_progress (generation, done, total);
  g_object_unref (generation);
  if (!sound)
    _parley_worker_client_protocol_broken (self, "progress of a prompt");
}

static void
take_parts (ParleyWorker1 *proxy, guint64 id, guint sequence, GVariant *parts,
            ParleyWorkerClient *self)
{
  ParleyGeneration *found = g_hash_table_lookup (self->generations, &id);
  if (!found) {
    _parley_worker_client_protocol_broken (self, "a reply to nothing");
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
    _parley_worker_client_protocol_broken (self, "parts of a reply");
  else if (more)
    parley_worker1_call_credit (self->proxy, id, more, NULL, NULL, NULL);
}

/* ---- kernels that the process has compiled ---- */

static char *
kernels_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "parley", "kernels", NULL);
}

/* What the last process left; it is read there. */
void
_parley_worker_client_offer_kernels (ParleyWorkerClient *self)
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

/* ---- the end of a reply, and of the process ---- */

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
    _parley_worker_client_protocol_broken (self, "the end of a reply");
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
    error = _parley_worker_client_clean_error (error);
  }
  ask_for_kernels (self);
  _parley_generation_finish (generation, &stats, n_bytes ? tokens : NULL, error);
}

static void
process_ended (ParleyWorkerProcess *process, const char *reason, gpointer data)
{
  _parley_worker_client_give_up (data, PARLEY_WORKER_ERROR_CRASHED, reason);
}

void
_parley_worker_client_listen (ParleyWorkerClient *self)
{
  g_signal_connect (self->process, "ended", G_CALLBACK (process_ended), self);
  g_signal_connect (self->proxy, "load-progress", G_CALLBACK (take_load_progress), self);
  g_signal_connect (self->proxy, "placed", G_CALLBACK (take_placed), self);
  g_signal_connect (self->proxy, "progress", G_CALLBACK (take_progress), self);
  g_signal_connect (self->proxy, "parts", G_CALLBACK (take_parts), self);
  g_signal_connect (self->proxy, "done", G_CALLBACK (take_done), self);
}
