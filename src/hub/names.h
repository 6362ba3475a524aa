/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rules for names that a hub hands us, and what a file name tells about a model. A path from a
 * hub becomes a path on disk only after parley_name_check_path(): the rules of POSIX and Windows
 * file systems both apply everywhere, so that a models folder can be carried between them.
 */
#pragma once

#include "hub/parley-hub-file.h"

G_BEGIN_DECLS

/* "org/name" in the letters that hubs allow: A-Z a-z 0-9 . _ -, at most 96 in each half. */
gboolean parley_name_check_repo (const char *repo, GError **error);

/* A relative path of plain components: valid UTF-8 without control or direction-changing
 * characters, backslash or colon; no "." or "..", no final dot or space, no device name, no name
 * that we use for ourselves; each at most 200 bytes, 16 of them at most. */
gboolean parley_name_check_path (const char *path, GError **error);

/* What two paths have in common when a file system ignores case and composes letters: equal keys
 * are one file there. Free with g_free(). */
char *parley_name_collision_key (const char *path);

/* The quantisation in a file name or path, in upper case: "Q4_K_M", "UD-IQ2_XXS", "BF16". The
 * last one in it counts. NULL when there is none. Free with g_free(). */
char *parley_name_quantisation (const char *path);

/* For "…-00002-of-00003.gguf": fills in and returns TRUE; `stem_length` is that of the part
 * before the first dash of the numbering. */
gboolean parley_name_shard (const char *path, guint *index, guint *count, gsize *stem_length);

/* A guess, for want of more: library/companion.h looks into files that are here. */
ParleyHubFileKind parley_name_kind (const char *path);

/* Parameters that a name states: "Qwen3-1.7B" is 1.7e9, "8x7B" the product, "270m" 2.7e8; the
 * first one counts; 0 if none. */
guint64 parley_name_parameters (const char *name);

/* Valid UTF-8 of at most `max_bytes` with control and direction-changing characters made plain;
 * for showing text of others. Free with g_free(). */
char *parley_name_for_display (const char *text, gsize max_bytes);

G_END_DECLS
