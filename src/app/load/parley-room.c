/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-room.h"

#include "fit/parley-fit.h"

#include <string.h>

/* What one loaded model holds of each device. */
typedef struct {
  char *path;
  struct pe_plan_request request;
} Holder;

typedef struct {
  struct pe_device_info devices[PE_MAX_DEVICES];
  gsize n_devices;
  char *path;
  struct pe_plan_request request;
  GPtrArray *others; /* of ParleyEngine; only passed through */
  GArray *holders;   /* of Holder, one for each of them */
} Room;

static void
holder_clear (gpointer data)
{
  g_free (((Holder *) data)->path);
}

static void
room_free (gpointer data)
{
  Room *room = data;

  g_free (room->path);
  g_ptr_array_unref (room->others);
  g_array_unref (room->holders);
  g_free (room);
}

static void
add (guint64 *value, guint64 bytes, guint64 most)
{
  *value = bytes > most - MIN (*value, most) ? most : *value + bytes;
}

/* The fit with so many of the others gone. The devices' `available` was taken while all were
 * loaded, so that those who go give back what they hold; file mappings never left it. */
static ParleyFit *
fit_without (const Room *room, GPtrArray *held, guint n_gone, GError **error)
{
  struct pe_device_info devices[PE_MAX_DEVICES];

  memcpy (devices, room->devices, sizeof devices);
  for (guint i = 0; i < held->len; i++)
    for (gsize d = 0; held->pdata[i] != NULL && d < room->n_devices; d++) {
      if (d >= parley_fit_get_n_devices (held->pdata[i]))
        break;
      const ParleyFitDevice *device = parley_fit_get_device (held->pdata[i], d);
      guint64 own = device->planned - MIN (device->mapped, device->planned);
      /* The CPU's free memory was read just now, the GPU's before anything was loaded. */
      if (d == 0 && i < n_gone)
        add (&devices[d].memory_available, own, devices[d].memory_total);
      else if (d == 0)
        devices[d].memory_available -= MIN (device->mapped, devices[d].memory_available);
      else if (i >= n_gone)
        devices[d].memory_available -= MIN (device->planned, devices[d].memory_available);
    }
  return parley_fit_for_file (room->path, &room->request, devices, room->n_devices, error);
}

static gboolean
is_as_good (ParleyFit *fit, ParleyFit *alone)
{
  return parley_fit_get_verdict (fit) <= PARLEY_FIT_IN_RAM &&
         parley_fit_get_gpu_layers (fit) >= parley_fit_get_gpu_layers (alone);
}

static void
plan (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Room *room = data;
  g_autoptr (GPtrArray) held = g_ptr_array_new (); /* of ParleyFit; NULL where a file is gone */
  GError *error = NULL;
  guint n = 0;

  for (guint i = 0; i < room->holders->len; i++) {
    const Holder *holder = &g_array_index (room->holders, Holder, i);
    g_ptr_array_add (held, parley_fit_for_file (holder->path, &holder->request, room->devices,
                                                room->n_devices, NULL));
  }
  g_autoptr (ParleyFit) alone = fit_without (room, held, held->len, &error);
  if (alone != NULL)
    for (; n < held->len; n++) {
      g_autoptr (ParleyFit) fit = fit_without (room, held, n, NULL);
      if (fit == NULL || is_as_good (fit, alone))
        break;
    }
  for (guint i = 0; i < held->len; i++)
    if (held->pdata[i] != NULL)
      parley_fit_unref (held->pdata[i]);
  if (alone == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, n);
}

void
parley_room_plan_async (ParleyHardware *hardware, ParleyModel *model,
                        const struct pe_plan_request *request, GPtrArray *others,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Room *room = g_new0 (Room, 1);
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);

  parley_hardware_refresh_memory (hardware);
  room->n_devices = parley_hardware_get_plan_devices (hardware, room->devices);
  room->path = g_strdup (parley_model_get_path (model));
  room->request = *request;
  room->others = g_ptr_array_ref (others);
  room->holders = g_array_new (FALSE, TRUE, sizeof (Holder));
  g_array_set_clear_func (room->holders, holder_clear);
  for (guint i = 0; i < others->len; i++) {
    ParleyWorkerClient *client = parley_engine_get_client (others->pdata[i]);
    const ParleyLoadedModel *loaded = parley_worker_client_get_model (client);
    Holder holder = { .path = g_strdup (
                          parley_model_get_path (parley_engine_get_model (others->pdata[i]))) };
    pe_plan_request_init (&holder.request);
    if (loaded != NULL) {
      holder.request = loaded->plan;
      holder.request.n_gpu_layers = (int32_t) parley_worker_client_get_gpu_layers (client);
    }
    g_array_append_val (room->holders, holder);
  }
  g_task_set_task_data (task, room, room_free);
  g_task_run_in_thread (task, plan);
}

GPtrArray *
parley_room_plan_finish (GAsyncResult *result, GError **error)
{
  Room *room = g_task_get_task_data (G_TASK (result));
  gssize n = g_task_propagate_int (G_TASK (result), error);

  if (n < 0)
    return NULL;
  g_ptr_array_set_size (room->others, (int) n);
  return g_ptr_array_ref (room->others);
}
