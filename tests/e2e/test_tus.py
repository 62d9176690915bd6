# SPDX-License-Identifier: Apache-2.0
"""tus 1.0.0 over real HTTP: every extension, statuses and headers as the specification says them."""
import base64
import email.utils
import hashlib
import http.client
import os
import select
import socket
import threading
import time
import zlib

import pytest
import requests

import pictures

OFFSET_TYPE = "application/offset+octet-stream"


class Tus:
    def __init__(self, daemon):
        self.daemon = daemon
        self.base = daemon.url + "/files/"
        self.http = daemon.session()
        self.http.headers["Tus-Resumable"] = "1.0.0"

    def post(self, headers=None, data=None, **kwargs):
        headers = {k.replace("_", "-"): str(v) for k, v in kwargs.items()} | (headers or {})
        if data is not None:
            headers.setdefault("Content-Type", OFFSET_TYPE)
        return self.http.post(self.base, headers=headers, data=data, timeout=60)

    def new(self, **kwargs):
        answer = self.post(**kwargs)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def patch(self, url, offset, data, **headers):
        headers = {k.replace("_", "-"): str(v) for k, v in headers.items()}
        return self.http.patch(url, data=data, timeout=60,
                               headers={"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE} | headers)

    def head(self, url):
        return self.http.head(url, timeout=60)

    def offset(self, url):
        return int(self.head(url).headers["Upload-Offset"])

    def raw(self, text, body=b""):
        """A request as bytes; the whole answer."""
        host, port = self.daemon.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as s:
            head = text.format(host=f"{host}:{port}", auth=f"x-api-key: {self.daemon.key}\r\nTus-Resumable: 1.0.0\r\n")
            s.sendall(head.replace("\n", "\r\n").replace("\r\r", "\r").encode() + body)
            answer = b""
            while piece := s.recv(65536):
                answer += piece
            return answer.decode(errors="replace")


def path_of(url):
    return "/" + url.split("/", 3)[3]


def b64(data):
    return base64.b64encode(data).decode()


@pytest.fixture
def tus(shared_daemon):
    return Tus(shared_daemon)


PHOTO = pictures.photo(700)


def photo(n):
    return pictures.photo(7000 + n)


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


# ---- core

def test_options_tell_everything(tus):
    answer = requests.options(tus.base, timeout=120)
    assert answer.status_code == 200
    assert answer.headers["Tus-Version"] == "1.0.0"
    extensions = answer.headers["Tus-Extension"]
    assert " " not in extensions
    assert set(extensions.split(",")) == {"creation", "creation-with-upload", "creation-defer-length", "expiration",
                                          "checksum", "checksum-trailer", "termination", "concatenation",
                                          "concatenation-unfinished"}
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")
    assert int(answer.headers["Tus-Max-Size"]) > 0
    assert requests.options(tus.base + "anything", headers={"Tus-Resumable": "9"}, timeout=120).status_code == 200


@pytest.mark.parametrize("version", ["0.2.2", "1.0.1", ""])
def test_other_versions_are_not_processed(tus, version):
    answer = tus.post(headers={"Tus-Resumable": version}, Upload_Length=10)
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0" and "Location" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "DELETE", "PUT"])
def test_the_base_path_is_for_creations(tus, method):
    answer = tus.http.request(method, tus.base, timeout=60)
    assert answer.status_code == 405 and answer.headers["Allow"] == "POST, PUT, OPTIONS"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_pieces_make_a_photo(tus):
    data = photo(1)
    url = tus.new(Upload_Length=len(data))
    head = tus.head(url)
    assert head.status_code == 200 and head.headers["Cache-Control"] == "no-store"
    assert head.headers["Upload-Offset"] == "0" and head.headers["Upload-Length"] == str(len(data))
    half = len(data) // 2
    answer = tus.patch(url, 0, data[:half])
    assert answer.status_code == 204 and answer.headers["Upload-Offset"] == str(half)
    assert email.utils.parsedate_to_datetime(answer.headers["Upload-Expires"]).timestamp() > time.time()
    assert "Upload-Expires" in tus.head(url).headers
    wrong = tus.patch(url, half - 1, data[half - 1:])
    assert wrong.status_code == 409 and wrong.headers["Upload-Offset"] == str(half)
    assert tus.patch(url, half, data[half:], Content_Type="image/jpeg").status_code == 415
    answer = tus.patch(url, half, data[half:])
    assert answer.status_code == 204 and answer.headers["Albumen-Result"] == "created"
    head = tus.head(url)
    assert head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(data))
    assert head.headers["Albumen-Asset"] == answer.headers["Albumen-Asset"]
    again = tus.patch(url, len(data), b"")
    assert again.status_code == 204 and again.headers["Albumen-Asset"] == answer.headers["Albumen-Asset"]


def test_unknown_uploads_have_no_offset(tus):
    for method in ("HEAD", "PATCH", "DELETE", "GET"):
        answer = tus.http.request(method, tus.base + "0" * 32, timeout=120,
                                  headers={"Upload-Offset": "0", "Content-Type": OFFSET_TYPE})
        assert answer.status_code == 404 and "Upload-Offset" not in answer.headers, method


@pytest.mark.parametrize("offset", ["", "-1", "a", "0x0", "1 ", "99999999999999999999999"])
def test_broken_offsets(tus, offset):
    url = tus.new(Upload_Length=10)
    answer = tus.patch(url, offset, b"x")
    assert answer.status_code in (400, 409) and tus.offset(url) == 0


def test_method_override(tus):
    data = b"x" * 10
    url = tus.new(Upload_Length=len(data) + 1)
    answer = tus.http.post(url, data=data, timeout=120, headers={
        "X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0", "Content-Type": OFFSET_TYPE})
    assert answer.status_code == 204 and answer.headers["Upload-Offset"] == "10"
    assert tus.http.post(url, headers={"X-HTTP-Method-Override": "HEAD"}, timeout=120).headers["Upload-Offset"] == "10"
    assert tus.http.post(url, headers={"X-HTTP-Method-Override": "DELETE"}, timeout=120).status_code == 204
    assert tus.head(url).status_code == 404


def test_bodies_longer_than_the_upload(tus):
    url = tus.new(Upload_Length=1000)
    assert tus.patch(url, 0, b"x" * 1001).status_code == 413 and tus.offset(url) == 0
    answer = tus.patch(url, 0, iter([b"x" * 600, b"y" * 600]))  # chunked: nobody knows before
    assert answer.status_code == 413
    assert int(answer.headers["Upload-Offset"]) == tus.offset(url) <= 1000
    assert "Albumen-Asset" not in answer.headers


# ---- creation

@pytest.mark.parametrize("headers", [
    {}, {"Upload-Length": "-1"}, {"Upload-Length": "a"}, {"Upload-Length": "10", "Upload-Defer-Length": "1"},
    {"Upload-Defer-Length": "2"}, {"Upload-Defer-Length": ""}, {"Upload-Length": "1", "Upload-Metadata": "a Zm9v,,b Zm9v"},
    {"Upload-Length": "1", "Upload-Metadata": "a Zm9v,a Zm9v"}])
def test_creations_that_are_refused(tus, headers):
    answer = tus.post(headers=headers)
    assert answer.status_code == 400 and "Location" not in answer.headers


def test_too_large_is_said_at_once(tus):
    limit = int(requests.options(tus.base, timeout=120).headers["Tus-Max-Size"])
    assert tus.post(Upload_Length=limit + 1).status_code == 413


def test_empty_metadata_and_other_bodies(tus):
    assert tus.post(Upload_Length=10, Upload_Metadata="").status_code == 201  # tuspy sends it so
    assert tus.post(data=b"x" * 10, headers={"Content-Type": "text/plain"}, Upload_Length=10).status_code == 415


def test_creation_with_upload(tus):
    data = photo(2)
    answer = tus.post(data=data[:1000], Upload_Length=len(data))
    assert answer.status_code == 201 and answer.headers["Upload-Offset"] == "1000"
    answer = tus.patch(answer.headers["Location"], 1000, data[1000:])
    assert answer.headers["Albumen-Result"] == "created"
    data = photo(3)
    answer = tus.post(data=data, Upload_Length=len(data))
    assert answer.status_code == 201 and answer.headers["Albumen-Result"] == "created"


def test_what_came_before_a_hang_up_is_kept(tus):
    url = tus.new(Upload_Length=100000)
    host, port = tus.daemon.url.removeprefix("http://").split(":")
    stored = tus.daemon.metric("albumen_upload_received_bytes_total")
    with socket.create_connection((host, int(port)), timeout=120) as s:
        s.sendall((f"PATCH {path_of(url)} HTTP/1.1\r\nHost: {host}:{port}\r\nx-api-key: {tus.daemon.key}\r\n"
                   "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 100000\r\n"
                   f"Content-Type: {OFFSET_TYPE}\r\n\r\n").encode() + b"x" * 5000)
    # Not by asking for the offset: who does that takes the upload over, also from one whose bytes are still on the way.
    wait_for(lambda: tus.daemon.metric("albumen_upload_received_bytes_total") >= stored + 5000, "the bytes are stored")
    assert tus.offset(url) == 5000


def test_an_error_after_bytes_tells_where_the_upload_is(tus):
    """A chunked POST that passes its length: the upload exists, and the answer says so."""
    answer = tus.raw("POST /files/ HTTP/1.1\nHost: {host}\n{auth}Upload-Length: 100\nTransfer-Encoding: chunked\n"
                     "Connection: close\nContent-Type: " + OFFSET_TYPE + "\n\n", b"32\r\n" + b"x" * 50 + b"\r\n"
                     b"40\r\n" + b"x" * 64 + b"\r\n0\r\n\r\n")
    assert answer.startswith("HTTP/1.1 413"), answer
    head = dict(line.split(": ", 1) for line in answer.split("\r\n\r\n")[0].split("\r\n")[1:])
    assert tus.offset(head["Location"]) == int(head["Upload-Offset"])


def test_empty_uploads_and_what_is_no_photo(tus):
    empty = tus.post(Upload_Length=0)
    assert empty.status_code == 422
    url = tus.new(Upload_Length=5)
    assert tus.patch(url, 0, b"hello").status_code == 422
    head = tus.head(url)  # never "offset == length": clients would think that it was taken
    assert head.status_code == 422 and "Upload-Offset" not in head.headers


# ---- creation-defer-length

def test_a_length_that_comes_later(tus):
    data = photo(4)
    url = tus.new(Upload_Defer_Length=1)
    head = tus.head(url)
    assert head.headers["Upload-Defer-Length"] == "1" and "Upload-Length" not in head.headers
    assert tus.patch(url, 0, data[:1000]).status_code == 204
    assert tus.head(url).headers["Upload-Defer-Length"] == "1"
    assert tus.patch(url, 1000, data[1000:2000], Upload_Length=500).status_code == 400
    assert tus.patch(url, 1000, data[1000:2000], Upload_Length="x").status_code == 400
    answer = tus.patch(url, 1000, data[1000:2000], Upload_Length=len(data))
    assert answer.status_code == 204
    head = tus.head(url)
    assert head.headers["Upload-Length"] == str(len(data)) and "Upload-Defer-Length" not in head.headers
    assert tus.patch(url, 2000, b"", Upload_Length=len(data) + 1).status_code == 400
    answer = tus.patch(url, 2000, data[2000:], Upload_Length=len(data))
    assert answer.headers["Albumen-Result"] == "created"


# ---- checksum

def digests(data):
    crc32 = zlib.crc32(data).to_bytes(4, "big")
    return {"sha1": hashlib.sha1(data).digest(), "sha256": hashlib.sha256(data).digest(),
            "md5": hashlib.md5(data).digest(), "crc32": crc32, "crc32c": crc32c(data)}


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return (crc ^ 0xffffffff).to_bytes(4, "big")


def test_crc32c_is_that_of_the_standards():
    assert crc32c(b"123456789").hex() == "e3069283"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5", "crc32c", "crc32"])
def test_checksums(tus, algorithm):
    data = os.urandom(3001)
    url = tus.new(Upload_Length=5000)
    good = f"{algorithm} {b64(digests(data)[algorithm])}"
    bad = f"{algorithm} {b64(digests(data + b'x')[algorithm])}"
    answer = tus.patch(url, 0, data, Upload_Checksum=bad)
    assert answer.status_code == 460 and answer.headers["Upload-Offset"] == "0"
    assert tus.offset(url) == 0
    answer = tus.patch(url, 0, data, Upload_Checksum=good)
    assert answer.status_code == 204 and tus.offset(url) == 3001
    assert tus.patch(url, 3001, data[:5], Upload_Checksum=good).status_code == 460
    assert tus.offset(url) == 3001


@pytest.mark.parametrize("checksum", ["sha3 Zm9v", "sha1", "sha1 Zm9v", "sha1 !", "SHA1 " + b64(b"x" * 20), ""])
def test_checksums_that_are_none(tus, checksum):
    url = tus.new(Upload_Length=10)
    assert tus.patch(url, 0, b"x", Upload_Checksum=checksum).status_code == 400
    assert tus.offset(url) == 0


def test_checksum_of_a_creation(tus):
    data = photo(5)
    answer = tus.post(data=data, Upload_Length=len(data), Upload_Checksum="sha1 " + b64(hashlib.sha1(b"").digest()))
    assert answer.status_code == 460 and answer.headers["Upload-Offset"] == "0"
    url = answer.headers["Location"]  # it exists, empty
    assert tus.offset(url) == 0
    answer = tus.patch(url, 0, data, Upload_Checksum="sha1 " + b64(hashlib.sha1(data).digest()))
    assert answer.headers["Albumen-Result"] == "created"


def chunked_patch(tus, url, offset, data, trailers, announce=True):
    chunks = b"".join(f"{len(data[i:i + 1000]):x}\r\n".encode() + data[i:i + 1000] + b"\r\n"
                      for i in range(0, len(data), 1000))
    return tus.raw(f"PATCH {path_of(url)} HTTP/1.1\nHost: {{host}}\n{{auth}}Upload-Offset: {offset}\n"
                   f"Content-Type: {OFFSET_TYPE}\nTransfer-Encoding: chunked\nConnection: close\n"
                   + ("Trailer: Upload-Checksum\n" if announce else "") + "\n",
                   chunks + b"0\r\n" + trailers.encode() + b"\r\n")


def test_checksum_trailer(tus):
    data = os.urandom(3500)
    url = tus.new(Upload_Length=9000)
    bad = f"Upload-Checksum: sha1 {b64(hashlib.sha1(b'').digest())}\r\n"
    assert chunked_patch(tus, url, 0, data, bad).startswith("HTTP/1.1 460") and tus.offset(url) == 0
    assert chunked_patch(tus, url, 0, data, "").startswith("HTTP/1.1 400") and tus.offset(url) == 0
    good = f"Upload-Checksum: sha256 {b64(hashlib.sha256(data).digest())}\r\n"
    answer = chunked_patch(tus, url, 0, data, good)
    assert answer.startswith("HTTP/1.1 204"), answer
    assert tus.offset(url) == 3500


def test_checksum_trailer_without_notice(tus):
    """It cannot be checked any more: then it is not taken for checked."""
    data = os.urandom(3500)
    url = tus.new(Upload_Length=9000)
    bad = f"Upload-Checksum: sha1 {b64(hashlib.sha1(b'').digest())}\r\n"
    answer = chunked_patch(tus, url, 0, data, bad, announce=False)
    assert answer.startswith("HTTP/1.1 400") and "ERR_INVALID_CHECKSUM" in answer
    assert tus.offset(url) == 0


# T17
def test_a_checked_body_that_stops_is_taken_back(tus):
    data = os.urandom(4000)
    host, port = tus.daemon.url.removeprefix("http://").split(":")
    url = tus.new(Upload_Length=9000)
    assert tus.patch(url, 0, b"a" * 100).status_code == 204
    for trailer in (False, True):
        with socket.create_connection((host, int(port)), timeout=120) as s:
            checksum = ("Trailer: Upload-Checksum\r\n" if trailer
                        else f"Upload-Checksum: sha1 {b64(hashlib.sha1(data).digest())}\r\n")
            s.sendall((f"PATCH {path_of(url)} HTTP/1.1\r\nHost: {host}:{port}\r\nx-api-key: {tus.daemon.key}\r\n{checksum}"
                       "Tus-Resumable: 1.0.0\r\nUpload-Offset: 100\r\nTransfer-Encoding: chunked\r\n"
                       f"Content-Type: {OFFSET_TYPE}\r\n\r\n3e8\r\n").encode() + data[:1000] + b"\r\n")
        assert tus.offset(url) == 100
    assert tus.patch(url, 100, data).status_code == 204 and tus.offset(url) == 4100


# ---- termination

def test_termination(tus):
    url = tus.new(Upload_Length=10)
    assert tus.http.delete(url, timeout=120).status_code == 204
    for method in ("HEAD", "DELETE", "GET"):
        assert tus.http.request(method, url, timeout=120).status_code in (404, 410)
    data = photo(6)
    answer = tus.post(data=data, Upload_Length=len(data))
    url, asset = answer.headers["Location"], answer.headers["Albumen-Asset"]
    assert tus.http.delete(url, timeout=120).status_code == 204
    assert tus.head(url).status_code in (404, 410)
    assert tus.daemon.get(f"/api/assets/{asset}").status_code == 200  # the photo is another thing


# ---- concatenation

def partial(tus, data, until=None):
    answer = tus.post(data=data[:until], headers={"Upload-Concat": "partial"}, Upload_Length=len(data))
    assert answer.status_code == 201, answer.text
    assert "Albumen-Asset" not in answer.headers
    return answer.headers["Location"]


def test_concatenation(tus):
    data = photo(7)
    cut = len(data) // 3
    one, two = partial(tus, data[:cut]), partial(tus, data[cut:])
    head = tus.head(one)
    assert head.headers["Upload-Concat"] == "partial" and head.headers["Upload-Offset"] == str(cut)
    final = f"final;{one} {path_of(two)}"  # absolute and relative
    assert tus.post(headers={"Upload-Concat": final}, Upload_Length=len(data)).status_code == 400
    answer = tus.post(headers={"Upload-Concat": final, "Upload-Metadata": "filename " + b64(b"both.jpg")})
    assert answer.status_code == 201 and answer.headers["Albumen-Result"] == "created", answer.headers
    url = answer.headers["Location"]
    head = tus.head(url)
    assert head.headers["Upload-Concat"] == f"final;{one} {two}"
    assert head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(data))
    assert head.headers["Albumen-Asset"] == answer.headers["Albumen-Asset"]
    assert tus.patch(url, len(data), b"").status_code == 403
    assert tus.daemon.get(f"/api/assets/{answer.headers['Albumen-Asset']}").json()["originalFileName"] == "both.jpg"
    assert tus.post(headers={"Upload-Concat": final}).headers["Albumen-Result"] == "duplicate"


