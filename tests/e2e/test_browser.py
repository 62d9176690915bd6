# SPDX-License-Identifier: Apache-2.0
"""The browser tests of tests/browser, in Chromium, against the real daemon instead of the mock server."""
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

from daemon import PASSWORD, ROOT, Daemon

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.fixture
def restarting_daemon(tmp_path):
    """A daemon that is killed and started again whenever its second address is asked to."""
    daemon = Daemon(tmp_path / "data").start()

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
    yield daemon, f"http://127.0.0.1:{control.server_port}/"
    control.shutdown()
    daemon.stop()


@pytest.mark.skipif(not pathlib.Path(CHROMIUM).exists() or shutil.which("node") is None,
                    reason="needs Chromium and node")
def test_page_on_the_real_daemon(restarting_daemon):
    daemon, restart = restarting_daemon
    env = dict(os.environ, ALBUMEN_URL=daemon.url, ALBUMEN_USER="admin", ALBUMEN_PASSWORD=PASSWORD,
               ALBUMEN_RESTART=f"curl -fsS -X POST {restart}", ALBUMEN_PATIENCE="120000")
    run = subprocess.run(["node", "--test-reporter=tap", ROOT / "tests/browser/run.mjs"], cwd=ROOT, env=env, text=True,
                         stdout=subprocess.PIPE, timeout=1800)
    results = re.findall(r"^(not )?ok \d+ - (.*)$", run.stdout, re.M)
    failed = [name for bad, name in results if bad]
    assert results and not failed and run.returncode == 0, run.stdout[-8000:]
