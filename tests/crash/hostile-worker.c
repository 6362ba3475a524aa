/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An engine process that cannot be trusted: it behaves up to the point that HOSTILE names.
 */
#include "bridge/parley-engine-error.h"
#include "worker/wire.h"

#include "worker/parley-worker1.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *mode;
static GDBusConnection *connection;

static gboolean
is (const char *name)
{
  return strcmp (mode, name) == 0;
}

static gboolean
take_hello (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint version)
{
  if (is ("silent-death"))
    _exit (7);
  if (is ("hello-type")) {
    g_autoptr (GDBusMessage) reply =
        g_dbus_message_new_method_reply (g_dbus_method_invocation_get_message (invocation));
    g_dbus_message_set_body (reply, g_variant_new ("(s)", "hello"));
    g_dbus_connection_send_message (connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
    g_object_unref (invocation);
    return TRUE;
  }
  parley_worker1_complete_hello (bus, invocation, is ("old") ? 99 : version, "nothing\n\033[2J");
  return TRUE;
}

static GVariant *
model (void)
{
  ParleyLoadedModel m = { .name = "Hostile\033[2J\nmodel",
                          .architecture = "x",
                          .family = "x",
                          .quantisation = "x",
                          .note = "",
                          .n_layers = is ("many-layers") ? 4000000000u : 4,
                          .n_vocab = 10,
                          .has_vocab = TRUE };
  pe_plan_request_init (&m.plan);
  m.plan.n_ctx = is ("no-context") ? 0 : 64;
  return wire_model (&m, is ("layers-beyond") ? 6 : 0);
}

static gboolean
take_load (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, GUnixFDList *fds, GVariant *files,
           const char *name, GVariant *request)
{
  if (is ("progress-nan"))
    parley_worker1_emit_load_progress (bus, NAN);
  if (is ("foreign-error")) {
    g_dbus_method_invocation_return_dbus_error (invocation, "com.example.Bad", "a\nb\033[2J");
    return TRUE;
  }
  if (is ("empty-model"))
    parley_worker1_complete_load (bus, invocation, NULL, g_variant_new ("a{sv}", NULL));
  else
    parley_worker1_complete_load (bus, invocation, NULL, model ());
  return TRUE;
}

static void
emit (const char *name, GVariant *parameters)
{
  g_dbus_connection_emit_signal (connection, NULL, WORKER_OBJECT_PATH, WORKER_INTERFACE, name,
                                 parameters, NULL);
}

static GVariant *
parts (guint32 kind, gsize n_bytes, gsize n)
{
  g_autofree char *text = g_strnfill (n_bytes, 'x');
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(uss)"));
  for (gsize i = 0; i < n; i++)
    g_variant_builder_add (&builder, "(uss)", kind, "", text);
  return g_variant_builder_end (&builder);
}

static GVariant *
stats (double seconds)
{
  ParleyGenerationStats s = { .prompt_tokens = 3, .reply_tokens = 2, .reply_seconds = seconds };
  return wire_stats (&s);
}

static gboolean
take_generate (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint64 id, GVariant *request,
               guint credit)
{
  static const gint32 tokens[1000];
  parley_worker1_complete_generate (bus, invocation);
  parley_worker1_emit_parts (bus, id, 0, parts (0, 4, 1)); /* sound: the text must survive */
  if (is ("gap"))
    parley_worker1_emit_parts (bus, id, 2, parts (0, 1, 1));
  else if (is ("again"))
    parley_worker1_emit_parts (bus, id, 0, parts (0, 1, 1));
  else if (is ("no-such-reply"))
    parley_worker1_emit_parts (bus, id + 7, 0, parts (0, 1, 1));
  else if (is ("kind"))
    parley_worker1_emit_parts (bus, id, 1, parts (77, 1, 1));
  else if (is ("huge"))
    parley_worker1_emit_parts (bus, id, 1, parts (0, 8 * 1024 * 1024, 1));
  else if (is ("many"))
    parley_worker1_emit_parts (bus, id, 1, parts (0, 1, 5000));
  else if (is ("empty"))
    parley_worker1_emit_parts (bus, id, 1, parts (0, 0, 0));
  else if (is ("flood"))
    for (guint i = 1; i < 20; i++)
      parley_worker1_emit_parts (bus, id, i, parts (0, 1024 * 1024, 1));
  else if (is ("progress"))
    parley_worker1_emit_progress (bus, id, 11, 10);
  else if (is ("placed"))
    parley_worker1_emit_placed (bus, 77, "");
  else if (is ("types")) {
    emit ("Parts", g_variant_new ("(s)", "what?")); /* dropped; then one seems missing */
    parley_worker1_emit_parts (bus, id, 2, parts (0, 1, 1));
  } else if (is ("done-early"))
    parley_worker1_emit_done (bus, id, 5, stats (1), g_variant_new_bytestring (""), "", "");
  else if (is ("done-tokens"))
    parley_worker1_emit_done (
        bus, id, 1, stats (1),
        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, tokens, sizeof tokens, 1), "", "");
  else if (is ("done-nan"))
    parley_worker1_emit_done (bus, id, 1, stats (NAN), g_variant_new_bytestring (""), "", "");
  else if (is ("done-nothing"))
    parley_worker1_emit_done (bus, id, 1, g_variant_new ("a{sv}", NULL),
                              g_variant_new_bytestring (""), "", "");
  else if (is ("memory") || is ("sound")) {
    /* tokens: an empty array of bytes, as for a reply that never began */
    parley_worker1_emit_done (bus, id, 1, stats (1),
                              g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "", 0, 1),
                              is ("sound") ? "not a name" : "", "bad\n\033[31mred");
  } else {
    g_dbus_connection_flush_sync (connection, NULL, NULL);
    if (is ("segfault"))
      kill (getpid (), SIGSEGV);
    if (is ("bus"))
      kill (getpid (), SIGBUS);
    if (is ("exit"))
      _exit (3);
    if (is ("raw-bytes")) {
      char noise[4096];
      memset (noise, 0xee, sizeof noise);
      if (write (WORKER_SOCKET, noise, sizeof noise) < 0)
        _exit (9);
    }
    if (is ("hang-up")) /* goes on living without a connection */
      g_dbus_connection_close_sync (connection, NULL, NULL);
  }
  return TRUE;
}

