# SPDX-License-Identifier: Apache-2.0
"""Many at once: one decode for equal questions, nothing held for those who leave, no slowness for those who stay."""
import concurrent.futures
import random
import socket
import struct
import time

import pictures
import pytest

pytestmark = pytest.mark.alone


def get_raw(daemon, path, how, rng):
    """Asks and leaves in the given way."""
    port = int(daemon.url.rsplit(":", 1)[1])
    s = socket.create_connection(("127.0.0.1", port))
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {daemon.key}\r\n\r\n".encode()
    cut = rng.randrange(len(head)) if how == "head" else len(head)
    s.sendall(head[:cut])
    if how == "read":
        s.recv(rng.choice([1, 100, 5000]))
    if rng.random() < 0.5:  # RST instead of FIN
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def settled(daemon, name, value):
    """The metric comes back to the value."""
    deadline = time.monotonic() + 120
    while daemon.metric(name) != value:
        assert time.monotonic() < deadline, (name, daemon.metric(name))
    return True


def warmed(daemon, photos):
    """The jobs that follow an upload have begun and ended: both standard sizes of each photo are there."""
    deadline = time.monotonic() + 120
    while daemon.metric("albumen_cache_stored_total") < 2 * photos or daemon.metric("albumen_jobs_busy") > 0:
        assert time.monotonic() < deadline, daemon.metric("albumen_cache_stored_total")


def test_200_ask_for_one_picture(daemon):
    asset = daemon.upload(pictures.photo(1, 3000, 2000)).headers["Albumen-Asset"]
    warmed(daemon, 1)
    before = daemon.metric("albumen_render_misses_total")
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: daemon.get(f"/api/assets/{asset}/thumbnail?size=fullsize"), range(200)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert daemon.metric("albumen_render_misses_total") - before == 1


def hang_up(daemon, ids, times, seed):
    rng = random.Random(seed)
    sizes = ["thumbnail", "preview", "fullsize"]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        jobs = [pool.submit(get_raw, daemon, f"/api/assets/{rng.choice(ids)}/thumbnail?size={rng.choice(sizes)}",
                            rng.choice(["head", "sent", "read"]), random.Random(i)) for i in range(times)]
        for job in jobs:
            job.result()
    assert daemon.get(f"/api/assets/{ids[0]}/thumbnail").status_code == 200
    settled(daemon, "albumen_render_slots_held", 0)
    settled(daemon, "albumen_render_jobs", 0)
    settled(daemon, "albumen_http_requests_in_flight", 1)  # the question itself


def test_1000_hang_up(daemon):
    ids = [daemon.upload(pictures.photo(i, 1500, 1000)).headers["Albumen-Asset"] for i in range(8)]
    warmed(daemon, 8)
    hang_up(daemon, ids, 200, 1)  # now every pool (threads, readers of the catalog) has its size
    fds, children = daemon.fds(), len(daemon.children())
    hang_up(daemon, ids, 1000, 2)
    deadline = time.monotonic() + 120
    while daemon.fds() > fds + 2:
        assert time.monotonic() < deadline, (fds, daemon.fds())
    assert len(daemon.children()) <= children
    assert daemon.get("/health").json() == {"status": "ok"}


def test_silent_clients_do_not_slow_others(daemon):
    """Twenty that never finish their request, twenty that upload and fall silent, twenty that never read."""
    asset = daemon.upload(pictures.photo(1, 2000, 1500)).headers["Albumen-Asset"]
    port = int(daemon.url.rsplit(":", 1)[1])
    auth = f"Host: x\r\nx-api-key: {daemon.key}\r\n"
    silent = []
    for i in range(60):
        s = socket.create_connection(("127.0.0.1", port))
        if i % 3 == 0:
            s.sendall(b"GET /api/users/me HTTP/1.1\r\n")
        elif i % 3 == 1:
            s.sendall((f"POST /files/ HTTP/1.1\r\n{auth}Tus-Resumable: 1.0.0\r\nUpload-Length: 100000\r\n"
                       "Content-Type: application/offset+octet-stream\r\nContent-Length: 100000\r\n\r\n").encode()
                      + b"\xff\xd8\xff" * 100)
        else:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(f"GET /api/assets/{asset}/original HTTP/1.1\r\n{auth}\r\n".encode())
        silent.append(s)
    begin = time.monotonic()
    for size in ("thumbnail", "preview", "fullsize"):
        assert daemon.get(f"/api/assets/{asset}/thumbnail?size={size}", timeout=50).status_code == 200
    assert daemon.upload(pictures.photo(2), headers={}).status_code == 201
    assert time.monotonic() - begin < 50  # before the silent ones are given up (body-timeout)
    assert daemon.get("/health").status_code == 200
    for s in silent:
        s.close()
