/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sequences on the CPU: branches share pages and never see each other, going back gives the same
 * logits again, errors leave everything usable, and a batch of many sequences is the same as each
 * alone.
 *
 *   test-sequence SYNTH-MODEL
 */
#include "../engine-load.h"
#include "../harness.h"

#include "engine/internal.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#define N_CTX   2048
#define N_BATCH 16

static const char *path;
static char synthetic[64];
static struct loaded loaded;
static size_t n_vocab;

static int32_t
token_at (uint32_t seed, size_t i)
{
  uint32_t x = (uint32_t) i * 2654435761u ^ seed * 40503u;
  x ^= x >> 13;
  return (int32_t) ((x * 2246822519u >> 7) % 60);
}

static void
start (void)
{
  struct pe_device_info cpu[PE_MAX_DEVICES];
  struct pe_plan_request request;
  if (access (path, R_OK) != 0)
    SKIP ("no reference models beside the project");
  pe_devices_list (cpu, 1, false, NULL);
  pe_plan_request_init (&request);
  request.n_ctx = N_CTX;
  request.n_batch = N_BATCH;
  request.n_outputs = N_BATCH;
  request.n_threads = 2;
  request.precision = PE_PRECISION_EXACT;
  request.k_type = request.v_type = PE_TYPE_F32;
  CHECK (load (&loaded, path, &request, cpu, 1));
  n_vocab = pe_model_info (loaded.model)->n_vocab;
}

static struct pe_sequence *
new_sequence (void)
{
  struct pe_sequence *s;
  struct pe_error error;
  CHECK_MSG (pe_sequence_new (loaded.runtime, &s, &error), "%s", error.message);
  return s;
}

static struct pe_sequence *
fork_at (const struct pe_sequence *s, size_t n)
{
  struct pe_sequence *fork;
  struct pe_error error;
  CHECK_MSG (pe_sequence_fork (s, n, &fork, &error), "%s", error.message);
  return fork;
}

/* Feeds tokens [from, to) of stream `seed`, one pass each; the last one's logits into `out`. */
static void
feed (struct pe_sequence *s, uint32_t seed, size_t from, size_t to, float *out)
{
  struct pe_error error;
  for (size_t i = from; i < to; i++) {
    struct pe_row row = { s, token_at (seed, i), i + 1 == to };
    CHECK_MSG (pe_runtime_compute (loaded.runtime, &row, 1, &error), "%s", error.message);
  }
  if (out && to > from)
    memcpy (out, pe_runtime_logits (loaded.runtime, 0), n_vocab * sizeof *out);
}

static bool
equal (const float *a, const float *b)
{
  return memcmp (a, b, n_vocab * sizeof *a) == 0;
}

static float first[1 << 16], second[1 << 16], other[1 << 16];

static size_t
pages_in_use (void)
{
  size_t n = 0;
  for (uint32_t pool = 0; pool < PE_POOL_COUNT; pool++)
    n += loaded.runtime->pages[pool].n_pages - loaded.runtime->pages[pool].n_free;
  return n;
}

/* ---- branches ---- */

