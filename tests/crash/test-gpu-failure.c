/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GPU fails at every call that can fail, in every way: the model is loaded all the same, the
 * reply goes on from the tokens that it has, word for word, and what changed is said.
 *
 * By turns with the device lost, its memory full, and the driver's memory full, every fifth call;
 * with PARLEY_TEST_LONG every call in all three ways.
 */
#include "driver-leaks.h"
#include "engine/parley-engine.h"
#include "engine/vulkan/loader.h"
#include "harness.h"
#include "worker/load.h"

#define N_PROMPT 5
#define N_REPLY  16

static struct pe_model *model;
static struct pe_device_info devices[2];
static uint32_t n_vocab, n_steps; /* positions of the slider: layers + 1 */
static const int32_t prompt[N_PROMPT] = { 1, 403, 407, 261, 378 };
static int32_t expected[N_REPLY]; /* by the CPU */
static uint32_t best_of_talks;    /* see pe_runtime_set_best() */

/* What a worker does, without its wires. */
struct session {
  struct pe_runtime *runtime;
  struct pe_sequence *sequence;
  int32_t tokens[N_PROMPT + N_REPLY];
  size_t n_tokens;
  struct worker_recovery recovery;
  unsigned n_failures;
  uint32_t n_best;
  char note[WORKER_NOTE_BYTES];
};

static struct pe_plan_request
request_for (uint32_t n_gpu_layers)
{
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 256;
  request.n_batch = 4;
  request.n_gpu_layers = (int32_t) n_gpu_layers;
  request.k_type = request.v_type = PE_TYPE_F32;
  request.precision = PE_PRECISION_EXACT;
  return request;
}

static void
forget (void *data)
{
  struct session *s = data;
  pe_sequence_free (s->sequence);
  s->sequence = NULL;
}

static int32_t
likeliest (const float *logits)
{
  int32_t best = 0;
  for (uint32_t i = 1; i < n_vocab; i++)
    if (logits[i] > logits[best])
      best = (int32_t) i;
  return best;
}

/* Evaluates what the sequence does not hold yet, and chooses the next token: from all logits, or
 * from the best alone, with which the GPU goes on by itself. */
static bool
step (struct session *s, struct pe_error *error)
{
  pe_runtime_set_best (s->runtime, s->n_best);
  if (!s->sequence && !pe_sequence_new (s->runtime, &s->sequence, error))
    return false;
  struct pe_row rows[N_PROMPT + N_REPLY];
  size_t have = pe_sequence_n_tokens (s->sequence), n = s->n_tokens - have;
  for (size_t i = 0; i < n; i++)
    rows[i] = (struct pe_row){ s->sequence, s->tokens[have + i], i + 1 == n };
  if (!pe_runtime_compute (s->runtime, rows, n, error))
    return false;
  size_t n_best;
  const struct pe_best_logit *best = pe_runtime_best (s->runtime, 0, &n_best);
  s->tokens[s->n_tokens++] = best ? best->token : likeliest (pe_runtime_logits (s->runtime, 0));
  return true;
}

static bool
talk (struct session *s, uint32_t n_gpu_layers, struct pe_error *error)
{
  const struct pe_plan_request request = request_for (n_gpu_layers);
  memset (s, 0, sizeof *s);
  s->recovery = (struct worker_recovery){
    .model = model, .devices = devices, .n_devices = 2, .forget = forget, .data = s
  };
  memcpy (s->tokens, prompt, sizeof prompt);
  s->n_tokens = N_PROMPT;
  s->n_best = best_of_talks;
  if (!worker_load (model, &request, devices, n_gpu_layers ? 2 : 1, NULL, NULL, &s->runtime,
                    s->note, error))
    return false;
  while (s->n_tokens < N_PROMPT + N_REPLY) {
    if (step (s, error))
      continue;
    if (!worker_is_gpu_failure (error->code) || ++s->n_failures > 20 ||
        !worker_recover (&s->recovery, &s->runtime, s->note, error))
      return false;
  }
  return true;
}

static void
end (struct session *s)
{
  forget (s);
  pe_runtime_free (s->runtime);
  s->runtime = NULL;
}

/* One conversation with the nth call failing. */
struct outcome {
  bool ok, same, said;
  uint32_t n_failures, gpu_layers;
  uint64_t n_calls;
  struct pe_error error;
};

static struct outcome
with_fault (uint64_t nth, VkResult result)
{
  struct session s;
  struct outcome o = { 0 };
  pe_vk_fail_at (nth, result);
  o.ok = talk (&s, n_steps, &o.error);
  o.n_calls = pe_vk_fail_at (0, VK_SUCCESS);
  if (o.ok) {
    o.gpu_layers = pe_plan_gpu_layers (pe_runtime_plan (s.runtime));
    o.n_failures = s.n_failures;
    o.same = memcmp (s.tokens + N_PROMPT, expected, sizeof expected) == 0;
    o.said = s.note[0] && s.note[strlen (s.note) - 1] == '.';
  }
  end (&s);
  return o;
}

