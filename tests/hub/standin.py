#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in of a model hub and its CDN on two loopback ports, able to misbehave on command.

    standin.py [--models FILE|FOLDER] [--port N] [--rate BYTES_PER_SECOND] [--large BYTES]

Its first output line is JSON: {"hub": "http://127.0.0.1:N", "cdn": "http://127.0.0.1:M"}. It ends
on a signal, or when its standard input does, if that is a pipe. --models: GGUF files to offer for real downloads.
--large: also a repository bench/large with a file of so many bytes.

Commands: POST /_control to the hub with a JSON object; any of
  "reset": true                      forget faults, log and counters
  "rate": bytes per second of the CDN, 0 = unlimited
  "page": entries of a page of a tree, "ttl": seconds that a signed address is good for
  "move": {"repo": …, "path": …}     the branch gets a new commit with other bytes at the path
  "fault": {"on": "who|search|info|tree|card|resolve|cdn", "do": …, "times": 1, …}
and GET /_control for {"log": […], "bytes": bytes of bodies sent by the CDN, "leaks": requests that
showed the CDN a token, "unranged": requests without a range}.

What a fault does: on the hub `status` (with "code", "headers", "body"), `raw` ("body" with status
200), `redirect` ("to"), `loop`, `direct` (answer instead of the CDN), `silent` (no x-linked
headers), `linked` ("headers" that replace them), `foreign-link`; on the CDN `status`, `truncate`
("after"), `reset` ("after"), `stall` ("after", "seconds"), `drip`, `flip` ("at"), `ignore-range`,
`wrong-start`, `wrong-total`, `wrong-unit`, `short-range`, `multipart`, `gzip`, `long`, `no-length`.
"""

import argparse
import base64
import gzip
import http.server
import json
import os
import random
import signal
import socket
import stat
import struct
import sys
import threading
import time
import urllib.parse

import catalogue
from ggufs import Bytes

GOOD_TOKEN = "hf_standinstandinstandinstandinstandin01"
UNRANGED_LIMIT = 1 << 20  # like the real ones, the CDN refuses large requests without a range


class World:
    def __init__(self, models, rate):
        self.repos = catalogue.everything(models)
        self.first_rate = rate
        self.lock = threading.Lock()
        self.hub = self.cdn = None
        self.signed = {}
        self.reset()

    def reset(self):
        self.faults, self.log = [], []
        self.bytes = self.leaks = self.unranged = 0
        self.rate, self.page, self.ttl = self.first_rate, 1000, 3600

    def command(self, command):
        with self.lock:
            if command.get("reset"):
                self.reset()
            for name in ("rate", "page", "ttl"):
                if name in command:
                    setattr(self, name, command[name])
            if "fault" in command:
                self.faults.append({"times": 1, **command["fault"]})
            if "move" in command:
                move = command["move"]
                self.repos[move["repo"]].move(move["path"], lambda: Bytes(b"GGUF moved" * 1000))

    def fault(self, place):
        """The fault that applies to a request now; it is used up once."""
        with self.lock:
            for fault in self.faults:
                if fault["on"] == place and fault["times"] != 0:
                    fault["times"] -= 1
                    return fault
        return {"do": None}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = None

    def log_message(self, *args):
        pass

    def note(self, **more):
        self.record = {"path": self.path, "range": self.headers.get("Range"),
                       "token": "Authorization" in self.headers, **more}
        with self.world.lock:
            self.world.log.append(self.record)

    def answer(self, code, body=b"", headers=None, kind="application/json"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.record["status"] = code
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def misbehave(self, fault):
        """Faults that any place of the hub can have. True: the answer is given."""
        do = fault["do"]
        if do == "status":
            self.answer(fault["code"], fault.get("body", b""), fault.get("headers"))
        elif do == "raw":
            body = fault["body"]
            self.answer(200, body.encode() if isinstance(body, str) else body)
        elif do == "redirect":
            self.answer(302, b"elsewhere", {"Location": fault["to"]})
        elif do == "loop":
            self.answer(307, b"", {"Location": self.path})
        else:
            return False
        return True

    def do_HEAD(self):
        self.do_GET()

    def do_CONNECT(self):
        """A proxy that opens a tunnel, behind which nobody is."""
        self.note()
        self.record["status"] = 200
        self.send_response(200, "Connection established")
        self.end_headers()
        self.close_connection = True

    def reset_connection(self):
        """RST instead of an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def send_body(self, file, start, end, fault):
        """Bytes [start, end) of the file, at the world's rate, with what goes wrong on the way."""
        world, do, after = self.world, fault["do"], fault.get("after", 0)
        at = start
        while at < end:
            rate = 200 if do == "drip" else world.rate
            n = min(end - at, max(1, rate // 20) if rate else 1 << 16)
            if do in ("truncate", "reset", "stall") and at - start + n > after:
                n = after - (at - start)
            if n == 0:
                if do == "stall":
                    time.sleep(fault.get("seconds", 5))
                if do == "reset":
                    self.wfile.flush()
                    self.reset_connection()
                self.close_connection = True
                return
            data = file.read(at, n)
            if do == "flip" and at <= fault["at"] < at + n:
                i = fault["at"] - at
                data = data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
            self.wfile.write(data)
            with world.lock:
                world.bytes += len(data)
            at += n
            if rate:
                time.sleep(n / rate)
        if do == "long":
            self.wfile.write(b"more than announced" * 100)
            self.close_connection = True


class Cdn(Handler):
    def do_GET(self):
        self.note(origin="cdn")
        world = self.world
        if self.record["token"]:
            with world.lock:
                world.leaks += 1
            return self.answer(400, b"only one auth mechanism allowed")
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        made = world.signed.get(query.get("Signature"))
        if not made or time.monotonic() > made[1] + world.ttl:
            return self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        fault = world.fault("cdn")
        if self.misbehave(fault):
            return None
        self.serve(made[0], fault)
        return None

    def serve(self, item, fault):
        world, do, file = self.world, fault["do"], item.file
        asked = self.headers.get("Range", "")
        start, end = 0, file.size
        if asked.startswith("bytes="):
            first, last = asked[6:].split("-")
            start, end = int(first), min(int(last) + 1, file.size) if last else file.size
        else:
            with world.lock:
                world.unranged += 1
            if file.size > UNRANGED_LIMIT:
                return self.answer(400, b"a range is needed")
        if start >= file.size:
            return self.answer(416, b"", {"Content-Range": f"bytes */{file.size}"})
        if do == "ignore-range":
            start, end, asked = 0, file.size, ""
        shown, total, unit = start, file.size, "bytes"
        if do == "wrong-start":
            shown += 1
        elif do == "wrong-total":
            total += 1
        elif do == "wrong-unit":
            unit = "items"
        elif do == "short-range":
            end = max(start + 1, end - 100)
        self.record["status"] = 206 if asked else 200
        self.send_response(self.record["status"])
        self.send_header("Accept-Ranges", "bytes")
        # Not the SHA-256: a client that takes this for a checksum must fail.
        self.send_header("ETag", '"%s"' % item.sha256[::-1])
        if do == "multipart":
            self.send_header("Content-Type", "multipart/byteranges; boundary=xyz")
        else:
            self.send_header("Content-Type", "application/octet-stream")
            if asked:
                self.send_header("Content-Range", f"{unit} {shown}-{end - 1}/{total}")
        if do == "gzip":
            self.send_header("Content-Encoding", "gzip")
        if do == "no-length":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(file, start, end, fault)
        return None


class Hub(Handler):
    def do_POST(self):
        self.note(origin="hub")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path != "/_control":
            return self.answer(404)
        self.world.command(json.loads(body))
        return self.answer(200, {})

    def do_GET(self):
        if self.path == "/_control":
            world = self.world
            with world.lock:
                state = {"log": list(world.log), "bytes": world.bytes, "leaks": world.leaks,
                         "unranged": world.unranged}
            self.record = {}
            return self.answer(200, state)
        self.note(origin="hub")
        token = self.headers.get("Authorization")
        if token and token != "Bearer " + GOOD_TOKEN:
            return self.answer(401, {"error": "Invalid credentials in Authorization header"},
                               {"X-Error-Message": "Invalid credentials in Authorization header"})
        self.signed_in = bool(token)
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query)
        words = [urllib.parse.unquote(word) for word in url.path.strip("/").split("/")]
        if words == ["api", "whoami-v2"]:
            if self.misbehave(self.world.fault("who")):
                return None
            if not self.signed_in:
                return self.answer(401, {"error": "Invalid username or password."})
            return self.answer(200, {"type": "user", "name": "wanderer", "auth": {"type": "access_token"}})
        if words[:2] == ["api", "models"]:
            return self.api(words[2:])
        if words[:3] == ["api", "resolve-cache", "models"] and len(words) > 6:
            return self.small(self.world.repos["/".join(words[3:5])], words[5], "/".join(words[6:]))
        if len(words) > 4 and words[2] == "resolve":
            return self.resolve("/".join(words[:2]), words[3], "/".join(words[4:]))
        return self.answer(404, {"error": "Not found"})

    def first(self, name, otherwise=""):
        return self.query.get(name, [otherwise])[0]

    def missing(self, code="RepoNotFound"):
        # Without a token a hub does not tell missing from private.
        status = 401 if code == "RepoNotFound" and not self.signed_in else 404
        headers = {} if status == 401 else {"X-Error-Code": code}
        return self.answer(status, {"error": "Repository not found"}, headers)

    # ---- lists ----

    def api(self, words):
        if not words:
            return self.search()
        name = "/".join(words[:2])
        if name == "fixture/renamed":
            path = self.path.replace("fixture/renamed", "fixture/plain")
            return self.answer(307, b"", {"Location": path})
        repo = self.world.repos.get(name)
        if not repo:
            return self.missing()
        if words[2:3] == ["tree"]:
            return self.tree(repo, words[3])
        return self.info(repo, "/".join(words[3:]) if words[2:3] == ["revision"] else "main")

    def item(self, repo):
        fields = repo.fields
        tags = ["gguf", "license:" + fields["license"], fields["pipeline"], "region:us",
                *fields.get("tags", [])]
        if "base" in fields:
            tags += ["base_model:" + fields["base"], "base_model:quantized:" + fields["base"]]
        return {"_id": repo.commit[:24], "id": repo.name, "modelId": repo.name,
                "downloads": fields["downloads"], "likes": fields["likes"],
                "lastModified": fields["changed"], "gated": repo.gated, "private": False,
                "tags": tags, "pipeline_tag": fields["pipeline"], "sha": repo.commit}

    def search(self):
        fault = self.world.fault("search")
        if self.misbehave(fault):
            return None
        words = self.first("search").lower().split()
        found = [repo for repo in self.world.repos.values()
                 if all(word in repo.name.lower() for word in words)
                 and (repo.listed or "fixture" in words)
                 and set(self.query.get("filter", [])) <= set(self.item(repo)["tags"])]
        sort = {"likes": "likes", "lastModified": "changed"}.get(self.first("sort"), "downloads")
        found.sort(key=lambda repo: repo.fields[sort], reverse=True)
        limit = int(self.first("limit", "20"))
        cursor = self.first("cursor")
        at = int(base64.urlsafe_b64decode(cursor)) if cursor else 0
        headers = {}
        if at + limit < len(found):
            query = {k: v for k, v in self.query.items() if k != "cursor"}
            query["cursor"] = base64.urlsafe_b64encode(str(at + limit).encode()).decode()
            origin = "https://other.example" if fault["do"] == "foreign-link" else self.world.hub
            address = f"{origin}/api/models?{urllib.parse.urlencode(query, doseq=True)}"
            headers["Link"] = f'<{address}>; rel="next"'
        return self.answer(200, [self.item(repo) for repo in found[at : at + limit]], headers)

    def info(self, repo, revision):
        if self.misbehave(self.world.fault("info")):
            return None
        commit = repo.commit_of(revision)
        if not commit:
            return self.missing("RevisionNotFound")
        info = self.item(repo)
        info["sha"] = commit
        info["siblings"] = [{"rfilename": path} for path in repo.trees[commit]]
        if "parameters" in repo.fields:
            info["gguf"] = {"total": repo.fields["parameters"](), "architecture": "llama",
                            "context_length": repo.fields["context"],
                            "chat_template": "{# long ones exist #}" * 2500}
        return self.answer(200, info)

    def tree(self, repo, revision):
        if self.misbehave(self.world.fault("tree")):
            return None
        commit = repo.commit_of(revision)
        if not commit:
            return self.missing("RevisionNotFound")
        entries = []
        for path, item in repo.trees[commit].items():
            entry = {"type": "file", "oid": catalogue.sha1(path), "size": item.file.size,
                     "path": path}
            if item.lfs:
                entry["lfs"] = {"oid": item.sha256, "size": item.file.size, "pointerSize": 134}
                entry["xetHash"] = item.sha256[::-1]
            entries.append(entry)
        entries += repo.extra_entries
        at, page = int(self.first("cursor", "0")), self.world.page
        headers = {}
        if at + page < len(entries):
            path = urllib.parse.urlsplit(self.path).path
            headers["Link"] = (f"<{self.world.hub}{path}?recursive=true&expand=false"
                               f'&cursor={at + page}>; rel="next"')
        return self.answer(200, entries[at : at + page], headers)

    # ---- files ----

    def resolve(self, name, revision, path):
        fault = self.world.fault("card" if path == "README.md" else "resolve")
        if self.misbehave(fault):
            return None
        repo = self.world.repos.get(name)
        if not repo:
            return self.missing()
        commit = repo.commit_of(revision)
        item = repo.trees[commit].get(path) if commit else None
        if not item:
            return self.missing("EntryNotFound" if commit else "RevisionNotFound")
        if name == "fixture/closed":
            return self.answer(403, {"error": "Access to this resource is disabled."})
        if repo.gated and item.lfs:
            return self.answer(403 if self.signed_in else 401,
                               {"error": f"Access to model {name} is restricted."},
                               {"X-Error-Code": "GatedRepo",
                                "X-Error-Message": f"Access to model {name} is restricted."})
        if not item.lfs:
            to = "/api/resolve-cache/models/%s/%s/%s" % (name, commit, urllib.parse.quote(path))
            return self.answer(307, b"Temporary Redirect", {"Location": to,
                                                            "X-Repo-Commit": commit})
        return self.redirect(item, commit, fault)

    def redirect(self, item, commit, fault):
        world, do = self.world, fault["do"]
        if do == "direct":
            return Cdn.serve(self, item, fault)
        signature = "%032x" % random.getrandbits(128)
        world.signed[signature] = (item, time.monotonic())
        headers = {"Location": f"{world.cdn}/bridge/{item.sha256[::-1]}?Expires=1&Policy=p"
                               f"&Signature={signature}&Key-Pair-Id=K"}
        linked = {"X-Repo-Commit": commit, "X-Linked-Size": str(item.file.size),
                  "X-Linked-ETag": f'"{item.sha256}"', "X-Xet-Hash": item.sha256[::-1]}
        linked.update(fault.get("headers", {}))
        if do != "silent":
            headers.update(linked)
        # A body of its own, whose length is not that of the file.
        return self.answer(302, b"Found. Redirecting" + b"." * 900, headers, "text/plain")

    def small(self, repo, commit, path):
        body = repo.trees[commit][path].file.data
        headers = {"ETag": 'W/"%s"' % catalogue.sha1(path)}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        return self.answer(200, body, headers, "text/plain; charset=utf-8")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--large", type=int, default=0)
    options = parser.parse_args()
    Handler.world = world = World(options.models, options.rate)
    if options.large:
        world.repos["bench/large"] = catalogue.large(options.large)
    hub, cdn = Server(("127.0.0.1", options.port), Hub), Server(("127.0.0.1", 0), Cdn)
    world.hub = "http://127.0.0.1:%d" % hub.server_port
    world.cdn = "http://127.0.0.1:%d" % cdn.server_port
    for server in (hub, cdn):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"hub": world.hub, "cdn": world.cdn}), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while stat.S_ISFIFO(os.fstat(0).st_mode) and sys.stdin.buffer.read(1):
            pass
        while not stat.S_ISFIFO(os.fstat(0).st_mode):
            signal.pause()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
