# SPDX-License-Identifier: Apache-2.0
"""Variables and options of imgproxy that change an answer: each one seen to work over HTTP."""
import io
import os
import struct
import subprocess
import sys
import time

import pytest
from PIL import Image

from daemon import BINARY
from imgproxy_daemon import Imgproxy, Sources, write_photos

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "unit", "image"))
import samples  # noqa: E402


def opened(answer):
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return Image.open(io.BytesIO(answer.content))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = write_photos(tmp_path_factory.mktemp("local"))
    samples.rgb(320, 240).save(root / "fields.png")
    (root / "small.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>')
    still = root / "still.png"
    samples.rgb(320, 240).save(still)
    subprocess.run(["ffmpeg", "-v", "error", "-loop", "1", "-framerate", "10", "-t", "1", "-i", str(still), "-c:v", "libx264",
                    "-pix_fmt", "yuv420p", str(root / "movie.mp4")], check=True, stdin=subprocess.DEVNULL)
    (root / "camera.cr2").write_bytes(camera())
    (root / "page.pdf").write_bytes(page())
    return root


def camera():
    """The head of a Canon raw file: enough to know what it is."""
    return b"II*\0\x10\0\0\0CR\x02\0" + bytes(4) + struct.pack("<H", 0) + bytes(4096)


def page():
    """One page of 100 x 100 points, half of it black, nothing behind it."""
    parts = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
             b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 4 0 R/Resources<<>>>>",
             b"<</Length 18>>\nstream\n0 0 50 100 re f   \nendstream"]
    out, offsets = b"%PDF-1.4\n", []
    for i, part in enumerate(parts):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % (i + 1) + part + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start


# ---- headers ----

@pytest.mark.parametrize("form, amazon, cloudflare", [(None, True, True), ("all", True, True), ("cloudfront", True, False),
                                                      ("cloudflare", False, True), ("none", False, False)])
def test_cache_tags(tmp_path, folder, form, amazon, cloudflare):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, CACHE_TAGS_FORMAT=form) as server:
        for path in ("/x/w:30/ct:one:two/plain/local:///1.jpg", "/info/x/ct:one:two/plain/local:///1.jpg",
                     "/x/raw:1/ct:one:two/plain/local:///1.jpg"):
            heads = server.get(path).headers
            assert heads.get("X-Amz-Meta-Cache-Tag") == ("one,two" if amazon else None)
            assert heads.get("Cache-Tag") == ("one,two" if cloudflare else None)
        assert "Cache-Tag" not in server.get("/x/w:30/plain/local:///1.jpg").headers
        assert server.get("/x/w:30/ct:a,b/plain/local:///1.jpg").status_code == 404
        server.stop()


class Worded(Sources):
    """Says more than a picture needs, another number each time."""

    def do_worded(self, s, rest):
        n = self.asked["/worded/" + rest]
        self.send(s, 200, self.photo(1), f"Cache-Control: max-age={'0' if rest == 'stale' else '100'}\r\nETag: \"{n}\"\r\n"
                  f"X-Number: {n}\r\nX-Two: a\r\nX-Two: b\r\nX-Other: no\r\nSet-Cookie: a=b\r\n")


def test_headers_of_sources_are_handed_on(tmp_path):
    sources = Worded()
    with Imgproxy(tmp_path, RESPONSE_HEADERS_PASSTHROUGH="x-number, X-Two,Set-Cookie,no token") as server:
        path = f"/x/w:31/plain/{sources.url}/worded/fresh"
        for options in ("w:31", "w:31", "w:32", "raw:1"):  # made, from memory, of the copy that is kept, as it is
            answer = server.get(f"/x/{options}/plain/{sources.url}/worded/fresh")
            assert answer.status_code == 200 and answer.headers["X-Number"] == "1", answer.headers
            assert answer.headers["X-Two"] == "a, b" and "X-Other" not in answer.headers and "Set-Cookie" not in answer.headers
        etag = server.get(path).headers["ETag"]
        assert server.get(path, headers={"If-None-Match": etag}).headers["X-Number"] == "1"
        stale = f"/x/w:31/plain/{sources.url}/worded/stale"
        assert [server.get(stale).headers["X-Number"] for _ in range(2)] == ["1", "2"]
        server.stop()
        log = "\n".join(server.log)
        assert '\\"Set-Cookie\\" is not handed on' in log and '\\"no token\\" is not handed on' in log
    with Imgproxy(tmp_path, RESPONSE_HEADERS_PASSTHROUGH="X-Number") as server:  # a note on disk tells them as well
        assert "X-Two" not in server.get(f"/x/w:31/plain/{sources.url}/worded/fresh").headers
        server.stop()
    asked = sources.asked["/worded/fresh"]
    with Imgproxy(tmp_path, RESPONSE_HEADERS_PASSTHROUGH="X-Number") as server:
        assert server.get(f"/x/w:33/plain/{sources.url}/worded/fresh").headers["X-Number"] == str(asked)
        assert sources.asked["/worded/fresh"] == asked
        server.stop()
    sources.stop()


