/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/cpu/pages.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

/* Linux 6.7, Documentation/admin-guide/mm/pagemap.rst; the headers may be older than the kernel. */
struct scan {
  uint64_t size, flags, start, end, walk_end, regions, n_regions, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct scan_region {
  uint64_t start, end, categories;
};
#define SCAN           _IOWR ('f', 16, struct scan)
#define SCAN_PRESENT   (UINT64_C (1) << 3)
#define SCAN_HUGE      (UINT64_C (1) << 6)
#define N_SCAN_REGIONS 64

struct range {
  uintptr_t begin, end; /* whole pages */
};

static struct range
pages_of (const struct pe_tensor *tensor)
{
  uintptr_t page = (uintptr_t) sysconf (_SC_PAGESIZE), data = (uintptr_t) tensor->data;
  return (struct range){ data & ~(page - 1), (data + tensor->n_bytes + page - 1) & ~(page - 1) };
}

void
pe_pages_prefer_large (const struct pe_model *model)
{
#ifdef MADV_HUGEPAGE
  size_t n;
  const struct pe_tensor *tensors = pe_model_tensors (model, &n);
  uint32_t next = 0;
  for (size_t i = 0; i < n; i++) {
    if (tensors[i].file < next || !tensors[i].data)
      continue;
    /* Of a whole part at once: a large page cannot cross the border of two advices. */
    next = tensors[i].file + 1;
    madvise ((char *) tensors[i].data - tensors[i].offset,
             pe_model_file_bytes (model, tensors[i].file), MADV_HUGEPAGE);
  }
#endif
}

void
pe_pages_read (const struct pe_tensor *tensor)
{
  struct range r = pages_of (tensor);
  if (madvise ((void *) r.begin, r.end - r.begin, MADV_POPULATE_READ) != 0)
    madvise ((void *) r.begin, r.end - r.begin, MADV_WILLNEED);
}

/* Bytes of `r` that are mapped by pages with all of `categories`, or false where the kernel does
 * not say. */
static bool
count_mapped (int pagemap, struct range r, uint64_t categories, uint64_t *bytes)
{
  struct scan_region regions[N_SCAN_REGIONS];
  *bytes = 0;
  while (r.begin < r.end) {
    struct scan scan = {
      .size = sizeof scan,
      .start = r.begin,
      .end = r.end,
      .regions = (uintptr_t) regions,
      .n_regions = N_SCAN_REGIONS,
      .category_mask = categories,
      .return_mask = categories,
    };
    int n = ioctl (pagemap, SCAN, &scan);
    if (n < 0 || n > N_SCAN_REGIONS || scan.walk_end <= r.begin)
      return false;
    for (int i = 0; i < n; i++)
      *bytes += regions[i].end - regions[i].start;
    r.begin = (uintptr_t) scan.walk_end;
  }
  return true;
}

bool
pe_pages_are_small (const struct pe_tensor *tensor)
{
  struct range r = pages_of (tensor);
  int pagemap = open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0)
    return false;
  uint64_t present = 0, huge = 0;
  bool known = count_mapped (pagemap, r, SCAN_PRESENT, &present) &&
               count_mapped (pagemap, r, SCAN_PRESENT | SCAN_HUGE, &huge);
  close (pagemap);
  return known && huge < present / 2;
}

void
pe_pages_unmap (const struct pe_tensor *tensor)
{
  struct range r = pages_of (tensor);
  madvise ((void *) r.begin, r.end - r.begin, MADV_DONTNEED);
}

void
pe_pages_forget (const struct pe_model *model, const struct pe_tensor *tensor)
{
  struct range r = pages_of (tensor);
  uintptr_t mapping = (uintptr_t) tensor->data - tensor->offset;
  pe_pages_unmap (tensor);
  posix_fadvise (pe_model_file (model, tensor->file), (off_t) (r.begin - mapping),
                 (off_t) (r.end - r.begin), POSIX_FADV_DONTNEED);
}
