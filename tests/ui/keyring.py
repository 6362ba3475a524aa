#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""keyring.py FOLDER: a stand-in of a desktop's keyring (org.freedesktop.secrets) on the session bus.

What it keeps is FOLDER/kept, a JSON object: address of a hub -> token. Where FOLDER/slow is, it
takes its time to find anything; where FOLDER/refuse is, it finds nothing and says why. Says "ready"
once."""

import json
import os
import sys
import time

from gi.repository import Gio, GLib

NAME = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
PREFIX = "org.freedesktop.Secret."
DEFAULT = ROOT + "/aliases/default"
XML = """<node>
<interface name="org.freedesktop.Secret.Service">
 <method name="OpenSession"><arg type="s" direction="in"/><arg type="v" direction="in"/>
  <arg type="v" direction="out"/><arg type="o" direction="out"/></method>
 <method name="SearchItems"><arg type="a{ss}" direction="in"/>
  <arg type="ao" direction="out"/><arg type="ao" direction="out"/></method>
 <method name="GetSecrets"><arg type="ao" direction="in"/><arg type="o" direction="in"/>
  <arg type="a{o(oayays)}" direction="out"/></method>
 <method name="ReadAlias"><arg type="s" direction="in"/><arg type="o" direction="out"/></method>
 <property name="Collections" type="ao" access="read"/>
</interface>
<interface name="org.freedesktop.Secret.Collection">
 <method name="CreateItem"><arg type="a{sv}" direction="in"/><arg type="(oayays)" direction="in"/>
  <arg type="b" direction="in"/><arg type="o" direction="out"/><arg type="o" direction="out"/>
 </method>
 <property name="Locked" type="b" access="read"/>
 <property name="Items" type="ao" access="read"/>
</interface>
<interface name="org.freedesktop.Secret.Item">
 <method name="Delete"><arg type="o" direction="out"/></method>
 <method name="GetSecret"><arg type="o" direction="in"/><arg type="(oayays)" direction="out"/>
 </method>
 <property name="Locked" type="b" access="read"/>
 <property name="Attributes" type="a{ss}" access="read"/>
 <property name="Label" type="s" access="read"/>
</interface>
</node>"""


class Keyring:
    def __init__(self, folder):
        self.folder, self.bus = folder, Gio.bus_get_sync(Gio.BusType.SESSION)
        self.interfaces = {i.name: i for i in Gio.DBusNodeInfo.new_for_xml(XML).interfaces}
        self.items = {}  # path -> attributes
        self.offer(ROOT, "Service")
        self.offer(DEFAULT, "Collection")
        for hub in self.kept():
            self.add({"endpoint": hub})

    def offer(self, path, interface):
        self.bus.register_object(path, self.interfaces[PREFIX + interface], self.call, self.get,
                                 None)

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def kept(self):
        with open(os.path.join(self.folder, "kept"), encoding="utf-8") as file:
            return json.load(file)

    def keep(self, kept):
        with open(os.path.join(self.folder, "kept"), "w", encoding="utf-8") as file:
            json.dump(kept, file)

    def add(self, attributes):
        path = f"{ROOT}/collection/test/{len(self.items)}"
        self.items[path] = attributes
        self.offer(path, "Item")
        return path

    def find(self, attributes):
        kept = self.kept()
        return [path for path, own in self.items.items() if own["endpoint"] in kept
                and own["endpoint"] == attributes.get("endpoint", own["endpoint"])]

    def secret(self, path, session):
        token = self.kept()[self.items[path]["endpoint"]]
        return (session, [], list(token.encode()), "text/plain")

    def get(self, _bus, _sender, path, _interface, name):
        return {"Locked": GLib.Variant("b", False), "Label": GLib.Variant("s", "a token"),
                "Attributes": GLib.Variant("a{ss}", self.items.get(path, {})),
                "Items": GLib.Variant("ao", list(self.items)),
                "Collections": GLib.Variant("ao", [])}[name]

    def call(self, _bus, _sender, path, _interface, method, arguments, invocation):
        try:
            answer = getattr(self, "on_" + method)(path, *arguments.unpack())
            invocation.return_value(answer)
        except PermissionError as error:
            invocation.return_dbus_error("org.freedesktop.DBus.Error.AccessDenied", str(error))
        except ValueError as error:
            invocation.return_dbus_error("org.freedesktop.DBus.Error.NotSupported", str(error))

    def on_OpenSession(self, _path, algorithm, _input):
        if algorithm != "plain":
            raise ValueError("only plain")
        return GLib.Variant("(vo)", (GLib.Variant("s", ""), ROOT + "/session/1"))

    def on_SearchItems(self, _path, attributes):
        if self.has("slow"):
            time.sleep(2)
        if self.has("refuse"):
            raise PermissionError("this keyring is out of order")
        return GLib.Variant("(aoao)", (self.find(attributes), []))

    def on_GetSecrets(self, _path, paths, session):
        return GLib.Variant("(a{o(oayays)})", ({p: self.secret(p, session) for p in paths},))

    def on_ReadAlias(self, _path, _name):
        return GLib.Variant("(o)", (DEFAULT,))

    def on_CreateItem(self, _path, properties, secret, _replace):
        attributes = properties[PREFIX + "Item.Attributes"]
        known = self.find({"endpoint": attributes["endpoint"]})
        self.keep({**self.kept(), attributes["endpoint"]: bytes(secret[2]).decode()})
        return GLib.Variant("(oo)", (known[0] if known else self.add(attributes), "/"))

    def on_Delete(self, path):
        kept = self.kept()
        kept.pop(self.items[path]["endpoint"], None)
        self.keep(kept)
        return GLib.Variant("(o)", ("/",))

    def on_GetSecret(self, path, session):
        return GLib.Variant("((oayays))", (self.secret(path, session),))


def main():
    keyring = Keyring(sys.argv[1])
    Gio.bus_own_name_on_connection(keyring.bus, NAME, Gio.BusNameOwnerFlags.NONE,
                                   lambda *_: print("ready", flush=True), None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
