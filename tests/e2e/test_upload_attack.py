# SPDX-License-Identifier: Apache-2.0
"""Uploads under attack from outside: broken heads and bodies, odd values, ids and metadata, requests against each other,
and a server that is killed between any two requests. What was reported stays, what was not asked for does not happen."""
import base64
import hashlib
import json
import os
import random
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import pictures
from tusd_daemon import OCTETS, TUS, Tusd, until

OFFSET_TYPE = "application/offset+octet-stream"
HEAD = "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n{fields}\r\n"


@pytest.fixture(scope="module")
def tusd(tmp_path_factory):
    with Tusd(tmp_path_factory.mktemp("tusd") / "files") as server:
        yield server
        server.stop()


def b64(data):
    return base64.b64encode(data).decode()


def request(method, path, fields=(), body=b""):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return HEAD.format(method=method, path=path, fields=lines).encode("latin1") + body


def exchange(server, data):
    """Sends bytes as they are; status, header lines and body of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as s:
        s.sendall(data)
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin1").split("\r\n")
    return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:] if ": " in line), body


def path_of(url):
    return "/" + url.split("/", 3)[3]


def offset_of(url):
    answer = requests.head(url, headers=TUS, timeout=60)
    assert answer.status_code == 200, answer.status_code
    return int(answer.headers["Upload-Offset"])


def partial(server, data):
    answer = server.create(len(data), {"Upload-Concat": "partial"})
    assert answer.status_code == 201
    assert server.patch(answer.headers["Location"], 0, data).status_code == 204
    return answer.headers["Location"]


# ---- connections that break off

def with_length(path, data):
    return request("PATCH", path, [("Upload-Offset", 0), ("Content-Type", OFFSET_TYPE), ("Content-Length", len(data))], data)


def in_chunks(path, data):
    body = b"".join(b"%x\r\n%b\r\n" % (len(data[i:i + 7]), data[i:i + 7]) for i in range(0, len(data), 7)) + b"0\r\n\r\n"
    return request("PATCH", path, [("Upload-Offset", 0), ("Content-Type", OFFSET_TYPE), ("Transfer-Encoding", "chunked")], body)


@pytest.mark.parametrize("make", [with_length, in_chunks])
def test_a_request_cut_anywhere_leaves_an_upload_to_go_on_with(tusd, make):
    data = os.urandom(60)
    whole = len(make("/files/" + "0" * 32, data))
    for cut in range(1, whole, 3):
        url = tusd.create(len(data)).headers["Location"]
        with socket.create_connection(("127.0.0.1", tusd.port), timeout=60) as s:
            s.sendall(make(path_of(url), data)[:cut])
        at = 0
        while True:
            assert at <= (at := offset_of(url)), cut
            answer = tusd.patch(url, at, data[at:])
            if answer.status_code == 204:
                break
            assert answer.status_code in (400, 409), answer.text  # what was cut may arrive only now, and interrupt
        assert requests.get(url, timeout=60).content == data, cut


def test_a_body_past_the_end_changes_nothing_that_was_reported(tusd):
    url = tusd.create(10).headers["Location"]
    assert tusd.patch(url, 0, b"0123").status_code == 204
    status, headers, _ = exchange(tusd, request(
        "PATCH", path_of(url), [("Upload-Offset", 4), ("Content-Type", OFFSET_TYPE), ("Transfer-Encoding", "chunked")],
        b"14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n"))
    assert status == 413 and headers["Upload-Offset"] == "4"
    assert tusd.patch(url, 4, b"456789xx").status_code == 413
    assert tusd.patch(url, 4, b"456789").status_code == 204
    assert requests.get(url, timeout=60).content == b"0123456789"


# ---- odd values

@pytest.mark.parametrize("length", ["-1", "+1", "1e3", "0x10", "1.0", "1,1", "", "9223372036854775808", "9" * 40])
def test_lengths_that_are_none(tusd, length):
    assert exchange(tusd, request("POST", "/files/", [("Upload-Length", length)]))[0] == 400


@pytest.mark.parametrize("length", [2**63 - 1, 2**62])
def test_lengths_that_are_too_large(tusd, length):
    status, headers, _ = exchange(tusd, request("POST", "/files/", [("Upload-Length", length)]))
    assert status in (413, 507) and "Location" not in headers


@pytest.mark.parametrize("offset", ["-1", "+0", "0x0", "1e0", "", "9" * 40, "1"])
def test_offsets_that_are_not_right(tusd, offset):
    url = tusd.create(5).headers["Location"]
    status, headers, _ = exchange(tusd, request("PATCH", path_of(url), [("Upload-Offset", offset), ("Content-Type", OFFSET_TYPE),
                                                                        ("Content-Length", 1)], b"x"))
    assert status == (409 if offset == "1" else 400) and headers["Upload-Offset"] == "0"
    assert offset_of(url) == 0


def test_a_length_is_declared_once(tusd):
    url = requests.post(tusd.url + "/files/", headers={**TUS, "Upload-Defer-Length": "1"}, timeout=60).headers["Location"]
    assert tusd.patch(url, 0, b"abc").status_code == 204
    assert tusd.patch(url, 3, b"", {"Upload-Length": "2"}).status_code == 400  # shorter than what is there
    assert tusd.patch(url, 3, b"", {"Upload-Length": "6"}).status_code == 204
    assert tusd.patch(url, 3, b"", {"Upload-Length": "7"}).status_code == 400
    assert requests.head(url, headers=TUS, timeout=60).headers["Upload-Length"] == "6"
    assert tusd.patch(url, 3, b"def", {"Upload-Length": "6"}).status_code == 204
    assert requests.get(url, timeout=60).content == b"abcdef"


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fx", "..", ".", "a%00b", "a%2f..%2fb", ".albumen%2fx.state",
                                  ".albumen/x.state", "%ff", "%", "a%2", "%0d%0aX-Y:%20z", "a" * 201, "a" * 8000, "a%5c..%5cb"])
@pytest.mark.parametrize("method", ["HEAD", "GET", "PATCH", "DELETE"])
def test_names_that_no_upload_has(tusd, name, method):
    fields = [("Upload-Offset", 0), ("Content-Type", OFFSET_TYPE)] if method == "PATCH" else []
    before = sorted(os.listdir(tusd.folder.parent))
    status, headers, _ = exchange(tusd, request(method, "/files/" + name, fields))
    assert status in (400, 404) and "X-Y" not in headers and "Upload-Offset" not in headers
    assert sorted(os.listdir(tusd.folder.parent)) == before


@pytest.mark.parametrize("text", ["a", "a ", "a Zm9v,flag", "a Zm9v, b Zm9v", "a !!!!", "a Zm9v,a YmFy", ",", "a b Zm9v",
                                  "k " + "A" * 16000])
def test_metadata_is_echoed_as_it_came(tusd, text):
    status, headers, _ = exchange(tusd, request("POST", "/files/", [("Upload-Length", 5), ("Upload-Metadata", text)]))
    assert status == 201
    status, headers, _ = exchange(tusd, request("HEAD", path_of(headers["Location"])))
    assert status == 200 and headers["Upload-Metadata"] == text.strip()


def test_file_names_add_no_headers(tusd):
    name = b64(b'a"b\r\nX-Evil: 1\r\n\r\n<script>\x00\x7f.jpg')
    answer = requests.post(tusd.url + "/files/", headers={**OCTETS, "Upload-Length": "5", "Upload-Metadata": "filename " + name}, data=b"hello",
                           timeout=60)
    status, headers, body = exchange(tusd, request("GET", path_of(answer.headers["Location"])))
    assert status == 200 and body == b"hello" and "X-Evil" not in headers


@pytest.mark.parametrize("value", [b"image/png; a=b\r\nX-Evil: 1", b"text/plain;\nX-Evil: 1", b"image/png;\x00x",
                                   b"image/png\r\n\r\nHTTP/1.1 200 OK"])
def test_file_types_add_no_headers(tusd, value):
    answer = requests.post(tusd.url + "/files/", headers={**OCTETS, "Upload-Length": "5", "Upload-Metadata": "filetype " + b64(value)},
                           data=b"hello", timeout=60)
    status, headers, body = exchange(tusd, request("GET", path_of(answer.headers["Location"])))
    assert status == 200 and body == b"hello" and "X-Evil" not in headers
    assert headers["Content-Type"] == "application/octet-stream"


# ---- checksums

def checksum(kind, data):
    return {"Upload-Checksum": f"{kind} {b64(hashlib.new(kind, data).digest())}"}


@pytest.fixture
def photos(shared_daemon):
    """The door of serve, which knows checksums."""
    class Door:
        data = shared_daemon.data
        port = int(shared_daemon.url.rsplit(":", 1)[1])
        http = shared_daemon.session()
        key = ("x-api-key", shared_daemon.key)

        def new(self, **fields):
            answer = self.http.post(shared_daemon.url + "/files/", timeout=60, headers=TUS | {k.replace("_", "-"): str(v) for k, v in fields.items()})
            assert answer.status_code == 201, answer.text
            return answer.headers["Location"]

        def patch(self, url, offset, data, headers=None):
            return self.http.patch(url, data=data, timeout=60, headers={**OCTETS, "Upload-Offset": str(offset), **(headers or {})})

        def head(self, url):
            return self.http.head(url, headers=TUS, timeout=60)
    return Door()


def test_a_checksum_that_is_wrong_takes_its_bytes_back(photos):
    data = os.urandom(300000)
    url = photos.new(Upload_Length=len(data) + 1)
    at = 0
    for kind in ("sha1", "sha256", "md5"):
        piece = data[at:at + 100000]
        assert photos.patch(url, at, piece, checksum(kind, b"other")).status_code == 460
        assert photos.patch(url, at, piece, {"Upload-Checksum": "rot13 " + b64(b"x")}).status_code == 400
        assert photos.patch(url, at, piece, {"Upload-Checksum": kind + " ===="}).status_code == 400
        assert photos.head(url).headers["Upload-Offset"] == str(at)
        answer = photos.patch(url, at, piece, checksum(kind, piece))
        at += len(piece)
        assert answer.status_code == 204 and answer.headers["Upload-Offset"] == str(at)


@pytest.mark.parametrize("cut", [0, 1, 50000, 99999])
def test_bytes_that_could_not_be_checked_are_not_kept(photos, cut):
    data = os.urandom(100000)
    url = photos.new(Upload_Length=len(data) + 1)
    fields = [photos.key, ("Upload-Offset", 0), ("Content-Type", OFFSET_TYPE), ("Content-Length", len(data)),
              ("Upload-Checksum", "sha1 " + b64(hashlib.sha1(data).digest()))]
    with socket.create_connection(("127.0.0.1", photos.port), timeout=60) as s:
        s.sendall(request("PATCH", path_of(url), fields, data[:cut]))
    assert photos.head(url).headers["Upload-Offset"] == "0"

    def again():  # the request that was left may be taken up only now and stop this one: as every client, try again
        return photos.patch(url, 0, data, checksum("sha1", data)).headers.get("Upload-Offset") == str(len(data))
    until(again, "an upload that was left without its bytes takes none")


# ---- uploads whose last byte is there

def test_a_photo_is_taken_in_though_its_request_never_ends(photos):
    data = pictures.photo(93001)
    url = photos.new(Upload_Length=len(data))

    def is_taken_in():  # a question that is quicker than the bytes ends what brings them: then the rest is sent
        at = int(photos.head(url).headers["Upload-Offset"])
        if at < len(data):
            fields = [photos.key, ("Upload-Offset", at), ("Content-Type", OFFSET_TYPE), ("Transfer-Encoding", "chunked")]
            with socket.create_connection(("127.0.0.1", photos.port), timeout=60) as s:
                s.sendall(request("PATCH", path_of(url), fields, b"%x\r\n%b\r\n" % (len(data) - at, data[at:])))  # no last chunk
        return "Albumen-Asset" in photos.head(url).headers

    until(is_taken_in, "all bytes are there, and no photo is made of them")


def test_a_part_goes_after_it_was_read(photos):
    data = pictures.photo(93002)
    a = photos.new(Upload_Length=5000, Upload_Concat="partial")
    b = photos.new(Upload_Length=len(data) - 5000, Upload_Concat="partial")
    assert photos.patch(a, 0, data[:5000]).status_code == 204

    def is_read():
        others = (f for f in (photos.data / "uploads").glob("*.data") if f.stem != a.rsplit("/", 1)[1])
        return any(f.stat().st_size == 5000 for f in others)

    with ThreadPoolExecutor(1) as pool:
        whole = pool.submit(photos.new, Upload_Concat=f"final;{a} {b}")
        until(is_read, "the first part is not read")
        assert photos.http.delete(a, headers=TUS, timeout=60).status_code == 204
        for _ in range(20):  # what was freed is used by others
            photos.new(Upload_Length=1)
        assert photos.patch(b, 0, data[5000:]).status_code == 204
        url = whole.result()
    until(lambda: "Albumen-Asset" in photos.head(url).headers, "the whole is not finished")
    assert photos.head(url).headers["Upload-Length"] == str(len(data))


# ---- requests against each other

def test_of_two_writers_one_wins(tusd):
    with ThreadPoolExecutor(4) as pool:
        for _ in range(60):
            url = tusd.create(3000).headers["Location"]
            answers = list(pool.map(lambda letter, url=url: tusd.patch(url, 0, letter * 3000), [b"a", b"b", b"c", b"d"]))
            assert all(a.status_code in (204, 400, 409) for a in answers), [a.text for a in answers]
            at = offset_of(url)
            content = requests.get(url, timeout=60).content
            assert len(content) == at and len(set(content)) <= 1  # never interleaved
            winners = [a for a in answers if a.status_code == 204]
            assert len(winners) <= 1 and (not winners or at == 3000)


def test_everything_against_everything(tusd):
    """No request fails for a reason of the server's, no offset goes back, nothing is left behind."""
    urls, failures = [], []

    def attacker(seed):
        dice, http = random.Random(seed), requests.Session()
        for _ in range(150):
            if not urls or dice.random() < 0.15:
                urls.append(tusd.create(2000, {"Upload-Concat": "partial"} if dice.random() < 0.5 else None).headers["Location"])
                continue
            url = dice.choice(urls[-4:])
            match dice.randrange(6):
                case 0 | 1:
                    answer = http.head(url, headers=TUS, timeout=60)
                    at = int(answer.headers.get("Upload-Offset", 2000))
                    if answer.status_code == 200 and at < 2000:
                        answer = tusd.patch(url, at, b"z" * dice.choice([1, 500, 2000 - at]))
                case 2:
                    answer = http.delete(url, headers=TUS, timeout=60)
                case 3:
                    answer = http.get(url, timeout=60)
                case 4:
                    answer = http.post(tusd.url + "/files/", headers={**TUS, "Upload-Concat": f"final;{url} {dice.choice(urls[-4:])}"}, timeout=60)
                case _:
                    with socket.create_connection(("127.0.0.1", tusd.port), timeout=60) as s:
                        s.sendall(request(dice.choice(["HEAD", "GET", "DELETE"]), path_of(url)))
                    continue
            if answer.status_code not in (200, 201, 204, 400, 404, 409, 410):
                failures.append((answer.request.method, answer.status_code, answer.text))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attacker, range(6)))
    assert failures == []
    for url in urls:
        assert requests.delete(url, headers=TUS, timeout=60).status_code in (204, 404)


