# SPDX-License-Identifier: Apache-2.0
"""Bytes that mean harm, or are merely broken: the right answer each, the server untouched, nothing read or fetched."""
import http.server
import pathlib
import re
import threading
import time

import pytest
import requests

import pictures
from daemon import Daemon


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory):
    """Memory and size bound what is hostile here, not time: a sanitizer on a busy machine needs long for a large picture."""
    server = Daemon(tmp_path_factory.mktemp("shared") / "data", "--render-timeout", "300s", "--probe-timeout", "300s")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def canary():
    """A web server that must never be asked anything."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def alive(daemon):
    assert daemon.process.poll() is None
    assert daemon.get("/health").status_code == 200
    good = daemon.upload(pictures.photo(99, 320, 240))
    assert good.status_code == 201
    assert daemon.get(f"/api/assets/{good.headers['Albumen-Asset']}/thumbnail").status_code == 200


@pytest.mark.parametrize("data", [b"", b"this is a text file\n" * 100, b"\0" * 5000, b"GIF", b"<html><body>x</body></html>",
                                  b"%!PS-Adobe-3.0\n"],
                         ids=["empty", "text", "zeros", "short", "html", "postscript"])
def test_what_is_no_photo_is_refused(shared_daemon, data):
    answer = shared_daemon.upload(data, filename="photo.jpg")
    assert answer.status_code == 422, answer.text
    assert "Albumen-Asset" not in answer.headers
    alive(shared_daemon)


def test_truncated_jpeg_is_kept_and_marked(shared_daemon):
    data = pictures.photo(30, 1000, 800)[:20000]
    answer = shared_daemon.upload(data)
    assert answer.status_code == 201
    asset = answer.headers["Albumen-Asset"]
    about = shared_daemon.get(f"/api/assets/{asset}").json()
    assert about["isDamaged"] is True and about["isOriginalDamaged"] is False
    month = shared_daemon.get(f"/api/timeline/bucket?timeBucket={about['localDateTime'][:7]}-01").json()
    assert month["isDamaged"][month["id"].index(asset)] is True
    assert shared_daemon.get(f"/api/assets/{asset}/original").content == data
    shown = shared_daemon.get(f"/api/assets/{asset}/thumbnail")
    assert shown.status_code == 422
    alive(shared_daemon)


def test_decompression_bomb(shared_daemon):
    answer = shared_daemon.upload(pictures.png_bomb(), filename="bomb.png")
    assert answer.status_code == 201
    shown = shared_daemon.get(f"/api/assets/{answer.headers['Albumen-Asset']}/thumbnail")
    assert shown.status_code in (413, 422)
    alive(shared_daemon)


def sanitized(daemon):
    return re.search(r"/lib(a|t)san\.", pathlib.Path(f"/proc/{daemon.process.pid}/maps").read_text())


def most_memory(daemon):
    """Of any worker that lives: the most it ever had, in bytes."""
    most, todo = 0, daemon.children()
    while todo:
        pid = todo.pop()
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            todo += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:  # it has just gone
            continue
        most = max([most] + [int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:")])
    return most


@pytest.mark.parametrize("make,size,answers", [
    (lambda: pictures.webp_canvas(8000, 500), 8000, (200,)),  # too much for an animation: its first frame
    (lambda: pictures.webp_canvas(16383, 900), 16383, (413,)),
    (lambda: pictures.jxl_claim(30000), 30000, (413,)),  # from the header alone
    (lambda: pictures.jxl_claim(15000), 15000, (413, 422)),  # within the limits, and nothing in it
], ids=["webp", "large webp", "large jxl", "jxl"])
def test_small_files_of_large_pictures(shared_daemon, make, size, answers):
    answer = shared_daemon.upload(make(), filename="bomb")
    assert answer.status_code == 201
    asset = answer.headers["Albumen-Asset"]
    about = shared_daemon.get(f"/api/assets/{asset}").json()
    assert (about["width"], about["height"]) == (size, size)
    shown = shared_daemon.get(f"/api/assets/{asset}/thumbnail")
    assert shown.status_code in answers, shown.text
    assert shown.status_code == 200 or shown.headers["Cache-Control"] == "no-store"
    if not sanitized(shared_daemon):  # their shadow of the memory counts as memory
        assert most_memory(shared_daemon) < 2 << 30  # --picture-memory
    alive(shared_daemon)


def test_a_kind_that_nobody_draws(shared_daemon):
    answer = shared_daemon.upload(pictures.psd(mode=9), filename="layers.psd")
    assert answer.status_code == 201
    asset = answer.headers["Albumen-Asset"]
    about = shared_daemon.get(f"/api/assets/{asset}").json()
    assert about["originalMimeType"] == "image/vnd.adobe.photoshop" and about["isDamaged"] is False
    assert shared_daemon.get(f"/api/assets/{asset}/thumbnail").status_code == 415
    assert shared_daemon.get(f"/api/assets/{asset}/original").content == pictures.psd(mode=9)


def test_slow_drawings_hold_no_photo_up(tmp_path):
    """More drawings that take a minute than there are slots: a photo is shown meanwhile."""
    server = Daemon(tmp_path / "data", "--render-timeout", "300s")
    server.start()
    ended = []

    def look(asset):
        try:
            server.get(f"/api/assets/{asset}/thumbnail?size=preview", timeout=600)
        except requests.RequestException:  # the server is stopped before it is done
            pass
        ended.append(asset)

    def noise(n):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="{1000 + n}"><filter id="f">'
                '<feTurbulence baseFrequency="0.05" numOctaves="200"/></filter>'
                '<rect width="1000" height="1000" filter="url(#f)"/></svg>').encode()

    assets = [server.upload(noise(n), filename="slow.svg").headers["Albumen-Asset"] for n in range(5)]
    threads = [threading.Thread(target=look, args=(asset,)) for asset in assets]
    for thread in threads:
        thread.start()
    while server.metric("albumen_render_vectors_queued") < 3:
        assert not ended
        time.sleep(0.05)
    answer = server.upload(pictures.photo(77, 900, 600))
    assert answer.status_code == 201
    assert server.get(f"/api/assets/{answer.headers['Albumen-Asset']}/thumbnail", timeout=200).status_code == 200
    assert not ended
    server.stop()
    for thread in threads:
        thread.join()


def svg(body, head=""):
    return (f'<?xml version="1.0"?>{head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="200" height="100"><rect width="200" height="100" fill="red"/>{body}</svg>').encode()


@pytest.mark.parametrize("kind", ["file", "http", "import", "entity"])
def test_svg_reads_nothing(shared_daemon, canary, kind):
    url, asked = canary
    bodies = {
        "file": svg('<image xlink:href="file:///etc/passwd" width="9" height="9"/>'),
        "http": svg(f'<image xlink:href="{url}/x.png" width="9" height="9"/>'),
        "import": svg(f'<style>@import url("{url}/x.css");</style>'),
        "entity": svg("<text>&x;</text>", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    }
    answer = shared_daemon.upload(bodies[kind], filename="drawing.svg")
    assert answer.status_code in (201, 422)
    if answer.status_code == 201:
        shown = shared_daemon.get(f"/api/assets/{answer.headers['Albumen-Asset']}/thumbnail")
        assert shown.status_code in (200, 422)
        if shown.status_code == 200:
            assert pictures.size_of(shown.content)[0] > 0
    assert asked == []
    alive(shared_daemon)


def test_animated_webp(shared_daemon):
    answer = shared_daemon.upload(pictures.animated_webp(), filename="moving.webp")
    assert answer.status_code == 201
    shown = shared_daemon.get(f"/api/assets/{answer.headers['Albumen-Asset']}/thumbnail")
    assert shown.status_code == 200 and pictures.size_of(shown.content) == (120, 120)


@pytest.mark.parametrize("format,kind", [("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/gif"),
                                         ("TIFF", "image/tiff"), ("BMP", "image/bmp"), ("JPEG", "image/jpeg")])
def test_formats(shared_daemon, format, kind):
    data = pictures.photo(f"format {format}", 600, 400, format)
    answer = shared_daemon.upload(data, filename="wrong-name.txt")  # content decides
    assert answer.status_code == 201, answer.text
    asset = answer.headers["Albumen-Asset"]
    assert shared_daemon.get(f"/api/assets/{asset}").json()["originalMimeType"] == kind
    shown = shared_daemon.get(f"/api/assets/{asset}/thumbnail")
    assert shown.status_code == 200, shown.text
    assert pictures.size_of(shown.content) == (512, 341)
