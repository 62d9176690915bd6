# SPDX-License-Identifier: Apache-2.0
"""T16: a thousand uploads whose clients are slow or silent hold nothing that a fast one needs, and cost memory only."""
import hashlib
import os
import resource
import select
import socket

import requests

from daemon import Daemon

SLOW = 1000
OFFSET_TYPE = "application/offset+octet-stream"


def memory_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def test_slow_uploads_are_in_nobodys_way(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))  # the daemon inherits it
    daemon = Daemon(tmp_path / "data")
    daemon.start("--max-requests-per-user", "2000", "--max-connections-per-address", "2000", "--rate-window", "10m",
                 "--body-timeout", "10m")  # however slow the machine is, none is cut for being slow
    host, port = daemon.url.removeprefix("http://").split(":")
    http = daemon.session()
    http.headers["Tus-Resumable"] = "1.0.0"
    sockets = []
    try:
        before = memory_kib(daemon)
        for i in range(SLOW):
            s = socket.create_connection((host, int(port)), timeout=60)
            s.sendall((f"POST /files/ HTTP/1.1\r\nHost: {host}:{port}\r\nx-api-key: {daemon.key}\r\nTus-Resumable: 1.0.0\r\n"
                       f"Upload-Length: 100000\r\nContent-Length: 100000\r\nContent-Type: {OFFSET_TYPE}\r\n\r\n"
                       ).encode() + b"x" * (1 if i % 2 else 300))
            sockets.append(s)
        fast = os.urandom(48 << 20)
        place = http.post(daemon.url + "/files/", headers={"Upload-Length": str(len(fast) + 1)}, timeout=60
                          ).headers["Location"]
        answer = http.patch(place, data=fast, timeout=120,
                            headers={"Upload-Offset": "0", "Content-Type": OFFSET_TYPE})
        assert answer.status_code == 204 and answer.headers["Upload-Offset"] == str(len(fast))
        # All of them are still there, waiting: none was answered, none was dropped to make room.
        poll = select.poll()
        for s in sockets:
            poll.register(s, select.POLLIN | select.POLLHUP | select.POLLERR)
        assert not poll.poll(0)
        assert daemon.metric("albumen_uploads") == SLOW + 1
        print(f"# {(memory_kib(daemon) - before) * 1024 // SLOW} bytes of memory for each slow upload with its connection")
        stored = (daemon.data / "uploads" / (place.rsplit("/", 1)[1] + ".data")).read_bytes()
        assert hashlib.sha1(stored).digest() == hashlib.sha1(fast).digest()
    finally:
        for s in sockets:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        daemon.stop()
