/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A row with thousands of keys behind it: alone its keys are shared out in parts, beside another
 * row they are not, and both ways give the same logits.
 */
#include "../engine-load.h"
#include "../harness.h"

#include "engine/cpu/cpu.h"

#include <unistd.h>

#define PART (PE_CPU_PART_PAGES * PE_PAGE_TOKENS)

static char path[512];
static enum pe_type kv_type;
static size_t n_positions; /* of those below: the last is far off */

/* Tokens [from, to); the logits of the last are at index 0. */
static bool
feed (struct loaded *l, size_t from, size_t to)
{
  struct pe_error error = { 0 };
  while (from < to) {
    struct pe_row rows[64];
    size_t n = 0;
    for (; n < 64 && from < to; n++, from++)
      rows[n] = (struct pe_row){ l->sequence, test_token (from), from + 1 == to };
    if (!pe_runtime_compute (l->runtime, rows, n, &error)) {
      printf ("# token %zu: %s\n", from, error.message);
      return false;
    }
  }
  return true;
}

static void
parts_give_what_the_whole_gives (void)
{
  const size_t positions[] = { PART - 3, PART, PART + 300, 2 * PART + 1 };
  struct pe_device_info cpu;
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 3 * PART;
  request.n_batch = 64;
  request.n_threads = 3;
  request.n_gpu_layers = 0;
  request.precision = PE_PRECISION_EXACT;
  request.k_type = request.v_type = kv_type;
  struct loaded l;
  CHECK (load (&l, path, &request, &cpu, pe_devices_list (&cpu, 1, false, NULL)));
  size_t n_vocab = pe_model_info (l.model)->n_vocab, done = 0;
  float *whole = malloc (n_vocab * sizeof *whole);
  for (size_t i = 0; i < n_positions; i++) {
    size_t p = positions[i], n_kept = 0;
    struct pe_error error = { 0 };
    if (p - 1 > done)
      CHECK (feed (&l, done, p - 1));
    CHECK (feed (&l, p - 1, p + 1)); /* two rows: not in parts */
    memcpy (whole, pe_runtime_logits (l.runtime, 0), n_vocab * sizeof *whole);
    CHECK_MSG (pe_sequence_truncate (l.sequence, p, &n_kept, &error), "%s", error.message);
    CHECK (feed (&l, n_kept, p));
    CHECK (feed (&l, p, p + 1));
    double distance = nmse (pe_runtime_logits (l.runtime, 0), whole, n_vocab);
    CHECK_MSG (distance < (kv_type == PE_TYPE_F32 ? 1e-9 : 1e-6), "position %zu: %g", p, distance);
    done = p + 1;
  }
  free (whole);
  unload (&l);
}

/* The argument is the project's own model. */
int
main (int argc, char **argv)
{
  /* Of the references those with windows, sinks, soft caps and compressed keys. */
  static const char *const models[] = { NULL, "gemma3-swa", "gpt-oss-f16", "gemma2-swa",
                                        "deepseek2-lite" };
  static const enum pe_type types[] = { PE_TYPE_F32, PE_TYPE_F16 };
  const char *folder = getenv ("PARLEY_CONFORMANCE"), *own = argc > 1 ? argv[1] : NULL;
  for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
    if (models[m])
      snprintf (path, sizeof path, "%s/arch/%s.gguf", folder ? folder : "", models[m]);
    else
      snprintf (path, sizeof path, "%s", own ? own : "");
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
      char name[96];
      kv_type = types[t];
      n_positions = models[m] ? 3 : 4;
      if (models[m] && kv_type != PE_TYPE_F32)
        continue; /* how it is stored is nothing to the parts */
      snprintf (name, sizeof name, "%s, cache %s: parts give what the whole gives",
                models[m] ? models[m] : "guide", pe_type_info (kv_type)->name);
      if (access (path, R_OK) == 0)
        test_run (name, parts_give_what_the_whole_gives);
      else
        printf ("# %s is not there\n", path);
    }
  }
  return test_done ();
}
