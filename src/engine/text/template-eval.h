/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Running a parsed template. Internal to the interpreter.
 */
#pragma once

#include "engine/text/template-ast.h"

/* NULL: reported. */
struct tscope *pe_t_scope_new (struct teval *t, struct tscope *parent);

/* Writes to t->out. */
bool pe_t_run (struct teval *t, const struct tnode *body);
