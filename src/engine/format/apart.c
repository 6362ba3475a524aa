/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/format/apart.h"

#include <stdio.h>
#include <string.h>

#define MAX_EXPERTS 512

static const char *const kinds[] = { "gate", "up", "down" };

/* The layer and kind that "blk.LAYER.ffn_KIND.0.weight" names. */
static bool
parse (const char *name, unsigned *layer, const char **kind)
{
  char expected[64];
  if (sscanf (name, "blk.%4u.", layer) != 1)
    return false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    snprintf (expected, sizeof expected, "blk.%u.ffn_%s.0.weight", *layer, kinds[i]);
    if (strcmp (name, expected) == 0) {
      *kind = kinds[i];
      return true;
    }
  }
  return false;
}

bool
pe_is_first_of_stack (const char *name)
{
  unsigned layer;
  const char *kind;
  return parse (name, &layer, &kind);
}

static bool
fits (const struct pe_tensor *first, const struct pe_tensor *t)
{
  return t->n_dims == 2 && pe_type_info (t->type)->decode &&
         memcmp (t->shape, first->shape, sizeof t->shape) == 0;
}

bool
pe_describe_stack (const struct pe_model *model, const struct pe_tensor *first,
                   struct pe_arena *arena, struct pe_tensor *stack, struct pe_error *error)
{
  const struct pe_tensor *table = pe_model_tensors (model, NULL);
  const struct pe_tensor *t = first;
  unsigned layer = 0;
  const char *kind = "";
  int32_t list[MAX_EXPERTS];
  uint32_t n = 0;
  char name[64];
  parse (first->name, &layer, &kind);
  memset (stack, 0, sizeof *stack);
  for (; t && n < MAX_EXPERTS && fits (first, t); n++) {
    list[n] = (int32_t) (t - table);
    stack->n_bytes += t->n_bytes; /* tensors of a file do not overlap, so the sum fits */
    stack->n_elements += t->n_elements;
    snprintf (name, sizeof name, "blk.%u.ffn_%s.%u.weight", layer, kind, n + 1);
    t = pe_model_find_tensor (model, name);
  }
  if (t) /* one that does not fit, or too many */
    return true;
  snprintf (name, sizeof name, "blk.%u.ffn_%s_exps.weight", layer, kind);
  int32_t *experts = pe_arena_array (arena, n, sizeof *experts);
  char *copy = pe_arena_strndup (arena, name, strlen (name));
  if (!experts || !copy)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the list of tensors");
  memcpy (experts, list, n * sizeof *experts);
  stack->name = copy;
  stack->type = first->type;
  stack->n_dims = 3;
  memcpy (stack->shape, first->shape, sizeof stack->shape);
  stack->shape[2] = n;
  stack->row_bytes = first->row_bytes;
  stack->file = first->file;
  stack->experts = experts;
  return true;
}
