/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Feed-forward of one layer: dense, gated or not, fused or not, and mixtures of experts.
 */
#include "engine/format/build.h"

#include <stdio.h>

#define MAX_EXPERT_WIDTH (1u << 20) /* times the experts used it still fits 32 bits */

static bool
has_weight (struct pe_build *b, const char *name)
{
  char weight[96];
  snprintf (weight, sizeof weight, "%s.weight", name);
  return pe_has (b, weight);
}

void
pe_build_dense_ffn (struct pe_build *b, const char *gate_name, const char *up_name,
                    const char *down_name, struct pe_view in, uint32_t n_ff, struct pe_view out)
{
  char weight[96], bias[96];
  snprintf (weight, sizeof weight, "%s.weight", up_name);
  snprintf (bias, sizeof bias, "%s.bias", up_name);
  const struct pe_tensor *up_tensor = pe_layer_tensor (b, weight);
  struct pe_view up = pe_fresh (b, "up", n_ff), gate = pe_fresh (b, "gate", n_ff);
  if (has_weight (b, gate_name)) {
    pe_emit_linear (b, gate_name, in, gate);
    pe_emit_linear (b, up_name, in, up);
    pe_emit_glu (b, gate, up, up);
  } else if (up_tensor && up_tensor->shape[1] == 2 * (uint64_t) n_ff) {
    struct pe_weight w = pe_matrix (b, weight, pe_view_elements (in), 2 * (uint64_t) n_ff);
    struct pe_weight c = pe_optional_vector (b, bias, 2 * (uint64_t) n_ff);
    pe_emit_matmul (b, pe_rows (w, 0, n_ff), pe_rows (c, 0, n_ff), in, gate);
    pe_emit_matmul (b, pe_rows (w, n_ff, n_ff), pe_rows (c, n_ff, n_ff), in, up);
    pe_emit_glu (b, gate, up, up);
  } else {
    pe_emit_linear (b, up_name, in, up);
    pe_emit_unary (b, b->arch->activation, 0, 0, up, up);
  }
  pe_emit_linear (b, down_name, up, out);
}

/* ---- experts ---- */

static void
emit_expert_matmul (struct pe_build *b, const char *name, uint64_t row, uint64_t n_rows,
                    uint64_t n_rows_whole, struct pe_view ids, struct pe_view in,
                    struct pe_view out, bool weigh_input)
{
  const struct pe_hparams *h = b->h;
  char weight[96], bias[96], scale[96];
  snprintf (weight, sizeof weight, "%s.weight", name);
  snprintf (bias, sizeof bias, "%s.bias", name);
  snprintf (scale, sizeof scale, "%s.scale", name);
  struct pe_weight w = pe_stack (b, weight, in.width, n_rows_whole, h->n_experts);
  struct pe_weight c = pe_optional_vector (b, bias, n_rows_whole * h->n_experts);
  struct pe_weight s = pe_optional_vector (b, scale, h->n_experts);
  struct pe_op *op = pe_emit (b, PE_OP_MATMUL_EXPERT);
  op->in[0] = in;
  op->out = out;
  op->w[0] = pe_rows (w, row, n_rows); /* of each expert; the expert's own rows are n_rows_whole */
  op->w[1] = pe_rows (c, row, n_rows);
  op->w[2] = s;
  op->expert.ids = ids;
  op->expert.n_used = h->n_experts_used;
  op->expert.n_experts = h->n_experts;
  op->expert.weigh_input = weigh_input;
}

static struct pe_view
emit_route (struct pe_build *b, struct pe_view router_in)
{
  const struct pe_hparams *h = b->h;
  struct pe_view logits = pe_fresh (b, "router", h->n_experts);
  pe_emit_linear (b, "ffn_gate_inp", router_in, logits);
  struct pe_view chosen = pe_fresh (b, "chosen", 2 * h->n_experts_used);
  struct pe_op *op = pe_emit (b, PE_OP_ROUTE);
  op->in[0] = logits;
  op->out = chosen;
  op->w[0] = pe_optional_vector (b, "exp_probs_b.bias", h->n_experts);
  enum pe_gating gating = b->arch->gating;
  if (h->gating)
    gating = (enum pe_gating) (h->gating - 1);
  op->route = (struct pe_route){
    .n_experts = h->n_experts,
    .n_used = h->n_experts_used,
    .n_groups = h->n_expert_groups > 1 ? h->n_expert_groups : 0,
    .n_groups_used = h->n_expert_groups > 1 ? h->n_expert_groups_used : 0,
    .gating = gating,
    .renormalise = (b->arch->flags & PE_ARCH_RENORMALISE) != 0,
    .scale = 1,
  };
  if (h->has_expert_weights_norm)
    op->route.renormalise |= h->expert_weights_norm;
  if (h->expert_weights_scale > 0 || h->expert_weights_scale < 0)
    op->route.scale = h->expert_weights_scale;
  return chosen;
}

