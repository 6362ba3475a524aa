/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From replies that this computer gave to factors that correct predictions: each is foretold again
 * by the rates that are known now, so that a new measurement of the rates does not make it stale.
 */
#pragma once

#include "fit/parley-fit-model.h"
#include "store/parley-run-records.h"

G_BEGIN_DECLS

/* A record of a model that was loaded by this plan and has so many layers on the GPUs with these
 * identifiers; tokens and seconds are the caller's to add. */
void parley_run_init (ParleyRunRecord *run, const struct pe_plan_request *plan, guint gpu_layers,
                      const char *const *ids, gsize n_ids);

/* `runs`: of ParleyRunRecord, the latest first. Those on other devices than these do not count,
 * nor do those too short to say anything, nor any that the rates say nothing about. */
void parley_fit_model_recall (ParleyFitModel *model, GArray *runs,
                              const struct pe_device_info *devices, gsize n_devices,
                              ParleySpeedHistory *history);

G_END_DECLS
