# SPDX-License-Identifier: Apache-2.0
"""The thumbor door under `albumen serve`: pictures of other servers, of a folder and of nothing but a colour, and what is
told of pictures (meta/). The door at the root, with uploads and files of its own: tests/unit/doors/test_thumbor_door.c."""
import io
import urllib.parse

import pytest
from PIL import Image

from imgproxy_daemon import Sources, write_photos
from test_thumbor import House, sign


@pytest.fixture(scope="module")
def sources():
    server = Sources()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory, sources):
    root = write_photos(tmp_path_factory.mktemp("local"))
    port = sources.url.rsplit(":", 1)[1]
    h = House(tmp_path_factory.mktemp("sources"), "--imagor-sources", f"127.0.0.1:{port}", "--imagor-private-sources",
              "--local-root", str(root), "--source-timeout", "25s")
    yield h
    h.daemon.stop()


def test_other_servers(house, sources):
    answer = house.get(f"50x40/{sources.url}/photo/1.jpg")
    assert answer.status_code == 200 and Image.open(io.BytesIO(answer.content)).size == (50, 40)
    assert answer.headers["Cache-Control"].startswith("public")
    assert house.get(f"50x40/{sources.url}/photo/1.jpg").content == answer.content
    house.get(f"51x40/{sources.url}/photo/1.jpg").raise_for_status()
    assert sources.asked["/photo/1.jpg"] == 1  # it says how long it is fresh
    raw = house.get(f"filters:raw()/{sources.url}/photo/1.jpg")
    assert raw.content == sources.photo(1) and raw.headers["Content-Type"] == "image/jpeg"
    watermarked = house.get(f"100x80/filters:watermark({sources.url}%2Fphoto%2F2.jpg,0,0,0,50,50)/{sources.url}/photo/1.jpg")
    assert watermarked.status_code == 200 and sources.asked["/photo/2.jpg"] == 1


@pytest.mark.parametrize("path, status, message", [
    ("{url}/missing", 404, "Not Found"), ("{url}/status/503", 503, "Service Unavailable"), ("{url}/half/1", 502, "source is incomplete"),
    ("{url}/text/1", 406, "unsupported format"), ("{url}/broken/1", 406, "unsupported format"), ("{url}/loop/0", 404, "not found"),
    ("{url}/early/1", 404, "not found"), ("http://localhost:{port}/photo/1.jpg", 403, "http source not allowed"),
    ("http://example.com/a.jpg", 403, "http source not allowed"),
    ("{url}/to/http%253A%252F%252Flocalhost%253A{port}%252Fphoto%252F1.jpg", 403, "http source not allowed"),
    ("local:///nobody.jpg", 404, "not found"), ("local:///..%2F..%2Fetc%2Fpasswd", 404, "not found"),
])
def test_sources_that_are_wrong(house, sources, path, status, message):
    answer = house.get("50x40/" + path.format(url=sources.url, port=sources.url.rsplit(":", 1)[1]))
    assert (answer.status_code, answer.json()["message"]) == (status, message), answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_whoever_asks_must_be_known(house, sources):
    for image in (sources.url + "/photo/1.jpg", "local:///1.jpg", "color:red"):
        assert house.get("unsafe/50x40/" + image, signed=False).status_code == 401
        answer = house.get("unsafe/50x40/" + image, signed=False, headers={"x-api-key": house.daemon.key})
        assert answer.status_code == 200 and answer.headers["Cache-Control"].startswith("private")


def test_a_folder(house):
    answer = house.get("60x30/local:///1.jpg")
    assert answer.status_code == 200 and Image.open(io.BytesIO(answer.content)).size == (60, 30)


@pytest.mark.parametrize("path, size, pixel", [
    ("color:red", (1, 1), (254, 0, 0)), ("30x20/color:00f", (30, 20), (0, 0, 254)), ("30x/color:white", (30, 30), (255, 255, 255)),
    ("30x20/filters:rotate(90):format(png)/color:ff000080", (20, 30), (255, 0, 0, 128)),
    ("20x20/filters:format(png)/color:none", (20, 20), (0, 0, 0, 0)), ("20x20/color:transparent", (20, 20), (0, 0, 0)),
])
def test_colours(house, path, size, pixel):
    answer = house.get(path)
    assert answer.status_code == 200, answer.text
    image = Image.open(io.BytesIO(answer.content))
    assert image.size == size
    assert all(abs(a - b) <= 1 for a, b in zip(image.getpixel((0, 0)), pixel)), image.getpixel((0, 0))


