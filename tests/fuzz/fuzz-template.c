/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a chat template over a small conversation: the pieces of what it renders must cover
 * the text exactly.
 */
#include "base/json.h"
#include "engine/text/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

static const char conversation[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":"
    "\"\\u00e9 "
    "<b>\"},{\"role\":\"assistant\",\"content\":null,\"n\":[1,2.5,true]}],\"bos_token\":\"<s>\","
    "\"add_generation_prompt\":true}";

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  static const struct pe_template_limits limits = {
    .steps = 20000, .output_bytes = 1 << 16, .memory_bytes = 1 << 22, .milliseconds = 200
  };
  static const struct tm now = { .tm_year = 125, .tm_mday = 9 };
  static struct pe_json_document context;
  struct pe_template *tmpl;
  struct pe_template_result result;
  struct pe_error error;
  if (!context.root.kind && !pe_json_parse (conversation, strlen (conversation), &context, NULL))
    abort ();
  if (!pe_template_parse ((const char *) data, n, &tmpl, &error))
    return 0;
  if (pe_template_render (tmpl, &context.root, &now, &limits, &result, &error)) {
    size_t at = 0;
    for (size_t i = 0; i < result.n_pieces; i++) {
      if (result.pieces[i].offset != at || result.pieces[i].n == 0)
        abort ();
      at += result.pieces[i].n;
    }
    if (at != result.n)
      abort ();
    pe_template_result_clear (&result);
  } else if (error.code == PE_OK) {
    abort ();
  }
  pe_template_free (tmpl);
  return 0;
}
