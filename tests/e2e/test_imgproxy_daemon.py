# SPDX-License-Identifier: Apache-2.0
"""`albumen imgproxy` in imgproxy's place: its variables, pages, statuses, logs, metrics and its end."""
import base64
import concurrent.futures
import hashlib
import hmac
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pictures
import pytest
from daemon import BINARY
from imgproxy_daemon import Imgproxy, Sources, raw, refused, until, write_photos

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


@pytest.fixture(scope="module")
def sources():
    server = Sources()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory, sources, folder):
    server = Imgproxy(tmp_path_factory.mktemp("cache"), LOCAL_FILESYSTEM_ROOT=folder, DOWNLOAD_TIMEOUT=2, TIMEOUT=20,
                      ALLOWED_SOURCES=f"{sources.url}/,local://,http://169.254.1.1/,http://127.0.0.1:1/,http://nowhere.invalid/",
                      MAX_SRC_FILE_SIZE=5_000_000)
    with server:
        yield server
        server.stop()


# ---- answers ----

def test_pictures_over_http_and_from_files(shared, sources):
    for source in (f"{sources.url}/photo/1.jpg", "local:///1.jpg"):
        answer = shared.plain(source, "rs:fill:123:77", "@png")
        assert answer.status_code == 200, answer.text
        assert pictures.size_of(answer.content) == (123, 77)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Server"] == "imgproxy"
        assert answer.headers["Content-Security-Policy"] == CSP
        assert answer.headers["Cache-Control"].startswith("max-age=") and "public" in answer.headers["Cache-Control"]
        assert "X-Request-ID" in answer.headers


@pytest.mark.parametrize("options", ["g:sm/rs:fill:60:90", "t:10", "rot:90", "fl:1:1", "bl:3", "sh:1", "pix:5", "pd:3:4", "ex:1/w:2000/el:1", "bg:ff0000",
                                     "dpr:0.5", "c:0.5:0.5:soea", "mb:3000", "br:20", "co:20", "sa:20", "mc:1", "dt:1", "zoom:0.3", "rt:force/w:9/h:99"])
@pytest.mark.parametrize("form", ["", "@png", "@webp"])
def test_operations_in_the_sandbox(shared, options, form):
    """No worker is killed for what a library does on its way."""
    answer = shared.plain("local:///2.jpg", options, form)
    assert answer.status_code == 200, (answer.text, shared.log[-1])
    pictures.decoded(answer.content)


def test_what_sources_are_told(tmp_path, sources):
    with Imgproxy(tmp_path) as server:
        assert server.plain(f"{sources.url}/photo/91.jpg").status_code == 200
    assert re.search(r"\r\nUser-Agent: imgproxy/\d+\.\d+\.\d+\r\n", sources.heads["/photo/91.jpg"])
    with Imgproxy(tmp_path, USER_AGENT="mine %current_version!") as server:
        assert server.plain(f"{sources.url}/photo/92.jpg").status_code == 200
    assert re.search(r"\r\nUser-Agent: mine \d+\.\d+\.\d+!\r\n", sources.heads["/photo/92.jpg"])


def test_raw(shared, folder):
    answer = shared.plain("local:///2.jpg", "raw:1", "@png")  # the format is not even looked at
    assert answer.content == (folder / "2.jpg").read_bytes()
    assert answer.headers["Content-Disposition"] == 'inline; filename="2.jpg"'
    answer = shared.plain("local:///2.jpg", "raw:1/att:1/fn:own")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="own.jpg"'


def test_conditions_and_head(shared, sources):
    path = f"/x/rs:fit:200:200/plain/{sources.url}/fresh/1.jpg"
    first = shared.get(path)
    assert first.status_code == 200 and first.headers["ETag"]
    again = shared.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.content == b""
    head = shared.get(path, method="HEAD")
    assert head.status_code == 200 and head.headers["Content-Length"] == first.headers["Content-Length"]


