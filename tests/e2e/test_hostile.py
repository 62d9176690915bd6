# SPDX-License-Identifier: Apache-2.0
"""Bytes that mean harm, or are merely broken: the right answer each, the server untouched, nothing read or fetched."""
import http.server
import threading

import pytest

import pictures


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
    assert shared_daemon.get(f"/api/assets/{asset}").json()["isDamaged"] is True
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
