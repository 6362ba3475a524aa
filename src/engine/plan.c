/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/plan.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "engine/backend.h"
#include "engine/split.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_CONTEXT 8192
#define DEFAULT_BATCH   512
#define MAX_CONTEXT     (1u << 24)
#define MAX_BATCH       4096

const char *
pe_memory_kind_name (enum pe_memory_kind kind)
{
  static const char *const names[] = { "weights", "kv",     "state",  "work",
                                       "staging", "logits", "tables", "model" };
  return kind < PE_MEMORY_KIND_COUNT ? names[kind] : "all";
}

void
pe_plan_request_init (struct pe_plan_request *request)
{
  *request = (struct pe_plan_request){ .n_gpu_layers = PE_GPU_LAYERS_AUTO,
                                       .k_type = PE_TYPE_F16,
                                       .v_type = PE_TYPE_F16,
                                       .precision = PE_PRECISION_FAST };
}

bool
pe_plan_add (struct pe_plan *plan, size_t device, enum pe_memory_kind kind, uint32_t stage,
             uint32_t index, bool mapped, uint64_t bytes, struct pe_error *error)
{
  if (bytes == 0)
    return true;
  struct pe_allocation *list = plan->allocations;
  /* Capacity is implied: the list doubles whenever its length is a power of two from 16 on. */
  size_t n = plan->n_allocations;
  if (n == 0 || (n >= 16 && (n & (n - 1)) == 0)) {
    list = pe_realloc (list, (n ? 2 * n : 16) * sizeof *list);
    if (!list)
      return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the plan");
    plan->allocations = list;
  }
  list[plan->n_allocations++] = (struct pe_allocation){ .device = (uint16_t) device,
                                                        .kind = kind,
                                                        .stage = stage,
                                                        .index = index,
                                                        .mapped = mapped,
                                                        .bytes = bytes };
  return true;
}

const struct pe_allocation *
pe_plan_find (const struct pe_plan *plan, size_t device, enum pe_memory_kind kind, uint32_t stage,
              uint32_t index)
{
  for (size_t i = 0; i < plan->n_allocations; i++) {
    const struct pe_allocation *a = &plan->allocations[i];
    if (a->device == device && a->kind == kind && a->stage == stage && a->index == index)
      return a;
  }
  return NULL;
}

uint64_t
pe_plan_bytes (const struct pe_plan *plan, size_t device, enum pe_memory_kind kind)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < plan->n_allocations; i++) {
    const struct pe_allocation *a = &plan->allocations[i];
    if (a->device == device && (kind == PE_MEMORY_KIND_COUNT || a->kind == kind))
      sum += a->bytes;
  }
  return sum;
}

uint32_t
pe_plan_gpu_layers (const struct pe_plan *plan)
{
  uint32_t n = 0;
  for (uint32_t stage = 1; stage < plan->n_layers + 2; stage++)
    n += plan->stage_device[stage] != 0;
  return n;
}

/* ---- making one ---- */

static bool
is_cache_type (enum pe_type type)
{
  return type == PE_TYPE_F32 || type == PE_TYPE_F16 || type == PE_TYPE_Q8_0 || type == PE_TYPE_Q4_0;
}

static bool
complete_request (const struct pe_model *model, const struct pe_device_info *cpu,
                  struct pe_plan_request *r, struct pe_error *error)
{
  const struct pe_model_info *info = pe_model_info (model);
  uint32_t train = info->n_ctx_train ? info->n_ctx_train : DEFAULT_CONTEXT;
  if (r->n_ctx == 0)
    r->n_ctx = train < DEFAULT_CONTEXT ? train : DEFAULT_CONTEXT;
  if (r->n_batch == 0)
    r->n_batch = DEFAULT_BATCH;
  if (r->n_outputs == 0)
    r->n_outputs = 1;
  if (r->n_threads == 0)
    r->n_threads = cpu->n_cores ? cpu->n_cores : 1;
  if (r->n_ctx > MAX_CONTEXT)
    return pe_fail (error, PE_ERROR_LIMIT, "a context of %u tokens is more than this engine keeps",
                    r->n_ctx);
  if (r->n_batch > MAX_BATCH)
    r->n_batch = MAX_BATCH;
  if (r->n_batch > r->n_ctx)
    r->n_batch = r->n_ctx;
  if (!is_cache_type (r->k_type) || !is_cache_type (r->v_type))
    return pe_fail (error, PE_ERROR_UNSUPPORTED,
                    "the cache can be kept as f32, f16, q8_0 or q4_0 only");
  return true;
}

