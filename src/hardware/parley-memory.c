/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sources: proc(5), the kernel's Documentation/admin-guide/cgroup-v2.rst.
 */
#include "hardware/parley-memory.h"

#include <string.h>

/* A file of lines "key value" or "key: value kB"; FALSE when the key is not in it. */
static gboolean
find_number (const char *text, const char *key, guint64 *out)
{
  gsize n = strlen (key);
  for (const char *line = text; line && *line; line = strchr (line, '\n')) {
    line += *line == '\n';
    if (strncmp (line, key, n) == 0 && (line[n] == ' ' || line[n] == ':')) {
      const char *digits = line + n + strspn (line + n, ": \t");
      return g_ascii_isdigit (*digits) && (*out = g_ascii_strtoull (digits, NULL, 10), TRUE);
    }
  }
  return FALSE;
}

/* A file with one number in it; "max" and absence are FALSE. */
static gboolean
read_number (const char *folder, const char *name, guint64 *out)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL) || !g_ascii_isdigit (text[0]))
    return FALSE;
  *out = g_ascii_strtoull (text, NULL, 10);
  return TRUE;
}

/* What one group leaves: its limit less what is in use and cannot be dropped. The page cache of a
 * mapped model counts as used there, though the kernel takes it back at once. */
static void
apply_group (const char *folder, ParleyMemory *memory)
{
  guint64 limit = G_MAXUINT64, number;
  if (read_number (folder, "memory.max", &number))
    limit = number;
  if (read_number (folder, "memory.high", &number))
    limit = MIN (limit, number);
  guint64 current;
  if (limit == G_MAXUINT64 || !read_number (folder, "memory.current", &current))
    return;

  g_autofree char *path = g_build_filename (folder, "memory.stat", NULL);
  g_autofree char *stat = NULL;
  if (g_file_get_contents (path, &stat, NULL, NULL)) {
    static const char *const reclaimable[] = { "inactive_file", "slab_reclaimable" };
    for (gsize i = 0; i < G_N_ELEMENTS (reclaimable); i++)
      if (find_number (stat, reclaimable[i], &number))
        current -= MIN (current, number);
  }
  guint64 left = limit - MIN (limit, current);
  if (left < memory->available) {
    memory->available = left;
    memory->limited = TRUE;
  }
  if (limit < memory->total)
    memory->total = memory->limit = limit;
}

static void
apply_groups (const char *root, ParleyMemory *memory)
{
  g_autofree char *list_path = g_build_filename (*root ? root : "/", "proc/self/cgroup", NULL);
  g_autofree char *list = NULL;
  if (!g_file_get_contents (list_path, &list, NULL, NULL))
    return;
  const char *entry = g_str_has_prefix (list, "0::/") ? list : strstr (list, "\n0::/");
  if (!entry)
    return;
  const char *start = strchr (entry, '/');
  g_autofree char *group = g_strndup (start, strcspn (start, "\n"));
  if (strstr (group, "..")) /* of another namespace: not visible from here */
    return;
  g_autofree char *top = g_build_filename (*root ? root : "/", "sys/fs/cgroup", NULL);
  for (;;) {
    g_autofree char *folder = g_build_filename (top, group, NULL);
    apply_group (folder, memory);
    char *slash = strrchr (group, '/');
    if (!slash || !group[1])
      return;
    slash[slash == group ? 1 : 0] = 0;
  }
}

/* /proc/swaps has a line for each: path, type, kB, used kB, priority. */
static void
read_swap (const char *root, ParleyMemory *memory)
{
  g_autofree char *path = g_build_filename (*root ? root : "/", "proc/swaps", NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", 64);
  for (guint i = 1; lines[0] && lines[i]; i++) {
    char *at = lines[i] + strcspn (lines[i], " \t");
    at += strspn (at, " \t");
    at += strcspn (at, " \t");
    guint64 total = g_ascii_strtoull (at, &at, 10), used = g_ascii_strtoull (at, NULL, 10);
    if (total > G_MAXUINT64 / 1024 / 64)
      continue;
    if (strstr (lines[i], "/zram"))
      memory->zram_total += total * 1024;
    else {
      memory->swap_total += total * 1024;
      memory->swap_free += (total - MIN (used, total)) * 1024;
    }
  }
}

gboolean
parley_memory_read (const char *root, ParleyMemory *memory)
{
  *memory = (ParleyMemory){ 0 };
  g_autofree char *path = g_build_filename (*root ? root : "/", "proc/meminfo", NULL);
  g_autofree char *info = NULL;
  guint64 total, available;
  if (!g_file_get_contents (path, &info, NULL, NULL) || !find_number (info, "MemTotal", &total) ||
      !find_number (info, "MemAvailable", &available) || total > G_MAXUINT64 / 1024)
    return FALSE;
  memory->total = total * 1024;
  memory->available = MIN (available, total) * 1024;
  apply_groups (root, memory);
  read_swap (root, memory);
  return TRUE;
}
