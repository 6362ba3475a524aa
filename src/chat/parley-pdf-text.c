/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-pdf-text: the text of the PDF file on standard input, on standard output. A process of its
 * own, closed in before it reads a byte, with bounds on memory and time.
 */
#include "worker/confine.h"

#include <poppler.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_BYTES   (32 << 20)
#define MAX_TEXT    (4 << 20)
#define MAX_SECONDS 60
#define MAX_MEMORY  ((rlim_t) 2 << 30)

static GBytes *
read_input (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  for (;;) {
    guint8 block[65536];
    ssize_t n = read (STDIN_FILENO, block, sizeof block);
    if (n < 0 || bytes->len + (gsize) MAX (n, 0) > MAX_BYTES)
      return NULL;
    if (n == 0)
      return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
    g_byte_array_append (bytes, block, (guint) n);
  }
}

int
main (int argc, char **argv)
{
  char report[96];
  setrlimit (RLIMIT_CPU, &(struct rlimit){ MAX_SECONDS, MAX_SECONDS });
#ifndef __SANITIZE_ADDRESS__
  setrlimit (RLIMIT_AS, &(struct rlimit){ MAX_MEMORY, MAX_MEMORY });
#endif
  worker_set_limits ();
  worker_confine (report, sizeof report);

  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = read_input ();
  PopplerDocument *document = bytes ? poppler_document_new_from_bytes (bytes, NULL, &error) : NULL;
  if (!document) {
    fprintf (stderr, "parley-pdf-text: %s\n", error ? error->message : "the file is too large");
    return 1;
  }
  gsize total = 0;
  int n_pages = poppler_document_get_n_pages (document);
  for (int i = 0; i < n_pages && total < MAX_TEXT; i++) {
    PopplerPage *page = poppler_document_get_page (document, i);
    g_autofree char *text = page ? poppler_page_get_text (page) : NULL;
    g_clear_object (&page);
    if (!text)
      continue;
    total += strlen (text);
    if (fputs (text, stdout) < 0 || fputs ("\n\n", stdout) < 0)
      return 1;
  }
  g_object_unref (document);
  return fflush (stdout) == 0 ? 0 : 1;
}
