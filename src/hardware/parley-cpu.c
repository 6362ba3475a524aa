/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sources: the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu, proc(5).
 */
#include "hardware/parley-cpu.h"

#include <string.h>

#define MAX_CPUS   1024
#define MAX_CACHES 8

static char *
read_text (const char *folder, const char *kind, guint number, const char *name)
{
  g_autofree char *middle = g_strdup_printf ("%s%u", kind, number);
  g_autofree char *path = g_build_filename (folder, middle, name, NULL);
  char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  return g_strstrip (text);
}

/* "0-3,8" names 5; a list that makes no sense names none beyond where it stops to. */
static guint
count_list (const char *list)
{
  guint n = 0;
  for (const char *at = list; at && g_ascii_isdigit (*at);) {
    char *end;
    guint64 first = g_ascii_strtoull (at, &end, 10), last = first;
    if (*end == '-')
      last = g_ascii_strtoull (end + 1, &end, 10);
    if (last < first || last >= MAX_CPUS)
      return n;
    n += (guint) (last - first + 1);
    at = *end == ',' ? end + 1 : NULL;
  }
  return n;
}

/* "32K", "1024K", "32M". */
static guint64
cache_size (const char *text)
{
  char *end;
  guint64 size = g_ascii_strtoull (text, &end, 10);
  if (size > 1 << 24)
    return 0;
  return *end == 'K' ? size << 10 : *end == 'M' ? size << 20 : *end == 'G' ? size << 30 : size;
}

/* Whether this processor is the first of those that share something. */
static gboolean
is_first (const char *list, guint cpu)
{
  return !list || g_ascii_strtoull (list, NULL, 10) == cpu;
}

static void
read_caches (const char *folder, guint number, ParleyCpu *cpu)
{
  for (guint i = 0; i < MAX_CACHES; i++) {
    g_autofree char *cache = g_strdup_printf ("cpu%u/cache", number);
    g_autofree char *where = g_build_filename (folder, cache, NULL);
    g_autofree char *level = read_text (where, "index", i, "level");
    g_autofree char *type = read_text (where, "index", i, "type");
    g_autofree char *size = read_text (where, "index", i, "size");
    g_autofree char *shared = read_text (where, "index", i, "shared_cpu_list");
    if (!level || !size)
      return;
    if (g_strcmp0 (type, "Instruction") == 0 || !is_first (shared, number))
      continue;
    guint64 *total = *level == '1'   ? &cpu->l1
                     : *level == '2' ? &cpu->l2
                     : *level == '3' ? &cpu->l3
                                     : NULL;
    if (total)
      *total += cache_size (size);
  }
}

/* Intel's performance cores have a list of their own; elsewhere capacities tell. */
static void
read_cores (const char *folder, const char *root, ParleyCpu *cpu)
{
  guint64 fastest = 0;
  guint n_fast = 0;
  g_autofree char *hybrid =
      g_build_filename (*root ? root : "/", "sys/devices/cpu_core/cpus", NULL);
  g_autofree char *list = NULL;
  g_autofree guint64 *speeds = g_new0 (guint64, MAX_CPUS);
  g_autofree gboolean *firsts = g_new0 (gboolean, MAX_CPUS);
  for (guint i = 0; i < MAX_CPUS; i++) {
    g_autofree char *core = read_text (folder, "cpu", i, "topology/core_id");
    if (!core)
      continue;
    g_autofree char *siblings = read_text (folder, "cpu", i, "topology/thread_siblings_list");
    g_autofree char *capacity = read_text (folder, "cpu", i, "cpu_capacity");
    firsts[i] = is_first (siblings, i);
    speeds[i] = capacity ? g_ascii_strtoull (capacity, NULL, 10) : 0;
    fastest = MAX (fastest, speeds[i]);
    cpu->n_threads++;
    cpu->n_physical += firsts[i];
    read_caches (folder, i, cpu);
  }
  for (guint i = 0; i < MAX_CPUS; i++)
    n_fast += firsts[i] && speeds[i] >= fastest / 4 * 3;
  cpu->n_performance = n_fast;
  if (g_file_get_contents (hybrid, &list, NULL, NULL)) {
    /* Logical ones: two to a core where their threads are on. */
    guint logical = count_list (g_strstrip (list)), twins = 0;
    for (guint i = 0; i < MAX_CPUS && i < logical; i++)
      twins += cpu->n_threads > 0 && !firsts[i];
    cpu->n_performance = MIN (logical - MIN (twins, logical), cpu->n_physical);
  }
}

/* A flag of the kernel and what people call it; `over` is left out where a later one is there. */
static const struct {
  const char *flag, *name;
} sets[] = {
  { "avx2", "AVX2" },           { "fma", "FMA" },
  { "f16c", "F16C" },           { "avx_vnni", "AVX-VNNI" },
  { "avx512f", "AVX-512" },     { "avx512_vnni", "AVX-512 VNNI" },
  { "avx512_bf16", "BF16" },    { "amx_int8", "AMX" },
  { "asimd", "NEON" },          { "asimdhp", "FP16" },
  { "asimddp", "dot product" }, { "i8mm", "I8MM" },
  { "bf16", "BF16" },           { "sve", "SVE" },
};

static gboolean
has_word (const char *words, const char *word)
{
  gsize n = strlen (word);
  for (const char *at = words; (at = strstr (at, word)); at += n)
    if ((at == words || at[-1] == ' ' || at[-1] == '\t' || at[-1] == ':') &&
        (at[n] == ' ' || at[n] == 0))
      return TRUE;
  return FALSE;
}

static void
read_instructions (const char *root, ParleyCpu *cpu)
{
  g_autofree char *path = g_build_filename (*root ? root : "/", "proc/cpuinfo", NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  const char *line = strstr (text, "\nflags");
  line = line ? line : strstr (text, "\nFeatures");
  if (!line)
    return;
  g_autofree char *words = g_strndup (line + 1, strcspn (line + 1, "\n"));
  g_autoptr (GString) out = g_string_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (sets); i++)
    if (has_word (words, sets[i].flag))
      g_string_append_printf (out, "%s%s", out->len ? ", " : "", sets[i].name);
  g_strlcpy (cpu->instructions, out->str, sizeof cpu->instructions);
}

void
parley_cpu_read (const char *root, ParleyCpu *cpu)
{
  g_autofree char *folder = g_build_filename (*root ? root : "/", "sys/devices/system/cpu", NULL);
  memset (cpu, 0, sizeof *cpu);
  read_cores (folder, root, cpu);
  read_instructions (root, cpu);
}
