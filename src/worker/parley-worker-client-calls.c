/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is asked of an engine process that has a model: moving layers, generating, counting tokens,
 * memory and counters.
 */
#include "worker/parley-worker-client-private.h"

#include "worker/parley-generation-private.h"
#include "worker/wire.h"

#include <glib/gi18n.h>

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
  if (PARLEY_WORKER1 (object) != self->proxy || (!ok && _parley_worker_client_lost (error)))
    return;
  if (ok && reached > self->model.model.n_layers + 1) {
    _parley_worker_client_protocol_broken (self, "placement");
    return;
  }
  if (ok)
    _parley_worker_client_set_gpu_layers (self, reached);
  else
    error = _parley_worker_client_clean_error (g_steal_pointer (&error));
  if (ok && *problem) {
    g_autofree char *text = wire_clean (problem);
    error = g_error_new_literal (PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_DEVICE_MEMORY, text);
  }
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->placing);
  self->placing = g_ptr_array_new_with_free_func (g_object_unref);
  place_next (self);
  if (self->placing->len == 0)
    g_object_notify (G_OBJECT (self), "placing");
  _parley_worker_client_finish_tasks (tasks, error);
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
    g_task_return_error (task, _parley_worker_client_state_error ());
    return;
  }
  gboolean was_placing = parley_worker_client_get_placing (self);
  self->place_target = MIN (n_gpu_layers, self->model.model.n_layers + 1);
  g_ptr_array_add (self->place_waiting, g_steal_pointer (&task));
  place_next (self);
  if (!was_placing)
    g_object_notify (G_OBJECT (self), "placing");
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
  if (!found || _parley_worker_client_lost (error)) {
    g_error_free (error); /* it finishes with the reason why the process ended */
    return;
  }
  g_autoptr (ParleyGeneration) generation = g_object_ref (found);
  g_hash_table_remove (self->generations, &call->id);
  _parley_generation_finish (generation, NULL, NULL, _parley_worker_client_clean_error (error));
}

static gboolean
finish_unstarted (gpointer data)
{
  _parley_generation_finish (data, NULL, NULL, _parley_worker_client_state_error ());
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
    g_task_return_error (task, _parley_worker_client_clean_error (error));
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
  g_task_return_error (task, _parley_worker_client_state_error ());
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
    g_task_return_error (task, _parley_worker_client_clean_error (error));
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
      _parley_worker_client_protocol_broken (self, "memory");
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
    g_task_return_error (task, _parley_worker_client_clean_error (error));
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
