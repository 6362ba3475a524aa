/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/parley-worker-process.h"

#include "worker/parley-worker-client.h"
#include "worker/wire.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long a process whose connection is closed may take to end by itself. */
#define GRACE_MS 1000

struct _ParleyWorkerProcess {
  GObject parent;
  GSubprocess *process;
  GDBusConnection *connection;
  guint64 oom_kills; /* of the system, when it was started */
  guint grace_timer;
  gboolean stopped, closed, exited;
};

static guint signal_ended;

G_DEFINE_FINAL_TYPE (ParleyWorkerProcess, parley_worker_process, G_TYPE_OBJECT)

/* How often the kernel has ended a process for memory since it started; 0 where it does not say. */
static guint64
count_oom_kills (void)
{
  g_autofree char *text = NULL;
  const char *line;
  if (!g_file_get_contents ("/proc/vmstat", &text, NULL, NULL) ||
      !(line = strstr (text, "\noom_kill ")))
    return 0;
  return g_ascii_strtoull (line + strlen ("\noom_kill "), NULL, 10);
}

static char *
describe_end (ParleyWorkerProcess *self)
{
  if (!g_subprocess_get_if_signaled (self->process)) {
    int status = g_subprocess_get_if_exited (self->process)
                     ? g_subprocess_get_exit_status (self->process)
                     : 0;
    return g_strdup_printf (_ ("The engine ended unexpectedly (exit status %d)."), status);
  }
  int number = g_subprocess_get_term_sig (self->process);
  if (number == SIGKILL && count_oom_kills () > self->oom_kills)
    return g_strdup (
        _ ("The computer ran out of memory, and the system ended the engine. Fewer GPU "
           "layers or a shorter context need less."));
  switch (number) {
  case SIGKILL: return g_strdup (_ ("The engine was killed from outside (signal 9)."));
  case SIGTERM: return g_strdup (_ ("The engine was asked to end from outside (signal 15)."));
  case SIGBUS:
    return g_strdup (_ ("The engine ended while reading the model (signal 7): its file changed, or "
                        "its disk does not answer."));
  default:
    return g_strdup_printf (_ ("The engine crashed (signal %d, %s)."), number,
                            g_strsignal (number));
  }
}

/* What came over the connection before it closed has been passed on by then. */
static void
check_ended (ParleyWorkerProcess *self)
{
  if (self->stopped || !self->closed || !self->exited)
    return;
  self->stopped = TRUE;
  g_clear_handle_id (&self->grace_timer, g_source_remove);
  g_autofree char *reason = describe_end (self);
  g_signal_emit (self, signal_ended, 0, reason);
}

static gboolean
grace_over (gpointer data)
{
  ParleyWorkerProcess *self = data;
  self->grace_timer = 0;
  g_subprocess_force_exit (self->process);
  return G_SOURCE_REMOVE;
}

static void
connection_closed (GDBusConnection *connection, gboolean remote, GError *error, gpointer data)
{
  ParleyWorkerProcess *self = data;
  if (self->closed)
    return;
  self->closed = TRUE;
  if (!self->exited && !self->stopped)
    self->grace_timer = g_timeout_add (GRACE_MS, grace_over, self);
  check_ended (self);
}

static void
process_exited (GObject *object, GAsyncResult *result, gpointer data)
{
  GWeakRef *weak = data;
  g_autoptr (ParleyWorkerProcess) self = g_weak_ref_get (weak);
  g_weak_ref_clear (weak);
  g_free (weak);
  g_subprocess_wait_finish (G_SUBPROCESS (object), result, NULL);
  if (!self)
    return;
  self->exited = TRUE;
  g_clear_handle_id (&self->grace_timer, g_source_remove);
  check_ended (self);
}

/* ---- starting ---- */

/* Things that an engine process has no use for. */
static const char *const hidden[] = {
  "HF_TOKEN",   "DBUS_SESSION_BUS_ADDRESS",
  "DISPLAY",    "WAYLAND_DISPLAY",
  "XAUTHORITY", "SSH_AUTH_SOCK",
  "http_proxy", "https_proxy",
  "all_proxy",
};

