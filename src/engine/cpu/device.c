/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/cpu/device.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CPUS 1024

/* Reads a small file whole; false when that is not possible. */
static bool
read_text (const char *path, char *text, size_t capacity)
{
  FILE *file = fopen (path, "re");
  if (!file)
    return false;
  size_t n = fread (text, 1, capacity - 1, file);
  fclose (file);
  text[n] = '\0';
  return n > 0;
}

static bool
read_number (const char *path, uint64_t *out)
{
  char text[64], *end;
  if (!read_text (path, text, sizeof text))
    return false;
  *out = strtoull (text, &end, 10);
  return end != text; /* "max" is no number */
}

/* ---- memory ---- */

static uint64_t
meminfo (const char *text, const char *key)
{
  const char *at = strstr (text, key);
  return at ? strtoull (at + strlen (key), NULL, 10) * 1024 : 0;
}

/* What a key of a control group's memory.stat says. */
static uint64_t
stat_value (const char *text, const char *key)
{
  size_t n = strlen (key);
  for (const char *line = text; line; line = strchr (line, '\n')) {
    line += *line == '\n';
    if (strncmp (line, key, n) == 0 && line[n] == ' ')
      return strtoull (line + n, NULL, 10);
    if (!*line)
      break;
  }
  return 0;
}

/* Limits of one control group (version 2): the page cache in it can be given back. */
static void
apply_group (const char *folder, struct pe_device_info *info)
{
  char path[512], text[8192];
  uint64_t max, current, cached = 0;
  snprintf (path, sizeof path, "%s/memory.max", folder);
  if (!read_number (path, &max))
    return;
  snprintf (path, sizeof path, "%s/memory.current", folder);
  if (!read_number (path, &current))
    return;
  snprintf (path, sizeof path, "%s/memory.stat", folder);
  if (read_text (path, text, sizeof text))
    cached = stat_value (text, "inactive_file") + stat_value (text, "slab_reclaimable");
  uint64_t used = current > cached ? current - cached : 0;
  uint64_t left = max > used ? max - used : 0;
  if (max < info->memory_total)
    info->memory_total = max;
  if (left < info->memory_available)
    info->memory_available = left;
}

static void
apply_groups (struct pe_device_info *info)
{
  char text[1024];
  if (!read_text ("/proc/self/cgroup", text, sizeof text) || strncmp (text, "0::/", 4) != 0)
    return;
  char *end = strchr (text, '\n');
  if (end)
    *end = '\0';
  char folder[400];
  int n = snprintf (folder, sizeof folder, "/sys/fs/cgroup%s", text + 3);
  if (n < 0 || (size_t) n >= sizeof folder)
    return;
  const size_t root = strlen ("/sys/fs/cgroup");
  for (char *slash = folder + n; slash && (size_t) (slash - folder) >= root;
       slash = strrchr (folder, '/')) {
    *slash = '\0';
    apply_group (folder, info);
  }
}

static void
read_memory (struct pe_device_info *info)
{
  char text[8192];
  if (!read_text ("/proc/meminfo", text, sizeof text))
    return;
  info->memory_total = meminfo (text, "MemTotal:");
  info->memory_available = meminfo (text, "MemAvailable:");
  info->memory_is_budget = true;
  apply_groups (info);
}

/* ---- cores ---- */

/* The speed of a core relative to others; equal where the system does not say. */
static uint64_t
core_speed (int cpu)
{
  char path[128];
  uint64_t value = 0;
  snprintf (path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpu_capacity", cpu);
  if (read_number (path, &value))
    return value;
  snprintf (path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/cpuinfo_max_freq", cpu);
  read_number (path, &value);
  return value;
}

/* Logical processors that share a core name the same siblings: the first of them counts. */
static bool
is_first_of_core (int cpu)
{
  char path[128], text[256];
  snprintf (path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
  return !read_text (path, text, sizeof text) || strtol (text, NULL, 10) == cpu;
}

/* Threads default to the physical cores that are at least three quarters as fast as the fastest:
 * all wait for the slowest at each barrier. */
static void
read_cores (struct pe_device_info *info)
{
  cpu_set_t allowed;
  CPU_ZERO (&allowed);
  if (sched_getaffinity (0, sizeof allowed, &allowed) != 0) {
    long n = sysconf (_SC_NPROCESSORS_ONLN);
    info->n_threads = info->n_cores = n > 0 ? (uint32_t) n : 1;
    return;
  }
  uint64_t fastest = 0;
  for (int cpu = 0; cpu < MAX_CPUS && cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET (cpu, &allowed)) {
      uint64_t speed = core_speed (cpu);
      fastest = speed > fastest ? speed : fastest;
    }
  for (int cpu = 0; cpu < MAX_CPUS && cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET (cpu, &allowed)) {
      info->n_threads++;
      info->n_cores += is_first_of_core (cpu) && core_speed (cpu) >= fastest / 4 * 3;
    }
  if (info->n_cores == 0)
    info->n_cores = info->n_threads;
}

static void
read_name (char *name, size_t capacity)
{
  char text[4096];
  snprintf (name, capacity, "Processor");
  if (!read_text ("/proc/cpuinfo", text, sizeof text))
    return;
  const char *at = strstr (text, "model name");
  at = at ? strchr (at, ':') : NULL;
  if (!at)
    return;
  at++;
  while (*at == ' ' || *at == '\t')
    at++;
  size_t n = strcspn (at, "\n");
  if (n > 0)
    snprintf (name, capacity, "%.*s", (int) (n < capacity ? n : capacity - 1), at);
}

void
pe_cpu_device_info (struct pe_device_info *info)
{
  memset (info, 0, sizeof *info);
  snprintf (info->id, sizeof info->id, "cpu");
  read_name (info->name, sizeof info->name);
  info->kind = PE_DEVICE_CPU;
  info->has_f16 = true;
  read_memory (info);
  read_cores (info);
}
