/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operations around the cache: rotation, writing keys and values, attention.
 */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"
#include "shaders/shared/arguments.h"

void
pe_gpu_record_rope (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct rope_arguments push = {
    .work = r->b->work.address,
    .frequencies =
        pe_gpu_stage_table (r->b, r->stage, pe_gpu_frequencies_offset (r->b, r->stage, op)),
    .tables = pe_gpu_tables (r->b),
    .offset = pe_gpu_offset (r, op->out),
    .row_stride = pe_gpu_row_stride (r, op->out),
    .stride = op->out.stride,
    .n_groups = op->out.count,
    .n_pairs = op->rope.n_rot / 2,
    .n_rows = r->n_rows,
    .magnitude = op->rope.magnitude,
  };
  uint32_t size = pe_gpu_group_size (r, 64);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (r, PE_SHADER_ROPE, (uint32_t[]){ size, op->rope.kind }, 2, &push, sizeof push,
                   pe_gpu_linear ((uint64_t) push.n_groups * push.n_pairs * r->n_rows, size));
}

static uint32_t
store_steps (enum pe_type type, uint32_t width)
{
  return type == PE_TYPE_F32 || type == PE_TYPE_F16 ? width / 4 : width / 32;
}

void
pe_gpu_record_kv_store (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct pe_kv_layer *kv = &r->b->kv->layers[op->cache.layer];
  const struct kv_store_arguments push = {
    .work = r->b->work.address,
    .segments = pe_gpu_stage_table (r->b, op->cache.layer + 1, PE_GPU_TABLE_SEGMENTS),
    .tables = pe_gpu_tables (r->b),
    .k_offset = pe_gpu_offset (r, op->in[0]),
    .k_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .k_stride = op->in[0].stride,
    .v_offset = pe_gpu_offset (r, op->in[1]),
    .v_row_stride = pe_gpu_row_stride (r, op->in[1]),
    .v_stride = op->in[1].stride,
    .n_kv_heads = kv->n_kv_heads,
    .n_rows = r->n_rows,
    .max_rows = r->b->layout.max_rows,
    .page_table = pe_gpu_page_table (&r->b->layout, kv->pool),
  };
  uint32_t size = pe_gpu_group_size (r, 64);
  uint64_t n = (uint64_t) r->n_rows * kv->n_kv_heads *
               (store_steps (kv->k_type, kv->k_width) + store_steps (kv->v_type, kv->v_width));
  pe_gpu_touch_view (r, op->in[0], false);
  pe_gpu_touch_view (r, op->in[1], false);
  pe_gpu_touch_cache (r, op->cache.layer, true);
  pe_gpu_dispatch (r, PE_SHADER_KV_STORE,
                   (uint32_t[]){ size, kv->k_type, kv->v_type, kv->k_width, kv->v_width }, 5, &push,
                   sizeof push, pe_gpu_linear (n, size));
}

