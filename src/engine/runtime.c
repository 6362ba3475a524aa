/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/runtime.h"

#include "base/alloc.h"
#include "engine/internal.h"
#include "engine/sampler.h"
#include "engine/split.h"

#include <string.h>

/* ---- create, free ---- */

static bool
open_backends (struct pe_runtime *r, const void *kernels, size_t n_kernels, struct pe_error *error)
{
  for (size_t d = 0; d < r->plan->n_devices; d++) {
    r->ops[d] = r->plan->devices[d].kind == PE_DEVICE_CPU ? &pe_cpu_backend : &pe_vulkan_backend;
    struct pe_backend_context context = {
      .model = r->model,
      .program = r->program,
      .plan = r->plan,
      .device = d,
      .kv = &r->kv,
      .cancel = pe_runtime_has_state (r) ? &r->never : &r->cancel,
      .host_ops = d > 0 ? r->ops[0] : NULL,
      .host = d > 0 ? r->backends[0] : NULL,
      .kernels = kernels,
      .n_kernels = n_kernels,
    };
    if (!r->ops[d]->open (&context, &r->backends[d], error))
      return false;
    r->n_devices = d + 1;
  }
  return true;
}

static uint64_t
stage_bytes (const struct pe_plan *plan, uint32_t stage)
{
  const struct pe_allocation *a =
      pe_plan_find (plan, plan->stage_device[stage], PE_MEMORY_WEIGHTS, stage, 0);
  return a ? a->bytes : 0;
}

static bool
load_stages (struct pe_runtime *r, const struct pe_progress *progress, struct pe_error *error)
{
  uint64_t total = 0, done = 0;
  uint32_t n = pe_program_n_stages (r->program);
  /* All memory first: where it is short, that shows before anything was read. */
  for (uint32_t s = 0; s < n; s++) {
    size_t d = pe_runtime_stage_device (r, s);
    if (!r->ops[d]->reserve_stage (r->backends[d], s, error))
      return false;
    total += stage_bytes (r->plan, s);
  }
  for (uint32_t s = 0; s < n; s++) {
    size_t d = pe_runtime_stage_device (r, s);
    if (!r->ops[d]->load_stage (r->backends[d], s, false, error))
      return false;
    done += stage_bytes (r->plan, s);
    if (progress && !progress->step (progress->data, done, total))
      return pe_fail (error, PE_ERROR_CANCELLED, "loading was stopped");
  }
  return true;
}

/* A plan of our own: the same request for the same devices gives the same plan. */
static bool
copy_plan (const struct pe_model *model, const struct pe_plan *plan, uint32_t n_gpu_layers,
           uint32_t n_cpu_experts, struct pe_plan **out, struct pe_error *error)
{
  struct pe_plan_request request = plan->request;
  request.n_gpu_layers = (int32_t) n_gpu_layers;
  request.n_cpu_experts = n_cpu_experts;
  return pe_plan_make (model, &request, plan->devices, plan->n_devices, out, error);
}

bool
pe_runtime_create (const struct pe_model *model, const struct pe_plan *plan,
                   const struct pe_progress *progress, struct pe_runtime **out,
                   struct pe_error *error)
{
  return pe_runtime_create_with (model, plan, progress, NULL, 0, out, error);
}

static bool
make_pass (struct pe_runtime_pass *p, uint32_t n, struct pe_error *error)
{
  p->tokens = pe_calloc (n, sizeof *p->tokens);
  p->positions = pe_calloc (n, sizeof *p->positions);
  p->row_span = pe_calloc (n, sizeof *p->row_span);
  p->out_rows = pe_calloc (n, sizeof *p->out_rows);
  p->spans = pe_calloc (n, sizeof *p->spans);
  return (p->tokens && p->positions && p->row_span && p->out_rows && p->spans) ||
         pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
}