/* A branch at n tokens: on a page's border, inside a page, at the very end. */
static void
branches_are_apart (void)
{
  start ();
  CHECK (n_vocab <= 1 << 16);
  size_t at[] = { 1, PE_PAGE_TOKENS - 1, PE_PAGE_TOKENS, PE_PAGE_TOKENS + 1, PE_PAGE_TOKENS + 5 };
  size_t length = PE_PAGE_TOKENS + 5;
  struct pe_sequence *trunk = loaded.sequence;
  feed (trunk, 1, 0, length, NULL);
  size_t before = pages_in_use ();
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    struct pe_sequence *branch = fork_at (trunk, at[i]);
    size_t has = pe_sequence_n_tokens (branch);
    /* Recurrent state cannot be cut anywhere: what is missing is evaluated again. */
    CHECK (pe_runtime_has_state (loaded.runtime) ? has <= at[i] : has == at[i]);
    CHECK_MSG (pages_in_use () == before, "a branch took a page before it wrote");
    feed (branch, 1, has, at[i], NULL);
    feed (branch, 2, at[i], at[i] + 4, first);

    struct pe_sequence *alone = new_sequence ();
    feed (alone, 1, 0, at[i], NULL);
    feed (alone, 2, at[i], at[i] + 4, second);
    CHECK_MSG (equal (first, second), "branch at %zu", at[i]);
    CHECK (pe_sequence_common (branch, pe_sequence_tokens (alone), at[i] + 4) == at[i] + 4);
    pe_sequence_free (alone);
    pe_sequence_free (branch);
    CHECK (pages_in_use () == before);
  }
  /* The trunk goes on as if nothing had been. */
  feed (trunk, 1, length, length + 3, first);
  struct pe_sequence *alone = new_sequence ();
  feed (alone, 1, 0, length + 3, second);
  CHECK (equal (first, second));
}

/* Both write behind the branch; whoever writes first copies. A branch also outlives its trunk. */
static void
both_sides_write (void)
{
  start ();
  size_t n = PE_PAGE_TOKENS + 7;
  for (int order = 0; order < 2; order++) {
    struct pe_sequence *trunk = new_sequence ();
    feed (trunk, 1, 0, n, NULL);
    struct pe_sequence *branch = fork_at (trunk, n);
    feed (order ? trunk : branch, order ? 1 : 2, n, n + 2, NULL);
    feed (order ? branch : trunk, order ? 2 : 1, n, n + 2, NULL);
    feed (branch, 2, n + 2, n + 3, first);
    feed (trunk, 1, n + 2, n + 3, second);
    pe_sequence_free (trunk);
    struct pe_sequence *a = new_sequence (), *b = new_sequence ();
    feed (a, 1, 0, n, NULL);
    feed (a, 2, n, n + 3, other);
    CHECK_MSG (equal (first, other), "the branch, order %d", order);
    feed (b, 1, 0, n + 3, other);
    CHECK_MSG (equal (second, other), "the trunk, order %d", order);
    feed (branch, 2, n + 3, n + 6, first);
    feed (a, 2, n + 3, n + 6, second);
    CHECK_MSG (equal (first, second), "a branch without its trunk");
    pe_sequence_free (a);
    pe_sequence_free (b);
    pe_sequence_free (branch);
  }
  CHECK (pages_in_use () == 0);
}

/* ---- going back ---- */

/* Wherever it goes back to, and however much of that it has to compute anew. */
static void
truncated_and_fed_again (void)
{
  start ();
  struct pe_sequence *s = loaded.sequence;
  size_t n = PE_PAGE_TOKENS + 9;
  feed (s, 1, 0, n, first);
  size_t to[] = { n, n - 1, PE_PAGE_TOKENS + 1, PE_PAGE_TOKENS, PE_PAGE_TOKENS - 1, 1, 0, 7 };
  for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
    size_t kept = 12345;
    struct pe_error error;
    CHECK_MSG (pe_sequence_truncate (s, to[i], &kept, &error), "%s", error.message);
    CHECK (kept <= to[i] && kept == pe_sequence_n_tokens (s));
    CHECK (pe_runtime_has_state (loaded.runtime) || kept == to[i] ||
           i + 1 == sizeof to / sizeof *to);
    if (kept == n)
      continue;
    feed (s, 1, kept, n, second);
    CHECK_MSG (equal (first, second), "back to %zu, %zu kept", to[i], kept);
  }
}

/* A turn: a prompt of eight rows in one pass, then five tokens. */
#define TURN 13

static void
feed_turn (struct pe_sequence *s, size_t n, float *out)
{
  struct pe_row rows[TURN - 5];
  struct pe_error error;
  for (size_t i = 0; i < TURN - 5; i++)
    rows[i] = (struct pe_row){ s, token_at (1, n + i), false };
  CHECK_MSG (pe_runtime_compute (loaded.runtime, rows, TURN - 5, &error), "%s", error.message);
  feed (s, 1, n + TURN - 5, n + TURN, out);
}