STATUSES = [  # reference: what imgproxy answers
    ("/x/nonsense:1/plain/{s}/photo/1.jpg", 404, "Invalid URL"),
    ("/x/plain/{s}/photo/1.jpg@jpgg", 404, "Invalid URL"),
    ("/x/exp:1/plain/{s}/photo/1.jpg", 404, "Invalid URL"),
    ("/x/msr:1/plain/{s}/photo/1.jpg", 403, "Invalid URL"),
    ("/rs:fit:3:3/plain/{s}/photo/1.jpg", 403, None),
    ("/x/plain/http://elsewhere.example/a.jpg", 404, "Invalid source URL"),
    ("/x/plain/http://169.254.1.1/a.jpg", 404, "Invalid source URL"),
    ("/x/plain/http://nowhere.invalid/a.jpg", 404, "Source is unreachable"),
    ("/x/plain/http://127.0.0.1:1/a.jpg", 404, "Source is unreachable"),
    ("/x/plain/local:///nothing.jpg", 404, "Source is unreachable"),
    ("/x/plain/local:///../../etc/passwd", 404, "Source is unreachable"),
    ("/x/plain/{s}/loop/0", 404, "Source is unreachable"),
    ("/x/plain/{s}/part/1", 404, "Source is unreachable"),
    ("/x/plain/{s}/status/204", 404, "Source is unreachable"),
    ("/x/plain/{s}/status/403", 403, "Source is unreachable"),
    ("/x/plain/{s}/status/404", 404, "Source is unreachable"),
    ("/x/plain/{s}/status/410", 410, "Source is unreachable"),
    ("/x/plain/{s}/status/500", 502, "Source is unreachable"),
    ("/x/plain/{s}/status/503", 502, "Source is unreachable"),
    ("/x/plain/{s}/early/1", 404, "Source is unreachable"),
    ("/x/plain/{s}/cut/1", 404, "Source is unreachable"),
    ("/x/plain/{s}/hang/1", 504, "Source is unreachable"),
    ("/x/plain/{s}/slow/1", 504, "Source is unreachable"),
    ("/x/plain/{s}/half/1", 422, "Source response is incomplete"),
    ("/x/plain/{s}/text/1", 422, "Invalid source image"),
    ("/x/plain/{s}/bomb/1", 422, "Invalid source image"),
    ("/x/plain/{s}/broken/1", 422, "Broken or unsupported image"),
    ("/x/plain/{s}/photo/1.jpg@svg", 422, "Invalid URL"),
]


@pytest.mark.parametrize("path, status, text", STATUSES)
def test_statuses(shared, sources, path, status, text):
    answer = shared.get(path.format(s=sources.url))
    assert (answer.status_code, answer.text if text else None) == (status, text)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["Server"] == "imgproxy"


def test_a_source_without_end(shared, sources):
    """Until its time or the size is over."""
    assert shared.plain(f"{sources.url}/forever/1").status_code in (422, 504)


def test_redirects_are_checked(tmp_path, sources):
    with Imgproxy(tmp_path, ALLOWED_SOURCES=f"{sources.url}/") as server:
        good = server.plain(f"{sources.url}/to/{sources.url}/photo/2.jpg".replace(sources.url + "/photo", "%2Fphoto"))
        assert good.status_code == 200, good.text
        for target in ("http://127.0.0.1:9/x", "local:%2F%2F%2Fetc%2Fpasswd", "file:%2F%2F%2Fetc%2Fpasswd"):
            assert server.plain(f"{sources.url}/to/{target}").status_code == 404


def test_loopback_is_closed_by_default(tmp_path, sources):
    with Imgproxy(tmp_path, ALLOW_LOOPBACK_SOURCE_ADDRESSES=None) as server:
        answer = server.plain(f"{sources.url}/photo/1.jpg")
        assert (answer.status_code, answer.text) == (404, "Invalid source URL")


# ---- pages ----

