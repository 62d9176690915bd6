# SPDX-License-Identifier: Apache-2.0
"""`albumen tusd` in tusd's place: the same words at the start, the same flags, the same answers, the same files.

With ALB_TUSD=/path/to/tusd every case of tusd_cases.py also runs against tusd itself, and what a client could tell must
be equal except for what DELIBERATE lists.
"""
import json
import os
import re
import socket
import stat
import subprocess

import pytest
import requests
import tusd_cases
from tusd_daemon import BINARY, OCTETS, TUS, Tusd, until

# What albumen says and tusd does not, with reasons in docs/doors/tusd.md. Header lines by their names.
MORE = {"Cache-Control", "Content-Security-Policy", "Etag", "Upload-Offset", "Tus-Version"}
LESS = {"Last-Modified"}


@pytest.fixture(scope="module")
def tusd(tmp_path_factory):
    with Tusd(tmp_path_factory.mktemp("tusd") / "data") as server:
        yield server
        server.stop()


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    if "ALB_TUSD" not in os.environ:
        pytest.skip("ALB_TUSD names no tusd")
    with Tusd(tmp_path_factory.mktemp("peer") / "data", command=[os.environ["ALB_TUSD"]], port=free_port()) as server:
        yield server


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def plain(answer):
    """Without what DELIBERATE differs in."""
    lines = answer.split("\n")
    head = lines[0].startswith("HEAD")
    kept = [line for line in lines if line.split(":")[0] not in MORE | LESS and not (head and line.startswith("Content-Length"))]
    return "\n".join(kept)


DELIBERATE = {
    ("options", 0), ("options", 1), ("options", 2), ("cors", 0), ("override", 3),  # checksums are an extension here
    ("metadata-bad", 1),  # what was given at the creation is given back
    ("download", 3),      # the words of a 416
    ("greeting-paths", 0),  # our own words
}


@pytest.mark.parametrize("name", tusd_cases.CASES)
def test_same_answers_as_tusd(tusd, peer, name):
    ours, theirs = (tusd_cases.run(server.port, tusd_cases.CASES[name]) for server in (tusd, peer))
    for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if (name, step) not in DELIBERATE:
            assert plain(a) == plain(b), f"{name}, step {step}"


def test_answers(tusd):
    """The same cases by themselves: the statuses that tusd gave."""
    want = {
        "options": [200, 200, 200],
        "life": [201, 200, 204, 200, 204, 200, 200, 204, 404, 404, 404],
        "empty": [201, 200, 200],
        "without-slash": [201, 200],
        "with-data": [201, 200, 201, 200],
        "data-too-long": [413],
        "other-type": [201, 200],
        "deferred": [201, 200, 204, 200, 204, 200],
        "deferred-wrong": [400, 400, 201, 204, 400],
        "no-length": [400, 400, 400, 400],
        "version": [412, 412, 412],
        "unknown": [404, 404, 404, 404],
        "offsets": [201, 409, 400, 400, 400, 200],
        "content-type": [201, 400, 400],
        "too-long": [201, 413, 200],
        "complete": [201, 204, 204, 204, 409, 200],
        "methods": [405, 405, 201, 405, 405, 405, 405, 405, 412, 405],
        "override": [201, 204, 200, 200, 204, 404],
        "metadata": [201, 200, 201, 200, 201, 200],
        "metadata-bad": [201, 200],
        "download": [201, 204, 206, 416, 200],
        "download-types": [201, 204, 200, 201, 204, 200, 201, 204, 200],
        "concat": [201, 201, 200, 204, 204, 200, 201, 200, 200, 403, 204],
        "concat-wrong": [201, 400, 404, 400, 400],
        "cors": [200, 201, 404],
        "greeting-paths": [200],
    }
    for name, statuses in want.items():
        answers = tusd_cases.run(tusd.port, tusd_cases.CASES[name])
        assert [int(a.split("\n")[0].split(" ")[1]) for a in answers] == statuses, name
    assert set(want) == set(tusd_cases.CASES)


def test_error_words(tusd):
    assert tusd_cases.run(tusd.port, tusd_cases.CASES["unknown"])[1].endswith("\n\nERR_UPLOAD_NOT_FOUND: upload not found")
    assert "Allow: GET, HEAD, PATCH, DELETE" in tusd_cases.run(tusd.port, tusd_cases.CASES["methods"])[3]


def stamp(lines):
    """The lines of the start without their time, which must be there."""
    out = []
    for line in lines:
        assert re.match(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} ", line) or not line, line
        out.append(line[27:])
    return out