static void
clear_pass (struct pe_runtime_pass *p)
{
  pe_free (p->tokens);
  pe_free (p->positions);
  pe_free (p->row_span);
  pe_free (p->out_rows);
  pe_free (p->spans);
}

bool
pe_runtime_create_with (const struct pe_model *model, const struct pe_plan *plan,
                        const struct pe_progress *progress, const void *kernels, size_t n_kernels,
                        struct pe_runtime **out, struct pe_error *error)
{
  struct pe_runtime *r = pe_calloc (1, sizeof *r);
  if (!r)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  r->model = model;
  r->program = pe_model_program (model);
  bool ok = copy_plan (model, plan, (uint32_t) plan->request.n_gpu_layers,
                       plan->request.n_cpu_experts, &r->plan, error) &&
            pe_kv_geometry_make (r->program, &r->plan->request, &r->kv, error) &&
            pe_page_pool_init (&r->pages[PE_POOL_ALL], r->kv.n_pages[PE_POOL_ALL], error) &&
            pe_page_pool_init (&r->pages[PE_POOL_WINDOW], r->kv.n_pages[PE_POOL_WINDOW], error);
  for (size_t i = 0; i < 2 && ok; i++)
    ok = make_pass (&r->passes[i], r->plan->request.n_batch, error);
  ok = ok && pe_buffer_take (&r->logits, r->plan, 0, PE_MEMORY_LOGITS, PE_STAGE_NONE, 0, &r->count,
                             error);
  if (ok && r->plan->n_devices > 1)
    ok = pe_buffer_take (&r->exchange, r->plan, 0, PE_MEMORY_STAGING, PE_STAGE_NONE, 0, &r->count,
                         error);
  ok = ok && open_backends (r, kernels, n_kernels, error) && load_stages (r, progress, error);
  if (!ok) {
    pe_runtime_free (r);
    return false;
  }
  *out = r;
  return true;
}

static void
drop_retired_plans (struct pe_runtime *r)
{
  while (r->n_retired)
    pe_plan_free (r->retired[--r->n_retired]);
}

void
pe_runtime_free (struct pe_runtime *r)
{
  if (!r)
    return;
  while (r->sequences)
    pe_sequence_free (r->sequences);
  for (size_t d = 0; d < r->n_devices; d++)
    r->ops[d]->close (r->backends[d]);
  pe_buffer_give (&r->exchange, &r->count);
  pe_buffer_give (&r->logits, &r->count);
  for (size_t i = 0; i < PE_POOL_COUNT; i++)
    pe_page_pool_clear (&r->pages[i]);
  pe_kv_geometry_clear (&r->kv);
  drop_retired_plans (r);
  pe_free (r->retired);
  pe_plan_free (r->plan);
  for (size_t i = 0; i < 2; i++)
    clear_pass (&r->passes[i]);
  pe_free (r);
}

const struct pe_plan *
pe_runtime_plan (const struct pe_runtime *runtime)
{
  return runtime->plan;
}

uint64_t
pe_runtime_allocated (const struct pe_runtime *r, size_t device, enum pe_memory_kind kind)
{
  uint64_t sum = 0;
  for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++) {
    if (kind != PE_MEMORY_KIND_COUNT && (int) kind != k)
      continue;
    if (device < r->n_devices)
      sum += r->ops[device]->allocated (r->backends[device], (enum pe_memory_kind) k);
    if (device == 0)
      sum += r->count.bytes[k];
    if (device == 0 && k == PE_MEMORY_MODEL)
      sum += pe_model_info (r->model)->memory_bytes;
  }
  return sum;
}

