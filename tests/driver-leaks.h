/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For the one source file of a test program that uses Vulkan, in builds with a leak checker.
 */
#pragma once

#ifdef __SANITIZE_ADDRESS__
#include <dlfcn.h>

/* The software Vulkan driver leaks a little at exit. Kept in memory, its frames have a name that
 * can be told from ours. */
const char *__lsan_default_suppressions (void);
const char *
__lsan_default_suppressions (void)
{
  return "leak:libvulkan_lvp.so\n";
}

static __attribute__ ((constructor)) void
keep_driver (void)
{
  dlopen ("libvulkan_lvp.so", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
}
#endif
