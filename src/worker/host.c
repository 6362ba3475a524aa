/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/host.h"

#include "base/alloc.h"
#include "bridge/parley-engine-error.h"
#include "engine/parley-engine.h"
#include "hardware/parley-hardware.h"
#include "hardware/parley-memory.h"
#include "worker/load.h"
#include "worker/reply.h"
#include "worker/wire.h"

#include <gio/gunixfdlist.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* How often the GPU is asked what it has left. */
#define BUDGET_US (2 * G_USEC_PER_SEC)

struct WorkerHost {
  ParleyWorker1 *bus;
  GAsyncQueue *commands;
  gint64 pace_us;    /* least time between two tokens; for tests */
  const char *fault; /* PARLEY_TEST_GPU_FAULT, until it is armed; NULL: none */

  GMutex lock;     /* the four below; the engine thread reads the last three without */
  GBytes *kernels; /* of an earlier run, or NULL */
  WorkerModel *model;
  struct pe_runtime *runtime;
  GHashTable *replies; /* guint64 -> Reply, those not ended */

  /* The engine thread's own. */
  struct pe_device_info devices[PE_MAX_DEVICES];
  gsize n_devices;
  struct slots slots;
  GQueue waiting; /* of Reply */
  Reply *active;
  gint64 next_step; /* monotonic time before which no token is computed */
  guint n_losses;
  guint64 n_chosen;              /* tokens, ever */
  gint64 next_budget, budget_us; /* monotonic time; between two questions */
  double told_progress;
};

/* SIGUSR1 ends the pace of a test that has seen what it wanted to see. */
static volatile sig_atomic_t hurried;

static void
hurry (int number)
{
  hurried = 1;
}

/* ---- commands: made on the connection's thread, run on the engine's ---- */

typedef struct Command Command;
struct Command {
  void (*run) (WorkerHost *self, Command *command);
  GDBusMethodInvocation *invocation; /* the function that answers it clears it */
  guint64 id;
  guint number;
  GArray *fds; /* of int: the files to load, closed with the command */
  char *name;
  struct pe_plan_request request;
  WireGeneration generation;
};

static Command *
command_new (void (*run) (WorkerHost *self, Command *command), GDBusMethodInvocation *invocation)
{
  Command *command = g_new0 (Command, 1);
  command->run = run;
  command->invocation = invocation;
  return command;
}

static void
command_free (Command *command)
{
  g_clear_pointer (&command->fds, g_array_unref);
  g_free (command->name);
  wire_generation_clear (&command->generation);
  g_free (command);
}

static void
refuse (GDBusMethodInvocation *invocation, ParleyWorkerError code, const char *message)
{
  g_dbus_method_invocation_return_error_literal (invocation, PARLEY_WORKER_ERROR, (int) code,
                                                 message);
}

static void
refuse_engine (GDBusMethodInvocation *invocation, const struct pe_error *error)
{
  g_dbus_method_invocation_take_error (invocation, parley_error_new_from_engine (error));
}

static gboolean
need_runtime (WorkerHost *self, Command *command)
{
  if (self->runtime)
    return TRUE;
  refuse (command->invocation, PARLEY_WORKER_ERROR_STATE, "No model is loaded.");
  return FALSE;
}

static GBytes *offered_kernels (WorkerHost *self, struct worker_kernels *out);

/* ---- loading ---- */

/* What this computer has left now: the CPU and the GPUs to use. */
static void
survey (WorkerHost *self)
{
  struct pe_device_info found[PE_MAX_DEVICES];
  gsize n = pe_devices_list (found, PE_MAX_DEVICES, false, NULL);
  self->n_devices =
      parley_hardware_select (found, n, g_getenv ("PARLEY_VULKAN_DEVICE"), self->devices);
  ParleyMemory memory;
  if (parley_memory_read ("", &memory)) {
    self->devices[0].memory_total = memory.total;
    self->devices[0].memory_available = memory.available;
    pe_budget_apply (&self->devices[0], g_getenv ("PARLEY_BUDGETS"));
  }
}

/* After a loss: what is left may be other than it was, and the device may be gone. */
static void
survey_again (WorkerHost *self)
{
  char used[sizeof self->devices[1].id];
  memcpy (used, self->devices[1].id, sizeof used);
  survey (self);
  if (self->n_devices > 1 && !g_str_equal (self->devices[1].id, used))
    self->n_devices = 1;
}