/* Layers that read another layer's cache live where that layer lives: where one of them has to
 * stay on the CPU, so do the others. */
static void
keep_caches_together (const struct pe_program *program, uint16_t *stage_device)
{
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t il = 0; il < program->n_layers; il++) {
      const struct pe_stage *stage = &program->layers[il].stage;
      for (size_t i = 0; i < stage->n_ops; i++) {
        if (stage->ops[i].kind != PE_OP_ATTENTION)
          continue;
        uint16_t *mine = &stage_device[il + 1], *owner;
        owner = &stage_device[stage->ops[i].attention.layer + 1];
        if (*mine != *owner) {
          *mine = *owner = *mine && *owner ? (*mine > *owner ? *mine : *owner) : 0;
          changed = true;
        }
      }
    }
  }
}

static bool list_allocations (const struct pe_model *model, struct pe_plan *plan,
                              struct pe_error *error);
static bool fits_device (const struct pe_plan *plan, size_t device);

/* What only the CPU does: experts that the file keeps apart, and the gating of Phi 3.5 MoE. */
static bool
is_for_cpu (const struct pe_model *model, const struct pe_program *program, uint32_t stage)
{
  const struct pe_tensor *tensors = pe_model_tensors (model, NULL);
  const struct pe_stage *list = pe_program_stage (program, stage);
  for (size_t i = 0; i < list->n_ops; i++) {
    const struct pe_op *op = &list->ops[i];
    if ((op->kind == PE_OP_MATMUL_EXPERT && tensors[op->w[0].tensor].experts) ||
        (op->kind == PE_OP_ROUTE && op->route.gating == PE_GATING_SPARSE_MIXER))
      return true;
  }
  return false;
}

/* The output first, then layers from the last to the first; the embedding stays on the CPU. Of
 * several GPUs the first is filled before the next one gets a layer; the last takes the rest. A
 * pass then goes over the devices once, from the CPU to the last GPU and down to the first. */
static bool
assign_stages (const struct pe_model *model, struct pe_plan *plan, uint32_t n_gpu_layers,
               struct pe_error *error)
{
  const struct pe_program *program = pe_model_program (model);
  uint32_t n_stages = pe_program_n_stages (program);
  memset (plan->stage_device, 0, n_stages * sizeof *plan->stage_device);
  uint16_t device = 1;
  for (uint32_t i = 0; i < n_gpu_layers && i + 1 < n_stages && plan->n_devices > 1; i++) {
    uint32_t stage = n_stages - 1 - i;
    if (is_for_cpu (model, program, stage) ||
        !pe_vulkan_backend.supports (&plan->devices[device], model, program, &plan->request, stage))
      continue;
    plan->stage_device[stage] = device;
    if (device + 1u == plan->n_devices)
      continue;
    if (!list_allocations (model, plan, error))
      return false;
    if (!fits_device (plan, device))
      plan->stage_device[stage] = ++device;
  }
  keep_caches_together (program, plan->stage_device);
  return true;
}

static uint64_t
carry_bytes (const struct pe_program *program)
{
  uint64_t width = 0;
  for (size_t i = 0; i < program->n_values; i++)
    if (program->values[i].carry)
      width += program->values[i].width;
  return width * sizeof (float);
}

