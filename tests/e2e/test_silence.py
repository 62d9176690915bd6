# SPDX-License-Identifier: Apache-2.0
"""Clients that fall silent cost the server a connection and nothing else."""
import json
import socket
import time

from daemon import Daemon

SILENCE = 0.5
STEPS_MAX = 20  # one per wake: begin, a piece of the body, its end


def silent_upload(daemon):
    """Sends the beginning of an upload, says nothing more for a while, hangs up."""
    host, port = daemon.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as s:
        s.sendall((f"POST /files/ HTTP/1.1\r\nHost: {host}\r\nx-api-key: {daemon.key}\r\nTus-Resumable: 1.0.0\r\n"
                   "Upload-Length: 100000\r\nContent-Length: 100000\r\n"
                   "Content-Type: application/offset+octet-stream\r\n\r\n").encode() + b"x" * 1000)
        time.sleep(SILENCE)  # is what is tested, not a wait for something


def uploads_logged(daemon):
    records = [json.loads(text) for text in daemon.log if text.startswith("{")]
    return [r for r in records if r["event"] == "request" and r["method"] == "POST"]


def test_silent_uploads_use_no_thread(tmp_path):
    daemon = Daemon(tmp_path / "data").start()
    count = 6  # more than one on each loop: requests are recycled, and must begin anew
    for _ in range(count):
        silent_upload(daemon)
    deadline = time.monotonic() + 120
    while len(uploads_logged(daemon)) < count:  # whom the server has not met when it ends is not logged
        assert time.monotonic() < deadline, daemon.log
        time.sleep(0.05)
    daemon.stop()
    ended = uploads_logged(daemon)
    assert len(ended) == count
    assert max(line["steps"] for line in ended) <= STEPS_MAX, ended
