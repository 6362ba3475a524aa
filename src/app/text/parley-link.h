/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Addresses that others wrote, such as a model: which may be opened, and how one is shown so that
 * what is read is where it leads. Pure data; nothing is looked up.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* TRUE for addresses that may be offered to open: http and https with a host and without a name
 * before it ("https://bank.example@evil.example"), and mailto; no blanks or control characters, at
 * most 4096 bytes. Everything else is shown, never opened. NULL is FALSE. */
gboolean parley_link_is_safe (const char *target);

/* The host of a web address or what follows the @ of a mail address, in ASCII: names of other
 * scripts as "xn--…", which no look-alike letter hides in. NULL: it has none. Free it. */
char *parley_link_get_host (const char *target);

/* The address as it can be shown: what is invisible or turns the direction of writing is written in
 * per cent, and the host in ASCII. Valid UTF-8, however long. Free it. */
char *parley_link_for_display (const char *target);

G_END_DECLS
