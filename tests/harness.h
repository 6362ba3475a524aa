/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The smallest test harness that says what failed. A test program is
 *
 *   static void adds (void) { CHECK (1 + 1 == 2); }
 *   int main (void) { RUN (adds); return test_done (); }
 *
 * and prints TAP. A failed CHECK ends its case; the others go on.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_number, test_failures;
static jmp_buf test_escape;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf ("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                          \
      longjmp (test_escape, 1);                                                                    \
    }                                                                                              \
  } while (0)

/* With a message in printf style, for what the condition alone does not tell. */
#define CHECK_MSG(condition, ...)                                                                  \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf ("# %s:%d: not true: %s: ", __FILE__, __LINE__, #condition);                          \
      printf (__VA_ARGS__);                                                                        \
      printf ("\n");                                                                               \
      longjmp (test_escape, 1);                                                                    \
    }                                                                                              \
  } while (0)

#define CHECK_STR(actual, expected)                                                                \
  do {                                                                                             \
    const char *test_a = (actual), *test_b = (expected);                                           \
    if (!test_a || strcmp (test_a, test_b) != 0) {                                                 \
      printf ("# %s:%d: \"%s\" is not \"%s\"\n", __FILE__, __LINE__, test_a ? test_a : "(null)",   \
              test_b);                                                                             \
      longjmp (test_escape, 1);                                                                    \
    }                                                                                              \
  } while (0)

#define SKIP(reason)                                                                               \
  do {                                                                                             \
    test_skip_reason = (reason);                                                                   \
    longjmp (test_escape, 2);                                                                      \
  } while (0)

static const char *test_skip_reason = "";

static inline void
test_run (const char *name, void (*fn) (void))
{
  test_number++;
  int how = setjmp (test_escape);
  if (how == 0)
    fn ();
  if (how == 0)
    printf ("ok %d - %s\n", test_number, name);
  else if (how == 2)
    printf ("ok %d - %s # SKIP %s\n", test_number, name, test_skip_reason);
  else {
    printf ("not ok %d - %s\n", test_number, name);
    test_failures++;
  }
  fflush (stdout);
}

#define RUN(fn) test_run (#fn, fn)

static inline int
test_done (void)
{
  printf ("1..%d\n", test_number);
  return test_failures ? 1 : 0;
}
