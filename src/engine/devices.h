/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer has. Touches drivers: applications call it in a process of its own.
 */
#pragma once

#include "engine/plan.h"

/* Device 0 is the CPU, then the Vulkan devices that can run the engine, each physical device
 * once. `include_software`: those that run on the CPU too; PARLEY_VULKAN_DEVICE (indices among
 * all Vulkan devices or UUIDs, separated by commas) names the only ones to use, software ones
 * included, and one that is named twice is two; "none" hides all.
 * PARLEY_BUDGETS bounds what a model may take of a device, see engine/heaps.h.
 * Never fails: without a loader or driver there is just the CPU, and *why (may be NULL, 256
 * bytes) says so in a sentence. */
size_t pe_devices_list (struct pe_device_info *devices, size_t capacity, bool include_software,
                        char *why);

/* Measures read_rate, transfer_rate and matmul_rate of a device; about a second. */
bool pe_device_measure (struct pe_device_info *device, struct pe_error *error);

/* Bytes that a GPU reads and writes a second by a kernel that only copies, in buffers that no cache
 * holds: the limit that generation is compared with. */
bool pe_device_copy_rate (const struct pe_device_info *device, double *rate,
                          struct pe_error *error);

/* Tests: at the N-th call of a graphics driver from now on, "lost@N": the device is lost,
 * "memory@N": its memory is full, "budget:BYTES@N": from then on it says that so many bytes are
 * for this program. Anything else is ignored. */
void pe_devices_arm_fault (const char *fault);
