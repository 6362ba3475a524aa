/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast replies came on this computer, and how the model was placed then: numbers that correct
 * predictions. They say nothing of what was written, and stay when a chat is deleted.
 */
#pragma once

#include "store/parley-store.h"

G_BEGIN_DECLS

/* So many of a model are kept, the latest. */
#define PARLEY_RUNS_KEPT 16

typedef struct {
  char devices[200]; /* identifiers of those that had layers, the processor's first, by commas */
  guint gpu_layers, cpu_experts, context, batch, threads;
  guint k_type, v_type; /* of the cache, enum pe_type */
  guint depth;          /* tokens that were in the context before */
  guint prompt_tokens;  /* read anew */
  guint reply_tokens;
  double prompt_seconds, reply_seconds;
  gint64 ended_at; /* microseconds; 0: now */
} ParleyRunRecord;

/* `model`: its identifier in the library. Written soon; older ones of the model go. */
void parley_store_add_run (ParleyStore *store, const char *model, const ParleyRunRecord *run);
/* Array of ParleyRunRecord, the latest first; empty where there are none or they cannot be read. */
GArray *parley_store_list_runs (ParleyStore *store, const char *model) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