void
pe_runtime_counters (const struct pe_runtime *r, struct pe_runtime_counters *out)
{
  *out = r->counters;
  for (size_t d = 0; d < r->n_devices; d++) {
    struct pe_backend_count c;
    r->ops[d]->count (r->backends[d], &c);
    out->gpu_submits += c.submits;
    out->gpu_dispatches += c.dispatches;
    out->weight_bytes_read += c.weight_bytes;
    out->weight_bytes_moved += c.mapped_bytes;
    out->kernels_ahead += c.kernels_ahead;
    out->kernels_late += c.kernels_late;
    out->kernel_bytes += c.kernel_bytes;
    out->gpu_result_bytes += c.result_bytes;
    out->cpu_barriers += c.barriers;
    if (c.longest_submit > out->gpu_longest_submit)
      out->gpu_longest_submit = c.longest_submit;
  }
}

void *
pe_runtime_kernels (struct pe_runtime *r, const void *before, size_t n_before, size_t *n_bytes)
{
  void *file = NULL;
  *n_bytes = 0;
  for (size_t d = 0; d < r->n_devices; d++) {
    size_t n;
    void *more = r->ops[d]->kernels ? r->ops[d]->kernels (r->backends[d], file ? file : before,
                                                          file ? *n_bytes : n_before, &n)
                                    : NULL;
    if (!more)
      continue;
    pe_free (file);
    file = more;
    *n_bytes = n;
  }
  return file;
}

/* ---- moving layers ---- */

static bool
move_cache (struct pe_runtime *r, uint32_t stage, size_t from, size_t to, struct pe_error *error)
{
  if (stage == 0 || stage > r->program->n_layers)
    return true;
  uint32_t il = stage - 1;
  uint64_t page = r->kv.layers[il].page_bytes, state = r->kv.state_bytes[il];
  uint32_t pool = r->kv.layers[il].pool;
  void *host = pe_malloc (page > state ? page : state);
  if (!host)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to move a layer");
  bool ok = true;
  for (uint32_t p = 0; p < r->kv.n_pages[pool] && page && ok; p++)
    if (r->pages[pool].references[p])
      ok = r->ops[from]->read_page (r->backends[from], stage, p, host, error) &&
           r->ops[to]->write_page (r->backends[to], stage, p, host, error);
  for (uint32_t slot = 0; slot < r->kv.n_state_slots && state && ok; slot++)
    ok = r->ops[from]->read_state (r->backends[from], stage, slot, host, error) &&
         r->ops[to]->write_state (r->backends[to], stage, slot, host, error);
  pe_free (host);
  return ok;
}

static bool
move_stage (struct pe_runtime *r, uint32_t stage, size_t from, size_t to, struct pe_error *error)
{
  if (!r->ops[to]->load_stage (r->backends[to], stage, true, error))
    return false;
  if (!move_cache (r, stage, from, to, error)) {
    r->ops[to]->drop_stage (r->backends[to], stage);
    return false;
  }
  r->ops[from]->drop_stage (r->backends[from], stage);
  return true;
}

static bool
replan_backends (struct pe_runtime *r, const struct pe_plan *plan, struct pe_error *error)
{
  for (size_t d = 0; d < r->n_devices; d++)
    if (!r->ops[d]->replan (r->backends[d], plan, error))
      return false;
  return true;
}

/* Brings the stages to where `plan` wants them; r->plan->stage_device follows what is done. Layers
 * go up from the last to the first and come back the other way round. */
static bool
apply_plan (struct pe_runtime *r, const struct pe_plan *plan, bool up, struct pe_error *error)
{
  uint32_t n = pe_program_n_stages (r->program);
  if (!replan_backends (r, plan, error))
    return false;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t stage = up ? n - 1 - i : i;
    size_t from = r->plan->stage_device[stage], to = plan->stage_device[stage];
    if (from == to)
      continue;
    if (!move_stage (r, stage, from, to, error))
      return false;
    r->plan->stage_device[stage] = (uint16_t) to;
  }
  return true;
}

/* Of a plan that all backends have accepted. */
static void
take_plan (struct pe_runtime *r, struct pe_plan *plan)
{
  drop_retired_plans (r);
  pe_plan_free (r->plan);
  r->plan = plan;
}

