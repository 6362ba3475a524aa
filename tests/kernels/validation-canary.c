/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two copies to the same bytes without a barrier, and a command buffer that is ended twice: what
 * test-validation.py must get told of, or its silence about everything else means nothing.
 */
#include "vulkan-fixture.h"

#include <stdio.h>

int
main (void)
{
  struct fixture f;
  char why[256];
  if (!fixture_open (&f, why)) {
    printf ("%s\n", why);
    return 77;
  }
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  const VkBufferCopy region = { 0, 0, 4096 };
  const struct pe_vk *vk = &f.gpu.vk;
  struct pe_error error;
  vk->BeginCommandBuffer (f.commands, &begin);
  vk->CmdCopyBuffer (f.commands, f.work.buffer, f.tables.buffer, 1, &region);
  vk->CmdCopyBuffer (f.commands, f.weights.buffer, f.tables.buffer, 1, &region);
  vk->EndCommandBuffer (f.commands);
  vk->EndCommandBuffer (f.commands);
  bool ok = pe_gpu_submit (&f.gpu, f.commands, &error) &&
            pe_gpu_wait (&f.gpu, f.gpu.compute.submitted, &error);
  fixture_close (&f);
  return ok ? 0 : 1;
}