/* Where a prompt of several rows began, a recurrent model can be brought back to. */
static void
checkpoints_are_found (void)
{
  start ();
  if (!pe_runtime_has_state (loaded.runtime))
    SKIP ("this model has no recurrent state");
  enum { TURNS = 3 };
  struct pe_sequence *s = loaded.sequence;
  struct pe_error error;
  size_t kept;
  for (size_t t = 0; t < TURNS; t++)
    feed_turn (s, t * TURN, first);
  for (size_t t = TURNS; t-- > 0;) {
    CHECK (pe_sequence_truncate (s, t * TURN + 4, &kept, &error));
    CHECK_MSG (kept == t * TURN, "%zu kept, a turn began at %zu", kept, t * TURN);
    for (size_t again = t; again < TURNS; again++)
      feed_turn (s, again * TURN, second);
    CHECK_MSG (equal (first, second), "from turn %zu on", t);
  }
  /* A sequence for each slot: the checkpoints go, one after the other, and live states stay. */
  struct pe_sequence *many[PE_MAX_STATE_SLOTS];
  size_t n_many = 0;
  while (n_many < PE_MAX_STATE_SLOTS && pe_sequence_new (loaded.runtime, &many[n_many], &error))
    n_many++;
  CHECK_MSG (n_many == PE_MAX_STATE_SLOTS - 1 && error.code == PE_ERROR_LIMIT, "%zu", n_many);
  CHECK (s->n_checkpoints == 0);
  feed_turn (s, TURNS * TURN, first);
  for (size_t i = 0; i < n_many; i++)
    pe_sequence_free (many[i]);
  struct pe_sequence *alone = new_sequence ();
  for (size_t t = 0; t <= TURNS; t++)
    feed_turn (alone, t * TURN, second);
  CHECK (equal (first, second));
}

/* ---- errors ---- */

static void
a_full_context_stays_usable (void)
{
  start ();
  struct pe_sequence *s = loaded.sequence;
  struct pe_error error;
  struct pe_row rows[N_BATCH];
  for (size_t n = 0; n < N_CTX - 3;) {
    size_t count = N_CTX - 3 - n < N_BATCH ? N_CTX - 3 - n : N_BATCH;
    for (size_t i = 0; i < count; i++)
      rows[i] = (struct pe_row){ s, token_at (1, n + i), false };
    CHECK (pe_runtime_compute (loaded.runtime, rows, count, &error));
    n += count;
  }
  for (size_t i = 0; i < 4; i++)
    rows[i] = (struct pe_row){ s, token_at (1, N_CTX - 3 + i), i == 2 };
  CHECK (!pe_runtime_compute (loaded.runtime, rows, 4, &error));
  CHECK (error.code == PE_ERROR_CONTEXT_FULL && error.message[0]);
  CHECK (pe_sequence_n_tokens (s) == N_CTX - 3);
  CHECK (pe_runtime_compute (loaded.runtime, rows, 3, &error));
  CHECK (pe_sequence_n_tokens (s) == N_CTX);
  memcpy (first, pe_runtime_logits (loaded.runtime, 0), n_vocab * sizeof *first);
  CHECK (!pe_runtime_compute (loaded.runtime, rows, 1, &error));
  CHECK (error.code == PE_ERROR_CONTEXT_FULL);
  /* Rows that are wrong leave it alone, too. */
  CHECK (!pe_runtime_compute (loaded.runtime, &(struct pe_row){ s, -1, true }, 1, &error));
  CHECK (!pe_runtime_compute (loaded.runtime, &(struct pe_row){ s, (int32_t) n_vocab, true }, 1,
                              &error));
  CHECK (pe_sequence_n_tokens (s) == N_CTX);
  size_t kept;
  CHECK (pe_sequence_truncate (s, N_CTX - 1, &kept, &error));
  if (!pe_runtime_has_state (loaded.runtime)) {
    CHECK (kept == N_CTX - 1);
    feed (s, 1, kept, N_CTX, second);
    CHECK (equal (first, second));
  }
}

