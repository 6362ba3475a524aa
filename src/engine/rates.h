/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the engine reaches on a device, found by running it: for each type of weights a model of
 * one layer that is made up in memory and never leaves it. Predictions rest on these figures, so
 * faster kernels show in them by themselves.
 */
#pragma once

#include "engine/plan.h"
#include "engine/runtime.h"

/* Goes up when measured rates of before say nothing about this engine any more. */
#define PE_RATES_VERSION 3

/* The most rows of a batch that `multiply` is told by: its weights were read once in so many. */
#define PE_RATES_ROWS 128

/* Fills device->rates, and of a GPU driver_bytes where the driver says what is taken; a few seconds
 * and some 300 MB of RAM meanwhile. `cpu`: the processor, which may be `device` itself. Types that
 * a device cannot compute stay 0. `progress` (may be NULL) is told how far it is, in steps; its
 * answer makes no difference. */
bool pe_rates_measure (const struct pe_device_info *cpu, struct pe_device_info *device,
                       const struct pe_progress *progress, struct pe_error *error);

/* With n threads, between those of one and of all; a GPU has but one. */
double pe_rate_with_threads (const struct pe_device_info *device, uint32_t n_threads, double one,
                             double all);
