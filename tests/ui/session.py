# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins of what a desktop's session has for applications: a manager that keeps the computer
awake (org.gnome.SessionManager), and a place for notifications (org.freedesktop.Notifications).

    with Session(desktop) as session:
        ...                       # applications look for the manager when they start
        session.inhibited         # cookie -> (application, reason, flags)
        session.shown             # number -> Notification

They live in a thread of this process, on a connection of their own."""

import collections
import threading

from gi.repository import Gio, GLib

from accessible import FLAGS

SUSPEND = 4  # of the flags of an inhibition

NAMES = {"org.gnome.SessionManager": "/org/gnome/SessionManager",
         "org.freedesktop.Notifications": "/org/freedesktop/Notifications"}
XML = """<node>
<interface name="org.gnome.SessionManager">
 <method name="Inhibit"><arg type="s" direction="in"/><arg type="u" direction="in"/>
  <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="u" direction="out"/>
 </method>
 <method name="Uninhibit"><arg type="u" direction="in"/></method>
</interface>
<interface name="org.freedesktop.Notifications">
 <method name="GetCapabilities"><arg type="as" direction="out"/></method>
 <method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
  <arg type="s" direction="out"/><arg type="s" direction="out"/></method>
 <method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/>
  <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
  <arg type="as" direction="in"/><arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
  <arg type="u" direction="out"/></method>
 <method name="CloseNotification"><arg type="u" direction="in"/></method>
</interface>
</node>"""

Notification = collections.namedtuple("Notification", "title body actions")


class Session:
    def __init__(self, desktop, capabilities=("actions", "body", "body-markup")):
        self.address = desktop.env["DBUS_SESSION_BUS_ADDRESS"]
        self.capabilities = list(capabilities)
        self.inhibited, self.n_inhibitions = {}, 0
        self.shown, self.all_shown, self.withdrawn = {}, [], []
        self.context = GLib.MainContext.new()
        self.loop = GLib.MainLoop.new(self.context, False)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(10), "the session's stand-ins did not start"
        return self

    def __exit__(self, *_):
        self.loop.quit()
        self.thread.join()

    def _serve(self):
        self.context.push_thread_default()
        self.bus = Gio.DBusConnection.new_for_address_sync(self.address, FLAGS, None, None)
        for interface in Gio.DBusNodeInfo.new_for_xml(XML).interfaces:
            self.bus.register_object(NAMES[interface.name], interface, self._call, None, None)
            Gio.bus_own_name_on_connection(self.bus, interface.name, Gio.BusNameOwnerFlags.NONE,
                                           None, None)
        self.bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId", None, None,
                           Gio.DBusCallFlags.NONE, -1, None)  # the names are ours
        self.ready.set()
        self.loop.run()
        self.bus.close_sync(None)
        self.context.pop_thread_default()

    def _call(self, _bus, _sender, _path, _interface, method, arguments, invocation):
        invocation.return_value(getattr(self, "_on_" + method)(*arguments.unpack()))

    def _signal(self, name, arguments):
        self.bus.emit_signal(None, NAMES["org.freedesktop.Notifications"],
                             "org.freedesktop.Notifications", name, arguments)

    def settle(self, app):
        """What an application has sent until now has arrived, also if it has ended since."""
        app.session.call("org.freedesktop.Notifications", "/org/freedesktop/Notifications",
                         "org.freedesktop.Notifications.GetServerInformation")

    # ---- the manager ----

    def _on_Inhibit(self, application, _window, reason, flags):
        self.n_inhibitions += 1
        self.inhibited[self.n_inhibitions] = (application, reason, flags)
        return GLib.Variant("(u)", (self.n_inhibitions,))

    def _on_Uninhibit(self, cookie):
        del self.inhibited[cookie]

    # ---- notifications ----

    def _on_GetCapabilities(self):
        return GLib.Variant("(as)", (self.capabilities,))

    def _on_GetServerInformation(self):
        return GLib.Variant("(ssss)", ("stand-in", "Parley", "1", "1.2"))

    def _on_Notify(self, _application, replaced, _icon, title, body, actions, _hints, _time):
        number = replaced or len(self.all_shown) + 1
        self.shown[number] = Notification(title, body, actions[::2])
        self.all_shown.append(self.shown[number])
        return GLib.Variant("(u)", (number,))

    def _on_CloseNotification(self, number):
        self.withdrawn.append(self.shown.pop(number))
        self._signal("NotificationClosed", GLib.Variant("(uu)", (number, 3)))

    def activate(self, number):
        """A click on it: it goes, and its application is told."""
        del self.shown[number]
        self._signal("ActionInvoked", GLib.Variant("(us)", (number, "default")))
        self._signal("NotificationClosed", GLib.Variant("(uu)", (number, 2)))
