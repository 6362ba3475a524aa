/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-local-responder.h"

#include "bridge/parley-engine-error.h"
#include "chat/request-json.h"

#include <glib/gi18n.h>

struct _ParleyLocalResponder {
  GObject parent_instance;
  ParleyWorkerClient *client;
  char *name, *reference, *sha256;
  char *pending; /* NULL: the client's state counts */
  guint n_answering;
};

static void responder_init (ParleyResponderInterface *iface);

static guint signal_answered;

G_DEFINE_FINAL_TYPE_WITH_CODE (ParleyLocalResponder, parley_local_responder, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PARLEY_TYPE_RESPONDER, responder_init))

ParleyLocalResponder *
parley_local_responder_new (ParleyWorkerClient *client)
{
  ParleyLocalResponder *self = g_object_new (PARLEY_TYPE_LOCAL_RESPONDER, NULL);
  self->client = g_object_ref (client);
  g_signal_connect_object (client, "notify::state", G_CALLBACK (parley_responder_changed), self,
                           G_CONNECT_SWAPPED);
  return self;
}

ParleyWorkerClient *
parley_local_responder_get_client (ParleyLocalResponder *self)
{
  g_return_val_if_fail (PARLEY_IS_LOCAL_RESPONDER (self), NULL);
  return self->client;
}

void
parley_local_responder_set_model (ParleyLocalResponder *self, const char *name,
                                  const char *reference, const char *sha256)
{
  g_return_if_fail (PARLEY_IS_LOCAL_RESPONDER (self));
  g_free (self->name);
  g_free (self->reference);
  g_free (self->sha256);
  self->name = g_strdup (name);
  self->reference = g_strdup (reference);
  self->sha256 = g_strdup (sha256);
  parley_responder_changed (PARLEY_RESPONDER (self));
}

void
parley_local_responder_set_pending (ParleyLocalResponder *self, const char *message)
{
  g_return_if_fail (PARLEY_IS_LOCAL_RESPONDER (self));
  if (g_strcmp0 (self->pending, message) == 0)
    return;
  g_free (self->pending);
  self->pending = g_strdup (message);
  parley_responder_changed (PARLEY_RESPONDER (self));
}

/* State */

static ParleyResponderState
get_state (ParleyResponder *responder)
{
  ParleyLocalResponder *self = PARLEY_LOCAL_RESPONDER (responder);
  if (self->pending)
    return PARLEY_RESPONDER_LOADING;
  switch (parley_worker_client_get_state (self->client)) {
  case PARLEY_WORKER_LOADING: return PARLEY_RESPONDER_LOADING;
  case PARLEY_WORKER_READY:
    return self->n_answering > 0 ? PARLEY_RESPONDER_ANSWERING : PARLEY_RESPONDER_READY;
  case PARLEY_WORKER_FAILED:
  case PARLEY_WORKER_CRASHED: return PARLEY_RESPONDER_FAILED;
  default: return PARLEY_RESPONDER_NO_MODEL;
  }
}

static char *
dup_name (ParleyResponder *responder)
{
  ParleyLocalResponder *self = PARLEY_LOCAL_RESPONDER (responder);
  const ParleyLoadedModel *model = parley_worker_client_get_model (self->client);
  return g_strdup (self->name ? self->name : model ? model->name : NULL);
}

static char *
dup_message (ParleyResponder *responder)
{
  ParleyLocalResponder *self = PARLEY_LOCAL_RESPONDER (responder);
  const char *message =
      self->pending ? self->pending : parley_worker_client_get_message (self->client);
  if (message)
    return g_strdup (message);
  if (get_state (responder) != PARLEY_RESPONDER_LOADING)
    return NULL;
  g_autofree char *name = dup_name (responder);
  return name ? g_strdup_printf (_ ("Loading %s…"), name) : g_strdup (_ ("Loading the model"));
}

static char *
dup_reference (ParleyResponder *responder)
{
  return g_strdup (PARLEY_LOCAL_RESPONDER (responder)->reference);
}

static guint
get_context_length (ParleyResponder *responder)
{
  return parley_worker_client_get_context_length (PARLEY_LOCAL_RESPONDER (responder)->client);
}

static gboolean
has_template (ParleyResponder *responder)
{
  const ParleyLoadedModel *model =
      parley_worker_client_get_model (PARLEY_LOCAL_RESPONDER (responder)->client);
  return model && model->has_template;
}

/* Requests */

