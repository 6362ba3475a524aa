/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "library/parley-model.h"

G_BEGIN_DECLS

/* Everything a model says. Strings may be NULL for ""; `parts` has the paths of all parts. */
typedef struct {
  char *id, *name, *quantisation, *family, *architecture, *license, *repo, *commit, *sha256,
      *message, *owner, *own_name, *folder;
  GStrv parts, tags, also;
  guint64 size, parameters;
  guint n_layers, context_length;
  gboolean has_chat_template;
  gint64 modified;
  gint64 modified_ns; /* with inode and size: whether the file is still the one that was read */
  guint64 inode, device;
  gboolean pinned, managed;
  gint64 last_used; /* microseconds since 1970 */
  ParleyModelState state;
} ParleyModelFacts;

/* Takes what `facts` points to. */
ParleyModel *_parley_model_new (ParleyModelFacts *facts);
/* Before it is shown to anybody: another id and owner. */
void _parley_model_claim (ParleyModel *self, const char *id, const char *owner);
const ParleyModelFacts *_parley_model_get_facts (ParleyModel *self);

G_END_DECLS
