/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RAM under control groups, the choice of a device and its sentences, device lists as JSON,
 * remembered rates, the real probe, devices that come and go, and drivers that are no good.
 *
 *   test-hardware BROKEN-DRIVER
 */
#include "harness.h"

#include "bridge/parley-device-json.h"
#include "hardware/parley-cpu.h"
#include "hardware/parley-hardware-words.h"
#include "hardware/parley-hardware.h"
#include "hardware/parley-memory.h"
#include "hardware/parley-rates.h"

#include <glib/gstdio.h>

static char *root; /* an imagined computer's file system */
static char *driver;

static void
put (const char *path, const char *text)
{
  g_autofree char *full = g_build_filename (root, path, NULL);
  g_autofree char *folder = g_path_get_dirname (full);
  CHECK (g_mkdir_with_parents (folder, 0700) == 0);
  CHECK (g_file_set_contents (full, text, -1, NULL));
}

static void
reads_memory_and_its_limits (void)
{
  ParleyMemory memory;
  CHECK (!parley_memory_read (root, &memory));
  put ("proc/meminfo", "MemTotal:       1000 kB\nMemFree: 5 kB\nMemAvailable:    800 kB\n");
  CHECK (parley_memory_read (root, &memory));
  CHECK (memory.total == 1024000 && memory.available == 819200 && !memory.limited);
  CHECK (memory.limit == 0);

  put ("proc/self/cgroup", "0::/user/app\n");
  put ("sys/fs/cgroup/user/app/memory.max", "max\n");
  put ("sys/fs/cgroup/user/app/memory.current", "100\n");
  CHECK (parley_memory_read (root, &memory) && memory.available == 819200);

  put ("sys/fs/cgroup/user/memory.max", "500000\n"); /* one above limits; page cache is not use */
  put ("sys/fs/cgroup/user/memory.current", "450000\n");
  put ("sys/fs/cgroup/user/memory.stat", "anon 1\ninactive_file 100000\nslab_reclaimable 50000\n");
  CHECK (parley_memory_read (root, &memory));
  CHECK (memory.limited && memory.available == 200000 && memory.total == 500000);
  CHECK (memory.limit == 500000);
  put ("sys/fs/cgroup/user/app/memory.high", "150000\n");
  CHECK (parley_memory_read (root, &memory) && memory.available == 149900);

  put ("proc/self/cgroup", "0::/../../elsewhere\n"); /* of another namespace */
  CHECK (parley_memory_read (root, &memory) && !memory.limited);
}

static void
tells_swap_apart (void)
{
  ParleyMemory memory;
  put ("proc/swaps", "Filename\t\tType\t\tSize\tUsed\tPriority\n"
                     "/dev/sda2  partition 4000 1000 -2\n/dev/zram0 partition 500 7 100\n"
                     "/odd partition x\n");
  CHECK (parley_memory_read (root, &memory));
  CHECK (memory.swap_total == 4000 * 1024 && memory.swap_free == 3000 * 1024);
  CHECK (memory.zram_total == 500 * 1024 && memory.total <= 1024000);
}

/* Two performance cores with two threads each, two others without. */
static void
reads_the_processor (void)
{
  static const char *const siblings[] = { "0,4", "1,5", "2", "3", "0,4", "1,5" };
  ParleyCpu cpu;
  parley_cpu_read (root, &cpu);
  CHECK (cpu.n_threads == 0 && cpu.n_physical == 0 && !*cpu.instructions);
  for (guint i = 0; i < G_N_ELEMENTS (siblings); i++) {
    const struct {
      const char *name, *text;
    } files[] = {
      { "topology/core_id", "1\n" },
      { "topology/thread_siblings_list", siblings[i] },
      { "cpu_capacity", i == 2 || i == 3 ? "400\n" : "1024\n" },
      { "cache/index0/level", "1\n" },
      { "cache/index0/type", "Data\n" },
      { "cache/index0/size", "32K\n" },
      { "cache/index0/shared_cpu_list", siblings[i] },
      { "cache/index1/level", "1\n" },
      { "cache/index1/type", "Instruction\n" },
      { "cache/index1/size", "64K\n" },
      { "cache/index2/level", "3\n" },
      { "cache/index2/type", "Unified\n" },
      { "cache/index2/size", "16M\n" },
      { "cache/index2/shared_cpu_list", "0-5\n" },
    };
    for (guint f = 0; f < G_N_ELEMENTS (files); f++) {
      g_autofree char *path = g_strdup_printf ("sys/devices/system/cpu/cpu%u/%s", i, files[f].name);
      put (path, files[f].text);
    }
  }
  put ("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu avx avx2 fma avx512f avx512_vnni\n");
  parley_cpu_read (root, &cpu);
  CHECK (cpu.n_threads == 6 && cpu.n_physical == 4 && cpu.n_performance == 2);
  CHECK (cpu.l1 == 4 * 32768 && cpu.l2 == 0 && cpu.l3 == 16 << 20);
  CHECK_STR (cpu.instructions, "AVX2, FMA, AVX-512, AVX-512 VNNI");
}

