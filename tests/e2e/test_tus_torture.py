# SPDX-License-Identifier: Apache-2.0
"""Byte-exact torture: uploads in random pieces whose clients hang up, come twice, overlap, send other protocols and lie
about offsets, while the server is killed again and again. In the end every finished file is its source, and every
unfinished one goes on from what was reported.

ALB_TORTURE is the number of uploads (default 1000)."""
import base64
import hashlib
import http.client
import os
import random
import socket
import struct
import threading
import time

import pictures
from daemon import Daemon

COUNT = int(os.environ.get("ALB_TORTURE", "1000"))
CLIENTS = 12
KILLS = 4
OFFSET_TYPE = "application/offset+octet-stream"
ERRORS = (OSError, http.client.HTTPException)


def photos():
    """Valid pictures that all differ: a few real ones with bytes behind their end, which every reader passes over."""
    bases = [pictures.photo(20000 + i) for i in range(4)]
    for i in range(COUNT):
        yield bases[i % len(bases)] + struct.pack(">Q", i) * random.Random(i).randrange(1, 900)


class Client:
    """One connection at a time, as a real client on a bad network would have it."""

    def __init__(self, daemon, rng):
        self.daemon, self.rng = daemon, rng
        self.host, port = daemon.url.removeprefix("http://").split(":")
        self.port = int(port)
        self.connection = None
        self.headers = {"x-api-key": daemon.key}

    def ask(self, method, path, headers, body=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            self.connection.request(method, path, body=body, headers=self.headers | headers)
            answer = self.connection.getresponse()
            answer.read()
            return answer
        except ERRORS:
            self.drop()
            raise

    def drop(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def broken_patch(self, path, offset, data):
        """Says that more comes than does, then hangs up: politely or not."""
        with socket.create_connection((self.host, self.port), timeout=60) as s:
            s.sendall((f"PATCH {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {self.daemon.key}\r\nTus-Resumable: 1.0.0\r\n"
                       f"Upload-Offset: {offset}\r\nContent-Length: {len(data)}\r\nContent-Type: {OFFSET_TYPE}\r\n\r\n"
                       ).encode() + data[:self.rng.randrange(len(data))])
            if self.rng.random() < 0.5:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Upload:
    def __init__(self, data):
        self.data, self.path, self.reported, self.asset = data, None, 0, None

    def see_offset(self, offset):
        """Law 5: what was reported once is never taken back."""
        assert offset >= self.reported, f"{self.path}: {offset} after {self.reported}"
        self.reported = offset


def tus(headers):
    return {"Tus-Resumable": "1.0.0"} | headers


def begin(client, upload):
    size, rng = len(upload.data), client.rng
    known = rng.random() < 0.8
    length = {"Upload-Length": str(size)} if known else {"Upload-Defer-Length": "1"}
    body = None
    if known and rng.random() < 0.3:
        body = upload.data[:rng.randrange(size)]
        length["Content-Type"] = OFFSET_TYPE
    answer = client.ask("POST", "/files/", tus(length), body)
    assert answer.status == 201, answer.status
    upload.path = "/" + answer.headers["Location"].split("/", 3)[3]
    upload.see_offset(int(answer.headers.get("Upload-Offset", 0)))


def look(client, upload):
    answer = client.ask("HEAD", upload.path, tus({}))
    assert answer.status == 200, (answer.status, upload.path)
    upload.see_offset(int(answer.headers["Upload-Offset"]))
    return answer


def patch(client, upload, offset, piece, digest=False):
    headers = {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE}
    if offset + len(piece) == len(upload.data) or client.rng.random() < 0.1:
        headers["Upload-Length"] = str(len(upload.data))
    if digest:
        headers["Upload-Checksum"] = "sha1 " + base64.b64encode(hashlib.sha1(piece).digest()).decode()
    if client.rng.random() < 0.1:
        return client.ask("PATCH", upload.path, {
            "Upload-Draft-Interop-Version": "6", "Upload-Offset": str(offset), "Content-Type": "application/partial-upload",
            "Upload-Complete": "?1" if offset + len(piece) == len(upload.data) else "?0"}, piece)
    return client.ask("PATCH", upload.path, tus(headers), piece)


def step(client, upload):
    """One thing that a client may do; True when the upload is over."""
    rng, size = client.rng, len(upload.data)
    offset = upload.reported
    piece = upload.data[offset:offset + rng.choice([1, 700, 5000, size])]
    what = rng.random()
    if what < 0.1:
        client.broken_patch(upload.path, offset, upload.data[offset:] or b"x")
    elif what < 0.2:  # bytes that were sent before, or are too early; never taken
        wrong = rng.choice([0, max(0, offset - 1), offset + 1])
        answer = patch(client, upload, wrong, upload.data[wrong:wrong + 100])
        if answer.status == 409:
            upload.see_offset(int(answer.headers["Upload-Offset"]))
    elif what < 0.25 and piece:  # a wrong checksum: taken back
        answer = client.ask("PATCH", upload.path, tus({
            "Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE,
            "Upload-Checksum": "sha1 " + "A" * 27 + "="}), b"?" * len(piece))
        assert answer.status in (400, 409, 413, 460), answer.status
    elif what < 0.35:
        twin = Client(client.daemon, random.Random(rng.random()))
        thread = threading.Thread(target=quietly, args=(patch, twin, upload, offset, piece))
        thread.start()
        try:
            patch(client, upload, offset, piece)
        finally:
            thread.join()
            twin.drop()
    else:
        answer = patch(client, upload, offset, piece, digest=rng.random() < 0.3)
        assert answer.status in (201, 204, 400, 409, 503), answer.status
    head = look(client, upload)
    upload.asset = head.headers.get("Albumen-Asset")
    return upload.asset is not None or upload.reported == size


def quietly(fn, *args):
    try:
        fn(*args)
    except ERRORS:
        pass


class Pace:
    """Kills come between uploads, however fast those are: nobody begins one for which the kill before it is still due."""

    def __init__(self, count):
        self.count, self.begun, self.over, self.kills = count, 0, 0, 0
        self.turn = threading.Condition()

    def begin(self):
        with self.turn:
            self.turn.wait_for(lambda: self.kills == KILLS or self.begun < (self.kills + 2) * self.count // (KILLS + 2))
            self.begun += 1

    def end(self):
        with self.turn:
            self.over += 1

    def is_due(self):
        with self.turn:
            return self.kills < KILLS and self.over >= (self.kills + 1) * self.count // (KILLS + 2)

    def killed(self):
        with self.turn:
            self.kills += 1
            self.turn.notify_all()


def work(client, uploads, pace, failures):
    try:
        for upload in uploads:
            pace.begin()
            over = False
            while not over:
                try:
                    if upload.path is None:
                        begin(client, upload)
                    over = step(client, upload)
                except ERRORS:
                    client.drop()
                    time.sleep(0.05)  # the server is being killed: it is back in a moment
            pace.end()
    except BaseException as e:
        failures.append(e)
        raise


def test_every_byte_arrives(tmp_path):
    daemon = Daemon(tmp_path / "data").start()
    assert daemon.key
    uploads = [Upload(data) for data in photos()]
    unfinished = uploads[-20:]
    failures, pace = [], Pace(len(uploads) - 20)
    clients = [Client(daemon, random.Random(i)) for i in range(CLIENTS)]
    threads = [threading.Thread(target=work, args=(client, uploads[i:-20:CLIENTS], pace, failures), daemon=True)
               for i, client in enumerate(clients)]
    for client, upload in zip(clients * 2, unfinished):
        begin(client, upload)
    for t in threads:
        t.start()
    rng = random.Random(7)
    while any(t.is_alive() for t in threads) and not failures:
        if pace.is_due():
            time.sleep(rng.random() / 20)
            daemon.kill9()
            daemon.start()
            pace.killed()
        time.sleep(0.05)
    assert not failures and pace.kills == KILLS
    check(daemon, uploads[:-20], unfinished, clients[0])
    daemon.stop()


def check(daemon, finished, unfinished, client):
    client.drop()
    http_session = daemon.session()
    assets = set()
    for upload in finished:
        deadline = time.monotonic() + 60
        while upload.asset is None:  # whole, but its end was cut off by a kill: the server ends it by itself
            upload.asset = look(client, upload).headers.get("Albumen-Asset")
            assert time.monotonic() < deadline, upload.path
        detail = http_session.get(f"{daemon.url}/api/assets/{upload.asset}").json()
        assert detail["checksum"] == base64_sha1(upload.data)
        assets.add(upload.asset)
    assert len(assets) == len(finished)
    for upload in random.Random(3).sample(finished, 20):
        assert http_session.get(f"{daemon.url}/api/assets/{upload.asset}/original").content == upload.data
    for upload in unfinished:
        look(client, upload)
        answer = patch(client, upload, upload.reported, upload.data[upload.reported:])
        if answer.headers.get("Albumen-Asset") is None:
            answer = look(client, upload)
        assert answer.headers["Albumen-Asset"]


def base64_sha1(data):
    return base64.b64encode(hashlib.sha1(data).digest()).decode()