def test_pages(shared):
    landing = shared.get("/")
    assert landing.status_code == 200 and landing.headers["Content-Type"].startswith("text/html") and "albumen" in landing.text
    health = shared.get("/health")
    assert (health.status_code, health.text, health.headers["Cache-Control"]) == (200, "imgproxy is running", "no-cache")
    for path in ("/favicon.ico", "/.well-known/anything"):
        assert (shared.get(path).status_code, shared.get(path).text) == (404, " ")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert shared.get("/x/plain/local:///1.jpg", method=method).status_code == 404
    assert shared.get("/x/plain/local:///1.jpg", method="OPTIONS").status_code in (200, 204)
    assert b" 400 " in raw(shared.port, b"nonsense\r\n\r\n").split(b"\r\n")[0]


def test_request_ids(shared):
    assert shared.get("/health", headers={"X-Request-ID": "my-id_1"}).headers["X-Request-ID"] == "my-id_1"
    assert shared.get("/health", headers={"X-Request-ID": "no good!"}).headers["X-Request-ID"] != "no good!"


def test_prefix_and_health_path(tmp_path, folder):
    with Imgproxy(tmp_path, PATH_PREFIX="/img", HEALTH_CHECK_PATH="/ready", LOCAL_FILESYSTEM_ROOT=folder, TTL=77) as server:
        assert server.get("/img/x/rs:fit:30:30/plain/local:///1.jpg").headers["Cache-Control"] == "max-age=77, public"
        assert server.get("/x/rs:fit:30:30/plain/local:///1.jpg").status_code == 404
        assert [server.get(p).status_code for p in ("/img/health", "/img/ready", "/health", "/img", "/img/")] == [200, 200, 404, 200, 200]
        run = subprocess.run([BINARY, "imgproxy", "health"], env={**server.env, "IMGPROXY_BIND": server.address},
                             capture_output=True, text=True, timeout=60)
        assert run.returncode == 0 and "imgproxy is running" in run.stderr
    run = subprocess.run([BINARY, "imgproxy", "health"], env={**server.env, "IMGPROXY_BIND": server.address},
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 1


def test_unix_socket(tmp_path, folder):
    path = tmp_path / "socket"
    with Imgproxy(tmp_path, NETWORK="unix", BIND=path, LOCAL_FILESYSTEM_ROOT=folder) as server:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.sendall(b"GET /x/rs:fit:9:9/plain/local:///1.jpg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200 ")
        assert subprocess.run([BINARY, "imgproxy", "health"], env=server.env, capture_output=True, timeout=60).returncode == 0


def test_secret_and_cors(tmp_path, folder):
    with Imgproxy(tmp_path, SECRET="s3cret", ALLOW_ORIGIN="https://a.example", LOCAL_FILESYSTEM_ROOT=folder) as server:
        path = "/x/rs:fit:30:30/plain/local:///1.jpg"
        no = server.get(path)
        assert (no.status_code, no.text) == (403, "Forbidden")
        assert no.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert server.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 403
        yes = server.get(path, headers={"Authorization": "Bearer s3cret"})
        assert yes.status_code == 200 and yes.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert server.get("/health").status_code == 200
        assert "GET" in server.get(path, method="OPTIONS").headers["Access-Control-Allow-Methods"]


# ---- signatures and presets ----

def sign(key, salt, path, size=32):
    mac = hmac.new(key, salt + path.encode(), hashlib.sha256).digest()[:size]
    return "/" + base64.urlsafe_b64encode(mac).rstrip(b"=").decode() + path


def test_keys_rotate(tmp_path, folder):
    keys, salts = [b"key one", b"key two"], [b"salt one", b"salt two"]
    with Imgproxy(tmp_path, KEY=",".join(k.hex() for k in keys), SALT=",".join(s.hex() for s in salts), TRUSTED_SIGNATURES="friend",
                  LOCAL_FILESYSTEM_ROOT=folder) as server:
        path = "/rs:fit:50:50/plain/local:///1.jpg"
        for n in (0, 1):
            assert server.get(sign(keys[n], salts[n], path)).status_code == 200
        assert server.get("/friend" + path).status_code == 200
        for bad in (sign(keys[0], salts[1], path), "/unsafe" + path, sign(keys[0], salts[0], path)[:-1] + "?"):
            assert server.get(bad).status_code in (403, 404)
        answer = server.get("/unsafe" + path)
        assert (answer.status_code, answer.text) == (403, "Forbidden")


def test_presets_and_base_url(tmp_path, sources):
    with Imgproxy(tmp_path, PRESETS="default=q:50,small=rs:fill:40:30,tiny=pr:small/w:20", BASE_URL=sources.url + "/photo/") as server:
        assert pictures.size_of(server.get("/x/pr:small/plain/1.jpg").content) == (40, 30)
        assert pictures.size_of(server.get("/x/pr:tiny/plain/1.jpg").content) == (20, 30)
        assert server.get("/x/pr:none/plain/1.jpg").status_code == 404
    with Imgproxy(tmp_path, ONLY_PRESETS="true", PRESETS="small=rs:fill:40:30", BASE_URL=sources.url + "/photo/") as server:
        assert pictures.size_of(server.get("/x/small/plain/1.jpg").content) == (40, 30)
        assert server.get("/x/rs:fill:40:30/plain/1.jpg").status_code == 404


@pytest.mark.parametrize("variables, words", [
    ({"KEY": "xyz", "SALT": "00"}, "IMGPROXY_KEY"), ({"KEY": "00", "SALT": "00,11"}, "IMGPROXY_"), ({"TIMEOUT": "soon"}, "IMGPROXY_TIMEOUT"),
    ({"PRESETS": "a=b=c"}, "IMGPROXY_PRESETS"), ({"BIND": "nothing"}, "IMGPROXY_BIND"), ({"NETWORK": "unixpacket"}, "IMGPROXY_NETWORK"),
    ({"LOCAL_FILESYSTEM_ROOT": "/not/there"}, "IMGPROXY_LOCAL_FILESYSTEM_ROOT"), ({"WATERMARK_PATH": "/not/there"}, "IMGPROXY_WATERMARK"),
    ({"LOG_FORMAT": "loud"}, "IMGPROXY_LOG_FORMAT"), ({"PROMETHEUS_BIND": "x"}, "IMGPROXY_PROMETHEUS_BIND")])
def test_bad_values_abort(tmp_path, variables, words):
    assert words in refused(tmp_path, **variables)


def test_commands(tmp_path):
    run = subprocess.run([BINARY, "imgproxy", "--help"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0
    for name in ("IMGPROXY_KEY", "IMGPROXY_MAX_SRC_RESOLUTION=50", "IMGPROXY_PROMETHEUS_BIND", "--cache-dir", "--degrade"):
        assert name in run.stdout
    assert subprocess.run([BINARY, "imgproxy", "version"], capture_output=True, timeout=60).returncode == 0
    assert subprocess.run([BINARY, "imgproxy", "dance"], capture_output=True, timeout=60).returncode == 2
    assert subprocess.run([BINARY, "imgproxy", "--dance"], capture_output=True, timeout=60).returncode == 2


# ---- log and metrics ----

@pytest.mark.parametrize("form, words", [("json", '"level":"INFO","msg":"Started /x/'), ("gcp", '"severity":"INFO","message":"Started /x/'),
                                         ("structured", 'level="INFO" msg="Started /x/'), ("pretty", " [INF] Started /x/")])
def test_two_lines_per_request(tmp_path, folder, form, words):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, LOG_FORMAT=form, NO_SUCH_NAME="1") as server:
        server.get("/health")
        server.get("/x/rs:fit:30:30/plain/local:///1.jpg?query")
        server.get("/x/rs:fit:30:30/plain/local:///none.jpg")
        server.stop()
    log = "\n".join(server.log)
    assert words in log and "/health" not in log
    assert log.count("Started /x/") == 2 and log.count("Completed in ") == 2
    assert "IMGPROXY_NO_SUCH_NAME" in log


def test_metrics(tmp_path, folder):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, PROMETHEUS_NAMESPACE="pix") as server:
        for n in (30, 31, 32):
            assert server.get(f"/x/rs:fit:{n}:{n}/plain/local:///1.jpg").status_code == 200
        assert server.get("/x/rs:fit:9:9/plain/local:///none.jpg").status_code == 404
        for name, count in (('status_codes_total{status="404"}', 1), ('status_codes_total{status="200"}', 3),
                            ("request_duration_seconds_count", 4)):
            until(lambda: server.metric("pix_" + name) == count, "records are written after the answer: " + name)
        assert server.metric("pix_requests_total") == 4
        assert server.metric('pix_errors_total{type="download"}') == 1
        for span, least in (("queue", 3), ("downloading_source_image", 4), ("processing_image", 3), ("streaming_image", 3)):
            assert server.metric(f'pix_request_span_duration_seconds_count{{span="{span}"}}') >= least, span
        for kind in ("timeout", "image_data_size", "path_parsing", "security", "queue", "processing", "unexpected"):
            assert server.metric(f'pix_errors_total{{type="{kind}"}}') == 0
        assert server.metric("pix_workers") >= 2
        for name in ("requests_in_progress", "images_in_progress", "workers_utilization", "vips_memory_bytes", "vips_max_memory_bytes", "vips_allocs"):
            server.metric("pix_" + name)
        server.metric("process_resident_memory_bytes")


def test_a_hundred_equal_requests_are_one_render(tmp_path, sources):
    with Imgproxy(tmp_path, MAX_CLIENTS=0) as server:
        path = f"/x/rs:fit:500:500/plain/{sources.url}/photo/77.jpg@webp"
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda _: server.get(path), range(100)))
        assert {a.status_code for a in answers} == {200} and len({a.content for a in answers}) == 1
        assert server.metric("albumen_render_misses_total") == 1
        assert sources.asked["/photo/77.jpg"] == 1