/* A plan that was tried: one of the backends may have kept it, until the next that all accept. */
static void
retire_plan (struct pe_runtime *r, struct pe_plan *plan)
{
  r->retired[r->n_retired++] = plan;
}

static bool
needs_no_more (const struct pe_runtime *r, const struct pe_plan *plan)
{
  for (uint32_t s = 0; s < pe_program_n_stages (r->program); s++)
    if (plan->stage_device[s] && plan->stage_device[s] != r->plan->stage_device[s])
      return false;
  return true;
}

/* After a move that stopped half-way: the largest plan that asks for nothing new on the GPU. What
 * lies there beyond it comes back to the CPU. */
static void
settle (struct pe_runtime *r, uint32_t n)
{
  for (struct pe_plan *plan;
       copy_plan (r->model, r->plan, n, r->plan->request.n_cpu_experts, &plan, NULL); n--) {
    if (needs_no_more (r, plan) && apply_plan (r, plan, false, NULL)) {
      take_plan (r, plan);
      return;
    }
    retire_plan (r, plan);
    if (n == 0)
      return;
  }
}

static bool
place (struct pe_runtime *r, uint32_t n_gpu_layers, uint32_t n_cpu_experts, struct pe_error *error)
{
  uint32_t now = (uint32_t) r->plan->request.n_gpu_layers;
  struct pe_plan *plan;
  pe_runtime_drop_guess (r);
  if (r->n_devices < 2 && n_gpu_layers > 0)
    return pe_fail (error, PE_ERROR_DEVICE, "this computer has no GPU that the engine can use");
  if (!copy_plan (r->model, r->plan, n_gpu_layers, n_cpu_experts, &plan, error))
    return false;
  uint32_t wanted = (uint32_t) plan->request.n_gpu_layers;
  /* This plan, and one for every count of layers down to none: see settle(). */
  if (!pe_grow (&r->retired, &r->retired_capacity, r->n_retired + wanted + 2,
                sizeof (struct pe_plan *))) {
    pe_plan_free (plan);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to move layers");
  }
  if (apply_plan (r, plan, wanted > now, error)) {
    take_plan (r, plan);
    return true;
  }
  retire_plan (r, plan);
  settle (r, wanted);
  return false;
}

bool
pe_runtime_place (struct pe_runtime *r, uint32_t n_gpu_layers, struct pe_error *error)
{
  return place (r, n_gpu_layers, r->plan->request.n_cpu_experts, error);
}

/* The layers in question, and those below, are on the CPU while the border moves. */
bool
pe_runtime_place_experts (struct pe_runtime *r, uint32_t n_cpu_experts, struct pe_error *error)
{
  uint32_t n_layers = r->program->n_layers, before = r->plan->request.n_cpu_experts;
  uint32_t n_gpu_layers = (uint32_t) r->plan->request.n_gpu_layers;
  uint32_t n = n_cpu_experts < n_layers ? n_cpu_experts : n_layers;
  uint32_t meanwhile = n_layers + 1 - (n > before ? n : before);
  if (n == before)
    return true;
  if (meanwhile > n_gpu_layers)
    meanwhile = n_gpu_layers;
  bool ok = place (r, meanwhile, before, error) && place (r, meanwhile, n, error);
  return place (r, n_gpu_layers, r->plan->request.n_cpu_experts, ok ? error : NULL) && ok;
}

/* How far a plan is over what the devices have left beside what they hold now. */
static bool
fits_budgets (struct pe_runtime *r, const struct pe_plan *plan, bool *known)
{
  for (size_t d = 1; d < r->n_devices; d++) {
    int64_t left;
    if (!r->ops[d]->memory_left || !r->ops[d]->memory_left (r->backends[d], &left))
      continue;
    *known = true;
    int64_t now = (int64_t) pe_runtime_allocated (r, d, PE_MEMORY_KIND_COUNT);
    if ((int64_t) pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT) > now + left)
      return false;
  }
  return true;
}