/* What belongs to no backend: the model's description, the rows that cross between devices, the
 * logits. */
static bool
plan_shared (const struct pe_model *model, struct pe_plan *plan, struct pe_error *error)
{
  const struct pe_program *program = pe_model_program (model);
  const struct pe_plan_request *r = &plan->request;
  uint64_t exchange = plan->n_devices > 1 ? carry_bytes (program) * r->n_batch : 0;
  uint64_t logits = (uint64_t) r->n_outputs * program->values[program->logits].width * 4;
  return pe_plan_add (plan, 0, PE_MEMORY_MODEL, PE_STAGE_NONE, 0, false,
                      pe_model_info (model)->memory_bytes, error) &&
         pe_plan_add (plan, 0, PE_MEMORY_STAGING, PE_STAGE_NONE, 0, false, exchange, error) &&
         pe_plan_add (plan, 0, PE_MEMORY_LOGITS, PE_STAGE_NONE, 0, false, logits, error);
}

static bool
list_allocations (const struct pe_model *model, struct pe_plan *plan, struct pe_error *error)
{
  const struct pe_program *program = pe_model_program (model);
  plan->n_allocations = 0;
  pe_free (plan->allocations);
  plan->allocations = NULL;
  if (!plan_shared (model, plan, error) || !pe_cpu_backend.plan (model, program, plan, 0, error))
    return false;
  for (size_t d = 1; d < plan->n_devices; d++)
    if (!pe_vulkan_backend.plan (model, program, plan, d, error))
      return false;
  return true;
}

/* ARCHITECTURE.md says why so much. */
uint64_t
pe_device_margin (const struct pe_device_info *device)
{
  uint64_t share = device->memory_total / 16, least = (uint64_t) 512 << 20;
  if (device->memory_margin)
    return device->memory_margin;
  if (device->kind == PE_DEVICE_SOFTWARE)
    return 0;
  if (device->kind == PE_DEVICE_INTEGRATED) {
    share = device->memory_total / 10;
    least = (uint64_t) 1 << 30;
  }
  return share > least ? share : least;
}

static bool
fits_device (const struct pe_plan *plan, size_t device)
{
  const struct pe_device_info *gpu = &plan->devices[device];
  uint64_t keep = pe_device_margin (gpu) + gpu->driver_bytes;
  uint64_t bytes = pe_plan_bytes (plan, device, PE_MEMORY_KIND_COUNT);
  return bytes == 0 || (gpu->memory_available > keep && bytes <= gpu->memory_available - keep);
}

static bool
gpu_part_fits (const struct pe_plan *plan)
{
  for (size_t d = 1; d < plan->n_devices; d++)
    if (!fits_device (plan, d))
      return false;
  return true;
}

static bool
try_plan (const struct pe_model *model, struct pe_plan *plan, uint32_t n_gpu_layers,
          uint32_t n_cpu_experts, bool *fits, struct pe_error *error)
{
  plan->request.n_cpu_experts = n_cpu_experts;
  if (!assign_stages (model, plan, n_gpu_layers, error) || !list_allocations (model, plan, error))
    return false;
  *fits = gpu_part_fits (plan);
  return true;
}

/* The most layers whose plan fits the GPU: sizes grow with the count, so bisection finds it. */
static bool
choose_gpu_layers (const struct pe_model *model, struct pe_plan *plan, uint32_t *out,
                   struct pe_error *error)
{
  uint32_t low = 0, high = plan->n_layers + 1;
  while (low < high) {
    uint32_t middle = low + (high - low + 1) / 2;
    bool fits;
    if (!try_plan (model, plan, middle, plan->request.n_cpu_experts, &fits, error))
      return false;
    if (fits)
      low = middle;
    else
      high = middle - 1;
  }
  *out = low;
  return true;
}

