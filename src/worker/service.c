/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/service.h"

#include "bridge/parley-engine-error.h"
#include "worker/host.h"
#include "worker/wire.h"

#include <gio/gunixfdlist.h>
#include <stdio.h>
#include <unistd.h>

struct service {
  ParleyWorker1 *bus;
  WorkerHost *host;
  const char *confinement;
};

static gboolean
handle_hello (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint version,
              struct service *service)
{
  parley_worker1_complete_hello (bus, invocation, WORKER_PROTOCOL_VERSION, service->confinement);
  return TRUE;
}

static void
close_descriptor (gpointer fd)
{
  close (*(int *) fd);
}

/* The descriptors that the request names, as an array that closes them; NULL with an error. */
static GArray *
take_descriptors (GUnixFDList *fds, GVariant *files, GError **error)
{
  g_autoptr (GArray) taken = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (taken, close_descriptor);
  for (gsize i = 0; i < g_variant_n_children (files); i++) {
    gint32 handle;
    g_variant_get_child (files, i, "h", &handle);
    int fd = g_unix_fd_list_get (fds, handle, error);
    if (fd < 0)
      return NULL;
    g_array_append_val (taken, fd);
  }
  return g_steal_pointer (&taken);
}

static gboolean
handle_load (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, GUnixFDList *fds,
             GVariant *files, const char *name, GVariant *dictionary, struct service *service)
{
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  GError *error = NULL;
  if (!wire_read_plan_request (dictionary, &request) || !fds || g_variant_n_children (files) == 0) {
    g_dbus_method_invocation_return_error_literal (invocation, PARLEY_WORKER_ERROR,
                                                   PARLEY_WORKER_ERROR_PROTOCOL,
                                                   "The request makes no sense.");
    return TRUE;
  }
  GArray *descriptors = take_descriptors (fds, files, &error);
  if (descriptors)
    worker_host_load (service->host, invocation, descriptors, name, &request);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
handle_offer_kernels (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, GUnixFDList *fds,
                      GVariant *kernels, struct service *service)
{
  int fd = fds ? g_unix_fd_list_get (fds, g_variant_get_handle (kernels), NULL) : -1;
  if (fd >= 0) {
    worker_host_offer_kernels (service->host, fd);
    close (fd);
  }
  parley_worker1_complete_offer_kernels (bus, invocation, NULL);
  return TRUE;
}

static gboolean
handle_kernels (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, GUnixFDList *fds,
                struct service *service)
{
  worker_host_kernels (service->host, invocation);
  return TRUE;
}

static gboolean
handle_place (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint n,
              struct service *service)
{
  worker_host_place (service->host, invocation, n);
  return TRUE;
}

static gboolean
handle_count (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, GVariant *request,
              struct service *service)
{
  worker_host_count (service->host, invocation, request);
  return TRUE;
}

static gboolean
handle_generate (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint64 id,
                 GVariant *request, guint credit, struct service *service)
{
  worker_host_generate (service->host, invocation, id, request, credit);
  return TRUE;
}

static gboolean
handle_credit (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint64 id, guint more,
               struct service *service)
{
  worker_host_credit (service->host, id, more);
  parley_worker1_complete_credit (bus, invocation);
  return TRUE;
}

static gboolean
handle_cancel (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint64 id,
               struct service *service)
{
  worker_host_cancel (service->host, id);
  parley_worker1_complete_cancel (bus, invocation);
  return TRUE;
}

static gboolean
handle_memory (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, struct service *service)
{
  worker_host_memory (service->host, invocation);
  return TRUE;
}

static gboolean
handle_counters (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, struct service *service)
{
  worker_host_counters (service->host, invocation);
  return TRUE;
}

/* Nobody is left to talk to. The engine thread may be in the middle of a token: memory and devices
 * go back with the process. */
static void
connection_closed (GDBusConnection *connection, gboolean remote, GError *error, gpointer data)
{
  _exit (0);
}

int
worker_serve (const char *confinement)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (WORKER_SOCKET, &error);
  if (!socket) {
    fprintf (stderr, "parley-worker: it is started by Parley, which hands it a socket: %s\n",
             error->message);
    return 2;
  }
  g_autoptr (GSocketConnection) stream = g_socket_connection_factory_create_connection (socket);
  g_autofree char *guid = g_dbus_generate_guid ();
  const GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                                     G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING;
  g_autoptr (GDBusConnection) connection =
      g_dbus_connection_new_sync (G_IO_STREAM (stream), guid, flags, NULL, NULL, &error);
  g_autoptr (ParleyWorker1) bus = parley_worker1_skeleton_new ();
  if (!connection || !g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (bus), connection,
                                                        WORKER_OBJECT_PATH, &error)) {
    fprintf (stderr, "parley-worker: the connection cannot be made: %s\n", error->message);
    return 1;
  }
  struct service service = { .bus = bus,
                             .host = worker_host_new (bus),
                             .confinement = confinement };
  g_signal_connect (bus, "handle-hello", G_CALLBACK (handle_hello), &service);
  g_signal_connect (bus, "handle-load", G_CALLBACK (handle_load), &service);
  g_signal_connect (bus, "handle-offer-kernels", G_CALLBACK (handle_offer_kernels), &service);
  g_signal_connect (bus, "handle-kernels", G_CALLBACK (handle_kernels), &service);
  g_signal_connect (bus, "handle-place", G_CALLBACK (handle_place), &service);
  g_signal_connect (bus, "handle-count", G_CALLBACK (handle_count), &service);
  g_signal_connect (bus, "handle-generate", G_CALLBACK (handle_generate), &service);
  g_signal_connect (bus, "handle-credit", G_CALLBACK (handle_credit), &service);
  g_signal_connect (bus, "handle-cancel", G_CALLBACK (handle_cancel), &service);
  g_signal_connect (bus, "handle-memory", G_CALLBACK (handle_memory), &service);
  g_signal_connect (bus, "handle-counters", G_CALLBACK (handle_counters), &service);
  g_signal_connect (connection, "closed", G_CALLBACK (connection_closed), NULL);
  g_dbus_connection_start_message_processing (connection);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_main_loop_run (loop);
  return 0;
}
