/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as JSON: what is accepted must survive being written and read again.
 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  struct pe_json_document first, second;
  struct pe_json_writer w = { 0 }, again = { 0 };
  if (!pe_json_parse ((const char *) data, n, &first, NULL))
    return 0;
  pe_json_value (&w, &first.root);
  if (!pe_json_finish (&w) || !pe_json_parse (w.text, w.n, &second, NULL))
    abort ();
  pe_json_value (&again, &second.root);
  if (!pe_json_finish (&again) || again.n != w.n || memcmp (again.text, w.text, w.n) != 0)
    abort ();
  pe_json_writer_clear (&w);
  pe_json_writer_clear (&again);
  pe_json_document_clear (&first);
  pe_json_document_clear (&second);
  return 0;
}