uint32_t
pe_runtime_fitting_layers (struct pe_runtime *r)
{
  uint32_t now = (uint32_t) r->plan->request.n_gpu_layers, n = now;
  bool known = false;
  if (n == 0 || fits_budgets (r, r->plan, &known) || !known)
    return now;
  while (n > 0) {
    struct pe_plan *plan;
    if (!copy_plan (r->model, r->plan, n - 1, r->plan->request.n_cpu_experts, &plan, NULL))
      return now;
    bool fits = fits_budgets (r, plan, &known);
    pe_plan_free (plan);
    n--;
    if (fits)
      break;
  }
  return n;
}

/* ---- computing ---- */

void
pe_runtime_cancel (struct pe_runtime *runtime)
{
  atomic_store (&runtime->cancel, true);
}

void
pe_runtime_resume (struct pe_runtime *runtime)
{
  atomic_store (&runtime->cancel, false);
}

/* Turns rows into a pass: spans of the same sequence, positions, pages. */
static bool
prepare_pass (struct pe_runtime *r, const struct pe_row *rows, uint32_t n,
              struct pe_runtime_pass *p, struct pe_error *error)
{
  struct pe_pass *pass = &p->pass;
  *pass = (struct pe_pass){ .n_rows = n,
                            .tokens = p->tokens,
                            .positions = p->positions,
                            .row_span = p->row_span,
                            .spans = p->spans,
                            .out_rows = p->out_rows,
                            .n_best = r->n_given };
  p->rows = rows;
  p->is_over = false;
  for (uint32_t i = 0; i < n;) {
    struct pe_sequence *s = rows[i].sequence;
    uint32_t end = i + 1;
    while (end < n && rows[end].sequence == s)
      end++;
    /* The same sequence may have had a span in this pass already. */
    size_t before = 0;
    for (uint32_t k = 0; k < i; k++)
      before += rows[k].sequence == s;
    if (!pe_sequence_reserve (s, before + (end - i), error))
      return false;
    uint32_t position = (uint32_t) (s->n_tokens + s->n_pending + before);
    for (uint32_t k = i; k < end; k++) {
      p->tokens[k] = rows[k].token;
      p->positions[k] = position + (k - i);
      p->row_span[k] = pass->n_spans;
      if (rows[k].want_logits)
        p->out_rows[pass->n_out++] = k;
    }
    p->spans[pass->n_spans++] = (struct pe_span){
      .row = i, .n_rows = end - i, .position = position, .state_slot = s->state_slot
    };
    i = end;
  }
  /* Only now do the page tables stand still. */
  for (uint32_t i = 0; i < pass->n_spans; i++) {
    const struct pe_sequence *s = rows[p->spans[i].row].sequence;
    for (uint32_t pool = 0; pool < PE_POOL_COUNT; pool++)
      p->spans[i].pages[pool] = s->pages[pool].slots;
  }
  return true;
}

/* ---- a pass over the devices ---- */

/* Its rows belong to their sequences. */
static void
commit_pass (struct pe_runtime *r, struct pe_runtime_pass *p)
{
  for (uint32_t i = 0; i < p->pass.n_rows; i++) {
    struct pe_sequence *s = p->rows[i].sequence;
    s->tokens[s->n_tokens++] = p->rows[i].token;
    s->n_pending--;
  }
  for (uint32_t i = 0; i < p->pass.n_spans; i++) {
    const struct pe_span *span = &p->spans[i];
    struct pe_sequence *s = p->rows[span->row].sequence;
    s->was_asked = p->rows[span->row + span->n_rows - 1].want_logits;
    pe_sequence_move_windows (s);
  }
  r->n_logits += p->pass.n_out;
  r->counters.rows_evaluated += p->pass.n_rows;
  r->counters.passes++;
}

