/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/sidecar.h"
#include "hub/json.h"
#include "hub/names.h"
#include "hub/parley-hub-error.h"

#include <glib/gi18n.h>
#include <string.h>

#define VERSION   1
#define MAX_BYTES (1024 * 1024)
#define MAX_PARTS 1000

/* Changes whenever the computer starts; "" where the kernel does not tell. */
static const char *
boot_id (void)
{
  static char *id;
  if (g_once_init_enter (&id)) {
    char *text = NULL;
    if (g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
      g_strstrip (text);
    g_once_init_leave (&id, text ? text : g_strdup (""));
  }
  return id;
}

void
parley_sidecar_free (ParleySidecar *self)
{
  if (!self)
    return;
  for (guint i = 0; i < self->n_parts; i++)
    g_free (self->parts[i].path);
  g_free (self->parts);
  g_free (self->endpoint);
  g_free (self->repo);
  g_free (self->commit);
  g_free (self);
}

ParleySidecar *
parley_sidecar_new (const char *endpoint, ParleyHubFile *file, GError **error)
{
  g_autoptr (ParleySidecar) self = g_new0 (ParleySidecar, 1);
  self->endpoint = g_strdup (endpoint);
  self->repo = g_strdup (parley_hub_file_get_repo (file));
  self->commit = g_strdup (parley_hub_file_get_commit (file));
  self->added = g_get_real_time ();
  self->same_boot = TRUE;
  self->n_parts = parley_hub_file_get_n_parts (file);
  self->parts = g_new0 (ParleySidecarPart, self->n_parts);
  if (!parley_name_check_repo (self->repo, error))
    return NULL;
  if (!parley_hub_file_is_complete (file)) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
                 _ ("Parts of %s are missing from %s. Choose another file"),
                 parley_hub_file_get_name (file), self->repo);
    return NULL;
  }
  for (guint i = 0; i < self->n_parts; i++) {
    const ParleyHubPart *part = parley_hub_file_get_part (file, i);
    self->parts[i].path = g_strdup (part->path);
    self->parts[i].size = part->size;
    memcpy (self->parts[i].sha256, part->sha256, sizeof part->sha256);
    if (!parley_name_check_path (part->path, error))
      return NULL;
    if (!*part->sha256) {
      g_set_error (
          error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED,
          _ ("The hub gives no checksum for %s, so it could not be verified. Choose another "
             "file"),
          part->path);
      return NULL;
    }
  }
  return g_steal_pointer (&self);
}

static gboolean
is_hex (const char *text, gsize n)
{
  return strlen (text) == n && strspn (text, "0123456789abcdef") == n;
}

static gboolean
read_part (JsonObject *object, ParleySidecarPart *part)
{
  const char *path = parley_json_string (object, "path");
  const char *sha256 = parley_json_string (object, "sha256");
  if (!parley_name_check_path (path, NULL) || !is_hex (sha256, 64) ||
      !parley_json_count (object, "size", &part->size) || part->size == 0)
    return FALSE;
  part->path = g_strdup (path);
  memcpy (part->sha256, sha256, 65);
  parley_json_count (object, "synced", &part->synced);
  part->synced = MIN (part->synced, part->size);
  part->fetched = parley_json_true (object, "fetched");
  part->found = parley_json_true (object, "found");
  return TRUE;
}

static ParleySidecar *
read_object (JsonObject *object)
{
  g_autoptr (ParleySidecar) self = g_new0 (ParleySidecar, 1);
  guint64 version = 0, added = 0;
  JsonArray *parts = parley_json_array (object, "parts");
  guint n = parts ? json_array_get_length (parts) : 0;
  self->endpoint = g_strdup (parley_json_string (object, "endpoint"));
  self->repo = g_strdup (parley_json_string (object, "repo"));
  self->commit = g_strdup (parley_json_string (object, "commit"));
  self->paused = parley_json_true (object, "paused");
  if (!parley_json_count (object, "version", &version) || version != VERSION || n == 0 ||
      n > MAX_PARTS || !parley_name_check_repo (self->repo, NULL) || !is_hex (self->commit, 40))
    return NULL;
  parley_json_count (object, "added", &added);
  self->added = (gint64) added;
  self->same_boot = strcmp (parley_json_string (object, "boot"), boot_id ()) == 0;
  self->parts = g_new0 (ParleySidecarPart, n);
  for (; self->n_parts < n; self->n_parts++) {
    JsonObject *part = parley_json_as_object (json_array_get_element (parts, self->n_parts));
    if (!part || !read_part (part, &self->parts[self->n_parts]))
      return NULL;
  }
  return g_steal_pointer (&self);
}

