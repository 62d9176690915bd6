# SPDX-License-Identifier: Apache-2.0
"""What a request may hold, and for how long: slots, memory, a place in the line, and what a client that leaves gives back
wherever it is."""
import concurrent.futures
import json
import socket

import pictures
import pytest
import requests
from daemon import Daemon
from imgproxy import KEY, SALT, sign
from imgproxy_daemon import Imgproxy, Sources, until, write_photos

ENDLESS = "rs:force:{n}:4000/el:1"  # as AVIF at speed 0: minutes
OTHERS = 8


@pytest.fixture
def sources():
    server = Sources()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("local"), OTHERS)


def ask(server, path, receive=None):
    """A client that has asked, and has read nothing."""
    s = socket.socket()
    if receive:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    s.connect(("127.0.0.1", server.port))
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return s


def endless(server, n, file=0):
    return ask(server, f"/x/{ENDLESS.format(n=4000 + n)}/plain/local:///{file}.jpg@avif")


def fill(server):
    """Every slot has a render that takes minutes."""
    slots = int(server.metric("workers"))
    clients = [endless(server, n) for n in range(slots)]
    until(lambda: server.metric("images_in_progress") == slots, "every slot is taken")
    return clients


def leave(clients):
    for s in clients:
        s.close()


def others(server):
    """More pictures at once than there are slots."""
    with concurrent.futures.ThreadPoolExecutor(OTHERS) as pool:
        asked = [pool.submit(server.plain, f"local:///{n}.jpg", "w:300") for n in range(OTHERS)]
    assert {a.result().status_code for a in asked} == {200}


def serving(server, count):
    until(lambda: server.metric("requests_in_progress") == count, f"{count} requests are there")


# ---- clients that leave ----

def test_who_leaves_while_it_downloads_ends_the_download(tmp_path, sources):
    with Imgproxy(tmp_path, DOWNLOAD_TIMEOUT=100, TIMEOUT=100) as server:
        clients = [ask(server, f"/x/w:9/plain/{sources.url}/patient/1.jpg") for _ in range(2)]
        until(lambda: sources.asked.get("/patient/1.jpg"), "it is asked for")
        serving(server, 2)
        leave(clients[:1])
        serving(server, 1)
        assert "/patient/1.jpg" not in sources.left and sources.asked["/patient/1.jpg"] == 1  # the other one waits for it
        leave(clients[1:])
        until(lambda: "/patient/1.jpg" in sources.left, "nobody waits, nothing is downloaded")
        serving(server, 0)
        server.stop()


def test_who_leaves_the_line_is_not_rendered(tmp_path, folder):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, AVIF_SPEED=0, TIMEOUT=300) as server:
        assert server.plain("local:///7.jpg", "w:40").status_code == 200  # now its header is known
        slow = fill(server)
        missed, failed = (server.metric(f"albumen_render_{m}_total") for m in ("misses", "failed"))
        queued = endless(server, 0, file=7)
        until(lambda: server.metric("albumen_render_misses_total") == missed + 1, "it stands in the line")
        serving(server, len(slow) + 1)
        leave([queued])
        serving(server, len(slow))
        until(lambda: server.metric("albumen_render_failed_total") == failed + 1, "it has left the line")
        leave(slow)
        others(server)
        assert server.metric('request_span_duration_seconds_count{span="queue"}') == 1 + len(slow) + OTHERS  # who got a slot
        server.stop()


def test_who_leaves_its_render_gives_its_slot_to_the_next(tmp_path, folder):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, AVIF_SPEED=0, TIMEOUT=300) as server:
        leave(fill(server))
        serving(server, 0)
        others(server)  # not after minutes
        until(lambda: server.metric("images_in_progress") == 0, "what nobody wanted was ended when its slot was")
        server.stop()


def test_who_does_not_read_holds_no_slot(tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "large.jpg").write_bytes(pictures.photo(1, 2000, 1500, quality=95))
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=tmp_path / "local") as server:
        fds = server.fds()
        clients = [ask(server, f"/x/rs:force:{3000 + n}:2000/el:1/plain/local:///large.jpg@png", receive=4096) for n in range(4)]
        for s in clients:
            assert s.recv(12) == b"HTTP/1.1 200"
        until(lambda: server.metric("images_in_progress") == 0, "all are made")
        assert server.metric("albumen_http_requests_in_flight") >= 4  # and none is sent
        for n in range(8):
            assert server.plain("local:///large.jpg", f"w:{20 + n}").status_code == 200
        leave(clients)
        until(lambda: server.metric("albumen_http_requests_in_flight") <= 1, "they are gone")
        until(lambda: server.fds() <= fds + 2, "and so is what they held")
        server.stop()


# ---- what costs no slot ----