static uint64_t
count_calls (void)
{
  struct outcome o = with_fault (0, VK_SUCCESS);
  CHECK_MSG (o.ok && o.same, "%s", o.error.message);
  CHECK (o.n_failures == 0 && !o.said && o.gpu_layers == n_steps);
  return o.n_calls;
}

static void
fail_any_call (void)
{
  static const VkResult results[] = { VK_ERROR_DEVICE_LOST, VK_ERROR_OUT_OF_DEVICE_MEMORY,
                                      VK_ERROR_OUT_OF_HOST_MEMORY };
  bool all = getenv ("PARLEY_TEST_LONG") != NULL;
  const char *sanitize = getenv ("PARLEY_TEST_SANITIZE");
  uint64_t n_calls = count_calls (), step = all                     ? 1
                                            : sanitize && *sanitize ? 13
                                            : best_of_talks         ? 7
                                                                    : 5;
  unsigned n_tried = 0, n_loads = 0, n_replies = 0, n_fewer = 0, n_none = 0;
  CHECK (n_calls > 200);
  for (uint64_t nth = 1; nth <= n_calls; nth += step)
    for (unsigned k = 0; k < 3; k++) {
      if (!all && k != nth / step % 3)
        continue;
      struct outcome o = with_fault (nth, results[k]);
      CHECK_MSG (o.ok, "call %u, result %d: %s", (unsigned) nth, (int) results[k], o.error.message);
      CHECK_MSG (o.same, "call %u, result %d: other tokens", (unsigned) nth, (int) results[k]);
      CHECK_MSG (o.said || (o.n_failures == 0 && o.gpu_layers == n_steps),
                 "call %u, result %d: nothing is said", (unsigned) nth, (int) results[k]);
      n_tried++;
      n_replies += o.n_failures > 0;
      n_loads += o.n_failures == 0 && o.gpu_layers < n_steps;
      n_fewer += o.gpu_layers < n_steps && o.gpu_layers > 0;
      n_none += o.gpu_layers == 0;
    }
  printf ("# %u of %u calls made to fail: %u loads and %u replies went on another way, %u with "
          "fewer layers on the GPU, %u with none\n",
          n_tried, (unsigned) n_calls, n_loads, n_replies, n_fewer, n_none);
  CHECK (n_loads > 0 && n_replies > 0 && n_fewer > 0 && n_none > 0);
  count_calls ();
}

static void
any_call_may_fail (void)
{
  best_of_talks = 0;
  fail_any_call ();
}

/* The same while passes are under way ahead. */
static void
any_call_may_fail_ahead (void)
{
  best_of_talks = 1;
  fail_any_call ();
  best_of_talks = 0;
}

/* Full memory during a reply: some layers go, the sequence stays. */
static void
steps_down_in_a_reply (void)
{
  struct session s;
  struct pe_error error = { 0 };
  const struct pe_plan_request request = request_for (n_steps);
  memset (&s, 0, sizeof s);
  s.recovery = (struct worker_recovery){
    .model = model, .devices = devices, .n_devices = 2, .forget = forget, .data = &s
  };
  memcpy (s.tokens, prompt, sizeof prompt);
  s.n_tokens = N_PROMPT;
  bool ok = worker_load (model, &request, devices, 2, NULL, NULL, &s.runtime, s.note, &error) &&
            step (&s, &error);
  pe_vk_fail_at (2, VK_ERROR_OUT_OF_DEVICE_MEMORY);
  bool failed = ok && !step (&s, &error);
  pe_vk_fail_at (0, VK_SUCCESS);
  struct pe_sequence *before = s.sequence;
  ok = failed && worker_recover (&s.recovery, &s.runtime, s.note, &error);
  uint32_t now = ok ? pe_plan_gpu_layers (pe_runtime_plan (s.runtime)) : 0;
  struct pe_runtime_counters counters = { 0 };
  while (ok && s.n_tokens < N_PROMPT + N_REPLY)
    ok = step (&s, &error);
  if (s.runtime)
    pe_runtime_counters (s.runtime, &counters);
  bool kept = s.sequence == before && counters.rows_evaluated == N_PROMPT + N_REPLY - 1;
  end (&s);
  CHECK_MSG (ok, "%s", error.message);
  CHECK (kept && now == n_steps - 1 && s.recovery.n_losses == 0);
  CHECK (memcmp (s.tokens + N_PROMPT, expected, sizeof expected) == 0);
  char wanted[128];
  snprintf (wanted, sizeof wanted, "%u of %u layers are on the GPU instead of %u.", now, n_steps,
            n_steps);
  CHECK_MSG (strstr (s.note, wanted), "%s", s.note);
}

