/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hardware in sentences, and the choice of what to use. Pure functions, but for looking into
 * `root`/sys.
 */
#pragma once

#include <glib.h>

#include "engine/plan.h"

G_BEGIN_DECLS

/* Why models run where they do. `reason`: what the probe said about missing GPUs, a
 * sentence without capital and full stop, or "". */
char *parley_hardware_explain (const struct pe_device_info *devices, gsize n, const char *reason);

/* A graphics card is there whose driver Vulkan does not know: what to do about it, or NULL.
 * `root`: "" for this computer. */
char *parley_hardware_advise (const struct pe_device_info *devices, gsize n, const char *root);

G_END_DECLS
