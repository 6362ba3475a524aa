/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Closes this process in, so that a hostile model file that gets hold of it can do little:
 *
 *   Landlock  no writing anywhere but to GPU devices, reading only of the system's folders (drivers
 *             and their descriptions), no TCP, no signals or abstract sockets to the outside
 *   seccomp   no sockets, programs, further processes, debugging of others, or changes to files
 *
 * Files come in as open descriptors. Best effort: what the kernel lacks is left out and reported.
 */
#pragma once

#include <stddef.h>

/* Call it before any other thread exists. Writes a few words for people, such as "Landlock (ABI 4),
 * seccomp", into `report`. */
void worker_confine (char *report, size_t size);

/* Makes this process the one that the kernel ends first when memory runs out, and keeps it from
 * leaving a core file with people's conversations in it. */
void worker_set_limits (void);
