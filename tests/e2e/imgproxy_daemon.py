# SPDX-License-Identifier: Apache-2.0
"""`albumen imgproxy` as tests use it, and a server of sources, good ones and hostile ones."""
import json
import os
import pathlib
import re
import socket
import socketserver
import subprocess
import threading
import time
import urllib.parse

import pictures
import requests
from daemon import BINARY, Daemon

START_TIMEOUT = 120


class Imgproxy:
    """One process, set up by variables alone (names without IMGPROXY_); its log is kept."""

    def __init__(self, cache, flags=(), **variables):
        Daemon.all.append(self)  # conftest.py looks at the log and ends what a failed test has left
        self.log = []
        self.process = None
        self.flags = [str(f) for f in flags]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("IMGPROXY_") and k != "PORT"}
        given = {"BIND": "127.0.0.1:0", "PROMETHEUS_BIND": "127.0.0.2:0", "LOG_FORMAT": "json",
                 "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true", **variables}
        self.env = {**clean, "XDG_CACHE_HOME": str(cache), **{"IMGPROXY_" + k: str(v) for k, v in given.items() if v is not None}}

    def start(self):
        self.process = subprocess.Popen([BINARY, "imgproxy", *self.flags], env=self.env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ready = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self.reader.start()
        assert ready.wait(START_TIMEOUT) and self.process.poll() is None, "\n".join(self.log)
        return self

    def _read(self, ready):
        for line in self.process.stdout:
            self.log.append(line.rstrip())
            found = re.search(r"Starting (Prometheus )?server at (unix:[^\"]+|[^ \"]+)", line)
            if found and found.group(1):
                self.metrics = "http://" + found.group(2)
            elif found:
                self.address = found.group(2)
                self.url = "http://" + found.group(2)
                ready.set()
        ready.set()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, status=0):
        self.process.terminate()
        assert self.process.wait(120) == status, "\n".join(self.log[-40:])
        self.reader.join(60)

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def get(self, path, method="GET", **kwargs):
        kwargs.setdefault("timeout", 120)
        return requests.request(method, self.url + path, **kwargs)

    def plain(self, source, options="rs:fit:300:300", form="", **kwargs):
        return self.get(f"/x/{options}/plain/{urllib.parse.quote(source, safe=':/')}{form}", **kwargs)

    def metric(self, name):
        for line in requests.get(self.metrics, timeout=120).text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)

    def records(self):
        return [json.loads(line) for line in self.log if line.startswith("{")]

    def children(self):
        """Workers and what they hang on, all generations."""
        out = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True).stdout.split()
        parents = dict(zip(map(int, out[::2]), map(int, out[1::2])))
        family = {self.process.pid}
        for _ in range(4):
            family |= {pid for pid, parent in parents.items() if parent in family}
        return family - {self.process.pid}

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def refused(cache, **variables):
    """It does not start; what it says."""
    server = Imgproxy(cache, **variables)
    run = subprocess.run([BINARY, "imgproxy"], env=server.env, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1, run
    return run.stdout + run.stderr


def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Sources:
    """Answers by path; counts what it was asked for. Hostile ways hold on until `stop`."""

    def __init__(self):
        self.asked = {}
        self.heads = {}
        self.left = set()
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.photos = {}
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    outer.answer(self.request)
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 1024

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def photo(self, n):
        with self.lock:
            if n not in self.photos:
                self.photos[n] = pictures.photo(n, 800 + 16 * (n % 10), 600)
            return self.photos[n]

    def answer(self, s):
        s.settimeout(120)
        head = b""
        while b"\r\n\r\n" not in head:
            got = s.recv(65536)
            if not got:
                return
            head += got
        path = head.split(b" ")[1].decode().split("?")[0]
        with self.lock:
            self.asked[path] = self.asked.get(path, 0) + 1
            self.heads[path] = head.decode("latin-1")
        way, _, rest = path[1:].partition("/")
        getattr(self, "do_" + way, self.do_missing)(s, rest)

    @staticmethod
    def send(s, status, body, headers="", length=None):
        length = len(body) if length is None else length
        s.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n".encode() + body)

    def do_missing(self, s, rest):
        self.send(s, 404, b"no")

    def do_photo(self, s, rest):
        self.send(s, 200, self.photo(int(rest.split(".")[0])), "Content-Type: image/jpeg\r\nCache-Control: max-age=100\r\n")

    def do_fresh(self, s, rest):  # with validators, for conditions
        self.send(s, 200, self.photo(1), 'ETag: "one"\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\nCache-Control: max-age=100\r\n')

    def do_status(self, s, rest):
        self.send(s, int(rest), b"" if rest == "204" else b"words")

    def do_part(self, s, rest):
        self.send(s, 206, self.photo(1)[:500], "Content-Range: bytes 0-499/99999\r\n")

    def do_text(self, s, rest):
        self.send(s, 200, b"this is no picture, but words\n" * 50)

    def do_broken(self, s, rest):
        body = self.photo(2)
        self.send(s, 200, body[:400] + bytes(300) + b"\xff\xd9")

    def do_bomb(self, s, rest):
        self.send(s, 200, pictures.png_bomb(9000))

    def do_half(self, s, rest):
        body = self.photo(3)
        self.send(s, 200, body[:len(body) // 2], length=len(body))

    def do_longer(self, s, rest):  # says less than it sends
        body = self.photo(4)
        self.send(s, 200, body, length=len(body) - 100)

    def do_loop(self, s, rest):
        self.send(s, 302, b"", f"Location: {self.url}/loop/{int(rest or 0) + 1}\r\n")

    def do_to(self, s, rest):
        self.send(s, 302, b"", f"Location: {urllib.parse.unquote(rest)}\r\n")

    def do_hang(self, s, rest):
        self.ended.wait(60)

    def do_patient(self, s, rest):  # says nothing, until the other side leaves
        if not s.recv(1):
            with self.lock:
                self.left.add("/patient/" + rest)

    def do_early(self, s, rest):
        s.close()

    def do_cut(self, s, rest):  # in the middle of the head
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")

    def do_forever(self, s, rest):
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n")
        body = self.photo(5)
        s.sendall(f"{len(body):x}\r\n".encode() + body + b"\r\n")
        while not self.ended.wait(0.05):
            s.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")

    def do_slow(self, s, rest):
        body = self.photo(6)
        s.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for i in range(0, len(body), 64):
            if self.ended.wait(0.2):
                return
            s.sendall(body[i:i + 64])

    def do_changing(self, s, rest):
        """Another length each time, and once in three times not that one."""
        with self.lock:
            n = sum(self.asked.values())
        body = self.photo(n % 7)
        self.send(s, 200, body, length=len(body) + (0, 50, -50)[n % 3])


def raw(port, text, answer=True):
    """Bytes to the server, and everything that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as s:
        s.sendall(text)
        got = b""
        while answer:
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
        return got


def write_photos(folder, count=3):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        (folder / f"{n}.jpg").write_bytes(pictures.photo(n, 900, 600))
    return folder
