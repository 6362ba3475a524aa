/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer has and what Parley uses of it. Drivers are asked by `parley-worker --probe`,
 * in a process that may crash or hang without harm. Measured rates are kept in
 * $XDG_CACHE_HOME/parley/rates.json by device and driver. Main thread only.
 *
 * Property `ready` (readable, notified): the devices have been asked; before that there is just
 * the CPU with its memory.
 * Property `progress` (readable, notified): of measuring, in per cent.
 * Signal `changed ()`: anything below may be other than before.
 */
#pragma once

#include <gio/gio.h>

#include "engine/plan.h"
#include "hardware/parley-budgets.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_HARDWARE (parley_hardware_get_type ())
G_DECLARE_FINAL_TYPE (ParleyHardware, parley_hardware, PARLEY, HARDWARE, GObject)

/* Asks nobody yet. */
ParleyHardware *parley_hardware_new (void);

/* Asks the drivers, and with `measure` also measures the rates (some seconds; see `progress`). A
 * driver that crashes or hangs is no error: get_why() says so. */
void parley_hardware_probe_async (ParleyHardware *self, gboolean measure, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer data);
gboolean parley_hardware_probe_finish (ParleyHardware *self, GAsyncResult *result, GError **error);

/* The same without measuring, for pages that show GPUs' memory when they come into view: nothing
 * is waited for, and where a probe is under way already none is begun. Devices that are gone leave
 * the list, and get_why() says so; those that stay keep their rates. */
void parley_hardware_look_again (ParleyHardware *self);

/* Tests: another program for the worker (NULL: the usual one), and how many seconds it has. */
void parley_hardware_set_worker (ParleyHardware *self, const char *program, guint seconds);

/* What a person allows each device, as PARLEY_BUDGETS has it (heaps.h; NULL: everything), and what
 * is in force: with what the environment says. Devices' available memory and margins follow. */
void parley_hardware_set_budgets (ParleyHardware *self, const char *budgets);
const char *parley_hardware_get_budgets (ParleyHardware *self);

/* Reads the RAM anew; cheap. GPUs' free memory comes with parley_hardware_look_again(). */
void parley_hardware_refresh_memory (ParleyHardware *self);

gboolean parley_hardware_is_ready (ParleyHardware *self);
/* The rates of all devices are known, and nothing needs to be measured. */
gboolean parley_hardware_has_rates (ParleyHardware *self);

/* The CPU, then every GPU. Valid until `changed`. */
const struct pe_device_info *parley_hardware_get_devices (ParleyHardware *self, gsize *n);
/* The one that is used, or NULL. */
const struct pe_device_info *parley_hardware_get_gpu (ParleyHardware *self);
/* The CPU and the GPUs in use, as pe_plan_make() wants them; returns how many. */
gsize parley_hardware_get_plan_devices (ParleyHardware *self,
                                        struct pe_device_info devices[PE_MAX_DEVICES]);

/* "AMD Radeon RX 7600", or the CPU's name: what models run on. */
const char *parley_hardware_get_running_on (ParleyHardware *self);
/* Why, in a sentence: "Models run on the CPU, because no Vulkan driver was found." */
const char *parley_hardware_get_why (ParleyHardware *self);
/* What a person could do about it (a missing driver), or NULL. */
const char *parley_hardware_get_advice (ParleyHardware *self);

/* Which of the devices to use: the discrete one with most memory, else an integrated one, else a
 * software one, which is only in the list when it was named on purpose. 0: the CPU alone. */
gsize parley_hardware_choose_gpu (const struct pe_device_info *devices, gsize n);

/* Of these devices, the CPU first, those that models are planned for: the CPU and the one that is
 * chosen, or where several were named on purpose (`named`: PARLEY_VULKAN_DEVICE, or NULL) all of
 * them in their order, as others may be slower than the CPU. Returns how many. */
gsize parley_hardware_select (const struct pe_device_info *devices, gsize n, const char *named,
                              struct pe_device_info out[PE_MAX_DEVICES]);

/* The path of an installed or just built program of ours that is not for people; looked for beside
 * the running program first. `folder`: of src/ where it is built. */
char *parley_hardware_find_program (const char *folder, const char *name);
char *parley_hardware_find_worker (void); /* parley-worker */

G_END_DECLS
