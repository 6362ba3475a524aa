/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sampling/dry.h"

#include "base/alloc.h"
#include "engine/text/tokenizer.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MAX_BREAKERS 64
#define MAX_BREAKER  64 /* bytes */

struct pe_dry {
  float multiplier, base;
  uint32_t free_length, window, n_vocab;
  int32_t *ring; /* `window` tokens */
  uint32_t n, next;
  uint32_t since_break;         /* tokens after the last breaker */
  uint32_t *matches;            /* `window`: Z-function of the tokens read backwards */
  uint32_t *runs;               /* for each token of the vocabulary, the longest run it prolongs */
  const struct pe_vocab *vocab; /* NULL: no breakers */
  char *breakers[MAX_BREAKERS];
  size_t breaker_bytes[MAX_BREAKERS], n_breakers;
  char tail[MAX_BREAKER]; /* the text before, for breakers that several tokens spell */
  size_t n_tail;
};

bool
pe_dry_new (const struct pe_sampler_params *params, uint32_t n_vocab, struct pe_dry **out,
            struct pe_error *error)
{
  struct pe_dry *dry = pe_calloc (1, sizeof *dry);
  if (dry) {
    dry->multiplier = params->dry_multiplier;
    dry->base = params->dry_base;
    dry->free_length = params->dry_free_length;
    dry->window = params->dry_window;
    dry->n_vocab = n_vocab;
    dry->ring = pe_calloc (dry->window, sizeof *dry->ring);
    dry->matches = pe_calloc (dry->window, sizeof *dry->matches);
    dry->runs = pe_calloc (n_vocab, sizeof *dry->runs);
  }
  if (!dry || !dry->ring || !dry->matches || !dry->runs) {
    pe_dry_free (dry);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to watch for repetitions");
  }
  *out = dry;
  return true;
}

void
pe_dry_free (struct pe_dry *dry)
{
  if (!dry)
    return;
  for (size_t i = 0; i < dry->n_breakers; i++)
    pe_free (dry->breakers[i]);
  pe_free (dry->ring);
  pe_free (dry->matches);
  pe_free (dry->runs);
  pe_free (dry);
}

bool
pe_dry_set_breakers (struct pe_dry *dry, const struct pe_vocab *vocab, const char *const *texts,
                     size_t n, struct pe_error *error)
{
  if (n > MAX_BREAKERS - dry->n_breakers)
    return pe_fail (error, PE_ERROR_ARGUMENT, "there are more than %d texts that end a repetition",
                    MAX_BREAKERS);
  for (size_t i = 0; i < n; i++) {
    size_t bytes = strlen (texts[i]);
    if (bytes == 0 || bytes > MAX_BREAKER)
      return pe_fail (error, PE_ERROR_ARGUMENT,
                      "a text that ends a repetition must have 1 to %d bytes", MAX_BREAKER);
    char *copy = pe_strndup (texts[i], bytes);
    if (!copy)
      return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to watch for repetitions");
    dry->breaker_bytes[dry->n_breakers] = bytes;
    dry->breakers[dry->n_breakers++] = copy;
  }
  dry->vocab = vocab;
  return true;
}

static bool
contains_breaker (const struct pe_dry *dry, const char *text, size_t n)
{
  for (size_t i = 0; i < dry->n_breakers; i++)
    if (memmem (text, n, dry->breakers[i], dry->breaker_bytes[i]))
      return true;
  return false;
}

static bool
is_breaker (const struct pe_dry *dry, int32_t token)
{
  char buffer[8];
  size_t n;
  if (!dry->vocab)
    return false;
  const char *piece = pe_token_piece (dry->vocab, token, true, buffer, &n);
  return contains_breaker (dry, piece, n);
}

/* Whether a breaker ends within the text of this token; what is left of it becomes the tail. */
static bool
completes_breaker (struct pe_dry *dry, int32_t token)
{
  char buffer[8], joined[2 * MAX_BREAKER];
  size_t n;
  if (!dry->vocab)
    return false;
  const char *piece = pe_token_piece (dry->vocab, token, true, buffer, &n);
  size_t head = n < MAX_BREAKER ? n : MAX_BREAKER, all = dry->n_tail + head;
  memcpy (joined, dry->tail, dry->n_tail);
  memcpy (joined + dry->n_tail, piece, head);
  bool breaks = contains_breaker (dry, joined, all) || contains_breaker (dry, piece, n);
  if (breaks) /* what was found must not be found again */
    dry->n_tail = 0;
  else if (n >= MAX_BREAKER) {
    memcpy (dry->tail, piece + n - MAX_BREAKER, MAX_BREAKER);
    dry->n_tail = MAX_BREAKER;
  } else {
    dry->n_tail = all < MAX_BREAKER ? all : MAX_BREAKER;
    memcpy (dry->tail, joined + all - dry->n_tail, dry->n_tail);
  }
  return breaks;
}

void
pe_dry_accept (struct pe_dry *dry, int32_t token)
{
  dry->ring[dry->next] = token;
  dry->next = (dry->next + 1) % dry->window;
  dry->n += dry->n < dry->window;
  dry->since_break = completes_breaker (dry, token) ? 0 : dry->since_break + 1;
  if (dry->since_break > dry->window)
    dry->since_break = dry->window;
}

/* The i-th token counted from the last. */
static int32_t
back (const struct pe_dry *dry, uint32_t i)
{
  return dry->ring[(dry->next + dry->window - 1 - i) % dry->window];
}

/* matches[i]: how many tokens up to the i-th from the end are those up to the end (Gusfield's Z).
 */
static void
find_matches (struct pe_dry *dry)
{
  uint32_t *z = dry->matches, left = 0, right = 0;
  for (uint32_t i = 1; i < dry->n; i++) {
    uint32_t k = i < right ? (z[i - left] < right - i ? z[i - left] : right - i) : 0;
    while (i + k < dry->n && back (dry, k) == back (dry, i + k))
      k++;
    z[i] = k;
    if (i + k > right) {
      left = i;
      right = i + k;
    }
  }
}

void
pe_dry_apply (struct pe_dry *dry, float *logits)
{
  if (dry->since_break < dry->free_length || dry->n < 2)
    return;
  find_matches (dry);
  for (uint32_t i = 1; i < dry->n; i++) {
    uint32_t run = dry->matches[i] < dry->since_break ? dry->matches[i] : dry->since_break;
    int32_t token = back (dry, i - 1);
    if (run >= dry->free_length && run > 0 && run > dry->runs[token])
      dry->runs[token] = run;
  }
  for (uint32_t i = 1; i < dry->n; i++) {
    int32_t token = back (dry, i - 1);
    uint32_t run = dry->runs[token];
    if (run == 0)
      continue;
    dry->runs[token] = 0;
    if (is_breaker (dry, token))
      continue;
    float cost = dry->multiplier * powf (dry->base, (float) (run - dry->free_length));
    logits[token] -= cost < FLT_MAX ? cost : FLT_MAX;
  }
}
