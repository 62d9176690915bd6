#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our parser against nginx: differential.py SERVERD HEADS. Exit code 77 (skipped) without nginx.

Whatever we accept, nginx must accept too, and both must see the same number of requests in the same bytes: else
one of them could be made to see a request that the other does not (request smuggling). Where we are stricter is
our business. Cases: the table of the unit test, and mutations of good requests (fixed seed)."""
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import serverd

REFUSED = {400, 408, 413, 414, 417, 431, 501, 505}
PROBE = b"GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

CONFIG = """
daemon off; master_process off; pid {0}/pid; error_log stderr emerg;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;
    uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; large_client_header_buffers 4 64k;
    server {{ listen unix:{0}/n; location / {{ return 200 "ok"; }} }}
}}
"""


def statuses(path, request):
    """The statuses of all answers to these bytes, after which the client says nothing more; and whether the last
    one announced the end of the connection."""
    out = b""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)
        try:
            s.sendall(request)
            s.shutdown(socket.SHUT_WR)
            while piece := s.recv(65536):
                out += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
    return ([int(m) for m in re.findall(rb"HTTP/1\.1 (\d{3}) ", out)],
            b"\r\nConnection: close\r\n" in out[out.rfind(b"HTTP/1.1 "):])


def table(path):
    """(must nginx agree, bytes) of every accepted head."""
    for line in open(path, encoding="latin-1"):
        m = re.match(r"(\d+)(!?) (.*)\n", line)
        if m and not line.startswith("#"):
            text = re.sub(r"\\(x[0-9a-f]{2}|.)",
                          lambda e: {"r": "\r", "n": "\n", "t": "\t", "0": "\0"}.get(
                              e[1], chr(int(e[1][1:], 16)) if e[1][0] == "x" and len(e[1]) > 1 else e[1]), m[3])
            yield m[2] == "", text.encode("latin-1")


def mutations(count):
    good = [
        b"GET /x HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nAccept: */*\r\n\r\n",
        b"POST /hot HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
        b"POST /hot HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"POST /hot HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n00\r\nT: 1\r\n\r\n",
        b"GET http://a/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    ]
    pieces = [b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\0", b"\x0b", b"\x0c", b"\x7f", b"\x80", b",", b";", b"0", b"+",
              b"-", b"0x", b"Content-Length: 3\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
              b"Transfer-Encoding: identity\r\n", b"Host: b\r\n", b" chunked", b"\r\n ", b"HTTP/1.1", b"chunked, "]
    rng = random.Random(20)
    for _ in range(count):
        data = bytearray(rng.choice(good))
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            at = rng.randrange(len(data) + 1)
            kind = rng.randrange(4)
            if kind == 0:
                data[at:at] = rng.choice(pieces)
            elif kind == 1:
                data[at:at + 1] = rng.choice(pieces)
            elif kind == 2:
                del data[at:at + rng.randrange(1, 4)]
            else:
                lines = data.split(b"\r\n")
                lines.insert(rng.randrange(len(lines)), rng.choice(lines))
                data = bytearray(b"\r\n".join(lines))
        yield True, bytes(data)


def compare(ours, theirs, must, request):
    a, closed = statuses(ours, request + PROBE)
    if not a or a[0] in REFUSED:
        return False
    if not must or re.search(rb":[ \t]*\t|\t[ \t]*\r\n", request):
        return True  # to nginx a tab is no blank around a value (RFC 9112 §5: it is)
    body = re.search(rb"content-length|transfer-encoding", request, re.I)
    if body and (a[0] != 200 or b"POST /hot" not in request):
        return False  # answered before the body was looked at: cannot be compared
    b, _ = statuses(theirs, request + PROBE)
    if not b or b[0] in REFUSED:
        sys.exit(f"we accept what nginx refuses: {request!r}: {a} and {b}")
    # As long as both accept, they must count alike; who refuses a later one, or says that it closes, stops there.
    accepted = [next((i for i, s in enumerate(x) if s in REFUSED), len(x)) for x in (a, b)]
    if accepted[0] > accepted[1] or (accepted[0] < accepted[1] and len(a) == accepted[0] and not closed):
        sys.exit(f"seen differently: {request!r}: {a} and {b}")
    return True


def await_listener(path, process):
    until = time.monotonic() + 60
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                return
        except (FileNotFoundError, ConnectionRefusedError):
            assert process.poll() is None and time.monotonic() < until, "nginx does not listen"
        time.sleep(0.02)


def main():
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not nginx:
        print("no nginx here: skipped")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder, serverd.running(sys.argv[1]) as (ours, _, _):
        config = os.path.join(folder, "conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(folder))
        process = subprocess.Popen([nginx, "-p", folder, "-c", config, "-e", "stderr"])
        try:
            theirs = os.path.join(folder, "n")
            await_listener(theirs, process)
            cases = list(table(sys.argv[2])) + list(mutations(20000))
            accepted = sum(compare(ours, theirs, must, request) for must, request in cases)
            print(f"{len(cases)} cases, {accepted} accepted by us and by nginx, and seen alike")
            assert accepted > 1000
        finally:
            process.terminate()
            process.wait()


main()