# ---- connections ----

class Kept(Sources):
    """Keeps connections open, and counts them."""

    def __init__(self):
        self.connections = 0
        super().__init__()

    def answer(self, s):
        s.settimeout(120)
        self.connections += 1
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                got = s.recv(65536)
                if not got:
                    return
                head += got
            body = self.photo(1)
            s.sendall(b"HTTP/1.1 200 X\r\nContent-Length: %d\r\nCache-Control: no-store\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("keep, connections", [("1", 2), ("60", 1), ("0", 1)])
def test_kept_connections_to_sources(tmp_path, keep, connections):
    sources = Kept()
    with Imgproxy(tmp_path, CLIENT_KEEP_ALIVE_TIMEOUT=keep) as server:
        assert server.get(f"/x/w:20/plain/{sources.url}/a").status_code == 200
        time.sleep(3)  # longer than the first of the times
        assert server.get(f"/x/w:21/plain/{sources.url}/a").status_code == 200
        server.stop()
    assert sources.connections == connections
    sources.stop()


@pytest.mark.parametrize("reuse, status", [("true", 0), ("false", 1)])
def test_two_processes_on_one_port(tmp_path, folder, reuse, status):
    settings = {"SO_REUSEPORT": reuse, "LOCAL_FILESYSTEM_ROOT": folder}
    with Imgproxy(tmp_path, **settings) as first:
        second = Imgproxy(tmp_path, BIND=first.address, **settings)
        if status == 0:
            with second:
                second.stop()
        else:
            run = subprocess.run([BINARY, "imgproxy"], env=second.env, capture_output=True, text=True, timeout=120)
            assert run.returncode == 1 and "listen" in run.stdout, run
        first.stop()


# ---- formats that are switched off ----

def test_formats_that_are_off(tmp_path, folder):
    with Imgproxy(tmp_path / "on", LOCAL_FILESYSTEM_ROOT=folder) as server:
        assert opened(server.get("/x/w:40/plain/local:///movie.mp4@png")).size == (40, 30)
        assert server.get("/info/x/plain/local:///movie.mp4").json()["format"] == "mp4"
        server.stop()
    with Imgproxy(tmp_path / "off", LOCAL_FILESYSTEM_ROOT=folder, ENABLE_VIDEO_THUMBNAILS="false", ENABLE_RAW_FORMATS="false",
                  DEVELOPMENT_ERRORS_MODE="true", FALLBACK_IMAGE_PATH=folder / "fields.png") as server:
        for name, variable in (("movie.mp4", "VIDEO_THUMBNAILS"), ("camera.cr2", "RAW_FORMATS")):
            for _ in range(2):
                answer = server.get(f"/info/x/plain/local:///{name}")
                assert answer.status_code == 422 and answer.text.startswith("Invalid source image"), answer.text
                assert variable in answer.text
            assert opened(server.get(f"/x/w:32/plain/local:///{name}@png")).size == (32, 24)  # the fallback picture
            assert server.get(f"/x/raw:1/plain/local:///{name}").content == (folder / name).read_bytes()
        server.stop()


# ---- how pictures are read ----

def test_ground_of_documents(tmp_path, folder):
    for clear, right in ((None, (255, 255, 255, 255)), ("true", (0, 0, 0, 0))):
        with Imgproxy(tmp_path / str(clear), LOCAL_FILESYSTEM_ROOT=folder, PDF_NO_BACKGROUND=clear) as server:
            picture = opened(server.get("/x/w:100/plain/local:///page.pdf@png")).convert("RGBA")
            assert picture.getpixel((10, 50)) == (0, 0, 0, 255) and picture.getpixel((90, 50)) == right
            server.stop()


def test_unlimited_drawings(tmp_path, folder):
    """An attribute of more than 10 MB is more than the XML parser takes by itself."""
    (folder / "long.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" id="' +
                                     "x" * 11000000 + '"/></svg>')
    for unlimited, status in ((None, 422), ("true", 200)):
        with Imgproxy(tmp_path / str(unlimited), LOCAL_FILESYSTEM_ROOT=folder, SVG_UNLIMITED=unlimited) as server:
            assert server.get("/x/w:20/plain/local:///long.svg@png").status_code == status
            server.stop()


# ---- what is written ----

def test_autoquality_per_format_and_size(tmp_path, folder):
    common = {"LOCAL_FILESYSTEM_ROOT": folder, "AUTOQUALITY_METHOD": "size", "AUTOQUALITY_TARGET": "1", "AUTOQUALITY_MIN": "70",
              "AUTOQUALITY_MAX": "80"}
    path = "/x/w:200/plain/local:///1.jpg@"

    def sizes(name, **more):
        with Imgproxy(tmp_path / name, **common, **more) as server:
            made = {f: len(server.get(path + f).content) for f in ("jpg", "webp")}
            made["asked"] = len(server.get("/x/w:200/aq:size:1:70:80/plain/local:///1.jpg@webp").content)
            server.stop()
            return made

    plain = sizes("plain")
    lower = sizes("lower", AUTOQUALITY_FORMAT_MIN="webp=5")
    assert lower["jpg"] == plain["jpg"] and lower["webp"] < plain["webp"] * 0.7 and lower["asked"] == plain["asked"]
    higher = sizes("higher", AUTOQUALITY_FORMAT_MIN="webp=95", AUTOQUALITY_FORMAT_MAX="webp=95")
    assert higher["jpg"] == plain["jpg"] and higher["webp"] > plain["webp"] * 1.2
    large = sizes("large", AUTOQUALITY_MAX_RESOLUTION="0.01", AUTOQUALITY_FORMAT_MIN="webp=5")  # above it: quality 80 and 79
    assert large["webp"] > lower["webp"] * 1.5 and large["jpg"] > plain["jpg"]


def test_best_format(tmp_path, folder):
    accept = {"headers": {"Accept": "image/webp,*/*"}}
    common = {"LOCAL_FILESYSTEM_ROOT": folder, "AUTO_WEBP": "true", "PREFERRED_FORMATS": "jpeg,png"}
    exact = samples.rgb(320, 240).convert("RGB")
    with Imgproxy(tmp_path / "a", **common) as server:
        drawn = opened(server.get("/x/plain/local:///fields.png@best", **accept))
        assert drawn.format in ("PNG", "WEBP") and drawn.convert("RGB").tobytes() == exact.tobytes()  # few tones: nothing is lost
        assert opened(server.get("/x/w:300/plain/local:///1.jpg@best", **accept)).format in ("JPEG", "WEBP")
        assert opened(server.get("/x/plain/local:///small.svg@best", **accept)).format in ("PNG", "WEBP")
        server.stop()
    with Imgproxy(tmp_path / "b", BEST_FORMAT_COMPLEXITY_THRESHOLD="0.001", BEST_FORMAT_MAX_RESOLUTION="0.001",
                  BEST_FORMAT_ALLOW_SKIPS="true", SKIP_PROCESSING_FORMATS="jpeg", **common) as server:
        assert opened(server.get("/x/plain/local:///fields.png@best", **accept)).convert("RGB").tobytes() != exact.tobytes()
        assert opened(server.get("/x/plain/local:///fields.png@best", **accept)).format == "WEBP"  # one is tried
        assert server.get("/x/plain/local:///1.jpg@best").content == (folder / "1.jpg").read_bytes()
        assert server.get("/x/plain/local:///small.svg@best").headers["Content-Type"] == "image/svg+xml"
        server.stop()


def test_progressive_blur(tmp_path, folder):
    stripes = Image.new("L", (200, 200))
    stripes.putdata([255 * (x // 4 % 2) for y in range(200) for x in range(200)])
    stripes.save(folder / "stripes.png")

    def contrast(picture, box):
        values = list(picture.convert("L").crop(box).getdata())
        return max(values) - min(values)

    top, bottom, left, right = (60, 5, 140, 35), (60, 125, 140, 145), (5, 60, 35, 140), (125, 60, 145, 140)
    low, high, west, east = (60, 165, 140, 195), (60, 55, 140, 75), (55, 60, 75, 140), (165, 60, 195, 140)
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder) as server:
        for way, sharp, blurred in (("", top, bottom), ("down", top, bottom), ("up", low, high), ("right", left, right),
                                    ("270", left, right), ("90", east, west), ("left", east, west)):
            picture = opened(server.get(f"/x/pbl:12:{way}:0.2:0.6/plain/local:///stripes.png@png"))
            assert picture.size == (200, 200)
            assert contrast(picture, sharp) == 255 and contrast(picture, blurred) < 20, way
        assert contrast(opened(server.get("/x/pbl:0/plain/local:///stripes.png@png")), bottom) == 255
        clear = opened(server.get("/x/pbl:6/pd:10/plain/local:///stripes.png@png"))
        assert clear.size == (220, 220) and clear.mode in ("RGBA", "LA")
        assert server.get("/x/pbl:5000/plain/local:///stripes.png").status_code == 404
        server.stop()


# ---- negotiation ----

def test_accept_with_weights(tmp_path, folder):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, AUTO_WEBP="true", AUTO_AVIF="true", ENFORCE_WEBP="true") as server:
        for accept, form, asked in (("image/avif,image/webp", "AVIF", ""), ("image/avif;q=0.1,image/webp", "WEBP", ""),
                                    ("image/webp;q=0.4,image/jpeg", "JPEG", ""), ("*/*", "JPEG", ""), ("image/*", "JPEG", ""),
                                    ("image/webp", "WEBP", "@png"), ("image/webp;q=0.4,image/png", "PNG", "@png")):
            answer = server.get(f"/x/w:64/plain/local:///1.jpg{asked}", headers={"Accept": accept})
            kind = answer.headers["Content-Type"].split("/")[1].upper()
            assert answer.status_code == 200 and kind == form, (accept, kind)
            assert answer.headers["Vary"] == "Accept"
        server.stop()


def test_client_hints_of_nonsense(tmp_path, folder):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, ENABLE_CLIENT_HINTS="true") as server:
        for value in ("0.0000001", "-1", "nan", "inf", "1e9", "8.5", "", "0x1p-40", "2;2"):
            for name in ("DPR", "Sec-CH-DPR"):
                assert opened(server.get("/x/w:50/plain/local:///1.jpg", headers={name: value})).width == 50, (name, value)
            assert opened(server.get("/x/h:40/plain/local:///1.jpg", headers={"Width": value})).height == 40, value
        assert opened(server.get("/x/w:50/plain/local:///1.jpg", headers={"DPR": "2"})).width == 100
        server.stop()


# ---- the log ----

@pytest.mark.parametrize("form, words", [
    ("structured", 'client_ip="127.0.0.1" image_url="local:///1.jpg" processing_options.crop.gravity.type="we" processing_options.crop.height=100 '
                   'processing_options.crop.width=0.5 processing_options.format="png" processing_options.padding.bottom=1 '
                   'processing_options.padding.left=2 processing_options.padding.right=2 processing_options.padding.top=1 '
                   'processing_options.resizing_type="fill" processing_options.width=40'),
    ("pretty", 'image_url="local:///1.jpg" processing_options={ crop={ gravity={ type=we } height=100 width=0.5 } format=png '
               'padding={ bottom=1 left=2 right=2 top=1 } resizing_type=fill width=40 }'),
    ("json", '"image_url":"local:///1.jpg","processing_options":{"crop":{"gravity":{"type":"we"},"height":100,"width":0.5},"format":"png",'
             '"padding":{"bottom":1,"left":2,"right":2,"top":1},"resizing_type":"fill","width":40}}'),
])
def test_the_log_tells_what_was_asked(tmp_path, folder, form, words):
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, LOG_FORMAT=form) as server:
        path = "/x/rs:fill:40/c:0.5:100:we/pd:1:2/plain/local:///1.jpg@png"
        assert server.get(path).status_code == 200
        assert server.get("/x/raw:1/plain/local:///1.jpg").status_code == 200
        assert server.get("/x/w:40/plain/local:///none.jpg").status_code == 404
        server.stop()
    done = {part: line for line in server.log for part in ("rs:fill", "raw:1", "none.jpg") if "Completed in" in line and part in line}
    assert words in done["rs:fill"], done["rs:fill"]
    assert "image_url" in done["raw:1"] and "processing_options" in done["raw:1"]
    assert "image_url" not in done["none.jpg"] and "processing_options" not in done["none.jpg"]  # as in imgproxy: of what was answered


# ---- limits of the caller ----

def test_security_options(tmp_path, folder):
    with Imgproxy(tmp_path / "no", LOCAL_FILESYSTEM_ROOT=folder, MAX_SRC_RESOLUTION="0.1") as server:
        assert server.get("/x/w:9/plain/local:///1.jpg").status_code == 422
        assert server.get("/x/w:9/msr:5/plain/local:///1.jpg").status_code == 403
        server.stop()
    with Imgproxy(tmp_path / "yes", LOCAL_FILESYSTEM_ROOT=folder, MAX_SRC_RESOLUTION="0.1", ALLOW_SECURITY_OPTIONS="true") as server:
        assert server.get("/x/w:9/plain/local:///1.jpg").status_code == 422
        assert server.get("/x/w:9/msr:5/plain/local:///1.jpg").status_code == 200
        assert server.get("/x/w:9/msr:0.2/plain/local:///1.jpg").status_code == 422
        server.stop()
