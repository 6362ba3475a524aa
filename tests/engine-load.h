/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What several tests of the engine do alike: list devices, load a model by a plan, feed tokens.
 * Functions that fail print why and return NULL or false.
 */
#pragma once

#include "driver-leaks.h"
#include "engine/parley-engine.h"

#include <stdio.h>
#include <string.h>

struct loaded {
  struct pe_model *model;
  struct pe_runtime *runtime;
  struct pe_sequence *sequence;
};

/* The CPU and, where Vulkan has any device at all, that one: real or software. */
static inline size_t
test_devices (struct pe_device_info devices[PE_MAX_DEVICES])
{
  size_t n = pe_devices_list (devices, PE_MAX_DEVICES, true, NULL);
  return n > 2 ? 2 : n;
}

/* Normalised mean square error of n logits against those of `b`. */
static inline double
nmse (const float *a, const float *b, size_t n)
{
  double difference = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    difference += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
    size += (double) b[i] * b[i];
  }
  return difference / size;
}

static inline void
unload (struct loaded *l)
{
  pe_sequence_free (l->sequence);
  pe_runtime_free (l->runtime);
  pe_model_close (l->model);
  memset (l, 0, sizeof *l);
}

static inline bool
load (struct loaded *l, const char *path, const struct pe_plan_request *request,
      const struct pe_device_info *devices, size_t n_devices)
{
  struct pe_error error = { 0 };
  struct pe_plan *plan = NULL;
  memset (l, 0, sizeof *l);
  bool ok = pe_model_open (path, &l->model, &error) &&
            pe_plan_make (l->model, request, devices, n_devices, &plan, &error) &&
            pe_runtime_create (l->model, plan, NULL, &l->runtime, &error) &&
            pe_sequence_new (l->runtime, &l->sequence, &error);
  pe_plan_free (plan);
  if (!ok) {
    printf ("# %s: %s\n", path, error.message);
    unload (l);
  }
  return ok;
}

/* Token i of a text without end, of the first 60 that every vocabulary has. */
static inline int32_t
test_token (size_t i)
{
  uint32_t x = (uint32_t) i * 2654435761u;
  x ^= x >> 13;
  return (int32_t) ((x * 2246822519u >> 7) % 60);
}

/* Evaluates tokens in batches of `batch`, logits of every one into `out` (n * n_vocab). */
static inline bool
evaluate (struct loaded *l, const int32_t *tokens, size_t n, size_t batch, float *out)
{
  uint32_t n_vocab = pe_model_info (l->model)->n_vocab;
  struct pe_row rows[256];
  struct pe_error error = { 0 };
  if (batch > 256)
    batch = 256;
  for (size_t done = 0; done < n; done += batch) {
    size_t count = n - done < batch ? n - done : batch;
    for (size_t i = 0; i < count; i++)
      rows[i] = (struct pe_row){ l->sequence, tokens[done + i], true };
    if (!pe_runtime_compute (l->runtime, rows, count, &error)) {
      printf ("# %s\n", error.message);
      return false;
    }
    for (size_t i = 0; i < count; i++)
      memcpy (out + (done + i) * n_vocab, pe_runtime_logits (l->runtime, i), n_vocab * sizeof *out);
  }
  return true;
}
