/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/reply.h"

#include "base/alloc.h"
#include "bridge/parley-engine-error.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "engine/text/grammar.h"
#include "worker/load.h"

#include <string.h>

#define STEP_SECONDS 0.5
#define MOST_BATCHES 8u /* of a step */

Reply *
reply_new (guint64 id, WireGeneration *wire, guint credit, WorkerModel *model)
{
  Reply *self = g_new0 (Reply, 1);
  self->id = id;
  self->wire = *wire;
  self->model = worker_model_ref (model);
  self->asked = g_get_monotonic_time ();
  outbox_init (&self->outbox, id, credit);
  stops_init (&self->stops, self->wire.request.stop);
  return self;
}

void
reply_free (Reply *self)
{
  worker_reader_free (self->reader);
  stops_clear (&self->stops);
  outbox_clear (&self->outbox);
  pe_sampler_free (self->sampler);
  pe_grammar_free (self->grammar);
  pe_tokens_clear (&self->tokens);
  g_free (self->rows);
  g_clear_error (&self->error);
  wire_generation_clear (&self->wire);
  worker_model_unref (self->model);
  g_free (self);
}

void
reply_cancel (Reply *self)
{
  g_atomic_int_set (&self->cancelled, TRUE);
}

/* ---- text ---- */

static void
add_part (gpointer data, ParleyTextKind kind, const char *name, const char *text, gsize n)
{
  Reply *self = data;
  outbox_add (&self->outbox, kind, name, text, n);
}

void
reply_end (Reply *self, ParleyGenerationStop stop, GError *error)
{
  if (self->over)
    return;
  self->over = TRUE;
  self->stats.stop = error ? PARLEY_GENERATION_ERROR : stop;
  self->error = error;
  if (self->first_token)
    self->stats.reply_seconds = (double) (g_get_monotonic_time () - self->first_token) / 1e6;
  if (self->reader) {
    g_autoptr (GString) rest = g_string_new (NULL);
    stops_finish (&self->stops, rest);
    worker_reader_push (self->reader, rest->str, rest->len, add_part, self);
    worker_reader_finish (self->reader, add_part, self);
  }
}

static void
fail (Reply *self, const struct pe_error *error)
{
  reply_end (self, PARLEY_GENERATION_ERROR, parley_error_new_from_engine (error));
}

/* TRUE: the text holds a stop string now. */
static gboolean
take_text (Reply *self, int32_t token)
{
  char buffer[16];
  gsize n;
  const struct pe_vocab *vocab = pe_model_vocab (worker_model_get (self->model), NULL);
  const char *bytes =
      pe_token_piece (vocab, token, worker_reader_wants_control (self->reader), buffer, &n);
  g_autoptr (GString) certain = g_string_new (NULL);
  gboolean stopped = stops_push (&self->stops, bytes, n, certain);
  worker_reader_push (self->reader, certain->str, certain->len, add_part, self);
  return stopped;
}

/* ---- tokens ---- */

static gboolean
append_token (Reply *self, int32_t token)
{
  struct pe_tokens *t = &self->tokens;
  if (!pe_grow (&t->ids, &t->capacity, t->n + 1, sizeof *t->ids)) {
    struct pe_error error = { .code = PE_ERROR_MEMORY, .offset = PE_NO_OFFSET };
    g_strlcpy (error.message, "not enough memory for the reply's tokens", sizeof error.message);
    fail (self, &error);
    return FALSE;
  }
  t->ids[t->n++] = token;
  return TRUE;
}

/* Reasoning is free; from the first token of the answer on the sampler follows the grammar. */
static gboolean
bind_answer (Reply *self)
{
  struct pe_error error;
  if (!self->grammar || self->is_bound || !worker_reader_is_answering (self->reader))
    return TRUE;
  const struct pe_vocab *vocab = pe_model_vocab (worker_model_get (self->model), NULL);
  self->is_bound = TRUE;
  if (pe_sampler_set_grammar (self->sampler, self->grammar, vocab, &error))
    return TRUE;
  fail (self, &error);
  return FALSE;
}

