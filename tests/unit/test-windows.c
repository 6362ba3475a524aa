/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layers that see a window keep few pages of a long context: the logits are those of a cache that
 * keeps everything, going back finds what is still there or a turn's start, and several
 * conversations get on with the pages that there are.
 */
#include "../engine-load.h"
#include "../harness.h"

#include "engine/internal.h"

#include <math.h>
#include <unistd.h>

#define N_BATCH 16
#define LONG    6144 /* context in which keeping few pages pays */
#define SHORT   2048 /* in which it does not */
#define MOST    1800
#define EVERY   16   /* logits of every so many tokens are compared */
#define SAME    1e-6 /* where passes are cut otherwise */

static char path[512];
static struct loaded loaded;
static size_t n_vocab;
static float *expected; /* [MOST / EVERY][n_vocab], by a cache that keeps everything */

static bool
load_for (uint32_t n_ctx, int32_t n_gpu_layers)
{
  struct pe_device_info devices[PE_MAX_DEVICES];
  size_t n = n_gpu_layers ? test_devices (devices) : pe_devices_list (devices, 1, false, NULL);
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = n_ctx;
  request.n_batch = request.n_outputs = N_BATCH;
  request.n_threads = 2;
  request.n_gpu_layers = n_gpu_layers;
  request.precision = PE_PRECISION_EXACT;
  request.k_type = request.v_type = PE_TYPE_F32;
  bool ok = load (&loaded, path, &request, devices, n);
  n_vocab = ok ? pe_model_info (loaded.model)->n_vocab : 0;
  return ok;
}

/* Tokens [from, to), whole multiples of EVERY, each EVERY in one call; the worst distance to what
 * is expected. */
static double
feed (struct pe_sequence *s, size_t from, size_t to)
{
  struct pe_error error = { 0 };
  double worst = 0;
  for (size_t i = from; i < to; i += EVERY) {
    struct pe_row rows[EVERY];
    for (size_t k = 0; k < EVERY; k++)
      rows[k] = (struct pe_row){ s, test_token (i + k), k + 1 == EVERY };
    if (!pe_runtime_compute (loaded.runtime, rows, EVERY, &error)) {
      printf ("# token %zu: %s\n", i, error.message);
      return INFINITY;
    }
    worst = fmax (worst, nmse (pe_runtime_logits (loaded.runtime, 0),
                               expected + i / EVERY * n_vocab, n_vocab));
  }
  return worst;
}

static void
everything_is_kept (void)
{
  struct pe_error error;
  CHECK (load_for (SHORT, 0));
  bool ok = loaded.runtime->kv.n_pages[PE_POOL_WINDOW] == 0;
  expected = malloc ((size_t) MOST / EVERY * n_vocab * sizeof *expected);
  for (size_t i = 0; i < MOST / EVERY && ok; i++) {
    struct pe_row rows[EVERY];
    for (size_t k = 0; k < EVERY; k++)
      rows[k] = (struct pe_row){ loaded.sequence, test_token (i * EVERY + k), k + 1 == EVERY };
    ok = pe_runtime_compute (loaded.runtime, rows, EVERY, &error);
    if (ok)
      memcpy (expected + i * n_vocab, pe_runtime_logits (loaded.runtime, 0),
              n_vocab * sizeof *expected);
  }
  CHECK (ok);
}

static uint32_t
window_pages_in_use (void)
{
  const struct pe_page_pool *pool = &loaded.runtime->pages[PE_POOL_WINDOW];
  return pool->n_pages - pool->n_free;
}

static void
start (int32_t n_gpu_layers)
{
  unload (&loaded);
  CHECK (load_for (LONG, n_gpu_layers));
  const struct pe_kv_geometry *kv = &loaded.runtime->kv;
  CHECK (kv->n_pages[PE_POOL_WINDOW] > 0);
  CHECK (kv->n_pages[PE_POOL_WINDOW] <= (LONG / PE_PAGE_TOKENS + 1) * 3 / 4);
}

/* ---- cases ---- */

static void
the_same_with_few_pages (void)
{
  start (0);
  for (size_t i = 0; i + 160 <= MOST; i += 160) {
    CHECK (feed (loaded.sequence, i, i + 160) == 0);
    /* Of the conversation, and of places to come back to. */
    CHECK_MSG (window_pages_in_use () <= 3 + 2 * PE_MAX_CHECKPOINTS, "%u", window_pages_in_use ());
  }
  const struct pe_plan *plan = pe_runtime_plan (loaded.runtime);
  CHECK (pe_plan_bytes (plan, 0, PE_MEMORY_KV) ==
         pe_runtime_allocated (loaded.runtime, 0, PE_MEMORY_KV));
}

