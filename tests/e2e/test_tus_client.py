# SPDX-License-Identifier: Apache-2.0
"""tus-js-client, unchanged, against the real daemon: the flows of its own end-to-end tests, and a kill -9."""
import http.server
import json
import shutil
import subprocess
import threading

import pytest
import requests

import pictures
from daemon import ROOT, Daemon

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "web/node_modules/tus-js-client").is_dir(),
    reason="needs node and the packages of web/")

FLOWS = ["plain", "chunks", "deferred", "parallel", "override", "with-creation", "ietf-03", "ietf-05", "resumed"]


def run(flow, daemon, path, *more):
    done = subprocess.run(["node", ROOT / "tests/e2e/tus_client.mjs", flow, daemon.url + "/files/", daemon.key, path, *more],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:] + "\n".join(daemon.log[-20:])
    return json.loads(done.stdout.splitlines()[-1])


def check_photo(daemon, said, data):
    head = requests.head(said["url"], timeout=120,
                         headers={"x-api-key": daemon.key, "Tus-Resumable": "1.0.0"})
    asset = head.headers["Albumen-Asset"]
    assert said["asset"] in (None, asset)
    assert daemon.get(f"/api/assets/{asset}/original").content == data


@pytest.mark.parametrize("flow", FLOWS)
def test_flows(shared_daemon, tmp_path, flow):
    data = pictures.photo(9100 + FLOWS.index(flow))
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    check_photo(shared_daemon, run(flow, shared_daemon, path), data)


def test_termination(shared_daemon, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.photo(9130))
    said = run("terminated", shared_daemon, path)
    assert requests.head(said["url"], timeout=120, headers={"x-api-key": shared_daemon.key, "Tus-Resumable": "1.0.0"}
                         ).status_code in (404, 410)


def test_a_killed_server_is_come_back_to(tmp_path):
    data = pictures.photo(9140)
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    daemon = Daemon(tmp_path / "data").start()
    assert daemon.key

    class Restart(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            daemon.kill9()
            daemon.start()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    control = http.server.HTTPServer(("127.0.0.1", 0), Restart)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    try:
        check_photo(daemon, run("killed", daemon, path, f"http://127.0.0.1:{control.server_port}/"), data)
    finally:
        control.shutdown()
        daemon.stop()