/* The next token from the logits of the last row. */
static void
choose_token (Reply *self, struct pe_runtime *runtime)
{
  if (!bind_answer (self))
    return;
  gint64 now = g_get_monotonic_time ();
  gsize n;
  const struct pe_best_logit *best = pe_runtime_best (runtime, 0, &n);
  int32_t token = best ? pe_sampler_sample_best (self->sampler, best, n)
                       : pe_sampler_sample (self->sampler, pe_runtime_logits (runtime, 0));
  if (token < 0) {
    struct pe_error error;
    pe_fail (&error, PE_ERROR_UNSUPPORTED,
             "no token of this model goes on with what the grammar asks for");
    fail (self, &error);
    return;
  }
  if (!self->first_token) {
    self->first_token = now;
    self->stats.prompt_seconds = (double) (now - self->started) / 1e6;
    self->stats.first_token_seconds = (double) (now - self->asked) / 1e6;
  }
  self->stats.reply_seconds = (double) (now - self->first_token) / 1e6;
  const struct pe_vocab *vocab = pe_model_vocab (worker_model_get (self->model), NULL);
  if (pe_token_ends_generation (vocab, token)) {
    reply_end (self, PARLEY_GENERATION_END, NULL);
    return;
  }
  if (!append_token (self, token))
    return;
  pe_sampler_accept (self->sampler, token);
  self->stats.reply_tokens++;
  if (take_text (self, token))
    reply_end (self, PARLEY_GENERATION_WORD, NULL);
  else if (self->wire.request.max_tokens &&
           self->stats.reply_tokens >= self->wire.request.max_tokens)
    reply_end (self, PARLEY_GENERATION_LENGTH, NULL);
  else if (self->tokens.n >= pe_runtime_plan (runtime)->request.n_ctx)
    reply_end (self, PARLEY_GENERATION_CONTEXT, NULL);
}

/* ---- steps ---- */

/* While one batch is under way on a GPU, the next can be begun, if both are known. */
static gsize
least_rows (const struct pe_plan_request *request)
{
  return request->n_batch * (request->n_gpu_layers > 0 ? 2 : 1);
}

/* As many whole batches for the next step as take about STEP_SECONDS: more would keep progress,
 * other replies and moved layers waiting. */
static void
adapt_step (Reply *self, const struct pe_plan_request *request, gsize n, gint64 microseconds)
{
  if (n < self->n_rows)
    return;
  double fit = STEP_SECONDS * 1e6 / (double) MAX (microseconds, 1) * (double) n;
  gsize batches = (gsize) MIN (fit / request->n_batch, MOST_BATCHES);
  self->n_rows = MIN (MAX (batches * request->n_batch, least_rows (request)), self->rows_capacity);
}

static bool
prepare_sampler (Reply *self, struct pe_error *error)
{
  static const char *const breakers[] = { "\n", ":", "\"", "*" };
  const ParleyGenerationRequest *request = &self->wire.request;
  const struct pe_model *model = worker_model_get (self->model);
  const char *schema = request->json_schema, *rules = request->grammar;
  if (schema && !pe_grammar_from_schema (schema, strlen (schema), &self->grammar, error))
    return false;
  if (rules && !pe_grammar_parse (rules, strlen (rules), &self->grammar, error))
    return false;
  return pe_sampler_new (&request->sampler, pe_model_info (model)->n_vocab, &self->sampler,
                         error) &&
         pe_sampler_set_dry_breakers (self->sampler, pe_model_vocab (model, NULL), breakers,
                                      G_N_ELEMENTS (breakers), error);
}

/* Renders, tokenises, and sets up the sampler. */
static gboolean
prepare (Reply *self, struct pe_runtime *runtime)
{
  struct pe_error error;
  GError *problem = NULL;
  if (!worker_prompt_make (self->model, &self->wire.request, &self->tokens, &self->reader,
                           &problem)) {
    reply_end (self, PARLEY_GENERATION_ERROR, problem);
    return FALSE;
  }
  gsize limit = pe_runtime_plan (runtime)->request.n_ctx;
  self->stats.prompt_tokens = (guint) self->tokens.n;
  if (self->tokens.n > limit) {
    pe_fail (&error, PE_ERROR_CONTEXT_FULL,
             "the conversation is %zu tokens long, and the context holds %zu", self->tokens.n,
             limit);
    fail (self, &error);
    return FALSE;
  }
  if (!prepare_sampler (self, &error)) {
    fail (self, &error);
    return FALSE;
  }
  for (gsize i = 0; i < self->tokens.n; i++)
    pe_sampler_accept (self->sampler, self->tokens.ids[i]);
  self->n_prompt = self->tokens.n;
  const struct pe_plan_request *request = &pe_runtime_plan (runtime)->request;
  self->n_rows = least_rows (request);
  self->rows_capacity = MOST_BATCHES * request->n_batch;
  self->rows = g_new (struct pe_row, self->rows_capacity);
  return TRUE;
}

static void
begin_counting (Reply *self, struct pe_runtime *runtime)
{
  struct pe_runtime_counters now;
  pe_runtime_counters (runtime, &now);
  self->first_row = now.rows_evaluated - self->stats.rows_evaluated;
  self->first_weight_byte = now.weight_bytes_read - self->stats.weight_bytes_read;
}

