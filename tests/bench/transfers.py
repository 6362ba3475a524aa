# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench transfers [--megabytes N]: a download from the stand-in of a hub into a RAM disk, hashed
as it arrives: MB/s, and how much memory the transfer takes. The stand-in is a Python program on the
same processors, so this is a lower bound; the processor time of the client alone is beside it."""

import json
import os
import subprocess
import sys
import tempfile
import time

HUB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hub", "standin.py")


def pull(cli, hub, data, what):
    """Seconds, processor seconds and the peak of resident memory in MB."""
    env = dict(os.environ, PARLEY_DATA_DIR=data, XDG_CACHE_HOME=os.path.join(data, "cache"),
               PARLEY_HUB=hub, PARLEY_OTHER_PROGRAMS="0", no_proxy="127.0.0.1")
    start = time.monotonic()
    process = subprocess.Popen([cli, "pull", "-q", "bench/large:" + what], env=env,
                               stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"status {process.returncode}"
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run(build, size):
    cli = build / "src/cli/parley-cli"
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    room = os.statvfs(memory or tempfile.gettempdir())
    if room.f_bavail * room.f_frsize < size * 1.2 + (2 << 30):
        print(f"transfers: {size / 1e9:.1f} GB do not fit into the RAM disk; --megabytes makes it less")
        return
    server = subprocess.Popen([sys.executable, HUB, "--large", str(size)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        hub = json.loads(server.stdout.readline())["hub"]
        with tempfile.TemporaryDirectory(dir=memory) as data:
            base_s, base_cpu, base_rss = pull(cli, hub, data, "Q4_0")  # also hashes the large file
            seconds, cpu, rss = pull(cli, hub, data, "Q8_0")
    finally:
        server.stdin.close()
        server.wait()
    print(f"{size / 1e9:.1f} GB into {'a RAM disk' if memory else 'a folder'}, with hash: "
          f"{size / 1e6 / seconds:.0f} MB/s in all ({seconds:.1f} s; a megabyte takes {base_s:.1f} s), "
          f"{size / 1e6 / max(cpu - base_cpu, 1e-3):.0f} MB a second of processor time; "
          f"memory {rss:.0f} MB at most, {rss - base_rss:.0f} MB more than for one of a megabyte")
