# SPDX-License-Identifier: Apache-2.0
"""The thumbor door under `albumen serve`: who may see what, sizes, filters by their pixels, headers, errors."""
import base64
import hashlib
import hmac
import io
import time
import urllib.parse

import pytest
import requests
from PIL import Image, ImageCms

from daemon import Daemon
from pictures import animated_webp, exif, photo

SECRET = "my:secret"


def sign(path, secret=SECRET, digest=hashlib.sha1):
    mac = hmac.new(secret.encode(), path.encode(), digest).digest()
    return base64.urlsafe_b64encode(mac).decode() + "/" + path


class House:
    def __init__(self, tmp_path, *options):
        self.daemon = Daemon(tmp_path / "data")
        self.daemon.start()
        self.daemon.stop()
        self.daemon.start("--imagor-key", f"admin:{SECRET}", *options)
        flat = io.BytesIO()
        Image.new("RGB", (100, 68), (200, 100, 50)).save(flat, "PNG")
        self.flat = self.daemon.upload(flat.getvalue()).headers["Albumen-Asset"]
        self.photo = self.daemon.upload(photo(11, 400, 300, exif=exif(orientation=6))).headers["Albumen-Asset"]
        self.film = self.daemon.upload(animated_webp(4, 120)).headers["Albumen-Asset"]

    def get(self, path, signed=True, **kwargs):
        kwargs.setdefault("timeout", 60)
        method = kwargs.pop("method", "GET")
        return requests.request(method, self.daemon.url + "/imagor/" + (sign(path) if signed else path), **kwargs)

    def picture(self, path, asset=None):
        answer = self.get(path + (asset or self.flat))
        assert answer.status_code == 200, (path, answer.text)
        return Image.open(io.BytesIO(answer.content))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    h = House(tmp_path_factory.mktemp("thumbor"))
    yield h
    h.daemon.stop()


# ---- who ----

def test_signature_or_credential(house):
    path = "50x50/" + house.flat
    key = {"x-api-key": house.daemon.key}
    assert house.get(path).status_code == 200
    assert house.get("unsafe/" + path, signed=False).status_code == 401
    assert house.get(path, signed=False).status_code == 401
    assert house.get("unsafe/" + path, signed=False, headers=key).status_code == 200
    assert house.get(path, signed=False, headers=key).status_code == 200
    for wrong in (sign(path, "other"), sign("51x50/" + house.flat).split("/")[0] + "/" + path):
        answer = house.get(wrong, signed=False, headers=key)
        assert answer.status_code == 403
        assert answer.json() == {"message": "url signature mismatch", "status": 403}
        assert answer.headers["Content-Type"].startswith("application/json")


def test_either_form_of_a_path_is_signed(house):
    plain = "50x50/filters:fill(red)/asset://" + house.flat
    escaped = "50x50/filters:fill(red)/" + urllib.parse.quote("asset://" + house.flat, safe="")
    assert house.get(escaped).status_code == 200
    signature = sign(plain).split("/")[0]
    assert house.get(signature + "/" + escaped, signed=False).status_code == 200
    assert house.get(signature + "/" + escaped.replace("50x50", "51x50"), signed=False).status_code == 403


def test_only_assets(house):
    for image in ("http://127.0.0.1/a.jpg", "local:///a.jpg", "01890a5d-ac96-774b-bcce-b302099a8057", ""):
        answer = house.get("unsafe/50x50/" + image, signed=False, headers={"x-api-key": house.daemon.key})
        assert answer.status_code == 404 and answer.json()["status"] == 404, image


def test_whoever_may_only_look_gets_no_metadata(house):
    key = house.daemon.command("key", "new", "--data", house.daemon.data, "--user", "admin", "--permissions",
                               "asset.view").stdout.strip()

    def camera(who):
        answer = house.get("unsafe/200x200/" + house.photo, signed=False, headers={"x-api-key": who})
        assert answer.status_code == 200
        return Image.open(io.BytesIO(answer.content)).getexif().get(0x010F)

    assert camera(house.daemon.key) == "Albumen"
    assert camera(key) is None


# ---- pictures ----

@pytest.mark.parametrize("path, size", [
    ("", (100, 68)), ("50x50/", (50, 50)), ("300x/", (300, 204)), ("fit-in/300x300/", (100, 68)),
    ("full-fit-in/102x30/", (102, 69)), ("adaptive-fit-in/30x60/", (44, 30)), ("stretch/20x90/", (20, 90)),
    ("10x10:60x50/", (50, 40)), ("0.1x0.1:0.5x0.5/", (40, 27)), ("-50x-20/left/top/", (50, 20)), ("trim/", (100, 68)),
    ("fit-in/50x50/10x5/filters:fill(red)/", (70, 60)), ("filters:rotate(90)/", (68, 100)),
    ("filters:proportion(50)/", (50, 34)), ("filters:crop(10,10,0.5,20)/", (50, 20)),
    ("filters:padding(white,1,2,3,4)/", (104, 74)), ("filters:pixelate(9)/", (99, 72)), ("origx34/", (100, 34)),
    ("50x50/smart/", (50, 50)), ("50x50/filters:focal(90x10)/", (50, 50)),
])
def test_sizes(house, path, size):
    assert house.picture(path).size == size


