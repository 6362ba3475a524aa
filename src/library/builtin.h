/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The model that comes with Parley.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define PARLEY_BUILTIN_ID "parley-guide"
#define PARLEY_BUILTIN_OWNER                                                                       \
  "Parley" /* whom its file belongs to: read-only, as those of others                              \
            */

/* Where its file lies: in the source folder for a program that runs from the build folder, else
 * beside the installed program. NULL: it is not there. */
char *parley_builtin_find (void);

G_END_DECLS
