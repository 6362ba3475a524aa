#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""portal.py: a stand-in of a desktop's portal for programs without a window. It refuses each request,
prints the reason that was given for it, and says "ready" once."""

from gi.repository import Gio, GLib

XML = """<node><interface name="org.freedesktop.portal.Background">
 <method name="RequestBackground"><arg type="s" direction="in"/><arg type="a{sv}" direction="in"/>
  <arg type="o" direction="out"/></method>
</interface></node>"""
PATH = "/org/freedesktop/portal/desktop"


def call(bus, sender, path, interface, method, parameters, invocation):
    _, options = parameters.unpack()
    request = f"{PATH}/request/{sender[1:].replace('.', '_')}/{options['handle_token']}"
    invocation.return_value(GLib.Variant("(o)", (request,)))
    print(options["reason"], flush=True)
    bus.emit_signal(sender, request, "org.freedesktop.portal.Request", "Response",
                    GLib.Variant("(ua{sv})", (0, {"background": GLib.Variant("b", False)})))


def main():
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    bus.register_object(PATH, Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], call, None, None)
    Gio.bus_own_name_on_connection(bus, "org.freedesktop.portal.Desktop", 0,
                                   lambda *_: print("ready", flush=True), None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
