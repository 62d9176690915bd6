# SPDX-License-Identifier: Apache-2.0
"""A server that speaks just enough for an importer: tus 1.0 with creation-with-upload at /files/, the bulk check
and the two questions of the hello. It keeps what it gets in memory, counts everything, and can be made to fail in
chosen ways, so that tests of the importer need no real server (and can do what a real one never would).

Faults are probabilities (0..1) or numbers in `faults`; see FAULTS. Every random choice comes from one seeded
generator."""
import base64
import hashlib
import base64
import hashlib
import json
import random
import socket
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = {
    "drop_body": 0.0,  # hang up after some bytes of a body; the bytes are kept
    "lose_body": 0.0,  # hang up after some bytes of a body; the bytes are not kept
    "flip": 0.0,  # a bit of a body is turned over on the way: its checksum does not hold (460), nothing is kept
    "drop_answer": 0.0,  # do everything, then hang up without an answer
    "refuse": 0.0,  # 503 with Retry-After: 0
    "error": 0.0,  # 500
    "forget": 0.0,  # an unfinished upload is gone (404)
    "rate": 0,  # bytes per second and request; 0 = no limit
    "hold_at": None,  # so many bytes in all, and no body is read on until this changes
    "retry_after": "0",
    "unauthorized": False,  # 401 to everything from now on
    "no_space": False,  # 507 to creations
    "reject": b"",  # 422 for content that starts so
    "silent": False,  # never answers a PATCH
}


class State:
    def __init__(self, key, seed=1):
        self.key = key
        self.lock = threading.RLock()
        self.random = random.Random(seed)
        self.faults = dict(FAULTS)
        self.uploads = {}  # id -> dict
        self.assets = {}  # sha1 hex -> dict(id, data, meta, trashed)
        self.names = []  # file names as they were stored, in order
        self.created = []  # sha1 of every "created"
        self.answers = []  # results in order
        self.counts = {}  # "METHOD target" -> n
        self.bytes_in = 0
        self.albums = {}  # album -> set of sha1
        self.tags = {}
        self.types = {"image": [".jpg", ".jpeg", ".png", ".webp", ".heic"], "video": [".mp4"], "sidecar": [".xmp"]}

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def chance(self, name):
        with self.lock:
            p = self.faults[name]
            return p > 0 and self.random.random() < p

    def quiet(self):
        """No faults from now on."""
        with self.lock:
            self.faults = dict(FAULTS)


