/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware/parley-hardware.h"

#include "bridge/parley-device-json.h"
#include "engine/parley-engine.h"
#include "hardware/parley-hardware-words.h"
#include "hardware/parley-memory.h"
#include "hardware/parley-rates.h"
#include "parley-config.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define MAX_REPORT_BYTES (256 * 1024)
#define PROBE_SECONDS    30
#define MEASURE_SECONDS  120

struct _ParleyHardware {
  GObject parent;
  GArray *found;   /* of struct pe_device_info, as the probe told; the CPU first */
  GArray *devices; /* the same with rates, and with what the person allows */
  char *budgets;   /* NULL: none */
  gboolean ready;
  guint n_probes; /* under way */
  guint progress;
  char *worker; /* instead of the usual one */
  guint patience;
  char *why, *advice;
};

enum { PROP_0, PROP_READY, PROP_PROGRESS, N_PROPS };
static GParamSpec *props[N_PROPS];
static guint signal_changed;

G_DEFINE_FINAL_TYPE (ParleyHardware, parley_hardware, G_TYPE_OBJECT)

/* ---- where the worker is ---- */

char *
parley_hardware_find_program (const char *folder, const char *name)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  if (program && g_str_has_prefix (program, PARLEY_BUILD_ROOT "/"))
    return g_build_filename (PARLEY_BUILD_ROOT, "src", folder, name, NULL);
  if (program) {
    g_autofree char *beside = g_path_get_dirname (program);
    static const char *const places[] = { ".", "../libexec" };
    for (gsize i = 0; i < G_N_ELEMENTS (places); i++) {
      g_autofree char *path = g_build_filename (beside, places[i], name, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer (&path);
    }
  }
  return g_build_filename (PARLEY_LIBEXECDIR, name, NULL);
}

char *
parley_hardware_find_worker (void)
{
  return parley_hardware_find_program ("worker", "parley-worker");
}

/* ---- the state ---- */

/* As it is now, before what the person allows: the margin that came with that goes as well. */
static void
apply_memory (struct pe_device_info *cpu)
{
  ParleyMemory memory;
  if (!parley_memory_read ("", &memory))
    return;
  cpu->memory_total = memory.total;
  cpu->memory_available = memory.available;
  cpu->memory_is_budget = true;
  cpu->memory_margin = 0;
}

/* What can be said of the CPU without asking anybody. */
static void
describe_cpu (struct pe_device_info *cpu)
{
  memset (cpu, 0, sizeof *cpu);
  cpu->kind = PE_DEVICE_CPU;
  g_strlcpy (cpu->id, "cpu", sizeof cpu->id);
  g_strlcpy (cpu->name, "CPU", sizeof cpu->name);
  cpu->n_threads = cpu->n_cores = g_get_num_processors ();
  g_autofree char *info = NULL;
  if (g_file_get_contents ("/proc/cpuinfo", &info, NULL, NULL)) {
    const char *line = strstr (info, "model name");
    const char *colon = line ? strchr (line, ':') : NULL;
    if (colon) {
      g_autofree char *name = g_strndup (colon + 1, strcspn (colon + 1, "\n"));
      g_autofree char *valid = g_utf8_make_valid (g_strstrip (name), -1);
      g_strlcpy (cpu->name, valid, sizeof cpu->name);
    }
  }
  apply_memory (cpu);
}

static GArray *
list_cpu (void)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (struct pe_device_info));
  struct pe_device_info cpu;
  describe_cpu (&cpu);
  g_array_append_val (list, cpu);
  return list;
}

static struct pe_device_info *
device_at (ParleyHardware *self, gsize i)
{
  return &g_array_index (self->devices, struct pe_device_info, i);
}

static const struct pe_device_info *
device_list (ParleyHardware *self)
{
  return (const struct pe_device_info *) (gconstpointer) self->devices->data;
}

/* Makes the devices out of what was found. */
static void
apply (ParleyHardware *self)
{
  g_autofree char *rates = parley_rates_default_path ();
  g_array_unref (self->devices);
  self->devices = g_array_copy (self->found);
  apply_memory (device_at (self, 0));
  for (guint i = 0; i < self->devices->len; i++) {
    parley_rates_recall (rates, device_at (self, i));
    pe_budget_apply (device_at (self, i), self->budgets);
  }
}

