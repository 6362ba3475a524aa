/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an exported model says of itself, "parley-model.json" of the archive. Read as untrusted
 * input.
 */
#pragma once

#include "library/parley-model.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

#define PARLEY_BUNDLE_NAME  "parley-model.json"
#define PARLEY_BUNDLE_CARD  "README.md"
#define PARLEY_BUNDLE_CHATS "chats"

typedef struct {
  char *place; /* path of the first part below a models folder; passed parley_name_check_path() */
  char *endpoint, *repo, *commit, *file_name; /* NULL: unknown */
  char *own_name;                             /* NULL: none */
  GStrv tags;                                 /* NULL: none */
  gboolean pinned;
  GHashTable *settings; /* key of parley_model_setting_keys -> value */
  GPtrArray *names;     /* of strings: the parts, below the archive's root */
  GPtrArray *sha256s;   /* of strings, in the same order */
} ParleyBundle;

ParleyBundle *parley_bundle_new (void);
void parley_bundle_free (ParleyBundle *bundle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyBundle, parley_bundle_free)

char *parley_bundle_to_json (const ParleyBundle *bundle);
ParleyBundle *parley_bundle_read (const char *json, gsize n, GError **error);

G_END_DECLS