static const struct pe_device_info computer[] = {
  { .id = "cpu", .name = "CPU", .kind = PE_DEVICE_CPU, .memory_total = 1 },
  { .id = "a", .name = "Small", .kind = PE_DEVICE_INTEGRATED, .memory_total = 90 },
  { .id = "b", .name = "Card", .driver = "radv", .kind = PE_DEVICE_DISCRETE, .memory_total = 10 },
  { .id = "c", .name = "Card 2", .kind = PE_DEVICE_DISCRETE, .memory_total = 20 },
  { .id = "d", .name = "soft", .kind = PE_DEVICE_SOFTWARE, .memory_total = 99 },
};

static void
chooses_a_device (void)
{
  CHECK (parley_hardware_choose_gpu (computer, 1) == 0);
  CHECK (parley_hardware_choose_gpu (computer, 2) == 1);
  CHECK (parley_hardware_choose_gpu (computer, 3) == 2);
  CHECK (parley_hardware_choose_gpu (computer, 5) == 3);
  const struct pe_device_info software[] = { computer[0], computer[4] };
  CHECK (parley_hardware_choose_gpu (software, 2) == 1);
}

static void
says_why_and_what_to_do (void)
{
  g_autofree char *best = parley_hardware_explain (computer, 5, "");
  CHECK_STR (best, "Models run on Card 2, the GPU with the most memory.");
  g_autofree char *none = parley_hardware_explain (computer, 1, "no driver was found");
  CHECK_STR (none, "Models run on the CPU: no driver was found.");

  CHECK (parley_hardware_advise (computer, 1, root) == NULL);
  put ("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
  put ("sys/bus/pci/devices/0000:01:00.0/vendor", "0x1002\n");
  CHECK (parley_hardware_advise (computer, 3, root) == NULL); /* its driver is there */
  g_autofree char *mesa = parley_hardware_advise (computer, 1, root);
  CHECK (strstr (mesa, "mesa-vulkan-drivers"));
  put ("sys/bus/pci/devices/0000:02:00.0/class", "0x030200\n");
  put ("sys/bus/pci/devices/0000:02:00.0/vendor", "0x10de\n");
  g_autofree char *nvidia = parley_hardware_advise (computer, 1, root);
  CHECK (strstr (nvidia, "NVIDIA's driver"));
  put (".flatpak-info", "");
  g_autofree char *flatpak = parley_hardware_advise (computer, 1, root);
  CHECK (strstr (flatpak, "flatpak update"));
}

static void
lists_survive_as_json (void)
{
  struct pe_device_info devices[] = { computer[0], computer[2] };
  devices[1].read_rate = 123456789012.5;
  devices[1].memory_is_budget = true;
  devices[1].max_allocation = 1ull << 40;
  devices[1].n_heaps = 2;
  devices[1].heaps[1] = (struct pe_heap){ 5, 4, 3, true, false };
  g_strlcpy (devices[1].doubt, "odd", sizeof devices[1].doubt);
  g_strlcpy (devices[1].driver,
             "r\xc3\xa4"
             "dv 1\t2",
             sizeof devices[1].driver);
  g_autofree char *text = parley_devices_to_json (devices, 2, "because");
  g_autofree char *why = NULL;
  g_autoptr (GArray) back = parley_devices_from_json (text, strlen (text), &why, NULL);
  CHECK (back && back->len == 2);
  const struct pe_device_info *b = &g_array_index (back, struct pe_device_info, 1);
  CHECK_STR (why, "because");
  CHECK_STR (b->driver, "r\xc3\xa4"
                        "dv 1?2");
  CHECK (b->read_rate == devices[1].read_rate && b->max_allocation == 1ull << 40);
  CHECK (b->n_heaps == 2 && b->heaps[1].size == 5 && b->heaps[1].usage == 3);
  CHECK_STR (b->doubt, "odd");
  CHECK (b->memory_is_budget && b->kind == PE_DEVICE_DISCRETE);

  static const char *const nonsense[] = {
    "",
    "{}",
    "[]",
    "{\"devices\": []}",
    "{\"devices\": [{}]}",
    "{\"devices\": [{\"id\": \"x\", \"kind\": \"discrete\"}]}",
    "{\"devices\": [{\"id\": \"cpu\", \"kind\": \"cpu\"}, {\"id\": \"cpu\", \"kind\": \"cpu\"}]}",
    "{\"devices\": [{\"id\": \"cpu\", \"kind\": \"toaster\"}]}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (nonsense); i++)
    CHECK_MSG (!parley_devices_from_json (nonsense[i], strlen (nonsense[i]), NULL, NULL), "%s",
               nonsense[i]);
  const char odd[] = "{\"devices\": [{\"id\": \"cpu\", \"kind\": \"cpu\", \"memory_total\": -5, "
                     "\"n_cores\": 99999999999, \"read_rate\": 1e999, \"name\": 7}]}";
  g_autoptr (GArray) bounded = parley_devices_from_json (odd, sizeof odd - 1, NULL, NULL);
  const struct pe_device_info *cpu = &g_array_index (bounded, struct pe_device_info, 0);
  CHECK (cpu->memory_total == 0 && cpu->n_cores == UINT32_MAX && cpu->read_rate == 0);
  CHECK_STR (cpu->name, "");
}

static void
remembers_rates (void)
{
  g_autofree char *path = g_build_filename (root, "cache", "rates.json", NULL);
  struct pe_device_info cpu = computer[0], card = computer[2];
  CHECK (!parley_rates_recall (path, &cpu));
  cpu.read_rate = 5;
  cpu.matmul_rate = 6;
  cpu.rates[PE_RATES_ALL_THREADS].read[PE_TYPE_Q8_0] = 8;
  cpu.rates[PE_RATES_ONE_THREAD].multiply[PE_TYPE_MXFP4] = 9;
  cpu.rates[PE_RATES_ONE_THREAD].op_seconds = 1e-6;
  CHECK (parley_rates_remember (path, &cpu, 1, NULL));
  card.read_rate = card.matmul_rate = card.transfer_rate = 7;
  CHECK (parley_rates_remember (path, &card, 1, NULL)); /* keeps the other */
  struct pe_device_info again = computer[0];
  CHECK (parley_rates_recall (path, &again) && again.read_rate == 5 && again.matmul_rate == 6);
  CHECK (memcmp (again.rates, cpu.rates, sizeof again.rates) == 0);
  again = computer[2];
  g_strlcpy (again.driver, "radv 2", sizeof again.driver); /* a new driver is measured anew */
  CHECK (!parley_rates_recall (path, &again) && again.read_rate == 0);
  CHECK (g_file_set_contents (path, "{\"devices\": [[[", -1, NULL));
  again = computer[2];
  CHECK (!parley_rates_recall (path, &again));
}

static void
probed (GObject *object, GAsyncResult *result, gpointer data)
{
  CHECK (parley_hardware_probe_finish (PARLEY_HARDWARE (object), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
ask (ParleyHardware *hardware)
{
  gboolean done = FALSE;
  parley_hardware_probe_async (hardware, FALSE, NULL, probed, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

static void
note_change (gpointer data)
{
  *(guint *) data += 1;
}

/* As a page does when it is shown. */
static void
look_again (ParleyHardware *hardware)
{
  guint n_changes = 0;
  gulong id = g_signal_connect_swapped (hardware, "changed", G_CALLBACK (note_change), &n_changes);
  parley_hardware_look_again (hardware);
  parley_hardware_look_again (hardware); /* one is under way */
  while (n_changes == 0)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < 200; i++) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
  }
  CHECK (n_changes == 1);
  g_signal_handler_disconnect (hardware, id);
}

/* A worker that prints a list, or does what the script says. */
static void
write_worker (const struct pe_device_info *devices, gsize n, const char *script)
{
  g_autofree char *list = n ? parley_devices_to_json (devices, n, "") : g_strdup ("");
  g_autofree char *path = g_build_filename (root, "list.json", NULL);
  g_autofree char *worker = g_build_filename (root, "worker", NULL);
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\n%s\ncat '%s'\n", script, path);
  put ("list.json", list);
  put ("worker", text);
  CHECK (g_chmod (worker, 0700) == 0);
}

/* Memory of GPUs is read anew, what is gone goes with a sentence, and rates stay. */
static void
devices_come_and_go (void)
{
  g_autoptr (ParleyHardware) hardware = parley_hardware_new ();
  g_autofree char *worker = g_build_filename (root, "worker", NULL);
  struct pe_device_info now[] = { computer[0], computer[2], computer[3] };
  gsize n;
  now[1].memory_available = 9;
  now[2].memory_available = 19;
  now[2].rates[PE_RATES_ALL_THREADS].read[PE_TYPE_Q8_0] = 5;
  now[2].read_rate = 6;
  write_worker (now, 3, "");
  parley_hardware_set_worker (hardware, worker, 0);
  ask (hardware);
  CHECK (parley_hardware_get_devices (hardware, &n) && n == 3);
  CHECK_STR (parley_hardware_get_why (hardware),
             "Models run on Card 2, the GPU with the most memory.");

  now[2].memory_available = 12; /* others take some */
  memset (now[2].rates, 0, sizeof now[2].rates);
  now[2].read_rate = 0;
  write_worker (now, 3, "");
  look_again (hardware);
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);
  CHECK (n == 3 && devices[1].memory_available == 9 && devices[2].memory_available == 12);
  CHECK (devices[2].rates[PE_RATES_ALL_THREADS].read[PE_TYPE_Q8_0] == 5);
  CHECK (devices[2].read_rate == 6);

  write_worker (now, 2, "");
  look_again (hardware);
  CHECK (parley_hardware_get_devices (hardware, &n) && n == 2);
  CHECK_STR (parley_hardware_get_why (hardware),
             "“Card 2” is no longer there. Models run on Card.");

  /* It fails whether drivers are asked or not: nothing of before is believed. */
  write_worker (now, 2, "kill -SEGV $$");
  look_again (hardware);
  devices = parley_hardware_get_devices (hardware, &n);
  CHECK (n == 1 && devices[0].kind == PE_DEVICE_CPU && devices[0].memory_total > 1);
  const char *why = parley_hardware_get_why (hardware);
  CHECK_MSG (g_str_has_prefix (why, "“Card” is no longer there. Models run on the CPU: a graphics "
                                    "driver crashed when it was asked for its GPUs ("),
             "%s", why);
  write_worker (now, 3, "");
  look_again (hardware);
  CHECK (parley_hardware_get_devices (hardware, &n) && n == 3);
}

/* A real worker beside a driver that is no good. */
static void
broken_drivers_cost_the_gpus_alone (void)
{
  static const struct {
    const char *how, *sentence;
  } cases[] = {
    { "abort", "Models run on the CPU: a graphics driver crashed when it was asked for its GPUs" },
    { "sleep", "Models run on the CPU: a graphics driver did not answer in time." },
  };
  g_autofree char *manifest = g_build_filename (root, "driver.json", NULL);
  g_autofree char *text =
      g_strdup_printf ("{\"file_format_version\": \"1.0.0\", \"ICD\": {\"library_path\": \"%s\", "
                       "\"api_version\": \"1.3.0\"}}",
                       driver);
  put ("driver.json", text);
  g_setenv ("VK_DRIVER_FILES", manifest, TRUE);
  g_setenv ("VK_ICD_FILENAMES", manifest, TRUE); /* of older loaders */
  g_unsetenv ("PARLEY_VULKAN_DEVICE");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (ParleyHardware) hardware = parley_hardware_new ();
    gsize n;
    g_setenv ("PARLEY_TEST_DRIVER", cases[i].how, TRUE);
    parley_hardware_set_worker (hardware, NULL, i == 0 ? 30 : 5);
    ask (hardware);
    const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);
    const char *why = parley_hardware_get_why (hardware);
    printf ("# %s\n", why);
    CHECK (n == 1 && devices[0].n_cores > 0 && parley_hardware_is_ready (hardware));
    CHECK_MSG (g_str_has_prefix (why, cases[i].sentence), "%s", why);
  }
  g_unsetenv ("VK_DRIVER_FILES");
  g_unsetenv ("VK_ICD_FILENAMES");
}

static void
probes_this_computer (void)
{
  g_autoptr (ParleyHardware) hardware = parley_hardware_new ();
  gsize n;
  CHECK (!parley_hardware_is_ready (hardware));
  CHECK (parley_hardware_get_devices (hardware, &n)->memory_total > 0 && n == 1);
  ask (hardware);
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);
  CHECK (parley_hardware_is_ready (hardware) && n >= 1);
  CHECK_STR (devices[0].id, "cpu");
  CHECK (devices[0].n_cores > 0 && devices[0].n_threads >= devices[0].n_cores);
  printf ("# %s\n", parley_hardware_get_why (hardware));
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  driver = g_canonicalize_filename (argv[1], NULL);
  root = g_dir_make_tmp ("parley-hardware-XXXXXX", NULL);
  g_setenv ("XDG_CACHE_HOME", root, TRUE);
  RUN (reads_memory_and_its_limits);
  RUN (tells_swap_apart);
  RUN (reads_the_processor);
  RUN (chooses_a_device);
  RUN (says_why_and_what_to_do);
  RUN (lists_survive_as_json);
  RUN (remembers_rates);
  RUN (probes_this_computer);
  RUN (devices_come_and_go);
  RUN (broken_drivers_cost_the_gpus_alone);
  g_free (driver);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", root);
  return test_done () | (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL) ? 0 : 1);
}
