/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which kernels this processor can run. Registers wider than 128 bits also need the operating
 * system to save them, which XCR0 tells.
 */
#include "engine/cpu/kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#if defined __x86_64__
#include <cpuid.h>
#endif

static struct pe_kernels tables[PE_CPU_LEVEL_COUNT];
static enum pe_cpu_level best_level; /* PARLEY_CPU observed */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const names[PE_CPU_LEVEL_COUNT] = {
  "scalar", "avx2", "avxvnni", "avx512", "amx",
};

#if defined __x86_64__

#define BIT(word, n) ((word) >> (n) &1)

/* Which levels can run here, a bit for each. AVX-512 processors do not all have AVX-VNNI. */
static unsigned
detect (void)
{
  unsigned a, b, c, d, xcr0, xcr0_high, found = 1u << PE_CPU_SCALAR;
  if (!__get_cpuid (1, &a, &b, &c, &d))
    return found;
  bool fma = BIT (c, 12), osxsave = BIT (c, 27), avx = BIT (c, 28), f16c = BIT (c, 29);
  if (!fma || !osxsave || !avx || !f16c)
    return found;
  __asm__("xgetbv" : "=a"(xcr0), "=d"(xcr0_high) : "c"(0));
  if ((xcr0 & 0x06) != 0x06) /* XMM and YMM */
    return found;
  if (!__get_cpuid_count (7, 0, &a, &b, &c, &d) || !BIT (b, 5) || !BIT (b, 8)) /* AVX2, BMI2 */
    return found;
  found |= 1u << PE_CPU_AVX2;
  bool avx512 = BIT (b, 16) && BIT (b, 17) && BIT (b, 30) && BIT (b, 31) && BIT (c, 11);
  if (avx512 && (xcr0 & 0xe6) == 0xe6) /* opmask and ZMM too */
    found |= 1u << PE_CPU_AVX512;
  if (a >= 1 && __get_cpuid_count (7, 1, &a, &b, &c, &d) && BIT (a, 4))
    found |= 1u << PE_CPU_AVXVNNI;
  return found;
}

#else

static unsigned
detect (void)
{
  return 1u << PE_CPU_SCALAR;
}

#endif

static enum pe_cpu_level
best_up_to (int level, unsigned found)
{
  while (!(found >> level & 1))
    level--;
  return (enum pe_cpu_level) level;
}

static void
fill_tables (void)
{
  unsigned found = detect ();
  for (int level = 0; level < PE_CPU_LEVEL_COUNT; level++) {
    struct pe_kernels *table = &tables[level];
    enum pe_cpu_level usable = best_up_to (level, found);
    pe_kernels_init_scalar (table);
#if defined __x86_64__
    if (usable >= PE_CPU_AVX2)
      pe_kernels_init_avx2 (table);
    if (usable == PE_CPU_AVXVNNI)
      pe_kernels_init_avxvnni (table);
    if (usable >= PE_CPU_AVX512)
      pe_kernels_init_avx512 (table);
#endif
  }
  int cap = PE_CPU_LEVEL_COUNT - 1;
  const char *wish = getenv ("PARLEY_CPU");
  for (int level = 0; wish && level < PE_CPU_LEVEL_COUNT; level++)
    if (strcasecmp (wish, names[level]) == 0)
      cap = level;
  best_level = best_up_to (cap, found);
}

const struct pe_kernels *
pe_kernels_for (enum pe_cpu_level level)
{
  pthread_once (&once, fill_tables);
  return &tables[level];
}

enum pe_cpu_level
pe_cpu_best_level (void)
{
  pthread_once (&once, fill_tables);
  return best_level;
}

const char *
pe_cpu_level_name (enum pe_cpu_level level)
{
  return names[level];
}
