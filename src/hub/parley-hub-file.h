/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One thing a person can choose to download from a repository: a model in one quantisation, whole
 * or split into parts, or a companion file. Immutable; may be used from any thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_HUB_FILE_MODEL,
  PARLEY_HUB_FILE_PROJECTOR, /* "mmproj": images or sound for a model */
  PARLEY_HUB_FILE_DRAFT,     /* helper models for speculation */
  PARLEY_HUB_FILE_ADAPTER,   /* "lora": a change to another model */
  PARLEY_HUB_FILE_OTHER,     /* importance matrices, vocabularies */
} ParleyHubFileKind;

/* One file of the repository. */
typedef struct {
  const char *path; /* in the repository, '/' between folders; passed parley_name_check_path() */
  guint64 size;     /* bytes */
  char sha256[65];  /* lower-case hexadecimal; "" when the hub does not say */
} ParleyHubPart;

/* What a companion is, in a translated sentence; "" for a model. */
const char *parley_hub_file_kind_words (ParleyHubFileKind kind);
/* "model", "projector", "draft", "adapter", "other": for programs. */
const char *parley_hub_file_kind_name (ParleyHubFileKind kind);

#define PARLEY_TYPE_HUB_FILE (parley_hub_file_get_type ())
G_DECLARE_FINAL_TYPE (ParleyHubFile, parley_hub_file, PARLEY, HUB_FILE, GObject)

/* `parts` are copied; at least one. Properties with the names of the getters are readable. */
ParleyHubFile *parley_hub_file_new (const char *repo, const char *commit, ParleyHubFileKind kind,
                                    const ParleyHubPart *parts, gsize n_parts);

const char *parley_hub_file_get_repo (ParleyHubFile *self);   /* "org/name" */
const char *parley_hub_file_get_commit (ParleyHubFile *self); /* 40 hexadecimal digits */
const char *parley_hub_file_get_path (ParleyHubFile *self);   /* of the first part */
const char *parley_hub_file_get_name (ParleyHubFile *self);   /* last component of it */
/* "Q4_K_M", "UD-Q4_K_XL", or "" when the name tells nothing. */
const char *parley_hub_file_get_quantisation (ParleyHubFile *self);
ParleyHubFileKind parley_hub_file_get_kind (ParleyHubFile *self);
guint64 parley_hub_file_get_size (ParleyHubFile *self); /* of all parts */
guint parley_hub_file_get_n_parts (ParleyHubFile *self);
const ParleyHubPart *parley_hub_file_get_part (ParleyHubFile *self, guint i);
/* FALSE when parts of a split model are missing from the repository; then it cannot be had. */
gboolean parley_hub_file_is_complete (ParleyHubFile *self);

G_END_DECLS
