/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which file of a model is recommended, on computers of different kinds.
 */
#include "app/models/parley-recommend.h"
#include "fit/fit-private.h"

#include "tests/harness.h"

#define GB G_GUINT64_CONSTANT (1000000000)

static ParleyFit *
fit (ParleyFitVerdict verdict, double speed)
{
  ParleyFit *made = _parley_fit_new ();
  made->verdict = verdict;
  made->speed.generation = speed;
  return made;
}

/* The files of one model: what each would do is given by verdict and speed. */
static const struct {
  guint64 bytes;
  guint bits;
} files[] = { { 3 * GB, 2 }, { 4 * GB, 3 }, { 5 * GB, 4 },
              { 7 * GB, 6 }, { 9 * GB, 8 }, { 16 * GB, 16 } };

#define N    G_N_ELEMENTS (files)
#define GPU  PARLEY_FIT_ON_GPU
#define PART PARLEY_FIT_PARTLY
#define RAM  PARLEY_FIT_IN_RAM
#define NOT  PARLEY_FIT_TOO_LARGE

static int
choose (const ParleyFitVerdict verdicts[N], const double speeds[N], const char **why)
{
  ParleyCandidate candidates[N];
  for (gsize i = 0; i < N; i++)
    candidates[i] = (ParleyCandidate){ files[i].bytes, files[i].bits, TRUE, files[i].bits == 4,
                                       fit (verdicts[i], speeds[i]) };
  int found = parley_recommend (candidates, N, why);
  for (gsize i = 0; i < N; i++)
    parley_fit_unref (candidates[i].fit);
  return found;
}

static void
the_best_for_each_computer (void)
{
  static const struct {
    ParleyFitVerdict verdicts[N];
    double speeds[N];
    int best;
    const char *says;
  } computers[] = {
    /* a large card: 8 bits, never 16 */
    { { GPU, GPU, GPU, GPU, GPU, GPU }, { 90, 80, 70, 50, 40, 25 }, 4, "faster than people read" },
    /* a card of 8 GB */
    { { GPU, GPU, GPU, GPU, PART, PART }, { 60, 50, 45, 30, 14, 4 }, 3, "faster than people read" },
    /* a slow card: what most people take */
    { { GPU, GPU, GPU, GPU, GPU, PART }, { 14, 12, 10, 7, 5, 2 }, 2, "graphics card" },
    { { RAM, RAM, RAM, RAM, RAM, NOT }, { 9, 8, 7, 5, 4, 0 }, 2, "fits into memory" },
    { { GPU, PART, PART, PART, NOT, NOT }, { 9, 8, 7, 5, 0, 0 }, 2, "takes a part" },
    /* little memory: the largest that runs at all */
    { { RAM, RAM, NOT, NOT, NOT, NOT }, { 5, 4, 0, 0, 0, 0 }, 1, "best that fits" },
    { { NOT, NOT, NOT, NOT, NOT, NOT }, { 0 }, -1, "None of these" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (computers); i++) {
    const char *why = NULL;
    int best = choose (computers[i].verdicts, computers[i].speeds, &why);
    CHECK_MSG (best == computers[i].best, "%zu: %d", i, best);
    CHECK_MSG (strstr (why, computers[i].says), "%zu: %s", i, why);
  }
}

static void
what_is_not_known_is_not_claimed (void)
{
  const char *why = NULL;
  ParleyCandidate candidates[] = { { 4 * GB, 3, TRUE, FALSE, NULL },
                                   { 5 * GB, 4, TRUE, TRUE, NULL } };
  CHECK (parley_recommend (candidates, 2, &why) == 1);
  CHECK_STR (why, "What most people choose.");
  candidates[1].complete = FALSE; /* parts of it are missing on the hub */
  CHECK (parley_recommend (candidates, 2, &why) == -1);
  CHECK_STR (why, "");
  CHECK (parley_recommend (NULL, 0, &why) == -1);
}

int
main (void)
{
  RUN (the_best_for_each_computer);
  RUN (what_is_not_known_is_not_claimed);
  return test_done ();
}