ParleySidecar *
parley_sidecar_read (const char *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, error);
  if (!stream)
    return NULL;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes (G_INPUT_STREAM (stream), MAX_BYTES, NULL, error);
  if (!bytes)
    return NULL;
  gsize n;
  const char *text = g_bytes_get_data (bytes, &n);
  g_autoptr (JsonNode) node = parley_json_read (text ? text : "", n, path, error);
  if (!node)
    return NULL;
  JsonObject *object = parley_json_as_object (node);
  ParleySidecar *self = object ? read_object (object) : NULL;
  if (!self)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FILE,
                 _ ("%s does not describe a download. Delete it and the .part file beside it"),
                 path);
  return self;
}

gboolean
parley_sidecar_write (const ParleySidecar *self, const char *path, GError **error)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  json_builder_begin_object (b);
#define MEMBER(name, kind, value)                                                                  \
  json_builder_set_member_name (b, name);                                                          \
  json_builder_add_##kind##_value (b, value)
  MEMBER ("version", int, VERSION);
  MEMBER ("endpoint", string, self->endpoint);
  MEMBER ("repo", string, self->repo);
  MEMBER ("commit", string, self->commit);
  MEMBER ("paused", boolean, self->paused);
  MEMBER ("added", int, self->added);
  MEMBER ("boot", string, boot_id ());
  json_builder_set_member_name (b, "parts");
  json_builder_begin_array (b);
  for (guint i = 0; i < self->n_parts; i++) {
    const ParleySidecarPart *part = &self->parts[i];
    json_builder_begin_object (b);
    MEMBER ("path", string, part->path);
    MEMBER ("size", int, (gint64) part->size);
    MEMBER ("sha256", string, part->sha256);
    MEMBER ("synced", int, (gint64) part->synced);
    MEMBER ("fetched", boolean, part->fetched);
    MEMBER ("found", boolean, part->found);
    json_builder_end_object (b);
  }
#undef MEMBER
  json_builder_end_array (b);
  json_builder_end_object (b);
  g_autoptr (JsonNode) root = json_builder_get_root (b);
  g_autofree char *text = json_to_string (root, TRUE);
  return g_file_set_contents_full (
      path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, error);
}

gboolean
parley_sidecar_equal (const ParleySidecar *a, const ParleySidecar *b)
{
  if (strcmp (a->endpoint, b->endpoint) != 0 || strcmp (a->repo, b->repo) != 0 ||
      a->n_parts != b->n_parts)
    return FALSE;
  for (guint i = 0; i < a->n_parts; i++)
    if (strcmp (a->parts[i].path, b->parts[i].path) != 0 || a->parts[i].size != b->parts[i].size ||
        strcmp (a->parts[i].sha256, b->parts[i].sha256) != 0)
      return FALSE;
  return TRUE;
}

void
parley_sidecar_take_progress (ParleySidecar *self, const ParleySidecar *from)
{
  self->same_boot = from->same_boot;
  for (guint i = 0; i < self->n_parts; i++) {
    self->parts[i].synced = from->parts[i].synced;
    self->parts[i].fetched = from->parts[i].fetched;
    self->parts[i].found = from->parts[i].found;
  }
}

ParleyHubFile *
parley_sidecar_to_file (const ParleySidecar *self)
{
  g_autofree ParleyHubPart *parts = g_new0 (ParleyHubPart, self->n_parts);
  for (guint i = 0; i < self->n_parts; i++) {
    parts[i].path = self->parts[i].path;
    parts[i].size = self->parts[i].size;
    memcpy (parts[i].sha256, self->parts[i].sha256, sizeof parts[i].sha256);
  }
  return parley_hub_file_new (self->repo, self->commit, parley_name_kind (parts[0].path), parts,
                              self->n_parts);
}