@pytest.mark.parametrize("concat", ["final;", "final", "partially", "final;http://x/other/1", "final;/files/",
                                    "final;/files/%zz"])
def test_concatenations_that_are_none(tus, concat):
    assert tus.post(headers={"Upload-Concat": concat}, Upload_Length=10).status_code == 400


def test_concatenation_of_what_is_no_part(tus):
    normal = tus.new(Upload_Length=10)
    assert tus.post(headers={"Upload-Concat": "final;" + normal}).status_code == 400
    assert tus.post(headers={"Upload-Concat": "final;/files/" + "0" * 32}).status_code == 404


def test_concatenation_unfinished(tus):
    data = photo(8)
    cut = len(data) // 2
    one, two = partial(tus, data[:cut], 100), partial(tus, data[cut:], 0)
    ends = []
    thread = threading.Thread(target=lambda: ends.append(
        Tus(tus.daemon).post(headers={"Upload-Concat": f"final;{one} {two}"})))
    thread.start()
    assert tus.patch(two, 0, data[cut:]).status_code == 204
    assert tus.patch(one, 100, data[100:cut]).status_code == 204
    thread.join(60)
    assert ends[0].status_code == 201 and ends[0].headers["Albumen-Result"] == "created"


def test_a_final_upload_has_no_offset_before_it_is_whole(tus):
    data = photo(9)
    one = partial(tus, data, 100)
    host, port = tus.daemon.url.removeprefix("http://").split(":")
    before = tus.daemon.metric("albumen_uploads_created_total")
    with socket.create_connection((host, int(port)), timeout=60) as s:  # does not wait for the end
        s.sendall((f"POST /files/ HTTP/1.1\r\nHost: {host}:{port}\r\nx-api-key: {tus.daemon.key}\r\nTus-Resumable: 1.0.0\r\n"
                   f"Upload-Concat: final;{one}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").encode())
        wait_for(lambda: tus.daemon.metric("albumen_uploads_created_total") > before, "the final upload")
        answer = b""
        while piece := s.recv(65536):  # after ten seconds: it is not whole yet
            answer += piece
    head = answer.decode().split("\r\n")
    assert head[0].startswith("HTTP/1.1 201"), head
    url = next(line for line in head if line.startswith("Location: ")).removeprefix("Location: ")
    head = tus.head(url)
    assert head.status_code == 200 and "Upload-Offset" not in head.headers
    assert head.headers["Upload-Concat"].startswith("final;") and head.headers["Upload-Length"] == str(len(data))
    assert tus.patch(url, 0, b"x").status_code == 403
    assert tus.patch(one, 100, data[100:]).status_code == 204
    wait_for(lambda: "Albumen-Asset" in tus.head(url).headers, "the asset of the final upload")
    assert tus.offset(url) == len(data)


