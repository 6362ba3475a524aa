/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two ends of a pass that stay on the device: rows of the table of embeddings, which is there
 * as the output's matrix or, where the plan has room for it, by itself, and the best logits, so
 * that few bytes come back.
 */
#include "engine/vulkan/vulkan.h"

#include "engine/sampler.h"
#include "engine/tensor.h"
#include "shaders/shared/arguments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLICE 1024 /* logits of one workgroup, where there are not too many of those */

/* ---- in ---- */

bool
pe_gpu_plans_table (const struct pe_backend *b)
{
  return pe_plan_find (b->plan, b->context.device, PE_MEMORY_WEIGHTS, 0, 0) != NULL;
}

bool
pe_gpu_embeds (const struct pe_backend *b)
{
  if (!pe_gpu_can_embed (b->program, b->tensors))
    return false;
  return pe_gpu_embeds_by_output (b->program) ? b->stages[b->program->n_layers + 1].loaded
                                              : b->has_table;
}

bool
pe_gpu_take_table (struct pe_backend *b, struct pe_error *error)
{
  const struct pe_allocation *a =
      pe_plan_find (b->plan, b->context.device, PE_MEMORY_WEIGHTS, 0, 0);
  return !a || b->table.buffer || pe_gpu_take (&b->gpu, a, PE_GPU_LOCAL, &b->table, error);
}

bool
pe_gpu_load_table (struct pe_backend *b, bool from_mapping, struct pe_error *error)
{
  if (!b->table.buffer || b->has_table)
    return true;
  const struct pe_tensor *t = &b->tensors[b->program->embed.ops[0].w[0].tensor];
  const struct pe_gpu_upload item = { t, &b->table, 0 };
  b->has_table = pe_gpu_upload_tensors (b, &item, 1, from_mapping, error);
  return b->has_table;
}

void
pe_gpu_give_table (struct pe_backend *b)
{
  pe_gpu_give (&b->gpu, &b->table);
  b->has_table = false;
}

void
pe_gpu_record_embed (struct pe_gpu_recorder *r)
{
  struct pe_backend *b = r->b;
  const struct pe_op *op = &b->program->embed.ops[0];
  const struct pe_tensor *t = &b->tensors[op->w[0].tensor];
  r->stage = b->program->n_layers + 1; /* whose weight it is, unless it is by itself */
  const struct embed_arguments push = {
    .work = b->work.address,
    .weight = b->table.buffer ? b->table.address : pe_gpu_weight (r, op->w[0]),
    .tables = pe_gpu_tables (b),
    .k = (uint32_t) t->shape[0],
    .n_tokens = (uint32_t) op->w[0].n_rows,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .n_rows = r->n_rows,
    .max_rows = b->layout.max_rows,
    .scale = op->embed.scale,
  };
  uint32_t size = pe_gpu_group_size (r, 64);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (r, pe_shader_find (PE_SHADER_EMBED_F32, t->type), &size, 1, &push, sizeof push,
                   pe_gpu_linear ((uint64_t) push.k / 16 * r->n_rows, size));
}

/* ---- out ---- */

/* Bytes of the keys of `n` rows. */
static uint64_t
key_bytes (const struct pe_pass *pass, uint32_t n)
{
  return (uint64_t) n * pass->n_best * sizeof (uint64_t);
}

/* Where the next pass reads its token. */
static VkDeviceAddress
next_token (const struct pe_backend *b)
{
  uint32_t next = (b->set + 1) % PE_GPU_SETS;
  return b->tables.address + next * b->layout.set_bytes +
         PE_TABLE_TOKENS (b->layout.max_rows) * sizeof (uint32_t);
}

void
pe_gpu_record_best (struct pe_gpu_recorder *r)
{
  struct pe_backend *b = r->b;
  const struct pe_gpu_layout *l = &b->layout;
  const struct pe_pass only_kernels = { .n_best = 1 };
  const struct pe_pass *pass = r->commands ? b->now->pass : &only_kernels;
  uint16_t v = b->program->logits;
  uint32_t width = b->program->values[v].width, groups = (width + SLICE - 1) / SLICE;
  groups = groups < PE_GPU_BEST_GROUPS ? groups : PE_GPU_BEST_GROUPS;
  struct best_arguments push = {
    .source = b->work.address + l->values[v] * sizeof (float),
    .target = b->work.address + l->best * sizeof (float),
    .n = width,
    .row_bytes = l->strides[v] * (uint32_t) sizeof (float),
    .slice = (width + groups - 1) / groups,
    .k = pass->n_best,
  };
  uint32_t size = pe_gpu_group_size (r, 256);
  uint64_t scratch = 2ull * r->n_rows * groups * push.k;
  pe_gpu_touch (r, l->values[v], (uint64_t) r->n_rows * l->strides[v], false);
  pe_gpu_touch (r, l->best, scratch, true);
  pe_gpu_dispatch (r, PE_SHADER_BEST, (uint32_t[]){ size, 0 }, 2, &push, sizeof push,
                   (struct pe_gpu_grid){ groups, r->n_rows, 1, 0 });
  push.source = push.target;
  push.target = b->logits.address + b->set * key_bytes (pass, l->logit_rows);
  push.next_token = pass->feeds_next ? next_token (b) : 0;
  push.n = push.slice = groups * push.k;
  push.row_bytes = push.n * (uint32_t) sizeof (uint64_t);
  pe_gpu_touch (r, l->best, scratch, false);
  pe_gpu_dispatch (r, PE_SHADER_BEST, (uint32_t[]){ size, 1 }, 2, &push, sizeof push,
                   (struct pe_gpu_grid){ 1, r->n_rows, 1, 0 });
}

static struct pe_best_logit
read_key (uint64_t key)
{
  uint32_t bits = (uint32_t) (key >> 32);
  struct pe_best_logit out = { (int32_t) ~(uint32_t) key, -INFINITY };
  bits = bits & 0x80000000u ? bits & 0x7fffffffu : ~bits;
  if (key)
    memcpy (&out.logit, &bits, sizeof bits);
  return out;
}

static int
descending (const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
  return x < y ? 1 : x > y ? -1 : 0;
}

void
pe_gpu_take_best (struct pe_backend *b)
{
  struct pe_gpu_flight *f = b->now;
  uint32_t n = f->pass->n_best;
  const unsigned char *at = b->logits.mapped + b->set * key_bytes (f->pass, b->layout.logit_rows);
  uint64_t keys[PE_MAX_BEST];
  for (uint32_t row = 0; row < f->out_under_way; row++, at += n * sizeof *keys) {
    struct pe_best_logit *out = f->xchg.best + (uint64_t) f->out_done++ * n;
    memcpy (keys, at, n * sizeof *keys);
    qsort (keys, n, sizeof *keys, descending);
    for (uint32_t i = 0; i < n; i++)
      out[i] = read_key (keys[i]);
  }
  b->result_bytes += key_bytes (f->pass, f->out_under_way);
}