def test_odd_requests_leave_no_descriptor(tusd):
    fds = f"/proc/{tusd.process.pid}/fd"
    requests.get(tusd.url + "/metrics", timeout=60)
    before = len(os.listdir(fds))
    for i in range(250):
        url = tusd.create(100).headers["Location"]
        with socket.create_connection(("127.0.0.1", tusd.port), timeout=60) as s:
            s.sendall(with_length(path_of(url), b"x" * 100)[:40 + i % 250])
        assert requests.delete(url, headers=TUS, timeout=60).status_code == 204
    until(lambda: len(os.listdir(fds)) <= before, "descriptors are left open")


# ---- concatenation

def test_lists_of_parts_that_cannot_be(tusd):
    a, whole = partial(tusd, b"abc"), tusd.create(3).headers["Location"]
    gone = partial(tusd, b"gone")
    assert requests.delete(gone, headers=TUS, timeout=60).status_code == 204
    for text, status in [("final", 400), ("final;", 400), ("final; ", 400), ("Final;" + a, 400), ("final;/files/", 400), ("final;/other/x", 400),
                         ("final;" + gone, 404), (f"final;{a} {gone}", 404), (f"final;{a},{a}", 404), ("final;/files/..%2fx", 404),
                         ("final;/files/a%00b", 400), ("final;" + whole, 400), ("final;" + " ".join([a] * 1001), 400)]:
        answer = requests.post(tusd.url + "/files/", headers={**TUS, "Upload-Concat": text}, timeout=60)
        assert answer.status_code == status and "Location" not in answer.headers, (text[:60], answer.text)