# ---- downloads

def test_downloads(tus):
    data = photo(10)
    metadata = f"filename {b64(b'lake.jpg')},filetype {b64(b'text/html')}"
    url = tus.post(data=data, Upload_Length=len(data), Upload_Metadata=metadata).headers["Location"]
    answer = requests.get(url, headers={"x-api-key": tus.daemon.key}, timeout=120)
    assert answer.status_code == 200 and answer.content == data
    assert answer.headers["Content-Type"] == "image/jpeg"  # what it is, not what was said
    assert answer.headers["Content-Disposition"].startswith("inline") and "lake.jpg" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    part = requests.get(url, headers={"x-api-key": tus.daemon.key, "Range": "bytes=100-199"}, timeout=120)
    assert part.status_code == 206 and part.content == data[100:200]
    same = requests.get(url, headers={"x-api-key": tus.daemon.key, "If-None-Match": answer.headers["ETag"]}, timeout=120)
    assert same.status_code == 304
    assert requests.get(url, timeout=120).status_code == 401
    other = tus.new(Upload_Length=10)
    answer = requests.get(other, headers={"x-api-key": tus.daemon.key}, timeout=120)
    assert answer.status_code == 204 and answer.headers["Upload-Offset"] == "0"


def test_uploads_are_their_owners(tus):
    tus.daemon.command("user", "add", "other", "--data", tus.daemon.data, input="another long one\n")
    key = tus.daemon.command("key", "new", "--data", tus.daemon.data, "--user", "other").stdout.strip()
    data = photo(11)
    url = tus.new(Upload_Length=10)
    done = tus.post(data=data, Upload_Length=len(data)).headers["Location"]
    part = partial(tus, b"x" * 10)
    headers = {"x-api-key": key, "Tus-Resumable": "1.0.0"}
    for target in (url, done):
        for method in ("HEAD", "GET", "DELETE"):
            assert requests.request(method, target, headers=headers, timeout=120).status_code == 404
    assert requests.post(tus.base, headers=headers | {"Upload-Concat": "final;" + part}, timeout=120).status_code == 404


