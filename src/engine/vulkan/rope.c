/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frequencies of rotary embeddings: everything that does not depend on the position is folded into
 * one number for each pair when a stage is loaded.
 */
#include "engine/vulkan/vulkan.h"

#include "base/alloc.h"
#include "engine/tensor.h"

#include <math.h>
#include <string.h>

uint64_t
pe_gpu_frequencies_offset (const struct pe_backend *b, uint32_t stage, const struct pe_op *op)
{
  const struct pe_stage *s = pe_program_stage (b->program, stage);
  uint64_t pairs = 0;
  for (size_t i = 0; i < s->n_ops && &s->ops[i] != op; i++)
    if (s->ops[i].kind == PE_OP_ROPE)
      pairs += s->ops[i].rope.n_rot / 2;
  return b->layout.frequencies + pairs * sizeof (uint64_t);
}

/* The file's divisors, from the mapping: they are few. *out holds the whole tensor; pe_free() it.
 */
static bool
read_factors (struct pe_backend *b, struct pe_weight w, uint32_t n, float **out,
              struct pe_error *error)
{
  const struct pe_tensor *t = &b->tensors[w.tensor];
  if (w.row + n > t->n_elements)
    return pe_fail (error, PE_ERROR_FORMAT, "tensor %s has too few elements", t->name);
  *out = pe_malloc (t->n_elements * sizeof **out);
  if (!*out)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the model's rotations");
  pe_type_info (t->type)->decode (t->data, *out, t->n_elements);
  return true;
}

/* The angle of pair i is position * base^(-2i / n_rot) / factor_i, stretched by the linear or
 * YaRN scaling (Peng et al. 2023): below yarn_low it stays, above yarn_high it is scaled. */
static uint64_t
frequency (const struct pe_rope *r, uint32_t i, double factor)
{
  double rate = pow (r->base, -2.0 * i / r->n_rot) / factor;
  double scale = r->position_scale;
  if (r->yarn_factor > 0) {
    double span = r->yarn_high - r->yarn_low;
    double ramp = (i - r->yarn_low) / (span > 0.001 ? span : 0.001);
    double keep = 1 - fmin (fmax (ramp, 0), 1);
    scale = scale * (1 - keep) + keep;
  }
  double turns = rate * scale / (2 * M_PI);
  turns -= floor (turns);
  return turns < 1 ? (uint64_t) ldexp (turns, 64) : 0; /* not a number: no rotation */
}

/* One divisor for each pair; 1 where the file has none. */
static bool
write_one (struct pe_backend *b, const struct pe_op *op, uint64_t *out, struct pe_error *error)
{
  uint32_t n = op->rope.n_rot / 2;
  struct pe_weight w = pe_rope_factors (op, b->plan->request.n_ctx);
  float *factors = NULL;
  if (w.tensor != PE_NO_TENSOR && !read_factors (b, w, n, &factors, error))
    return false;
  for (uint32_t i = 0; i < n; i++)
    out[i] = frequency (&op->rope, i, factors ? factors[w.row + i] : 1);
  pe_free (factors);
  return true;
}

bool
pe_gpu_write_frequencies (struct pe_backend *b, uint32_t stage, unsigned char *table,
                          struct pe_error *error)
{
  const struct pe_stage *s = pe_program_stage (b->program, stage);
  for (size_t i = 0; i < s->n_ops; i++) {
    const struct pe_op *op = &s->ops[i];
    if (op->kind != PE_OP_ROPE)
      continue;
    uint64_t *out = (uint64_t *) (table + pe_gpu_frequencies_offset (b, stage, op));
    if (!write_one (b, op, out, error))
      return false;
  }
  return true;
}
