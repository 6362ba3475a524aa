/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How filters are declared. Internal to the interpreter.
 */
#pragma once

#include "engine/text/template-names.h"

typedef bool (*tfilter_fn) (struct teval *t, struct tval v, const struct targs *args,
                            struct tval *out);

struct filter {
  const char *name;
  tfilter_fn fn;
};

#define FILTER(name)                                                                               \
  static bool name (struct teval *t, struct tval v, const struct targs *args, struct tval *out)

/* Filters that walk lists; NULL: none is called so. */
tfilter_fn pe_t_list_filter (const char *name, size_t n);
