/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Methods of strings in templates, as Python has them: template-string-method.c and its neighbours
 * have one function for each name of this list. Inside of the interpreter only.
 */
#pragma once

#include "engine/text/template-value.h"

#define PE_T_STRING_METHODS(X)                                                                     \
  X (capitalize)                                                                                   \
  X (casefold)                                                                                     \
  X (center)                                                                                       \
  X (count)                                                                                        \
  X (encode)                                                                                       \
  X (endswith)                                                                                     \
  X (expandtabs)                                                                                   \
  X (find)                                                                                         \
  X (format)                                                                                       \
  X (format_map)                                                                                   \
  X (index)                                                                                        \
  X (isalnum)                                                                                      \
  X (isalpha)                                                                                      \
  X (isascii)                                                                                      \
  X (isdecimal)                                                                                    \
  X (isdigit)                                                                                      \
  X (isidentifier)                                                                                 \
  X (islower)                                                                                      \
  X (isnumeric)                                                                                    \
  X (isprintable)                                                                                  \
  X (isspace)                                                                                      \
  X (istitle)                                                                                      \
  X (isupper)                                                                                      \
  X (join)                                                                                         \
  X (ljust)                                                                                        \
  X (lower)                                                                                        \
  X (lstrip)                                                                                       \
  X (partition)                                                                                    \
  X (removeprefix)                                                                                 \
  X (removesuffix)                                                                                 \
  X (replace)                                                                                      \
  X (rfind)                                                                                        \
  X (rindex)                                                                                       \
  X (rjust)                                                                                        \
  X (rpartition)                                                                                   \
  X (rsplit)                                                                                       \
  X (rstrip)                                                                                       \
  X (split)                                                                                        \
  X (splitlines)                                                                                   \
  X (startswith)                                                                                   \
  X (strip)                                                                                        \
  X (swapcase)                                                                                     \
  X (title)                                                                                        \
  X (upper)                                                                                        \
  X (zfill)

#define METHOD(name)                                                                               \
  bool pe_t_str_##name (struct teval *t, struct tval self, const struct targs *args,               \
                        struct tval *out)

#define DECLARE(name) METHOD (name);
PE_T_STRING_METHODS (DECLARE)
#undef DECLARE

/* A method that takes nothing was given nothing. */
bool pe_t_no_arguments (struct teval *t, const struct targs *args);
bool pe_t_string_arg (struct teval *t, struct tval v, struct tval *out);
/* The argument is missing, or none. */
bool pe_t_is_default (struct tval v);
