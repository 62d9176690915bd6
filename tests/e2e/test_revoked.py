# SPDX-License-Identifier: Apache-2.0
"""Who loses the right to upload while a body is on its way finishes nothing, in whatever way the last byte comes: rights
are asked for again before what was sent becomes whole. What is durable and whole is finished by the server, whoever
sent it; so it must not become that. The owner goes on with another key."""
import socket
import time

import pytest
import requests

import pictures

OFFSET_TYPE = "application/offset+octet-stream"
APPEND = "application/partial-upload"
count = iter(range(16000, 17000))


class Key:
    """A key that is taken back while a request of it is on its way."""

    def __init__(self, daemon):
        self.daemon, self.name = daemon, f"lost-{next(count)}"
        self.text = daemon.command("key", "new", "--data", daemon.data, "--user", "admin", "--name",
                                   self.name).stdout.strip()

    def revoke(self):
        rows = self.daemon.command("key", "list", "--data", self.daemon.data).stdout.splitlines()
        number = next(row for row in rows if self.name in row).split()[0]
        self.daemon.command("key", "revoke", number, "--data", self.daemon.data)


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def send(daemon, start, headers, first, rest, behind=b"", stored=0):
    """A request whose key is revoked between the first two parts of its body. What is `behind` is sent when so many bytes
    of it are `stored`. The last answer, as text."""
    before = daemon.metric("albumen_upload_received_bytes_total")
    key = Key(daemon)
    host, port = daemon.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as s:
        s.sendall((f"{start} HTTP/1.1\r\nHost: x\r\nx-api-key: {key.text}\r\n" +
                   "".join(f"{name}: {value}\r\n" for name, value in headers.items()) +
                   "Expect: 100-continue\r\nConnection: close\r\n\r\n").encode())
        assert s.recv(65536).startswith(b"HTTP/1.1 10")  # 100 or 104: it is let in
        s.sendall(first)
        key.revoke()
        s.sendall(rest)
        wait_for(lambda: daemon.metric("albumen_upload_received_bytes_total") >= before + stored, "it is stored")
        s.sendall(behind)
        answer = b"".join(iter(lambda: s.recv(65536), b"")).decode()
    while answer.startswith("HTTP/1.1 10"):
        answer = answer.partition("\r\n\r\n")[2]
    return answer


def create(daemon, length):
    answer = requests.post(daemon.url + "/files/", timeout=120, headers={
        "x-api-key": daemon.key, "Tus-Resumable": "1.0.0", "Upload-Length": str(length)})
    assert answer.status_code == 201
    return answer.headers["Location"]


def go_on(daemon, url, data):
    """What is missing, by the owner: less than all is there, and the rest makes a photo."""
    auth = {"x-api-key": daemon.key, "Tus-Resumable": "1.0.0"}
    offset = int(requests.head(url, headers=auth, timeout=120).headers["Upload-Offset"])
    assert offset < len(data)
    answer = requests.patch(url, data=data[offset:], timeout=60, headers=auth | {
        "Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE})
    assert answer.headers["Albumen-Result"] == "created"
    return offset


def path_of(url):
    return "/" + url.split("/", 3)[3]


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_patch(shared_daemon):
    data = pictures.photo(next(count))
    url = create(shared_daemon, len(data))
    answer = send(shared_daemon, f"PATCH {path_of(url)}", {
        "Tus-Resumable": "1.0.0", "Upload-Offset": 0, "Content-Type": OFFSET_TYPE, "Content-Length": len(data)},
        data[:1000], data[1000:])
    assert answer.startswith("HTTP/1.1 401 ") and "Albumen-Asset" not in answer
    offset = go_on(shared_daemon, url, data)
    assert f"Upload-Offset: {offset}" in answer


def test_patch_that_goes_on_behind_the_length(shared_daemon):
    """Refused in any case; but what fits was kept, and was whole."""
    data = pictures.photo(next(count))
    url = create(shared_daemon, len(data))
    answer = send(shared_daemon, f"PATCH {path_of(url)}", {
        "Tus-Resumable": "1.0.0", "Upload-Offset": 0, "Content-Type": OFFSET_TYPE, "Transfer-Encoding": "chunked"},
        chunk(data[:1000]), chunk(data[1000:]), chunk(b"more") + b"0\r\n\r\n", len(data))
    assert answer.startswith("HTTP/1.1 4") and "Albumen-Asset" not in answer
    go_on(shared_daemon, url, data)


@pytest.mark.parametrize("complete", ["?0", "?1"])
def test_append(shared_daemon, complete):
    """Also one that says that more will come, when there can be no more."""
    data = pictures.photo(next(count))
    url = create(shared_daemon, len(data))
    answer = send(shared_daemon, f"PATCH {path_of(url)}", {
        "Upload-Complete": complete, "Upload-Offset": 0, "Content-Type": APPEND, "Content-Length": len(data)},
        data[:1000], data[1000:])
    assert answer.startswith("HTTP/1.1 401 ") and "Albumen-Asset" not in answer
    go_on(shared_daemon, url, data)


def test_post_leaves_nothing(shared_daemon):
    data = pictures.photo(next(count))
    answer = send(shared_daemon, "POST /files/", {
        "Tus-Resumable": "1.0.0", "Upload-Length": len(data), "Content-Type": OFFSET_TYPE, "Content-Length": len(data)},
        data[:1000], data[1000:])
    assert answer.startswith("HTTP/1.1 401 ") and "Albumen-Asset" not in answer
