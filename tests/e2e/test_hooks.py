# SPDX-License-Identifier: Apache-2.0
"""Hooks of `albumen tusd`, by program and over HTTP: what they are told, what they may do, and that they cannot hurt."""
import http.client
import http.server
import json
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pictures
import pytest
import requests
from daemon import BINARY, Daemon
from tusd_daemon import OCTETS, TUS, Tusd, until

ALL = "pre-create,post-create,post-receive,pre-finish,post-finish,pre-terminate,post-terminate"


class Programs:
    """A folder of hooks that keep what they are told and answer what the test says."""

    def __init__(self, folder):
        self.folder, self.told_in = folder / "hooks", folder / "told"
        self.folder.mkdir()
        self.told_in.mkdir()

    def add(self, name, answer="", before="", status=0):
        path = self.folder / name
        answer = json.dumps(answer) if isinstance(answer, dict) else answer
        path.write_text(f"#!/bin/sh\ncat > {self.told_in}/$$.part\n{before}\n"
                        f"mv {self.told_in}/$$.part {self.told_in}/{name}.$(date +%s%N).$$\n"
                        f"printf %s '{answer}'\nexit {status}\n")
        path.chmod(0o755)

    def told(self, name):
        return [json.loads(p.read_text()) for p in sorted(self.told_in.glob(name + ".*")) if p.suffix != ".part"]


@pytest.fixture
def programs(tmp_path):
    return Programs(tmp_path)


def serve(tmp_path, programs, *flags, events=ALL):
    return Tusd(tmp_path / "data", "-hooks-dir", programs.folder, "-hooks-enabled-events", events, *flags)


def test_life_of_an_upload(tmp_path, programs):
    for name in ALL.split(","):
        programs.add(name)
    with serve(tmp_path, programs) as tusd:
        created = tusd.create(5, {"Upload-Metadata": "filename YS50eHQ=", "X-Foo": "bar"})
        assert created.status_code == 201
        url = created.headers["Location"]
        upload = url.rsplit("/", 1)[1]
        assert tusd.patch(url, 0, b"ab").status_code == 204
        assert tusd.patch(url, 2, b"cde").status_code == 204
        assert requests.delete(url, headers=TUS, timeout=60).status_code == 204
        until(lambda: programs.told("post-terminate"), "post-terminate")
        until(lambda: programs.told("post-finish"), "post-finish")
        tusd.stop()
    storage = {"Path": str(tmp_path / "data" / upload), "InfoPath": str(tmp_path / "data" / (upload + ".info")),
               "Type": "filestore"}
    event = programs.told("pre-create")[0]
    assert list(event) == ["Type", "Event"] and list(event["Event"]) == ["Upload", "HTTPRequest"]
    assert list(event["Event"]["Upload"]) == ["ID", "Size", "SizeIsDeferred", "Offset", "MetaData", "IsPartial", "IsFinal",
                                              "PartialUploads", "Storage"]
    assert event["Event"]["Upload"] == {"ID": "", "Size": 5, "SizeIsDeferred": False, "Offset": 0,
                                        "MetaData": {"filename": "a.txt"}, "IsPartial": False, "IsFinal": False,
                                        "PartialUploads": None, "Storage": None}
    request = event["Event"]["HTTPRequest"]
    assert list(request) == ["Method", "URI", "RemoteAddr", "Header"]
    assert (request["Method"], request["URI"]) == ("POST", "/files/")
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", request["RemoteAddr"])
    assert request["Header"]["X-Foo"] == ["bar"] and request["Header"]["Host"] == [f"127.0.0.1:{tusd.port}"]
    assert list(request["Header"]) == sorted(request["Header"])
    assert programs.told("post-create")[0]["Event"]["Upload"]["Storage"] == storage
    finished = programs.told("post-finish")[0]["Event"]
    assert finished["Upload"]["Offset"] == 5 and finished["HTTPRequest"]["Method"] == "PATCH"
    assert len(programs.told("pre-finish")) == 1 and len(programs.told("post-finish")) == 1
    assert programs.told("pre-terminate")[0]["Event"]["Upload"]["ID"] == upload
    assert programs.told("post-terminate")[0]["Event"]["HTTPRequest"]["Method"] == "DELETE"


