# SPDX-License-Identifier: Apache-2.0
"""The server as a service: sockets that are passed to it, what it tells systemd, signals, health, and starts that cannot
succeed, each with a message that helps."""
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
import requests

import pictures
from daemon import BINARY, PASSWORD, ROOT, Daemon, reports

PATIENCE = 60  # for what must come at once; long, because machines are loaded


def eventually(look, what):
    """Looks until it is true: an event that is waited for, not a time."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, what
    return found


@pytest.fixture
def systemd(tmp_path):
    """The other end of NOTIFY_SOCKET: next() is the next message."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(path))
        s.settimeout(PATIENCE)
        yield path, lambda: s.recv(4096).decode()


# LISTEN_PID must be the process that becomes the server: python sets it, puts the sockets at 3 and up, and execs.
ACTIVATE = """
import os, sys
fds = [os.dup(int(f)) for f in sys.argv[1].split(",")]
high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
os.execv(sys.argv[2], sys.argv[2:])
"""


def activate(sockets, data, *options, **env):
    return subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, ",".join(str(s.fileno()) for s in sockets), BINARY, "serve", "--data", data,
         "--listen", "systemd", *options], pass_fds=[s.fileno() for s in sockets], stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, ALBUMEN_ADMIN_PASSWORD=PASSWORD, **env))


def ended(process):
    text = process.stderr.read()
    status = process.wait(PATIENCE)
    assert not reports(text.splitlines()), text
    return status, text


