/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The processor in facts for people: cores of either kind, instruction sets that matter here,
 * caches. From /proc and /sys; what is not there stays 0 or "".
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint n_physical;    /* cores that have a processor which is online */
  guint n_performance; /* of them; all where there is but one kind */
  guint n_threads;     /* logical */
  guint64 l1, l2, l3;  /* data caches in bytes, all of a level together */
  char
      instructions[160]; /* "AVX2, FMA, AVX-512, VNNI": those the engine has kernels for or might */
} ParleyCpu;

/* `root`: "" for this computer, else a folder with proc/ and sys/ in it. */
void parley_cpu_read (const char *root, ParleyCpu *cpu);

G_END_DECLS