def test_meta(house):
    answer = house.get("meta/fit-in/100x100/filters:blurhash(4,3):avgcolor():thumbhash()/" + house.photo)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    told = answer.json()
    assert list(told) == ["format", "content_type", "width", "height", "orientation", "pages", "bands", "exif", "blurhash",
                          "thumbhash", "average_color"]
    picture = house.get("fit-in/100x100/" + house.photo)
    image = Image.open(io.BytesIO(picture.content)).convert("RGB")
    assert (told["width"], told["height"]) == image.size == (75, 100)
    assert (told["format"], told["content_type"], told["bands"], told["pages"]) == ("jpeg", "image/jpeg", 3, 1)
    assert told["exif"]["Make"] == "Albumen" and told["exif"]["DateTimeOriginal"] == "2021:07:14 15:16:17"
    assert all(isinstance(v, str) for v in told["exif"].values())
    mean = [sum(v) / len(v) for v in zip(*image.getdata())]
    assert all(abs(told["average_color"][k] - m) <= 3 for k, m in zip("rgb", mean)), (told["average_color"], mean)
    assert answer.headers["ETag"].startswith('"meta-')
    film = house.get("meta/" + house.film).json()
    assert (film["format"], film["pages"]) == ("webp", 4)
    assert house.get("meta/filters:blurhash(4)/" + house.photo).status_code == 400


def test_meta_tells_no_more_than_one_may_know(house):
    key = house.daemon.command("key", "new", "--data", house.daemon.data, "--user", "admin", "--permissions",
                               "asset.view").stdout.strip()
    told = house.get("unsafe/meta/" + house.photo, signed=False, headers={"x-api-key": key}).json()
    assert "Make" not in told["exif"] and "DateTimeOriginal" not in told["exif"]


def test_purged_by_its_url(house, sources):
    path = f"33x22/filters:quality(50)/{sources.url}/photo/7.jpg"
    first = house.get(path)
    assert house.get(path).headers["ETag"] == first.headers["ETag"]
    house.daemon.command("cache", "purge", "url", "/imagor/" + sign(path), "--data", house.daemon.data)
    again = house.get(path)
    assert again.headers["ETag"] != first.headers["ETag"]  # the purge is part of its key
    house.daemon.command("cache", "purge", "url", f"{house.daemon.url}/imagor/{sign(path)}?utm=1", "--data", house.daemon.data)
    assert house.get(path).headers["ETag"] not in (again.headers["ETag"], first.headers["ETag"])


@pytest.mark.parametrize("signed", ["as it is sent", "decoded"])
def test_purged_by_its_url_whatever_was_signed(house, sources, signed):
    sent = "34x22/" + urllib.parse.quote(f"{sources.url}/photo/7.jpg", safe="")
    path = sign(sent if signed == "as it is sent" else urllib.parse.unquote(sent)).split("/")[0] + "/" + sent
    first = house.get(path, signed=False)
    assert first.status_code == 200 and house.get(path, signed=False).headers["ETag"] == first.headers["ETag"]
    house.daemon.command("cache", "purge", "url", f"{house.daemon.url}/imagor/{path}", "--data", house.daemon.data)
    assert house.get(path, signed=False).headers["ETag"] != first.headers["ETag"]


def test_private_servers_are_not_asked(tmp_path, sources):
    port = sources.url.rsplit(":", 1)[1]
    h = House(tmp_path, "--imagor-sources", f"127.0.0.1:{port}")
    before = dict(sources.asked)
    answer = h.get(f"50x40/{sources.url}/photo/9.jpg")
    assert answer.status_code == 403 and sources.asked == before
    h.daemon.stop()


def test_nobody_is_asked_without_the_option(tmp_path, sources):
    h = House(tmp_path)
    answer = h.get(f"50x40/{sources.url}/photo/9.jpg")
    assert answer.status_code == 404 and "/photo/9.jpg" not in sources.asked
    assert h.get("50x40/local:///1.jpg").status_code == 404
    h.daemon.stop()