static void
arm_fault (WorkerHost *self)
{
  if (!self->fault)
    return;
  pe_devices_arm_fault (self->fault);
  self->budget_us = 0;
  self->fault = NULL;
}

static bool
tell_progress (void *data, uint64_t done, uint64_t total)
{
  WorkerHost *self = data;
  double share = total ? (double) done / (double) total : 1;
  if (share - self->told_progress >= 0.01 || done == total) {
    self->told_progress = share;
    parley_worker1_emit_load_progress (self->bus, CLAMP (share, 0, 1));
  }
  return true;
}

static GVariant *
describe (WorkerHost *self, const char *file_name, const char *note)
{
  const struct pe_model_info *info = pe_model_info (worker_model_get (self->model));
  const struct pe_plan *plan = pe_runtime_plan (self->runtime);
  const char *more = worker_model_get_note (self->model);
  g_autofree char *both = g_strjoin (*note && more ? " " : "", note, more, NULL);
  g_autofree char *valid_note = g_utf8_make_valid (both, -1);
  ParleyLoadedModel model = {
    .name = *info->name ? info->name : file_name,
    .architecture = info->architecture,
    .family = info->family,
    .quantisation = info->quantisation,
    .n_layers = info->n_layers,
    .n_ctx_train = info->n_ctx_train,
    .n_vocab = info->n_vocab,
    .has_template = worker_model_has_template (self->model),
    .has_vocab = pe_model_vocab (worker_model_get (self->model), NULL) != NULL,
    .plan = plan->request,
    .note = valid_note,
  };
  if (plan->n_devices > 1)
    model.device = plan->devices[1];
  return wire_model (&model, (guint) plan->request.n_gpu_layers);
}

static void
set_loaded (WorkerHost *self, WorkerModel *model, struct pe_runtime *runtime)
{
  g_mutex_lock (&self->lock);
  self->model = model;
  self->runtime = runtime;
  g_mutex_unlock (&self->lock);
}

static void
run_load (WorkerHost *self, Command *command)
{
  struct pe_error error;
  struct pe_model *file;
  if (self->model) {
    refuse (command->invocation, PARLEY_WORKER_ERROR_STATE, "A model is loaded already.");
    return;
  }
  if (!pe_model_open_fds ((const int *) command->fds->data, command->fds->len, command->name, &file,
                          &error)) {
    refuse_engine (command->invocation, &error);
    return;
  }
  survey (self);
  g_autoptr (WorkerModel) model = worker_model_new (file);
  const struct pe_progress progress = { tell_progress, self };
  struct pe_runtime *runtime;
  char note[WORKER_NOTE_BYTES] = "";
  struct worker_kernels kernels;
  g_autoptr (GBytes) offered = offered_kernels (self, &kernels);
  if (!worker_load (file, &command->request, self->devices, self->n_devices, &kernels, &progress,
                    &runtime, note, &error)) {
    refuse_engine (command->invocation, &error);
    return;
  }
  set_loaded (self, g_steal_pointer (&model), runtime);
  arm_fault (self);
  parley_worker1_complete_load (self->bus, command->invocation, NULL,
                                describe (self, command->name, note));
}

void
worker_host_load (WorkerHost *self, GDBusMethodInvocation *invocation, GArray *fds,
                  const char *name, const struct pe_plan_request *request)
{
  Command *command = command_new (run_load, invocation);
  command->fds = fds;
  command->name = g_strdup (name);
  command->request = *request;
  g_async_queue_push (self->commands, command);
}

/* ---- kernels ---- */

void
worker_host_offer_kernels (WorkerHost *self, int fd)
{
  g_autoptr (GBytes) kernels = wire_read_file (fd, WORKER_MAX_KERNELS);
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->kernels, g_bytes_unref);
  self->kernels = g_steal_pointer (&kernels);
  g_mutex_unlock (&self->lock);
}

static GBytes *
offered_kernels (WorkerHost *self, struct worker_kernels *out)
{
  g_mutex_lock (&self->lock);
  GBytes *bytes = self->kernels ? g_bytes_ref (self->kernels) : NULL;
  g_mutex_unlock (&self->lock);
  *out = (struct worker_kernels){ 0 };
  if (bytes)
    out->bytes = g_bytes_get_data (bytes, &out->n);
  return bytes;
}

