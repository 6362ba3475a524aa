/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a pass's time goes: with PARLEY_VULKAN_PROFILE in the environment a time stamp follows
 * every dispatch, each submit is waited for, and the sums are printed when the backend closes.
 * Nothing is replayed then, and no two passes overlap: the kernels' times are true, the tokens a
 * second are not.
 */
#include "engine/vulkan/vulkan.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MARKS 4096 /* in one submit; dispatches behind them are not told apart */

/* Dispatches that are alike: the same kernel over the same grid. */
struct line {
  enum pe_shader shader;
  struct pe_gpu_grid grid;
  bool one_row;
  uint64_t n;
  double seconds;
};

struct pe_gpu_profile {
  VkQueryPool stamps;
  uint32_t n_marks;
  uint32_t marks[MAX_MARKS]; /* lines */
  struct line *lines;
  size_t n_lines, capacity;
  uint64_t n_submits[2]; /* of many rows, of one */
};

bool
pe_gpu_profile_open (struct pe_backend *b, struct pe_error *error)
{
  const char *wanted = getenv ("PARLEY_VULKAN_PROFILE");
  if (!wanted || strcmp (wanted, "0") == 0 || !b->gpu.stamp_mask)
    return true;
  b->profile = pe_calloc (1, sizeof *b->profile);
  if (!b->profile)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to measure kernels");
  const VkQueryPoolCreateInfo stamps = {
    .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
    .queryType = VK_QUERY_TYPE_TIMESTAMP,
    .queryCount = MAX_MARKS + 1,
  };
  VkResult r =
      PE_VK (&b->gpu.vk, CreateQueryPool, b->gpu.device, &stamps, NULL, &b->profile->stamps);
  if (r == VK_SUCCESS)
    return true;
  b->profile->stamps = VK_NULL_HANDLE;
  return pe_vk_error (error, r, "preparing to measure kernels");
}

static int
by_time (const void *a, const void *b)
{
  const struct line *x = a, *y = b;
  return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

static void
print (struct pe_gpu_profile *p)
{
  qsort (p->lines, p->n_lines, sizeof *p->lines, by_time);
  for (int one_row = 0; one_row < 2; one_row++) {
    double passes = (double) p->n_submits[one_row], total = 0;
    for (size_t i = 0; i < p->n_lines; i++)
      total += p->lines[i].one_row == one_row ? p->lines[i].seconds : 0;
    if (!(total > 0))
      continue;
    fprintf (stderr, "kernels of %s, %.0f submits, %.1f us each\n",
             one_row ? "one row" : "many rows", passes, 1e6 * total / passes);
    for (size_t i = 0; i < p->n_lines; i++) {
      const struct line *l = &p->lines[i];
      if (l->one_row == one_row)
        fprintf (stderr, "  %5.1f %% %8.1f us  %6.1f a submit  %9.2f us each  %s %ux%ux%u%s\n",
                 100 * l->seconds / total, 1e6 * l->seconds / passes, (double) l->n / passes,
                 1e6 * l->seconds / (double) l->n, pe_shader_code[l->shader].name, l->grid.x,
                 l->grid.y, l->grid.z, l->grid.indirect ? " as the tables say" : "");
    }
  }
}

void
pe_gpu_profile_close (struct pe_backend *b)
{
  struct pe_gpu_profile *p = b->profile;
  if (!p)
    return;
  print (p);
  if (p->stamps)
    b->gpu.vk.DestroyQueryPool (b->gpu.device, p->stamps, NULL);
  pe_free (p->lines);
  pe_free (p);
  b->profile = NULL;
}

void
pe_gpu_profile_begin (struct pe_backend *b, VkCommandBuffer commands)
{
  struct pe_gpu_profile *p = b->profile;
  if (!p)
    return;
  p->n_marks = 0;
  b->gpu.vk.CmdResetQueryPool (commands, p->stamps, 0, MAX_MARKS + 1);
  b->gpu.vk.CmdWriteTimestamp (commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, p->stamps, 0);
}

void
pe_gpu_profile_mark (struct pe_backend *b, VkCommandBuffer commands, enum pe_shader shader,
                     struct pe_gpu_grid grid)
{
  struct pe_gpu_profile *p = b->profile;
  if (!p || p->n_marks == MAX_MARKS)
    return;
  const struct line wanted = { .shader = shader,
                               .grid = grid,
                               .one_row = b->now->pass->n_rows == 1 };
  size_t i = 0;
  while (i < p->n_lines &&
         (p->lines[i].shader != shader || p->lines[i].one_row != wanted.one_row ||
          p->lines[i].grid.x != grid.x || p->lines[i].grid.y != grid.y ||
          p->lines[i].grid.z != grid.z || !p->lines[i].grid.indirect != !grid.indirect))
    i++;
  if (i == p->n_lines) {
    if (!pe_grow (&p->lines, &p->capacity, p->n_lines + 1, sizeof *p->lines))
      return;
    p->lines[p->n_lines++] = wanted;
  }
  p->marks[p->n_marks++] = (uint32_t) i;
  b->gpu.vk.CmdWriteTimestamp (commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, p->stamps,
                               p->n_marks);
}

bool
pe_gpu_profile_end (struct pe_backend *b, struct pe_error *error)
{
  struct pe_gpu_profile *p = b->profile;
  if (!p || p->n_marks == 0)
    return true;
  uint64_t t[MAX_MARKS + 1];
  if (!pe_gpu_wait (&b->gpu, b->gpu.compute.submitted, error))
    return false;
  VkResult r = PE_VK (&b->gpu.vk, GetQueryPoolResults, b->gpu.device, p->stamps, 0, p->n_marks + 1,
                      sizeof t, t, sizeof *t, VK_QUERY_RESULT_64_BIT);
  if (r != VK_SUCCESS)
    return pe_vk_error (error, r, "measuring kernels");
  p->n_submits[b->now->pass->n_rows == 1]++;
  for (uint32_t i = 0; i < p->n_marks; i++) {
    struct line *l = &p->lines[p->marks[i]];
    l->n++;
    l->seconds += (double) ((t[i + 1] - t[i]) & b->gpu.stamp_mask) * b->gpu.stamp_seconds;
  }
  return true;
}
