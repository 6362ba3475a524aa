/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How people write down what they want from a hub:
 *   org/name                      org/name:Q4_K_M             org/name/folder/file.gguf
 *   org/name@revision…            https://hub/org/name        https://hub/org/name/tree/main
 *   https://hub/org/name/resolve/main/file.gguf  (and blob/)   hf.co/org/name:Q4_K_M
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *repo;         /* "org/name" */
  char *revision;     /* NULL: not named */
  char *quantisation; /* NULL: not named */
  char *file;         /* path in the repository; NULL: not named */
} ParleyHubRef;

/* NULL with PARLEY_HUB_ERROR_REFERENCE for text that is none of these. Never asks the network.
 * `endpoint`: the hub whose addresses are accepted besides huggingface.co and hf.co; may be
 * NULL. */
ParleyHubRef *parley_hub_ref_parse (const char *text, const char *endpoint, GError **error);
/* Whether text with a '/' in it cannot be words to search for; "org/name" can. */
gboolean parley_hub_ref_is_clear (const char *text);
void parley_hub_ref_free (ParleyHubRef *ref);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyHubRef, parley_hub_ref_free)

G_END_DECLS
