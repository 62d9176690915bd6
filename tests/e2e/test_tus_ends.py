# SPDX-License-Identifier: Apache-2.0
"""Where an upload ends without a proper end, and what a client may make others read."""
import base64
import json
import resource
import selectors
import socket
import time

import pytest
import requests

import pictures
from daemon import Daemon
from tusd_daemon import OCTETS, Tusd, until

TUS = {"Tus-Resumable": "1.0.0"}


def create(daemon, size):
    made = requests.post(daemon.url + "/files/", timeout=120,
                         headers={**TUS, "x-api-key": daemon.key, "Upload-Length": str(size)})
    assert made.status_code == 201
    return made.headers["Location"]


def test_all_bytes_but_no_end_of_the_body(shared_daemon):
    """A chunked body whose client is gone before the last chunk: every byte is there, so the photo is."""
    photo = pictures.photo(4711, 640, 480)
    location = create(shared_daemon, len(photo))
    host, port = shared_daemon.url.removeprefix("http://").split(":")
    path = "/files/" + location.rsplit("/", 1)[1]
    deadline, offset = time.monotonic() + 120, 0
    while True:
        with socket.create_connection((host, int(port)), timeout=120) as s:
            s.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {shared_daemon.key}\r\nTus-Resumable: 1.0.0\r\n"
                      f"Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\n"
                      f"Transfer-Encoding: chunked\r\n\r\n{len(photo) - offset:x}\r\n".encode() + photo[offset:] + b"\r\n")
        head = requests.head(location, timeout=120, headers={**TUS, "x-api-key": shared_daemon.key})
        assert head.status_code == 200
        offset = int(head.headers["Upload-Offset"])
        if offset == len(photo):
            break
        # the question was quicker than the bytes, and has interrupted them
        assert time.monotonic() < deadline, head.headers
    assert head.headers["Albumen-Result"] == "created"
    asset = head.headers["Albumen-Asset"]
    assert shared_daemon.get(f"/api/assets/{asset}/original").content == photo


@pytest.mark.parametrize("filetype", ["image/png; a=b\r\nX-Evil: 1", "image/png\r\n\r\n<script>", "image/png\nX-Evil: 1",
                                      "image/png; a=\0", "image/png\r\nContent-Length: 1"])
def test_a_file_type_is_no_header(tmp_path, filetype):
    with Tusd(tmp_path) as tusd:
        made = requests.post(tusd.url + "/files/", data=b"hello", timeout=120, headers={
            **TUS, "Upload-Length": "5", "Content-Type": "application/offset+octet-stream",
            "Upload-Metadata": "filetype " + base64.b64encode(filetype.encode()).decode()})
        assert made.status_code == 201
        got = requests.get(made.headers["Location"], timeout=120)
        assert got.content == b"hello"
        assert got.headers["Content-Type"] == "application/octet-stream"
        assert "X-Evil" not in got.headers


def test_a_concatenation_of_many_parts_can_be_looked_at(tmp_path):
    """The most parts that are taken: HEAD tells of the end of them, with their paths where the URLs would be too long."""
    with Tusd(tmp_path) as tusd, requests.Session() as session:
        urls = []
        for i in range(1000):
            made = session.post(tusd.url + "/files/", data=b"%04d" % i, timeout=60, headers={
                **OCTETS, "Upload-Length": "4", "Upload-Concat": "partial"})
            urls.append(made.headers["Location"])
        paths = [url.removeprefix(tusd.url) for url in urls]
        final = session.post(tusd.url + "/files/", headers={**TUS, "Upload-Concat": "final;" + " ".join(paths)}, timeout=60)
        assert final.status_code == 201
        head = session.head(final.headers["Location"], headers=TUS, timeout=60)
        assert head.status_code == 200 and head.headers["Upload-Offset"] == "4000"
        assert head.headers["Upload-Concat"] == "final;" + " ".join(paths)
        few = session.post(tusd.url + "/files/", headers={**TUS, "Upload-Concat": "final;" + " ".join(paths[:300])}, timeout=60)
        head = session.head(few.headers["Location"], headers=TUS, timeout=60)
        assert head.headers["Upload-Concat"] == "final;" + " ".join(urls[:300])


