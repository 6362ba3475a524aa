/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From operations to dispatches. With few rows, where launching costs more than computing,
 * neighbours are joined: a norm into the matrices that read it, matrices with the same input into
 * one dispatch, gate and up with their activation, a residual sum into the matrix before it.
 */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"
#include "shaders/shared/arguments.h"

#include <string.h>

/* ---- sizes ---- */

/* Software devices run a workgroup's subgroups one after another: the smallest is the quickest. */
uint32_t
pe_gpu_group_size (const struct pe_gpu_recorder *r, uint32_t on_hardware)
{
  const struct pe_device_info *info = &r->b->gpu.info;
  return info->kind == PE_DEVICE_SOFTWARE ? info->subgroup_size : on_hardware;
}

/* ---- one operation ---- */

static void
record_norm (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct norm_arguments push = {
    .work = r->b->work.address,
    .weight = pe_gpu_weight (r, op->w[0]),
    .bias = pe_gpu_weight (r, op->w[1]),
    .in_offset = pe_gpu_offset (r, op->in[0]),
    .in_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .in_stride = op->in[0].stride,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .out_stride = op->out.stride,
    .width = op->out.width,
    .n_groups = op->out.count,
    .weight_stride = op->w[0].n_rows > op->out.width ? op->out.width : 0,
    .eps = op->norm.eps,
  };
  uint32_t size = pe_gpu_group_size (r, op->out.width <= 256 ? 64 : 256);
  pe_gpu_touch_view (r, op->in[0], false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (r, PE_SHADER_NORM, (uint32_t[]){ size, op->norm.kind }, 2, &push, sizeof push,
                   (struct pe_gpu_grid){ op->out.count, r->n_rows, 1, 0 });
}

static void
record_elementwise (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  uint32_t kind = op->kind == PE_OP_GLU     ? 0
                  : op->kind == PE_OP_UNARY ? 1
                  : op->kind == PE_OP_ADD   ? 2
                  : op->kind == PE_OP_MUL   ? 3
                                            : 4;
  bool has_b = op->in[1].value != PE_NO_VALUE;
  struct pe_view b = has_b ? op->in[1] : op->in[0];
  uint32_t n = pe_gpu_elements (op->out);
  bool scales = op->kind == PE_OP_UNARY && op->unary.f == PE_UNARY_SCALE;
  const struct elementwise_arguments push = {
    .work = r->b->work.address,
    .factor = scales ? pe_gpu_weight (r, op->w[0]) : 0,
    .a_offset = pe_gpu_offset (r, op->in[0]),
    .a_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .a_width = op->out.width,
    .a_stride = op->in[0].stride,
    .b_offset = pe_gpu_offset (r, b),
    .b_row_stride = pe_gpu_row_stride (r, b),
    .b_width = op->kind == PE_OP_MUL ? b.width : op->out.width,
    .b_stride = b.stride,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .out_width = op->out.width,
    .out_stride = op->out.stride,
    .n = n,
    .n_rows = r->n_rows,
    .b_repeat = has_b && pe_gpu_elements (b) == 1 ? n : 1,
    .n_factors = (uint32_t) op->w[0].n_rows,
    .x = op->kind == PE_OP_COPY ? 0 : op->unary.a,
    .y = op->kind == PE_OP_COPY ? 0 : op->unary.b,
  };
  uint32_t f = kind == 2 || kind == 4 ? 0 : (uint32_t) op->unary.f;
  uint32_t size = pe_gpu_group_size (r, 128);
  pe_gpu_touch_view (r, op->in[0], false);
  pe_gpu_touch_view (r, op->in[1], false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (r, PE_SHADER_ELEMENTWISE, (uint32_t[]){ size, kind, f }, 3, &push, sizeof push,
                   pe_gpu_linear ((uint64_t) n * r->n_rows, size));
}

static void
record_route (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct pe_route *route = &op->route;
  const struct route_arguments push = {
    .work = r->b->work.address,
    .choice_bias = pe_gpu_weight (r, op->w[0]),
    .factors = pe_gpu_weight (r, op->w[1]),
    .in_offset = pe_gpu_offset (r, op->in[0]),
    .in_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .n_experts = route->n_experts,
    .n_used = route->n_used,
    .n_groups = route->n_groups,
    .n_groups_used = route->n_groups_used,
    .gating = route->gating,
    .renormalise = route->renormalise,
    .scale = route->scale,
  };
  pe_gpu_touch_view (r, op->in[0], false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (r, PE_SHADER_ROUTE, NULL, 0, &push, sizeof push,
                   (struct pe_gpu_grid){ r->n_rows, 1, 1, 0 });
}

static void
record_expert_sum (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct expert_sum_arguments push = {
    .work = r->b->work.address,
    .in_offset = pe_gpu_offset (r, op->in[0]),
    .in_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .in_stride = op->in[0].stride,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .weight_offset = pe_gpu_offset (r, op->expert.ids) + op->expert.n_used,
    .weight_row_stride = pe_gpu_row_stride (r, op->expert.ids),
    .n = op->out.width,
    .n_used = op->expert.n_used,
    .n_rows = r->n_rows,
  };
  uint32_t size = pe_gpu_group_size (r, 128);
  uint32_t flags = op->expert.weigh_input ? 0 : PE_FLAG_WEIGH;
  pe_gpu_touch_view (r, op->in[0], false);
  pe_gpu_touch_view (r, op->expert.ids, false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (r, PE_SHADER_EXPERT_SUM, (uint32_t[]){ size, flags }, 2, &push, sizeof push,
                   pe_gpu_linear ((uint64_t) push.n * r->n_rows, size));
}

/* ---- joining ---- */

static enum pe_type
type_of (const struct pe_gpu_recorder *r, struct pe_weight w)
{
  return r->b->tensors[w.tensor].type;
}

static bool
same_view (struct pe_view a, struct pe_view b)
{
  return a.value == b.value && a.offset == b.offset && pe_gpu_elements (a) == pe_gpu_elements (b) &&
         pe_gpu_is_flat (a) && pe_gpu_is_flat (b);
}

static bool
reads_value (const struct pe_op *op, uint16_t value)
{
  bool lists = op->kind == PE_OP_MATMUL_EXPERT || op->kind == PE_OP_EXPERT_SUM;
  return op->in[0].value == value || op->in[1].value == value || op->in[2].value == value ||
         (lists && op->expert.ids.value == value);
}

/* Whether `value`, as operation `from - 1` left it, is read by operation `except` at most. */
static bool
is_dead_but_for (const struct pe_stage *s, size_t from, uint16_t value, const struct pe_op *except)
{
  for (size_t i = from; i < s->n_ops; i++) {
    const struct pe_op *op = &s->ops[i];
    if (op != except && reads_value (op, value))
      return false;
    if (op->out.value == value && op->out.offset == 0 && pe_gpu_is_flat (op->out) &&
        op->kind != PE_OP_ROPE)
      return true; /* written anew */
  }
  return true;
}

static bool
is_carry (const struct pe_gpu_recorder *r, uint16_t value)
{
  return r->b->program->values[value].carry || value == r->b->program->logits;
}

/* Behind the last operation to record: nothing is joined across it. */
static size_t
border (const struct pe_gpu_recorder *r, const struct pe_stage *s)
{
  return r->end_op ? r->end_op : s->n_ops;
}

/* A root-mean-square norm over a whole carried row that only the next few matrices read. */
static bool
can_fold_norm (const struct pe_gpu_recorder *r, const struct pe_stage *s, size_t i)
{
  const struct pe_op *norm = &s->ops[i];
  if (norm->kind != PE_OP_NORM || norm->norm.kind != PE_NORM_RMS || norm->out.count != 1 ||
      norm->w[0].tensor == PE_NO_TENSOR || norm->w[1].tensor != PE_NO_TENSOR ||
      !r->b->program->values[norm->in[0].value].carry || is_carry (r, norm->out.value) ||
      norm->in[0].offset % 4)
    return false;
  size_t k = i + 1;
  while (k < border (r, s) && k <= i + PE_GPU_MAX_PARTS && s->ops[k].kind == PE_OP_MATMUL &&
         same_view (s->ops[k].in[0], norm->out))
    k++;
  return k > i + 1 && is_dead_but_for (s, k, norm->out.value, NULL);
}

static bool
can_join (const struct pe_gpu_recorder *r, const struct pe_op *a, const struct pe_op *b)
{
  return b->kind == PE_OP_MATMUL && same_view (a->in[0], b->in[0]) &&
         type_of (r, a->w[0]) == type_of (r, b->w[0]) && a->w[2].tensor == PE_NO_TENSOR &&
         b->w[2].tensor == PE_NO_TENSOR && a->matmul.scale == b->matmul.scale;
}

/* Gate, up and the function of both, which nobody else reads. */
static bool
is_gated_pair (const struct pe_gpu_recorder *r, const struct pe_stage *s, size_t i)
{
  if (i + 2 >= border (r, s))
    return false;
  const struct pe_op *a = &s->ops[i], *b = &s->ops[i + 1], *glu = &s->ops[i + 2];
  if (glu->kind != PE_OP_GLU || !can_join (r, a, b) || a->matmul.scale != 1 ||
      pe_gpu_elements (a->out) != pe_gpu_elements (b->out) || is_carry (r, a->out.value) ||
      is_carry (r, b->out.value) || !pe_gpu_is_flat (glu->out))
    return false;
  if (!same_view (glu->in[0], a->out) || !same_view (glu->in[1], b->out))
    return false;
  bool a_dead = glu->out.value == a->out.value || is_dead_but_for (s, i + 3, a->out.value, NULL);
  bool b_dead = glu->out.value == b->out.value || is_dead_but_for (s, i + 3, b->out.value, NULL);
  return a_dead && b_dead;
}

/* A sum right behind a matrix that takes the place of the matrix's own result. */
static bool
is_residual (const struct pe_gpu_recorder *r, const struct pe_stage *s, size_t i,
             struct pe_gpu_matvec *m)
{
  uint16_t input = m->norm ? m->norm->in[0].value : s->ops[i].in[0].value;
  if (i + 1 >= border (r, s))
    return false;
  const struct pe_op *a = &s->ops[i], *add = &s->ops[i + 1];
  if (add->kind != PE_OP_ADD || add->unary.a != 1 || add->unary.b != 1 ||
      !pe_gpu_is_flat (add->out))
    return false;
  int mine = same_view (add->in[0], a->out) ? 0 : same_view (add->in[1], a->out) ? 1 : -1;
  if (mine < 0 || add->in[!mine].value == a->out.value || !pe_gpu_is_flat (add->in[!mine]))
    return false;
  /* Other workgroups still read the input while this one writes its part of the sum. */
  if (is_carry (r, a->out.value) || add->out.value == input)
    return false;
  if (add->out.value != a->out.value && !is_dead_but_for (s, i + 2, a->out.value, NULL))
    return false;
  m->residual = add;
  m->addend = add->in[!mine];
  return true;
}

/* Records the matrix at i with what can be joined to it; returns the next operation. */
static size_t
record_few_rows (struct pe_gpu_recorder *r, const struct pe_stage *s, size_t i,
                 const struct pe_op *norm)
{
  struct pe_gpu_matvec m = { .parts = { &s->ops[i] }, .n_parts = 1, .norm = norm };
  if (is_gated_pair (r, s, i)) {
    m.parts[1] = &s->ops[i + 1];
    m.n_parts = 2;
    m.glu = &s->ops[i + 2];
    pe_gpu_record_matvec (r, &m);
    return i + 3;
  }
  if (is_residual (r, s, i, &m)) {
    pe_gpu_record_matvec (r, &m);
    return i + 2;
  }
  while (m.n_parts < PE_GPU_MAX_PARTS && i + m.n_parts < border (r, s) &&
         can_join (r, &s->ops[i], &s->ops[i + m.n_parts]) &&
         s->ops[i + m.n_parts - 1].out.value != s->ops[i].in[0].value) {
    m.parts[m.n_parts] = &s->ops[i + m.n_parts];
    m.n_parts++;
  }
  pe_gpu_record_matvec (r, &m);
  return i + m.n_parts;
}

/* A convolution and a function of its result, in its place. */
static bool
is_conv_of_function (const struct pe_stage *s, size_t i)
{
  if (i + 1 >= s->n_ops || s->ops[i].kind != PE_OP_CONV)
    return false;
  const struct pe_op *conv = &s->ops[i], *map = &s->ops[i + 1];
  return map->kind == PE_OP_UNARY && map->unary.f < PE_UNARY_SCALE &&
         same_view (map->in[0], conv->out) && same_view (map->out, conv->out);
}

static void
record_op (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  switch (op->kind) {
  case PE_OP_NORM: record_norm (r, op); break;
  case PE_OP_MATMUL: pe_gpu_record_matmul (r, op); break;
  case PE_OP_MATMUL_HEADS:
  case PE_OP_MATMUL_EXPERT: pe_gpu_record_matmul_many (r, op); break;
  case PE_OP_ROPE: pe_gpu_record_rope (r, op); break;
  case PE_OP_KV_STORE: pe_gpu_record_kv_store (r, op); break;
  case PE_OP_ATTENTION: pe_gpu_record_attention (r, op); break;
  case PE_OP_ROUTE: record_route (r, op); break;
  case PE_OP_EXPERT_SUM: record_expert_sum (r, op); break;
  case PE_OP_CONV: pe_gpu_record_conv (r, op, PE_UNARY_NONE); break;
  case PE_OP_SSM: pe_gpu_record_scan (r, op); break;
  case PE_OP_DELTA_NET: pe_gpu_record_delta_net (r, op); break;
  default: record_elementwise (r, op); break;
  }
}

void
pe_gpu_record_stage (struct pe_gpu_recorder *r)
{
  const struct pe_stage *s = pe_program_stage (r->b->program, r->stage);
  bool few = r->n_rows <= PE_GPU_FEW_ROWS;
  const struct pe_op *norm = NULL;
  for (size_t i = r->first_op, counted = i; i < border (r, s) && !r->failed;) {
    const struct pe_op *op = &s->ops[i];
    if (!pe_gpu_make_room (r, op)) {
      r->failed = true;
      return;
    }
    size_t n_joined = pe_gpu_record_rotate_store (r, s, i, border (r, s));
    if (n_joined > 0) {
      i += n_joined;
    } else if (is_conv_of_function (s, i)) {
      pe_gpu_record_conv (r, op, s->ops[i + 1].unary.f);
      i += 2;
    } else if (few && can_fold_norm (r, s, i)) {
      norm = op;
      i++;
    } else if (few && op->kind == PE_OP_MATMUL) {
      bool folded = norm && same_view (op->in[0], norm->out);
      i = record_few_rows (r, s, i, folded ? norm : NULL);
    } else {
      record_op (r, op);
      if (norm && op->out.value == norm->out.value)
        norm = NULL; /* the value holds something else from here on */
      i++;
    }
    for (; counted < i; counted++)
      pe_gpu_count_operations (r, &s->ops[counted]);
  }
}
