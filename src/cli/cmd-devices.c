/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli devices: what this computer has, how fast it is, what is used and why.
 */
#include "bridge/parley-device-json.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "engine/parley-engine.h"
#include "hardware/parley-cpu.h"
#include "hardware/parley-hardware.h"
#include "hardware/parley-memory.h"
#include "store/parley-store.h"

#include <string.h>
#include <unistd.h>

struct probe {
  GMainLoop *loop;
  GError *error;
};

static void
tell_progress (ParleyHardware *hardware)
{
  guint percent;
  g_object_get (hardware, "progress", &percent, NULL);
  g_printerr ("\rmeasuring this computer: %u %%%s", percent, percent < 100 ? "" : "\n");
}

static void
probed (GObject *object, GAsyncResult *result, gpointer data)
{
  struct probe *probe = data;
  parley_hardware_probe_finish (PARLEY_HARDWARE (object), result, &probe->error);
  g_main_loop_quit (probe->loop);
}

static gboolean
ask (ParleyHardware *hardware, gboolean measure, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  struct probe probe = { .loop = loop };
  if (measure && isatty (STDERR_FILENO))
    g_signal_connect (hardware, "notify::progress", G_CALLBACK (tell_progress), NULL);
  parley_hardware_probe_async (hardware, measure, NULL, probed, &probe);
  g_main_loop_run (loop);
  if (!probe.error)
    return TRUE;
  g_propagate_error (error, probe.error);
  return FALSE;
}

/* ---- what the person allows ---- */

/* The device that is meant: by its identifier, "cpu", or "gpu" for the one in use; NULL: none. */
static const char *
find_device (ParleyHardware *hardware, const char *name)
{
  gsize n;
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);
  const struct pe_device_info *gpu = parley_hardware_get_gpu (hardware);
  if (g_str_equal (name, "gpu"))
    return gpu ? gpu->id : NULL;
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (name, devices[i].id))
      return devices[i].id;
  return NULL;
}

/* Each "DEVICE=SIZE"; false: reported. */
static bool
change_budgets (ParleyHardware *hardware, char **wanted, ParleyBudgetKind kind, char **text)
{
  for (char **word = wanted; word && *word; word++) {
    const char *equals = strchr (*word, '=');
    g_autofree char *name = equals ? g_strndup (*word, (gsize) (equals - *word)) : NULL;
    const char *id = name ? find_device (hardware, name) : NULL;
    guint64 bytes;
    if (!equals || !parley_budgets_parse_size (equals + 1, &bytes)) {
      cli_usage ("“%s” says nothing; write DEVICE=SIZE, as in gpu=6GB, and 0 to forget it", *word);
      return false;
    }
    if (!id && g_str_equal (name, "gpu")) {
      cli_usage ("no graphics card is used here, so “gpu” names none; the list says why");
      return false;
    }
    if (!id) {
      cli_usage ("“%s” is no device here: cpu, gpu, or one of the identifiers in the list", name);
      return false;
    }
    char *changed = parley_budgets_set (*text, id, kind, bytes);
    g_free (*text);
    *text = changed;
  }
  return true;
}

static void
write_budgets (struct pe_json_writer *w, const char *text, const struct pe_device_info *devices,
               gsize n)
{
  pe_json_key (w, "allowed");
  pe_json_begin_object (w);
  for (gsize i = 0; i < n; i++) {
    pe_json_key (w, devices[i].id);
    pe_json_begin_object (w);
    pe_json_key (w, "most_bytes");
    pe_json_uint (w, parley_budgets_in_force (text, devices[i].id, PARLEY_BUDGET_MOST));
    pe_json_key (w, "free_bytes");
    pe_json_uint (w, parley_budgets_in_force (text, devices[i].id, PARLEY_BUDGET_FREE));
    pe_json_end_object (w);
  }
  pe_json_end_object (w);
}

static void
print_budget (const char *text, const struct pe_device_info *device)
{
  guint64 most = parley_budgets_in_force (text, device->id, PARLEY_BUDGET_MOST);
  guint64 left = parley_budgets_in_force (text, device->id, PARLEY_BUDGET_FREE);
  g_autofree char *most_text = g_format_size (most), *left_text = g_format_size (left);
  if (most)
    g_print ("  allowed   %s for a model\n", most_text);
  if (left)
    g_print ("  kept free %s\n", left_text);
}

/* ---- the list ---- */

static void
write_numbers (struct pe_json_writer *w, const char *const names[], const guint64 values[], gsize n)
{
  for (gsize i = 0; i < n; i++) {
    pe_json_key (w, names[i]);
    pe_json_uint (w, values[i]);
  }
}

