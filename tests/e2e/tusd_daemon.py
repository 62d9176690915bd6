# SPDX-License-Identifier: Apache-2.0
"""`albumen tusd` (or tusd itself, by its path) as tests use it: started on a free port, stopped in an orderly way."""
import pathlib
import re
import subprocess
import threading
import time

import requests
from daemon import BINARY, reports

START_TIMEOUT = 60
TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {**TUS, "Content-Type": "application/offset+octet-stream"}


class Tusd:
    def __init__(self, folder, *flags, command=None, port=0):
        self.folder = pathlib.Path(folder)
        self.command = command or [BINARY, "tusd"]
        self.flags = [str(f) for f in flags]
        self.port = port
        self.out = []
        self.process = None

    def start(self, host="127.0.0.1"):
        listen = [] if any("unix-sock" in f for f in self.flags) else ["-host", host, "-port", str(self.port)]
        self.process = subprocess.Popen([*self.command, "-upload-dir", self.folder, *listen, *self.flags],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ready = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self.reader.start()
        assert ready.wait(START_TIMEOUT) and self.process.poll() is None, "\n".join(self.out)
        return self

    def _read(self, ready):
        for line in self.process.stdout:
            self.out.append(line.rstrip())
            found = re.search(r"upload files to: (http://[^ ]*:(\d+))(/.*)", line)
            if found:
                self.port, self.base = int(found.group(2)), found.group(3)
            if found or "as the metrics path" in line and self.port == 0 and "unix" in " ".join(self.flags):
                ready.set()
        ready.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self, status=0):
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.wait(60) == status, "\n".join(self.out[-40:])
        self.reader.join(60)
        assert not reports(self.out), reports(self.out)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert not reports(self.out), reports(self.out)

    def create(self, size, headers=None, base="/files/", **kwargs):
        return requests.post(self.url + base, headers={**TUS, "Upload-Length": str(size), **(headers or {})}, timeout=60, **kwargs)

    def patch(self, url, offset, data, headers=None):
        return requests.patch(url, data=data, headers={**OCTETS, "Upload-Offset": str(offset), **(headers or {})}, timeout=60)

    def metric(self, name):
        for line in requests.get(self.url + "/metrics", timeout=60).text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)


def until(condition, what, seconds=60):
    """Waits for something that happens on its own (a hook that nobody is asked to wait for)."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
