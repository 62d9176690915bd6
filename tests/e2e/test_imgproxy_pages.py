# SPDX-License-Identifier: Apache-2.0
"""Pages of documents and animations: `page`, `pages` and `disable_animation`, also where pages differ in size."""
import io
import struct

import pytest
from imgproxy_daemon import Imgproxy

PAGES = [(100, 50), (60, 80), (30, 20)]


def tiff(pages):
    """A TIFF of plain grey pages."""
    out = bytearray(struct.pack("<2sHI", b"II", 42, 8))
    for i, (width, height) in enumerate(pages):
        at = len(out)
        data = at + 2 + 12 * 9 + 4
        fields = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, data), (277, 3, 1),
                  (278, 4, height), (279, 4, width * height)]
        following = data + width * height if i + 1 < len(pages) else 0
        out += struct.pack("<H", len(fields))
        for tag, kind, value in fields:
            out += struct.pack("<HHII", tag, kind, 1, value)
        out += struct.pack("<I", following) + bytes([50 + 50 * i]) * (width * height)
    return bytes(out)


def pdf(pages):
    """A PDF whose pages are painted full."""
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>",
              b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(b"%d 0 R" % (3 + 2 * i) for i in range(len(pages))), len(pages))]
    for i, (width, height) in enumerate(pages):
        paint = b"0.5 g 0 0 %d %d re f" % (width, height)
        bodies.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R>>" % (width, height, 4 + 2 * i))
        bodies.append(b"<</Length %d>>stream\n%s\nendstream" % (len(paint), paint))
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for i, body in enumerate(bodies):
        offsets.append(out.tell())
        out.write(b"%d 0 obj%s endobj\n" % (i + 1, body))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1) + b"".join(b"%010d 00000 n \n" % o for o in offsets))
    out.write(b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(bodies) + 1, table))
    return out.getvalue()


def gif(frames):
    """40 x 30, each frame of one colour."""
    out = b"GIF89a" + struct.pack("<HHBBB", 40, 30, 0x91, 0, 0) + bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    for i in range(frames):
        codes = used = 0
        for code in [c for _ in range(1200) for c in (4, i % 4)] + [5]:  # cleared before each: codes of 3 bits
            codes |= code << used
            used += 3
        data = codes.to_bytes((used + 7) // 8, "little")
        out += b"!\xf9\x04\0" + struct.pack("<HB", 5 + i, 0) + b"\0," + struct.pack("<HHHHB", 0, 0, 40, 30, 0) + b"\x02"
        out += b"".join(bytes([len(data[k:k + 255])]) + data[k:k + 255] for k in range(0, len(data), 255)) + b"\0"
    return out + b";"


def size(answer):
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\x89PNG")
    return struct.unpack(">II", answer.content[16:24])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "a.tif").write_bytes(tiff(PAGES))
    (folder / "a.pdf").write_bytes(pdf(PAGES))
    (folder / "same.tif").write_bytes(tiff([(40, 30)] * 3))
    (folder / "a.gif").write_bytes(gif(5))
    with Imgproxy(tmp_path_factory.mktemp("cache"), LOCAL_FILESYSTEM_ROOT=folder, MAX_ANIMATION_FRAMES=10,
                  DEVELOPMENT_ERRORS_MODE="true") as imgproxy:
        yield imgproxy


@pytest.mark.parametrize("name", ["a.tif", "a.pdf"])
def test_pages_that_differ(server, name):
    for page, expected in enumerate(PAGES):
        assert size(server.plain(f"local:///{name}", f"pg:{page}", "@png")) == expected
    assert size(server.plain(f"local:///{name}", "pgs:2", "@png")) == (100, 130)
    assert size(server.plain(f"local:///{name}", "pg:1/pgs:9", "@png")) == (60, 100)
    assert size(server.plain(f"local:///{name}", "pg:1/rs:fit:30:30", "@png")) == (23, 30)
    assert size(server.plain(f"local:///{name}", "pg:1/c:20:10:nowe", "@png")) == (20, 10)
    answer = server.plain(f"local:///{name}", "pg:3", "@png")
    assert answer.status_code == 404 and "page 3" in answer.text


def test_equal_pages(server):
    assert size(server.plain("local:///same.tif", "pg:1/pgs:2", "@png")) == (40, 60)
    assert size(server.plain("local:///same.tif", "pgs:3/w:20", "@png")) == (20, 45)


def test_what_moves_has_no_pages(server):
    """Source and result are animated: both options say nothing (imgproxy's documentation of `page`)."""
    plain = server.plain("local:///a.gif", "w:20", "@gif")
    assert plain.status_code == 200 and plain.content.count(b"!\xf9\x04") == 5
    for options in ("pg:2/w:20", "pgs:2/w:20", "pg:9/pgs:3/w:20"):
        assert server.plain("local:///a.gif", options, "@gif").content.count(b"!\xf9\x04") == 5


def test_frames_are_pages_of_what_stands_still(server):
    assert size(server.plain("local:///a.gif", "pg:3", "@png")) == (40, 30)
    assert size(server.plain("local:///a.gif", "pg:3/pgs:9", "@png")) == (40, 60)
    assert size(server.plain("local:///a.gif", "da:1/pgs:2", "@png")) == (40, 60)
    still = server.plain("local:///a.gif", "da:1/pgs:2", "@gif").content
    assert still.count(b"!\xf9\x04") <= 1 and struct.unpack("<HH", still[6:10]) == (40, 60)