def test_a_part_may_be_there_often_and_then_go(tusd):
    a, b = partial(tusd, b"abc"), partial(tusd, b"defg")
    answer = requests.post(tusd.url + "/files/", headers={**TUS, "Upload-Concat": "final;" + " ".join([a, b, a] * 100)}, timeout=60)
    url = answer.headers["Location"]
    assert answer.status_code == 201 and requests.get(url, timeout=60).content == b"abcdefgabc" * 100
    assert requests.delete(a, headers=TUS, timeout=60).status_code == 204
    assert requests.get(url, timeout=60).content == b"abcdefgabc" * 100
    assert tusd.patch(url, 1000, b"").status_code == 403
    assert offset_of(url) == 1000


# ---- a server that dies between any two requests

def test_killed_between_any_two_requests(tmp_path):
    server = Tusd(tmp_path / "files")

    def again():
        if server.process is not None:
            server.process.kill()
            server.process.wait()
        server.port = 0
        server.start()

    def killed(path):
        again()
        return server.url + path

    try:
        again()
        data = os.urandom(90000)
        path = path_of(server.create(len(data), {"Upload-Metadata": "a Zm9v,flag"}).headers["Location"])
        at = 0
        while at < len(data):
            assert offset_of(killed(path)) == at
            answer = server.patch(killed(path), at, data[at:at + 40000])
            assert answer.status_code == 204
            at = int(answer.headers["Upload-Offset"])
        assert requests.get(killed(path), timeout=60).content == data
        assert requests.head(killed(path), headers=TUS, timeout=60).headers["Upload-Metadata"] == "a Zm9v,flag"
        info = json.loads((server.folder / (path.rsplit("/", 1)[1] + ".info")).read_text())
        assert info["Size"] == len(data) and info["MetaData"] == {"a": "foo", "flag": ""}
        assert requests.delete(killed(path), headers=TUS, timeout=60).status_code == 204
        assert requests.head(killed(path), headers=TUS, timeout=60).status_code == 404
        assert os.listdir(server.folder) == [".albumen"]
    finally:
        server.process.kill()
        server.process.wait()
