# SPDX-License-Identifier: Apache-2.0
"""The real daemon as tests use it: started on a free port, asked over HTTP, killed for real.

ALB_TEST_BUILD names the build folder (default: build), so the same tests run under the sanitizers (steps e2e-asan and
e2e-tsan of tools/testrun). What a sanitizer says of the server, of a worker of the darkroom or of a command fails the
test, also where the test looks at nothing but answers.
"""
import base64
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / os.environ.get("ALB_TEST_BUILD", "build") / "albumen"
PASSWORD = "correct horse battery"
START_TIMEOUT = 120
REPORT = re.compile(r"(Address|Leak|Thread|UndefinedBehavior|Memory)Sanitizer|runtime error:")


def reports(lines):
    """From the first word of a sanitizer to the end; "" if there is none."""
    for i, line in enumerate(lines):
        if REPORT.search(line):
            return "\n".join(lines[i:i + 200])
    return ""


class Daemon:
    """One data folder and, while it runs, one process. stderr is read by a thread and kept in .log."""

    all = []  # of this run, for conftest.py to look at their logs

    def __init__(self, data, *options):
        Daemon.all.append(self)
        self._reader = None
        self.data = pathlib.Path(data)
        self.options = list(options)
        self.process = None
        self.url = None
        self.log = []
        self._key = None
        # Ours, also while no server runs: else another process may get it before the server has come back.
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port.bind(("127.0.0.1", 0))

    def start(self, *options):
        env = dict(os.environ, ALBUMEN_ADMIN_PASSWORD=PASSWORD)
        listen = "127.0.0.1:%d" % self._port.getsockname()[1] if self.url is None else self.url.removeprefix("http://")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.data, "--listen", listen, "--log-format", "json", *self.options, *options],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        lines = queue.Queue()
        quiet = "warn" in options  # then nothing is logged that could be waited for
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr, lines), daemon=True)
        self._reader.start()
        deadline = time.monotonic() + START_TIMEOUT
        while quiet:
            try:
                requests.get(self.url + "/health", timeout=60)
                return self
            except requests.ConnectionError:
                assert time.monotonic() < deadline and self.process.poll() is None, "\n".join(self.log)
                time.sleep(0.05)
        while True:
            try:
                line = lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError("albumen did not start:\n" + "\n".join(self.log)) from None
            if line is None:
                raise AssertionError("albumen ended at start:\n" + "\n".join(self.log))
            if line.get("event") == "listening":
                self.url = "http://" + line["address"]
            if line.get("event") == "ready":
                return self

    def _read(self, stream, lines):
        for text in stream:
            self.log.append(text.rstrip())
            try:
                lines.put(json.loads(text))
            except ValueError:
                pass
        lines.put(None)

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.ended()

    def ended(self):
        """The log is complete (workers that outlive the server for a moment write into it too), and has no report."""
        self._reader.join(30)
        assert not reports(self.log), reports(self.log)

    def stop(self, timeout=60):
        """SIGTERM, a clean end, exit status 0."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            time.sleep(1)
            self.process.kill()
            raise AssertionError("albumen did not stop:\n" + "\n".join(self.log[-60:])) from None
        self.ended()
        assert self.process.returncode == 0, "\n".join(self.log[-60:])

    def command(self, *args, check=True, **kwargs):
        """Another albumen command on this data folder; returns the finished process."""
        run = subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=300, **kwargs)
        assert not reports(run.stderr.splitlines()), run.stderr
        assert not check or run.returncode == 0, f"albumen {args}: {run.returncode}\n{run.stdout}\n{run.stderr}"
        return run

    @property
    def key(self):
        if self._key is None:
            self._key = self.command("key", "new", "--data", self.data, "--user", "admin").stdout.strip()
        return self._key

    def session(self):
        http = requests.Session()
        http.headers["x-api-key"] = self.key
        return http

    def get(self, path, **kwargs):
        kwargs.setdefault("timeout", 300)
        headers = {"x-api-key": self.key} | kwargs.pop("headers", {})
        return requests.get(self.url + path, headers=headers, **kwargs)

    def upload(self, content, filename="photo.jpg", headers=None, **metadata):
        """tus, creation-with-upload: the answer of the POST."""
        pairs = {"filename": filename, **metadata}
        encoded = ",".join(k.replace("_", "-") + " " + base64.b64encode(v.encode()).decode() for k, v in pairs.items())
        return requests.post(self.url + "/files/", data=content, timeout=300, headers={
            "x-api-key": self.key, "Tus-Resumable": "1.0.0", "Upload-Length": str(len(content)),
            "Upload-Metadata": encoded, "Content-Type": "application/offset+octet-stream", **(headers or {})})

    def children(self):
        return [int(p) for p in subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                                               capture_output=True, text=True).stdout.split()]

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def metric(self, name):
        for line in requests.get(self.url + "/metrics", timeout=120, headers={"x-api-key": self.key}).text.splitlines():
            if line.startswith(name + " ") or line.startswith(name + "{"):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)