static void
run_kernels (WorkerHost *self, Command *command)
{
  if (!need_runtime (self, command))
    return;
  struct worker_kernels before;
  g_autoptr (GBytes) kept = offered_kernels (self, &before);
  size_t n;
  void *bytes = pe_runtime_kernels (self->runtime, before.bytes, before.n, &n);
  int fd = bytes ? wire_write_file ("kernels", bytes, n) : -1;
  pe_free (bytes);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  int handle = fd < 0 ? -1 : g_unix_fd_list_append (fds, fd, NULL);
  if (fd >= 0)
    close (fd);
  if (handle < 0)
    refuse (command->invocation, PARLEY_WORKER_ERROR_STATE, "There are no kernels to keep.");
  else
    parley_worker1_complete_kernels (self->bus, command->invocation, fds,
                                     g_variant_new_handle (handle));
}

void
worker_host_kernels (WorkerHost *self, GDBusMethodInvocation *invocation)
{
  g_async_queue_push (self->commands, command_new (run_kernels, invocation));
}

/* ---- placement ---- */

static guint
gpu_layers (WorkerHost *self)
{
  return (guint) pe_runtime_plan (self->runtime)->request.n_gpu_layers;
}

static void
run_place (WorkerHost *self, Command *command)
{
  if (!need_runtime (self, command))
    return;
  struct pe_error error;
  bool ok = pe_runtime_place (self->runtime, command->number, &error);
  g_autofree char *problem = g_utf8_make_valid (ok ? "" : error.message, -1);
  parley_worker1_complete_place (self->bus, command->invocation, gpu_layers (self), problem);
}

void
worker_host_place (WorkerHost *self, GDBusMethodInvocation *invocation, guint n_gpu_layers)
{
  Command *command = command_new (run_place, invocation);
  command->number = n_gpu_layers;
  g_async_queue_push (self->commands, command);
}

/* ---- when the GPU fails, or others need its memory ---- */

static void
tell_placed (WorkerHost *self, const char *reason)
{
  g_autofree char *text = g_utf8_make_valid (reason, -1);
  parley_worker1_emit_placed (self->bus, gpu_layers (self), text);
}

static void
forget_sequences (gpointer data)
{
  WorkerHost *self = data;
  /* The other thread must not cancel what is about to go. */
  set_loaded (self, self->model, NULL);
  if (self->active)
    self->active->slot = NULL;
  slots_clear (&self->slots);
}

static gboolean
recover (WorkerHost *self, struct pe_error *error)
{
  struct pe_runtime *runtime = self->runtime;
  struct worker_kernels kernels;
  g_autoptr (GBytes) offered = offered_kernels (self, &kernels);
  struct worker_recovery recovery = { .model = worker_model_get (self->model),
                                      .devices = self->devices,
                                      .kernels = &kernels,
                                      .n_losses = self->n_losses,
                                      .forget = forget_sequences,
                                      .data = self };
  char note[WORKER_NOTE_BYTES];
  if (runtime && pe_runtime_plan (runtime)->request.n_gpu_layers > 0)
    survey_again (self);
  recovery.n_devices = self->n_devices;
  gboolean ok = worker_recover (&recovery, &runtime, note, error);
  self->n_losses = recovery.n_losses;
  set_loaded (self, self->model, runtime);
  if (ok)
    tell_placed (self, note);
  return ok;
}

/* Others may want the GPU's memory at any time; asking the driver is cheap, but not free. */
static void
heed_budget (WorkerHost *self)
{
  gint64 now = g_get_monotonic_time ();
  if (!self->runtime || gpu_layers (self) == 0 || now < self->next_budget)
    return;
  self->next_budget = now + self->budget_us;
  guint had = gpu_layers (self), fitting = pe_runtime_fitting_layers (self->runtime);
  if (fitting >= had)
    return;
  struct pe_error error;
  char text[WORKER_NOTE_BYTES];
  pe_runtime_place (self->runtime, fitting, &error);
  if (gpu_layers (self) == had)
    return;
  snprintf (text, sizeof text,
            "Other programs need the GPU's memory: %u of %u layers are on the GPU instead of %u.",
            gpu_layers (self), pe_runtime_plan (self->runtime)->n_layers + 1, had);
  tell_placed (self, text);
}

