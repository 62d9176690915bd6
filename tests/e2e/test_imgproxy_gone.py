# SPDX-License-Identifier: Apache-2.0
"""Clients that leave at any moment and origins that do what they want: afterwards nothing is held, and the next request
is answered."""
import random
import socket
import threading

import requests

from daemon import Daemon
from imgproxy import KEY, SALT, Origin, sign
from imgproxy_daemon import until
from pictures import photo

CLIENTS = 24
EACH = 12


def hold(handler):
    """Says nothing for as long as the other side waits."""
    handler.connection.settimeout(60)
    try:
        handler.connection.recv(1)
    except OSError:
        pass
    handler.close_connection = True


def half(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(photo(1)[:5000])
    handler.close_connection = True


def forever(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(1 << 40))
    handler.end_headers()
    try:
        handler.wfile.write(photo(1)[:1000])
        while True:
            handler.wfile.write(b"\0" * 65536)
    except OSError:
        handler.close_connection = True


def client(port, paths, rng):
    for _ in range(EACH):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
            s.sendall(f"GET /imgproxy{sign(rng.choice(paths)(rng))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            if rng.random() < 0.4:
                s.settimeout(rng.random() * 0.05 + 0.001)
                try:
                    s.recv(rng.randrange(1, 4000))
                except OSError:
                    pass
                continue
            assert s.recv(12).startswith(b"HTTP/1.1 ")


def test_storm(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for i in range(4):
        (root / f"{i}.jpg").write_bytes(photo(i, 800, 600))
    origin = Origin()
    origin.pages |= {"/hold": (200, {}, hold), "/half": (200, {}, half), "/forever": (200, {}, forever),
                     "/loop": (302, {"Location": "/loop"}, b""), "/good": (200, {}, photo(9)),
                     "/500": (500, {}, b"")}
    daemon = Daemon(tmp_path / "data")
    daemon.start()
    daemon.stop()
    daemon.start("--local-root", str(root), "--imgproxy-key", f"admin:{KEY}:{SALT}", "--imgproxy-sources",
                 origin.url + "/", "--imgproxy-private-sources", "--source-timeout", "2s", "--imgproxy-timeout", "20s",
                 "--picture-size", "8M")
    port = int(daemon.url.rsplit(":", 1)[1])
    paths = [lambda r: f"/rs:fit:{r.randrange(20, 400)}:0/plain/local:///{r.randrange(4)}.jpg",
             lambda r: "/w:99/plain/local:///1.jpg",
             lambda r: f"/w:{r.randrange(20, 60)}/plain/{origin.url}/good",
             lambda r: f"/w:50/plain/{origin.url}/" + r.choice(["hold", "half", "forever", "loop", "500", "none"]),
             lambda r: "/raw:1/plain/local:///2.jpg"]
    failures = []

    def run(seed):
        try:
            client(port, paths, random.Random(seed))
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[0]
    until(lambda: daemon.metric("albumen_http_requests_in_flight") == 1, "all are gone but the one that asks", 120)
    answer = requests.get(daemon.url + "/imgproxy" + sign("/w:401/plain/local:///3.jpg"), timeout=60)
    assert answer.status_code == 200
    assert requests.get(daemon.url + "/health", timeout=120).status_code == 200
    daemon.stop()
    origin.close()
