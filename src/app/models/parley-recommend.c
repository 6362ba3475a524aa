/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-recommend.h"

#include <glib/gi18n.h>

#define READING_SPEED 12.0 /* tokens a second: nobody waits for the words */
#define MOST_BITS     8    /* more cost memory and speed that nobody notices in the answers */
#define LEAST_BITS    2

/* The better, the lower. */
static int
place (const ParleyCandidate *candidate)
{
  switch (parley_fit_get_verdict (candidate->fit)) {
  case PARLEY_FIT_ON_GPU: return 0;
  case PARLEY_FIT_PARTLY: return 1;
  case PARLEY_FIT_IN_RAM: return 2;
  default: return 3;
  }
}

static gboolean
runs (const ParleyCandidate *candidate)
{
  return candidate->complete && candidate->fit != NULL && place (candidate) < 3;
}

/* The largest file of at most MOST_BITS that runs as well as `usual`, and quickly enough; or -1. */
static int
find_better (const ParleyCandidate *candidates, guint n, const ParleyCandidate *usual)
{
  int found = -1;

  for (guint i = 0; i < n; i++) {
    const ParleyCandidate *c = &candidates[i];
    if (runs (c) && c->bits <= MOST_BITS && c->bytes > usual->bytes && place (c) <= place (usual) &&
        parley_fit_get_speed (c->fit) >= READING_SPEED &&
        (found < 0 || c->bytes > candidates[found].bytes))
      found = (int) i;
  }
  return found;
}

static int
find_largest (const ParleyCandidate *candidates, guint n)
{
  int found = -1;

  for (guint i = 0; i < n; i++) {
    const ParleyCandidate *c = &candidates[i];
    if (runs (c) && c->bits >= LEAST_BITS && c->bits <= MOST_BITS &&
        (found < 0 || c->bytes > candidates[found].bytes))
      found = (int) i;
  }
  return found;
}

static const char *
where (const ParleyCandidate *candidate)
{
  switch (parley_fit_get_verdict (candidate->fit)) {
  case PARLEY_FIT_ON_GPU:
    return _ ("A good balance of quality and size, and it fits on the graphics card.");
  case PARLEY_FIT_PARTLY:
    return _ ("A good balance of quality and size. The graphics card takes a part of it.");
  default: return _ ("A good balance of quality and size, and it fits into memory.");
  }
}

int
parley_recommend (const ParleyCandidate *candidates, guint n, const char **why)
{
  int usual = -1;
  gboolean known = FALSE;

  for (guint i = 0; i < n; i++) {
    if (candidates[i].usual && candidates[i].complete)
      usual = (int) i;
    known |= candidates[i].fit != NULL;
  }
  if (!known) {
    *why = usual < 0 ? "" : _ ("What most people choose.");
    return usual;
  }
  if (usual >= 0 && runs (&candidates[usual])) {
    int better = find_better (candidates, n, &candidates[usual]);
    *why = better < 0 ? where (&candidates[usual])
                      : _ ("The best quality that still answers faster than people read.");
    return better < 0 ? usual : better;
  }
  int largest = find_largest (candidates, n);
  *why = largest < 0 ? _ ("None of these files fits into this computer's memory.")
                     : _ ("The best that fits into this computer's memory.");
  return largest;
}