static void
fill_request (ParleyGenerationRequest *to, const ParleyRequest *from, const char *messages,
              const GArray *biases, guint64 seed)
{
  const ParleySampling *s = &from->sampling;
  parley_generation_request_init (to);
  to->messages = messages;
  to->continues = from->continues;
  to->is_private = from->chat == 0;
  to->is_aside = from->about != 0;
  to->conversation = (guint64) (from->chat != 0 ? from->chat : from->about);
  to->max_tokens = s->max_tokens;
  to->sampler.temperature = (float) s->temperature;
  to->sampler.top_k = s->top_k;
  to->sampler.top_p = (float) s->top_p;
  to->sampler.min_p = (float) s->min_p;
  to->sampler.repeat_penalty = (float) s->repeat_penalty;
  to->sampler.frequency_penalty = (float) s->frequency_penalty;
  to->sampler.presence_penalty = (float) s->presence_penalty;
  to->sampler.penalty_window = s->penalty_window;
  to->sampler.typical_p = (float) s->typical_p;
  to->sampler.top_n_sigma = (float) s->top_n_sigma;
  to->sampler.xtc_probability = (float) s->xtc_probability;
  to->sampler.xtc_threshold = (float) s->xtc_threshold;
  to->sampler.dynamic_temperature_range = (float) s->dynamic_temperature_range;
  to->sampler.dynamic_temperature_exponent = (float) s->dynamic_temperature_exponent;
  to->sampler.dry_multiplier = (float) s->dry_multiplier;
  to->sampler.dry_base = (float) s->dry_base;
  to->sampler.dry_free_length = s->dry_free_length;
  to->sampler.dry_window = s->dry_window;
  to->sampler.mirostat = s->mirostat > 0;
  to->sampler.mirostat_tau = (float) s->mirostat_tau;
  to->sampler.mirostat_eta = (float) s->mirostat_eta;
  to->sampler.logit_bias = biases ? (const struct pe_logit_bias *) (gpointer) biases->data : NULL;
  to->sampler.n_logit_bias = biases ? biases->len : 0;
  to->json_schema = s->json_schema;
  to->grammar = s->grammar;
  to->sampler.seed = seed;
}

/* One reply under way: holds what it needs until the generation is done. */
typedef struct {
  ParleyLocalResponder *responder;
  ParleyGeneration *generation;
  ParleyReply *reply;
  guint64 seed;
} Answer;

static void
on_part (Answer *answer, guint kind, const char *name, const char *text)
{
  static const ParleyPartKind kinds[] = {
    [PARLEY_TEXT_ANSWER] = PARLEY_PART_TEXT,
    [PARLEY_TEXT_REASONING] = PARLEY_PART_REASONING,
    [PARLEY_TEXT_TOOL_CALL] = PARLEY_PART_TOOL_CALL,
  };
  if (kind < G_N_ELEMENTS (kinds))
    parley_reply_push (answer->reply, kinds[kind], name, text, -1);
}

static void
on_progress (Answer *answer, guint done, guint total)
{
  parley_reply_progress (answer->reply, done, total);
}

static GError *
translate_error (const GError *error)
{
  if (!error)
    return NULL;
  ParleyResponderError code = PARLEY_RESPONDER_ERROR_FAILED;
  if (g_error_matches (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_CRASHED) ||
      g_error_matches (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_PROTOCOL))
    code = PARLEY_RESPONDER_ERROR_INTERRUPTED;
  else if (g_error_matches (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_TEMPLATE))
    code = PARLEY_RESPONDER_ERROR_TEMPLATE;
  else if (g_error_matches (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_STATE))
    code = PARLEY_RESPONDER_ERROR_NOT_READY;
  else if (g_error_matches (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_CONTEXT_FULL))
    code = PARLEY_RESPONDER_ERROR_CONTEXT_FULL;
  return g_error_new_literal (PARLEY_RESPONDER_ERROR, (int) code, error->message);
}

static void
on_done (Answer *answer)
{
  static const ParleyStopReason reasons[] = {
    [PARLEY_GENERATION_END] = PARLEY_STOP_END,
    [PARLEY_GENERATION_LENGTH] = PARLEY_STOP_LENGTH,
    [PARLEY_GENERATION_CONTEXT] = PARLEY_STOP_CONTEXT,
    [PARLEY_GENERATION_WORD] = PARLEY_STOP_WORD,
    [PARLEY_GENERATION_CANCELLED] = PARLEY_STOP_CANCELLED,
    [PARLEY_GENERATION_ERROR] = PARLEY_STOP_ERROR,
  };
  g_autoptr (ParleyLocalResponder) self = answer->responder;
  g_autoptr (ParleyReply) reply = answer->reply;
  g_autoptr (ParleyGeneration) generation = answer->generation;
  const ParleyGenerationStats *from = parley_generation_get_stats (generation);
  g_autofree char *name = dup_name (PARLEY_RESPONDER (self));
  ParleyReplyStats stats = {
    .prompt_tokens = from->prompt_tokens,
    .cached_tokens = from->cached_tokens,
    .reply_tokens = from->reply_tokens,
    .prompt_seconds = from->prompt_seconds,
    .reply_seconds = from->reply_seconds,
    .first_token_seconds = from->first_token_seconds,
    .rows_evaluated = from->rows_evaluated,
    .weight_bytes_read = from->weight_bytes_read,
    .stop = (gsize) from->stop < G_N_ELEMENTS (reasons) ? reasons[from->stop] : PARLEY_STOP_ERROR,
    .seed = answer->seed,
    .model = name,
    .model_sha256 = self->sha256,
    .token_ids = parley_generation_get_token_ids (generation),
  };
  g_signal_handlers_disconnect_by_data (generation, answer);
  g_signal_handlers_disconnect_by_data (parley_reply_get_cancellable (reply), generation);
  g_free (answer);
  self->n_answering--;
  /* First the end, so that whoever hears of the new state finds the reply finished. */
  parley_reply_finish (reply, &stats, translate_error (parley_generation_get_error (generation)));
  g_signal_emit (self, signal_answered, 0, &stats);
  parley_responder_changed (PARLEY_RESPONDER (self));
}