/* Rates that could not be kept on the disk outlast a look at the memory alone. */
static void
keep_rates (struct pe_device_info *device, const struct pe_device_info *before)
{
  if (!g_str_equal (device->driver, before->driver) || parley_device_has_rates (device) ||
      !parley_device_has_rates (before))
    return;
  device->read_rate = before->read_rate;
  device->transfer_rate = before->transfer_rate;
  device->matmul_rate = before->matmul_rate;
  device->matmul_exact_rate = before->matmul_exact_rate;
  device->driver_bytes = before->driver_bytes;
  memcpy (device->rates, before->rates, sizeof device->rates);
}

/* Takes over what was found; returns a sentence about what is gone, or NULL. */
static char *
replace_found (ParleyHardware *self, GArray *devices)
{
  g_autoptr (GArray) before = g_steal_pointer (&self->found);
  char *gone = NULL;
  self->found = g_array_ref (devices);
  for (guint i = 0; i < before->len; i++) {
    const struct pe_device_info *old = &g_array_index (before, struct pe_device_info, i);
    gboolean stays = FALSE;
    for (guint j = 0; j < devices->len; j++) {
      struct pe_device_info *device = &g_array_index (devices, struct pe_device_info, j);
      if (!g_str_equal (device->id, old->id))
        continue;
      stays = TRUE;
      keep_rates (device, old);
    }
    if (!stays && !gone)
      gone = g_strdup_printf (_ ("“%s” is no longer there."), old->name);
  }
  return gone;
}

/* `devices`: NULL where nothing could be found out; then there is the CPU alone. */
static void
settle (ParleyHardware *self, GArray *devices, const char *reason)
{
  g_autoptr (GArray) alone = devices ? NULL : list_cpu ();
  g_autofree char *gone = replace_found (self, devices ? devices : alone);
  apply (self);

  g_autofree char *why =
      parley_hardware_explain (device_list (self), self->devices->len, reason ? reason : "");
  g_free (self->why);
  self->why = gone ? g_strdup_printf ("%s %s", gone, why) : g_steal_pointer (&why);
  g_free (self->advice);
  self->advice = parley_hardware_advise (device_list (self), self->devices->len, "");
  if (!self->ready) {
    self->ready = TRUE;
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_READY]);
  }
  g_signal_emit (self, signal_changed, 0);
}

/* ---- asking ---- */

struct probe {
  gboolean measure, without_gpus;
  char *failure; /* of the first try, as a sentence */
  GSubprocess *process;
  char *report;
  gsize n_report;
  guint timer;
  gboolean timed_out;
};

static void
probe_free (struct probe *probe)
{
  g_clear_handle_id (&probe->timer, g_source_remove);
  g_clear_object (&probe->process);
  g_free (probe->report);
  g_free (probe->failure);
  g_free (probe);
}

static void start_probe (GTask *task);

/* Takes over the error, if there is one. */
static void
end_probe (GTask *task, GError *error)
{
  PARLEY_HARDWARE (g_task_get_source_object (task))->n_probes--;
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* The first try failed: the CPU's facts come from a second one that leaves the drivers alone. */
static void
probe_failed (GTask *task, const char *failure)
{
  struct probe *probe = g_task_get_task_data (task);
  if (!probe->without_gpus) {
    probe->failure = g_strdup (failure);
    probe->without_gpus = TRUE;
    start_probe (task);
    return;
  }
  settle (g_task_get_source_object (task), NULL, probe->failure);
  end_probe (task, NULL);
}

static void
probe_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  struct probe *probe = g_task_get_task_data (task);
  ParleyHardware *self = g_task_get_source_object (task);
  g_subprocess_wait_finish (probe->process, result, NULL);
  g_clear_handle_id (&probe->timer, g_source_remove);
  GError *cancelled = NULL;
  if (g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &cancelled)) {
    end_probe (task, cancelled);
    return;
  }
  if (probe->timed_out) {
    probe_failed (task, _ ("a graphics driver did not answer in time"));
    return;
  }
  if (g_subprocess_get_if_signaled (probe->process)) {
    g_autofree char *failure =
        g_strdup_printf (_ ("a graphics driver crashed when it was asked for its GPUs (%s)"),
                         g_strsignal (g_subprocess_get_term_sig (probe->process)));
    probe_failed (task, failure);
    return;
  }
  g_autofree char *why = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) devices =
      parley_devices_from_json (probe->report, probe->n_report, &why, &error);
  if (!devices) {
    probe_failed (task, _ ("looking for GPUs failed"));
    return;
  }
  if (probe->measure && !probe->without_gpus) {
    g_autofree char *rates = parley_rates_default_path ();
    if (!parley_rates_remember (rates, (const struct pe_device_info *) (gpointer) devices->data,
                                devices->len, &error))
      g_debug ("measured rates are not kept: %s", error->message);
  }
  settle (self, devices, probe->failure ? probe->failure : why);
  end_probe (task, NULL);
}

