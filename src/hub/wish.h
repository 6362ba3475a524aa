/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person wants, in one program, of a download that another one runs: ".part.wish" beside its
 * ".part.json", which only the program that holds the lock may write. The holder looks for wishes
 * and takes them. Any thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PARLEY_WISH_SUFFIX ".part.wish"

typedef enum { PARLEY_WISH_NONE, PARLEY_WISH_PAUSE, PARLEY_WISH_CANCEL } ParleyWish;

/* Replaces an earlier one; NONE takes it back. */
gboolean parley_wish_leave (const char *path, ParleyWish wish, GError **error);
ParleyWish parley_wish_look (const char *path); /* what is not understood is none */
ParleyWish parley_wish_take (const char *path); /* and removes it */

G_END_DECLS