# ---- caches ----

def test_results_and_sources_outlive_the_process(tmp_path, sources):
    path = f"/x/rs:fit:60:60/plain/{sources.url}/photo/55.jpg"
    with Imgproxy(tmp_path) as server:
        first = server.get(path)
        assert first.status_code == 200
        server.stop()
    with Imgproxy(tmp_path) as server:
        assert server.get(path).content == first.content
        assert server.metric("albumen_render_misses_total") == 0
    assert sources.asked["/photo/55.jpg"] == 1


def test_without_a_place_for_caches(tmp_path, folder):
    one = Imgproxy("/proc/nowhere", LOCAL_FILESYSTEM_ROOT=folder)
    with one as server:
        assert any("nothing is cached on disk" in line for line in server.log)
        assert server.plain("local:///1.jpg").status_code == 200
    named = subprocess.run([BINARY, "imgproxy", "--cache-dir", "/proc/nowhere"], env=one.env, capture_output=True, text=True, timeout=60)
    assert named.returncode == 1 and "/proc/nowhere" in named.stdout


# ---- admission and time ----

def slow_options(n):
    """Some seconds of work each, each its own."""
    return f"rs:force:{3000 + n}:2400/el:1/q:90"


def test_queue_and_timeout_and_health(tmp_path, folder):
    """More than it can do in time: some are served, the rest hear so at once or at their deadline; /health stays true."""
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, REQUESTS_QUEUE_SIZE=4, TIMEOUT=4, AVIF_SPEED=0) as server:
        seen = []
        stop = threading.Event()

        def look():
            while not stop.wait(0.2):
                seen.append(server.get("/health").status_code)
        watcher = threading.Thread(target=look)
        watcher.start()
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda n: server.plain("local:///1.jpg", slow_options(n), "@avif"), range(40)))
        stop.set()
        watcher.join()
        statuses = {a.status_code for a in answers}
        assert statuses <= {200, 429, 503} and 429 in statuses, statuses
        for a in answers:
            if a.status_code in (429, 503):
                assert a.text == {429: "Too many requests", 503: "Timeout"}[a.status_code]
                assert int(a.headers["Retry-After"]) > 0
        assert seen and set(seen) == {200}
        until(lambda: server.metric("images_in_progress") == 0 and server.metric("requests_in_progress") == 0, "slots are free")
        assert server.plain("local:///1.jpg", "rs:fit:20:20").status_code == 200


