/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The processor and the memory as a device of the plan.
 */
#pragma once

#include "engine/plan.h"

/* Reads /proc, /sys and the control group that limits this process; what cannot be read stays 0.
 * Rates are not measured here. */
void pe_cpu_device_info (struct pe_device_info *info);

/* Fills read_rate, transfer_rate and matmul_rate of what pe_cpu_device_info() described. */
bool pe_cpu_device_measure (struct pe_device_info *info, struct pe_error *error);
