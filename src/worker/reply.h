/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A request being answered: its tokens so far, the sequence that holds them, and what became of
 * them as text. One step is one chunk of the prompt or one token; between steps layers may move,
 * and the runtime may even be replaced. Engine thread only, but for reply_cancel().
 */
#pragma once

#include "engine/runtime.h"
#include "engine/text/tokenizer.h"
#include "worker/outbox.h"
#include "worker/prompt.h"
#include "worker/slots.h"
#include "worker/stops.h"
#include "worker/wire.h"

G_BEGIN_DECLS

typedef struct {
  guint64 id;
  WireGeneration wire;
  WorkerModel *model;
  gint cancelled; /* atomic */

  struct pe_tokens tokens; /* the prompt, then what was chosen */
  gsize n_prompt;          /* 0: not made yet */
  struct slot *slot;       /* NULL: to be acquired */
  gboolean was_acquired;   /* once; what is computed again after a lost device is not counted */
  struct pe_sampler *sampler;
  struct pe_grammar *grammar; /* that the answer must follow; NULL: none */
  gboolean is_bound;          /* the answer has begun: the sampler follows the grammar */
  struct pe_row *rows; /* of a step: of the prompt so many at most, and never more than fit */
  gsize n_rows, rows_capacity;

  WorkerReader *reader; /* tokens' text into parts */
  Stops stops;
  Outbox outbox;
  gboolean progress_due; /* of the prompt, since it was last told */

  /* The runtime's counters when it had done nothing for this reply yet (of a runtime that replaced
   * another: as if it had done all). Unsigned differences are right even where these wrapped. */
  guint64 first_row, first_weight_byte;

  gboolean over; /* nothing more is computed; `stats.stop` or `error` says why */
  GError *error;
  ParleyGenerationStats stats;
  gint64 asked, started, first_token; /* monotonic, microseconds */
} Reply;

/* Owns `wire`. */
Reply *reply_new (guint64 id, WireGeneration *wire, guint credit, WorkerModel *model);
/* Its slot must have been released. */
void reply_free (Reply *self);

/* From any thread; the runtime's pe_runtime_cancel() makes it quick. */
void reply_cancel (Reply *self);

/* FALSE: the device failed with *error, and nothing was lost; the caller mends or replaces the
 * runtime (dropping the slot in the latter case) and steps again, or ends the reply. Everything
 * else that goes wrong ends the reply by itself. */
gboolean reply_step (Reply *self, struct pe_runtime *runtime, struct slots *slots,
                     struct pe_error *error);

/* Ends it; owns `error`, NULL: it ended for the reason `stop`. */
void reply_end (Reply *self, ParleyGenerationStop stop, GError *error);

/* The prompt and the reply as little-endian int32. */
GVariant *reply_token_bytes (const Reply *self);

G_END_DECLS