/* As if it had never begun; recurrent state that it may have changed is of no use. */
static void
forget_pass (struct pe_runtime_pass *p)
{
  for (uint32_t i = 0; i < p->pass.n_rows; i++)
    p->rows[i].sequence->n_pending--;
  for (uint32_t i = 0; i < p->pass.n_rows; i++)
    if (i == 0 || p->rows[i].sequence != p->rows[i - 1].sequence)
      pe_sequence_invalidate (p->rows[i].sequence);
}

static bool
wait_for_pass (struct pe_runtime *r, struct pe_runtime_pass *p, struct pe_error *error)
{
  bool ok = p->is_over || r->ops[p->device]->finish (r->backends[p->device], error);
  p->is_over = true;
  return ok;
}

/* Ends the pass under way, if there is one. */
static bool
settle_pass (struct pe_runtime *r, struct pe_error *error)
{
  struct pe_runtime_pass *p = r->under_way;
  if (!p)
    return true;
  r->under_way = NULL;
  bool ok = wait_for_pass (r, p, error);
  if (ok)
    commit_pass (r, p);
  else
    forget_pass (p);
  return ok;
}

/* The device that can go from tokens to logits by itself; 0: none. */
static size_t
whole_device (const struct pe_runtime *r)
{
  uint32_t n_stages = pe_program_n_stages (r->program);
  size_t d = pe_runtime_stage_device (r, 1);
  for (uint32_t s = 2; s < n_stages && d; s++)
    d = pe_runtime_stage_device (r, s) == d ? d : 0;
  return d && r->ops[d]->embeds && r->ops[d]->embeds (r->backends[d]) ? d : 0;
}

/* Stages of one device are one span; the carried rows cross through host memory between spans. The
 * last span stays under way where its device can have two. */
static bool
start_spans (struct pe_runtime *r, struct pe_runtime_pass *p, struct pe_error *error)
{
  uint32_t n_stages = pe_program_n_stages (r->program);
  struct pe_exchange exchange = { .in = NULL, .out = r->exchange.data };
  exchange.logits =
      (float *) r->logits.data + r->n_wanted * r->program->values[r->program->logits].width;
  exchange.best = (struct pe_best_logit *) r->logits.data + r->n_wanted * r->n_given;
  size_t whole = whole_device (r);
  for (uint32_t first = 0, end; first < n_stages; first = end) {
    size_t d = whole ? whole : pe_runtime_stage_device (r, first);
    for (end = first + 1; end < n_stages && (whole || pe_runtime_stage_device (r, end) == d); end++)
      ;
    if (first > 0)
      exchange.in = r->exchange.data;
    if (end == n_stages)
      exchange.out = NULL;
    /* What it finishes is the oldest: the pass before must not be that. */
    bool stays = end == n_stages && r->ops[d]->n_under_way > 1;
    if (!stays && r->under_way && r->under_way->device == d && !settle_pass (r, error))
      return false;
    if (!r->ops[d]->start (r->backends[d], &p->pass, first, end, &exchange, error))
      return false;
    p->device = d;
    if (!stays && !r->ops[d]->finish (r->backends[d], error))
      return false;
    p->is_over = !stays;
  }
  return true;
}

/* Starts a pass, then ends the one before. */
static bool
run_pass (struct pe_runtime *r, const struct pe_row *rows, uint32_t n, struct pe_error *error)
{
  struct pe_runtime_pass *p = &r->passes[r->under_way == &r->passes[0]];
  if (!prepare_pass (r, rows, n, p, error))
    return false;
  for (uint32_t i = 0; i < n; i++)
    rows[i].sequence->n_pending++;
  bool ok = start_spans (r, p, error);
  r->n_wanted += p->pass.n_out;
  r->counters.passes_ahead += ok && r->under_way;
  if (!settle_pass (r, ok ? error : NULL) && ok) {
    wait_for_pass (r, p, NULL);
    ok = false;
  }
  if (ok)
    r->under_way = p;
  else
    forget_pass (p);
  return ok;
}