void
pe_gpu_record_attention (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  struct pe_backend *b = r->b;
  const struct pe_attention *a = &op->attention;
  const struct pe_kv_layer *kv = &b->kv->layers[a->layer];
  bool few = r->n_rows <= PE_GPU_FEW_ROWS;
  const struct attention_arguments push = {
    .work = b->work.address,
    .segments = pe_gpu_stage_table (b, a->layer + 1, PE_GPU_TABLE_SEGMENTS),
    .tables = pe_gpu_tables (b),
    .split = pe_gpu_stage_table (b, r->stage, PE_GPU_TABLE_SPLIT),
    .sinks = pe_gpu_weight (r, op->w[0]),
    .q_offset = pe_gpu_offset (r, op->in[0]),
    .q_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .q_stride = op->in[0].stride,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .out_stride = op->out.stride,
    .partial_offset = (uint32_t) b->layout.partial,
    .n_heads = a->n_heads,
    .n_kv_heads = a->n_kv_heads,
    .window = a->window,
    .chunk = a->chunk,
    .max_rows = b->layout.max_rows,
    .page_table = pe_gpu_page_table (&b->layout, kv->pool),
    .scale = a->scale,
    .softcap = a->softcap,
    .alibi_max_bias = a->alibi_max_bias,
    .temperature_scale = a->temperature_scale,
    .temperature_length = a->temperature_length,
    .temperature_offset = a->temperature_offset,
  };
  uint64_t table = pe_gpu_stage_table_at (b, b->set, r->stage);
  const uint32_t constants[] = { 0,
                                 kv->k_type,
                                 kv->v_type,
                                 kv->k_width,
                                 kv->v_width,
                                 few ? 1 : PE_GPU_TILE_ROWS,
                                 pe_gpu_tile_heads (a, r->n_rows),
                                 push.sinks ? PE_FLAG_SINKS : 0 };
  uint64_t partial = (uint64_t) a->n_heads * PE_GPU_MAX_SPLITS * (a->v_width + 4);
  uint64_t partial_rows = few ? r->n_rows : 0;
  pe_gpu_touch_view (r, op->in[0], false);
  pe_gpu_touch_cache (r, a->layer, false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_touch (r, b->layout.partial, partial * partial_rows, true);
  pe_gpu_dispatch (r, PE_SHADER_ATTENTION, constants, 8, &push, sizeof push,
                   (struct pe_gpu_grid){ .indirect = table + PE_GPU_TABLE_ATTENTION });
  if (!few)
    return;
  const struct attention_combine_arguments combine = {
    .work = push.work,
    .split = push.split,
    .out_offset = push.out_offset,
    .out_row_stride = push.out_row_stride,
    .out_stride = push.out_stride,
    .partial_offset = push.partial_offset,
    .n_heads = a->n_heads,
  };
  pe_gpu_touch (r, b->layout.partial, partial * partial_rows, false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (
      r, PE_SHADER_ATTENTION_COMBINE, (uint32_t[]){ pe_gpu_group_size (r, 64), kv->v_width }, 2,
      &combine, sizeof combine, (struct pe_gpu_grid){ .indirect = table + PE_GPU_TABLE_COMBINE });
}

/* ---- norm, rotation and store in one ---- */

/* What happens to the queries, or to the keys, before the store. */
struct preparation {
  const struct pe_op *norm, *rope;
};

/* Adds an operation that changes `view` in place; the norm must come first. */
static bool
prepare (struct preparation *p, const struct pe_op *op)
{
  if (op->kind == PE_OP_ROPE && !p->rope) {
    p->rope = op;
    return true;
  }
  bool fits = op->kind == PE_OP_NORM && op->norm.kind == PE_NORM_RMS && !p->norm && !p->rope &&
              pe_view_equal (op->in[0], op->out) && op->w[1].tensor == PE_NO_TENSOR &&
              op->w[0].n_rows <= op->out.width;
  if (fits)
    p->norm = op;
  return fits;
}

static bool
rotates_alike (const struct pe_op *x, const struct pe_op *y)
{
  const struct pe_rope *a = &x->rope, *b = &y->rope;
  for (int i = 0; i < 2; i++)
    if (x->w[i].tensor != y->w[i].tensor || x->w[i].row != y->w[i].row)
      return false;
  return a->kind == b->kind && a->n_rot == b->n_rot && a->base == b->base &&
         a->position_scale == b->position_scale && a->yarn_factor == b->yarn_factor &&
         a->yarn_low == b->yarn_low && a->yarn_high == b->yarn_high &&
         a->magnitude == b->magnitude && a->n_ctx_original == b->n_ctx_original;
}

static size_t
match (const struct pe_stage *s, size_t i, size_t border, struct preparation *q,
       struct preparation *k, const struct pe_op **store)
{
  size_t end = i;
  while (end < border && (s->ops[end].kind == PE_OP_NORM || s->ops[end].kind == PE_OP_ROPE))
    end++;
  if (end + 1 >= border || s->ops[end].kind != PE_OP_KV_STORE ||
      s->ops[end + 1].kind != PE_OP_ATTENTION)
    return 0;
  *store = &s->ops[end];
  struct pe_view queries = s->ops[end + 1].in[0], keys = (*store)->in[0];
  for (size_t n = i; n < end; n++) {
    const struct pe_op *op = &s->ops[n];
    bool taken = pe_view_equal (op->out, queries) ? prepare (q, op)
                 : pe_view_equal (op->out, keys)  ? prepare (k, op)
                                                  : false;
    if (!taken)
      return 0;
  }
  bool ok = queries.width == keys.width && q->rope && k->rope && rotates_alike (q->rope, k->rope);
  return ok ? end + 1 - i : 0;
}

size_t
pe_gpu_record_rotate_store (struct pe_gpu_recorder *r, const struct pe_stage *s, size_t i,
                            size_t border)
{
  struct preparation q = { 0 }, k = { 0 };
  const struct pe_op *store;
  size_t n = match (s, i, border, &q, &k, &store);
  if (n == 0)
    return 0;
  const struct pe_kv_layer *kv = &r->b->kv->layers[store->cache.layer];
  struct pe_view queries = q.rope->out, keys = store->in[0], values = store->in[1];
  const struct rotate_store_arguments push = {
    .work = r->b->work.address,
    .frequencies =
        pe_gpu_stage_table (r->b, r->stage, pe_gpu_frequencies_offset (r->b, r->stage, k.rope)),
    .q_norm = q.norm ? pe_gpu_weight (r, q.norm->w[0]) : 0,
    .k_norm = k.norm ? pe_gpu_weight (r, k.norm->w[0]) : 0,
    .segments = pe_gpu_stage_table (r->b, store->cache.layer + 1, PE_GPU_TABLE_SEGMENTS),
    .tables = pe_gpu_tables (r->b),
    .q_offset = pe_gpu_offset (r, queries),
    .q_row_stride = pe_gpu_row_stride (r, queries),
    .q_stride = queries.stride,
    .k_offset = pe_gpu_offset (r, keys),
    .k_row_stride = pe_gpu_row_stride (r, keys),
    .k_stride = keys.stride,
    .v_offset = pe_gpu_offset (r, values),
    .v_row_stride = pe_gpu_row_stride (r, values),
    .v_stride = values.stride,
    .n_heads = queries.count,
    .n_kv_heads = kv->n_kv_heads,
    .n_pairs = k.rope->rope.n_rot / 2,
    .max_rows = r->b->layout.max_rows,
    .page_table = pe_gpu_page_table (&r->b->layout, kv->pool),
    .magnitude = k.rope->rope.magnitude,
    .q_eps = q.norm ? q.norm->norm.eps : 0,
    .k_eps = k.norm ? k.norm->norm.eps : 0,
  };
  const uint32_t constants[] = { pe_gpu_group_size (r, 64),
                                 kv->k_type,
                                 kv->v_type,
                                 kv->k_width,
                                 kv->v_width,
                                 k.rope->rope.kind,
                                 (q.norm ? 1u : 0) | (k.norm ? 2u : 0) };
  pe_gpu_touch_view (r, queries, true);
  pe_gpu_touch_view (r, keys, false);
  pe_gpu_touch_view (r, values, false);
  pe_gpu_touch_cache (r, store->cache.layer, true);
  pe_gpu_dispatch (r, PE_SHADER_ROTATE_STORE, constants, 7, &push, sizeof push,
                   (struct pe_gpu_grid){ queries.count + 2 * kv->n_kv_heads, r->n_rows, 1, 0 });
  return n;
}
