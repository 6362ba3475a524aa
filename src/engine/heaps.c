/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/heaps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB            (1ull << 20)
#define LEAST_USEFUL   (512 * MIB)
#define LARGEST_CARD   (1ull << 42) /* 4 TiB: no card has that; a driver that says so is wrong */
#define MOVING_PERCENT 10

static uint64_t
least (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static void
doubt (struct pe_device_info *info, const char *why)
{
  if (!info->doubt[0])
    snprintf (info->doubt, sizeof info->doubt, "%s", why);
}

static bool
has_budgets (const struct pe_device_info *info)
{
  for (uint32_t i = 0; i < info->n_heaps; i++)
    if (info->heaps[i].budget)
      return true;
  return false;
}

/* Whether models can lie in this heap: a card's own memory is its largest device-local one. */
static bool
counts (const struct pe_device_info *info, uint32_t heap)
{
  if (info->kind != PE_DEVICE_DISCRETE)
    return true;
  const struct pe_heap *h = info->heaps;
  for (uint32_t i = 0; i < info->n_heaps; i++)
    if (h[i].device_local && (h[i].size > h[heap].size || (h[i].size == h[heap].size && i < heap)))
      return false;
  return h[heap].device_local;
}

void
pe_heaps_sum (const struct pe_device_info *info, uint64_t *budget, uint64_t *usage)
{
  bool budgets = has_budgets (info);
  *budget = *usage = 0;
  for (uint32_t i = 0; i < info->n_heaps; i++) {
    const struct pe_heap *heap = &info->heaps[i];
    if (!counts (info, i))
      continue;
    *budget += least (budgets ? least (heap->budget, heap->size)
                              : heap->size / 100 * PE_UNBUDGETED_PERCENT,
                      LARGEST_CARD);
    *usage += least (budgets ? heap->usage : 0, LARGEST_CARD);
  }
}

void
pe_heaps_judge (struct pe_device_info *info, uint64_t ram_total, uint64_t ram_available)
{
  bool budgets = has_budgets (info), shared = info->kind != PE_DEVICE_DISCRETE;
  uint64_t budget, usage;
  pe_heaps_sum (info, &budget, &usage);
  info->memory_total = 0;
  info->memory_available = budget > usage ? budget - usage : 0;
  info->memory_is_budget = budgets;
  for (uint32_t i = 0; i < info->n_heaps; i++) {
    if (!counts (info, i))
      continue;
    info->memory_total += least (info->heaps[i].size, LARGEST_CARD);
    if (budgets && info->heaps[i].budget > info->heaps[i].size)
      doubt (info, "the driver's budget is larger than the memory");
  }
  if (shared && ram_total) {
    info->memory_total = least (info->memory_total, ram_total);
    info->memory_available = least (info->memory_available, ram_available);
  }
  if (info->memory_total >= LARGEST_CARD) {
    info->memory_total = info->memory_available = 0;
    doubt (info, "the driver names an impossible amount of memory");
  }
  info->memory_available = least (info->memory_available, info->memory_total);
  if (info->memory_total == 0)
    doubt (info, "the driver names no memory of its own");
  else if (info->memory_total < LEAST_USEFUL)
    doubt (info, "the driver names less memory than any model needs");
  else if (!budgets)
    doubt (info, "the driver does not say what other programs use");
}

void
pe_heaps_merge (struct pe_device_info *info, const struct pe_heap *later, uint32_t n)
{
  if (n != info->n_heaps) {
    doubt (info, "the driver's list of memory changed while it was read");
    info->n_heaps = n < info->n_heaps ? n : info->n_heaps;
  }
  for (uint32_t i = 0; i < info->n_heaps; i++) {
    struct pe_heap *heap = &info->heaps[i];
    uint64_t before = heap->budget > heap->usage ? heap->budget - heap->usage : 0;
    uint64_t after = later[i].budget > later[i].usage ? later[i].budget - later[i].usage : 0;
    if (later[i].size < heap->size)
      heap->size = later[i].size;
    if (after >= before || (heap->budget && !later[i].budget))
      continue;
    heap->budget = later[i].budget;
    heap->usage = later[i].usage;
    if (before - after > before / 100 * MOVING_PERCENT)
      doubt (info, "the driver's budget changed while it was read");
  }
}

/* Whether the first n characters of a word name the device, with `suffix` after them. */
static bool
names (const struct pe_device_info *info, const char *word, size_t n, const char *suffix)
{
  size_t tail = strlen (suffix);
  if (n < tail || strncmp (word + n - tail, suffix, tail) != 0)
    return false;
  n -= tail;
  return (n == strlen (info->id) && strncmp (word, info->id, n) == 0) ||
         (info->kind != PE_DEVICE_CPU && n == 3 && strncmp (word, "gpu", 3) == 0);
}

static void
apply_word (struct pe_device_info *info, const char *word, size_t n, uint64_t bytes, bool margins)
{
  if (margins && names (info, word, n, "-free"))
    info->memory_margin = bytes;
  else if (!margins && names (info, word, n, "") && bytes < info->memory_available) {
    info->memory_available = bytes;
    info->memory_margin = 1; /* what the person allows is used up to the last byte */
  }
}

void
pe_budget_apply (struct pe_device_info *info, const char *budgets)
{
  for (int margins = 0; margins < 2; margins++)
    for (const char *at = budgets; at && *at;) {
      size_t length = strcspn (at, ","), n = strcspn (at, "=,");
      char *end;
      unsigned long long bytes = n < length ? strtoull (at + n + 1, &end, 10) : 0;
      if (bytes && end == at + length)
        apply_word (info, at, n, bytes, margins);
      at += length + (at[length] == ',');
    }
}
