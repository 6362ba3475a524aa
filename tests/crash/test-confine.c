/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a process can still do once it has closed itself in. Each case runs in a child.
 */
#include "harness.h"
#include "worker/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char report[96];
static char *secret; /* a file of a person */

/* Runs `attempt` confined; 0 from it means that it worked, else it is the errno. */
static int
confined (int (*attempt) (void))
{
  pid_t child = fork ();
  if (child == 0) {
    worker_confine (report, sizeof report);
    _exit (attempt ());
  }
  int status;
  CHECK (child > 0 && waitpid (child, &status, 0) == child);
  CHECK_MSG (WIFEXITED (status), "signal %d", WTERMSIG (status));
  return WEXITSTATUS (status);
}

static int
result_of (int value)
{
  return value < 0 ? errno : 0;
}

static int
reads_secret (void)
{
  return result_of (open (secret, O_RDONLY));
}

static int
writes_secret (void)
{
  return result_of (open (secret, O_WRONLY));
}

static int
makes_file (void)
{
  g_autofree char *path = g_strconcat (secret, ".new", NULL);
  return result_of (open (path, O_WRONLY | O_CREAT, 0600));
}

static int
deletes_file (void)
{
  return result_of (unlink (secret));
}

static int
opens_socket (void)
{
  return result_of (socket (AF_INET, SOCK_STREAM, 0));
}

static int
opens_local_socket (void)
{
  return result_of (socket (AF_UNIX, SOCK_STREAM, 0));
}

static int
forks (void)
{
  pid_t child = fork ();
  if (child == 0)
    _exit (0);
  return result_of (child);
}

static int
executes (void)
{
  char *const argv[] = { (char *) "/bin/true", NULL };
  return result_of (execv (argv[0], argv));
}

static int
signals_parent (void)
{
  return result_of (kill (getppid (), 0));
}

static int
reads_system_files (void)
{
  return result_of (open ("/usr/bin/env", O_RDONLY));
}

static void *
thread (void *data)
{
  *(int *) data = 1;
  return NULL;
}

static int
starts_threads (void)
{
  pthread_t id;
  int ran = 0;
  int code = pthread_create (&id, NULL, thread, &ran);
  if (code == 0)
    pthread_join (id, NULL);
  return code ? code : !ran;
}

/* Drivers compile: memory that is written and then executed. */
static int
executes_new_code (void)
{
  void *page = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? errno : result_of (mprotect (page, 4096, PROT_READ | PROT_EXEC));
}

static int
reads_open_descriptor (void)
{
  char byte;
  return result_of ((int) pread (STDIN_FILENO, &byte, 1, 0));
}

static void
is_confined (void)
{
  CHECK (strstr (report, "andlock") && strstr (report, "seccomp"));
  printf ("# %s\n", report);
}

static void
leaves_no_way_out (void)
{
  if (strstr (report, "no seccomp"))
    SKIP ("this kernel has no seccomp");
  CHECK (confined (opens_socket) == EPERM);
  CHECK (confined (opens_local_socket) == EPERM);
  CHECK (confined (forks) == EPERM);
  CHECK (confined (executes) == EPERM);
  CHECK (confined (signals_parent) == EPERM);
  CHECK (confined (deletes_file) == EPERM);
}

static void
leaves_files_alone (void)
{
  if (strstr (report, "no Landlock"))
    SKIP ("this kernel has no Landlock");
  CHECK (confined (reads_secret) == EACCES);
  CHECK (confined (writes_secret) == EACCES);
  CHECK (confined (makes_file) == EACCES);
  CHECK (g_file_test (secret, G_FILE_TEST_EXISTS));
}

static void
leaves_what_drivers_need (void)
{
  CHECK (confined (reads_system_files) == 0);
  CHECK (confined (starts_threads) == 0);
  CHECK (confined (executes_new_code) == 0);
  CHECK (confined (reads_open_descriptor) == 0);
}

/* What the confinement amounts to here, told by a child. */
static void
learn_report (void)
{
  int ends[2];
  if (pipe (ends) != 0)
    return;
  pid_t child = fork ();
  if (child == 0) {
    worker_confine (report, sizeof report);
    _exit (write (ends[1], report, sizeof report) == sizeof report ? 0 : 1);
  }
  close (ends[1]);
  if (read (ends[0], report, sizeof report) != sizeof report)
    report[0] = 0;
  close (ends[0]);
  waitpid (child, NULL, 0);
}

int
main (void)
{
  g_autofree char *folder = g_dir_make_tmp ("parley-confine-XXXXXX", NULL);
  secret = g_build_filename (folder, "secret", NULL);
  if (!g_file_set_contents (secret, "mine", 4, NULL))
    return 1;
  int fd = open (secret, O_RDONLY);
  if (fd < 0 || dup2 (fd, STDIN_FILENO) < 0)
    return 1;
  learn_report ();
  RUN (is_confined);
  RUN (leaves_no_way_out);
  RUN (leaves_files_alone);
  RUN (leaves_what_drivers_need);
  g_unlink (secret);
  g_rmdir (folder);
  return test_done ();
}