/* Experts are most of a model's bytes and little of its work: rather than whole layers, the experts
 * of as few layers as possible stay in RAM. `least`: how many do in any case. */
static bool
choose_with_experts (const struct pe_model *model, struct pe_plan *plan, uint32_t *out,
                     struct pe_error *error)
{
  uint32_t least = plan->request.n_cpu_experts, low = least, high = plan->n_layers;
  bool fits;
  if (!try_plan (model, plan, plan->n_layers + 1, high, &fits, error))
    return false;
  if (!fits) {
    plan->request.n_cpu_experts = plan->n_layers;
    return choose_gpu_layers (model, plan, out, error);
  }
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (!try_plan (model, plan, plan->n_layers + 1, middle, &fits, error))
      return false;
    if (fits)
      high = middle;
    else
      low = middle + 1;
  }
  plan->request.n_cpu_experts = low;
  *out = plan->n_layers + 1;
  if (low > least)
    snprintf (plan->note, sizeof plan->note,
              "The experts of %u of the %u layers stay in the computer's memory", low,
              plan->n_layers);
  return true;
}

static bool
has_experts (const struct pe_program *program)
{
  for (uint32_t s = 1; s <= program->n_layers; s++)
    if (!pe_ram_part_is_none (pe_ram_part_of (program, s)))
      return true;
  return false;
}

bool
pe_plan_make (const struct pe_model *model, const struct pe_plan_request *request,
              const struct pe_device_info *devices, size_t n_devices, struct pe_plan **out,
              struct pe_error *error)
{
  if (!pe_model_can_compute (model, error))
    return false;
  if (n_devices == 0 || devices[0].kind != PE_DEVICE_CPU)
    return pe_fail (error, PE_ERROR_ARGUMENT, "the first device of a plan is the processor");
  if (n_devices > PE_MAX_DEVICES)
    n_devices = PE_MAX_DEVICES;
  const struct pe_program *program = pe_model_program (model);
  struct pe_plan *plan = pe_calloc (1, sizeof *plan);
  if (plan) {
    plan->request = *request;
    plan->n_layers = program->n_layers;
    plan->n_devices = n_devices;
    plan->devices = pe_calloc (n_devices, sizeof *devices);
    plan->stage_device = pe_calloc (pe_program_n_stages (program), sizeof *plan->stage_device);
  }
  if (!plan || !plan->devices || !plan->stage_device) {
    pe_plan_free (plan);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the plan");
  }
  memcpy (plan->devices, devices, n_devices * sizeof *devices);
  uint32_t n = 0;
  bool ok = complete_request (model, devices, &plan->request, error);
  bool experts = has_experts (program);
  if (!experts)
    plan->request.n_cpu_experts = 0;
  if (plan->request.n_cpu_experts > program->n_layers)
    plan->request.n_cpu_experts = program->n_layers;
  if (ok && n_devices > 1) {
    if (request->n_gpu_layers < 0)
      ok = experts ? choose_with_experts (model, plan, &n, error)
                   : choose_gpu_layers (model, plan, &n, error);
    else
      n = (uint32_t) request->n_gpu_layers;
    if (n > program->n_layers + 1)
      n = program->n_layers + 1;
  }
  ok = ok && assign_stages (model, plan, n, error);
  if (ok) {
    plan->request.n_gpu_layers = (int32_t) n;
    uint32_t placed = pe_plan_gpu_layers (plan);
    if (placed < n)
      snprintf (plan->note, sizeof plan->note,
                "%u of the %u layers chosen for the GPU have to run on the CPU", n - placed, n);
    ok = list_allocations (model, plan, error);
  }
  if (!ok) {
    pe_plan_free (plan);
    return false;
  }
  *out = plan;
  return true;
}

void
pe_plan_free (struct pe_plan *plan)
{
  if (!plan)
    return;
  pe_free (plan->devices);
  pe_free (plan->stage_device);
  pe_free (plan->allocations);
  pe_free (plan);
}
