/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plan: where every layer lives and every buffer that will be allocated, computed from a
 * model's header alone. The loader takes each buffer from the plan, so the estimate is the
 * allocation. Nothing here allocates device memory or touches a driver.
 */
#pragma once

#include "base/error.h"
#include "engine/quant/types.h"

#include <stddef.h>

struct pe_model;

#define PE_MAX_DEVICES 8

enum pe_device_kind {
  PE_DEVICE_CPU,
  PE_DEVICE_DISCRETE,   /* own memory */
  PE_DEVICE_INTEGRATED, /* shares the RAM */
  PE_DEVICE_SOFTWARE,   /* Vulkan on the CPU: for tests, or where named on purpose */
};

enum { PE_RATES_ONE_THREAD, PE_RATES_ALL_THREADS, PE_RATES_COUNT };

/* What the engine reached on a device with its own kernels: see engine/rates.h. 0 = unknown. */
struct pe_rates {
  double read[PE_TYPE_COUNT];     /* bytes/s of weights that one row of a batch meets */
  double multiply[PE_TYPE_COUNT]; /* operations/s of a batch of many rows */
  double cache_read;              /* bytes/s of the cache (f16) that one row attends to */
  double cache_multiply;          /* the same for each row of many */
  double op_seconds;              /* of one operation, beside its bytes */
  double pass_seconds;            /* GPU: of handing work over and waiting for it */
};

#define PE_MAX_HEAPS 16

/* What a driver says of one of a GPU's heaps, in bytes. */
struct pe_heap {
  uint64_t size, budget, usage; /* of this process; budget 0: the driver does not say */
  bool device_local, host_visible;
};

/* Plain data: real, remembered and imagined computers are one path. Device 0 of a list is always
 * the CPU. Sizes in bytes, rates in bytes or operations a second; 0 = unknown. */
struct pe_device_info {
  char id[48]; /* "cpu", or the UUID in hexadecimal: stable over restarts */
  char name[128];
  char driver[128]; /* name and version */
  enum pe_device_kind kind;
  uint64_t memory_total;
  uint64_t memory_available; /* what a program may take now */
  bool memory_is_budget;     /* from VK_EXT_memory_budget (GPU) or MemAvailable (CPU) */
  uint64_t memory_margin;    /* of it, to be left free; 0: the usual share */
  uint64_t driver_bytes;     /* GPU: what its driver takes beside a model; 0: not measured */
  struct pe_heap heaps[PE_MAX_HEAPS];
  uint32_t n_heaps;
  char doubt[160];               /* why the memory's figures are trusted less, or "" */
  char bus[16];                  /* GPU: PCI address "0000:01:00.0", or "" */
  uint64_t allocation_alignment; /* GPU: buffer sizes are rounded up to this */
  uint64_t max_allocation;       /* GPU: largest single allocation */
  uint32_t shared_memory_bytes;  /* GPU: of a workgroup */
  uint32_t subgroup_size;
  bool has_f16, has_int8_dot, has_cooperative_matrix, has_timeline;
  uint32_t n_cores;                      /* CPU: physical, performance cores first */
  uint32_t n_threads;                    /* CPU: logical */
  double read_rate;                      /* bytes/s, own memory */
  double transfer_rate;                  /* bytes/s, host to device */
  double matmul_rate;                    /* operations/s; CPU: of `fast`, its bare inner loop */
  double matmul_exact_rate;              /* CPU: the same of `exact`, in float32 */
  struct pe_rates rates[PE_RATES_COUNT]; /* GPU: only the last */
};

enum pe_memory_kind {
  PE_MEMORY_WEIGHTS, /* of one layer; on the CPU the file's mapping */
  PE_MEMORY_KV,      /* one segment of one layer's cache */
  PE_MEMORY_STATE,   /* recurrent state of one layer, checkpoints included */
  PE_MEMORY_WORK,    /* activations of a batch */
  PE_MEMORY_STAGING, /* host memory that the device reads from or writes to */
  PE_MEMORY_LOGITS,
  PE_MEMORY_TABLES, /* addresses, parameters, page tables */
  PE_MEMORY_MODEL,  /* metadata and vocabulary */
  PE_MEMORY_KIND_COUNT,
};