static void
write_processor (struct pe_json_writer *w)
{
  static const char *const counts[] = { "cores", "performance_cores", "threads" };
  static const char *const caches[] = { "l1_bytes", "l2_bytes", "l3_bytes" };
  ParleyCpu cpu;
  parley_cpu_read ("", &cpu);
  pe_json_key (w, "processor");
  pe_json_begin_object (w);
  write_numbers (w, counts, (const guint64[]){ cpu.n_physical, cpu.n_performance, cpu.n_threads },
                 G_N_ELEMENTS (counts));
  pe_json_key (w, "instruction_sets");
  pe_json_begin_array (w);
  g_auto (GStrv) sets = g_strsplit (cpu.instructions, ", ", -1);
  for (char **set = sets; *set; set++)
    pe_json_text (w, *set);
  pe_json_end_array (w);
  pe_json_key (w, "caches");
  pe_json_begin_object (w);
  write_numbers (w, caches, (const guint64[]){ cpu.l1, cpu.l2, cpu.l3 }, G_N_ELEMENTS (caches));
  pe_json_end_object (w);
  pe_json_end_object (w);
}

/* As the system says, before what a person allows; "limit_bytes" 0: no control group sets one. */
static void
write_memory (struct pe_json_writer *w)
{
  static const char *const names[] = { "total_bytes",      "available_bytes", "limit_bytes",
                                       "swap_total_bytes", "swap_free_bytes", "zram_total_bytes" };
  ParleyMemory memory;
  pe_json_key (w, "memory");
  if (!parley_memory_read ("", &memory)) {
    pe_json_null (w);
    return;
  }
  const guint64 values[] = { memory.total,      memory.available, memory.limit,
                             memory.swap_total, memory.swap_free, memory.zram_total };
  pe_json_begin_object (w);
  write_numbers (w, names, values, G_N_ELEMENTS (names));
  pe_json_end_object (w);
}

static int
print_json (ParleyHardware *hardware)
{
  gsize n;
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);
  const char *advice = parley_hardware_get_advice (hardware);
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  pe_json_key (&w, "running_on");
  pe_json_text (&w, parley_hardware_get_running_on (hardware));
  pe_json_key (&w, "why");
  pe_json_text (&w, parley_hardware_get_why (hardware));
  pe_json_key (&w, "advice");
  if (advice)
    pe_json_text (&w, advice);
  else
    pe_json_null (&w);
  write_processor (&w);
  write_memory (&w);
  pe_json_key (&w, "devices");
  pe_json_begin_array (&w);
  for (gsize i = 0; i < n; i++)
    parley_device_to_json (&w, &devices[i]);
  pe_json_end_array (&w);
  write_budgets (&w, parley_hardware_get_budgets (hardware), devices, n);
  pe_json_end_object (&w);
  return cli_print_json (&w);
}

static void
print_processor (const struct pe_device_info *device)
{
  ParleyCpu cpu;
  ParleyMemory memory;
  parley_cpu_read ("", &cpu);
  g_print ("  cores     %u, %u for performance; %u threads\n", cpu.n_physical, cpu.n_performance,
           device->n_threads);
  if (*cpu.instructions)
    g_print ("  has       %s\n", cpu.instructions);
  if (cpu.l2)
    g_print ("  caches    L1 %.0f kB, L2 %.1f MB, L3 %.1f MB\n", (double) cpu.l1 / 1024,
             (double) cpu.l2 / (1 << 20), (double) cpu.l3 / (1 << 20));
  if (!parley_memory_read ("", &memory))
    return;
  if (memory.limit) {
    g_autofree char *limit = g_format_size (memory.limit);
    g_print ("  limit     %s, set by a control group\n", limit);
  }
  if (memory.swap_total || memory.zram_total) {
    g_autofree char *swap = g_format_size (memory.swap_total);
    g_autofree char *zram = g_format_size (memory.zram_total);
    g_print ("  swap      %s, compressed %s; neither is counted\n", swap, zram);
  }
}

static void
print_heaps (const struct pe_device_info *device)
{
  for (guint i = 0; i < device->n_heaps; i++) {
    const struct pe_heap *heap = &device->heaps[i];
    g_autofree char *size = g_format_size (heap->size), *budget = g_format_size (heap->budget);
    g_autofree char *usage = g_format_size (heap->usage);
    g_print ("  heap %-4u %s%s%s, budget %s, in use here %s\n", i, size,
             heap->device_local ? ", on the device" : "",
             heap->host_visible ? ", seen by the host" : "", heap->budget ? budget : "unknown",
             usage);
  }
  if (*device->doubt)
    g_print ("  doubtful  %s\n", device->doubt);
}