/* A prompt of `prompt` tokens in one call and a reply of `reply` tokens one by one. */
static bool
take_turn (struct pe_sequence *s, size_t at, size_t prompt, size_t reply)
{
  struct pe_row rows[MOST];
  struct pe_error error;
  for (size_t i = 0; i < prompt; i++)
    rows[i] = (struct pe_row){ s, test_token (at + i), i + 1 == prompt };
  bool ok = pe_runtime_compute (loaded.runtime, rows, prompt, &error);
  for (size_t i = prompt; i < prompt + reply && ok; i++)
    ok = pe_runtime_compute (loaded.runtime, &(struct pe_row){ s, test_token (at + i), true }, 1,
                             &error);
  if (!ok)
    printf ("# %s\n", error.message);
  return ok;
}

static void
going_back_finds_turns (void)
{
  start (0);
  struct pe_sequence *s = loaded.sequence;
  struct pe_error error;
  size_t kept;
  CHECK (take_turn (s, 0, 304, 16) && take_turn (s, 320, 464, 16) && take_turn (s, 800, 464, 16));
  /* Nearby: everything is there. */
  CHECK (pe_sequence_truncate (s, 1280 - 160, &kept, &error) && kept == 1120);
  CHECK (feed (s, 1120, 1136) < SAME);
  /* Inside the second turn: its window has gone, the turn's start has not. */
  CHECK (pe_sequence_truncate (s, 770, &kept, &error));
  CHECK_MSG (kept == 320, "%zu", kept);
  CHECK (feed (s, 320, 1440) < SAME);
  /* A branch behind the end of a turn begins where that turn did. */
  CHECK (take_turn (s, 1440, 112, 16));
  struct pe_sequence *branch;
  CHECK (pe_sequence_fork (s, 1440 + 50, &branch, &error));
  size_t n = pe_sequence_n_tokens (branch);
  CHECK_MSG (n == 1440 + 50, "%zu", n); /* still there */
  CHECK (pe_sequence_truncate (branch, 1440, &kept, &error) && kept == 1440);
  CHECK (feed (branch, 1440, 1600) < SAME);
  pe_sequence_free (branch);
  CHECK (pe_sequence_fork (s, 200, &branch, &error));
  CHECK (pe_sequence_n_tokens (branch) == 0); /* no turn began there */
  CHECK (feed (branch, 0, 320) < SAME);
  double d = feed (s, 1568, 1600);
  CHECK_MSG (d < SAME, "%g", d);
  pe_sequence_free (branch);
  pe_sequence_free (s);
  loaded.sequence = NULL;
  CHECK (window_pages_in_use () == 0);
}

/* As many as the worker keeps, in turn: places to come back to give way, and nothing else does. */
static void
conversations_share_the_pages (void)
{
  enum { MANY = 4 };
  start (0);
  struct pe_sequence *s[MANY] = { loaded.sequence };
  struct pe_error error;
  for (size_t k = 1; k < MANY; k++)
    CHECK (pe_sequence_new (loaded.runtime, &s[k], &error));
  for (size_t i = 0; i < 960; i += 96)
    for (size_t k = 0; k < MANY; k++)
      CHECK (feed (s[k], i, i + 96) == 0);
  for (size_t k = 1; k < MANY; k++)
    pe_sequence_free (s[k]);
}

static void
on_the_gpu_too (void)
{
  struct pe_device_info devices[PE_MAX_DEVICES];
  if (test_devices (devices) < 2)
    SKIP ("no Vulkan device");
  struct pe_error error;
  start (1000);
  uint32_t n_layers = pe_model_info (loaded.model)->n_layers;
  double worst = 0;
  for (size_t i = 0; i < 960; i += 96) {
    CHECK_MSG (pe_runtime_place (loaded.runtime, (uint32_t) (i / 96 * 2) % (n_layers + 2), &error),
               "%s", error.message);
    worst = fmax (worst, feed (loaded.sequence, i, i + 96));
  }
  CHECK_MSG (worst < 1e-6, "%g", worst);
  const struct pe_plan *plan = pe_runtime_plan (loaded.runtime);
  for (size_t d = 0; d < plan->n_devices; d++)
    CHECK (pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT) ==
           pe_runtime_allocated (loaded.runtime, d, PE_MEMORY_KIND_COUNT));
}

int
main (void)
{
  static const struct {
    const char *name;
    void (*fn) (void);
  } cases[] = {
    { "everything is kept", everything_is_kept },
    { "the same with few pages", the_same_with_few_pages },
    { "going back finds turns", going_back_finds_turns },
    { "conversations share the pages", conversations_share_the_pages },
    { "on the GPU too", on_the_gpu_too },
  };
  static const char *const models[] = { "gemma3-swa", "gpt-oss-f16", "cohere2", "gemma3n" };
  const char *folder = getenv ("PARLEY_CONFORMANCE");
  for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
    snprintf (path, sizeof path, "%s/arch/%s.gguf", folder ? folder : "", models[m]);
    if (access (path, R_OK) != 0) {
      printf ("1..0 # SKIP no reference models beside the project\n");
      return 0;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      char name[96];
      snprintf (name, sizeof name, "%s: %s", models[m], cases[i].name);
      test_run (name, cases[i].fn);
      unload (&loaded);
    }
    free (expected);
  }
  return test_done ();
}
