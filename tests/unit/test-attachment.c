/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading files that are to go along with a message: texts in any code, PDF, and what is neither.
 */
#include "chat/parley-attachment.h"
#include "hardware/parley-hardware.h"
#include "tests/harness.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

static char *folder;

static void
got (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static ParleyPartRecord *
read_file (const char *name, const char *bytes, gsize n, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;

  if (bytes != NULL)
    CHECK (g_file_set_contents (path, bytes, (gssize) n, NULL));
  parley_attachment_read_async (file, NULL, NULL, got, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return parley_attachment_read_finish (result, error);
}

static void
check_text (const char *bytes, gsize n, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyPartRecord) part = read_file ("a.txt", bytes, n, &error);

  CHECK_MSG (part != NULL, "%s", error != NULL ? error->message : "");
  if (part == NULL)
    return;
  CHECK (part->kind == PARLEY_PART_ATTACHMENT && part->attachment == NULL);
  CHECK_STR (part->name, "a.txt");
  CHECK_STR (part->text, expected);
}

static void
check_refused (const char *name, const char *bytes, gsize n, const char *why)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyPartRecord) part = read_file (name, bytes, n, &error);

  CHECK (part == NULL && error != NULL);
  if (error != NULL)
    CHECK_MSG (strstr (error->message, why) != NULL, "%s", error->message);
}

static void
texts_in_any_code (void)
{
  check_text ("plain", 5, "plain");
  check_text ("caf\xc3\xa9", 5, "café");
  check_text ("\xef\xbb\xbfmark", 7, "mark");
  check_text ("caf\xe9", 4, "café");
  check_text ("\xff\xfe"
              "h\0i\0",
              6, "hi");
  check_text ("\xfe\xff"
              "\0h\0i",
              6, "hi");
}

static void
what_cannot_be_attached (void)
{
  g_autofree char *large = g_malloc0 (PARLEY_ATTACHMENT_MAX_FILE + 1);
  g_autofree char *long_text = g_strnfill (PARLEY_ATTACHMENT_MAX_TEXT + 1, 'a');

  check_refused ("a.zip", "PK\3\4\0\0", 6, "neither text nor PDF");
  check_refused ("empty", "", 0, "empty");
  check_refused ("large", large, PARLEY_ATTACHMENT_MAX_FILE + 1, "larger than");
  check_refused ("long", long_text, PARLEY_ATTACHMENT_MAX_TEXT + 1, "longer than");
  check_refused ("absent", NULL, 0, "absent");
  check_refused ("..", NULL, 0, "a folder");
  g_autofree char *pipe = g_build_filename (folder, "pipe", NULL);
  CHECK (mkfifo (pipe, 0600) == 0);
  check_refused ("pipe", NULL, 0, "no file with a text"); /* not: waits for who never writes */
  g_unlink (pipe);
}

/* A file of one page with one line of text; the table of objects is left for the reader to mend. */
static const char pdf[] = "%PDF-1.4\n"
                          "1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n"
                          "2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n"
                          "3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R"
                          "/Resources<</Font<</F 5 0 R>>>>>> endobj\n"
                          "4 0 obj <</Length 44>> stream\n"
                          "BT /F 18 Tf 10 50 Td (Forty-two pages) Tj ET\n"
                          "endstream endobj\n"
                          "5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj\n"
                          "trailer <</Root 1 0 R>>\n%%EOF\n";

static void
pdf_gives_its_text (void)
{
  g_autofree char *program = parley_hardware_find_program ("chat", "parley-pdf-text");
  g_autoptr (GError) error = NULL;

  if (!g_file_test (program, G_FILE_TEST_IS_EXECUTABLE)) {
    printf ("# built without the reader of PDF\n");
    check_refused ("a.pdf", pdf, strlen (pdf), "built without");
    return;
  }
  g_autoptr (ParleyPartRecord) part = read_file ("a.pdf", pdf, strlen (pdf), &error);
  CHECK_MSG (part != NULL, "%s", error != NULL ? error->message : "");
  if (part != NULL)
    CHECK_MSG (strstr (part->text, "Forty-two pages") != NULL, "%s", part->text);
  check_refused ("b.pdf", "%PDF-1.4\ngarbage", 16, "damaged");
  /* Any change may be refused, or give another text; it never harms this process. */
  for (guint i = 0; i < 24; i++) {
    g_autofree char *changed = g_memdup2 (pdf, sizeof pdf);
    g_autoptr (GError) refused = NULL;
    changed[9 + i * 17] ^= (char) (1 << (i % 8));
    g_autoptr (ParleyPartRecord) other = read_file ("c.pdf", changed, strlen (pdf), &refused);
    CHECK ((other != NULL) != (refused != NULL));
  }
}

int
main (void)
{
  folder = g_dir_make_tmp ("parley-attachment-XXXXXX", NULL);
  /* For the reader of PDF: closed in as it is, it cannot be looked through for leaks. */
  g_setenv ("ASAN_OPTIONS", "detect_leaks=0", TRUE);
  RUN (texts_in_any_code);
  RUN (what_cannot_be_attached);
  RUN (pdf_gives_its_text);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_unlink (path);
  }
  g_rmdir (folder);
  g_free (folder);
  return test_done ();
}