/* ---- replies ---- */

static void
send_parts (gpointer data, guint64 id, guint sequence, GVariant *parts)
{
  WorkerHost *self = data;
  parley_worker1_emit_parts (self->bus, id, sequence, parts);
}

static void
remove_reply (WorkerHost *self, Reply *reply)
{
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->replies, &reply->id);
  g_mutex_unlock (&self->lock);
}

/* Everything is sent: the last word, and then the next one's turn. */
static void
finish_reply (WorkerHost *self, Reply *reply)
{
  remove_reply (self, reply);
  g_autofree char *name = NULL;
  g_autofree char *message = g_utf8_make_valid (reply->error ? reply->error->message : "", -1);
  if (reply->error)
    name = g_dbus_error_encode_gerror (reply->error);
  parley_worker1_emit_done (self->bus, reply->id, reply->outbox.sequence,
                            wire_stats (&reply->stats), reply_token_bytes (reply), name ? name : "",
                            message);
  if (reply->slot)
    slots_release (&self->slots, reply->slot, reply->wire.request.is_private);
  reply_free (reply);
}

static void
tell_prompt_progress (WorkerHost *self, Reply *reply)
{
  if (!reply->progress_due || !reply->slot)
    return;
  reply->progress_due = FALSE;
  gsize done = MIN (pe_sequence_n_tokens (reply->slot->sequence), reply->n_prompt);
  parley_worker1_emit_progress (self->bus, reply->id, (guint) done, (guint) reply->n_prompt);
}

static void
step (WorkerHost *self)
{
  Reply *reply = self->active;
  if (!reply->over && !self->runtime)
    reply_end (reply, PARLEY_GENERATION_ERROR,
               g_error_new_literal (PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_STATE,
                                    "The GPU failed, and the model could not be loaded again."));
  if (!reply->over) {
    struct pe_error error;
    guint before = reply->stats.reply_tokens;
    if (!reply_step (reply, self->runtime, &self->slots, &error) && !recover (self, &error))
      reply_end (reply, PARLEY_GENERATION_ERROR, parley_error_new_from_engine (&error));
    tell_prompt_progress (self, reply);
    self->n_chosen += reply->stats.reply_tokens - before;
    if (reply->stats.reply_tokens > before)
      self->next_step = g_get_monotonic_time () + (hurried ? 0 : self->pace_us);
  }
  /* Paced tokens go out one by one. */
  gboolean sent = outbox_flush (&reply->outbox, reply->over || self->pace_us > 0, send_parts, self);
  if (reply->over && sent) {
    finish_reply (self, reply);
    self->active = g_queue_pop_head (&self->waiting);
  }
}

static void
run_generate (WorkerHost *self, Command *command)
{
  if (!need_runtime (self, command))
    return;
  if (g_hash_table_contains (self->replies, &command->id)) {
    refuse (command->invocation, PARLEY_WORKER_ERROR_PROTOCOL, "There is such a request already.");
    return;
  }
  Reply *reply = reply_new (command->id, &command->generation, command->number, self->model);
  command->generation = (WireGeneration){ 0 };
  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->replies, &reply->id, reply);
  g_mutex_unlock (&self->lock);
  parley_worker1_complete_generate (self->bus, command->invocation);
  if (self->active)
    g_queue_push_tail (&self->waiting, reply);
  else
    self->active = reply;
}

void
worker_host_generate (WorkerHost *self, GDBusMethodInvocation *invocation, guint64 id,
                      GVariant *request, guint credit)
{
  Command *command = command_new (run_generate, invocation);
  command->id = id;
  command->number = credit;
  if (wire_read_generation (request, &command->generation))
    g_async_queue_push (self->commands, command);
  else {
    refuse (invocation, PARLEY_WORKER_ERROR_PROTOCOL, "The request makes no sense.");
    command_free (command);
  }
}

static void
run_credit (WorkerHost *self, Command *command)
{
  Reply *reply = g_hash_table_lookup (self->replies, &command->id);
  if (reply)
    reply->outbox.credit += MIN (command->number, G_MAXUINT - reply->outbox.credit);
}

