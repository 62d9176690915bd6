# SPDX-License-Identifier: Apache-2.0
"""What a request may hold, and for how long: slots, memory, a place in the line, time."""
import concurrent.futures
import socket

import pictures
import pytest
import requests
from daemon import Daemon
from imgproxy_daemon import Imgproxy, until, write_photos
from imgproxy_load import ENDLESS, OTHERS, fill, leave, others


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("local"), OTHERS)


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
        files = sorted((p for p in (daemon.data / "cache").glob("*/*") if p.is_file()), key=lambda p: p.stat().st_mtime_ns)
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
        # The standard size was among the last; each is written to the disk in its own time after it was made.
        assert made().index(512) >= 16, made()
    finally:
        daemon.stop()


def test_nobody_gets_a_slot_for_nothing(tmp_path, folder):
    """Slots that come free when a request has next to no time left are for others: it has heard so before."""
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, AVIF_SPEED=0, TIMEOUT=24) as server:
        def got_a_slot():
            return server.metric('request_span_duration_seconds_count{span="queue"}')

        for n in range(4):  # on a busy machine they may have begun so much earlier that there is time left for it after them
            before, slow = got_a_slot(), fill(server)  # until their time is over
            answer = server.plain("local:///5.jpg", f"w:{33 + n}")
            if answer.status_code == 503:
                break
            leave(slow)
        assert (answer.status_code, answer.text) == (503, "Timeout") and int(answer.headers["Retry-After"]) > 0
        assert got_a_slot() == before + len(slow)
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
        until(lambda: server.metric('errors_total{type="timeout"}') == 2, "records are written after the answer")
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
        assert not [p for p in (tmp_path / "albumen/imgproxy/cache").glob("*/*") if p.is_file()]
        assert server.plain("local:///0.jpg", "w:9").status_code == 200  # and this one is kept
        until(lambda: [p for p in (tmp_path / "albumen/imgproxy/cache").glob("*/*") if p.is_file()], "what is good is kept")
        server.stop()
