/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/parley-generation-private.h"

#include "worker/wire.h"

#include <math.h>
#include <string.h>

struct _ParleyGeneration {
  GObject parent;
  guint64 id;
  guint credit;  /* Parts that the process may still send */
  guint n_parts; /* received */
  gsize n_bytes; /* of all their text */
  guint to_give; /* credit that was used up and not yet given back */
  gboolean done;
  ParleyGenerationCancelFn cancel;
  gpointer cancel_data;
  ParleyGenerationStats stats;
  GBytes *tokens;
  GError *error;
};

enum { PROGRESS, PART, DONE, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ParleyGeneration, parley_generation, G_TYPE_OBJECT)

void
parley_generation_request_init (ParleyGenerationRequest *request)
{
  *request = (ParleyGenerationRequest){ 0 };
  pe_sampler_params_init (&request->sampler);
}

gboolean
parley_logit_bias_parse (const char *text, struct pe_logit_bias *bias)
{
  const char *equals = strchr (text, '=');
  g_autofree char *token = equals ? g_strndup (text, (gsize) (equals - text)) : NULL;
  guint64 number;
  char *end = NULL;
  double value = equals ? g_ascii_strtod (equals + 1, &end) : 0;
  if (!token || !g_ascii_string_to_unsigned (token, 10, 0, G_MAXINT32, &number, NULL) ||
      end == equals + 1 || *end || isnan (value))
    return FALSE;
  *bias = (struct pe_logit_bias){ (gint32) number, (float) value };
  return TRUE;
}

double
parley_generation_stats_get_speed (const ParleyGenerationStats *stats)
{
  return stats->reply_tokens >= 2 && stats->reply_seconds > 0
             ? (stats->reply_tokens - 1) / stats->reply_seconds
             : 0;
}

ParleyGeneration *
_parley_generation_new (guint64 id, guint credit, ParleyGenerationCancelFn cancel, gpointer data)
{
  ParleyGeneration *self = g_object_new (PARLEY_TYPE_GENERATION, NULL);
  self->id = id;
  self->credit = credit;
  self->cancel = cancel;
  self->cancel_data = data;
  return self;
}

gboolean
_parley_generation_take_parts (ParleyGeneration *self, guint sequence, GVariant *parts, guint *more)
{
  *more = 0;
  if (self->done || sequence != self->n_parts || self->credit == 0)
    return FALSE;
  gsize n = g_variant_n_children (parts);
  if (n == 0 || n > WORKER_MAX_PARTS || g_variant_get_size (parts) > 2 * WORKER_MAX_PART_BYTES)
    return FALSE;
  self->n_parts++;
  self->credit--;

  GVariantIter iter;
  guint32 kind;
  const char *name, *text;
  g_variant_iter_init (&iter, parts);
  while (g_variant_iter_next (&iter, "(u&s&s)", &kind, &name, &text)) {
    self->n_bytes += strlen (text) + strlen (name);
    if (kind > PARLEY_TEXT_TOOL_CALL || self->n_bytes > WORKER_MAX_REPLY_BYTES)
      return FALSE;
    g_signal_emit (self, signals[PART], 0, kind, *name ? name : NULL, text);
  }
  /* Giving back costs a message: half of it at a time. */
  if (++self->to_give >= WORKER_CREDIT / 2) {
    *more = self->to_give;
    self->credit += self->to_give;
    self->to_give = 0;
  }
  return TRUE;
}

gboolean
_parley_generation_take_progress (ParleyGeneration *self, guint done, guint total)
{
  if (self->done || done > total || total > G_MAXINT)
    return FALSE;
  g_signal_emit (self, signals[PROGRESS], 0, done, total);
  return TRUE;
}

gboolean
_parley_generation_has_all (ParleyGeneration *self, guint n_parts)
{
  return n_parts == self->n_parts;
}

void
_parley_generation_finish (ParleyGeneration *self, const ParleyGenerationStats *stats,
                           GBytes *tokens, GError *error)
{
  g_autoptr (GError) owned = error;
  if (self->done)
    return;
  self->done = TRUE;
  self->cancel = NULL;
  if (stats)
    self->stats = *stats;
  if (owned)
    self->stats.stop = PARLEY_GENERATION_ERROR;
  self->tokens = tokens ? g_bytes_ref (tokens) : NULL;
  self->error = g_steal_pointer (&owned);
  g_signal_emit (self, signals[DONE], 0);
}

void
parley_generation_cancel (ParleyGeneration *self)
{
  g_return_if_fail (PARLEY_IS_GENERATION (self));
  ParleyGenerationCancelFn cancel = g_steal_pointer (&self->cancel);
  if (cancel)
    cancel (self->id, self->cancel_data);
}

gboolean
parley_generation_is_done (ParleyGeneration *self)
{
  return self->done;
}

const ParleyGenerationStats *
parley_generation_get_stats (ParleyGeneration *self)
{
  return &self->stats;
}

GBytes *
parley_generation_get_token_ids (ParleyGeneration *self)
{
  return self->tokens;
}

const GError *
parley_generation_get_error (ParleyGeneration *self)
{
  return self->error;
}

static void
parley_generation_finalize (GObject *object)
{
  ParleyGeneration *self = PARLEY_GENERATION (object);
  g_clear_pointer (&self->tokens, g_bytes_unref);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (parley_generation_parent_class)->finalize (object);
}

static void
parley_generation_class_init (ParleyGenerationClass *class)
{
  G_OBJECT_CLASS (class)->finalize = parley_generation_finalize;
  signals[PROGRESS] = g_signal_new ("progress", PARLEY_TYPE_GENERATION, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_UINT);
  signals[PART] = g_signal_new ("part", PARLEY_TYPE_GENERATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 3, G_TYPE_UINT, G_TYPE_STRING, G_TYPE_STRING);
  signals[DONE] = g_signal_new ("done", PARLEY_TYPE_GENERATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 0);
}

static void
parley_generation_init (ParleyGeneration *self)
{
}
