# SPDX-License-Identifier: Apache-2.0
"""Starts the test server for the Python tests beside it, and insists that it ends well."""
import contextlib
import os
import signal
import subprocess
import tempfile


@contextlib.contextmanager
def running(program, *options):
    """Yields (socket path, pid, TCP port). At the end: SIGTERM, a clean stop, nothing open, exit code 0."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        process = subprocess.Popen([program, "--listen", "unix:" + path, "--listen", "127.0.0.1:0", "--log-level", "error",
                                    *options],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            assert line.startswith("ready "), line + process.stderr.read()
            yield path, process.pid, int(line.rsplit(":", 1)[1])
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "stopped clean open=0" in out and process.returncode == 0, f"exit {process.returncode}: {out}\n{err}"