def test_pre_create_refuses(tmp_path, programs):
    programs.add("pre-create", {"RejectUpload": True, "HTTPResponse": {"StatusCode": 403, "Body": "no pictures of cats",
                                                                       "Header": {"X-Reason": "cats", "Content-Type": "text/x"}}})
    with serve(tmp_path, programs) as tusd:
        answer = tusd.create(5)
        assert (answer.status_code, answer.text) == (403, "no pictures of cats")
        assert (answer.headers["X-Reason"], answer.headers["Content-Type"]) == ("cats", "text/x")
        assert "Location" not in answer.headers
        programs.add("pre-create", {"RejectUpload": True})
        answer = tusd.create(5)
        assert (answer.status_code, answer.text) == (400, "ERR_UPLOAD_REJECTED: upload creation has been rejected by server\n")
        tusd.stop()
    assert [p.name for p in (tmp_path / "data").iterdir() if not p.name.startswith(".")] == []


def test_pre_create_changes(tmp_path, programs):
    programs.add("pre-create", {"ChangeFileInfo": {"ID": "my-own/id", "MetaData": {"owner": "me", "a": ""},
                                                   "Storage": {"Path": "elsewhere/file.bin"}},
                                "HTTPResponse": {"Header": {"X-Quota": "7"}}})
    with serve(tmp_path, programs) as tusd:
        answer = tusd.create(3, {"Upload-Metadata": "filename YS50eHQ="})
        assert answer.status_code == 201 and answer.headers["X-Quota"] == "7"
        assert answer.headers["Location"] == tusd.url + "/files/my-own/id"
        assert tusd.patch(answer.headers["Location"], 0, b"abc").status_code == 204
        shown = requests.head(answer.headers["Location"], headers=TUS, timeout=60).headers["Upload-Metadata"]
        assert sorted(pair.strip() for pair in shown.split(",")) == ["a", "owner bWU="]
        tusd.stop()
    assert (tmp_path / "data/elsewhere/file.bin").read_bytes() == b"abc"
    info = json.loads((tmp_path / "data/my-own/id.info").read_text())
    assert info["ID"] == "my-own/id" and info["MetaData"] == {"owner": "me", "a": ""}


def test_failing_hook_is_a_500(tmp_path, programs):
    programs.add("pre-create", "go away", status=3)
    with serve(tmp_path, programs) as tusd:
        answer = tusd.create(5)
        assert answer.status_code == 500 and answer.text.startswith("ERR_INTERNAL_SERVER_ERROR: ")
        programs.add("pre-create", "this is no json")
        assert tusd.create(5).status_code == 500
        assert tusd.metric('tusd_hook_errors_total{hooktype="pre-create"}') == 2
        assert tusd.metric('tusd_hook_invocations_total{hooktype="pre-create"}') == 2
        tusd.stop()


def test_pre_finish_adds_to_the_answer(tmp_path, programs):
    programs.add("pre-finish", {"HTTPResponse": {"StatusCode": 200, "Body": '{"id":42}', "Header": {"X-Id": "42"}}})
    with serve(tmp_path, programs) as tusd:
        url = tusd.create(3).headers["Location"]
        answer = tusd.patch(url, 0, b"abc")
        assert (answer.status_code, answer.text, answer.headers["X-Id"]) == (200, '{"id":42}', "42")
        assert answer.headers["Upload-Offset"] == "3"
        tusd.stop()


def test_pre_terminate_refuses(tmp_path, programs):
    programs.add("pre-terminate", {"RejectTermination": True, "HTTPResponse": {"StatusCode": 409, "Body": "keep it"}})
    with serve(tmp_path, programs) as tusd:
        url = tusd.create(3).headers["Location"]
        answer = requests.delete(url, headers=TUS, timeout=60)
        assert (answer.status_code, answer.text) == (409, "keep it")
        assert requests.head(url, headers=TUS, timeout=60).status_code == 200
        tusd.stop()