const char *pe_memory_kind_name (enum pe_memory_kind kind); /* "weights", … */

struct pe_allocation {
  uint16_t device;
  enum pe_memory_kind kind;
  uint32_t stage; /* 0 embedding, 1 … n layers, n + 1 output; UINT32_MAX: none */
  uint32_t index; /* among those of one stage and kind */
  bool mapped;    /* a file's mapping, not memory of our own */
  uint64_t bytes;
};

enum pe_precision {
  PE_PRECISION_EXACT, /* float32 activations: the conformance path */
  PE_PRECISION_FAST,  /* activations rounded where that is quicker */
};

#define PE_GPU_LAYERS_AUTO (-1)

struct pe_plan_request {
  uint32_t n_ctx;       /* 0: the model's own, at most 8192 */
  uint32_t n_batch;     /* rows of one pass; 0: 512 */
  uint32_t n_outputs;   /* rows of one pe_runtime_compute() that may want logits; 0: 1 */
  int32_t n_gpu_layers; /* 0 … n_layers + 1 (the last is the output); larger is clamped; AUTO */
  enum pe_type k_type, v_type; /* F32, F16, Q8_0 or Q4_0 */
  enum pe_precision precision;
  uint32_t n_threads; /* 0: one for each physical core */
  /* Of the first so many layers, those that are on a GPU keep their experts in RAM; larger is
   * clamped. With PE_GPU_LAYERS_AUTO as many as it takes to get all layers onto the GPU, at least
   * this. No effect on models without experts. */
  uint32_t n_cpu_experts;
};

/* Sensible defaults: automatic layers, F16 cache, fast. */
void pe_plan_request_init (struct pe_plan_request *request);

struct pe_plan {
  struct pe_plan_request request; /* with the defaults filled in */
  struct pe_device_info *devices;
  size_t n_devices;
  uint32_t n_layers;
  uint16_t *stage_device; /* n_layers + 2 of them */
  struct pe_allocation *allocations;
  size_t n_allocations;
  char note[256]; /* what had to be changed from the request, in words; "" = nothing */
};

/* `devices`: the CPU, then GPUs in the order in which they are filled; copied. */
bool pe_plan_make (const struct pe_model *model, const struct pe_plan_request *request,
                   const struct pe_device_info *devices, size_t n_devices, struct pe_plan **out,
                   struct pe_error *error);
void pe_plan_free (struct pe_plan *plan); /* NULL is fine */

/* What a plan leaves free of a GPU for the desktop and others, in bytes; what the driver was seen
 * to take comes on top. */
uint64_t pe_device_margin (const struct pe_device_info *device);

/* Sum over the allocations of a device; kind PE_MEMORY_KIND_COUNT: all; `mapped` ones included. */
uint64_t pe_plan_bytes (const struct pe_plan *plan, size_t device, enum pe_memory_kind kind);
uint32_t pe_plan_gpu_layers (const struct pe_plan *plan); /* 0 … n_layers + 1 */

/* What a device has to read and compute for one token: the ground of speed predictions. */
struct pe_traffic {
  uint64_t weight_bytes; /* of the experts that are used, where there are experts */
  uint64_t kv_bytes;     /* with `depth` tokens in the context */
  uint64_t operations;   /* multiplications and additions with weights, each counted */
  uint32_t n_stages, n_operators;
  uint64_t type_bytes[PE_TYPE_COUNT]; /* weight_bytes by the type of the tensor */
  /* Of the matrices among it, with every expert: what a long batch reads once. */
  uint64_t whole_bytes[PE_TYPE_COUNT];
  /* Of it, the output's: of a prompt only the last row goes through it. */
  uint64_t output_bytes[PE_TYPE_COUNT];
};

/* `out`: one for each device of the plan. */
void pe_plan_traffic (const struct pe_model *model, const struct pe_plan *plan, uint32_t depth,
                      struct pe_traffic *out);