class HangUp(Exception):
    pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "mock"

    @property
    def state(self):
        return self.server.state

    def log_message(self, *args):
        pass

    # --- answers
    def answer(self, status, headers=None, body=b"", kind="application/json"):
        self.send_response(status)
        for k, v in (headers or {}).items():
            self.send_header(k, str(v))
        if body:
            self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    def answer_json(self, status, value):
        self.answer(status, body=json.dumps(value).encode())

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
        except OSError:
            pass
        raise HangUp()

    def guard(self, fn):
        state = self.state
        try:
            if state.faults["unauthorized"] or self.headers.get("x-api-key") != state.key:
                self.drain()
                return self.answer_json(401, {"message": "Invalid API key", "statusCode": 401})
            if self.path.startswith(("/files", "/api/assets")):
                if state.chance("refuse"):
                    state.count("refused")
                    self.drain()
                    return self.answer(503, {"Retry-After": state.faults["retry_after"]})
                if state.chance("error"):
                    self.drain()
                    return self.answer_json(500, {"message": "mock failure"})
            fn()
        except HangUp:
            self.close_now()
        except (ConnectionError, socket.timeout):
            self.close_connection = True

    def close_now(self):
        self.close_connection = True
        try:
            self.connection.close()
        except OSError:
            pass

    # --- bodies
    def left(self):
        return int(self.headers.get("Content-Length") or 0)

    def drain(self):
        n = self.left()
        while n > 0:
            piece = self.rfile.read(min(n, 1 << 16))
            if not piece:
                break
            n -= len(piece)

    def body_pieces(self):
        """Yields what comes; hangs up in the middle when that is the plan. True as last value: keep nothing."""
        state, n = self.state, self.left()
        drop, lose = state.chance("drop_body"), state.chance("lose_body")
        cut = state.random.randrange(n) if n > 0 and (drop or lose) else n
        rate, got = state.faults["rate"], 0
        while got < cut:
            want = min(cut - got, 1 << 14 if rate else 1 << 16)
            piece = self.rfile.read(want)
            if not piece:
                raise ConnectionError()
            got += len(piece)
            with state.lock:
                state.bytes_in += len(piece)
            if not lose:
                yield piece
            if rate:
                time.sleep(len(piece) / rate)
            while state.faults["hold_at"] is not None and state.bytes_in >= state.faults["hold_at"]:
                time.sleep(0.01)
        if got < n:
            self.hang_up()

    # --- methods
    def do_GET(self):
        self.guard(self.get)

    def do_HEAD(self):
        self.guard(self.head)

    def do_POST(self):
        self.guard(self.post)

    def do_PATCH(self):
        self.guard(self.patch)

    def do_DELETE(self):
        self.guard(self.delete)

    def get(self):
        self.state.count("GET " + self.path)
        if self.path == "/api/users/me":
            return self.answer_json(200, {"id": str(uuid.uuid4()), "name": "tester", "email": "t@example.org"})
        if self.path == "/api/server/media-types":
            return self.answer_json(200, self.state.types)
        self.answer_json(404, {"message": "Not found"})

    def post(self):
        if self.path == "/api/assets/bulk-upload-check":
            self.state.count("check")
            return self.check()
        if self.path.rstrip("/") == "/files":
            self.state.count("create")
            return self.create()
        self.drain()
        self.answer_json(404, {"message": "Not found"})

    def check(self):
        question = json.loads(self.rfile.read(self.left()))
        results = []
        with self.state.lock:
            for a in question["assets"]:
                assert len(a["checksum"]) == 40
                found = self.state.assets.get(a["checksum"])
                if found:
                    results.append({"id": a["id"], "action": "reject", "reason": "duplicate",
                                    "assetId": found["id"], "isTrashed": found["trashed"]})
                else:
                    results.append({"id": a["id"], "action": "accept"})
        self.answer_json(200, {"results": results})

    # --- tus
    def create(self):
        state = self.state
        if self.headers.get("Tus-Resumable") != "1.0.0":
            self.drain()
            return self.answer(412, {"Tus-Version": "1.0.0"})
        if state.faults["no_space"]:
            self.drain()
            return self.answer(507)
        uid = uuid.uuid4().hex
        u = {"length": int(self.headers["Upload-Length"]), "data": bytearray(), "lock": threading.Lock(),
             "meta": parse_metadata(self.headers.get("Upload-Metadata", "")), "result": None}
        with state.lock:
            state.uploads[uid] = u
        where = "http://elsewhere.invalid:1/files/" + uid  # what a proxy may make of it
        with u["lock"]:
            if not self.take(u):
                return self.answer(460, {"Location": where, "Tus-Resumable": "1.0.0"})
            self.finish(uid, u, 201, {"Location": where})

    def take(self, u):
        """The body, at the end of what is there; False: it is not what its checksum says, and nothing was taken."""
        begin = len(u["data"])
        for piece in self.body_pieces():
            u["data"] += piece
        if len(u["data"]) > begin:
            if self.state.chance("flip"):
                u["data"][-1] ^= 1
            algorithm, value = self.headers["Upload-Checksum"].split(" ")
            assert algorithm == "sha1"
            if hashlib.sha1(u["data"][begin:]).digest() != base64.b64decode(value, validate=True):
                self.state.count("460")
                del u["data"][begin:]
                return False
        return True

    def upload(self):
        uid = self.path.rsplit("/", 1)[1]
        with self.state.lock:
            u = self.state.uploads.get(uid)
            if u and u["result"] is None and self.state.chance("forget"):
                del self.state.uploads[uid]
                u = None
        return uid, u

    def head(self):
        self.state.count("HEAD")
        uid, u = self.upload()
        if not u:
            return self.answer(404)
        self.answer(200, {"Upload-Offset": len(u["data"]), "Upload-Length": u["length"], "Cache-Control": "no-store",
                          "Tus-Resumable": "1.0.0"})

    def patch(self):
        self.state.count("PATCH")
        uid, u = self.upload()
        if self.state.faults["silent"]:
            self.drain()
            time.sleep(30)
        if not u:
            self.drain()
            return self.answer(404)
        if self.headers.get("Content-Type") != "application/offset+octet-stream":
            self.drain()
            return self.answer(415)
        # The holder before us ends when its connection does.
        with u["lock"]:
            if int(self.headers["Upload-Offset"]) != len(u["data"]):
                self.drain()
                return self.answer(409, {"Upload-Offset": len(u["data"])})
            if len(u["data"]) + self.left() > u["length"]:
                self.drain()
                return self.answer(413)
            if not self.take(u):
                return self.answer(460, {"Tus-Resumable": "1.0.0"})
            self.finish(uid, u, 204, {})

    def finish(self, uid, u, status, headers):
        state = self.state
        headers = dict(headers, **{"Tus-Resumable": "1.0.0", "Upload-Offset": len(u["data"])})
        if len(u["data"]) == u["length"]:
            if u["result"] is None:
                reject = state.faults["reject"]
                if reject and bytes(u["data"]).startswith(reject):
                    with state.lock:
                        state.uploads.pop(uid, None)
                    return self.answer_json(422, {"message": "this is no picture"})
                u["result"] = self.store(u)
            headers["Albumen-Asset"], headers["Albumen-Result"] = u["result"]
        if state.chance("drop_answer"):
            self.hang_up()
        self.answer(status, headers)

    def store(self, u):
        state, data = self.state, bytes(u["data"])
        sha1 = hashlib.sha1(data).hexdigest()
        with state.lock:
            a = state.assets.get(sha1)
            result = "duplicate"
            if a is None:
                a = state.assets[sha1] = {"id": str(uuid.uuid4()), "data": data, "meta": u["meta"], "trashed": False}
                state.created.append(sha1)
                state.names.append(u["meta"].get("filename"))
                result = "created"
            elif a["trashed"]:
                a["trashed"] = False
                result = "restored"
            if u["meta"].get("album"):
                state.albums.setdefault(u["meta"]["album"], set()).add(sha1)
            for tag in filter(None, u["meta"].get("tags", "").split(",")):
                state.tags.setdefault(tag, set()).add(sha1)
            state.answers.append(result)
            return a["id"], result

    def delete(self):
        uid, u = self.upload()
        with self.state.lock:
            self.state.uploads.pop(uid, None)
        self.answer(204 if u else 404)


def parse_metadata(text):
    out = {}
    for pair in filter(None, text.split(",")):
        key, _, value = pair.strip().partition(" ")
        out[key] = base64.b64decode(value, validate=True).decode("utf-8")
    return out


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


class MockServer:
    """start() and stop() may alternate: the port and the state stay."""

    def __init__(self, key="secret-key", seed=1):
        self.state = State(key, seed)
        self.port = 0
        self.http = None

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def start(self):
        self.http = Server(("127.0.0.1", self.port), Handler)
        self.http.state = self.state
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        if self.http:
            self.http.shutdown()
            self.http.server_close()
            self.thread.join()
            self.http = None