@pytest.mark.parametrize("filters, pixel, slack", [
    ("brightness(10)", (225, 125, 75), 1), ("invert()", (55, 155, 205), 0), ("rgb(10,-10,0)", (225, 74, 50), 1),
    ("contrast(0)", (200, 100, 50), 0), ("brightness(50):brightness(-50)", (200, 100, 50), 1),
    ("colorize(50,0,100,0000ff)", (100, 100, 255), 1), ("hue(0)", (200, 100, 50), 1),
    ("convolution(1;2;1;2;4;2;1;2;1,3,true)", (200, 100, 50), 1), ("blur(4)", (200, 100, 50), 1),
    ("curve([(0,255),(255,0)],[],[],[])", (55, 155, 205), 1), ("sharpen(1)", (200, 100, 50), 1),
])
def test_pixels(house, filters, pixel, slack):
    got = house.picture(f"filters:{filters}/").convert("RGB").getpixel((50, 34))
    assert all(abs(a - b) <= slack for a, b in zip(got, pixel)), got


def test_a_wider_space(house):
    def close(got, wanted):
        return all(abs(a - b) <= 2 for a, b in zip(got, wanted, strict=True))

    to_p3 = "filters:to_colorspace(p3):format(png)/"
    flat = house.picture(to_p3)
    profile = flat.info["icc_profile"]
    assert close(flat.getpixel((50, 34)), (187, 104, 60))
    space = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    shown = ImageCms.profileToProfile(flat, space, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert close(shown.getpixel((50, 34)), (200, 100, 50))
    # Colours that sRGB does not have stay what they are; without a profile along, they are of sRGB.
    vivid = io.BytesIO()
    Image.new("RGB", (60, 40), (255, 10, 10)).save(vivid, "PNG", icc_profile=profile)
    asset = house.daemon.upload(vivid.getvalue()).headers["Albumen-Asset"]
    assert close(house.picture(to_p3, asset).getpixel((30, 20)), (255, 10, 10))
    gif = house.picture("filters:to_colorspace(p3):format(gif)/", asset).convert("RGB").getpixel((30, 20))
    assert gif[0] == 255 and max(gif[1:]) <= 2, gif


def test_grounds(house):
    def at(path, *where):
        return house.picture(path).convert("RGBA").getpixel(where)

    assert at("fit-in/50x50/filters:fill(00ff00)/", 25, 2) == (0, 255, 0, 255)
    assert at("fit-in/50x50/filters:fill(none)/", 25, 2)[3] == 0
    assert at("fit-in/50x50/filters:fill(auto)/", 25, 2) == (200, 100, 50, 255)
    assert at("fit-in/50x50/filters:fill(blur,true)/", 25, 2) == (200, 100, 50, 255)
    assert at("filters:round_corner(20)/", 0, 0)[3] == 0
    assert at("filters:round_corner(20,20,blue)/", 0, 0) == (0, 0, 255, 255)
    assert at("filters:grayscale():round_corner(9)/", 50, 34)[3] == 255
    assert house.picture("filters:noise(40,3):equalize()/").size == (100, 68)


def test_watermarks(house):
    mark = io.BytesIO()
    Image.new("RGBA", (20, 10), (0, 0, 255, 255)).save(mark, "PNG")
    name = house.daemon.upload(mark.getvalue()).headers["Albumen-Asset"]
    encoded = "b64:" + base64.urlsafe_b64encode(("asset://" + name).encode()).decode()

    def blue(image, *at):
        return image.convert("RGB").getpixel(at) == (0, 0, 255)

    for image in (name, encoded):
        got = house.picture(f"filters:watermark({image},-5,-5)/")
        assert got.mode == "RGB" and blue(got, 75, 53) and blue(got, 94, 62) and not blue(got, 74, 53)
    tiled = house.picture(f"filters:watermark({name},repeat,center)/")
    assert blue(tiled, 0, 30) and blue(tiled, 99, 38) and not blue(tiled, 0, 20)
    outside = house.picture(f"filters:watermark({name},left-15,top-5)/")
    assert blue(outside, 4, 4) and not blue(outside, 5, 4) and not blue(outside, 4, 5)
    half = house.picture(f"filters:watermark({name},0,0,50,100,100)/").convert("RGB").getpixel((50, 20))
    assert all(abs(a - b) <= 2 for a, b in zip(half, (100, 50, 152)))
    film = house.picture(f"filters:watermark({name},center,center)/", house.film)
    film.seek(2)
    assert film.n_frames == 4 and film.convert("RGB").getpixel((60, 60))[2] > 200
    assert house.get("filters:watermark(nobody)/" + house.flat).status_code == 404


def test_a_photo_lies_as_it_is_shown(house):
    assert house.picture("", house.photo).size == (300, 400)
    assert house.picture("0x0:300x100/", house.photo).size == (300, 100)
    assert house.picture("filters:orient(90)/", house.photo).size == (300, 400)
    assert house.picture("150x/filters:rotate(90)/", house.photo).size == (200, 150)


def test_animations(house):
    assert house.picture("60x60/smart/filters:grayscale():fill(red)/", house.film).n_frames == 4
    assert house.picture("filters:format(gif):max_frames(2)/", house.film).n_frames == 2
    assert getattr(house.picture("filters:format(png)/", house.film), "n_frames", 1) == 1


# ---- http ----

def test_headers(house):
    answer = house.get("50x50/filters:format(webp):attachment(a%20b.png)/" + house.flat)
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a b.webp"'
    assert answer.headers["Cache-Control"].startswith("private, max-age=604800")
    etag = answer.headers["ETag"]
    assert etag.startswith('"') and etag.endswith('"')
    again = house.get("50x50/filters:format(webp):attachment(a%20b.png)/" + house.flat, headers={"If-None-Match": etag})
    assert again.status_code == 304 and not again.content
    head = house.get("50x50/" + house.flat, method="HEAD")
    assert head.status_code == 200 and not head.content and int(head.headers["Content-Length"]) > 0
    part = house.get("50x50/" + house.flat, headers={"Range": "bytes=0-3"})
    assert part.status_code == 206 and part.content == b"\x89PNG"
    assert house.get("50x50/filters:max_age(0)/" + house.flat).headers["Cache-Control"].endswith("must-revalidate")


def test_raw(house):
    body = photo(17, 300, 200)
    asset = house.daemon.upload(body).headers["Albumen-Asset"]
    answer = house.get("filters:raw()/" + asset)
    assert answer.status_code == 200 and answer.content == body and answer.headers["Content-Type"] == "image/jpeg"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    again = house.get("filters:raw()/" + asset, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and not again.content
    assert house.get("filters:raw()/" + asset, headers={"Range": "bytes=10-19"}).content == body[10:20]
    key = house.daemon.command("key", "new", "--data", house.daemon.data, "--user", "admin", "--permissions",
                               "asset.view").stdout.strip()
    assert house.get("unsafe/filters:raw()/" + asset, signed=False, headers={"x-api-key": key}).status_code == 403


def test_expire(house):
    now = int(time.time() * 1000)
    late = house.get(f"filters:expire({now - 1000})/" + house.flat)
    assert late.status_code == 410 and late.json() == {"message": "expired", "status": 410}
    age = house.get(f"filters:expire({now + 100000})/" + house.flat).headers["Cache-Control"]
    assert age.startswith("private, max-age=") and int(age.split("=")[1].split(",")[0]) <= 100


def test_errors(house):
    for path, status, words in (
            ("filters:blur(2):label(%FF,0,0)/", 400, "label(): a text is UTF-8 and has at most 1024 bytes"),
            ("90000x90000/", 422, None)):
        answer = house.get(path + house.flat)
        assert answer.status_code == status and answer.json()["status"] == status, path
        assert words is None or answer.json()["message"] == words


def test_params(house):
    answer = house.get("params/unsafe/fit-in/-300x0.5/smart/filters:blur(2)/a.jpg", signed=False)
    assert answer.json() == {"path": "fit-in/-300x0.5/smart/filters:blur(2)/a.jpg", "unsafe": True, "fit_in": True,
                             "image": "-300x0.5/smart/filters:blur(2)/a.jpg"}
    answer = house.get("params/0.1x0:1x1/300x200/10x5/left/filters:blur(2):fill(red)/a.jpg", signed=False)
    told = answer.json()
    assert told["crop_left"] == 0.1 and told["crop_right"] == 1 and told["width"] == 300
    assert told["padding_right"] == 10 and told["h_align"] == "left"
    assert told["filters"] == [{"name": "blur", "args": "2"}, {"name": "fill", "args": "red"}]


def test_settings_that_are_wrong(tmp_path):
    daemon = Daemon(tmp_path / "data")
    daemon.start()
    daemon.stop()
    for option, value in (("--imagor-key", "admin"), ("--imagor-key", "nobody:x"), ("--imagor-signer", "md5"),
                          ("--imagor-signer", "sha1:5")):
        done = daemon.command("serve", "--data", daemon.data, "--listen", "127.0.0.1:0", option, value, check=False)
        assert done.returncode == 1 and option[2:] in done.stderr
