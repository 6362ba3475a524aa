/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-reply.h"

#include <glib/gi18n.h>

struct _ParleyReply {
  GObject parent_instance;
  GCancellable *cancellable;
  ParleyReplyStats stats;
  GError *error;
  gboolean finished;
  gint64 thought_since; /* monotonic microseconds; 0: not thinking */
  gint64 thought_for;
};

enum {
  PROGRESS,
  PART,
  FINISHED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ParleyReply, parley_reply, G_TYPE_OBJECT)

static const struct {
  const char *name, *description;
} reasons[] = {
  [PARLEY_STOP_END] = { "end", N_ ("The model ended its reply.") },
  [PARLEY_STOP_LENGTH] = { "length", N_ ("The reply reached its longest allowed length.") },
  [PARLEY_STOP_CONTEXT] = { "context", N_ ("The context is full.") },
  [PARLEY_STOP_WORD] = { "word", N_ ("A stop word came.") },
  [PARLEY_STOP_CANCELLED] = { "cancelled", N_ ("Stopped.") },
  [PARLEY_STOP_ERROR] = { "error", N_ ("Something went wrong.") },
};

const char *
parley_stop_reason_to_string (ParleyStopReason reason)
{
  g_return_val_if_fail ((gsize) reason < G_N_ELEMENTS (reasons), NULL);
  return reasons[reason].name;
}

gboolean
parley_stop_reason_from_string (const char *text, ParleyStopReason *reason)
{
  for (gsize i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (g_strcmp0 (reasons[i].name, text) == 0) {
      *reason = (ParleyStopReason) i;
      return TRUE;
    }
  return FALSE;
}

const char *
parley_stop_reason_describe (ParleyStopReason reason)
{
  g_return_val_if_fail ((gsize) reason < G_N_ELEMENTS (reasons), NULL);
  return _ (reasons[reason].description);
}

void
parley_reply_stats_clear (ParleyReplyStats *stats)
{
  g_free (stats->model);
  g_free (stats->model_sha256);
  g_clear_pointer (&stats->token_ids, g_bytes_unref);
  *stats = (ParleyReplyStats){ 0 };
}

double
parley_reply_stats_get_speed (const ParleyReplyStats *stats)
{
  if (stats->reply_tokens < 2 || stats->reply_seconds <= 0)
    return 0;
  return (stats->reply_tokens - 1) / stats->reply_seconds;
}

ParleyReply *
parley_reply_new (void)
{
  return g_object_new (PARLEY_TYPE_REPLY, NULL);
}

void
parley_reply_cancel (ParleyReply *self)
{
  g_return_if_fail (PARLEY_IS_REPLY (self));
  g_cancellable_cancel (self->cancellable);
}

gboolean
parley_reply_is_finished (ParleyReply *self)
{
  g_return_val_if_fail (PARLEY_IS_REPLY (self), TRUE);
  return self->finished;
}

const ParleyReplyStats *
parley_reply_get_stats (ParleyReply *self)
{
  g_return_val_if_fail (PARLEY_IS_REPLY (self), NULL);
  return &self->stats;
}

const GError *
parley_reply_get_error (ParleyReply *self)
{
  g_return_val_if_fail (PARLEY_IS_REPLY (self), NULL);
  return self->error;
}

GCancellable *
parley_reply_get_cancellable (ParleyReply *self)
{
  g_return_val_if_fail (PARLEY_IS_REPLY (self), NULL);
  return self->cancellable;
}

static void
follow_thoughts (ParleyReply *self, gboolean thinks)
{
  gint64 now = g_get_monotonic_time ();
  if (thinks && self->thought_since == 0)
    self->thought_since = now;
  else if (!thinks && self->thought_since != 0) {
    self->thought_for += now - self->thought_since;
    self->thought_since = 0;
  }
}

void
parley_reply_push (ParleyReply *self, ParleyPartKind kind, const char *name, const char *text,
                   gssize n_bytes)
{
  g_return_if_fail (PARLEY_IS_REPLY (self));
  if (self->finished || n_bytes == 0 || *text == 0)
    return;
  g_autofree char *valid = g_utf8_make_valid (text, n_bytes);
  follow_thoughts (self, kind == PARLEY_PART_REASONING);
  g_signal_emit (self, signals[PART], 0, (guint) kind, name, valid);
}

void
parley_reply_progress (ParleyReply *self, guint done, guint total)
{
  g_return_if_fail (PARLEY_IS_REPLY (self));
  if (!self->finished)
    g_signal_emit (self, signals[PROGRESS], 0, done, total);
}

void
parley_reply_finish (ParleyReply *self, const ParleyReplyStats *stats, GError *error)
{
  g_return_if_fail (PARLEY_IS_REPLY (self));
  if (self->finished) {
    g_clear_error (&error);
    return;
  }
  self->finished = TRUE;
  self->error = error;
  if (stats) {
    self->stats = *stats;
    self->stats.model = g_strdup (stats->model);
    self->stats.model_sha256 = g_strdup (stats->model_sha256);
    self->stats.token_ids = stats->token_ids ? g_bytes_ref (stats->token_ids) : NULL;
  }
  if (error)
    self->stats.stop = PARLEY_STOP_ERROR;
  follow_thoughts (self, FALSE);
  self->stats.reasoning_seconds = (double) self->thought_for / G_USEC_PER_SEC;
  g_object_ref (self);
  g_signal_emit (self, signals[FINISHED], 0);
  g_object_unref (self);
}

static void
parley_reply_finalize (GObject *object)
{
  ParleyReply *self = PARLEY_REPLY (object);
  parley_reply_stats_clear (&self->stats);
  g_clear_error (&self->error);
  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (parley_reply_parent_class)->finalize (object);
}

static void
parley_reply_class_init (ParleyReplyClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = parley_reply_finalize;
  signals[PROGRESS] = g_signal_new ("progress", PARLEY_TYPE_REPLY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_UINT);
  signals[PART] = g_signal_new ("part", PARLEY_TYPE_REPLY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 3, G_TYPE_UINT, G_TYPE_STRING, G_TYPE_STRING);
  signals[FINISHED] = g_signal_new ("finished", PARLEY_TYPE_REPLY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
}

static void
parley_reply_init (ParleyReply *self)
{
  self->cancellable = g_cancellable_new ();
}