static ParleyReply *
respond (ParleyResponder *responder, ParleyRequest *request)
{
  ParleyLocalResponder *self = PARLEY_LOCAL_RESPONDER (responder);
  Answer *answer = g_new0 (Answer, 1);
  answer->responder = g_object_ref (self);
  answer->reply = parley_reply_new ();
  answer->seed = request->sampling.seed_given ? request->sampling.seed
                                              : (guint64) g_random_int () << 32 | g_random_int ();
  g_autofree char *messages = parley_request_to_json (request);
  g_autoptr (GArray) biases = request->sampling.logit_bias
                                  ? parley_logit_biases_parse (request->sampling.logit_bias)
                                  : NULL;
  ParleyGenerationRequest wanted;
  fill_request (&wanted, request, messages ? messages : "[]", biases, answer->seed);
  answer->generation = parley_worker_client_generate (self->client, &wanted);
  g_signal_connect_swapped (answer->generation, "part", G_CALLBACK (on_part), answer);
  g_signal_connect_swapped (answer->generation, "progress", G_CALLBACK (on_progress), answer);
  g_signal_connect_swapped (answer->generation, "done", G_CALLBACK (on_done), answer);
  /* Not g_cancellable_connect(), which must not be undone from within its own callback. */
  g_signal_connect_object (parley_reply_get_cancellable (answer->reply), "cancelled",
                           G_CALLBACK (parley_generation_cancel), answer->generation,
                           G_CONNECT_SWAPPED);
  self->n_answering++;
  ParleyReply *reply = g_object_ref (answer->reply);
  parley_responder_changed (responder);
  return reply;
}

static void
on_counted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autofree ParleyTokenCount *count =
      parley_worker_client_count_finish (PARLEY_WORKER_CLIENT (source), result, &error);
  if (!count) {
    g_task_return_error (task, error);
    return;
  }
  ParleyMeasure *measure = g_malloc0 (sizeof *measure + count->n_turns * sizeof measure->turns[0]);
  measure->total = count->total;
  measure->limit = parley_worker_client_get_context_length (PARLEY_WORKER_CLIENT (source));
  measure->n_turns = count->n_turns;
  for (guint i = 0; i < count->n_turns; i++)
    measure->turns[i] = count->turns[i];
  g_task_return_pointer (task, measure, g_free);
}

static void
measure_async (ParleyResponder *responder, ParleyRequest *request, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer data)
{
  ParleyLocalResponder *self = PARLEY_LOCAL_RESPONDER (responder);
  GTask *task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, measure_async);
  g_autofree char *messages = parley_request_to_json (request);
  ParleyGenerationRequest wanted;
  fill_request (&wanted, request, messages ? messages : "[]", NULL, 0);
  parley_worker_client_count_async (self->client, &wanted, cancellable, on_counted, task);
}

static ParleyMeasure *
measure_finish (ParleyResponder *responder, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, responder), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
responder_init (ParleyResponderInterface *iface)
{
  iface->get_state = get_state;
  iface->dup_message = dup_message;
  iface->dup_name = dup_name;
  iface->dup_reference = dup_reference;
  iface->get_context_length = get_context_length;
  iface->has_template = has_template;
  iface->respond = respond;
  iface->measure_async = measure_async;
  iface->measure_finish = measure_finish;
}

static void
parley_local_responder_finalize (GObject *object)
{
  ParleyLocalResponder *self = PARLEY_LOCAL_RESPONDER (object);
  g_clear_object (&self->client);
  g_free (self->name);
  g_free (self->reference);
  g_free (self->sha256);
  g_free (self->pending);
  G_OBJECT_CLASS (parley_local_responder_parent_class)->finalize (object);
}

static void
parley_local_responder_class_init (ParleyLocalResponderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = parley_local_responder_finalize;
  signal_answered = g_signal_new ("answered", PARLEY_TYPE_LOCAL_RESPONDER, G_SIGNAL_RUN_LAST, 0,
                                  NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
parley_local_responder_init (ParleyLocalResponder *self)
{
}