def test_long_metadata_can_be_looked_at(tmp_path):
    metadata = "k " + "A" * 60000
    with Tusd(tmp_path) as tusd:
        made = tusd.create(3, {"Upload-Metadata": metadata})
        assert made.status_code == 201
        head = requests.head(made.headers["Location"], headers=TUS, timeout=60)
        assert head.status_code == 200 and head.headers["Upload-Metadata"] == metadata


def script(folder, name, body):
    new = folder / (name + ".new")
    new.write_text("#!/bin/sh\n" + body)
    new.chmod(0o755)
    new.rename(folder / name)


def answered(sockets):
    """The first answer to any of these requests."""
    with selectors.DefaultSelector() as ready:
        for s in sockets:
            ready.register(s, selectors.EVENT_READ)
        events = ready.select(60)
        assert events, "nobody was answered"
        return events[0][0].fileobj.recv(65536).decode()


def test_hooks_are_not_asked_for_clients_that_have_gone(tmp_path):
    """More creations than may wait: told to come back later. And when all of them have left, nothing is in the way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    script(hooks, "pre-create", "exec sleep 600\n")
    with Tusd(tmp_path / "data", "-hooks-dir", hooks, "-hooks-enabled-events", "pre-create") as tusd:
        sockets = []
        try:
            for _ in range(1200):
                s = socket.create_connection(("127.0.0.1", tusd.port), timeout=60)
                sockets.append(s)
                s.sendall(b"POST /files/ HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 3\r\n\r\n")
            refused = answered(sockets)
            assert refused.startswith("HTTP/1.1 503 ") and "Retry-After: " in refused and "ERR_SERVER_BUSY" in refused
        finally:
            for s in sockets:
                s.close()
        script(hooks, "pre-create", "exit 0\n")
        until(lambda: tusd.create(3).status_code == 201, "the hooks of those who left are still in the way")


def test_hooks_hear_how_long_a_concatenation_is(tmp_path):
    """As tusd: its size is known, and nobody is asked about one that cannot be made."""
    hooks, log = tmp_path / "hooks", tmp_path / "log"
    hooks.mkdir()
    for name in ("pre-create", "post-create"):
        script(hooks, name, f'(printf "{name} $TUS_SIZE "; cat; echo) >> {log}\n')
    with Tusd(tmp_path / "data", "-hooks-dir", hooks, "-hooks-enabled-events", "pre-create,post-create", "-max-size", "10") as tusd:
        def part(size, data):
            made = requests.post(tusd.url + "/files/", data=data, timeout=60, headers={
                **OCTETS, "Upload-Length": str(size), "Upload-Concat": "partial"})
            assert made.status_code == 201
            return made.headers["Location"]

        def final(*urls):
            return requests.post(tusd.url + "/files/", headers={**TUS, "Upload-Concat": "final;" + " ".join(urls)}, timeout=60)

        one, two, three, half = part(5, b"12345"), part(3, b"678"), part(4, b"9abc"), part(5, b"1")
        normal = tusd.create(1).headers["Location"]
        until(lambda: log.exists() and log.read_text().count("\n") == 10, "the hooks of the parts")
        log.write_text("")
        for urls, status, word in (((one, tusd.url + "/files/nothing"), 404, "ERR_UPLOAD_NOT_FOUND"),
                                   ((one, half), 400, "ERR_UPLOAD_NOT_FINISHED"), ((one, normal), 400, "ERR_INVALID_CONCAT"),
                                   ((one, two, three), 413, "ERR_MAX_SIZE_EXCEEDED")):
            answer = final(*urls)
            assert answer.status_code == status and answer.text.startswith(word)
        assert final(one, two).status_code == 201
        until(lambda: log.read_text().count("\n") == 2, "the hooks of the whole")
        for line, hook in zip(log.read_text().splitlines(), ("pre-create", "post-create")):
            name, size, event = line.split(" ", 2)
            upload = json.loads(event)["Event"]["Upload"]
            assert (name, size) == (hook, "8")
            assert (upload["Size"], upload["SizeIsDeferred"], upload["IsFinal"]) == (8, False, True)


def test_ids_that_mean_something_in_a_url(tmp_path):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    script(hooks, "pre-create", """echo '{"ChangeFileInfo":{"ID":"a%2fb"}}'\n""")
    with Tusd(tmp_path / "data", "-hooks-dir", hooks, "-hooks-enabled-events", "pre-create") as tusd:
        made = requests.post(tusd.url + "/files/", data=b"hello", timeout=60, headers={**OCTETS, "Upload-Length": "5"})
        assert made.status_code == 201 and made.headers["Location"].endswith("/files/a%252fb")
        assert requests.get(made.headers["Location"], timeout=60).content == b"hello"


def plain(daemon, request):
    """The head of an answer, without a library that puts lines together."""
    host, port = daemon.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as s:
        s.sendall(request.replace("\r\n\r\n", f"\r\nx-api-key: {daemon.key}\r\nConnection: close\r\n\r\n", 1).encode())
        data = b""
        while piece := s.recv(65536):
            data += piece
    return data.decode()


def test_headers_that_come_twice(shared_daemon):
    start = "POST /files/ HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
    assert plain(shared_daemon, start + "Upload-Length: 5\r\nUpload-Length: 6\r\n\r\n").startswith("HTTP/1.1 400 ")
    assert plain(shared_daemon, start + "Upload-Length: 5\r\nUpload-Length: 5\r\n\r\n").startswith("HTTP/1.1 201 ")
    made = plain(shared_daemon, start + "Upload-Length: 5\r\nUpload-Metadata: a Zg==\r\nUpload-Metadata: b Zg==\r\n\r\n")
    path = "/files/" + made.split("Location: ")[1].split("\r\n")[0].rsplit("/", 1)[1]
    head = plain(shared_daemon, f"HEAD {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n\r\n")
    assert "\r\nUpload-Metadata: a Zg==,b Zg==\r\n" in head


@pytest.mark.parametrize("twice", [
    "Upload-Length: 5\r\nUpload-Concat: partial\r\nUpload-Concat: final;/files/x\r\n",
    "Upload-Length: 5\r\nUpload-Checksum: sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n"
    "Upload-Checksum: sha1 AAAAHdzF6KLavt4PO0gs2a6pQ00=\r\n",
    "Upload-Defer-Length: 1\r\nUpload-Defer-Length: 2\r\n"])
def test_a_creation_that_contradicts_itself(shared_daemon, twice):
    answer = plain(shared_daemon, f"POST /files/ HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n{twice}"
                   "Content-Type: application/offset+octet-stream\r\nContent-Length: 5\r\n\r\nhello")
    assert answer.startswith("HTTP/1.1 400 ") and "Location" not in answer


@pytest.mark.parametrize("name", ["Upload-Offset", "Upload-Length"])
def test_an_append_that_contradicts_itself(shared_daemon, name):
    made = requests.post(shared_daemon.url + "/files/", timeout=120, headers={
        **TUS, "x-api-key": shared_daemon.key, "Upload-Defer-Length": "1"})
    path = "/files/" + made.headers["Location"].rsplit("/", 1)[1]
    twice = {"Upload-Offset": "Upload-Offset: 0\r\nUpload-Offset: 1\r\n",
             "Upload-Length": "Upload-Offset: 0\r\nUpload-Length: 5\r\nUpload-Length: 6\r\n"}[name]
    answer = plain(shared_daemon, f"PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n{twice}"
                   "Content-Type: application/offset+octet-stream\r\nContent-Length: 1\r\n\r\na")
    assert answer.startswith("HTTP/1.1 400 ") and "\r\nUpload-Offset: 0\r\n" in answer
    answer = plain(shared_daemon, f"PATCH {path} HTTP/1.1\r\nHost: x\r\n" + twice.replace("Length: 5", "Length: 7") +
                   ("Upload-Complete: ?0\r\n" if name == "Upload-Offset" else "Upload-Complete: ?0\r\nUpload-Complete: ?1\r\n") +
                   "Content-Type: application/partial-upload\r\nContent-Length: 1\r\n\r\na")
    assert answer.startswith("HTTP/1.1 400 ") and "\r\nUpload-Offset: 0\r\n" in answer


def test_a_slash_behind_the_id(shared_daemon):
    """As tusd; clients that put URLs together by hand do it."""
    url = create(shared_daemon, 5) + "/"
    head = requests.head(url, timeout=120, headers={**TUS, "x-api-key": shared_daemon.key})
    assert head.status_code == 200 and head.headers["Upload-Length"] == "5"
    assert requests.get(url, timeout=120, headers={"x-api-key": shared_daemon.key}).status_code == 204


def test_a_location_without_a_host(shared_daemon):
    """HTTP/1.0 may leave it out: then the path alone is a URL, and the whole is none."""
    made = plain(shared_daemon, "POST /files/ HTTP/1.0\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n\r\n")
    location = made.split("Location: ")[1].split("\r\n")[0]
    assert location.startswith("/files/")


def test_partial_uploads_say_when_they_expire(shared_daemon):
    """Also the answer that completes one."""
    headers = {**OCTETS, "x-api-key": shared_daemon.key, "Upload-Length": "5", "Upload-Concat": "partial"}
    made = requests.post(shared_daemon.url + "/files/", data=b"hello", headers=headers, timeout=120)
    assert made.status_code == 201 and "Upload-Expires" in made.headers
    url = requests.post(shared_daemon.url + "/files/", data=b"he", headers=headers, timeout=120).headers["Location"]
    done = requests.patch(url, data=b"llo", headers={**OCTETS, "x-api-key": shared_daemon.key, "Upload-Offset": "2"}, timeout=120)
    assert done.status_code == 204 and "Upload-Expires" in done.headers


def test_a_pre_finish_that_fails_loses_nothing(tmp_path):
    """The bytes are there: the answer says where, in both protocols."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    script(hooks, "pre-finish", "exit 1\n")
    with Tusd(tmp_path / "data", "-hooks-dir", hooks, "-hooks-enabled-events", "pre-finish",
              "-enable-experimental-protocol") as tusd:
        made = requests.post(tusd.url + "/files/", data=b"hello", timeout=60, headers={**OCTETS, "Upload-Length": "5"})
        assert made.status_code == 500 and made.headers["Upload-Offset"] == "5" and "Location" in made.headers
        url = tusd.create(5).headers["Location"]
        done = tusd.patch(url, 0, b"hello")
        assert done.status_code == 500 and done.headers["Upload-Offset"] == "5"
        url = tusd.create(5).headers["Location"]
        done = requests.patch(url, data=b"hello", timeout=60, headers={
            "Upload-Offset": "0", "Upload-Complete": "?1", "Content-Type": "application/partial-upload"})
        assert done.status_code == 500 and done.headers["Upload-Offset"] == "5" and done.headers["Upload-Complete"] == "?1"


