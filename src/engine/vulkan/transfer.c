/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes between host and device, through the slots of a pinned ring and the transfer queue. While
 * one slot is copied, others are filled by threads of their own. When a model is loaded, weights
 * are read from its file, never through the mapping, so that they do not take room twice; when a
 * layer moves, they come from the mapping that the CPU used until then, and the file is not read.
 */
#include "engine/vulkan/vulkan.h"

#include "base/alloc.h"
#include "engine/tensor.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define SLOT_BYTES (PE_GPU_RING_BYTES / PE_GPU_RING_SLOTS)

bool
pe_gpu_open_ring (struct pe_backend *b, struct pe_error *error)
{
  const VkCommandPoolCreateInfo pool = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
    .queueFamilyIndex = b->gpu.transfer.family,
  };
  VkResult r = PE_VK (&b->gpu.vk, CreateCommandPool, b->gpu.device, &pool, NULL, &b->copy_pool);
  if (r != VK_SUCCESS) {
    b->copy_pool = VK_NULL_HANDLE;
    return pe_vk_error (error, r, "preparing copies");
  }
  const VkCommandBufferAllocateInfo info = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
    .commandPool = b->copy_pool,
    .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
    .commandBufferCount = PE_GPU_RING_SLOTS,
  };
  r = PE_VK (&b->gpu.vk, AllocateCommandBuffers, b->gpu.device, &info, b->copies);
  return r == VK_SUCCESS || pe_vk_error (error, r, "preparing copies");
}

/* ---- one slot ---- */

static unsigned char *
slot_bytes (struct pe_backend *b, uint32_t slot)
{
  return b->ring.mapped + slot * SLOT_BYTES;
}

static bool
wait_for_slot (struct pe_backend *b, uint32_t slot, struct pe_error *error)
{
  return pe_gpu_wait_transfer (&b->gpu, b->copied[slot], error);
}

/* Behind all copies before, whose results the host and later copies then see. What kernels wrote
 * or will read is ordered by the timelines of the two queues. */
static bool
submit_copy (struct pe_backend *b, uint32_t slot, VkBuffer from, uint64_t from_offset, VkBuffer to,
             uint64_t to_offset, uint64_t bytes, struct pe_error *error)
{
  VkCommandBuffer commands = b->copies[slot];
  if (!pe_gpu_begin (b, commands, false, true, error))
    return false;
  const VkBufferCopy region = { from_offset, to_offset, bytes };
  const VkMemoryBarrier before = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
  };
  const VkMemoryBarrier after = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
  };
  b->gpu.vk.CmdPipelineBarrier (commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &before, 0, NULL, 0, NULL);
  b->gpu.vk.CmdCopyBuffer (commands, from, to, 1, &region);
  b->gpu.vk.CmdPipelineBarrier (commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &after, 0, NULL, 0, NULL);
  if (!pe_gpu_end (b, commands, error) || !pe_gpu_submit_transfer (&b->gpu, commands, error))
    return false;
  b->copied[slot] = b->gpu.transfer.submitted;
  return true;
}

/* The slot whose last copy lies longest back. */
static uint32_t
oldest_slot (const struct pe_backend *b)
{
  uint32_t slot = 0;
  for (uint32_t i = 1; i < PE_GPU_RING_SLOTS; i++)
    if (b->copied[i] < b->copied[slot])
      slot = i;
  return slot;
}

/* ---- host memory and cache pages ---- */

bool
pe_gpu_write (struct pe_backend *b, const struct pe_gpu_buffer *to, uint64_t offset,
              const void *from, uint64_t bytes, struct pe_error *error)
{
  for (uint64_t done = 0; done < bytes;) {
    uint64_t n = bytes - done < SLOT_BYTES ? bytes - done : SLOT_BYTES;
    uint32_t slot = oldest_slot (b);
    if (!wait_for_slot (b, slot, error))
      return false;
    memcpy (slot_bytes (b, slot), (const char *) from + done, n);
    if (!submit_copy (b, slot, b->ring.buffer, slot * SLOT_BYTES, to->buffer, offset + done, n,
                      error))
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
    uint64_t n = bytes - done < SLOT_BYTES ? bytes - done : SLOT_BYTES;
    uint32_t slot = oldest_slot (b);
    if (!wait_for_slot (b, slot, error) ||
        !submit_copy (b, slot, from->buffer, offset + done, b->ring.buffer, slot * SLOT_BYTES, n,
                      error) ||
        !wait_for_slot (b, slot, error))
      return false;
    memcpy ((char *) to + done, slot_bytes (b, slot), n);
    done += n;
  }
  return true;
}

