/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/parley-worker-client-private.h"

#include "worker/parley-generation-private.h"

#include <glib/gi18n.h>

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

void
_parley_worker_client_set_state (ParleyWorkerClient *self, ParleyWorkerState state,
                                 const char *message)
{
  g_autofree char *old = g_steal_pointer (&self->message);
  self->message = g_strdup (message);
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
}

void
_parley_worker_client_set_gpu_layers (ParleyWorkerClient *self, guint n)
{
  if (self->gpu_layers == n)
    return;
  self->gpu_layers = n;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_GPU_LAYERS]);
}

/* ---- errors from the other side ---- */

/* The connection is gone: the end of the process follows and says why. */
gboolean
_parley_worker_client_lost (const GError *error)
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
GError *
_parley_worker_client_clean_error (GError *error)
{
  g_autoptr (GError) owned = error;
  g_dbus_error_strip_remote_error (owned);
  g_autofree char *text = wire_clean (owned->message);
  if (_parley_worker_client_lost (owned))
    return g_error_new_literal (PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_CRASHED,
                                _ ("The engine has ended."));
  if (owned->domain == PARLEY_ENGINE_ERROR || owned->domain == PARLEY_WORKER_ERROR ||
      g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_new_literal (owned->domain, owned->code, text);
  return g_error_new_literal (PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_PROTOCOL, text);
}

GError *
_parley_worker_client_state_error (void)
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

void
_parley_worker_client_finish_tasks (GPtrArray *tasks, const GError *error)
{
  for (guint i = 0; i < tasks->len; i++)
    if (error)
      g_task_return_error (tasks->pdata[i], g_error_copy (error));
    else
      g_task_return_boolean (tasks->pdata[i], TRUE);
  g_ptr_array_set_size (tasks, 0);
}

void
_parley_worker_client_finish_loading (ParleyWorkerClient *self, GError *error)
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
void
_parley_worker_client_drop_process (ParleyWorkerClient *self, const GError *error)
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
  _parley_worker_client_finish_loading (self, g_error_copy (error ? error : cancelled));
  _parley_worker_client_finish_tasks (self->placing, error ? error : cancelled);
  _parley_worker_client_finish_tasks (self->place_waiting, error ? error : cancelled);
  if (was_placing)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PLACING]);
  finish_generations (self, error);
}

void
_parley_worker_client_give_up (ParleyWorkerClient *self, ParleyWorkerError code, const char *reason)
{
  g_autoptr (ParleyWorkerClient) keep = g_object_ref (self);
  g_autoptr (GError) error = g_error_new_literal (PARLEY_WORKER_ERROR, code, reason);
  gboolean was_loading = self->loading != NULL;
  g_autofree char *copy = g_strdup (reason);
  self->state = PARLEY_WORKER_CRASHED; /* as listeners to the end of a reply see it */
  _parley_worker_client_drop_process (self, error);
  if (self->state != PARLEY_WORKER_CRASHED)
    return; /* one of them loads anew */
  _parley_worker_client_set_state (self, PARLEY_WORKER_CRASHED, copy);
  if (!was_loading)
    g_signal_emit (self, signal_crashed, 0, copy);
}

/* The process says what cannot be: it is not asked again. */
void
_parley_worker_client_protocol_broken (ParleyWorkerClient *self, const char *what)
{
  g_autofree char *reason = g_strdup_printf (
      _ ("The engine was ended, because it said something that makes no sense (%s)."), what);
  _parley_worker_client_give_up (self, PARLEY_WORKER_ERROR_PROTOCOL, reason);
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
  _parley_worker_client_drop_process (PARLEY_WORKER_CLIENT (object), NULL);
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