void
pe_build_experts (struct pe_build *b, struct pe_view router_in, struct pe_view in,
                  struct pe_view out)
{
  const struct pe_hparams *h = b->h;
  uint32_t n_used = h->n_experts_used;
  if (h->n_experts == 0) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "layer %u has a router, but expert_count is missing",
                     b->layer);
    return;
  }
  bool fused = pe_has (b, "ffn_gate_up_exps.weight");
  const struct pe_tensor *up_tensor =
      pe_layer_tensor (b, fused ? "ffn_gate_up_exps.weight" : "ffn_up_exps.weight");
  if (!up_tensor) {
    pe_build_refuse (b, PE_ERROR_UNSUPPORTED,
                     "the experts of layer %u are in separate tensors that do not fit together",
                     b->layer);
    return;
  }
  uint64_t whole = up_tensor->shape[1];
  if (whole > MAX_EXPERT_WIDTH) {
    pe_build_refuse (b, PE_ERROR_LIMIT, "the experts of layer %u are absurdly wide", b->layer);
    return;
  }
  uint32_t n_ff = (uint32_t) (fused ? whole / 2 : whole);
  struct pe_view chosen = emit_route (b, router_in);
  uint16_t up_value = pe_value (b, "expert_up", n_used * n_ff);
  uint16_t gate_value = pe_value (b, "expert_gate", n_used * n_ff);
  struct pe_view up = pe_heads (up_value, 0, n_used, n_ff, n_ff);
  struct pe_view gate = pe_heads (gate_value, 0, n_used, n_ff, n_ff);
  bool weigh = b->arch->flags & PE_ARCH_WEIGH_INPUT;
  if (fused) {
    emit_expert_matmul (b, "ffn_gate_up_exps", 0, n_ff, whole, chosen, in, gate, weigh);
    emit_expert_matmul (b, "ffn_gate_up_exps", n_ff, n_ff, whole, chosen, in, up, weigh);
    pe_emit_glu (b, gate, up, up);
  } else if (pe_has (b, "ffn_gate_exps.weight")) {
    emit_expert_matmul (b, "ffn_gate_exps", 0, n_ff, n_ff, chosen, in, gate, weigh);
    emit_expert_matmul (b, "ffn_up_exps", 0, n_ff, n_ff, chosen, in, up, weigh);
    pe_emit_glu (b, gate, up, up);
  } else {
    emit_expert_matmul (b, "ffn_up_exps", 0, n_ff, n_ff, chosen, in, up, weigh);
    pe_emit_unary (b, b->arch->activation, 0, 0, up, up);
  }
  uint32_t n_out = pe_view_elements (out);
  struct pe_view each =
      pe_heads (pe_value (b, "expert_out", n_used * n_out), 0, n_used, n_out, n_out);
  emit_expert_matmul (b, "ffn_down_exps", 0, n_out, n_out, chosen, up, each, false);
  struct pe_op *op = pe_emit (b, PE_OP_EXPERT_SUM);
  op->in[0] = each;
  op->out = out;
  op->expert.ids = chosen;
  op->expert.n_used = n_used;
  op->expert.n_experts = h->n_experts;
  op->expert.weigh_input = weigh; /* then the weights are spent already */
}

static void
build_shared_expert (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  const struct pe_tensor *up = pe_layer_tensor (b, "ffn_up_shexp.weight");
  struct pe_view shared = pe_fresh (b, "shared_out", pe_view_elements (out));
  pe_build_dense_ffn (b, "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp", in,
                      (uint32_t) up->shape[1], shared);
  if (pe_has (b, "ffn_gate_inp_shexp.weight")) {
    struct pe_view gate = pe_fresh (b, "shared_gate", 1);
    struct pe_weight w = pe_vector (b, "ffn_gate_inp_shexp.weight", pe_view_elements (in));
    pe_emit_matmul (b, (struct pe_weight){ w.tensor, 0, 1 }, pe_no_weight (), in, gate);
    pe_emit_mul (b, PE_UNARY_SIGMOID, shared, gate, shared);
  }
  pe_emit_add (b, 1, out, 1, shared, out);
}

void
pe_build_ffn (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  if (!pe_has (b, "ffn_gate_inp.weight")) {
    pe_build_dense_ffn (b, "ffn_gate", "ffn_up", "ffn_down", in, b->h->n_ff[b->layer], out);
    return;
  }
  pe_build_experts (b, in, in, out);
  if (pe_has (b, "ffn_up_shexp.weight"))
    build_shared_expert (b, in, out);
}
