/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes between host and device, through the two halves of a pinned ring: one is filled while the
 * other is copied. Weights are read from the file, never through its mapping, so that they do not
 * take room twice.
 */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HALF (PE_GPU_RING_BYTES / 2)

/* Waits until a half of the ring is free and gives its index. */
static bool
take_half (struct pe_backend *b, uint32_t *half, struct pe_error *error)
{
  *half = b->copied[0] <= b->copied[1] ? 0 : 1;
  return pe_gpu_wait (&b->gpu, b->copied[*half], error);
}

static bool
submit_copy (struct pe_backend *b, uint32_t half, VkBuffer from, uint64_t from_offset, VkBuffer to,
             uint64_t to_offset, uint64_t bytes, struct pe_error *error)
{
  VkCommandBuffer commands = b->copies[half];
  if (!pe_gpu_begin (b, commands, false, true, error))
    return false;
  const VkBufferCopy region = { from_offset, to_offset, bytes };
  pe_gpu_barrier (b, commands);
  b->gpu.vk.CmdCopyBuffer (commands, from, to, 1, &region);
  pe_gpu_barrier (b, commands);
  if (!pe_gpu_end (b, commands, error) || !pe_gpu_submit (&b->gpu, commands, error))
    return false;
  b->copied[half] = b->gpu.submitted;
  return true;
}

bool
pe_gpu_write (struct pe_backend *b, const struct pe_gpu_buffer *to, uint64_t offset,
              const void *from, uint64_t bytes, struct pe_error *error)
{
  for (uint64_t done = 0; done < bytes;) {
    uint64_t n = bytes - done < HALF ? bytes - done : HALF;
    uint32_t half;
    if (!take_half (b, &half, error))
      return false;
    memcpy (b->ring.mapped + half * HALF, (const char *) from + done, n);
    if (!submit_copy (b, half, b->ring.buffer, half * HALF, to->buffer, offset + done, n, error))
      return false;
    done += n;
  }
  return true;
}

bool
pe_gpu_read (struct pe_backend *b, const struct pe_gpu_buffer *from, uint64_t offset, void *to,
             uint64_t bytes, struct pe_error *error)
{
  for (uint64_t done = 0; done < bytes;) {
    uint64_t n = bytes - done < HALF ? bytes - done : HALF;
    uint32_t half;
    if (!take_half (b, &half, error) ||
        !submit_copy (b, half, from->buffer, offset + done, b->ring.buffer, half * HALF, n,
                      error) ||
        !pe_gpu_wait (&b->gpu, b->copied[half], error))
      return false;
    memcpy ((char *) to + done, b->ring.mapped + half * HALF, n);
    done += n;
  }
  return true;
}

bool
pe_gpu_copy (struct pe_backend *b, const struct pe_gpu_buffer *from, uint64_t from_offset,
             const struct pe_gpu_buffer *to, uint64_t to_offset, uint64_t bytes,
             struct pe_error *error)
{
  uint32_t half;
  return take_half (b, &half, error) &&
         submit_copy (b, half, from->buffer, from_offset, to->buffer, to_offset, bytes, error) &&
         pe_gpu_wait (&b->gpu, b->copied[half], error);
}

/* ---- weights ---- */

static bool
read_file (struct pe_backend *b, const struct pe_tensor *t, uint64_t skip, void *to, uint64_t bytes,
           struct pe_error *error)
{
  int fd = pe_model_file (b->context.model, t->file);
  for (uint64_t done = 0; done < bytes;) {
    ssize_t n = pread (fd, (char *) to + done, bytes - done, (off_t) (t->offset + skip + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return pe_fail (error, PE_ERROR_IO, "tensor %s cannot be read: %s", t->name,
                      strerror (errno));
    if (n == 0)
      return pe_fail_at (error, PE_ERROR_TRUNCATED, t->offset + skip + done,
                         "the model's file became shorter while tensor %s was read", t->name);
    done += (uint64_t) n;
  }
  b->weight_bytes += bytes;
  return true;
}

/* Halves become floats in place, from the last one on. */
static void
expand (enum pe_type type, void *data, size_t n)
{
  float *out = data;
  const uint16_t *in = data;
  while (n-- > 0) {
    uint16_t x = in[n];
    out[n] = type == PE_TYPE_F16 ? pe_half_to_float (x) : pe_bf16_to_float (x);
  }
}

bool
pe_gpu_upload_tensor (struct pe_backend *b, const struct pe_tensor *t,
                      const struct pe_gpu_buffer *to, uint64_t offset, struct pe_error *error)
{
  uint64_t growth = pe_gpu_expands (t) ? 2 : 1;
  for (uint64_t done = 0; done < t->n_bytes;) {
    uint64_t left = t->n_bytes - done, n = left < HALF / growth ? left : HALF / growth;
    uint32_t half;
    if (atomic_load_explicit (b->context.cancel, memory_order_relaxed))
      return pe_fail (error, PE_ERROR_CANCELLED, "stopped");
    if (!take_half (b, &half, error))
      return false;
    unsigned char *at = b->ring.mapped + half * HALF;
    if (!read_file (b, t, done, at, n, error))
      return false;
    if (growth == 2)
      expand (t->type, at, n / 2);
    if (!submit_copy (b, half, b->ring.buffer, half * HALF, to->buffer, offset + done * growth,
                      n * growth, error))
      return false;
    done += n;
  }
  return true;
}