static GSubprocess *
spawn (const char *program, const char *budgets, int socket, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  for (gsize i = 0; i < G_N_ELEMENTS (hidden); i++)
    g_subprocess_launcher_unsetenv (launcher, hidden[i]);
  /* Driver caches would be files; ours comes and goes through the application. */
  g_subprocess_launcher_setenv (launcher, "MESA_SHADER_CACHE_DISABLE", "true", TRUE);
  g_subprocess_launcher_setenv (launcher, "__GL_SHADER_DISK_CACHE", "0", TRUE);
  if (budgets)
    g_subprocess_launcher_setenv (launcher, "PARLEY_BUDGETS", budgets, TRUE);
  g_subprocess_launcher_take_fd (launcher, socket, WORKER_SOCKET);
  const char *const argv[] = { program, "--serve", NULL };
  GSubprocess *process = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (!process)
    g_prefix_error (error, _ ("The engine “%s” cannot be started: "), program);
  return process;
}

static void
connected (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ParleyWorkerProcess *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  self->connection = g_dbus_connection_new_finish (result, &error);
  if (!self->connection) {
    parley_worker_process_stop (self);
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      g_task_return_error (task, g_steal_pointer (&error));
    else
      g_task_return_new_error (task, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_SPAWN,
                               _ ("The engine does not answer: %s"), error->message);
    return;
  }
  g_signal_connect_object (self->connection, "closed", G_CALLBACK (connection_closed), self, 0);
  g_task_return_pointer (task, g_object_ref (self), g_object_unref);
}

static gboolean
start (ParleyWorkerProcess *self, const char *program, const char *budgets, GIOStream **stream,
       GError **error)
{
  int ends[2];
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    int code = errno;
    g_set_error (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_SPAWN,
                 _ ("No socket for the engine can be made: %s"), g_strerror (code));
    return FALSE;
  }
  g_autoptr (GSocket) socket = g_socket_new_from_fd (ends[0], error);
  if (!socket) {
    close (ends[0]);
    close (ends[1]);
    return FALSE;
  }
  self->oom_kills = count_oom_kills ();
  g_autoptr (GError) problem = NULL;
  self->process = spawn (program, budgets, ends[1], &problem);
  if (!self->process) {
    g_set_error_literal (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_SPAWN, problem->message);
    return FALSE;
  }
  GWeakRef *weak = g_new (GWeakRef, 1); /* waiting must not keep it alive */
  g_weak_ref_init (weak, self);
  g_subprocess_wait_async (self->process, NULL, process_exited, weak);
  *stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  return TRUE;
}

void
parley_worker_process_start_async (const char *program, const char *budgets,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_source_tag (task, parley_worker_process_start_async);
  ParleyWorkerProcess *self = g_object_new (PARLEY_TYPE_WORKER_PROCESS, NULL);
  g_task_set_task_data (task, self, g_object_unref);
  g_autoptr (GIOStream) stream = NULL;
  GError *error = NULL;
  if (!start (self, program, budgets, &stream, &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_dbus_connection_new (stream, NULL, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL,
                         cancellable, connected, g_steal_pointer (&task));
}

ParleyWorkerProcess *
parley_worker_process_start_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- the rest ---- */

GDBusConnection *
parley_worker_process_get_connection (ParleyWorkerProcess *self)
{
  return self->connection;
}

GPid
parley_worker_process_get_pid (ParleyWorkerProcess *self)
{
  const char *text = self->process ? g_subprocess_get_identifier (self->process) : NULL;
  return text ? (GPid) g_ascii_strtoll (text, NULL, 10) : 0;
}

void
parley_worker_process_stop (ParleyWorkerProcess *self)
{
  self->stopped = TRUE;
  g_clear_handle_id (&self->grace_timer, g_source_remove);
  if (self->connection && !g_dbus_connection_is_closed (self->connection))
    g_dbus_connection_close (self->connection, NULL, NULL, NULL);
  if (self->process && !self->exited)
    g_subprocess_force_exit (self->process);
}

static void
parley_worker_process_dispose (GObject *object)
{
  ParleyWorkerProcess *self = PARLEY_WORKER_PROCESS (object);
  parley_worker_process_stop (self);
  g_clear_object (&self->connection);
  g_clear_object (&self->process);
  G_OBJECT_CLASS (parley_worker_process_parent_class)->dispose (object);
}

static void
parley_worker_process_class_init (ParleyWorkerProcessClass *class)
{
  G_OBJECT_CLASS (class)->dispose = parley_worker_process_dispose;
  signal_ended = g_signal_new ("ended", PARLEY_TYPE_WORKER_PROCESS, G_SIGNAL_RUN_LAST, 0, NULL,
                               NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
parley_worker_process_init (ParleyWorkerProcess *self)
{
}