/* Lines of a number each are how far it is; the report begins with a brace. */
static void
take_progress (ParleyHardware *self, struct probe *probe)
{
  char *end;
  while (probe->n_report > 0 && g_ascii_isdigit (*probe->report) &&
         (end = memchr (probe->report, '\n', probe->n_report))) {
    *end++ = '\0';
    guint percent = (guint) MIN (g_ascii_strtoull (probe->report, NULL, 10), 100);
    probe->n_report -= (gsize) (end - probe->report);
    memmove (probe->report, end, probe->n_report);
    if (percent != self->progress) {
      self->progress = percent;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PROGRESS]);
    }
  }
}

static void read_report (GTask *task, GInputStream *stream);

static void
report_read (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  struct probe *probe = g_task_get_task_data (task);
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (object), result, NULL);
  if (n > 0) {
    probe->n_report += (gsize) n;
    take_progress (g_task_get_source_object (task), probe);
    if (probe->n_report < MAX_REPORT_BYTES) {
      read_report (task, G_INPUT_STREAM (object));
      return;
    }
  }
  /* Too long, or cancelled: it is not worth waiting for. */
  if (n != 0)
    g_subprocess_force_exit (probe->process);
  g_subprocess_wait_async (probe->process, NULL, probe_ended, task);
}

static void
read_report (GTask *task, GInputStream *stream)
{
  struct probe *probe = g_task_get_task_data (task);
  g_input_stream_read_async (stream, probe->report + probe->n_report,
                             MAX_REPORT_BYTES - probe->n_report, G_PRIORITY_DEFAULT,
                             g_task_get_cancellable (task), report_read, task);
}

static gboolean
probe_too_slow (gpointer data)
{
  struct probe *probe = g_task_get_task_data (data);
  probe->timer = 0;
  probe->timed_out = TRUE;
  g_subprocess_force_exit (probe->process);
  return G_SOURCE_REMOVE;
}

static void
start_probe (GTask *task)
{
  struct probe *probe = g_task_get_task_data (task);
  ParleyHardware *self = g_task_get_source_object (task);
  g_autofree char *program =
      self->worker ? g_strdup (self->worker) : parley_hardware_find_worker ();
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_subprocess_launcher_unsetenv (launcher, "HF_TOKEN");
  if (probe->without_gpus)
    g_subprocess_launcher_setenv (launcher, "PARLEY_VULKAN_DEVICE", "none", TRUE);
  g_clear_object (&probe->process);
  g_autoptr (GError) error = NULL;
  const char *const argv[] = { program, "--probe", probe->measure ? "--measure" : NULL, NULL };
  probe->process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  if (!probe->process) {
    settle (self, NULL, _ ("the engine's program could not be started"));
    end_probe (task,
               g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
                            _ ("“%s” could not be started: %s. Installing Parley again may help."),
                            program, error->message));
    return;
  }
  g_clear_handle_id (&probe->timer, g_source_remove);
  probe->timed_out = FALSE;
  guint seconds = self->patience   ? self->patience
                  : probe->measure ? MEASURE_SECONDS
                                   : PROBE_SECONDS;
  probe->timer = g_timeout_add_seconds (seconds, probe_too_slow, task);
  if (!probe->report)
    probe->report = g_malloc (MAX_REPORT_BYTES);
  probe->n_report = 0;
  read_report (task, g_subprocess_get_stdout_pipe (probe->process));
}

void
parley_hardware_probe_async (ParleyHardware *self, gboolean measure, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (PARLEY_IS_HARDWARE (self));
  GTask *task = g_task_new (self, cancellable, callback, data);
  struct probe *probe = g_new0 (struct probe, 1);
  probe->measure = measure;
  self->n_probes++;
  g_task_set_task_data (task, probe, (GDestroyNotify) probe_free);
  start_probe (task);
}

