/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A reply on its way from a ParleyResponder to whoever asked. The responder pushes, the other side
 * listens. Main thread only. It
 * measures by itself how long the model thought.
 *
 * Signals, in this order of time:
 *   progress (guint done, guint total)    tokens of the prompt read so far
 *   part (ParleyPartKind kind, const char *name, const char *text)
 *                                         the next stretch, whole UTF-8 characters; another kind
 *                                         or name than before begins a new part
 *   finished ()                           once; see the getters. Always comes, and never from
 *                                         inside the call that made the reply
 */
#pragma once

#include <gio/gio.h>

#include "store/parley-chat-records.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_STOP_END,       /* the model ended it */
  PARLEY_STOP_LENGTH,    /* max_tokens reached */
  PARLEY_STOP_CONTEXT,   /* the context is full */
  PARLEY_STOP_WORD,      /* a stop word came */
  PARLEY_STOP_CANCELLED, /* by the person */
  PARLEY_STOP_ERROR,
} ParleyStopReason;

/* "end", "length", …: in the database and exports. */
const char *parley_stop_reason_to_string (ParleyStopReason reason);
gboolean parley_stop_reason_from_string (const char *text, ParleyStopReason *reason);
/* A short sentence for people. */
const char *parley_stop_reason_describe (ParleyStopReason reason);

typedef struct {
  guint prompt_tokens; /* of which cached_tokens did not have to be read again */
  guint cached_tokens;
  guint reply_tokens;
  double prompt_seconds, reply_seconds, first_token_seconds;
  double reasoning_seconds;  /* from the first thought to the first other part; 0: none */
  guint64 rows_evaluated;    /* tokens that went through the model for it */
  guint64 weight_bytes_read; /* from the file meanwhile: by moves of layers */
  ParleyStopReason stop;
  guint64 seed;
  char *model;        /* a name for people; NULL: unknown */
  char *model_sha256; /* NULL: unknown */
  GBytes *token_ids;  /* little-endian int32, prompt and reply; NULL: not told */
} ParleyReplyStats;

void parley_reply_stats_clear (ParleyReplyStats *stats);
/* Tokens per second after the first token; 0: too few to say. */
double parley_reply_stats_get_speed (const ParleyReplyStats *stats);

#define PARLEY_TYPE_REPLY (parley_reply_get_type ())
G_DECLARE_FINAL_TYPE (ParleyReply, parley_reply, PARLEY, REPLY, GObject)

ParleyReply *parley_reply_new (void);

/* For the one who asked. Cancelling asks the responder to stop within a token; what comes until
 * `finished` counts. */
void parley_reply_cancel (ParleyReply *self);
gboolean parley_reply_is_finished (ParleyReply *self);
const ParleyReplyStats *parley_reply_get_stats (ParleyReply *self); /* zeros before `finished` */
const GError *parley_reply_get_error (ParleyReply *self);           /* NULL: it went well */

/* For the responder. Text must be valid UTF-8; what is not becomes U+FFFD. Pushing after the end
 * does nothing. `finish` takes a copy of `stats` and owns `error`. */
GCancellable *parley_reply_get_cancellable (ParleyReply *self);
void parley_reply_push (ParleyReply *self, ParleyPartKind kind, const char *name, const char *text,
                        gssize n_bytes);
void parley_reply_progress (ParleyReply *self, guint done, guint total);
void parley_reply_finish (ParleyReply *self, const ParleyReplyStats *stats, GError *error);

G_END_DECLS