/* The device is lost again and again: in the end it is not asked any more. */
static void
gives_up_a_bad_device (void)
{
  struct session s;
  struct pe_error error = { 0 };
  struct pe_plan_request request = request_for (n_steps);
  memset (&s, 0, sizeof s);
  s.recovery = (struct worker_recovery){
    .model = model, .devices = devices, .n_devices = 2, .forget = forget, .data = &s
  };
  memcpy (s.tokens, prompt, sizeof prompt);
  s.n_tokens = N_PROMPT;
  bool ok = worker_load (model, &request, devices, 2, NULL, NULL, &s.runtime, s.note, &error);
  uint32_t layers[WORKER_MAX_LOSSES + 1] = { 0 };
  for (unsigned i = 0; i <= WORKER_MAX_LOSSES && ok; i++) {
    pe_vk_fail_at (3, VK_ERROR_DEVICE_LOST);
    ok = !step (&s, &error);
    pe_vk_fail_at (0, VK_SUCCESS);
    ok = ok && worker_recover (&s.recovery, &s.runtime, s.note, &error) && step (&s, &error);
    layers[i] = ok ? pe_plan_gpu_layers (pe_runtime_plan (s.runtime)) : 0;
  }
  while (ok && s.n_tokens < N_PROMPT + N_REPLY)
    ok = step (&s, &error);
  end (&s);
  CHECK_MSG (ok, "%s", error.message);
  CHECK (layers[0] == n_steps && layers[1] == n_steps && layers[2] == 0);
  CHECK (memcmp (s.tokens + N_PROMPT, expected, sizeof expected) == 0);
}

/* Others take the GPU's memory: as many layers have room as the budget says. */
static void
budgets_are_heeded (void)
{
  struct pe_error error = { 0 };
  struct pe_runtime *runtime = NULL;
  struct pe_plan_request request = request_for (n_steps);
  char note[WORKER_NOTE_BYTES];
  bool ok = worker_load (model, &request, devices, 2, NULL, NULL, &runtime, note, &error);
  CHECK_MSG (ok, "%s", error.message);
  uint64_t all = pe_runtime_allocated (runtime, 1, PE_MEMORY_KIND_COUNT);
  uint32_t unlimited = pe_runtime_fitting_layers (runtime);
  pe_vk_budget_at (0, all);
  uint32_t exact = pe_runtime_fitting_layers (runtime);
  pe_vk_budget_at (0, all - 1);
  uint32_t less = pe_runtime_fitting_layers (runtime);
  ok = pe_runtime_place (runtime, less, &error);
  uint64_t then = pe_runtime_allocated (runtime, 1, PE_MEMORY_KIND_COUNT);
  uint32_t settled = pe_runtime_fitting_layers (runtime);
  pe_vk_budget_at (0, 1);
  uint32_t none = pe_runtime_fitting_layers (runtime);
  pe_vk_budget_at (0, 0);
  pe_runtime_free (runtime);
  CHECK_MSG (ok, "%s", error.message);
  CHECK (unlimited == n_steps && exact == n_steps && less == n_steps - 1);
  CHECK (then < all && settled == less && none == 0);
}

static bool
prepare (const char **why)
{
  static char reason[256];
  struct pe_device_info found[PE_MAX_DEVICES];
  struct pe_error error = { 0 };
  struct session s;
  char path[1024];
  const char *folder = getenv ("PARLEY_TEST_MODELS");
  *why = reason;
  snprintf (path, sizeof path, "%s/stories260k.gguf", folder ? folder : "");
  if (pe_devices_list (found, PE_MAX_DEVICES, true, reason) < 2)
    return false;
  memcpy (devices, found, sizeof devices);
  bool ok = pe_model_open (path, &model, &error);
  if (ok) {
    n_vocab = pe_model_info (model)->n_vocab;
    n_steps = pe_model_info (model)->n_layers + 1;
    ok = talk (&s, 0, &error);
    memcpy (expected, s.tokens + N_PROMPT, sizeof expected);
    end (&s);
  }
  snprintf (reason, sizeof reason, "%.200s", error.message);
  return ok;
}

int
main (void)
{
  const char *why;
  if (!prepare (&why)) {
    printf ("ok 1 - gpu-failure # SKIP %s\n1..1\n", why);
    return 0;
  }
  RUN (any_call_may_fail);
  RUN (any_call_may_fail_ahead);
  RUN (steps_down_in_a_reply);
  RUN (gives_up_a_bad_device);
  RUN (budgets_are_heeded);
  pe_model_close (model);
  return test_done ();
}