def patch_until_answered(url, offset):
    """Bytes without end, until there is an answer; that."""
    where = urllib.parse.urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=60) as s:
        headers = {**OCTETS, "Host": where.netloc, "Upload-Offset": str(offset), "Transfer-Encoding": "chunked"}
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        s.sendall(f"PATCH {where.path} HTTP/1.1\r\n{head}\r\n".encode())
        deadline = time.monotonic() + 60
        while not select.select([s], [], [], 0.01)[0]:
            assert time.monotonic() < deadline, "no answer"
            s.sendall(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        answer = http.client.HTTPResponse(s)
        answer.begin()
        return answer, answer.read().decode()


def test_post_receive_stops_the_upload(tmp_path, programs):
    programs.add("post-receive", {"StopUpload": True, "HTTPResponse": {"Body": "enough", "Header": {"X-Stop": "1"}}})
    with serve(tmp_path, programs, "-progress-hooks-interval", "20ms") as tusd:
        url = tusd.create(10**9).headers["Location"]
        answer, text = patch_until_answered(url, 0)
        assert answer.status == 400 and text == "enough" and answer.getheader("X-Stop") == "1"
        assert requests.head(url, headers=TUS, timeout=60).status_code == 404  # it is terminated
        offset = programs.told("post-receive")[0]["Event"]["Upload"]["Offset"]
        assert 0 < offset < 10**9
        tusd.stop()


def children(pid):
    return subprocess.run(["ps", "-o", "pid=,stat=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split("\n")


def is_gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_shutdown_kills_what_hangs(tmp_path, programs):
    """A program that does not end is killed when the time is over, with what it has started."""
    started = tmp_path / "started"
    programs.add("pre-create", before=f"sleep 1000 & echo $! > {started}.tmp; mv {started}.tmp {started}; wait")
    with serve(tmp_path, programs, "-shutdown-timeout", "1s") as tusd:
        with socket.create_connection(("127.0.0.1", tusd.port), 60) as client:
            client.sendall(b"POST /files/ HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 3\r\n\r\n")
            until(started.exists, "the hook has started")
            tusd.stop()
        assert "Shutdown timeout exceeded" in tusd.out[-1]
        until(lambda: is_gone(int(started.read_text())), "what the hook started is killed")


def test_a_killed_server_leaves_no_program(tmp_path, programs):
    """Nobody is left to end them: neither the programs nor what they have started may stay."""
    begun = tmp_path / "begun"
    begun.mkdir()
    hang = f"sleep 1000 & touch {begun}/$$ {begun}/$!; sleep 1000"
    programs.add("pre-create")
    programs.add("post-create", before=hang)
    programs.add("pre-terminate", before=hang)
    with serve(tmp_path, programs) as tusd:
        url = [tusd.create(3).headers["Location"] for _ in range(10)][0]
        with socket.create_connection(("127.0.0.1", tusd.port), 60) as client:
            client.sendall(f"DELETE {url[len(tusd.url):]} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n\r\n".encode())
            until(lambda: len(list(begun.iterdir())) == 22, "all of them hang")
            guards = [int(c.split()[0]) for c in children(tusd.process.pid) if c.split() and int(c.split()[0]) not in
                      {int(p.name) for p in begun.iterdir()}]
            tusd.process.kill()
            tusd.process.wait(60)
            until(lambda: all(is_gone(int(p.name)) for p in begun.iterdir()), "all of them are gone")
            until(lambda: all(is_gone(g) for g in guards), "and who saw to that")


def test_shutdown_waits_for_what_was_told(tmp_path, programs):
    programs.add("post-create", before="sleep 1")
    with serve(tmp_path, programs) as tusd:
        assert tusd.create(3).status_code == 201
        tusd.stop()
        assert "Shutdown completed" in tusd.out[-1]
    assert len(programs.told("post-create")) == 1


def test_slow_listeners_delay_nobody(tmp_path, programs):
    """A hundred notifications that hang do not stand in the way of a question."""
    release = tmp_path / "release"
    programs.add("post-create", before=f"i=0; while [ ! -e {release} ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done")
    programs.add("pre-create", {"HTTPResponse": {"Header": {"X-Asked": "yes"}}})
    with serve(tmp_path, programs) as tusd:
        for _ in range(100):
            assert tusd.create(3).headers["X-Asked"] == "yes"
        release.touch()
        until(lambda: len(programs.told("post-create")) == 100, "all are told in the end")
        tusd.stop()


def test_progress_that_hangs_delays_nobody(tmp_path, programs):
    """More uploads whose post-receive never ends than there are places: others are created, and the end is not waited for."""
    begun = tmp_path / "begun"
    begun.mkdir()
    programs.add("pre-create", {"HTTPResponse": {"Header": {"X-Asked": "yes"}}})
    programs.add("post-receive", before=f"touch {begun}/$$; exec sleep 1000")
    # On a busy machine the first client is silent for more than a minute until the last one is there.
    with serve(tmp_path, programs, "-progress-hooks-interval", "20ms", "-shutdown-timeout", "300s", "-network-timeout", "1h") as tusd:
        clients = []
        for _ in range(70):
            path = tusd.create(10**6).headers["Location"][len(tusd.url):]
            client = socket.create_connection(("127.0.0.1", tusd.port), 60)
            head = {**OCTETS, "Host": "a", "Upload-Offset": "0", "Content-Length": "1000000"}
            client.sendall(f"PATCH {path} HTTP/1.1\r\n".encode() + b"".join(f"{k}: {v}\r\n".encode() for k, v in head.items()) + b"\r\nx")
            clients.append(client)

        def all_hang():
            for client in clients:
                client.sendall(b"x")
            return len(list(begun.iterdir())) >= 64

        until(all_hang, "all places are taken")
        assert tusd.create(3).headers["X-Asked"] == "yes"
        tusd.process.terminate()
        for client in clients:
            assert b" 503 " in client.recv(1000)
            client.close()
        assert tusd.process.wait(60) == 0
        tusd.stop()
        assert "Shutdown completed" in tusd.out[-1]
    until(lambda: all(is_gone(int(p.name)) for p in begun.iterdir()), "nothing of them runs")


def test_programs_that_hang_are_ended(tmp_path, programs):
    """More notifications that never end than there are places: each has its time, and then makes room."""
    begun = tmp_path / "begun"
    begun.mkdir()
    programs.add("post-create", before=f"sleep 1000 & touch {begun}/$!; wait")
    programs.add("post-finish")
    with serve(tmp_path, programs, "-hooks-dir-timeout", "2s") as tusd:
        for _ in range(70):
            url = tusd.create(3).headers["Location"]
        assert tusd.patch(url, 0, b"abc").status_code == 204
        until(lambda: programs.told("post-finish"), "the others have their turn")
        until(lambda: tusd.metric('tusd_hook_errors_total{hooktype="post-create"}') == 70, "all have failed")
        assert list(begun.iterdir())  # of the 70, who was not ended before it could say so
        until(lambda: all(is_gone(int(p.name)) for p in begun.iterdir()), "nothing of them runs")
        tusd.stop()


def test_authorise_is_asked_for_every_request(tmp_path, programs):
    (programs.folder / "authorise").write_text(
        "#!/bin/sh\nif grep -q '\"X-Token\":\\[\"secret\"\\]'; then echo '{}'; else\n"
        "echo '{\"RejectRequest\":true,\"HTTPResponse\":{\"StatusCode\":401}}'; fi\n")
    (programs.folder / "authorise").chmod(0o755)
    with serve(tmp_path, programs, events="authorise") as tusd:
        token = {"X-Token": "secret"}
        assert tusd.create(3).status_code == 401
        url = tusd.create(3, token).headers["Location"]
        assert requests.head(url, headers=TUS, timeout=60).status_code == 401
        assert requests.head(url, headers={**TUS, **token}, timeout=60).status_code == 200
        assert tusd.patch(url, 0, b"abc").status_code == 401
        assert tusd.patch(url, 0, b"abc", token).status_code == 204
        assert requests.get(url, timeout=60).status_code == 401
        assert requests.get(url, headers=token, timeout=60).content == b"abc"
        assert requests.delete(url, headers=TUS, timeout=60).status_code == 401
        assert requests.delete(url, headers={**TUS, **token}, timeout=60).status_code == 204
        tusd.stop()


class Listener(http.server.ThreadingHTTPServer):
    """A service that is sent hooks: keeps them, answers what `answers` says in turn (status, type, body)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls, self.answers = [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"

    def told(self, name):
        return [body for _, body in self.calls if body["Type"] == name]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.headers, body))
        status, kind, text = self.server.answers.pop(0) if self.server.answers else (200, "application/json", "{}")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def listener():
    server = Listener()
    yield server
    server.shutdown()
    server.server_close()


def test_over_http(tmp_path, listener):
    flags = ["-hooks-http", listener.url, "-hooks-http-forward-headers", "authorization,X-Mine", "-hooks-http-backoff", "10ms",
             "-hooks-enabled-events", ALL]
    with Tusd(tmp_path / "data", *flags) as tusd:
        listener.answers = [(503, "text/plain", "busy"), (200, "application/json", '{"HTTPResponse":{"Header":{"X-H":"1"}}}')]
        answer = tusd.create(3, {"Authorization": "Bearer t", "X-Mine": "m", "X-Other": "o"})
        assert (answer.status_code, answer.headers["X-H"]) == (201, "1")
        assert [b["Type"] for _, b in listener.calls[:2]] == ["pre-create", "pre-create"]
        sent = listener.calls[0][0]
        assert sent["authorization"] == "Bearer t" and sent["X-Mine"] == "m" and sent["X-Other"] is None
        assert sent["Content-Type"] == "application/json"
        url = answer.headers["Location"]
        until(lambda: listener.told("post-create"), "post-create")
        assert tusd.patch(url, 0, b"abc").status_code == 204
        until(lambda: listener.told("post-finish"), "post-finish")
        listener.answers = [(200, "application/json", '{"RejectTermination":true}')]
        assert requests.delete(url, headers=TUS, timeout=60).status_code == 400
        for bad in [(404, "application/json", "{}"), (200, "text/plain", "{}"), (200, "application/json", "nonsense"),
                    (200, "application/json", " " * 6000 + "{}")]:
            listener.answers = [bad]
            assert tusd.create(3).status_code == 500, bad
        tusd.stop()


def test_over_https(tmp_path, listener):
    """A certificate that nobody vouches for is refused, unless it need not be checked."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                    "-keyout", tmp_path / "key", "-out", tmp_path / "cert"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    url = listener.url.replace("http:", "https:")
    with Tusd(tmp_path / "data", "-hooks-http", url, "-hooks-enabled-events=pre-create") as tusd:
        assert tusd.create(3).status_code == 500 and listener.calls == []
        tusd.stop()
    with Tusd(tmp_path / "data", "-hooks-http", url, "-hooks-enabled-events=pre-create", "-hooks-http-skip-verify") as tusd:
        assert tusd.create(3).status_code == 201 and len(listener.calls) == 1
        tusd.stop()


def test_over_http_nobody_listens(tmp_path, listener):
    url = listener.url
    listener.shutdown()
    listener.server_close()
    with Tusd(tmp_path / "data", "-hooks-http", url, "-hooks-http-backoff", "10ms", "-hooks-http-timeout", "5s") as tusd:
        assert tusd.create(3).status_code == 500
        tusd.stop()


def test_many_programs_leave_nothing(tmp_path, programs):
    """Many short programs, some of which fail or are missing: as many descriptors and children as before."""
    programs.add("pre-create")
    programs.add("post-create", status=1)
    with serve(tmp_path, programs) as tusd:
        assert tusd.create(1).status_code == 201
        fds = len(os.listdir(f"/proc/{tusd.process.pid}/fd"))
        session = requests.Session()
        for _ in range(200):
            assert session.post(tusd.url + "/files/", headers={**TUS, "Upload-Length": "1"}, timeout=60).status_code == 201
        session.close()
        until(lambda: tusd.metric('tusd_hook_errors_total{hooktype="post-create"}') == 201, "all have run")
        until(lambda: len([c for c in children(tusd.process.pid) if c.strip()]) == 1, "no child is left but their guard")
        until(lambda: len(os.listdir(f"/proc/{tusd.process.pid}/fd")) <= fds, "no descriptor is left")
        tusd.stop()


def test_programs_inherit_nothing(tmp_path, programs):
    """Standard input, output and error, default signals, no file of the server's."""
    (programs.folder / "pre-create").write_text(f"#!/bin/sh\ngrep Sig[IB] /proc/self/status > {tmp_path}/signals\n"
                                                f"exec ls /proc/self/fd > {tmp_path}/fds\n")
    (programs.folder / "pre-create").chmod(0o755)
    with serve(tmp_path, programs) as tusd:
        assert tusd.create(1).status_code == 201
        assert (tmp_path / "fds").read_text().split() == ["0", "1", "2", "3"]  # 3: the folder that ls reads
        internal = 0x180000000  # two of glibc's own, which posix_spawn leaves ignored
        signals_of = [int(line.split()[1], 16) for line in (tmp_path / "signals").read_text().splitlines()]
        assert len(signals_of) == 2 and not any(bits & ~internal for bits in signals_of)
        tusd.stop()


def test_a_second_signal_ends_at_once(tmp_path, programs, monkeypatch):
    # A thread that has just ended, and is not joined yet, is no leak of a process that ends at once.
    monkeypatch.setenv("TSAN_OPTIONS", os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0")
    programs.add("post-create", before="sleep 30")
    with serve(tmp_path, programs, "-shutdown-timeout", "60s") as tusd:
        assert tusd.create(3).status_code == 201
        until(lambda: any("HookInvocationStart" in line and "post-create" in line for line in tusd.out), "it runs")
        tusd.process.terminate()
        until(lambda: any("Received interrupt signal" in line for line in tusd.out), "it stops")
        until(lambda: "00000000" not in signals(tusd.process.pid, "SigCgt"), "it is armed")
        tusd.process.send_signal(signal.SIGINT)
        assert tusd.process.wait(30) == 1


def signals(pid, field):
    return re.search(field + r":\t(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)[8:]


def test_serve_tells_also_after_a_crash(tmp_path, programs):
    """What was acknowledged is told to whoever listens: by the next process if this one is killed."""
    started = tmp_path / "started"
    programs.add("post-finish", before=f"echo $$ > {started}.tmp; mv {started}.tmp {started}; exec sleep 60")
    programs.add("pre-create", {"HTTPResponse": {"Header": {"X-Hook": "seen"}}})
    server = Daemon(tmp_path / "data", "--hooks-dir", str(programs.folder), "--hooks-events", "pre-create,post-finish")
    server.start()
    answer = server.upload(pictures.photo(), headers={"Cookie": "a=secret", "X-Mine": "m"})
    assert answer.status_code == 201 and answer.headers["X-Hook"] == "seen", answer.text
    until(started.exists, "the hook runs")
    server.process.kill()
    os.killpg(int(started.read_text()), signal.SIGKILL)  # it has outlived the server, whose log it holds
    server.kill9()
    assert programs.told("post-finish") == []
    programs.add("post-finish")
    server.start()
    until(lambda: programs.told("post-finish"), "it is told after all")
    until(lambda: not [p for p in (tmp_path / "data/hooks").iterdir()], "and only once")
    server.stop()
    event = programs.told("post-finish")[0]["Event"]
    assert event["Upload"]["ID"] and event["Upload"]["Storage"] is None
    header = event["HTTPRequest"]["Header"]
    assert header["X-Mine"] == ["m"] and not {"X-Api-Key", "Cookie", "Authorization"} & set(header)


def test_serve_tells_the_end_that_no_request_sees(tmp_path, programs):
    """A concatenation whose POST was long over, and whose server was killed, when its last part came."""
    programs.add("post-finish")
    server = Daemon(tmp_path / "data", "--hooks-dir", str(programs.folder), "--hooks-events", "post-finish,pre-finish")
    server.start()
    key = {**OCTETS, "X-Api-Key": server.key}
    photo = pictures.photo()
    part = requests.post(server.url + "/files/", timeout=60, headers={**key, "Upload-Concat": "partial", "Upload-Length": str(len(photo))})
    assert part.status_code == 201, part.text
    url = part.headers["Location"]
    final = requests.post(server.url + "/files/", timeout=60, headers={**key, "Upload-Concat": "final;" + url})
    assert final.status_code == 201 and programs.told("post-finish") == []
    server.kill9()
    server.start()
    programs.add("pre-finish", status=1)  # the photo is there all the same, and so it is told
    assert requests.patch(url, data=photo, headers={**key, "Upload-Offset": "0"}, timeout=60).status_code == 500
    until(lambda: len(programs.told("post-finish")) == 2, "both are told")
    until(lambda: not [p for p in (tmp_path / "data/hooks").iterdir()], "and only once")
    server.stop()
    told = {event["Event"]["Upload"]["ID"]: event["Event"] for event in programs.told("post-finish")}
    assert len(programs.told("post-finish")) == 2
    one, whole = told[url.rsplit("/", 1)[1]], told[final.headers["Location"].rsplit("/", 1)[1]]
    assert one["Upload"]["IsPartial"] and one["HTTPRequest"]["Method"] == "PATCH"
    assert whole["Upload"]["IsFinal"] and whole["Upload"]["PartialUploads"] == [one["Upload"]["ID"]]
    assert whole["Upload"]["Size"] == whole["Upload"]["Offset"] == len(photo)
    assert whole["HTTPRequest"] == {"Method": "", "URI": "", "RemoteAddr": "", "Header": {}}


def test_serve_refuses_hooks_that_cannot_be(tmp_path):
    for options, words in [(["--hooks-dir", "relative"], "--hooks-dir"), (["--hooks-events", "nix", "--hooks-dir", "/h"], "nix"),
                           (["--hooks-dir", "/h", "--hooks-url", "http://127.0.0.1:1/"], "one of the two"),
                           (["--hooks-url", "http://127.0.0.1:1/", "--hooks-headers", "x-api-key"], "x-api-key")]:
        run = subprocess.run([BINARY, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", *options],
                             capture_output=True, text=True, timeout=60)
        assert run.returncode == 1 and words in run.stderr, run.stderr