static bool
check_rows (struct pe_runtime *r, const struct pe_row *rows, size_t n, struct pe_error *error)
{
  size_t n_wanted = 0;
  for (size_t i = 0; i < n; i++) {
    if (!rows[i].sequence || rows[i].sequence->runtime != r)
      return pe_fail (error, PE_ERROR_ARGUMENT, "row %zu belongs to no sequence of this model", i);
    if (rows[i].token < 0 || (uint32_t) rows[i].token >= pe_model_info (r->model)->n_vocab)
      return pe_fail (error, PE_ERROR_ARGUMENT, "token %d is not in the vocabulary of %u",
                      rows[i].token, pe_model_info (r->model)->n_vocab);
    n_wanted += rows[i].want_logits;
  }
  if (n_wanted > r->plan->request.n_outputs)
    return pe_fail (error, PE_ERROR_ARGUMENT, "%zu rows want logits, but the plan has room for %u",
                    n_wanted, r->plan->request.n_outputs);
  return true;
}

/* A prompt begins: the place to come back to, for models that cannot rewind. */
static bool
remember_turn (struct pe_runtime *r, const struct pe_row *rows, size_t n, struct pe_error *error)
{
  if (!pe_runtime_has_checkpoints (r))
    return true;
  for (size_t i = 0; i < n; i++) {
    bool first = i == 0 || rows[i].sequence != rows[i - 1].sequence;
    bool more = i + 1 < n && rows[i + 1].sequence == rows[i].sequence;
    if (first && more && rows[i].sequence->n_tokens > 0 && rows[i].sequence->was_asked &&
        !pe_sequence_checkpoint (rows[i].sequence, error))
      return false;
  }
  return true;
}

/* ---- going on by itself ---- */

void
pe_runtime_drop_guess (struct pe_runtime *r)
{
  struct pe_runtime_pass *p = r->guess;
  if (!p)
    return;
  r->guess = NULL;
  /* Its result comes where that of the last call is, which stays until the next. */
  struct pe_best_logit *best = r->logits.data, last = *best;
  wait_for_pass (r, p, NULL);
  *best = last;
  p->rows->sequence->n_pending--;
  pe_sequence_trim (p->rows->sequence);
}

/* Experts in RAM are computed while a pass is handed in: nothing would be gained. */
static bool
has_ram_parts (const struct pe_runtime *r)
{
  for (uint32_t s = 1; s < pe_program_n_stages (r->program); s++)
    if (!pe_ram_part_is_none (pe_ram_part (r->program, r->plan, s)))
      return true;
  return false;
}

/* Whether the device may go on with what it will choose for this row. Recurrent state cannot take
 * a step back. */
static bool
may_guess (const struct pe_runtime *r, const struct pe_row *rows, size_t n_rows)
{
  return n_rows == 1 && rows[0].want_logits && r->n_given == 1 && !pe_runtime_has_state (r) &&
         whole_device (r) && !has_ram_parts (r);
}

static bool
is_guessed (const struct pe_runtime *r, const struct pe_row *rows, size_t n_rows)
{
  return r->guess && may_guess (r, rows, n_rows) && rows[0].sequence == r->guessed.sequence &&
         rows[0].token == r->guessed.token;
}

/* Begins the row behind `row`, whose token is not known yet. Where it cannot be, there is none. */
static void
begin_guess (struct pe_runtime *r, const struct pe_row *row, struct pe_runtime_pass *behind)
{
  struct pe_runtime_pass *p = &r->passes[behind == &r->passes[0]];
  r->guessed = (struct pe_row){ row->sequence, 0, true };
  if (!prepare_pass (r, &r->guessed, 1, p, NULL)) {
    pe_sequence_trim (row->sequence);
    return;
  }
  p->pass.is_fed = p->pass.feeds_next = true;
  row->sequence->n_pending++;
  if (start_spans (r, p, NULL)) {
    r->guess = p;
    r->counters.passes_ahead++;
  } else {
    row->sequence->n_pending--;
    pe_sequence_trim (row->sequence);
  }
}