def test_not_modified_costs_no_slot(tmp_path, folder, sources):
    paths = ["/x/w:70/plain/local:///3.jpg", f"/x/w:71/plain/{sources.url}/fresh/1.jpg"]
    settings = {"LOCAL_FILESYSTEM_ROOT": folder, "AVIF_SPEED": 0, "TIMEOUT": 300}
    with Imgproxy(tmp_path / "one", **settings) as server:
        tags = [server.get(path).headers["ETag"] for path in paths]
        server.stop()
    with Imgproxy(tmp_path / "two", **settings) as server:  # knows none of them
        slow = fill(server)
        jobs, misses = (server.metric(f"albumen_{m}_total") for m in ("darkroom_jobs", "render_misses"))
        for path, tag in zip(paths, tags):
            answer = server.get(path, headers={"If-None-Match": tag})
            assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, tag, b"")
            assert server.get(path, method="HEAD", headers={"If-None-Match": f'"x", {tag}'}).status_code == 304
        assert server.metric("albumen_darkroom_jobs_total") == jobs and server.metric("albumen_render_misses_total") == misses
        assert server.metric("images_in_progress") == len(slow)
        leave(slow)


def test_what_is_in_memory_is_answered_on_the_loop(tmp_path, sources):
    """Without a step on the io pool; a source that is no longer fresh needs one."""
    daemon = Daemon(tmp_path / "data")
    daemon.start()
    daemon.stop()
    daemon.start("--imgproxy-key", f"admin:{KEY}:{SALT}", "--imgproxy-sources", sources.url + "/", "--imgproxy-private-sources")
    try:
        url = daemon.url + "/imgproxy" + sign(f"/w:33/plain/{sources.url}/photo/5.jpg")
        first = requests.get(url, timeout=120)
        again = [requests.get(url, timeout=120), requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=120),
                 requests.head(url, timeout=120)]
        assert [a.status_code for a in (first, *again)] == [200, 200, 304, 200] and again[0].content == first.content
        ids = [a.headers["X-Request-ID"] for a in (first, *again)]

        def records():
            found = {r.get("id"): r for r in map(json.loads, filter(lambda line: line.startswith("{"), list(daemon.log)))}
            return [found[i] for i in ids if i in found]

        until(lambda: len(records()) == 4, "all are in the log")
        steps = [r.get("steps", 0) for r in records()]
        assert steps[0] > 0 and steps[1:] == [0, 0, 0], steps
        assert daemon.metric('albumen_render_hits_total{cache="memory"}') >= 2 and daemon.metric("albumen_render_misses_total") == 1
        assert sources.asked["/photo/5.jpg"] == 1
    finally:
        daemon.stop()


# ---- bounds ----

def page(url, key=None):
    """All metrics of one moment."""
    text = requests.get(url, headers={"x-api-key": key} if key else {}, timeout=120).text
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}


def test_memory_is_a_bound_of_its_own(tmp_path, folder):
    """Renders that want more than half of it go one after the other, though there are slots; one that wants more than all
    of it is refused at once."""
    def run(memory, count):
        with Imgproxy(tmp_path / str(memory), ["--render-memory", memory], LOCAL_FILESYSTEM_ROOT=folder, TIMEOUT=300) as server:
            with concurrent.futures.ThreadPoolExecutor(count) as pool:
                seen = []
                asked = [pool.submit(server.plain, "local:///1.jpg", f"rs:force:{4000 + n}:3000/el:1/bl:2") for n in range(count)]
                while not all(a.done() for a in asked):
                    now = page(server.metrics)
                    seen.append((now["images_in_progress"], now["vips_memory_bytes"]))
            jobs = server.metric('albumen_darkroom_seconds_count{work="render"}')
            server.stop()
        return {a.result().status_code for a in asked}, seen, jobs

    statuses, seen, _ = run("2G", 4)
    most = max(images for images, _ in seen)
    cost = max(memory / images for images, memory in seen if images)
    assert statuses == {200} and most >= 2, seen
    statuses, seen, _ = run(int(cost * 1.5), 4)
    assert statuses == {200} and max(images for images, _ in seen) == 1 and max(memory for _, memory in seen) <= cost * 1.5, seen
    statuses, seen, jobs = run("64M", 2)
    assert statuses == {422} and jobs == 0


