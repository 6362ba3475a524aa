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
#include <sys/syscall.h>
#include <unistd.h>
#elif defined __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static struct pe_kernels tables[PE_CPU_LEVEL_COUNT];
static enum pe_cpu_level best_level; /* PARLEY_CPU observed */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const names[PE_CPU_LEVEL_COUNT] = {
  "scalar", "avx2", "avxvnni", "avx512", "amx", "neon", "dotprod", "i8mm",
};

#if defined __x86_64__

#define BIT(word, n) ((word) >> (n) &1)

static bool has_avx512_bf16;
static bool prefers_narrow_rows; /* has AVX-512 and AVX-VNNI, and is Intel's */

/* Linux gives the registers of tiles to programs that ask. They are asked for before there are
 * threads, whose signal stacks would have to be large enough. */
static bool
tiles_are_allowed (void)
{
#define REQUEST_PERMISSION 0x1023 /* ARCH_REQ_XCOMP_PERM */
#define TILE_DATA          18     /* XFEATURE_XTILEDATA */
  return syscall (SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

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
  avx512 = avx512 && (xcr0 & 0xe6) == 0xe6; /* opmask and ZMM too */
  bool tiles = BIT (d, 22) && BIT (d, 24);  /* AMX-BF16, AMX-TILE */
  if (avx512)
    found |= 1u << PE_CPU_AVX512;
  if (a < 1 || !__get_cpuid_count (7, 1, &a, &b, &c, &d))
    return found;
  bool vnni = BIT (a, 4);
  if (vnni)
    found |= 1u << PE_CPU_AVXVNNI;
  has_avx512_bf16 = avx512 && BIT (a, 5);
  if (has_avx512_bf16 && tiles && (xcr0 & 0x60000) == 0x60000 && tiles_are_allowed ())
    found |= 1u << PE_CPU_AMX;
  if (__get_cpuid (0, &a, &b, &c, &d))
    prefers_narrow_rows = avx512 && vnni && b == signature_INTEL_ebx && c == signature_INTEL_ecx &&
                          d == signature_INTEL_edx;
  return found;
}

/* Single rows with the kernels of 256 bits. Those of 512 shuffle much, and Intel's cores have one
 * port for that, but three for 256 bits: a Sapphire Rapids read 63 GB/s with the ones and 95 with
 * the others. AMD's cores are quicker with 512. */
static void
set_narrow_rows (struct pe_kernels *table)
{
  struct pe_kernels narrow;
  pe_kernels_init_scalar (&narrow);
  pe_kernels_init_avx2 (&narrow);
  pe_kernels_init_avxvnni (&narrow);
  for (int type = 0; type < PE_TYPE_COUNT; type++)
    if (narrow.dot_fast[type])
      table->dot_fast[type] = narrow.dot_fast[type];
}

#elif defined __aarch64__

static unsigned
detect (void)
{
  unsigned found = 1u << PE_CPU_SCALAR | 1u << PE_CPU_NEON;
  if (!(getauxval (AT_HWCAP) & HWCAP_ASIMDDP))
    return found;
  found |= 1u << PE_CPU_DOTPROD;
  if (getauxval (AT_HWCAP2) & HWCAP2_I8MM)
    found |= 1u << PE_CPU_I8MM;
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
fill_table (int level, unsigned found)
{
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
  if (usable >= PE_CPU_AVX512 && has_avx512_bf16)
    pe_kernels_init_avx512bf16 (table);
  if (usable >= PE_CPU_AMX)
    pe_kernels_init_amx (table);
  if (usable >= PE_CPU_AVX512 && prefers_narrow_rows)
    set_narrow_rows (table);
#elif defined __aarch64__
  if (usable >= PE_CPU_NEON)
    pe_kernels_init_neon (table);
  if (usable >= PE_CPU_DOTPROD)
    pe_kernels_init_dotprod (table);
  if (usable >= PE_CPU_I8MM)
    pe_kernels_init_i8mm (table);
#endif
}

static void
fill_tables (void)
{
  unsigned found = detect ();
  for (int level = 0; level < PE_CPU_LEVEL_COUNT; level++)
    fill_table (level, found);
  /* Tiles are worked by kernels that few processors have run: they have to show what they can. */
  if (found >> PE_CPU_AMX & 1 && !pe_bf16_is_right (&tables[PE_CPU_AMX])) {
    found &= ~(1u << PE_CPU_AMX);
    fill_table (PE_CPU_AMX, found);
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
