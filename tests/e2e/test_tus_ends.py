# SPDX-License-Identifier: Apache-2.0
"""Where an upload ends without a proper end, and what a client may make others read."""
import base64
import socket
import time

import pytest
import requests

import pictures
from tusd_daemon import Tusd

TUS = {"Tus-Resumable": "1.0.0"}


def create(daemon, size):
    made = requests.post(daemon.url + "/files/", timeout=30,
                         headers={**TUS, "x-api-key": daemon.key, "Upload-Length": str(size)})
    assert made.status_code == 201
    return made.headers["Location"]


def test_all_bytes_but_no_end_of_the_body(shared_daemon):
    """A chunked body whose client is gone before the last chunk: every byte is there, so the photo is."""
    photo = pictures.photo(4711, 640, 480)
    location = create(shared_daemon, len(photo))
    host, port = shared_daemon.url.removeprefix("http://").split(":")
    path = "/files/" + location.rsplit("/", 1)[1]
    with socket.create_connection((host, int(port)), timeout=10) as s:
        s.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {shared_daemon.key}\r\nTus-Resumable: 1.0.0\r\n"
                  "Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
                  f"Transfer-Encoding: chunked\r\n\r\n{len(photo):x}\r\n".encode() + photo + b"\r\n")
    deadline = time.monotonic() + 30
    while True:
        head = requests.head(location, timeout=30, headers={**TUS, "x-api-key": shared_daemon.key})
        assert head.status_code == 200
        if int(head.headers["Upload-Offset"]) == len(photo):
            break
        assert time.monotonic() < deadline, head.headers
    assert head.headers["Albumen-Result"] == "created"
    asset = head.headers["Albumen-Asset"]
    assert shared_daemon.get(f"/api/assets/{asset}/original").content == photo


@pytest.mark.parametrize("filetype", ["image/png; a=b\r\nX-Evil: 1", "image/png\r\n\r\n<script>", "image/png\nX-Evil: 1",
                                      "image/png; a=\0", "image/png\r\nContent-Length: 1"])
def test_a_file_type_is_no_header(tmp_path, filetype):
    with Tusd(tmp_path) as tusd:
        made = requests.post(tusd.url + "/files/", data=b"hello", timeout=30, headers={
            **TUS, "Upload-Length": "5", "Content-Type": "application/offset+octet-stream",
            "Upload-Metadata": "filetype " + base64.b64encode(filetype.encode()).decode()})
        assert made.status_code == 201
        got = requests.get(made.headers["Location"], timeout=30)
        assert got.content == b"hello"
        assert got.headers["Content-Type"] == "application/octet-stream"
        assert "X-Evil" not in got.headers
