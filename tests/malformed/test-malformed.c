/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every hostile file is refused with a reason and a byte offset, and damage of any kind to a sound
 * one never does harm. With --write FOLDER the files are written for other programs. The long form
 * (PARLEY_TEST_LONG=1) changes every byte to every value.
 */
#include "tests/harness.h"
#include "hostile.h"

#include "engine/format/gguf.h"
#include "engine/model.h"
#include "engine/text/tokenizer.h"

#include <sys/resource.h>

/* ---- the table ---- */

struct tally {
  size_t n, n_bad;
  char first[640];
};

static void
complain (struct tally *tally, const struct hostile *file, const char *what, const char *message)
{
  if (!tally->n_bad++)
    snprintf (tally->first, sizeof tally->first, "%s: %s: %s", file->name, what, message);
}

static void
check_reason (struct tally *tally, const struct hostile *file, const struct pe_error *error)
{
  if (error->code == PE_OK || error->code == PE_ERROR_MEMORY || error->message[0] == 0)
    complain (tally, file, "no reason", error->message);
  else if (error->offset > file->n)
    complain (tally, file, "no offset in the file", error->message);
}

static void
check_file (const struct hostile *file, void *data)
{
  struct tally *tally = data;
  struct pe_error error = { .offset = PE_NO_OFFSET };
  struct pe_gguf *gguf = NULL;
  struct pe_vocab *vocab = NULL;
  tally->n++;
  bool parsed = pe_gguf_parse (file->bytes, file->n, file->n, &gguf, &error);
  if (parsed != (file->by != BY_PARSER))
    complain (tally, file, parsed ? "parsed" : "not parsed", error.message);
  if (!parsed)
    check_reason (tally, file, &error);
  else if (pe_gguf_find (gguf, "tokenizer.ggml.model")) {
    bool loaded = pe_vocab_load (gguf, &vocab, &error);
    if (loaded != (file->by == BY_NOBODY))
      complain (tally, file, loaded ? "loaded" : "not loaded", error.message);
    if (!loaded)
      check_reason (tally, file, &error);
  }
  pe_vocab_free (vocab);
  pe_gguf_free (gguf);
}

static void
hostile_files_are_refused (void)
{
  struct tally tally = { 0 };
  size_t n = hostile_each (check_file, &tally);
  printf ("# %zu files\n", n);
  CHECK (n == tally.n && n >= 400);
  CHECK_MSG (tally.n_bad == 0, "%zu files, first %s", tally.n_bad, tally.first);
}

static void
check_model (const struct hostile *file, void *data)
{
  struct tally *tally = data;
  struct pe_error error = { .offset = PE_NO_OFFSET };
  struct pe_model *model = NULL;
  bool opened = pe_model_open_header (file->bytes, file->n, file->n, "hostile", &model, &error);
  if (opened && file->by == BY_PARSER)
    complain (tally, file, "opened", "");
  if (opened && file->by == BY_VOCAB && pe_model_vocab (model, NULL))
    complain (tally, file, "has a vocabulary", "");
  if (!opened && (error.code == PE_OK || error.message[0] == 0))
    complain (tally, file, "no reason", "");
  pe_model_close (model);
}

static void
hostile_files_open_no_model (void)
{
  struct tally tally = { 0 };
  hostile_each (check_model, &tally);
  CHECK_MSG (tally.n_bad == 0, "%zu files, first %s", tally.n_bad, tally.first);
}

/* ---- damage to a sound file ---- */

static void
every_prefix_asks_for_more (void)
{
  size_t n, header = 0;
  unsigned char *sound = hostile_sound_file (&n);
  struct pe_gguf *gguf = NULL;
  struct pe_error error;
  CHECK_MSG (pe_gguf_parse (sound, n, n, &gguf, &error), "%s", error.message);
  header = gguf->header_bytes;
  CHECK (n == HOSTILE_SOUND_BYTES && gguf->n_entries == 25 && gguf->n_tensors == 12);
  pe_gguf_free (gguf);
  for (size_t k = 0; k <= n; k++) {
    unsigned char *prefix = malloc (k ? k : 1);
    memcpy (prefix, sound, k);
    bool parsed = pe_gguf_parse (prefix, k, n, &gguf, &error);
    CHECK_MSG (parsed == (k >= header), "prefix of %zu", k);
    if (parsed)
      pe_gguf_free (gguf);
    else
      CHECK_MSG (error.code == PE_ERROR_TRUNCATED && error.offset > k && error.offset <= header,
                 "prefix of %zu asks for %llu", k, (unsigned long long) error.offset);
    if (k < n) { /* the same bytes as a whole file are damaged */
      parsed = pe_gguf_parse (prefix, k, k, &gguf, &error);
      CHECK_MSG (!parsed && error.offset <= k, "cut off at %zu", k);
    }
    free (prefix);
  }
  free (sound);
}

