# SPDX-License-Identifier: Apache-2.0
"""Small things in which `albumen imgproxy` is as imgproxy: seen beside the real one."""
import io

import pytest
from PIL import Image

from imgproxy_daemon import Imgproxy, Sources, raw, write_photos


def turned(width, height):
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (width, height), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def sizes(answer):
    """What the debug headers tell: bytes, width and height of the source, width and height of the result."""
    names = ["Origin-Content-Length", "Origin-Width", "Origin-Height", "Result-Width", "Result-Height"]
    return [int(answer.headers.get("X-" + n, -1)) for n in names]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = write_photos(tmp_path_factory.mktemp("local"))
    (root / "turned.jpg").write_bytes(turned(30, 20))
    (root / "cut.jpg").write_bytes((root / "1.jpg").read_bytes()[:40])
    (root / "d.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" onload="evil()"><rect width="40" height="20"/></svg>')
    return root


@pytest.fixture(scope="module")
def server(tmp_path_factory, folder):
    with Imgproxy(tmp_path_factory.mktemp("cache"), LOCAL_FILESYSTEM_ROOT=folder, ENABLE_DEBUG_HEADERS="true",
                  DEVELOPMENT_ERRORS_MODE="true", ALLOW_SECURITY_OPTIONS="true", ALWAYS_RASTERIZE_SVG="true") as s:
        yield s
        s.stop()


@pytest.mark.parametrize("path, size", [
    ("/_/c:1e9:1e9/w:10/plain/local:///1.jpg", (10, 7)),  # a cut larger than the picture is the picture
    ("/_/t:1e308/w:10/plain/local:///1.jpg", (10, 7)),
    ("/_/w:10/plain/LOCAL:///1.jpg", (10, 7)),
    ("//_/w:10/plain/local:///1.jpg", (10, 7)),
])
def test_what_is_taken(server, path, size):
    answer = raw(server.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer[:600]
    assert Image.open(io.BytesIO(body)).size == size


def test_schemes_know_no_case(tmp_path):
    sources = Sources()
    with Imgproxy(tmp_path, ALLOWED_SOURCES=sources.url + "/") as s:
        assert s.get(f"/_/w:10/plain/HTTP{sources.url[4:]}/photo/1.jpg").status_code == 200
        assert s.get("/_/w:10/plain/HTTP://elsewhere.example/photo/1.jpg").status_code == 404
        s.stop()
    sources.stop()


@pytest.mark.parametrize("line", ["GET /_/w: 10/plain/x HTTP/1.1", "GET * HTTP/1.1", "NONSENSE"])
def test_errors_without_a_route_are_text(server, line):
    answer = raw(server.port, f"{line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"400" and b"content-type: text/plain" in head.lower(), answer
    assert b"{" not in body and b"correlationId" not in body


def test_an_svg_that_is_asked_for_stays_one(server):
    answer = server.get("/_/plain/local:///d.svg@svg")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/svg+xml" and "evil" not in answer.text
    assert server.get("/_/plain/local:///d.svg").headers["Content-Type"] == "image/png"
    assert server.get("/_/skp:svg/plain/local:///d.svg").headers["Content-Type"] == "image/svg+xml"


# The source is measured as it is shown, and what is sent as it is has its size as a result, whatever was asked for.
@pytest.mark.parametrize("path, told", [
    ("/_/w:9/dpr:2/plain/local:///d.svg@svg", [40, 20, 40, 20]),
    ("/_/w:10/plain/local:///turned.jpg", [20, 30, 10, 15]),
    ("/_/w:10/skp:jpg/plain/local:///turned.jpg", [20, 30, 20, 30]),
    ("/_/raw:1/plain/local:///turned.jpg", [-1, -1, -1, -1]),
])
def test_debug_headers(server, folder, path, told):
    answer = server.get(path)
    size = (folder / path.rsplit("/", 1)[1].split("@")[0]).stat().st_size
    assert answer.status_code == 200 and sizes(answer) == [size if told[0] > 0 else -1, *told]
    again = server.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304, again.text


def test_what_is_passed_on_is_within_the_limits(server):
    assert server.get("/_/skp:jpg/msr:0.0001/plain/local:///turned.jpg").status_code == 422  # 600 pixels are more than 100
    assert server.get("/_/skp:jpg/plain/local:///cut.jpg").status_code == 422
    assert server.get("/_/raw:1/plain/local:///cut.jpg").status_code == 200


def test_reasons_as_a_page(server):
    answer = server.get("/_/w:<b>/plain/local:///1.jpg", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 404 and answer.headers["Content-Type"].startswith("text/html")
    assert "<h1>404 Invalid URL</h1>" in answer.text and "width" in answer.text and "<b>" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    plain = server.get("/_/w:x/plain/local:///1.jpg")
    assert plain.headers["Content-Type"].startswith("text/plain") and plain.text.startswith("Invalid URL\n")


def test_no_pixels_at_all(server):
    assert server.get("/_/w:10/msr:0/plain/local:///1.jpg").status_code == 422


def test_facts_have_a_name(server):
    first = server.get("/info/_/s:1/plain/local:///1.jpg")
    again = server.get("/info/_/s:1/plain/local:///1.jpg", headers={"If-None-Match": first.headers["ETag"]})
    assert first.status_code == 200 and again.status_code == 304 and not again.content
    other = server.get("/info/_/s:0/plain/local:///1.jpg", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200 and "size" not in other.json()


@pytest.mark.parametrize("alone, every, told", [(None, "true", False), ("true", "true", True), ("true", None, False), (None, None, False)])
def test_cookies_for_all_are_for_who_passes_cookies(tmp_path, alone, every, told):
    sources = Sources()
    with Imgproxy(tmp_path, COOKIE_PASSTHROUGH=alone, COOKIE_PASSTHROUGH_ALL=every) as s:
        path = f"/_/w:10/plain/{sources.url}/photo/1.jpg"
        assert s.get(path, headers={"Cookie": "a=b", "Host": "pictures.example"}).status_code == 200
        s.stop()
    assert ("a=b" in sources.heads["/photo/1.jpg"]) == told
    sources.stop()


def test_every_type_of_error_has_a_number(server):
    for kind in ("timeout", "image_data_size", "path_parsing", "security", "queue", "download", "processing", "IO", "streaming", "unexpected"):
        server.metric(f'errors_total{{type="{kind}"}}')


def test_a_prefix_without_its_slash(tmp_path, folder):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, PATH_PREFIX="img", ARGUMENTS_SEPARATOR="") as s:
        assert s.get("/img/_/w:10/plain/local:///1.jpg").status_code == 200
        s.stop()