bool
pe_gpu_copy (struct pe_backend *b, const struct pe_gpu_buffer *from, uint64_t from_offset,
             const struct pe_gpu_buffer *to, uint64_t to_offset, uint64_t bytes,
             struct pe_error *error)
{
  uint32_t slot = oldest_slot (b);
  return wait_for_slot (b, slot, error) &&
         submit_copy (b, slot, from->buffer, from_offset, to->buffer, to_offset, bytes, error) &&
         wait_for_slot (b, slot, error);
}

/* ---- weights ---- */

struct upload {
  struct pe_backend *b;
  const struct pe_gpu_upload *items;
  size_t n_items;
  bool from_mapping;
  pthread_mutex_t lock; /* of what follows, of recording and of submits */
  size_t item;
  uint64_t done; /* bytes of the item that were handed out */
  bool failed;
  struct pe_error *error;
};

struct uploader {
  struct upload *upload;
  uint32_t slot;
  pthread_t thread;
};

/* Bytes of one tensor that go through a slot at a time. */
struct piece {
  const struct pe_gpu_upload *item;
  uint64_t skip, bytes, growth;
};

static bool
next_piece (struct upload *u, struct piece *out)
{
  if (u->failed || u->item == u->n_items)
    return false;
  if (atomic_load_explicit (u->b->context.cancel, memory_order_relaxed)) {
    u->failed = true;
    pe_fail (u->error, PE_ERROR_CANCELLED, "stopped");
    return false;
  }
  const struct pe_gpu_upload *item = &u->items[u->item];
  uint64_t growth = pe_gpu_expands (item->tensor) ? 2 : 1;
  uint64_t left = item->tensor->n_bytes - u->done, most = SLOT_BYTES / growth;
  *out = (struct piece){ item, u->done, left < most ? left : most, growth };
  u->done += out->bytes;
  if (u->done == item->tensor->n_bytes) {
    u->item++;
    u->done = 0;
  }
  return true;
}

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

static bool
fill_slot (const struct upload *u, uint32_t slot, const struct piece *piece, struct pe_error *error)
{
  const struct pe_tensor *t = piece->item->tensor;
  unsigned char *at = slot_bytes (u->b, slot);
  if (!wait_for_slot (u->b, slot, error))
    return false;
  if (u->from_mapping)
    memcpy (at, (const char *) t->data + piece->skip, piece->bytes);
  else if (!read_file (u->b, t, piece->skip, at, piece->bytes, error))
    return false;
  if (piece->growth == 2)
    expand (t->type, at, piece->bytes / 2);
  return true;
}

static void *
upload_pieces (void *data)
{
  const struct uploader *self = data;
  struct upload *u = self->upload;
  struct piece piece;
  pthread_mutex_lock (&u->lock);
  while (next_piece (u, &piece)) {
    pthread_mutex_unlock (&u->lock);
    struct pe_error error;
    bool ok = fill_slot (u, self->slot, &piece, &error);
    pthread_mutex_lock (&u->lock);
    ok = ok && submit_copy (u->b, self->slot, u->b->ring.buffer, self->slot * SLOT_BYTES,
                            piece.item->to->buffer, piece.item->offset + piece.skip * piece.growth,
                            piece.bytes * piece.growth, &error);
    if (!ok && !u->failed) {
      u->failed = true;
      if (u->error)
        *u->error = error;
    }
    *(u->from_mapping ? &u->b->mapped_bytes : &u->b->weight_bytes) += ok ? piece.bytes : 0;
  }
  pthread_mutex_unlock (&u->lock);
  return NULL;
}

bool
pe_gpu_upload_tensors (struct pe_backend *b, const struct pe_gpu_upload *items, size_t n_items,
                       bool from_mapping, struct pe_error *error)
{
  struct upload u = {
    .b = b, .items = items, .n_items = n_items, .from_mapping = from_mapping, .error = error
  };
  struct uploader uploaders[PE_GPU_RING_SLOTS];
  uint64_t bytes = 0;
  for (size_t i = 0; i < n_items; i++)
    bytes += items[i].tensor->n_bytes;
  /* A thread for each slot, as far as there is work for it. */
  uint32_t n = 1, most = b->plan->request.n_threads;
  most = most < PE_GPU_RING_SLOTS ? most : PE_GPU_RING_SLOTS;
  pthread_mutex_init (&u.lock, NULL);
  uploaders[0] = (struct uploader){ .upload = &u };
  for (; n < most && n * SLOT_BYTES < bytes; n++) {
    uploaders[n] = (struct uploader){ .upload = &u, .slot = n };
    if (pthread_create (&uploaders[n].thread, NULL, upload_pieces, &uploaders[n]) != 0)
      break; /* fewer do as well */
  }
  upload_pieces (&uploaders[0]);
  for (uint32_t i = 1; i < n; i++)
    pthread_join (uploaders[i].thread, NULL);
  pthread_mutex_destroy (&u.lock);
  return !u.failed && pe_gpu_wait_transfer (&b->gpu, b->gpu.transfer.submitted, error);
}
