/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware/parley-hardware-words.h"

#include "hardware/parley-hardware.h"

#include <glib/gi18n.h>
#include <string.h>

static int
rank (enum pe_device_kind kind)
{
  switch (kind) {
  case PE_DEVICE_DISCRETE: return 3;
  case PE_DEVICE_INTEGRATED: return 2;
  case PE_DEVICE_SOFTWARE: return 1;
  default: return 0;
  }
}

gsize
parley_hardware_choose_gpu (const struct pe_device_info *devices, gsize n)
{
  gsize best = 0;
  for (gsize i = 1; i < n; i++) {
    int a = rank (devices[i].kind), b = best ? rank (devices[best].kind) : 0;
    if (a > b || (a == b && a > 0 && devices[i].memory_total > devices[best].memory_total))
      best = i;
  }
  return best;
}

gsize
parley_hardware_select (const struct pe_device_info *devices, gsize n, const char *named,
                        struct pe_device_info out[PE_MAX_DEVICES])
{
  gsize gpu = parley_hardware_choose_gpu (devices, n);
  out[0] = devices[0];
  if (gpu == 0)
    return 1;
  if (named && strchr (named, ',')) {
    n = MIN (n, PE_MAX_DEVICES);
    memcpy (out + 1, devices + 1, (n - 1) * sizeof *devices);
    return n;
  }
  out[1] = devices[gpu];
  return 2;
}

char *
parley_hardware_explain (const struct pe_device_info *devices, gsize n, const char *reason)
{
  gsize gpu = parley_hardware_choose_gpu (devices, n);
  if (gpu == 0)
    return g_strdup_printf (_ ("Models run on the CPU: %s."),
                            *reason ? reason : _ ("no GPU was found"));
  const char *name = devices[gpu].name;
  switch (devices[gpu].kind) {
  case PE_DEVICE_SOFTWARE:
    return g_strdup_printf (_ ("Models run on %s, a software device that was asked for by name."),
                            name);
  case PE_DEVICE_INTEGRATED:
    return g_strdup_printf (_ ("Models run on %s, which shares the computer's memory."), name);
  default:
    return n > 2 ? g_strdup_printf (_ ("Models run on %s, the GPU with the most memory."), name)
                 : g_strdup_printf (_ ("Models run on %s."), name);
  }
}

/* The makers of graphics cards whose drivers speak Vulkan, by PCI vendor. */
static const struct maker {
  const char *vendor, *name;
  const char *marks[5]; /* how their devices and drivers call themselves */
} makers[] = {
  { "0x10de", "NVIDIA", { "nvidia", "geforce", "nouveau", "nvk" } },
  { "0x1002", "AMD", { "amd", "radeon", "radv" } },
  { "0x8086", "Intel", { "intel" } },
};

static gboolean
has_driver (const struct pe_device_info *devices, gsize n, const struct maker *maker)
{
  for (gsize i = 1; i < n; i++) {
    g_autofree char *both = g_strconcat (devices[i].name, " ", devices[i].driver, NULL);
    g_autofree char *text = g_ascii_strdown (both, -1);
    for (const char *const *mark = maker->marks; *mark; mark++)
      if (strstr (text, *mark))
        return TRUE;
  }
  return FALSE;
}

static char *
read_line (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("");
  return g_strstrip (text);
}

/* Whether the bus has a display controller of this maker. */
static gboolean
has_card (const char *root, const struct maker *maker)
{
  g_autofree char *bus = g_build_filename (*root ? root : "/", "sys/bus/pci/devices", NULL);
  g_autoptr (GDir) dir = g_dir_open (bus, 0, NULL);
  const char *slot;
  while (dir && (slot = g_dir_read_name (dir))) {
    g_autofree char *folder = g_build_filename (bus, slot, NULL);
    g_autofree char *class = read_line (folder, "class");
    g_autofree char *vendor = read_line (folder, "vendor");
    if (g_str_has_prefix (class, "0x03") && g_str_equal (vendor, maker->vendor))
      return TRUE;
  }
  return FALSE;
}

char *
parley_hardware_advise (const struct pe_device_info *devices, gsize n, const char *root)
{
  g_autofree char *flatpak = g_build_filename (*root ? root : "/", ".flatpak-info", NULL);
  gboolean in_flatpak = g_file_test (flatpak, G_FILE_TEST_EXISTS);
  for (gsize i = 0; i < G_N_ELEMENTS (makers); i++) {
    const struct maker *maker = &makers[i];
    if (has_driver (devices, n, maker) || !has_card (root, maker))
      continue;
    if (in_flatpak)
      return g_strdup_printf (_ ("There is an %s graphics card, but no Vulkan driver for it in the "
                                 "sandbox. Running “flatpak update” in a terminal brings it."),
                              maker->name);
    if (g_str_equal (maker->name, "NVIDIA"))
      return g_strdup (
          _ ("There is an NVIDIA graphics card, but no Vulkan driver for it. Installing "
             "NVIDIA's driver lets models run on it."));
    return g_strdup_printf (
        _ ("There is an %s graphics card, but no Vulkan driver for it. Installing "
           "Mesa's Vulkan drivers (mesa-vulkan-drivers) lets models run on it."),
        maker->name);
  }
  return NULL;
}