def test_words_at_the_start_and_the_end(tmp_path):
    (tmp_path / "hooks").mkdir()
    data = tmp_path / "data"
    with Tusd(data, "-hooks-dir", tmp_path / "hooks", "-max-size=1048576", "-verbose=false") as tusd:
        tusd.stop()
    assert stamp(tusd.out) == [
        f"Using '{data}' as directory storage.",
        "Using 1.00MB as maximum size.",
        f"Using '{tmp_path}/hooks' for hooks",
        "Enabled hook events: pre-create, post-create, post-receive, post-finish, post-terminate",
        "Supported tus extensions: creation,creation-with-upload,termination,concatenation,creation-defer-length,checksum,"
        "checksum-trailer",
        "Using 127.0.0.1:0 as address to listen.",
        "Using /files/ as the base path.",
        "Using /metrics as the metrics path.",
        f"You can now upload files to: http://127.0.0.1:{tusd.port}/files/",
        "Received interrupt signal. Shutting down tusd...",
        "Shutdown completed. Goodbye!",
    ]


def test_json_log(tmp_path):
    flags = ["-log-format=json", "-upload-dir", str(tmp_path / "data"), "-unix-sock", str(tmp_path / "s")]
    process = subprocess.Popen([BINARY, "tusd", *flags], stdout=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if "as the metrics path" in lines[-1].get("msg", ""):
            process.terminate()
    assert process.wait(60) == 0
    assert lines[0]["msg"].startswith("Using '") and lines[0]["level"] == "INFO" and "time" in lines[0]


def cli(*flags):
    return subprocess.run([BINARY, "tusd", *map(str, flags)], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("flags, status, words", [
    (["-nix"], 2, "flag provided but not defined: -nix\nUsage of "),
    (["-port"], 2, "flag needs an argument: -port\nUsage of "),
    (["-max-size=x"], 2, 'invalid value "x" for flag -max-size: parse error\nUsage of '),
    (["-disable-cors=maybe"], 2, 'invalid boolean value "maybe" for -disable-cors: parse error\nUsage of '),
    (["---port"], 2, "bad flag syntax: ---port\nUsage of "),
    (["-help"], 0, "Usage of "),
    (["-hooks-enabled-events=nix"], 1, "Unknown hook event type in -hooks-enabled-events flag: nix"),
    (["-cors-allow-origin=("], 1, "Invalid regular expression for -cors-allow-origin flag"),
    (["-s3-bucket=b"], 1, "there is no S3 store yet"),
    (["-gcs-bucket=b"], 1, "no Google Cloud store"),
    (["-azure-storage=b"], 1, "no Azure store"),
    (["-tls-certificate=c", "-tls-key=k"], 1, "does not speak TLS yet"),
    (["-hooks-grpc=a:1"], 1, "there is no gRPC"),
    (["-hooks-plugin=p"], 1, "Go plugins cannot be"),
    (["-expose-pprof"], 1, "Go's profiler"),
    (["-enable-h2c"], 1, "HTTP/2"),
])
def test_wrong_flags(flags, status, words):
    run = cli(*flags)
    assert run.returncode == status and words in run.stderr and run.stdout == "", run


def test_version():
    run = cli("-version")
    assert run.returncode == 0 and re.match(r"Version: albumen \S+\nCommit: .*\nDate: .*\n$", run.stdout)


def test_port_is_taken(tmp_path, tusd):
    run = cli("-host=127.0.0.1", "-port", tusd.port, "-upload-dir", tmp_path / "d")
    assert run.returncode == 1 and "Unable to create listener" in run.stderr


def test_folder_is_taken(tmp_path):
    with Tusd(tmp_path / "data") as first:
        run = cli("-host=127.0.0.1", "-port=0", "-upload-dir", tmp_path / "data")
        assert run.returncode == 1 and "Another albumen tusd uses" in run.stderr
        first.process.kill()
        first.process.wait()
    with Tusd(tmp_path / "data") as second:
        second.stop()


def test_greeting(tmp_path, tusd):
    answer = requests.get(tusd.url + "/", timeout=60)
    assert answer.status_code == 200 and answer.text.startswith("Welcome to tusd\n===============\n")
    assert "- /files/ " in answer.text and "- /metrics " in answer.text
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert requests.get(tusd.url + "/anything/else", timeout=60).text == answer.text
    with Tusd(tmp_path / "d", "-show-greeting=false", "-expose-metrics=false") as quiet:
        assert requests.get(quiet.url + "/", timeout=60).status_code == 404
        assert requests.get(quiet.url + "/metrics", timeout=60).status_code == 404
        quiet.stop()


@pytest.mark.parametrize("base", ["/", "/a/b/", "/up"])
def test_base_path(tmp_path, base):
    with Tusd(tmp_path / "data", "-base-path", base) as tusd:
        answer = tusd.create(3, base=base)
        slash = base if base.endswith("/") else base + "/"
        assert answer.status_code == 201 and answer.headers["Location"].startswith(tusd.url + slash)
        assert tusd.patch(answer.headers["Location"], 0, b"abc").status_code == 204
        assert requests.get(answer.headers["Location"], timeout=60).content == b"abc"
        assert tusd.metric("tusd_uploads_finished") == 1
        tusd.stop()


def test_disabled(tmp_path):
    with Tusd(tmp_path / "data", "-disable-download", "-disable-termination", "--disable-concatenation=true") as tusd:
        extensions = requests.options(tusd.url + "/files/", timeout=60).headers["Tus-Extension"]
        assert extensions == "creation,creation-with-upload,creation-defer-length,checksum,checksum-trailer"
        for concat in ("partial", "final;/files/x", "other"):
            refused = tusd.create(3, {"Upload-Concat": concat})
            assert refused.status_code == 400 and refused.text.startswith("ERR_CONCATENATION_UNSUPPORTED: ")
        url = tusd.create(3).headers["Location"]
        assert requests.get(url, timeout=60).status_code == 405
        assert requests.delete(url, headers=TUS, timeout=60).status_code == 405
        assert "Supported tus extensions: " + extensions in "\n".join(tusd.out)
        tusd.stop()


def test_max_size(tmp_path):
    with Tusd(tmp_path / "data", "-max-size", "10") as tusd:
        assert requests.options(tusd.url + "/files/", timeout=60).headers["Tus-Max-Size"] == "10"
        refused = tusd.create(11)
        assert refused.status_code == 413 and refused.text.startswith("ERR_MAX_SIZE_EXCEEDED")
        assert tusd.create(10).status_code == 201
        # tusd lets a deferred length pass; the limit is one.
        url = requests.post(tusd.url + "/files/", headers={**TUS, "Upload-Defer-Length": "1"}, timeout=60).headers["Location"]
        assert tusd.patch(url, 0, b"x" * 11).status_code == 413
        tusd.stop()


def test_behind_a_proxy(tmp_path):
    said = {"X-Forwarded-Host": "photos.example", "X-Forwarded-Proto": "https"}
    with Tusd(tmp_path / "data", "-behind-proxy") as tusd:
        assert tusd.create(1, said).headers["Location"].startswith("https://photos.example/files/")
        assert tusd.create(1, {"Forwarded": "host=a.example;proto=https"}).headers["Location"].startswith("https://a.example/")
        tusd.stop()
    with Tusd(tmp_path / "data") as tusd:
        assert tusd.create(1, said).headers["Location"].startswith(tusd.url + "/files/")
        tusd.stop()


def test_cors(tmp_path):
    with Tusd(tmp_path / "data", "-cors-allow-origin", r"^https://[\w-]+\.example$", "-cors-allow-credentials",
              "-cors-allow-methods=PUT", "-cors-allow-headers=X-A", "-cors-expose-headers=X-B", "-cors-max-age=7") as tusd:
        good = {"Origin": "https://a-b.example"}
        answer = requests.options(tusd.url + "/files/", headers={**good, "Access-Control-Request-Method": "POST"}, timeout=60)
        assert answer.headers["Access-Control-Allow-Origin"] == good["Origin"]
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Allow-Methods"].endswith("DELETE, PUT")
        assert answer.headers["Access-Control-Allow-Headers"].endswith(", X-A")
        assert answer.headers["Access-Control-Max-Age"] == "7"
        assert tusd.create(1, good).headers["Access-Control-Expose-Headers"].endswith(", X-B")
        for bad in ["http://a.example", "https://a.b.example", "https://a.example.evil"]:
            assert tusd.create(1, {"Origin": bad}).status_code == 403
            asked = requests.options(tusd.url + "/files/", headers={"Origin": bad}, timeout=60)
            assert asked.status_code == 403 and asked.text == "ERR_ORIGIN_NOT_ALLOWED: request origin is not allowed\n"
        tusd.stop()
    with Tusd(tmp_path / "data", "-disable-cors") as tusd:
        assert "Access-Control-Allow-Origin" not in tusd.create(1, {"Origin": "http://a"}).headers
        tusd.stop()


def test_unix_socket(tmp_path):
    path = tmp_path / "sock"
    for _ in range(2):  # the second finds the socket of the first
        with Tusd(tmp_path / "data", "-unix-sock", path) as tusd:
            with socket.socket(socket.AF_UNIX) as s:
                until(lambda: s.connect_ex(str(path)) == 0, "it listens")
                s.sendall(b"POST /files/ HTTP/1.1\r\nHost: a.example\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 0\r\n\r\n")
                answer = s.recv(65536).decode()
            assert answer.startswith("HTTP/1.1 201 ") and "http://a.example/files/" in answer
            tusd.process.kill()
            tusd.process.wait()
    path.unlink()
    path.write_text("mine")
    run = cli("-unix-sock", path, "-upload-dir", tmp_path / "data")
    assert run.returncode == 1 and "specified path is not a socket" in run.stderr and path.read_text() == "mine"


def test_files_beside_each_other(tmp_path):
    data = tmp_path / "new/data"
    with Tusd(data, "-file-perms=640", "-dir-perms=750") as tusd:
        url = tusd.create(5, {"Upload-Metadata": "a PD4m"}).headers["Location"]
        upload = url.rsplit("/", 1)[1]
        assert re.fullmatch("[0-9a-f]{32}", upload)
        tusd.patch(url, 0, b"hello")
        tusd.stop()
    assert (data / upload).read_bytes() == b"hello"
    info = json.loads((data / (upload + ".info")).read_text())
    assert list(info) == ["ID", "Size", "SizeIsDeferred", "Offset", "MetaData", "IsPartial", "IsFinal", "PartialUploads", "Storage"]
    assert info == {"ID": upload, "Size": 5, "SizeIsDeferred": False, "Offset": 0, "MetaData": {"a": "<>&"}, "IsPartial": False,
                    "IsFinal": False, "PartialUploads": None,
                    "Storage": {"InfoPath": str(data / (upload + ".info")), "Path": str(data / upload), "Type": "filestore"}}
    assert stat.S_IMODE((data / upload).stat().st_mode) == 0o640
    assert stat.S_IMODE((data / (upload + ".info")).stat().st_mode) == 0o640
    assert stat.S_IMODE(data.stat().st_mode) == 0o750


def test_what_tusd_has_left_goes_on(tmp_path):
    """Files as tusd 2.10 writes them; an unfinished upload is resumed, a finished one downloaded."""
    data = tmp_path / "data"
    data.mkdir()
    for upload, size, content in [("a" * 32, 10, b"01234"), ("b" * 32, 3, b"abc")]:
        (data / upload).write_bytes(content)
        (data / (upload + ".info")).write_text(json.dumps({
            "ID": upload, "Size": size, "SizeIsDeferred": False, "Offset": 0, "MetaData": {"filename": "a.txt"},
            "IsPartial": False, "IsFinal": False, "PartialUploads": None,
            "Storage": {"InfoPath": str(data / (upload + ".info")), "Path": str(data / upload), "Type": "filestore"}},
            separators=(",", ":")))
    with Tusd(data) as tusd:
        url = tusd.url + "/files/" + "a" * 32
        shown = requests.head(url, headers=TUS, timeout=60).headers
        assert (shown["Upload-Offset"], shown["Upload-Length"], shown["Upload-Metadata"]) == ("5", "10", "filename YS50eHQ=")
        assert tusd.patch(url, 5, b"56789").status_code == 204
        assert requests.get(url, timeout=60).content == b"0123456789"
        assert requests.get(tusd.url + "/files/" + "b" * 32, timeout=60).content == b"abc"
        tusd.stop()


def test_tusd_goes_on_with_what_we_have_left(tmp_path):
    if "ALB_TUSD" not in os.environ:
        pytest.skip("ALB_TUSD names no tusd")
    with Tusd(tmp_path / "data") as tusd:
        url = tusd.create(10).headers["Location"]
        assert tusd.patch(url, 0, b"01234").status_code == 204
        tusd.stop()
    with Tusd(tmp_path / "data", command=[os.environ["ALB_TUSD"]], port=tusd.port) as peer:
        assert requests.head(url, headers=TUS, timeout=60).headers["Upload-Offset"] == "5"
        assert peer.patch(url, 5, b"56789").status_code == 204
        assert requests.get(url, timeout=60).content == b"0123456789"


def test_kill_and_go_on(tmp_path):
    data = tmp_path / "data"
    with Tusd(data) as tusd:
        url = tusd.create(10).headers["Location"]
        assert tusd.patch(url, 0, b"01234").status_code == 204
        tusd.process.kill()
        tusd.process.wait()
    with Tusd(data, port=tusd.port) as again:
        assert requests.head(url, headers=TUS, timeout=60).headers["Upload-Offset"] == "5"
        assert again.patch(url, 5, b"56789").status_code == 204
        assert requests.get(url, timeout=60).content == b"0123456789"
        again.stop()


def tusd_open(text):
    return int(re.search(r"^tusd_connections_open (\d+)$", text, re.M).group(1))


def test_metrics(tmp_path):
    with Tusd(tmp_path / "data", "-metrics-path=/m") as tusd:
        url = tusd.create(4).headers["Location"]
        tusd.patch(url, 0, b"ab")
        tusd.patch(url, 0, b"ab")  # 409
        tusd.patch(url, 2, b"cd")
        requests.delete(url, headers=TUS, timeout=60)
        text = requests.get(tusd.url + "/m", timeout=60).text
        for line in ['tusd_requests_total{method="POST"} 1', 'tusd_requests_total{method="PATCH"} 3',
                     'tusd_requests_total{method="DELETE"} 1', 'tusd_requests_total{method="GET"} 0',
                     'tusd_errors_total{code="ERR_MISMATCHED_OFFSET",status="409"} 1', "tusd_bytes_received 4",
                     "tusd_uploads_created 1", "tusd_uploads_finished 1", "tusd_uploads_terminated 1",
                     'tusd_hook_invocations_total{hooktype="pre-create"} 0']:
            assert line in text.splitlines(), line
        assert tusd_open(text) >= 1
        tusd.stop()


def test_checksums_are_checked(tusd):
    """tusd passes them over; who sends one wants it checked."""
    extensions = requests.options(tusd.url + "/files/", timeout=60).headers
    assert extensions["Tus-Extension"].endswith(",checksum,checksum-trailer") and "sha1" in extensions["Tus-Checksum-Algorithm"]
    url = tusd.create(5).headers["Location"]
    wrong = tusd.patch(url, 0, b"hellx", {"Upload-Checksum": "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="})
    assert wrong.status_code == 460 and wrong.headers["Upload-Offset"] == "0"
    assert tusd.patch(url, 0, b"hello", {"Upload-Checksum": "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="}).status_code == 204


def test_slow_client_is_cut_off_and_can_go_on(tmp_path):
    with Tusd(tmp_path / "data", "-network-timeout=1s") as tusd:
        url = tusd.create(10).headers["Location"]
        with socket.create_connection(("127.0.0.1", tusd.port), 60) as s:
            head = [f"PATCH {url.removeprefix(tusd.url)} HTTP/1.1", "Host: a", "Upload-Offset: 0", "Content-Length: 10",
                    *(f"{k}: {v}" for k, v in OCTETS.items())]
            s.sendall("\r\n".join(head).encode() + b"\r\n\r\n01234")
            answer = s.recv(65536).decode()
        assert answer.startswith("HTTP/1.1 500 ") and "ERR_READ_TIMEOUT" in answer
        assert requests.head(url, headers=TUS, timeout=60).headers["Upload-Offset"] == "5"
        tusd.stop()


def test_experimental_protocol(tmp_path):
    headers = {"Upload-Draft-Interop-Version": "6", "Upload-Complete": "?1"}
    with Tusd(tmp_path / "data") as tusd:
        assert requests.post(tusd.url + "/files/", headers=headers, data=b"abc", timeout=60).status_code == 412
        tusd.stop()
    with Tusd(tmp_path / "data", "-enable-experimental-protocol") as tusd:
        with socket.create_connection(("127.0.0.1", tusd.port), 60) as s:
            s.sendall(b"POST /files/ HTTP/1.1\r\nHost: a\r\nUpload-Draft-Interop-Version: 6\r\nUpload-Complete: ?1\r\n"
                      b"Content-Length: 3\r\nConnection: close\r\n\r\nabc")
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        interim, final = text.split("\r\n\r\n")[0], text.rsplit("HTTP/1.1 ", 1)[1]
        assert interim.startswith("HTTP/1.1 104 ") and "Upload-Draft-Interop-Version: 6" in interim
        assert final.startswith("201 ") and "Upload-Offset: 3\r\n" in final
        url = re.search(r"Location: http://a(\S+)", interim).group(1)
        assert requests.get(tusd.url + url, timeout=60).content == b"abc"
        tusd.stop()
