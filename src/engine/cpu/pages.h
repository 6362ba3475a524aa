/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How weights lie in memory. They are the mapping of a file, so their pages are those of the page
 * cache, and reading them is only as quick as their translation: pages of 4 KiB were measured at
 * 40 to 80 % of the bandwidth of large ones. A file system with large folios gives large pages to
 * what is read after the mapping has asked for them; what was cached before, in whatever sizes it
 * came in, stays as it is.
 */
#pragma once

#include "engine/tensor.h"

#define PE_PAGES_WORTH_IT ((uint64_t) 4 << 20) /* bytes of a tensor that can have large pages */

/* Asks for large pages in the mappings of all parts. Before any weight is touched. */
void pe_pages_prefer_large (const struct pe_model *model);

/* Reads `tensor` in and returns when it is there. */
void pe_pages_read (const struct pe_tensor *tensor);

/* True if pages could be told apart and most of those of `tensor` are small. */
bool pe_pages_are_small (const struct pe_tensor *tensor);

/* Lets go of what is mapped; it stays in the page cache. */
void pe_pages_unmap (const struct pe_tensor *tensor);

/* Takes `tensor` out of the page cache, where nobody else uses it. */
void pe_pages_forget (const struct pe_model *model, const struct pe_tensor *tensor);