# ---- races over HTTP (T1, T4, T5, T6, T18); schedules by the thousand are in tests/unit/upload

class Slow:
    """A PATCH whose body comes when we say so."""

    def __init__(self, tus, url, offset, total, extra=()):
        host, port = tus.daemon.url.removeprefix("http://").split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.connection.putrequest("PATCH", path_of(url))
        for name, value in (("x-api-key", tus.daemon.key), ("Tus-Resumable", "1.0.0"), ("Upload-Offset", offset),
                            ("Content-Type", OFFSET_TYPE), ("Content-Length", total), *extra):
            self.connection.putheader(name, str(value))
        self.connection.endheaders()

    def send(self, data):
        self.connection.send(data)

    def is_answered(self):
        return bool(select.select([self.connection.sock], [], [], 0.01)[0])

    def answer(self):
        response = self.connection.getresponse()
        response.read()
        return response


def test_head_stops_a_running_patch_and_tells_the_truth(tus):
    data = os.urandom(200000)
    url = tus.new(Upload_Length=len(data))
    offset = 0
    for _ in range(10):
        slow = Slow(tus, url, offset, len(data) - offset)
        slow.send(data[offset:offset + 7000])
        while True:  # a HEAD may come before the PATCH has begun
            reported = tus.offset(url)
            if slow.is_answered():
                break
        assert slow.answer().status in (400, 409)
        assert offset <= reported <= offset + 7000
        offset = reported
    answer = tus.patch(url, offset, data[offset:])
    assert answer.status_code == 422  # all there, and no photo