/* Uses everything that a parsed file offers, so that a wrong length is seen. */
static void
walk (const struct pe_gguf *gguf)
{
  static volatile uint64_t sink;
  uint64_t sum = 0;
  for (size_t i = 0; i < gguf->n_entries; i++)
    for (uint64_t k = 0; k < gguf->entries[i].count; k++) {
      struct pe_string s = { NULL, 0 };
      double real = 0;
      pe_gguf_entry_string (&gguf->entries[i], k, &s);
      for (size_t c = 0; c < s.n; c++)
        sum += (unsigned char) s.data[c];
      sum += pe_gguf_entry_f64 (&gguf->entries[i], k, &real);
    }
  for (size_t i = 0; i < gguf->n_tensors; i++)
    sum += gguf->tensors[i].offset + gguf->tensors[i].n_bytes <= gguf->file_bytes;
  sink = sum;
  (void) sink;
}

/* Parsed, its vocabulary used, opened as a model: every step may refuse it, with a reason. */
static bool
use_changed (const unsigned char *bytes, size_t n, size_t at)
{
  struct pe_gguf *gguf = NULL;
  struct pe_vocab *vocab = NULL;
  struct pe_model *model = NULL;
  struct pe_error error = { .offset = PE_NO_OFFSET };
  if (!pe_gguf_parse (bytes, n, n, &gguf, &error)) {
    CHECK_MSG (error.offset <= n && error.message[0], "byte %zu", at);
    return false;
  }
  if (at >= gguf->header_bytes) { /* values of weights: none of this looks at them */
    pe_gguf_free (gguf);
    return true;
  }
  walk (gguf);
  if (pe_vocab_load (gguf, &vocab, &error)) {
    struct pe_tokens tokens = { 0 };
    CHECK (pe_tokenize (vocab, "ab a\n\xff", 6, PE_ADD_SPECIAL, &tokens, &error));
    for (size_t i = 0; i < tokens.n; i++)
      CHECK (tokens.ids[i] >= 0 && (uint32_t) tokens.ids[i] < pe_vocab_info (vocab)->n_tokens);
    pe_tokens_clear (&tokens);
  }
  error = (struct pe_error){ .offset = PE_NO_OFFSET };
  if (pe_model_open_header (bytes, n, n, "changed", &model, &error))
    pe_model_close (model);
  else
    CHECK_MSG (error.code != PE_OK && error.message[0], "byte %zu, as a model", at);
  pe_vocab_free (vocab);
  pe_gguf_free (gguf);
  return true;
}

static void
changed_bytes_do_no_harm (void)
{
  static const unsigned char few[] = { 0x00, 0x7f, 0x80, 0xff };
  bool all = getenv ("PARLEY_TEST_LONG") != NULL;
  size_t n, n_sound = 0, n_tried = 0;
  unsigned char *bytes = hostile_sound_file (&n);
  struct pe_model *model = NULL;
  struct pe_error error;
  CHECK_MSG (pe_model_open_header (bytes, n, n, "sound", &model, &error) &&
                 pe_model_can_compute (model, &error),
             "%s", error.message);
  pe_model_close (model);
  for (size_t at = 0; at < n; at++) {
    unsigned char was = bytes[at];
    for (unsigned v = 0; v < (all ? 256 : sizeof few); v++) {
      bytes[at] = all ? (unsigned char) v : few[v];
      n_sound += use_changed (bytes, n, at);
      n_tried++;
    }
    bytes[at] = was;
  }
  free (bytes);
  printf ("# %zu of %zu changed files are still sound\n", n_sound, n_tried);
  CHECK (n_sound > 0 && n_sound < n_tried && n_tried >= 4 * HOSTILE_SOUND_BYTES);
}

static void
memory_stays_small (void)
{
#if defined(__SANITIZE_ADDRESS__)
  SKIP ("a sanitizer keeps memory of its own");
#else
  struct rusage usage;
  CHECK (getrusage (RUSAGE_SELF, &usage) == 0);
  /* The largest file has 12 MB, three times: buffer, copy, growth; 64 MiB are for the reader. */
  printf ("# %ld kB at most\n", usage.ru_maxrss);
  CHECK (usage.ru_maxrss < (64 + 64) * 1024);
#endif
}

/* ---- writing them out ---- */

static void
write_file (const struct hostile *file, void *data)
{
  static size_t number;
  char path[4096];
  snprintf (path, sizeof path, "%s/%04zu.gguf", (const char *) data, number++);
  FILE *f = fopen (path, "wb");
  if (!f || fwrite (file->bytes, 1, file->n, f) != file->n || fclose (f) != 0)
    perror (path);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--write") == 0) {
    hostile_each (write_file, argv[2]);
    return 0;
  }
  RUN (hostile_files_are_refused);
  RUN (every_prefix_asks_for_more);
  RUN (changed_bytes_do_no_harm);
  RUN (memory_stays_small);
  RUN (hostile_files_open_no_model);
  return test_done ();
}
