# SPDX-License-Identifier: Apache-2.0
"""The imgproxy door remembers for a moment what a URL came to (where it writes no log of requests): such answers are the
same ones, and change as soon as others do: those from memory, and those that are read from the disk each time."""
import http.client
import socket
import subprocess

import pictures
import pytest
from daemon import BINARY
from imgproxy import Origin
from imgproxy_daemon import Imgproxy, until

FRESH = {"Cache-Control": "max-age=86400", "Last-Modified": "Mon, 01 Sep 2025 10:00:00 GMT"}
TIMES = 4  # made, from memory (or from the disk), and twice as it was a moment ago
DISK = ("--hot-cache-size", "0")


@pytest.fixture(params=[(), DISK], ids=["memory", "disk"])
def flags(request):
    return request.param


class Quiet(Imgproxy):
    """Says nothing when it starts, so it listens where its socket is."""

    def __init__(self, folder, flags=(), **variables):
        self.socket = str(folder / "s")
        super().__init__(folder, flags, LOG_LEVEL="error", NETWORK="unix", BIND=self.socket, PROMETHEUS_BIND=None, **variables)

    def start(self):
        self.process = subprocess.Popen([BINARY, "imgproxy", *self.flags], env=self.env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.listens, "it listens", 120)
        return self

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(120)
        s.connect(self.socket)
        return s

    def listens(self):
        assert self.process.poll() is None
        try:
            self.connect().close()
            return True
        except OSError:
            return False

    def ask(self, path, **headers):
        connection = http.client.HTTPConnection("albumen")
        connection.sock = self.connect()
        connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body


def lasting(headers):
    return {k: v for k, v in headers.items() if k not in ("Date", "X-Request-ID", "Cache-Control")}


def size(answer):
    assert answer[0] == 200, answer
    return pictures.size_of(answer[2])


def test_the_same_answer_again(tmp_path, flags):
    origin = Origin()
    origin.pages["/a.jpg"] = (200, FRESH, pictures.photo(1, 300, 600))
    with Quiet(tmp_path, flags, ALLOW_ORIGIN="*") as server:
        path = f"/x/rs:fit:90:90/fn:one/plain/{origin.url}/a.jpg"
        first = server.ask(path)
        assert first[1]["Access-Control-Allow-Origin"] == "*" and "one.jpg" in first[1]["Content-Disposition"]
        for _ in range(TIMES):
            again = server.ask(path)
            assert (again[0], lasting(again[1]), again[2]) == (200, lasting(first[1]), first[2])
            assert again[1]["Cache-Control"].startswith("max-age=") and again[1]["X-Request-ID"] != first[1]["X-Request-ID"]
            assert server.ask(path, If_None_Match=first[1]["ETag"])[0] == 304
            part = server.ask(path, Range="bytes=10-19")
            assert (part[0], part[2]) == (206, first[2][10:20])
    assert len(origin.seen) == 1
    origin.close()


def test_one_answer_for_each_accept(tmp_path, flags):
    origin = Origin()
    origin.pages["/a.jpg"] = (200, FRESH, pictures.photo(1, 300, 600))
    with Quiet(tmp_path, flags, AUTO_WEBP="true") as server:
        path = f"/x/rs:fit:90:90/plain/{origin.url}/a.jpg"
        for _ in range(TIMES):
            assert server.ask(path, Accept="image/webp")[1]["Content-Type"] == "image/webp"
            assert server.ask(path, Accept="image/png")[1]["Content-Type"] == "image/jpeg"
            assert server.ask(path)[1]["Content-Type"] == "image/jpeg"
    origin.close()


def test_a_purge_is_seen_at_once(tmp_path, flags):
    origin = Origin()
    with Quiet(tmp_path, flags) as server:
        path = f"/x/rs:fit:90:90/plain/{origin.url}/a.jpg"
        for n in range(6):
            wide = n % 2
            origin.pages["/a.jpg"] = (200, FRESH, pictures.photo(n, 600 if wide else 300, 300 if wide else 600))
            for _ in range(TIMES):
                assert size(server.ask(path)) == ((90, 45) if wide else (45, 90))
            subprocess.run([BINARY, "cache", "purge", "source", origin.url + "/a.jpg", "--cache-dir",
                            tmp_path / "albumen/imgproxy"], check=True, timeout=120)
    origin.close()


def test_a_source_that_is_asked_for_anew_counts_at_once(tmp_path, flags):
    origin = Origin()
    with Quiet(tmp_path, flags, ALLOW_BYPASS_CACHE="true") as server:
        for n in range(6):
            wide = n % 2
            origin.pages["/a.jpg"] = (200, FRESH, pictures.photo(n, 600 if wide else 300, 300 if wide else 600))
            for bypass in ("bc:1/", "", "", ""):
                answer = server.ask(f"/x/{bypass}rs:fit:90:90/plain/{origin.url}/a.jpg")
                assert size(answer) == ((90, 45) if wide else (45, 90)), (n, bypass)
    origin.close()


def spoil(folder):
    """One bit of each result that is kept; how many."""
    files = [f for f in folder.rglob("*") if f.is_file() and f.read_bytes()[:7] == b"ALBDERV" and f.stat().st_size > 500]
    for n, file in enumerate(files):
        content = bytearray(file.read_bytes())
        content[len(content) // 2 + n] ^= 1
        file.write_bytes(content)
    return len(files)


def test_what_lies_on_the_disk_is_checked_each_time(tmp_path):
    origin = Origin()
    origin.pages["/a.jpg"] = (200, FRESH, pictures.photo(1, 300, 600))
    with Quiet(tmp_path, DISK) as server:
        path = f"/x/rs:fit:90:90/plain/{origin.url}/a.jpg"
        first = server.ask(path)
        for _ in range(TIMES):
            for _ in range(TIMES):
                assert server.ask(path)[2] == first[2]
            assert spoil(tmp_path / "albumen/imgproxy/cache") == 1
    origin.close()