def test_a_client_that_is_silent_goes_on_later(tmp_path):
    """tus-js-client goes on after 5xx, and gives up at 408."""
    daemon = Daemon(tmp_path / "data", "--min-rate-in", "1k", "--rate-window", "1s", "--drain-timeout", "1s").start()
    try:
        path = "/files/" + create(daemon, 10).rsplit("/", 1)[1]
        answer = plain(daemon, f"PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                       "Content-Type: application/offset+octet-stream\r\nContent-Length: 10\r\n\r\nhello")
        assert answer.startswith("HTTP/1.1 503 ") and "\r\nUpload-Offset: 5\r\n" in answer and "\r\nRetry-After: " in answer
        assert "ERR_READ_TIMEOUT" in answer
    finally:
        daemon.stop()


def test_a_full_share_is_no_full_disk(tmp_path):
    daemon = Daemon(tmp_path / "data", "--upload-space-per-user", "1M").start()
    try:
        headers = {**OCTETS, "x-api-key": daemon.key}
        made = requests.post(daemon.url + "/files/", headers={**headers, "Upload-Defer-Length": "1"}, timeout=60)
        full = requests.patch(made.headers["Location"], data=b"\0" * (2 << 20), timeout=60,
                              headers={**headers, "Upload-Offset": "0"})
        assert full.status_code == 507 and "as much as they may" in full.text and "disk" not in full.text
    finally:
        daemon.stop()


def test_every_answer_is_of_tus(shared_daemon):
    answer = plain(shared_daemon, "PUT /files/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert answer.startswith("HTTP/1.1 405 ") and "\r\nTus-Resumable: 1.0.0\r\n" in answer


def test_one_protocol_alone(tmp_path):
    """Without -enable-experimental-protocol no answer is one of the other protocol."""
    with Tusd(tmp_path, "-max-size", "10") as tusd:
        head = requests.head(tusd.create(3).headers["Location"], timeout=60)
        assert head.status_code == 200 and "Upload-Offset" in head.headers
        assert "Upload-Complete" not in head.headers and "Upload-Limit" not in head.headers
