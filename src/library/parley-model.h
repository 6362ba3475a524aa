/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model on disk. Constant once it is in the library; a changed file is a new object. Properties
 * with the names of the getters (and dashes) are readable. What is unknown is "" or 0.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_MODEL_READY,
  PARLEY_MODEL_INCOMPLETE,  /* parts of a split model are missing */
  PARLEY_MODEL_UNSUPPORTED, /* a sound file that the engine cannot run; see message */
  PARLEY_MODEL_DAMAGED,     /* see message */
  PARLEY_MODEL_AWAY,        /* on a disk that is not plugged in; see message */
} ParleyModelState;

#define PARLEY_TYPE_MODEL (parley_model_get_type ())
G_DECLARE_FINAL_TYPE (ParleyModel, parley_model, PARLEY, MODEL, GObject)

const char *parley_model_get_id (ParleyModel *self);   /* unique: "org/repo/File-Q4_K_M" */
const char *parley_model_get_name (ParleyModel *self); /* for people: "Qwen3 1.7B" */
const char *parley_model_get_path (ParleyModel *self); /* absolute, of the first part */
const char *parley_model_get_file_name (ParleyModel *self);
guint parley_model_get_n_parts (ParleyModel *self);
GStrv parley_model_dup_parts (ParleyModel *self); /* paths of all parts, in order */
const char *parley_model_get_quantisation (ParleyModel *self);
guint64 parley_model_get_size (ParleyModel *self);             /* bytes on disk, all parts */
const char *parley_model_get_family (ParleyModel *self);       /* "Llama" */
const char *parley_model_get_architecture (ParleyModel *self); /* "llama" */
guint64 parley_model_get_parameters (ParleyModel *self);
guint parley_model_get_n_layers (ParleyModel *self);
guint parley_model_get_context_length (ParleyModel *self); /* tokens it was trained for */
const char *parley_model_get_license (ParleyModel *self);
gboolean parley_model_has_chat_template (ParleyModel *self);
const char *parley_model_get_repo (ParleyModel *self);   /* "org/name" it came from */
const char *parley_model_get_commit (ParleyModel *self); /* of the repository */
const char *parley_model_get_sha256 (ParleyModel *self); /* of the first part, verified */
gint64 parley_model_get_modified (ParleyModel *self);    /* seconds since 1970 */
ParleyModelState parley_model_get_state (ParleyModel *self);
const char *parley_model_get_message (ParleyModel *self); /* a sentence unless ready */
/* The program whose folder it lies in, "" for our own; others' files are used in place and never
 * written or deleted. */
const char *parley_model_get_owner (ParleyModel *self);
/* TRUE: comes with Parley. */
gboolean parley_model_is_builtin (ParleyModel *self);
/* TRUE: in one of Parley's own folders, so that it may be deleted and moved. */
gboolean parley_model_is_managed (ParleyModel *self);
const char *parley_model_get_folder (ParleyModel *self);      /* of the place that it lies in */
const char *const *parley_model_get_also (ParleyModel *self); /* paths of other copies */

/* What a person made of it; the name is that of get_name() when there is one. */
const char *const *parley_model_get_tags (ParleyModel *self);
gboolean parley_model_is_pinned (ParleyModel *self);
gint64 parley_model_get_last_used (ParleyModel *self); /* microseconds since 1970; 0: never */

G_END_DECLS