def test_two_patches_never_mix(tus):
    for _ in range(10):
        url = tus.new(Upload_Length=100000)
        answers = []

        def push(letter):
            answers.append(Tus(tus.daemon).patch(url, 0, letter * 50000).status_code)
        threads = [threading.Thread(target=push, args=(letter,)) for letter in (b"a", b"b", b"c")]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert answers.count(204) <= 1 and all(a in (204, 400, 409) for a in answers)
        state = tus.daemon.data / "uploads" / (url.rsplit("/", 1)[1] + ".data")
        stored = state.read_bytes()[:tus.offset(url)]
        assert len(set(stored)) <= 1, "bytes of two requests"


def bytes_stored(tus, url):
    """On the disk, looked at from outside: nobody is interrupted by that."""
    path = tus.daemon.data / "uploads" / (url.rsplit("/", 1)[1] + ".data")
    return path.stat().st_size if path.exists() else 0


def test_delete_ends_a_running_patch(tus):
    url = tus.new(Upload_Length=100000)
    slow = Slow(tus, url, 0, 100000)
    slow.send(b"x" * 1000)
    wait_for(lambda: bytes_stored(tus, url) == 1000, "the first bytes")
    assert tus.http.delete(url, timeout=120).status_code == 204
    assert slow.answer().status in (400, 404, 409, 410)
    assert tus.head(url).status_code in (404, 410)


def test_a_thousand_heads_while_bytes_and_lengths_come(tus):
    """T18: what a HEAD says is accepted; a declared length stays."""
    data = photo(12)
    url = tus.new(Upload_Defer_Length=1)
    seen = []
    stop = threading.Event()

    def look():
        mine = Tus(tus.daemon)
        while not stop.is_set():
            head = mine.head(url)
            seen.append((int(head.headers["Upload-Offset"]), head.headers.get("Upload-Length")))
    threads = [threading.Thread(target=look) for _ in range(3)]
    for t in threads:
        t.start()
    offset, lengths = 0, 0
    while offset < len(data):
        piece = data[offset:offset + max(2000, len(data) // 40)]
        answer = tus.patch(url, offset, piece, **({"Upload_Length": len(data)} if offset > 10000 else {}))
        assert answer.status_code in (204, 400, 409)
        offset = tus.offset(url)
        lengths += 1
    stop.set()
    for t in threads:
        t.join()
    assert tus.head(url).headers.get("Albumen-Result") == "created" or \
        tus.patch(url, len(data), b"", Upload_Length=len(data)).headers["Albumen-Result"] == "created"
    by_thread_known = [length for _, length in seen if length is not None]
    assert set(by_thread_known) <= {str(len(data))}
