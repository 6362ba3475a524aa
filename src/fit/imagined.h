/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Computers that are not here, for "what would a 16 GB card do?": four figures make the devices
 * that plans and predictions work with. Predictions rest on bandwidth alone and say so.
 */
#pragma once

#include <glib.h>

#include "engine/plan.h"

G_BEGIN_DECLS

typedef struct {
  const char *name;           /* translated */
  double ram_gb, vram_gb;     /* decimal; no VRAM: no card */
  double ram_rate, vram_rate; /* GB/s that memory of this kind is sold with */
} ParleyImagined;

/* Usual computers; the rates are those that makers print on such cards and memory. */
const ParleyImagined *parley_imagined_presets (gsize *n);
/* "8 GB graphics card" of the i-th preset, translated. */
const char *parley_imagined_name (gsize i);

/* Returns 1 or 2. Figures out of the ordinary are bounded. */
gsize parley_imagined_devices (const ParleyImagined *figures, struct pe_device_info devices[2]);

G_END_DECLS
