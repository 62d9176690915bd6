# SPDX-License-Identifier: Apache-2.0
"""What a client that leaves gives back wherever it is, and what costs no slot at all."""
import json

import pytest
import requests
from daemon import Daemon
from imgproxy import KEY, SALT, sign
from imgproxy_daemon import Imgproxy, Sources, until, write_photos
from imgproxy_load import OTHERS, ask, endless, fill, leave, others, serving
from PIL import Image


@pytest.fixture
def sources():
    server = Sources()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("local"), OTHERS)


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
    noise = Image.merge("RGB", [Image.effect_noise((1600, 1200), 90) for _ in range(3)])  # megabytes as a PNG
    noise.save(tmp_path / "local" / "large.jpg", quality=95)
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=tmp_path / "local", TIMEOUT=300, WRITE_RESPONSE_TIMEOUT=300) as server:
        fds = None
        for first in (1600, 1700):  # the second time all that stays open is open already
            clients = [ask(server, f"/x/rs:force:{first + n}:1200/el:1/plain/local:///large.jpg@png", receive=4096) for n in range(4)]
            for s in clients:
                assert s.recv(12) == b"HTTP/1.1 200"
            until(lambda: server.metric("images_in_progress") == 0, "all are made")
            assert server.metric("albumen_http_requests_in_flight") >= 4  # and none is sent
            for n in range(8):
                assert server.plain("local:///large.jpg", f"w:{20 + n}").status_code == 200
            leave(clients)
            until(lambda: server.metric("albumen_http_requests_in_flight") <= 1, "they are gone")
            fds = fds or server.fds()
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
        missed = server.metric("albumen_render_misses_total")
        for path, tag in zip(paths, tags):
            answer = server.get(path, headers={"If-None-Match": tag})
            assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, tag, b"")
            assert server.get(path, method="HEAD", headers={"If-None-Match": f'"x", {tag}'}).status_code == 304
        assert server.metric("albumen_render_misses_total") == missed
        assert server.metric('albumen_darkroom_seconds_count{work="render"}') == 0
        assert server.metric("images_in_progress") == len(slow)
        leave(slow)


def test_what_is_in_memory_is_answered_on_the_loop(tmp_path, sources):
    """Without a step on the io pool; a source that is no longer fresh needs one."""
    daemon = Daemon(tmp_path / "data")
    daemon.start()
    daemon.stop()
    daemon.start("--imgproxy-key", f"admin:{KEY}:{SALT}", "--imgproxy-sources", sources.url + "/", "--imgproxy-private-sources",
                 "--imgproxy-timeout", "10m")
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
