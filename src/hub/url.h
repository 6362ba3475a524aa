/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Addresses, read by libcurl's own parser so that what is checked is what will be fetched.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *scheme; /* lower case */
  char *host;   /* lower case, IPv4 numbers in the dotted form */
  char *port;   /* always there */
  char *path;
  char *query; /* NULL: none */
} ParleyUrl;

/* NULL when `text` is no address, or one with a user name in it. `base`: what a relative one
 * refers to, or NULL. *absolute (may be NULL) receives the whole address. */
ParleyUrl *parley_url_parse (const char *text, const char *base, char **absolute);
void parley_url_free (ParleyUrl *url);

gboolean parley_url_same_origin (const ParleyUrl *a, const ParleyUrl *b);

/* This computer or its private network: where only a hub that is there itself may send us. */
gboolean parley_url_is_local (const ParleyUrl *url);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyUrl, parley_url_free)

G_END_DECLS
