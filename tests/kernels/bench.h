/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of the CPU kernels, one thread, beside the rate at which memory can be read.
 */
#pragma once

/* Prints a table for every level and type here, or for those named; returns an exit status. */
int bench_kernels (const char *level, const char *type);
