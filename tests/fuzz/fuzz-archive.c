/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an archive, unpacked into a folder in memory: only plain files with safe names come
 * out, within the limit.
 */
#include "hub/names.h"
#include "library/staging.h"
#include "library/unpack.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST (1 << 20)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create ("archive", MFD_CLOEXEC);
    g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate (fd, 0) != 0 || pwrite (fd, data, n, 0) != (ssize_t) n)
    abort ();
  g_autofree char *folder = g_strdup ("/dev/shm/parley-fuzz-XXXXXX");
  if (!g_mkdtemp (folder))
    abort ();
  int folder_fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GPtrArray) files =
      parley_archive_unpack (path, folder_fd, MOST, NULL, NULL, NULL, NULL);
  guint64 sum = 0;
  for (guint i = 0; files && i < files->len; i++) {
    const ParleyUnpacked *file = files->pdata[i];
    if (!parley_name_check_path (file->name, NULL))
      abort ();
    sum += file->size;
  }
  if (sum > MOST)
    abort ();
  close (folder_fd);
  parley_remove_tree (folder);
  return 0;
}