def ask_unix(path, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(request)
        return b"".join(iter(lambda: s.recv(65536), b"")).decode()


def test_sockets_of_systemd(tmp_path, systemd):
    """A client that came before the server is up is answered; the sockets outlive the server; a Unix socket is one too."""
    notify, told = systemd
    tcp, local = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    local.bind(str(tmp_path / "http.sock"))
    local.listen(5)
    url = f"http://127.0.0.1:{tcp.getsockname()[1]}"
    for _ in range(2):
        early = []
        client = threading.Thread(target=lambda: early.append(requests.get(url + "/health", timeout=PATIENCE).status_code))
        client.start()
        process = activate([tcp, local], tmp_path / "data", "--trusted-proxy", "unix", "--log-format", "json", NOTIFY_SOCKET=str(notify))
        assert told() == "READY=1"
        client.join()
        assert early == [200]
        answer = ask_unix(tmp_path / "http.sock", b"GET /api/users/me HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.5\r\n"
                                                  b"Connection: close\r\n\r\n")
        assert answer.startswith("HTTP/1.1 401")
        process.terminate()
        assert told() == "STOPPING=1"
        status, log = ended(process)
        assert status == 0
        seen = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert any(r.get("client") == "203.0.113.5" for r in seen if r["event"] == "request"), log
    assert (tmp_path / "http.sock").exists()
    tcp.close()
    local.close()


def test_no_sockets_were_passed(tmp_path):
    for env in ({}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": "x", "LISTEN_FDS": "1"}):
        run = serve(tmp_path / "data", "--listen", "systemd", **env)
        assert run.returncode == 1 and "systemd" in run.stderr, run


def test_watchdog(tmp_path, systemd):
    """Fed as long as the server answers itself; not when its loops hang."""
    notify, told = systemd
    tcp = socket.create_server(("127.0.0.1", 0))
    process = activate([tcp], tmp_path / "data", NOTIFY_SOCKET=str(notify), WATCHDOG_USEC="200000")
    assert [told() for _ in range(4)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
    process.terminate()
    while (last := told()) == "WATCHDOG=1":
        pass
    assert last == "STOPPING=1" and ended(process)[0] == 0
    process = activate([tcp], tmp_path / "data", NOTIFY_SOCKET=str(notify), WATCHDOG_USEC="200000", WATCHDOG_PID="1")
    assert told() == "READY=1"  # it is meant for another process
    process.terminate()
    assert told() == "STOPPING=1" and ended(process)[0] == 0
    tcp.close()


def test_units_of_the_package():
    """The unit files name what there is; systemd's own check, where it is installed."""
    units = [ROOT / "packaging" / name for name in ("albumen.service", "albumen.socket")]
    service = units[0].read_text()
    known = (ROOT / "src/tbl/params.h").read_text()
    assert "Type=notify" in service and "NoNewPrivileges=yes" in service
    for option in re.findall(r"--([a-z-]+)", re.search(r"^ExecStart=(.*)$", service, re.M)[1]):
        assert f'"{option}"' in known
    if shutil.which("systemd-analyze"):
        run = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=PATIENCE)
        assert not re.search(r"albumen\.\w+:\d+:", run.stderr), run.stderr


# ---- signals ----

def test_hup_and_pipe_do_nothing(daemon):
    for number in (signal.SIGHUP, signal.SIGPIPE):
        daemon.process.send_signal(number)
        assert daemon.get("/health").status_code == 200
    assert daemon.process.poll() is None


def test_quit_says_who_waits_for_what(daemon):
    daemon.upload(pictures.photo(1))
    begun = requests.post(daemon.url + "/files/", headers={"x-api-key": daemon.key, "Tus-Resumable": "1.0.0", "Upload-Length": "9"})
    place = begun.headers["Location"].removeprefix(daemon.url)
    with raw(daemon) as s:
        s.sendall(f"PATCH {place} HTTP/1.1\r\nHost: x\r\nx-api-key: {daemon.key}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                  "Content-Type: application/offset+octet-stream\r\nContent-Length: 9\r\n\r\nabc".encode())
        eventually(lambda: daemon.metric("albumen_http_requests_in_flight") == 2, "two requests")

        def dumped():
            daemon.process.send_signal(signal.SIGQUIT)
            return [line for line in daemon.log if f"PATCH {place}" in line and "waits for its body" in line]
        line = eventually(dumped, "a dump")[0]
        assert "client=127.0.0.1" in line and "age=" in line and daemon.key not in line
        s.sendall(b"defghi")
        assert s.recv(12) == b"HTTP/1.1 422"  # nine bytes are no photo
    assert daemon.get("/health").status_code == 200


def raw(daemon):
    host, port = daemon.url.removeprefix("http://").split(":")
    return contextlib.closing(socket.create_connection((host, int(port)), timeout=PATIENCE))


def begin_patch(s, daemon, place, length, data):
    s.sendall(f"PATCH {place} HTTP/1.1\r\nHost: x\r\nx-api-key: {daemon.key}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
              f"Content-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n\r\n".encode() + data)


def begin_upload(daemon, length):
    answer = requests.post(daemon.url + "/files/", timeout=PATIENCE, headers={
        "x-api-key": daemon.key, "Tus-Resumable": "1.0.0", "Upload-Length": str(length)})
    return answer.headers["Location"].removeprefix(daemon.url)


def test_term_while_uploads_run(tmp_path):
    """They commit what they have, the server ends in order long before its limit, and they go on afterwards."""
    daemon = Daemon(tmp_path / "data").start()
    data = pictures.photo(5, 1200, 900)
    places = [begin_upload(daemon, len(data)) for _ in range(8)]
    with contextlib.ExitStack() as stack:
        for place in places:
            begin_patch(stack.enter_context(raw(daemon)), daemon, place, len(data), data[:20000])
        eventually(lambda: daemon.metric("albumen_upload_received_bytes_total") >= 8 * 20000, "all have come")
        daemon.stop()
    daemon.start()
    http = daemon.session()
    http.headers["Tus-Resumable"] = "1.0.0"
    for place in places:
        assert int(http.head(daemon.url + place).headers["Upload-Offset"]) == 20000
    done = http.patch(daemon.url + places[0], data=data[20000:], headers={
        "Upload-Offset": "20000", "Content-Type": "application/offset+octet-stream"})
    assert done.status_code == 204 and daemon.get(f"/api/assets/{done.headers['Albumen-Asset']}/original").content == data
    daemon.stop()


def test_a_second_term_ends_it_at_once(tmp_path):
    daemon = Daemon(tmp_path / "data").start("--shutdown-timeout", "1h")
    asset = daemon.upload(pictures.photo(6, 3000, 2500) + bytes(8_000_000)).headers["Albumen-Asset"]
    with raw(daemon) as s:  # reads nothing: the answer cannot be sent to its end
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(f"GET /api/assets/{asset}/original HTTP/1.1\r\nHost: x\r\nx-api-key: {daemon.key}\r\n\r\n".encode())
        assert s.recv(1)
        daemon.process.terminate()
        eventually(lambda: any('"stopping"' in line for line in daemon.log), "it stops")

        def again():
            daemon.process.terminate()
            return daemon.process.poll() is not None
        eventually(again, "it ended")
    assert daemon.process.wait() == -signal.SIGTERM
    daemon.ended()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


# ---- health ----

def processes_below(pid):
    found = [int(p) for p in subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()]
    return found + [p for child in found for p in processes_below(child)]


def test_health_tells_that_pictures_hang(tmp_path):
    """The darkroom stands still: 503 with the reason, but alive; it goes on: healthy again, and the picture comes."""
    daemon = Daemon(tmp_path / "data").start("--stuck-after", "1s", "--render-timeout", "1h", "--cache-size", "0", "--hot-cache-size", "0")
    asset = daemon.upload(pictures.photo(8, 2000, 1500)).headers["Albumen-Asset"]
    eventually(lambda: daemon.metric("albumen_jobs_busy") == 0 and daemon.metric("albumen_render_jobs") == 0, "idle")
    stopped = processes_below(daemon.process.pid)
    assert stopped
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        answers = []
        client = threading.Thread(target=lambda: answers.append(daemon.get(f"/api/assets/{asset}/thumbnail?size=preview", timeout=300)))
        client.start()
        said = []

        def is_told():  # beside others, on a slow machine: a second is not much for a disk
            answer = requests.get(daemon.url + "/health", timeout=PATIENCE)
            said[:] = [r for r in answer.json().get("reasons", []) if r["what"] == "render"]
            return answer.status_code == 503 and answer.json()["status"] == "stuck" and said

        eventually(is_told, "503")
        reason = said[0]
        assert reason["waitingMs"] >= reason["limitMs"] == 1000
        assert requests.get(daemon.url + "/health?live", timeout=PATIENCE).status_code == 200
        assert daemon.get("/api/assets/statistics").status_code == 200  # others go on
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    client.join()
    assert answers[0].status_code == 200 and pictures.size_of(answers[0].content)[0] > 1000
    eventually(lambda: requests.get(daemon.url + "/health", timeout=PATIENCE).status_code == 200, "healthy")
    daemon.stop()


def test_descriptors_run_out(tmp_path):
    """No descriptor left to accept with: nothing breaks, nothing spins, and it goes on when some come back."""
    daemon = Daemon(tmp_path / "data").start()
    assert daemon.key
    used = daemon.fds()
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (used + 12, used + 12))
    host, port = daemon.url.removeprefix("http://").split(":")
    silent = [socket.create_connection((host, int(port)), timeout=PATIENCE) for _ in range(60)]
    spent = cpu(daemon)
    begin = time.monotonic()
    while time.monotonic() - begin < 1.0:  # is what is tested: a second without descriptors
        time.sleep(0.1)
    assert cpu(daemon) - spent < 0.8 * (time.monotonic() - begin), "it spins"
    for s in silent:
        s.close()
    assert eventually(lambda: health(daemon), "it answers again")
    assert daemon.process.poll() is None
    daemon.stop()


def cpu(daemon):
    fields = open(f"/proc/{daemon.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def health(daemon):
    try:
        return requests.get(daemon.url + "/health", timeout=5).status_code == 200
    except requests.RequestException:
        return False


# ---- starts that cannot succeed ----

def serve(data, *options, binary=BINARY, **env):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ALBUMEN_", "LISTEN_", "NOTIFY_"))} | env
    run = subprocess.run([binary, "serve", "--data", data, *options], capture_output=True, text=True, timeout=PATIENCE, env=env)
    assert not reports(run.stderr.splitlines()), run.stderr
    return run


def test_the_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = serve(tmp_path / "data", "--listen", f"127.0.0.1:{port}")
        assert run.returncode == 1 and f"127.0.0.1:{port}" in run.stderr and "in use" in run.stderr, run.stderr


def test_the_data_folder_is_none(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("/nonexistent/albumen/folder")
    for data in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "link"):
        run = serve(data, "--listen", "127.0.0.1:0")
        assert run.returncode == 1 and str(data) in run.stderr, run.stderr


def test_the_data_folder_is_read_only(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a read-only mount needs root")
    daemon = Daemon(tmp_path / "data").start()
    daemon.stop()
    made = subprocess.run(f"mount --bind {daemon.data} {daemon.data} && mount -o remount,bind,ro {daemon.data}", shell=True,
                          capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("no mount here: " + made.stderr)
    try:
        run = serve(daemon.data, "--listen", "127.0.0.1:0")
        assert run.returncode == 1 and "ead-only" in run.stderr and str(daemon.data) in run.stderr, run.stderr
    finally:
        subprocess.run(["umount", "-l", daemon.data], check=True)


def test_the_disk_is_full_at_the_start(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("no mount here: " + made.stderr)
    try:
        with contextlib.suppress(OSError), open(disk / "filler", "wb", buffering=0) as f:
            while True:
                f.write(bytes(65536))
        run = serve(disk / "data", "--listen", "127.0.0.1:0")
        assert run.returncode == 1 and re.search("No space|disk .*full|full", run.stderr), run.stderr
        (disk / "filler").unlink()
        daemon = Daemon(disk / "data").start()  # what the first try has left is in nobody's way
        daemon.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_the_darkroom_is_missing(tmp_path):
    shutil.copy(BINARY, tmp_path / "albumen")
    run = serve(tmp_path / "data", "--listen", "127.0.0.1:0", binary=tmp_path / "albumen")
    assert run.returncode == 1 and "albumen-darkroom" in run.stderr, run.stderr


def test_a_wrong_line_of_the_file(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "albumen.conf").write_text("log-level = info\nlisen = 127.0.0.1:1\n")
    run = serve(tmp_path / "data")
    assert run.returncode == 2 and "albumen.conf:2" in run.stderr and "listen" in run.stderr, run.stderr


def test_a_newer_catalog(tmp_path):
    daemon = Daemon(tmp_path / "data").start()
    daemon.stop()
    with contextlib.closing(sqlite3.connect(daemon.data / "catalog.db")) as db:
        db.execute("PRAGMA user_version = 999")
        db.commit()
    run = serve(daemon.data, "--listen", "127.0.0.1:0")
    assert run.returncode == 1 and "newer" in run.stderr, run.stderr