def test_a_person_goes_before_the_background(tmp_path, folder):
    """A thumbnail that is made in advance has stood in the line first, and is made last."""
    settings = tmp_path / "settings"
    settings.write_text("IMGPROXY_AVIF_SPEED=0\n")
    daemon = Daemon(tmp_path / "data")
    daemon.start("--local-root", str(folder), "--imgproxy-settings", str(settings), "--renders", "2", "--render-timeout", "10m",
                 "--imgproxy-timeout", "10m", "--stuck-after", "10m")
    head = f"HTTP/1.1\r\nHost: x\r\nx-api-key: {daemon.key}\r\n\r\n"

    def ask(options, form=""):
        s = socket.create_connection(("127.0.0.1", int(daemon.url.rsplit(":", 1)[1])))
        s.sendall(f"GET /imgproxy/unsafe/{options}/plain/local:///1.jpg{form} {head}".encode())
        return s

    def made():
        """Widths of the pictures that were kept, the oldest first."""
        files = sorted((p for p in (daemon.data / "cache").rglob("*") if p.is_file()), key=lambda p: p.stat().st_mtime_ns)
        kept = [p.read_bytes() for p in files]
        return [pictures.size_of(body[body.index(b"\xff\xd8\xff"):])[0] for body in kept]

    def now(name):
        return page(daemon.url + "/metrics", daemon.key)["albumen_" + name]

    try:
        slow = [ask(ENDLESS.format(n=4000 + n), "@avif") for n in range(2)]
        until(lambda: now("render_slots_held") == 2, "both slots are taken")
        assert daemon.upload(pictures.photo(5, 1600, 1200)).status_code == 201
        until(lambda: now("render_queued") == 1 and now("jobs_busy") == 1, "the background stands in the line")
        people = [ask(f"rs:force:{1200 + n}:1000/el:1/bl:2") for n in range(30)]
        until(lambda: now("render_queued") == 31, "and people behind it")
        leave(slow)
        left, seen = 31, []
        while left > 0:
            both = page(daemon.url + "/metrics", daemon.key)
            left = both["albumen_render_queued"]
            seen.append((left, both["albumen_jobs_busy"]))
        for s in people:
            assert s.recv(12) == b"HTTP/1.1 200"
        assert sum(2 <= queued < 31 for queued, _ in seen) > 1, seen  # else nothing was seen of it
        assert all(busy == 1 for queued, busy in seen if queued > 1), seen
        until(lambda: now("jobs_busy") == 0, "in the end it is made")
        until(lambda: len(made()) == 32, "all are kept")
        assert made().index(512) >= 25, made()  # the standard size was among the last
    finally:
        daemon.stop()


def test_nobody_gets_a_slot_for_nothing(tmp_path, folder):
    """Slots that come free when a request has next to no time left are for others: it has heard so before."""
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, AVIF_SPEED=0, TIMEOUT=24) as server:
        slow = fill(server)  # until their time is over
        answer = server.plain("local:///5.jpg", "w:33")
        assert (answer.status_code, answer.text) == (503, "Timeout") and int(answer.headers["Retry-After"]) > 0
        assert server.metric("requests_in_progress") == len(slow)  # those who came before it have not yet come to the end of theirs
        assert server.metric('request_span_duration_seconds_count{span="queue"}') == len(slow)  # who got a slot
        leave(slow)
        others(server)
        server.stop()


def test_a_slow_encode_ends_with_its_time(tmp_path, folder):
    """Nobody else has to want its slot. Who asks again hears the same, and others are served."""
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, AVIF_SPEED=0, TIMEOUT=3) as server:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(server.plain, "local:///0.jpg", ENDLESS.format(n=4000 + n), "@avif") for n in range(2)]
        for a in asked:
            answer = a.result()
            assert (answer.status_code, answer.text) == (503, "Timeout") and int(answer.headers["Retry-After"]) > 0
        until(lambda: server.metric("images_in_progress") == 0, "its worker is ended, its slot free")
        assert server.metric('errors_total{type="timeout"}') == 2
        until(lambda: server.plain("local:///1.jpg", "w:50").status_code == 200, "others are served")
        server.stop()


def test_a_cheaper_picture_when_the_time_is_nearly_up(tmp_path, folder):
    """Where that was asked for, and the format was not the client's to choose; kept by nobody."""
    with Imgproxy(tmp_path, ["--degrade"], LOCAL_FILESYSTEM_ROOT=folder, AUTO_AVIF="true", AVIF_SPEED=0, TIMEOUT=12) as server:
        def get():
            return server.plain("local:///0.jpg", "rs:force:4000:3000/el:1", headers={"Accept": "image/avif,image/webp"})

        answer = get()
        for _ in range(5):  # a machine with much else to do may need more time even for that
            if answer.status_code == 200:
                break
            assert answer.status_code == 503
            answer = get()
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["Cache-Control"] == "no-store" and "ETag" not in answer.headers
        assert pictures.size_of(answer.content) == (4000, 3000)
        assert not [p for p in (tmp_path / "albumen/imgproxy/cache").rglob("*") if p.is_file()]
        assert server.plain("local:///0.jpg", "w:9").status_code == 200  # and this one is kept
        until(lambda: [p for p in (tmp_path / "albumen/imgproxy/cache").rglob("*") if p.is_file()], "what is good is kept")
        server.stop()
