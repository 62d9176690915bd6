# SPDX-License-Identifier: Apache-2.0
"""Resumable Uploads for HTTP: interop versions 3 to 8 and the newest text (no version), interim answers, limits,
problem details and digests, over real sockets; and curl."""
import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import time
from types import SimpleNamespace

import pytest
import requests

import pictures

APPEND = "application/partial-upload"
VERSIONS = [3, 4, 5, 6, 7, 8, None]


class Answer:
    def __init__(self, head):
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            self.headers[name.lower()] = value.strip()
        self.body = b""

    @property
    def problem(self):
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)


class Rufh:
    """One connection per request, so that interim answers are seen as they come."""

    def __init__(self, daemon, version):
        self.daemon, self.version = daemon, version
        self.host, port = daemon.url.removeprefix("http://").split(":")
        self.port = int(port)

    def complete(self, flag):
        if self.version == 3:
            return {"Upload-Incomplete": "?0" if flag else "?1"}
        return {"Upload-Complete": "?1" if flag else "?0"}

    def said_complete(self, answer):
        if self.version == 3:
            return answer.headers["upload-incomplete"] == "?0"
        return answer.headers["upload-complete"] == "?1"

    def open(self, method, path, headers, length):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"x-api-key: {self.daemon.key}",
                 "Connection: close"]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        if self.version is not None:
            lines.append(f"Upload-Draft-Interop-Version: {self.version}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        s = socket.create_connection((self.host, self.port), timeout=60)
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return s

    def read(self, s):
        """All answers: the interim ones, then the final one."""
        data = b""
        while piece := s.recv(65536):
            data += piece
        s.close()
        answers = []
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            answer = Answer(head.decode())
            answers.append(answer)
            if answer.status >= 200:
                answer.body = data
                break
        return answers

    def ask(self, method, path, headers=None, body=b""):
        s = self.open(method, path, headers or {}, len(body) if method not in ("HEAD", "GET", "DELETE") else None)
        try:
            s.sendall(body)
        except OSError:
            pass
        return self.read(s)

    def create(self, body=b"", complete=True, **headers):
        return self.ask("POST", "/files/", self.complete(complete) | {k.replace("_", "-"): v for k, v in headers.items()},
                        body)

    def append(self, path, offset, body, complete=True, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if self.version is None or self.version >= 6:
            headers.setdefault("Content-Type", APPEND)
        return self.ask("PATCH", path, self.complete(complete) | {"Upload-Offset": offset} | headers, body)

    def head(self, path):
        return self.ask("HEAD", path)[-1]


def path_of(answer):
    return "/" + answer.headers["location"].split("/", 3)[3]


def digest(data, name="sha-256"):
    return f"{name}=:" + base64.b64encode(hashlib.new(name.replace("-", ""), data).digest()).decode() + ":"


@pytest.fixture(params=VERSIONS, ids=lambda v: f"interop-{v}")
def rufh(request, shared_daemon):
    return Rufh(shared_daemon, request.param)


@pytest.fixture
def newest(shared_daemon):
    return Rufh(shared_daemon, None)


count = iter(range(8000, 9000))


def photo():
    return pictures.photo(next(count))


def test_one_request_with_104(rufh):
    data = photo()
    interim, final = rufh.create(data, Content_Type="image/jpeg", Content_Disposition='attachment; filename="a b.jpg"')
    assert interim.status == 104 and "/files/" in interim.headers["location"]
    assert interim.headers["upload-limit"].startswith("max-size=")
    assert interim.headers.get("upload-draft-interop-version") == (str(rufh.version) if rufh.version else None)
    assert final.status == 201 and rufh.said_complete(final)
    assert final.headers["upload-offset"] == str(len(data)) and final.headers["albumen-result"] == "created"
    detail = rufh.daemon.get("/api/assets/" + final.headers["albumen-asset"]).json()
    assert detail["originalFileName"] == "a b.jpg"


def test_an_interrupted_creation_is_resumed(rufh):
    data = photo()
    s = rufh.open("POST", "/files/", rufh.complete(True), len(data))
    s.sendall(data[:2000])
    interim = b""
    while b"\r\n\r\n" not in interim:
        interim += s.recv(4096)
    s.close()
    path = path_of(Answer(interim.split(b"\r\n\r\n")[0].decode()))
    head = rufh.head(path)
    assert head.status in (200, 204) and head.headers["cache-control"] == "no-store"
    assert not rufh.said_complete(head)
    offset = int(head.headers["upload-offset"])
    assert 0 <= offset <= 2000 and head.headers["upload-length"] == str(len(data))
    assert "max-size=" in head.headers["upload-limit"]
    final = rufh.append(path, offset, data[offset:])[-1]
    assert final.status in (200, 201, 204) and rufh.said_complete(final)
    assert final.headers["albumen-result"] == "created"
    head = rufh.head(path)
    assert rufh.said_complete(head) and head.headers["upload-offset"] == str(len(data))


def test_pieces_of_unknown_length(rufh):
    data = photo()
    answers = rufh.create(b"", complete=False)
    assert [a.status for a in answers] == [201] and not rufh.said_complete(answers[0])
    assert answers[0].headers["upload-offset"] == "0" and "upload-limit" in answers[0].headers
    path = path_of(answers[0])
    first = rufh.append(path, 0, data[:1000], complete=False)[-1]
    assert first.status in (200, 201, 204) and first.headers["upload-offset"] == "1000"
    assert not rufh.said_complete(first)
    assert "upload-length" not in rufh.head(path).headers
    whole = rufh.append(path, 1000, data[1000:], complete=False)[-1]  # all bytes, but it does not say so
    assert not rufh.said_complete(whole) and not rufh.said_complete(rufh.head(path))
    last = rufh.append(path, len(data), b"", complete=True)[-1]
    assert rufh.said_complete(last) and last.headers["albumen-result"] == "created"


def test_all_bytes_of_a_known_length(rufh):
    """Drafts: that is the end. Since interop 7: only if the client says so."""
    data = photo()
    path = path_of(rufh.create(b"", complete=False, Upload_Length=len(data))[-1])
    answer = rufh.append(path, 0, data, complete=False)[-1]
    early = rufh.version is not None and rufh.version <= 6
    assert rufh.said_complete(answer) == early and ("albumen-result" in answer.headers) == early
    if not early:
        assert rufh.append(path, len(data), b"")[-1].headers["albumen-result"] == "created"


def test_wrong_offsets(rufh):
    path = path_of(rufh.create(b"x" * 100, complete=False, Upload_Length=1000)[-1])
    answer = rufh.append(path, 50, b"y" * 10, complete=False)[-1]
    assert answer.status == 409 and answer.headers["upload-offset"] == "100" and not rufh.said_complete(answer)
    problem = answer.problem
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
    assert problem["expected-offset"] == 100 and problem["provided-offset"] == 50
    assert rufh.head(path).headers["upload-offset"] == "100"


def test_lengths_must_agree(rufh):
    answer = rufh.create(b"x" * 10, complete=True, Upload_Length=11)[-1]
    assert answer.status == 400 and answer.problem["type"].endswith("#inconsistent-upload-length")
    path = path_of(rufh.create(b"x" * 10, complete=False, Upload_Length=20)[-1])
    answer = rufh.append(path, 10, b"y" * 5, complete=True)[-1]
    assert answer.status == 400 and answer.problem["type"].endswith("#inconsistent-upload-length")
    assert rufh.head(path).headers["upload-offset"] == "10"


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_the_whole(rufh, complete, chunked):
    """From the drafts of -08 on that is the end of the upload: its client is wrong about what it uploads."""
    path = path_of(rufh.create(b"x" * 10, complete=False, Upload_Length=20)[-1])
    if not chunked:
        answer = rufh.append(path, 10, b"y" * 11, complete=complete, Upload_Length=20)[-1]
    else:
        s = rufh.open("PATCH", path, rufh.complete(complete) | {"Upload-Offset": "10", "Content-Type": APPEND,
                                                                "Transfer-Encoding": "chunked"}, None)
        s.sendall(b"b\r\n" + b"y" * 11 + b"\r\n0\r\n\r\n")
        answer = rufh.read(s)[-1]
    assert answer.status == 400 and answer.problem["type"].endswith("#inconsistent-upload-length")
    if rufh.version in (3, 4, 5, 6):
        assert rufh.head(path).headers["upload-offset"] in ("10", "20")
    else:
        assert rufh.said_complete(answer)
        assert rufh.head(path).status == 404
        assert rufh.append(path, 10, b"y" * 10)[-1].status == 404


def test_completed_uploads_take_nothing(rufh):
    data = photo()
    path = path_of(rufh.create(data)[0])
    answer = rufh.append(path, len(data), b"")[-1]
    assert answer.status == 400 and answer.problem["type"].endswith("#completed-upload")


def test_stray_fields_and_cancellation(rufh):
    path = path_of(rufh.create(b"", complete=False)[-1])
    assert rufh.ask("HEAD", path, {"Upload-Offset": "0"})[-1].status == 400
    assert rufh.ask("DELETE", path, {"Upload-Offset": "0"})[-1].status == 400
    assert rufh.ask("DELETE", path, rufh.complete(True))[-1].status == 400
    assert rufh.ask("DELETE", path)[-1].status == 204
    assert rufh.head(path).status == 404
    assert rufh.append(path, 0, b"x")[-1].status == 404


def test_bytes_that_are_no_photo(rufh):
    final = rufh.create(b"hello")[-1]
    assert final.status == 422 and rufh.said_complete(final)
    assert final.headers["content-type"] == "application/problem+json"


def test_media_types(rufh):
    path = path_of(rufh.create(b"", complete=False)[-1])
    answer = rufh.append(path, 0, b"x", complete=False, Content_Type="text/plain")[-1]
    if rufh.version is None:
        assert answer.status == 415
    else:
        assert answer.status == (415 if rufh.version >= 6 else 204)


def test_too_large(newest):
    limits = newest.ask("OPTIONS", "/files/")[-1].headers["upload-limit"]
    size = int(re.search(r"max-size=(\d+)", limits).group(1))
    answer = newest.create(b"", complete=False, Upload_Length=size + 1)[-1]
    assert answer.status == 413 and "max-size" in answer.headers["upload-limit"]


@pytest.mark.parametrize("value", ["1", "?2", "true", '"?1"', ""])
def test_a_field_of_another_type_is_ignored(newest, value):
    assert newest.ask("POST", "/files/", {"Upload-Complete": value}, b"")[-1].status == 400


def test_content_digest(newest):
    data = os.urandom(3000)
    path = path_of(newest.create(b"", complete=False, Upload_Length=6000)[-1])
    answer = newest.append(path, 0, data, complete=False, Content_Digest=digest(b"other"))[-1]
    assert answer.status == 400 and answer.problem["type"].endswith("#digest-mismatching-values")
    assert newest.head(path).headers["upload-offset"] == "0"
    answer = newest.append(path, 0, data, complete=False, Content_Digest=digest(data) + ", unknown=:AAAA:")[-1]
    assert answer.status == 204 and answer.headers["upload-offset"] == "3000"
    assert newest.append(path, 3000, b"", complete=False, Content_Digest="sha-256=x")[-1].status == 400
    assert newest.append(path, 3000, b"a", complete=False, Content_Digest="unknown=:AAAA:")[-1].status == 204


def test_repr_digest(newest):
    data = photo()
    answer = newest.create(data, Repr_Digest=digest(b"other"))[-1]
    assert answer.status == 400 and answer.headers["upload-complete"] == "?1"  # nothing to go on with
    assert newest.head(path_of(newest.create(b"", complete=False)[-1])).status == 200
    path = path_of(newest.create(data[:1000], complete=False, Repr_Digest=digest(data))[-1])
    answer = newest.append(path, 1000, data[1000:])[-1]
    assert answer.headers["albumen-result"] == "created"


@pytest.mark.parametrize("name", ["sha-256", "sha-512", "md5"])
def test_repr_digest_over_several_requests(newest, name):
    data = photo()
    path = path_of(newest.create(data[:1000], complete=False, Repr_Digest=digest(b"other", name))[-1])
    assert newest.append(path, 1000, data[1000:2000], complete=False)[-1].status == 204
    answer = newest.append(path, 2000, data[2000:])[-1]
    assert answer.status == 400 and answer.problem["type"].endswith("#digest-mismatching-values")
    assert answer.headers["upload-complete"] == "?1" and newest.head(path).status == 404
    path = path_of(newest.create(data[:1000], complete=False, Repr_Digest=digest(data, name))[-1])
    assert newest.append(path, 1000, data[1000:2000], complete=False)[-1].status == 204
    assert newest.append(path, 2000, data[2000:])[-1].headers["albumen-result"] == "created"


def test_content_digest_sha_512(newest):
    data = os.urandom(3000)
    path = path_of(newest.create(b"", complete=False, Upload_Length=6000)[-1])
    for wrong in (digest(b"other", "sha-512"), digest(b"other", "sha-512") + ", " + digest(data)):
        answer = newest.append(path, 0, data, complete=False, Content_Digest=wrong)[-1]
        assert answer.status == 400 and answer.problem["type"].endswith("#digest-mismatching-values")
    assert newest.append(path, 0, data, complete=False, Content_Digest="sha-512=:AAAA:")[-1].status == 400
    answer = newest.append(path, 0, data, complete=False, Content_Digest=digest(data, "sha-512"))[-1]
    assert answer.status == 204 and answer.headers["upload-offset"] == "3000"
    assert newest.ask("DELETE", path)[-1].status == 204


@pytest.mark.parametrize("want, name", [
    ("sha-256=1", "sha-256"), ("sha-512=1", "sha-512"), ("sha-256=3, sha-512=7", "sha-512"), ("sha-512=0, sha-256=1", "sha-256"),
    ("sha-512=1, sha-256=1", "sha-256"), ("unknown=9, sha-512=2;a=b", "sha-512"),
    ("sha-512=0", None), ("unknown=10", None), ("sha-256=11", None), ("sha-256", None), ("sha-256=1,", None)])
def test_want_repr_digest(newest, want, name):
    """Asked for at the creation, said by the answer that ends the upload."""
    data = photo()
    path = path_of(newest.create(data[:1000], complete=False, Want_Repr_Digest=want)[-1])
    answer = newest.append(path, 1000, data[1000:])[-1]
    assert answer.headers["albumen-result"] == "created"
    assert answer.headers.get("repr-digest") == (digest(data, name) if name else None)


def test_want_repr_digest_in_one_request(newest):
    data = photo()
    answer = newest.create(data, Want_Repr_Digest="sha-512=1", Repr_Digest=digest(data))[-1]
    assert answer.status == 201 and answer.headers["repr-digest"] == digest(data, "sha-512")


def test_digests_of_the_whole_are_no_metadata(newest, shared_daemon):
    """What a client calls repr-digest in its metadata is its own business, and ours is not shown as its."""
    data = photo()
    other = "repr-digest " + base64.b64encode(digest(b"other").encode()).decode()
    answer = requests.post(shared_daemon.url + "/files/", data=data, timeout=60, headers={
        "x-api-key": shared_daemon.key, "Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": other,
        "Content-Type": "application/offset+octet-stream"})
    assert answer.status_code == 201 and answer.headers["Albumen-Result"] == "created"
    data = photo()
    path = path_of(newest.create(data[:100], complete=False, Upload_Metadata=other, Repr_Digest=digest(data))[-1])
    head = requests.head(shared_daemon.url + path, timeout=60, headers={"x-api-key": shared_daemon.key,
                                                                      "Tus-Resumable": "1.0.0"})
    assert head.headers["Upload-Metadata"] == other
    assert newest.append(path, 100, data[100:])[-1].headers["albumen-result"] == "created"


def test_location_of_what_was_processed(rufh):
    """With Upload-Complete: ?1 the answer is that of the request itself: from interop 7 on it names the photo."""
    data = photo()
    interim, final = rufh.create(data)
    if rufh.version in (None, 7, 8):
        asset = rufh.daemon.url + "/api/assets/" + final.headers["albumen-asset"]
        assert final.headers["location"] == asset
        assert requests.get(asset, headers={"x-api-key": rufh.daemon.key}, timeout=60).status_code == 200
    else:
        assert final.headers["location"] == interim.headers["location"]
    assert rufh.said_complete(rufh.head(path_of(interim)))


@pytest.mark.parametrize("version", ["2", "9", "x", "6.0"])
def test_no_104_for_a_version_that_nobody_knows(newest, version):
    """Its client would take 104 for something else; all the rest is as ever."""
    answers = newest.create(b"abc", complete=False, Upload_Draft_Interop_Version=version)
    assert [a.status for a in answers] == [201] and "upload-draft-interop-version" not in answers[0].headers


def test_the_first_104_tells_all_limits(rufh):
    interim, final = rufh.create(b"abc", complete=False)
    assert re.search(r"(max-age|expires)=\d+", interim.headers["upload-limit"])
    assert interim.headers["location"] == final.headers["location"]


def test_put_creates_too(newest):
    data = photo()
    answers = newest.ask("PUT", "/files/", {"Upload-Complete": "?1"}, data)
    assert [a.status for a in answers] == [104, 201]


def test_progress_is_told_and_true(newest):
    """104 with Upload-Offset: what was told is on the disk."""
    size = 40 << 20
    s = newest.open("POST", "/files/", {"Upload-Complete": "?0"}, size)
    piece = os.urandom(1 << 20)
    for _ in range(size >> 20):
        s.sendall(piece)
    answers = newest.read(s)
    assert answers[-1].status == 201 and answers[-1].headers["upload-offset"] == str(size)
    offsets = [int(a.headers["upload-offset"]) for a in answers[:-1] if "upload-offset" in a.headers]
    assert all(a.status == 104 for a in answers[:-1]) and len(offsets) >= 2
    assert offsets == sorted(offsets) and "location" not in answers[1].headers
    assert newest.ask("DELETE", path_of(answers[-1]))[-1].status == 204


def test_a_revoked_key_leaves_nothing_that_is_whole(newest):
    """Also where progress is due at the last byte: told of is what is durable, and what is whole is finished by the
    server, whoever sent it."""
    daemon, data = newest.daemon, photo().ljust(16 << 20, b"\0")
    key = daemon.command("key", "new", "--data", daemon.data, "--user", "admin", "--name", "progress").stdout.strip()
    s = Rufh(SimpleNamespace(url=daemon.url, key=key), None).open("POST", "/files/", {"Upload-Complete": "?1"}, len(data))
    s.sendall(data[:-500])
    told = Answer(s.recv(65536).decode().partition("\r\n\r\n")[0])  # it is let in
    assert told.status == 104
    rows = daemon.command("key", "list", "--data", daemon.data).stdout.splitlines()
    daemon.command("key", "revoke", next(row for row in rows if "progress" in row).split()[0], "--data", daemon.data)
    s.sendall(data[-500:])
    assert newest.read(s)[-1].status == 401
    path = path_of(told)
    assert int(newest.head(path).headers["upload-offset"]) < len(data)
    assert newest.ask("DELETE", path)[-1].status == 204


def test_both_protocols_see_one_upload(newest, shared_daemon):
    """HEAD without any marker is answered for both; a tus client may go on with it."""
    data = photo()
    path = path_of(newest.create(data[:1000], complete=False, Upload_Length=len(data))[-1])
    head = requests.head(shared_daemon.url + path, headers={"x-api-key": shared_daemon.key}, timeout=120)
    assert head.status_code == 200 and head.headers["Tus-Resumable"] == "1.0.0"
    assert head.headers["Upload-Complete"] == "?0" and head.headers["Upload-Offset"] == "1000"
    answer = requests.patch(shared_daemon.url + path, data=data[1000:], timeout=120, headers={
        "x-api-key": shared_daemon.key, "Tus-Resumable": "1.0.0", "Upload-Offset": "1000",
        "Content-Type": "application/offset+octet-stream"})
    assert answer.headers["Albumen-Result"] == "created"


def test_curl(shared_daemon, tmp_path):
    """What curl users do: one request that prints its 104, then one that goes on."""
    data = photo()
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    whole.write_bytes(data[:1000])
    rest.write_bytes(data[1000:])
    key = ["-H", f"x-api-key: {shared_daemon.key}", "-H", "Upload-Draft-Interop-Version: 8"]
    out = subprocess.run(["curl", "-si", "-m", "60", *key, "-H", "Upload-Complete: ?0", "--data-binary", f"@{whole}",
                          shared_daemon.url + "/files/"], capture_output=True, text=True, timeout=90).stdout
    assert out.startswith("HTTP/1.1 104"), out
    location = re.search(r"(?im)^location: (\S+)", out).group(1)
    out = subprocess.run(["curl", "-si", "-m", "60", *key, "-H", "Upload-Complete: ?1", "-H", "Upload-Offset: 1000", "-H",
                          f"Content-Type: {APPEND}", "-X", "PATCH", "--data-binary", f"@{rest}", location],
                         capture_output=True, text=True, timeout=90).stdout
    assert re.search(r"(?im)^albumen-result: created", out), out


def test_a_newer_request_ends_the_older(newest):
    path = path_of(newest.create(b"", complete=False, Upload_Length=100000)[-1])
    s = newest.open("PATCH", path, {"Upload-Complete": "?1", "Upload-Offset": 0, "Content-Type": APPEND}, 100000)
    s.sendall(b"x" * 5000)
    stored = newest.daemon.data / "uploads" / (path.rsplit("/", 1)[1] + ".data")
    deadline = time.monotonic() + 60
    while stored.stat().st_size < 5000:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert newest.head(path).headers["upload-offset"] == "5000"
    assert newest.read(s)[-1].status == 409
    assert newest.ask("DELETE", path)[-1].status == 204