static void
count (Reply *self, struct pe_runtime *runtime)
{
  struct pe_runtime_counters now;
  pe_runtime_counters (runtime, &now);
  self->stats.rows_evaluated = now.rows_evaluated - self->first_row;
  self->stats.weight_bytes_read = now.weight_bytes_read - self->first_weight_byte;
}

static struct slot_wish
wish_of (const Reply *self)
{
  const ParleyGenerationRequest *request = &self->wire.request;
  return (struct slot_wish){ .conversation = request->conversation,
                             .is_private = request->is_private,
                             .is_aside = request->is_aside };
}

static void
fail_aside (Reply *self, struct pe_error *error)
{
  pe_fail (error, PE_ERROR_CONTEXT_FULL,
           "there is no room for this beside the conversations that the model remembers");
  fail (self, error);
}

/* What is asked aside is refused at once where it would be without room in the end. */
static void
find_room_aside (Reply *self, struct pe_runtime *runtime, struct slots *slots,
                 struct pe_error *error)
{
  const struct slot_wish wish = wish_of (self);
  gsize limit = pe_runtime_plan (runtime)->request.n_ctx;
  gsize end = MIN (self->tokens.n + self->wire.request.max_tokens, limit);
  while (wish.is_aside && !pe_sequence_has_room (self->slot->sequence, end))
    if (!slots_evict (slots, &wish)) {
      fail_aside (self, error);
      return;
    }
}

/* The pages that are missing may be had of conversations that rest; the prompt's length was checked
 * against the context before. */
static void
make_room (Reply *self, struct slots *slots, struct pe_error *error)
{
  const struct slot_wish wish = wish_of (self);
  if (slots_evict (slots, &wish))
    return;
  if (wish.is_aside)
    fail_aside (self, error);
  else
    fail (self, error);
}

static gboolean
acquire (Reply *self, struct pe_runtime *runtime, struct slots *slots, struct pe_error *error)
{
  const struct slot_wish wish = wish_of (self);
  self->slot = slots_acquire (slots, runtime, self->tokens.ids, self->tokens.n, &wish, error);
  if (!self->slot)
    return FALSE;
  begin_counting (self, runtime);
  if (!self->was_acquired) {
    self->was_acquired = TRUE;
    self->started = g_get_monotonic_time ();
    self->stats.cached_tokens = (guint) pe_sequence_n_tokens (self->slot->sequence);
    self->progress_due = TRUE;
    find_room_aside (self, runtime, slots, error);
  }
  return TRUE;
}

/* TRUE: dealt with, one way or the other; FALSE: the GPU failed. */
static gboolean
deal_with (Reply *self, const struct pe_error *error)
{
  if (worker_is_gpu_failure (error->code))
    return FALSE;
  fail (self, error);
  return TRUE;
}

gboolean
reply_step (Reply *self, struct pe_runtime *runtime, struct slots *slots, struct pe_error *error)
{
  if (g_atomic_int_get (&self->cancelled)) {
    reply_end (self, PARLEY_GENERATION_CANCELLED, NULL);
    return TRUE;
  }
  if (self->n_prompt == 0 && !prepare (self, runtime))
    return TRUE;
  if (!self->slot && !acquire (self, runtime, slots, error))
    return deal_with (self, error);
  if (self->over)
    return TRUE;

  struct pe_sequence *sequence = self->slot->sequence;
  gsize have = pe_sequence_n_tokens (sequence), left = self->tokens.n - have;
  gsize n = MIN (left, self->n_rows);
  for (gsize i = 0; i < n; i++)
    self->rows[i] = (struct pe_row){ sequence, self->tokens.ids[have + i], i + 1 == left };
  /* A grammar that waits for the answer may bind the token after this row. */
  pe_runtime_set_best (runtime, self->grammar ? 0 : pe_sampler_n_best (self->sampler));
  gint64 before = g_get_monotonic_time ();
  if (pe_runtime_compute (runtime, self->rows, n, error)) {
    adapt_step (self, &pe_runtime_plan (runtime)->request, n, g_get_monotonic_time () - before);
    count (self, runtime);
    if (n == left)
      choose_token (self, runtime);
    self->progress_due |= self->stats.reply_tokens == 0;
    return TRUE;
  }

  switch (error->code) {
  case PE_ERROR_CANCELLED: /* perhaps meant for the request before this one */
    pe_runtime_resume (runtime);
    return TRUE;
  case PE_ERROR_CONTEXT_FULL: make_room (self, slots, error); return TRUE;
  default: return deal_with (self, error);
  }
}

GVariant *
reply_token_bytes (const Reply *self)
{
  gint32 *ids = g_new (gint32, self->tokens.n);
  for (gsize i = 0; i < self->tokens.n; i++)
    ids[i] = GINT32_TO_LE (self->tokens.ids[i]);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, ids, self->tokens.n * sizeof *ids,
                                  TRUE, g_free, ids);
}