static atomic_bool going;

static void *
cancel_soon (void *data)
{
  while (!atomic_load (&going))
    sched_yield ();
  struct timespec pause = { 0, 3000000 };
  nanosleep (&pause, NULL);
  pe_runtime_cancel (loaded.runtime);
  return NULL;
}

/* However long the prompt is: what stays are whole passes, and they are the right ones. */
static void
cancelled_between_passes (void)
{
  start ();
  struct pe_sequence *s = loaded.sequence;
  struct pe_row *rows = calloc (N_CTX - 8, sizeof *rows);
  struct pe_error error;
  pthread_t thread;
  for (size_t i = 0; i < N_CTX - 8; i++)
    rows[i] = (struct pe_row){ s, token_at (1, i), false };
  atomic_store (&going, false);
  CHECK (pthread_create (&thread, NULL, cancel_soon, NULL) == 0);
  atomic_store (&going, true);
  bool whole = pe_runtime_compute (loaded.runtime, rows, N_CTX - 8, &error);
  pthread_join (thread, NULL);
  free (rows);
  size_t n = pe_sequence_n_tokens (s);
  printf ("# %zu tokens were evaluated\n", n);
  if (!whole)
    CHECK_MSG (error.code == PE_ERROR_CANCELLED, "%s", error.message);
  CHECK (n % N_BATCH == 0 || n == N_CTX - 8);
  CHECK (whole == (n == N_CTX - 8));
  struct pe_row row = { s, 1, true };
  CHECK (!pe_runtime_compute (loaded.runtime, &row, 1, &error));
  CHECK (error.code == PE_ERROR_CANCELLED && pe_sequence_n_tokens (s) == n);
  pe_runtime_resume (loaded.runtime);
  feed (s, 1, n, n + 2, first);

  /* The same in the same passes, undisturbed. */
  struct pe_sequence *alone = new_sequence ();
  struct pe_row again[N_BATCH];
  for (size_t done = 0; done < n;) {
    size_t count = n - done < N_BATCH ? n - done : N_BATCH;
    for (size_t i = 0; i < count; i++)
      again[i] = (struct pe_row){ alone, token_at (1, done + i), false };
    CHECK_MSG (pe_runtime_compute (loaded.runtime, again, count, &error) ||
                   error.code == PE_ERROR_CONTEXT_FULL,
               "%s", error.message);
    if (error.code == PE_ERROR_CONTEXT_FULL)
      return; /* both do not fit beside each other */
    done += count;
  }
  feed (alone, 1, n, n + 2, second);
  CHECK (equal (first, second));
}

/* ---- many at once ---- */

static void
together_as_alone (void)
{
  enum { MOST = 4, EACH = 3 };
  start ();
  pe_sequence_free (loaded.sequence);
  loaded.sequence = NULL;
  /* Each has a branch at the same time, and recurrent models have few places for states. */
  uint32_t n_sequences = pe_runtime_has_state (loaded.runtime) ? PE_MAX_STATE_SLOTS / 2 : MOST;
  struct pe_sequence *s[MOST];
  struct pe_error error;
  struct pe_row rows[MOST * EACH];
  float *alone = malloc (n_sequences * n_vocab * sizeof *alone);
  for (uint32_t k = 0; k < n_sequences; k++) {
    s[k] = new_sequence ();
    feed (s[k], k, 0, 5 * k + 2 + EACH, alone + k * n_vocab);
    pe_sequence_free (s[k]);
  }
  for (uint32_t k = 0; k < n_sequences; k++) {
    s[k] = new_sequence ();
    feed (s[k], k, 0, 5 * k + 2, NULL);
  }
  /* Side by side, and then row by row in turn. */
  for (int mixed = 0; mixed < 2; mixed++) {
    struct pe_sequence *t[MOST];
    for (uint32_t k = 0; k < n_sequences; k++)
      t[k] = fork_at (s[k], 5 * k + 2);
    for (size_t i = 0; i < n_sequences * EACH; i++) {
      size_t k = mixed ? i % n_sequences : i / EACH, j = mixed ? i / n_sequences : i % EACH;
      rows[i] = (struct pe_row){ t[k], token_at ((uint32_t) k, 5 * k + 2 + j), j + 1 == EACH };
    }
    bool ok = pe_runtime_compute (loaded.runtime, rows, n_sequences * EACH, &error);
    for (uint32_t k = 0; k < n_sequences && ok; k++) {
      double e = nmse (pe_runtime_logits (loaded.runtime, k), alone + k * n_vocab, n_vocab);
      ok = e <= 1e-6;
      if (!ok)
        printf ("# sequence %u, mixed %d: %g\n", k, mixed, e);
    }
    for (uint32_t k = 0; k < n_sequences; k++)
      pe_sequence_free (t[k]);
    if (!ok)
      free (alone);
    CHECK (ok);
  }
  free (alone);
}