static gboolean
take_memory (ParleyWorker1 *bus, GDBusMethodInvocation *invocation)
{
  g_dbus_method_invocation_return_value (
      invocation,
      g_variant_new ("(@a(satatt))",
                     g_variant_new_parsed ("[('{}', [uint64 1], [uint64 2], uint64 3)]")));
  return TRUE;
}

static gboolean
take_place (ParleyWorker1 *bus, GDBusMethodInvocation *invocation, guint n)
{
  parley_worker1_complete_place (bus, invocation, 4000, "");
  return TRUE;
}

int
main (void)
{
  mode = getenv ("HOSTILE") ? getenv ("HOSTILE") : "";
  if (is ("noise")) {
    const char noise[] = "HTTP/1.1 200 OK\r\n\r\nl\1\0\1\xff\xff\xff\xff\xff\xff\xff\xff";
    return write (WORKER_SOCKET, noise, sizeof noise) > 0 ? 0 : 1;
  }
  signal (SIGPIPE, SIG_IGN);
  g_autoptr (GSocket) socket = g_socket_new_from_fd (WORKER_SOCKET, NULL);
  g_autoptr (GSocketConnection) stream = g_socket_connection_factory_create_connection (socket);
  g_autofree char *guid = g_dbus_generate_guid ();
  connection = g_dbus_connection_new_sync (G_IO_STREAM (stream), guid,
                                           G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                                               G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                           NULL, NULL, NULL);
  ParleyWorker1 *bus = parley_worker1_skeleton_new ();
  if (!connection || !g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (bus), connection,
                                                        WORKER_OBJECT_PATH, NULL))
    return 1;
  g_signal_connect (bus, "handle-hello", G_CALLBACK (take_hello), NULL);
  g_signal_connect (bus, "handle-load", G_CALLBACK (take_load), NULL);
  g_signal_connect (bus, "handle-generate", G_CALLBACK (take_generate), NULL);
  g_signal_connect (bus, "handle-memory", G_CALLBACK (take_memory), NULL);
  g_signal_connect (bus, "handle-place", G_CALLBACK (take_place), NULL);
  g_dbus_connection_start_message_processing (connection);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}