def test_health_is_honest(tmp_path, folder):
    """Workers that do not answer are told of, and so is their coming back."""
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder) as server:
        assert server.get("/health").status_code == 200
        family = server.children()
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        try:
            answer = server.get("/health")
            assert (answer.status_code, answer.text) == (500, "Error")
        finally:
            for pid in family:
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
        until(lambda: server.get("/health").status_code == 200, "it is well again")
        assert server.plain("local:///1.jpg").status_code == 200


def test_max_clients(tmp_path, folder):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, MAX_CLIENTS=5) as server:
        there = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        for s in there:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert s.recv(4096).startswith(b"HTTP/1.1 200")
        try:
            late = raw(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        except ConnectionError:
            late = b""
        assert b" 200 " not in late.split(b"\r\n")[0]
        for s in there:
            s.close()
        until(lambda: b" 200 " in raw(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").split(b"\r\n")[0], "room again")


def test_no_keep_alive(tmp_path):
    with Imgproxy(tmp_path, KEEP_ALIVE_TIMEOUT=0) as server:
        answer = raw(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")  # ends by itself
        assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer.lower()


# ---- the end ----

class Held(Sources):
    """Pictures, once it is told to give them."""

    def do_held(self, s, rest):
        self.ended.wait(300)
        self.do_photo(s, rest)


def test_shutdown_waits_for_requests(tmp_path):
    held = Held()
    with Imgproxy(tmp_path, GRACEFUL_STOP_TIMEOUT=300, DOWNLOAD_TIMEOUT=300, TIMEOUT=300) as server:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(server.plain, f"{held.url}/held/{n}") for n in range(8)]
            until(lambda: server.metric("requests_in_progress") == 8, "all of them are there")
            server.process.terminate()
            until(lambda: any("Shutting down" in line for line in server.log), "it has heard")
            assert server.process.poll() is None
            held.ended.set()
            assert {a.result().status_code for a in asked} == {200}
        assert server.process.wait(120) == 0
    held.stop()


def test_shutdown_cuts_at_its_time(tmp_path, sources):
    with Imgproxy(tmp_path, GRACEFUL_STOP_TIMEOUT=1, DOWNLOAD_TIMEOUT=500, TIMEOUT=500) as server:
        s = socket.create_connection(("127.0.0.1", server.port))
        s.sendall(f"GET /x/plain/{sources.url}/patient/1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: server.metric("requests_in_progress") == 1, "it is there")
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 100  # not the two minutes that the source waits
        s.close()


def test_a_second_signal_ends_it(tmp_path, sources):
    with Imgproxy(tmp_path, GRACEFUL_STOP_TIMEOUT=500, DOWNLOAD_TIMEOUT=500, TIMEOUT=500) as server:
        s = socket.create_connection(("127.0.0.1", server.port))
        s.sendall(f"GET /x/plain/{sources.url}/patient/2 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: server.metric("requests_in_progress") == 1, "it is there")
        server.process.terminate()
        until(lambda: any("Shutting down" in line for line in server.log), "it has heard")
        server.process.terminate()
        assert server.process.wait(100) in (1, -signal.SIGTERM)
        s.close()