gboolean
parley_hardware_probe_finish (ParleyHardware *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
parley_hardware_look_again (ParleyHardware *self)
{
  g_return_if_fail (PARLEY_IS_HARDWARE (self));
  if (self->n_probes == 0)
    parley_hardware_probe_async (self, FALSE, NULL, NULL, NULL);
}

void
parley_hardware_set_worker (ParleyHardware *self, const char *program, guint seconds)
{
  g_return_if_fail (PARLEY_IS_HARDWARE (self));
  g_free (self->worker);
  self->worker = g_strdup (program);
  self->patience = seconds;
}

/* ---- what the person allows ---- */

void
parley_hardware_set_budgets (ParleyHardware *self, const char *budgets)
{
  g_return_if_fail (PARLEY_IS_HARDWARE (self));
  g_free (self->budgets);
  self->budgets = parley_budgets_with_environment (budgets);
  apply (self);
  g_signal_emit (self, signal_changed, 0);
}

const char *
parley_hardware_get_budgets (ParleyHardware *self)
{
  return self->budgets;
}

/* ---- the rest of the interface ---- */

void
parley_hardware_refresh_memory (ParleyHardware *self)
{
  g_return_if_fail (PARLEY_IS_HARDWARE (self));
  struct pe_device_info *cpu = device_at (self, 0);
  guint64 before = cpu->memory_available;
  apply_memory (cpu);
  pe_budget_apply (cpu, self->budgets);
  if (cpu->memory_available != before)
    g_signal_emit (self, signal_changed, 0);
}

gboolean
parley_hardware_is_ready (ParleyHardware *self)
{
  return self->ready;
}

gboolean
parley_hardware_has_rates (ParleyHardware *self)
{
  for (guint i = 0; i < self->devices->len; i++)
    if (!parley_device_has_rates (device_at (self, i)))
      return FALSE;
  return TRUE;
}

const struct pe_device_info *
parley_hardware_get_devices (ParleyHardware *self, gsize *n)
{
  if (n)
    *n = self->devices->len;
  return device_list (self);
}

const struct pe_device_info *
parley_hardware_get_gpu (ParleyHardware *self)
{
  gsize gpu = parley_hardware_choose_gpu (device_list (self), self->devices->len);
  return gpu ? device_at (self, gpu) : NULL;
}

gsize
parley_hardware_get_plan_devices (ParleyHardware *self,
                                  struct pe_device_info devices[PE_MAX_DEVICES])
{
  return parley_hardware_select (device_list (self), self->devices->len,
                                 g_getenv ("PARLEY_VULKAN_DEVICE"), devices);
}

const char *
parley_hardware_get_running_on (ParleyHardware *self)
{
  const struct pe_device_info *gpu = parley_hardware_get_gpu (self);
  return gpu ? gpu->name : device_at (self, 0)->name;
}

const char *
parley_hardware_get_why (ParleyHardware *self)
{
  return self->why;
}

const char *
parley_hardware_get_advice (ParleyHardware *self)
{
  return self->advice;
}

ParleyHardware *
parley_hardware_new (void)
{
  return g_object_new (PARLEY_TYPE_HARDWARE, NULL);
}

static void
parley_hardware_finalize (GObject *object)
{
  ParleyHardware *self = PARLEY_HARDWARE (object);
  g_array_unref (self->found);
  g_array_unref (self->devices);
  g_free (self->budgets);
  g_free (self->worker);
  g_free (self->why);
  g_free (self->advice);
  G_OBJECT_CLASS (parley_hardware_parent_class)->finalize (object);
}

static void
parley_hardware_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_READY)
    g_value_set_boolean (value, PARLEY_HARDWARE (object)->ready);
  else if (id == PROP_PROGRESS)
    g_value_set_uint (value, PARLEY_HARDWARE (object)->progress);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
parley_hardware_class_init (ParleyHardwareClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  object_class->finalize = parley_hardware_finalize;
  object_class->get_property = parley_hardware_get_property;
  props[PROP_READY] =
      g_param_spec_boolean ("ready", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  props[PROP_PROGRESS] = g_param_spec_uint ("progress", NULL, NULL, 0, 100, 0,
                                            G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signal_changed = g_signal_new ("changed", PARLEY_TYPE_HARDWARE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
}

static void
parley_hardware_init (ParleyHardware *self)
{
  self->budgets = parley_budgets_with_environment (NULL);
  self->found = list_cpu ();
  self->devices = g_array_copy (self->found);
  pe_budget_apply (device_at (self, 0), self->budgets);
  self->why = g_strdup (_ ("The GPUs have not been asked for yet."));
}
