#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What varnishtest cannot do: half-closes, cut bodies, every split of a request. wire.py SERVERD"""
import socket
import sys

import serverd

HEAD = b" HTTP/1.1\r\nHost: a\r\n"


def dial(where):
    """A Unix socket's path, or a TCP port."""
    s = socket.socket(socket.AF_INET if isinstance(where, int) else socket.AF_UNIX)
    s.settimeout(60)
    s.connect(("127.0.0.1", where) if isinstance(where, int) else where)
    return s


def read_all(s):
    out = b""
    while True:
        try:
            piece = s.recv(65536)
        except ConnectionResetError:
            return out, "reset"
        if not piece:
            return out, "end"
        out += piece


def talk(where, request, half_close=False):
    with dial(where) as s:
        s.sendall(request)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        return read_all(s)


def answered(where, request, end=b""):
    """Is a client that has shut its side answered? It is waited for one second only: so it may try again on a busy machine."""
    for _ in range(5):
        out, _ = talk(where, request, True)
        if out:
            break
    assert out.startswith(b"HTTP/1.1 200 ") and out.endswith(end), out[:100]


def half_closed(path, port):
    for where in (path, port):
        # Who has shut his side gets an answer that takes a moment; for one that takes long he counts as gone.
        answered(where, b"GET /hello" + HEAD + b"\r\n", b"x" * 1024)
        answered(where, b"GET /slow?ms=20" + HEAD + b"\r\n")
        answered(where, b"POST /upload" + HEAD + b"Content-Length: 5\r\n\r\n12345")
        # The time counts from the end of its body, which may be read long after it was sent.
        answered(where, b"POST /upload?wait=1500" + HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 100000)
        out, _ = talk(where, b"GET /slow?ms=60000" + HEAD + b"\r\n", True)
        assert out == b"", out
        out, _ = talk(where, b"POST /upload" + HEAD + b"Content-Length: 10\r\n\r\n12345", True)
        assert out == b"", out


def cut_bodies(path, port):
    # A source that breaks off does not look whole: neither by length, nor in chunks, nor by the end (HTTP/1.0).
    for where in (path, port):
        out, _ = talk(where, b"GET /source?size=1000000&fail=300000" + HEAD + b"\r\n")
        assert len(out) < 1000000, len(out)
        out, _ = talk(where, b"GET /lines?n=100000&abort=50000" + HEAD + b"\r\n")
        assert not out.endswith(b"0\r\n\r\n"), out[-20:]
    _, how = talk(port, b"GET /lines?n=100000&abort=50000 HTTP/1.0\r\n\r\n")
    assert how == "reset", how


def splits(path, _):
    # Two requests, cut at every byte: the same two answers.
    request = (b"POST /echo" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
               b"POST /upload?hash=0" + HEAD + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello")
    for cut in range(1, len(request)):
        with dial(path) as s:
            s.sendall(request[:cut])
            s.sendall(request[cut:])
            out, _ = read_all(s)
        assert out.count(b"HTTP/1.1 200 OK\r\n") == 2 and b"\r\n\r\nabcde" in out and b"bytes=5 " in out, (cut, out)
    with dial(path) as s:
        for i in range(len(request)):
            s.sendall(request[i:i + 1])
        out, _ = read_all(s)
    assert out.count(b"HTTP/1.1 200 OK\r\n") == 2, out


def chunks_out(path, _):
    # A streamed answer is well framed, and complete.
    out, _ = talk(path, b"GET /lines?n=20000" + HEAD + b"Connection: close\r\n\r\n")
    head, rest = out.split(b"\r\n\r\n", 1)
    assert b"\r\nTransfer-Encoding: chunked" in head
    body = b""
    while True:
        size, rest = rest.split(b"\r\n", 1)
        n = int(size, 16)
        body, end, rest = body + rest[:n], rest[n:n + 2], rest[n + 2:]
        assert end == b"\r\n"
        if n == 0:
            break
    assert rest == b"" and len(body) == 20000 * 32 and body.count(b"\n") == 20000
    lines = body.split(b"\n")
    assert all(lines[i] == b'{"line":%022d}' % i for i in range(20000))


def ranges(path, _):
    # Every kind of range of a source gives the bytes that its function says.
    def byte(i):
        return ord("a") + i % 23
    for first, last in ((0, 0), (1, 70000), (99999, 99999), (12345, 99999)):
        out, _ = talk(path, b"GET /source?size=100000" + HEAD +
                      b"Connection: close\r\nRange: bytes=%d-%d\r\n\r\n" % (first, last))
        body = out.split(b"\r\n\r\n", 1)[1]
        assert body == bytes(byte(i) for i in range(first, last + 1)), (first, last, len(body))


def main():
    with serverd.running(sys.argv[1]) as (path, _, port):
        for test in (half_closed, cut_bodies, splits, chunks_out, ranges):
            test(path, port)
            print("ok", test.__name__)


if __name__ == "__main__":
    main()