void
worker_host_credit (WorkerHost *self, guint64 id, guint more)
{
  Command *command = command_new (run_credit, NULL);
  command->id = id;
  command->number = more;
  g_async_queue_push (self->commands, command);
}

/* Those that still wait for their turn end at once; the active one sees it in its next step. */
static void
run_cancel (WorkerHost *self, Command *command)
{
  Reply *reply = g_hash_table_lookup (self->replies, &command->id);
  if (reply && reply != self->active && g_queue_remove (&self->waiting, reply)) {
    reply_end (reply, PARLEY_GENERATION_CANCELLED, NULL);
    finish_reply (self, reply);
  }
  self->next_step = 0;
}

void
worker_host_cancel (WorkerHost *self, guint64 id)
{
  g_mutex_lock (&self->lock);
  Reply *reply = g_hash_table_lookup (self->replies, &id);
  if (reply) {
    reply_cancel (reply);
    if (self->runtime)
      pe_runtime_cancel (self->runtime);
  }
  g_mutex_unlock (&self->lock);
  Command *command = command_new (run_cancel, NULL);
  command->id = id;
  g_async_queue_push (self->commands, command);
}

/* ---- counting, on a thread of its own ---- */

struct count {
  ParleyWorker1 *bus;
  GDBusMethodInvocation *invocation;
  WorkerModel *model;
  WireGeneration generation;
};

static gpointer
count_thread (gpointer data)
{
  g_autofree struct count *count = data;
  guint total;
  g_autoptr (GArray) turns = NULL;
  GError *error = NULL;
  if (worker_prompt_count (count->model, &count->generation.request, &total, &turns, &error)) {
    GVariant *lengths = g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, turns->data, turns->len,
                                                   sizeof (guint32));
    parley_worker1_complete_count (count->bus, count->invocation, total, lengths);
  } else
    g_dbus_method_invocation_take_error (count->invocation, error);
  wire_generation_clear (&count->generation);
  worker_model_unref (count->model);
  return NULL;
}

void
worker_host_count (WorkerHost *self, GDBusMethodInvocation *invocation, GVariant *request)
{
  g_mutex_lock (&self->lock);
  g_autoptr (WorkerModel) model = self->model ? worker_model_ref (self->model) : NULL;
  g_mutex_unlock (&self->lock);
  if (!model) {
    refuse (invocation, PARLEY_WORKER_ERROR_STATE, "No model is loaded.");
    return;
  }
  struct count *count = g_new (struct count, 1);
  *count = (struct count){ .bus = self->bus, .invocation = invocation };
  if (!wire_read_generation (request, &count->generation)) {
    refuse (invocation, PARLEY_WORKER_ERROR_PROTOCOL, "The request makes no sense.");
    g_free (count);
    return;
  }
  count->model = g_steal_pointer (&model);
  g_thread_unref (g_thread_new ("count", count_thread, count));
}

/* ---- memory and counters ---- */

struct memory_report {
  ParleyWorker1 *bus;
  GDBusMethodInvocation *invocation;
  gsize n;
  struct pe_device_info devices[PE_MAX_DEVICES];
  ParleyDeviceMemory memory[PE_MAX_DEVICES];
};

/* Drivers take their time to say what is left: tokens do not wait for that. */
static gpointer
memory_thread (gpointer data)
{
  g_autofree struct memory_report *report = data;
  struct pe_device_info found[PE_MAX_DEVICES];
  gsize n_found = pe_devices_list (found, PE_MAX_DEVICES, false, NULL);
  GVariantBuilder list;
  g_variant_builder_init (&list, G_VARIANT_TYPE ("a(satatt)"));
  for (gsize d = 0; d < report->n; d++) {
    struct pe_device_info *device = &report->devices[d];
    for (gsize i = 0; i < MIN (n_found, PE_MAX_DEVICES); i++)
      if (g_str_equal (found[i].id, device->id))
        device->memory_available = found[i].memory_available;
    ParleyMemory ram;
    if (d == 0 && parley_memory_read ("", &ram)) {
      device->memory_total = ram.total;
      device->memory_available = ram.available;
    }
    g_variant_builder_add_value (&list, wire_memory (device, &report->memory[d]));
  }
  parley_worker1_complete_memory (report->bus, report->invocation, g_variant_builder_end (&list));
  return NULL;
}