/* One row whose successor the device begins by itself, and which may be begun already. */
static bool
run_guessing (struct pe_runtime *r, const struct pe_row *row, struct pe_error *error)
{
  struct pe_runtime_pass *p = r->guess;
  r->guess = NULL;
  if (!p) {
    p = &r->passes[0];
    if (!prepare_pass (r, row, 1, p, error))
      return false;
    p->pass.feeds_next = true;
    row->sequence->n_pending++;
    if (!start_spans (r, p, error)) {
      forget_pass (p);
      return false;
    }
  }
  p->rows = row;
  begin_guess (r, row, p);
  if (!wait_for_pass (r, p, error)) {
    pe_runtime_drop_guess (r);
    forget_pass (p);
    return false;
  }
  commit_pass (r, p);
  r->guessed.token = ((const struct pe_best_logit *) r->logits.data)->token;
  return true;
}

/* So many of the rows that are left go into the next pass. */
static uint32_t
rows_of_pass (struct pe_runtime *r, const struct pe_row *rows, size_t n_left)
{
  uint32_t most = r->plan->request.n_batch;
  uint32_t n = n_left < most ? (uint32_t) n_left : most;
  const struct pe_sequence *s = rows[0].sequence;
  for (size_t d = 0; d < r->n_devices && n > 1; d++) {
    most = r->ops[d]->most_rows
               ? r->ops[d]->most_rows (r->backends[d], (uint32_t) (s->n_tokens + s->n_pending) + n)
               : n;
    n = n < most ? n : most;
  }
  return n;
}

/* The host's memory for logits holds two sets of them: see pe_gpu_record_best(). */
static uint32_t
best_to_give (const struct pe_runtime *r)
{
  size_t d = pe_runtime_stage_device (r, pe_program_n_stages (r->program) - 1);
  uint32_t width = r->program->values[r->program->logits].width;
  return r->ops[d]->picks_best && r->n_best <= PE_MAX_BEST && r->n_best <= width / 4 ? r->n_best
                                                                                     : 0;
}

void
pe_runtime_set_best (struct pe_runtime *r, uint32_t n)
{
  r->n_best = n;
}

bool
pe_runtime_compute (struct pe_runtime *r, const struct pe_row *rows, size_t n_rows,
                    struct pe_error *error)
{
  r->n_logits = r->n_wanted = 0;
  r->n_given = best_to_give (r);
  if (!is_guessed (r, rows, n_rows))
    pe_runtime_drop_guess (r);
  if (!check_rows (r, rows, n_rows, error) || !remember_turn (r, rows, n_rows, error))
    return false;
  if (may_guess (r, rows, n_rows))
    return atomic_load (&r->cancel) ? pe_fail (error, PE_ERROR_CANCELLED, "stopped")
                                    : run_guessing (r, rows, error);
  bool ok = true;
  for (size_t done = 0; done < n_rows && ok;) {
    uint32_t n = rows_of_pass (r, rows + done, n_rows - done);
    ok = !atomic_load (&r->cancel) || pe_fail (error, PE_ERROR_CANCELLED, "stopped");
    ok = ok && run_pass (r, rows + done, n, error);
    done += n;
  }
  return settle_pass (r, ok ? error : NULL) && ok;
}

const float *
pe_runtime_logits (const struct pe_runtime *r, size_t nth_wanted)
{
  if (nth_wanted >= r->n_logits || r->n_given)
    return NULL;
  return (const float *) r->logits.data + nth_wanted * r->program->values[r->program->logits].width;
}

const struct pe_best_logit *
pe_runtime_best (const struct pe_runtime *r, size_t nth_wanted, size_t *n)
{
  *n = 0;
  if (nth_wanted >= r->n_logits || !r->n_given)
    return NULL;
  *n = r->n_given;
  return (const struct pe_best_logit *) r->logits.data + nth_wanted * r->n_given;
}
