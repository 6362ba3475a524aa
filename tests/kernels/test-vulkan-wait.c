/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A software device that has much to do is waited for, far longer than one where nothing gets on.
 * (That it is given up then cannot be shown with it: its driver rounds what it waits up.)
 */
#include "../driver-leaks.h"
#include "../harness.h"
#include "vulkan-fixture.h"

#define TURN_NANOSECONDS 10000000u /* the processor's clocks may be no finer */
#define N_COPIES         1600      /* of 16 MiB: seconds, and 60 turns are 0.6 */

static struct fixture f;

static bool
submit (struct pe_error *error)
{
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  const VkBufferCopy region = { 0, 0, FIXTURE_WORK_FLOATS * sizeof (float) };
  const struct pe_vk *vk = &f.gpu.vk;
  f.work.mapped[0] = 77;
  vk->BeginCommandBuffer (f.commands, &begin);
  for (uint32_t i = 0; i < N_COPIES; i++)
    vk->CmdCopyBuffer (f.commands, f.work.buffer, f.weights.buffer, 1, &region);
  vk->EndCommandBuffer (f.commands);
  return pe_gpu_submit (&f.gpu, f.commands, error);
}

static void
much_work_is_waited_for (void)
{
  struct pe_error error = { 0 };
  if (f.gpu.info.kind != PE_DEVICE_SOFTWARE)
    SKIP ("the device is no software");
  CHECK_MSG (submit (&error), "%s", error.message);
  CHECK_MSG (pe_gpu_wait (&f.gpu, f.gpu.compute.submitted, &error), "%s", error.message);
  CHECK (f.bytes[0] == 77);
}

int
main (void)
{
  char why[256];
  if (!fixture_open (&f, why)) {
    printf ("ok 1 - vulkan-wait # SKIP %s\n1..1\n", why);
    return 0;
  }
  pe_vk_turn_at (TURN_NANOSECONDS);
  RUN (much_work_is_waited_for);
  pe_vk_turn_at (0);
  fixture_close (&f);
  return test_done ();
}