/* ---- threads ---- */

/* Queries, keys and values are one product for the threads, and so are gate and up; with attention,
 * its output and down that makes five times in a layer that they wait for each other. */
static void
few_barriers (void)
{
  start ();
  struct pe_runtime_counters before, after;
  feed (loaded.sequence, 1, 0, 40, NULL);
  pe_runtime_counters (loaded.runtime, &before);
  feed (loaded.sequence, 1, 40, 41, NULL);
  pe_runtime_counters (loaded.runtime, &after);
  uint32_t n_layers = pe_model_info (loaded.model)->n_layers;
  uint64_t n = after.cpu_barriers - before.cpu_barriers;
  printf ("# %u barriers for %u layers and the output\n", (unsigned) n, n_layers);
  CHECK (n >= 3 * n_layers && n <= 5 * n_layers + 1);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*fn) (void);
  } cases[] = {
    { "branches are apart", branches_are_apart },
    { "both sides write", both_sides_write },
    { "truncated and fed again", truncated_and_fed_again },
    { "checkpoints are found", checkpoints_are_found },
    { "a full context stays usable", a_full_context_stays_usable },
    { "cancelled between passes", cancelled_between_passes },
    { "together as alone", together_as_alone },
  };
  static const char *const models[] = { "",        "mamba2",         "qwen3next", "lfm2",
                                        "gemma3n", "deepseek2-lite", "qwen3moe" };
  if (argc != 2)
    return 2;
  snprintf (synthetic, sizeof synthetic, "/tmp/parley-sequence-%d.gguf", (int) getpid ());
  char command[512], large[64];
  snprintf (large, sizeof large, "/tmp/parley-large-%d.gguf", (int) getpid ());
  snprintf (command, sizeof command,
            "%s --preset tiny --type f16 --embd 64 --ffn 64 --vocab 512 %s >/dev/null", argv[1],
            synthetic);
  if (system (command) != 0)
    return 1;
  snprintf (command, sizeof command,
            "%s --preset tiny --type q8_0 --embd 512 --ffn 1536 --vocab 2048 %s >/dev/null",
            argv[1], large);
  if (system (command) != 0)
    return 1;
  path = large;
  test_run ("few barriers", few_barriers);
  unload (&loaded);
  unlink (large);
  const char *folder = getenv ("PARLEY_CONFORMANCE");
  for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
    char full[512];
    snprintf (full, sizeof full, "%s/arch/%s.gguf", folder ? folder : "", models[m]);
    path = m ? full : synthetic;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      char name[128];
      snprintf (name, sizeof name, "%s: %s", m ? models[m] : "synthetic", cases[i].name);
      test_run (name, cases[i].fn);
      pe_runtime_free (loaded.runtime); /* with whatever sequences a failed case left */
      pe_model_close (loaded.model);
      memset (&loaded, 0, sizeof loaded);
    }
  }
  unlink (synthetic);
  return test_done ();
}
