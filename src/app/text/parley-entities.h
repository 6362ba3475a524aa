/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Character references of HTML, "&eacute;" or "&#233;", as Markdown has them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The character of a reference from & to ;, or 0: there is none of that name, or it would be a
 * control character. Names are those of HTML 4 and "apos". */
gunichar parley_entity (const char *reference, gsize length);

G_END_DECLS
