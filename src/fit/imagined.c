/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit/imagined.h"

#include <glib/gi18n.h>
#include <math.h>

#define MOST_GB   4000.0
#define MOST_RATE 20000.0

/* Half-precision operations that cards do for each byte that they read, by and large. */
#define OPERATIONS_PER_BYTE_CARD 60
#define OPERATIONS_PER_BYTE_CPU  8

static const ParleyImagined presets[] = {
  { N_ ("No graphics card, 16 GB RAM"), 16, 0, 50, 0 },
  { N_ ("No graphics card, 64 GB RAM"), 64, 0, 80, 0 },
  { N_ ("8 GB graphics card, 16 GB RAM"), 16, 8, 50, 270 },
  { N_ ("12 GB graphics card, 32 GB RAM"), 32, 12, 60, 360 },
  { N_ ("16 GB graphics card, 32 GB RAM"), 32, 16, 80, 450 },
  { N_ ("24 GB graphics card, 64 GB RAM"), 64, 24, 80, 930 },
  { N_ ("32 GB graphics card, 64 GB RAM"), 64, 32, 80, 1790 },
};

const ParleyImagined *
parley_imagined_presets (gsize *n)
{
  *n = G_N_ELEMENTS (presets);
  return presets;
}

const char *
parley_imagined_name (gsize i)
{
  return i < G_N_ELEMENTS (presets) ? _ (presets[i].name) : "";
}

static guint64
bytes_of (double gb)
{
  return isfinite (gb) && gb > 0 ? (guint64) (MIN (gb, MOST_GB) * 1e9) : 0;
}

static double
rate_of (double gb)
{
  return isfinite (gb) && gb > 0 ? MIN (gb, MOST_RATE) * 1e9 : 0;
}

gsize
parley_imagined_devices (const ParleyImagined *figures, struct pe_device_info devices[2])
{
  double ram = rate_of (figures->ram_rate), vram = rate_of (figures->vram_rate);
  devices[0] = (struct pe_device_info){
    .id = "cpu",
    .kind = PE_DEVICE_CPU,
    .memory_total = bytes_of (figures->ram_gb),
    .n_cores = 8,
    .n_threads = 16,
    .has_f16 = true,
    .read_rate = ram,
    .transfer_rate = ram / 2,
    .matmul_rate = ram * OPERATIONS_PER_BYTE_CPU,
  };
  /* The system and a browser are there too. */
  devices[0].memory_available = devices[0].memory_total / 4 * 3;
  g_strlcpy (devices[0].name, _ ("Imagined processor"), sizeof devices[0].name);
  if (!bytes_of (figures->vram_gb))
    return 1;
  devices[1] = (struct pe_device_info){
    .id = "imagined",
    .kind = PE_DEVICE_DISCRETE,
    .memory_total = bytes_of (figures->vram_gb),
    .allocation_alignment = 256,
    .max_allocation = bytes_of (figures->vram_gb),
    .shared_memory_bytes = 32768,
    .subgroup_size = 32,
    .has_f16 = true,
    .has_int8_dot = true,
    .has_timeline = true,
    .read_rate = vram,
    .transfer_rate = MIN (vram, 20e9),
    .matmul_rate = vram * OPERATIONS_PER_BYTE_CARD,
  };
  devices[1].memory_available = devices[1].memory_total / 20 * 19;
  g_strlcpy (devices[1].name, _ ("Imagined graphics card"), sizeof devices[1].name);
  return 2;
}
