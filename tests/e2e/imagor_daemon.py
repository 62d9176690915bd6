# SPDX-License-Identifier: Apache-2.0
"""`albumen imagor` as tests use it."""
import os
import subprocess
import threading
import json

import requests
from daemon import BINARY, Daemon

START_TIMEOUT = 120


class Imagor:
    """One process, set up by flags (-x=v) and variables; its log is kept."""

    def __init__(self, home, *flags, unsafe=True, variables=None):
        Daemon.all.append(self)  # conftest.py looks at the log and ends what a failed test has left
        self.log = []
        self.process = None
        self.home = home
        self.flags = ["-bind=127.0.0.1:0", "-prometheus-bind=127.0.0.2:0"] + (["-imagor-unsafe"] if unsafe else [])
        self.flags += [str(f) for f in flags]
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("IMAGOR_", "FILE_", "HTTP_LOADER", "ALBUMEN_"))}
        self.env.update({"XDG_CACHE_HOME": str(home / "xdg"), **(variables or {})})

    def start(self):
        self.process = subprocess.Popen([BINARY, "imagor", *self.flags], env=self.env, stdin=subprocess.DEVNULL, cwd=self.home,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ready = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self.reader.start()
        assert ready.wait(START_TIMEOUT) and self.process.poll() is None, "\n".join(self.log)
        return self

    def _read(self, ready):
        for line in self.process.stdout:
            self.log.append(line.rstrip())
            record = json.loads(line) if line.startswith("{") else {}
            if record.get("event") == "prometheus listen":
                self.metrics = "http://" + record["address"]
            elif record.get("event") == "listen":
                self.url = "http://" + record["address"]
                ready.set()
        ready.set()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(60)

    def stop(self, status=0):
        self.process.terminate()
        assert self.process.wait(120) == status, "\n".join(self.log[-40:])
        self.reader.join(60)

    def get(self, path, method="GET", **kwargs):
        kwargs.setdefault("timeout", 120)
        kwargs.setdefault("allow_redirects", False)
        return requests.request(method, self.url + path, **kwargs)

    def count(self, name):
        for line in requests.get(self.metrics, timeout=120).text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)

    def warnings(self):
        return [json.loads(line) for line in self.log if line.startswith("{") and json.loads(line)["level"] == "warn"]


def refused(home, *flags, variables=None):
    """It does not start; what it says."""
    server = Imagor(home, *flags, variables=variables)
    run = subprocess.run([BINARY, "imagor", *server.flags], env=server.env, cwd=home, capture_output=True, text=True,
                         timeout=120, stdin=subprocess.DEVNULL)
    assert run.returncode in (1, 2), run
    return run.stdout + run.stderr
