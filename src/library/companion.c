/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/companion.h"

#include "engine/format/gguf.h"
#include "hub/names.h"

/* People call models after how they were made, "my-lora-tune.gguf", so the name of an adapter
 * proves nothing. A file that cannot be read is taken by its name. */
static gboolean
is_adapter (const char *path)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  struct pe_gguf *gguf;
  if (!file || !pe_gguf_parse (g_mapped_file_get_contents (file), g_mapped_file_get_length (file),
                               g_mapped_file_get_length (file), &gguf, NULL))
    return TRUE;
  struct pe_string type;
  gboolean adapter = pe_gguf_string (gguf, "general.type", &type)
                         ? pe_string_equal (type, "adapter")
                         : pe_gguf_find (gguf, "adapter.type") != NULL;
  pe_gguf_free (gguf);
  return adapter;
}

gboolean
parley_is_companion (const char *path)
{
  ParleyHubFileKind kind = parley_name_kind (path);
  return kind == PARLEY_HUB_FILE_ADAPTER ? is_adapter (path) : kind != PARLEY_HUB_FILE_MODEL;
}
