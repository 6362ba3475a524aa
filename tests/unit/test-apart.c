/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that keep each expert in a tensor of its own: which are taken as stacks, and what is said
 * of those that do not fit together. What they compute is compared in tests/conformance.
 */
#include "tests/harness.h"

#include "engine/format/gguf.h"
#include "engine/tensor.h"

#include <unistd.h>

enum { WIDTH = 32, HIDDEN = 64, VOCAB = 8, EXPERTS = 4 };

/* What is wrong with the file. */
struct flaw {
  const char *name; /* of a tensor, or NULL */
  uint64_t rows;    /* it has so many; 0: it is missing */
  uint32_t experts; /* that the metadata announce; 0: as many as there are */
  bool has_stack;   /* a stack of the usual name is there, too */
  const char *says; /* the refusal; NULL: it is taken */
};

static bool
put_zeros (struct pe_gguf_writer *w, size_t tensor, void *data, struct pe_error *error)
{
  static const char zeros[4 * HIDDEN * WIDTH * EXPERTS];
  return pe_gguf_write (w, zeros, (size_t) (uintptr_t) data, error);
}

static void
put (struct pe_gguf_writer *w, const struct flaw *flaw, const char *name, uint64_t n_in,
     uint64_t n_out, uint64_t n)
{
  uint64_t shape[4] = { n_in, n_out, n, 1 };
  if (flaw->name && strcmp (flaw->name, name) == 0) {
    if (flaw->rows == 0)
      return;
    shape[1] = flaw->rows;
  }
  uint64_t bytes = 4 * shape[0] * shape[1] * shape[2];
  pe_gguf_add_tensor (w, name, PE_TYPE_F32,
                      n > 1       ? 3
                      : n_out > 1 ? 2
                                  : 1,
                      shape, put_zeros, (void *) (uintptr_t) bytes);
}

static void
make (const char *path, const struct flaw *flaw)
{
  static const char *const squares[] = { "attn_q", "attn_k", "attn_v", "attn_output" };
  struct pe_gguf_writer *w = pe_gguf_writer_new ();
  struct pe_error error = { 0 };
  char name[64];
  pe_gguf_put_string (w, "general.architecture", "llama", 5);
  pe_gguf_put_u32 (w, "llama.block_count", 1);
  pe_gguf_put_u32 (w, "llama.embedding_length", WIDTH);
  pe_gguf_put_u32 (w, "llama.attention.head_count", 2);
  pe_gguf_put_u32 (w, "llama.expert_count", flaw->experts ? flaw->experts : EXPERTS);
  pe_gguf_put_u32 (w, "llama.expert_used_count", 2);
  put (w, flaw, "token_embd.weight", WIDTH, VOCAB, 1);
  put (w, flaw, "output_norm.weight", WIDTH, 1, 1);
  put (w, flaw, "blk.0.attn_norm.weight", WIDTH, 1, 1);
  put (w, flaw, "blk.0.ffn_norm.weight", WIDTH, 1, 1);
  for (size_t i = 0; i < 4; i++) {
    snprintf (name, sizeof name, "blk.0.%s.weight", squares[i]);
    put (w, flaw, name, WIDTH, WIDTH, 1);
  }
  put (w, flaw, "blk.0.ffn_gate_inp.weight", WIDTH, flaw->experts ? flaw->experts : EXPERTS, 1);
  for (unsigned e = 0; e < EXPERTS; e++) { /* in the order of old converters */
    snprintf (name, sizeof name, "blk.0.ffn_gate.%u.weight", e);
    put (w, flaw, name, WIDTH, HIDDEN, 1);
    snprintf (name, sizeof name, "blk.0.ffn_down.%u.weight", e);
    put (w, flaw, name, HIDDEN, WIDTH, 1);
    snprintf (name, sizeof name, "blk.0.ffn_up.%u.weight", e);
    put (w, flaw, name, WIDTH, HIDDEN, 1);
  }
  if (flaw->has_stack)
    put (w, flaw, "blk.0.ffn_up_exps.weight", WIDTH, HIDDEN, EXPERTS);
  bool ok = pe_gguf_writer_save (w, path, &error);
  pe_gguf_writer_free (w);
  CHECK_MSG (ok, "%s", error.message);
}

static void
experts_apart_are_a_stack (void)
{
  static const struct flaw flaws[] = {
    { NULL },
    { .has_stack = true }, /* the file's own counts */
    { .name = "blk.0.ffn_up.3.weight", .says = "blk.0.ffn_up_exps.weight has the shape" },
    { .name = "blk.0.ffn_up.0.weight", .says = "separate tensors that do not fit together" },
    { .name = "blk.0.ffn_up.2.weight", .rows = 63, .says = "do not fit together" },
    { .name = "blk.0.ffn_down.1.weight", .rows = 8, .says = "no tensor blk.0.ffn_down_exps" },
    { .experts = 5, .says = "blk.0.ffn_gate_exps.weight has the shape" },
    { .experts = 3, .says = "blk.0.ffn_gate_exps.weight has the shape" },
  };
  char path[64];
  snprintf (path, sizeof path, "/tmp/parley-test-apart-%d.gguf", (int) getpid ());
  for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
    struct pe_model *model = NULL;
    struct pe_error error = { 0 };
    make (path, &flaws[i]);
    bool opened = pe_model_open (path, &model, &error);
    unlink (path);
    CHECK_MSG (opened, "%s", error.message);
    bool taken = pe_model_can_compute (model, &error);
    size_t n = 0;
    const struct pe_tensor *table = pe_model_tensors (model, &n);
    const struct pe_tensor *stack = pe_model_find_tensor (model, "blk.0.ffn_up_exps.weight");
    uint64_t bytes = pe_model_info (model)->tensor_bytes, sum = 0;
    for (size_t t = 0; t < n; t++)
      sum += table[t].n_bytes;
    bool is_own = stack && stack->experts, of_file = stack && stack < table + n;
    uint64_t stack_bytes = stack ? stack->n_bytes : 0;
    pe_model_close (model);
    CHECK_MSG (taken == !flaws[i].says, "file %zu: %s", i, error.message);
    CHECK_MSG (taken || strstr (error.message, flaws[i].says), "file %zu: %s", i, error.message);
    CHECK (bytes == sum); /* nothing is counted twice */
    if (taken) {
      CHECK (is_own == !flaws[i].has_stack && of_file == flaws[i].has_stack);
      CHECK (stack_bytes == 4 * WIDTH * HIDDEN * EXPERTS);
    }
  }
}

int
main (void)
{
  RUN (experts_apart_are_a_stack);
  return test_done ();
}
