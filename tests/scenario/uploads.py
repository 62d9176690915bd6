#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What resumable uploads ask of the wire: interim answers in order, trailers, clients that leave. uploads.py SERVERD"""
import socket
import sys
import threading
import time

import serverd
from wire import dial, read_all

HEAD = b" HTTP/1.1\r\nHost: a\r\n"


def answer(s, have=b""):
    """Reads one answer (interim or final): (status, headers, body, what came behind it)."""
    while b"\r\n\r\n" not in have:
        piece = s.recv(65536)
        assert piece, have
        have += piece
    head, rest = have.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = dict((k.lower(), v) for k, v in (line.split(": ", 1) for line in lines[1:]))
    n = int(headers.get("content-length", 0))
    while len(rest) < n:
        piece = s.recv(65536)
        assert piece, have
        rest += piece
    return status, headers, rest[:n], rest[n:]


def interim_before_continue(path):
    # What the step says before it asks for the body comes before 100, on the wire too.
    for _ in range(50):
        with dial(path) as s:
            s.sendall(b"POST /interim?hash=0" + HEAD + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            seen, rest = [], b""
            while 100 not in seen:
                status, headers, _, rest = answer(s, rest)
                seen.append(status)
                if status == 104:
                    assert headers["location"] == "/files/1" and headers["upload-limit"] == "max-size=9", headers
            assert seen == [103, 104, 100], seen
            s.sendall(b"wxyz")
            status, _, body, rest = answer(s, rest)
            assert status == 200 and body.startswith(b"bytes=4 ") and rest == b"", (status, body, rest)


def interim_while_reading(path):
    # Progress: each piece is told of before the next one is sent.
    with dial(path) as s:
        s.sendall(b"POST /progress" + HEAD + b"Content-Length: 1000\r\n\r\n")
        rest = b""
        for i in range(1, 11):
            s.sendall(b"x" * 100)
            status, headers, _, rest = answer(s, rest)
            assert status == 104 and headers["upload-offset"] == str(100 * i), (status, headers)
        status, _, body, rest = answer(s, rest)
        assert status == 200 and body.startswith(b"bytes=1000 ") and rest == b""
        # the connection is as good as new
        s.sendall(b"GET /hello" + HEAD + b"\r\n")
        assert answer(s)[0] == 200


def interim_unread(path):
    # Who does not read gets hints up to a bound, and its final answer.
    with dial(path) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(b"POST /interim?many=20000&hash=0" + HEAD + b"Connection: close\r\nContent-Length: 4\r\n\r\nwxyz")
        out, how = read_all(s)
        assert how == "end" and out.count(b"HTTP/1.1 104 ") == out.count(b"\r\nUpload-Limit: max-size=9\r\n")
        assert 2 <= out.count(b"HTTP/1.1 104 ") and out.count(b"HTTP/1.1 200 OK\r\n") == 1, out[-200:]
        assert b"bytes=4 " in out[out.index(b"HTTP/1.1 200"):]


def interim_unread_for_long(path):
    # Who writes its whole body before it reads anything is not slow: hints are nothing to wait for.
    with dial(path) as s:
        s.sendall(b"POST /progress" + HEAD + b"Connection: close\r\nContent-Length: 15000\r\n\r\n")
        for _ in range(1500):
            s.sendall(b"x" * 10)
            time.sleep(0.001)  # so that each piece is told of
        out, _ = read_all(s)
        assert b"HTTP/1.1 104 " in out
        assert b"HTTP/1.1 200 OK\r\n" in out and b"bytes=15000 " in out, out[-300:]


def answer_unread(path):
    # But who does not read its answer is, also if hints lie before it.
    with dial(path) as s:
        s.sendall(b"POST /progress?large=1" + HEAD + b"Content-Length: 15000\r\n\r\n")
        for _ in range(1500):
            s.sendall(b"x" * 10)
            time.sleep(0.001)
        with dial(path) as other:
            other.sendall(b"GET /quiet" + HEAD + b"\r\n")  # answered when the other one is over
            assert answer(other)[0] == 200
            # and its connection is closed without another word
            until = time.monotonic() + 30
            counts = b""
            while b"connections=1 " not in counts:
                assert time.monotonic() < until, counts
                other.sendall(b"GET /counts" + HEAD + b"\r\n")
                counts = answer(other)[2]
        out, _ = read_all(s)
        assert len(out) < 16000000 and b"HTTP/1.1 200 OK\r\n" not in out[-1000:], len(out)


def chunked(target, body, trailers):
    return (b"POST " + target + HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n" +
            trailers + b"\r\n")


def trailers_are_of_their_request(path):
    with dial(path) as s:
        for target in (b"/upload?hash=0", b"/echo"):
            for trailers, want in ((b"Some-Padding: 1\r\nX-Sum: secret\r\n", "secret"), (b"B: 2\r\n", ""), (b"", ""),
                                   (b"x-SUM:  spaced \r\nX-Sum: second\r\n", "spaced")):
                s.sendall(chunked(target, b"hello", trailers))
                status, headers, _, rest = answer(s)
                assert status == 200 and rest == b"" and headers["x-trailer"] == want, (target, trailers, headers)


def empty_bodies(path):
    # Nothing to send is a body too, however it is said, and nobody waits for a 100 that makes no sense.
    for how in (b"Content-Length: 0\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n",
                b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        with dial(path) as s:
            for method in (b"PATCH", b"POST"):
                s.sendall(method + b" /upload?hash=0" + HEAD + how)
                status, _, body, rest = answer(s)
                assert status == 200 and body.startswith(b"bytes=0 ") and rest == b"", (how, status, body, rest)


def pipelined(path):
    # Many requests in one piece: each body ends where it ends, each answer comes once and in order.
    one = [(b"POST /upload?hash=0" + HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", b"bytes=3 "),
           (chunked(b"/echo", b"hello", b"X-Sum: 1\r\n"), b"hello"),
           (b"GET /hello" + HEAD + b"Content-Length: 4\r\n\r\nGET ", b"xxxx"),  # not wanted, and read away
           (b"\r\nPOST /echo" + HEAD + b"Content-Length: 2\r\n\r\nhi", b"hi"),
           (chunked(b"/upload?hash=0", b"x" * 30000, b""), b"bytes=30000 "),
           (b"GET /step" + HEAD + b"\r\n", b"xxxx")]
    with dial(path) as s:
        sender = threading.Thread(target=s.sendall, args=(b"".join(r for r, _ in one) * 50,))
        sender.start()
        rest = b""
        for i in range(50 * len(one)):
            status, _, body, rest = answer(s, rest)
            while status < 200:
                status, _, body, rest = answer(s, rest)
            assert status == 200 and body.startswith(one[i % len(one)][1]), (i, status, body[:40])
        sender.join()
        assert rest == b""


def bad_trailers(path):
    for line in (b"Content-Length: 5\r\n", b"Host: b\r\n", b"Transfer-Encoding: x\r\n", b"Authorization: x\r\n",
                 b" folded\r\n", b"no colon\r\n", b"a b: c\r\n", b"X: 1\nY: 2\r\n", b"X: " + b"y" * 9000 + b"\r\n",
                 b"X: 1\r\n" * 33):
        with dial(path) as s:
            s.sendall(chunked(b"/upload?hash=0", b"hello", line))
            out, _ = read_all(s)
            assert out.startswith(b"HTTP/1.1 400 ") and out.count(b"HTTP/1.1 ") == 1, (line[:40], out[:200])


def gone_while_expecting(path):
    # A client that leaves instead of sending the body that it has announced is noticed while the step waits for
    # something else.
    for how in (socket.SHUT_WR, None):
        s = dial(path)
        s.sendall(b"POST /slow/upload?ms=60000" + HEAD + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        if how is None:
            s.close()
        else:
            s.shutdown(how)
            assert read_all(s)[0] in (b"", b"HTTP/1.1 100 Continue\r\n\r\n")
            s.close()
    with dial(path) as s:
        s.sendall(b"GET /quiet" + HEAD + b"\r\n")  # answered when nothing is open any more
        assert answer(s)[0] == 200


def main():
    with serverd.running(sys.argv[1]) as (path, _, _):
        for test in (interim_before_continue, interim_while_reading, interim_unread, trailers_are_of_their_request,
                     bad_trailers, empty_bodies, pipelined, gone_while_expecting):
            test(path)
            print("ok", test.__name__, flush=True)
    with serverd.running(sys.argv[1], "--rate-window", "300ms", "--min-rate-in", "1", "--min-rate-out", "1k") as (path, _, _):
        for test in (interim_unread_for_long, answer_unread):
            test(path)
            print("ok", test.__name__, flush=True)


main()
