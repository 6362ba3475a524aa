/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a chat that was exported: what is accepted can be exported and imported again, and
 * is the same then.
 */
#include "chat/parley-chat.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  g_autoptr (ParleyChat) chat = parley_chat_import_json (NULL, (const char *) data, n, NULL, NULL);
  if (!chat)
    return 0;
  g_autofree char *json = parley_chat_export_json (chat, NULL, NULL, NULL);
  g_autofree char *markdown = parley_chat_export_markdown (chat, NULL, NULL);
  if (!json || !markdown)
    abort ();
  g_autoptr (ParleyChat) again = parley_chat_import_json (NULL, json, strlen (json), NULL, NULL);
  g_autofree char *twice = again ? parley_chat_export_json (again, NULL, NULL, NULL) : NULL;
  if (!twice || strcmp (twice, json) != 0)
    abort ();
  return 0;
}