/* By type of weights: one row, as when answering, and many, as in prompts. */
static void
print_rates (const struct pe_device_info *device)
{
  const struct pe_rates *one = &device->rates[PE_RATES_ONE_THREAD];
  const struct pe_rates *all = &device->rates[PE_RATES_ALL_THREADS];
  if (!parley_device_has_rates (device))
    return;
  for (guint type = 0; type < PE_TYPE_COUNT; type++)
    if (all->read[type] > 0 && one->read[type] > 0)
      g_print ("  %-9s %6.1f GB/s (one thread %.1f), prompts %.0f GFLOPS (one thread %.0f)\n",
               pe_type_info (type)->name, all->read[type] / 1e9, one->read[type] / 1e9,
               all->multiply[type] / 1e9, one->multiply[type] / 1e9);
    else if (all->read[type] > 0)
      g_print ("  %-9s %6.1f GB/s, prompts %.0f GFLOPS\n", pe_type_info (type)->name,
               all->read[type] / 1e9, all->multiply[type] / 1e9);
}

static void
print_device (const struct pe_device_info *device, const char *budgets)
{
  g_autofree char *total = g_format_size_full (device->memory_total, G_FORMAT_SIZE_DEFAULT);
  g_autofree char *free_now = g_format_size_full (device->memory_available, G_FORMAT_SIZE_DEFAULT);
  g_print ("%s (%s)\n", device->name, parley_device_kind_to_string (device->kind));
  if (*device->driver)
    g_print ("  driver    %s\n", device->driver);
  if (device->kind == PE_DEVICE_CPU)
    print_processor (device);
  else
    g_print ("  id        %s%s%s\n", device->id, *device->bus ? ", at " : "", device->bus);
  g_print ("  memory    %s, %s free\n", total, free_now);
  print_budget (budgets, device);
  if (device->driver_bytes) {
    g_autofree char *driver = g_format_size (device->driver_bytes);
    g_print ("  driver    takes %s of it beside a model, as measured\n", driver);
  }
  if (device->read_rate > 0)
    g_print ("  reads     %.1f GB/s\n", device->read_rate / 1e9);
  if (device->transfer_rate > 0)
    g_print ("  transfer  %.1f GB/s\n", device->transfer_rate / 1e9);
  if (device->matmul_rate > 0)
    g_print ("  computes  %.1f GFLOPS\n", device->matmul_rate / 1e9);
  print_heaps (device);
  print_rates (device);
}

int
parley_cmd_devices (int argc, char **argv)
{
  gboolean json = FALSE, measure = FALSE;
  g_auto (GStrv) most = NULL, left = NULL;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print the facts as JSON", NULL },
    { "measure", 0, 0, G_OPTION_ARG_NONE, &measure, "Measure the rates anew", NULL },
    { "allow", 0, 0, G_OPTION_ARG_STRING_ARRAY, &most,
      "Let a model take at most so much of a device's memory, from now on; 0: all that is free",
      "DEVICE=SIZE" },
    { "keep-free", 0, 0, G_OPTION_ARG_STRING_ARRAY, &left,
      "Leave so much of a device's memory to others, from now on; 0: the usual share",
      "DEVICE=SIZE" },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, NULL,
                  "What this computer has, how fast it is, and what models run on.", entries, 0, 0))
    return CLI_USAGE;
  g_autoptr (ParleyHardware) hardware = parley_hardware_new ();
  g_autoptr (GError) error = NULL, closed = NULL;
  g_autoptr (ParleyStore) store =
      most || left ? parley_store_open (NULL, &closed) : cli_store_peek ();
  g_autofree char *budgets =
      store ? parley_store_get_setting (store, PARLEY_BUDGETS_SETTING) : NULL;
  parley_hardware_set_budgets (hardware, budgets);
  if (!ask (hardware, measure, &error) ||
      (!measure && !parley_hardware_has_rates (hardware) &&
       g_strcmp0 (g_getenv ("PARLEY_MEASURE"), "never") != 0 && !ask (hardware, TRUE, &error)))
    return cli_fail_glib ("the devices cannot be listed", error);
  if (!change_budgets (hardware, most, PARLEY_BUDGET_MOST, &budgets) ||
      !change_budgets (hardware, left, PARLEY_BUDGET_FREE, &budgets))
    return CLI_USAGE;
  if (most || left) {
    if (!store)
      return cli_fail_glib ("what you allow cannot be kept", closed);
    parley_store_set_setting (store, PARLEY_BUDGETS_SETTING, budgets);
    if (!parley_store_close (store, &error))
      return cli_fail_glib ("what you allow cannot be kept", error);
    parley_hardware_set_budgets (hardware, budgets);
  }
  if (json)
    return print_json (hardware);

  gsize n;
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);
  for (gsize i = 0; i < n; i++)
    print_device (&devices[i], parley_hardware_get_budgets (hardware));
  g_print ("%s\n", parley_hardware_get_why (hardware));
  if (parley_hardware_get_advice (hardware))
    g_print ("%s\n", parley_hardware_get_advice (hardware));
  return CLI_DONE;
}