static void
run_memory (WorkerHost *self, Command *command)
{
  if (!need_runtime (self, command))
    return;
  const struct pe_plan *plan = pe_runtime_plan (self->runtime);
  struct memory_report *report = g_new0 (struct memory_report, 1);
  report->bus = self->bus;
  report->invocation = command->invocation;
  report->n = MIN (plan->n_devices, G_N_ELEMENTS (report->devices));
  for (gsize d = 0; d < report->n; d++) {
    report->devices[d] = plan->devices[d];
    for (guint k = 0; k < PE_MEMORY_KIND_COUNT; k++) {
      report->memory[d].planned[k] = pe_plan_bytes (plan, d, (enum pe_memory_kind) k);
      report->memory[d].allocated[k] =
          pe_runtime_allocated (self->runtime, d, (enum pe_memory_kind) k);
    }
  }
  for (gsize i = 0; i < plan->n_allocations; i++)
    if (plan->allocations[i].mapped && plan->allocations[i].device < report->n)
      report->memory[plan->allocations[i].device].mapped += plan->allocations[i].bytes;
  g_thread_unref (g_thread_new ("memory", memory_thread, report));
}

void
worker_host_memory (WorkerHost *self, GDBusMethodInvocation *invocation)
{
  g_async_queue_push (self->commands, command_new (run_memory, invocation));
}

static void
run_counters (WorkerHost *self, Command *command)
{
  if (!need_runtime (self, command))
    return;
  struct pe_runtime_counters counters;
  pe_runtime_counters (self->runtime, &counters);
  const guint64 numbers[] = { counters.rows_evaluated, counters.weight_bytes_read, counters.passes,
                              counters.gpu_submits,    counters.gpu_dispatches,    self->n_chosen };
  parley_worker1_complete_counters (self->bus, command->invocation,
                                    g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, numbers,
                                                               G_N_ELEMENTS (numbers),
                                                               sizeof *numbers));
}

void
worker_host_counters (WorkerHost *self, GDBusMethodInvocation *invocation)
{
  g_async_queue_push (self->commands, command_new (run_counters, invocation));
}

/* ---- the thread ---- */

/* Whether there is a step to make: not while nobody takes what was said already. */
static gboolean
can_step (WorkerHost *self)
{
  const Reply *reply = self->active;
  return reply && (reply->outbox.credit > 0 || !(reply->over || outbox_is_full (&reply->outbox)));
}

/* The next command, if it is its turn: NULL means that a step can be made, or that it is time to
 * look at the GPU's memory. */
static Command *
next_command (WorkerHost *self)
{
  if (!can_step (self)) {
    gboolean watches = self->runtime && gpu_layers (self) > 0;
    return watches ? g_async_queue_timeout_pop (self->commands, BUDGET_US)
                   : g_async_queue_pop (self->commands);
  }
  gint64 left = self->next_step - g_get_monotonic_time ();
  if (left > 0 && !self->active->over)
    return g_async_queue_timeout_pop (self->commands, (guint64) left);
  return g_async_queue_try_pop (self->commands);
}

static gpointer
engine_thread (gpointer data)
{
  WorkerHost *self = data;
  for (;;) {
    Command *command = next_command (self);
    if (command) {
      command->run (self, command);
      command_free (command);
      continue;
    }
    heed_budget (self);
    if (can_step (self))
      step (self);
  }
  return NULL;
}

WorkerHost *
worker_host_new (ParleyWorker1 *bus)
{
  WorkerHost *self = g_new0 (WorkerHost, 1);
  self->bus = g_object_ref (bus);
  self->commands = g_async_queue_new ();
  self->replies = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_mutex_init (&self->lock);
  g_queue_init (&self->waiting);
  const char *pace = g_getenv ("PARLEY_TEST_PACE");
  if (pace) {
    self->pace_us = (gint64) MIN (g_ascii_strtoull (pace, NULL, 10), 60000) * 1000;
    signal (SIGUSR1, hurry);
  }
  self->fault = g_getenv ("PARLEY_TEST_GPU_FAULT");
  self->budget_us = BUDGET_US;
  g_thread_unref (g_thread_new ("engine", engine_thread, self));
  return self;
}
