/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How long a megabyte takes to become tokens: tokenizers PROSE VOCABULARY.gguf...
 *
 * A line for each vocabulary: processor seconds of one thread for prose (the file PROSE, repeated),
 * for one repeated letter, for blanks, and for random bytes.
 */
#include "engine/format/gguf.h"
#include "engine/text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_BYTES 1000000

enum { PROSE, LETTER, BLANKS, RANDOM, N_TEXTS };
static const char *const text_names[] = { "prose", "letter", "blanks", "random" };
static char texts[N_TEXTS][TEXT_BYTES];

static char *
read_file (const char *path, size_t *n)
{
  FILE *f = fopen (path, "rb");
  char *bytes = NULL;
  if (f && fseek (f, 0, SEEK_END) == 0) {
    *n = (size_t) ftell (f);
    rewind (f);
    bytes = malloc (*n + 1);
    if (bytes && fread (bytes, 1, *n, f) != *n) {
      free (bytes);
      bytes = NULL;
    }
  }
  if (f)
    fclose (f);
  return bytes;
}

static bool
make_texts (const char *prose_path)
{
  size_t n;
  char *prose = read_file (prose_path, &n);
  if (!prose || n == 0)
    return false;
  for (size_t i = 0; i < TEXT_BYTES; i++)
    texts[PROSE][i] = prose[i % n];
  free (prose);
  memset (texts[LETTER], 'a', TEXT_BYTES);
  memset (texts[BLANKS], ' ', TEXT_BYTES);
  uint64_t state = 88172645463325252u;
  for (size_t i = 0; i < TEXT_BYTES; i++) { /* Marsaglia's xorshift */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    texts[RANDOM][i] = (char) (state >> 56);
  }
  return true;
}

static double
seconds (void)
{
  struct timespec t;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static bool
measure (const char *path)
{
  const char *name = strrchr (path, '/') ? strrchr (path, '/') + 1 : path;
  size_t n;
  char *bytes = read_file (path, &n);
  struct pe_gguf *gguf = NULL;
  struct pe_vocab *vocab = NULL;
  struct pe_error error = { 0 };
  bool ok =
      bytes && pe_gguf_parse (bytes, n, n, &gguf, &error) && pe_vocab_load (gguf, &vocab, &error);
  if (ok) {
    const struct pe_vocab_info *info = pe_vocab_info (vocab);
    printf ("%-24.*s %-7s", (int) strcspn (name, "."), name, info->model);
  } else
    fprintf (stderr, "%s: %s\n", path, bytes ? error.message : "cannot be read");
  for (int t = 0; ok && t < N_TEXTS; t++) {
    struct pe_tokens tokens = { 0 };
    double start = seconds ();
    ok = pe_tokenize (vocab, texts[t], TEXT_BYTES, PE_ADD_SPECIAL, &tokens, &error);
    double took = seconds () - start;
    if (ok)
      printf (" %7.3f s", took);
    else
      fprintf (stderr, "%s: %s: %s\n", path, text_names[t], error.message);
    pe_tokens_clear (&tokens);
  }
  printf ("\n");
  fflush (stdout);
  pe_vocab_free (vocab);
  pe_gguf_free (gguf);
  free (bytes);
  return ok;
}

int
main (int argc, char **argv)
{
  if (argc < 3 || !make_texts (argv[1])) {
    fprintf (stderr, "usage: tokenizers PROSE VOCABULARY.gguf...\n");
    return 2;
  }
  printf ("%-24s %-7s", "1 MB, one core", "kind");
  for (int t = 0; t < N_TEXTS; t++)
    printf (" %9s", text_names[t]);
  printf ("\n");
  bool ok = true;
  for (int i = 2; i < argc; i++)
    ok &= measure (argv[i]);
  return ok ? 0 : 1;
}
