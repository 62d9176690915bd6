# SPDX-License-Identifier: Apache-2.0
"""The imgproxy door under `albumen serve`: who may see what, pictures and their headers, errors in imgproxy's words."""
import hashlib
import io
import os
import threading
import time

import pytest
import requests
from PIL import Image, ImageCms

from daemon import Daemon
from imgproxy import KEY, SALT, Origin, b64, sign
from pictures import exif, photo

OTHER = "aa" * 32, "bb" * 32


class House:
    def __init__(self, tmp_path):
        self.root = tmp_path / "root"
        self.root.mkdir()
        (self.root / "a.jpg").write_bytes(photo(1, exif=exif()))
        (self.root / "tall.png").write_bytes(photo(2, 200, 400, "PNG"))
        (self.root / "words.txt").write_text("no picture")
        (self.root / "broken.jpg").write_bytes(photo(3)[:2000])
        (self.root / "d.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" onload="evil()"><script>evil()</script>'
            '<rect width="40" height="20" fill="red"/></svg>')
        self.fallback = tmp_path / "fallback.png"
        self.fallback.write_bytes(photo(4, 100, 100, "PNG"))
        self.profiles = tmp_path / "icc"
        self.profiles.mkdir()
        self.settings = tmp_path / "imgproxy.conf"
        self.settings.write_text(
            "IMGPROXY_AUTO_WEBP=true\nIMGPROXY_AUTO_AVIF=true\nIMGPROXY_ENABLE_DEBUG_HEADERS=true\n"
            "IMGPROXY_SET_CANONICAL_HEADER=true\nIMGPROXY_TTL=3600\n"
            f"IMGPROXY_WATERMARK_PATH={self.fallback}\nIMGPROXY_PRESETS=small=s:40:40\n"
            "IMGPROXY_COOKIE_PASSTHROUGH=true\nIMGPROXY_COOKIE_PASSTHROUGH_ALL=true\n"
            "IMGPROXY_REQUEST_HEADERS_PASSTHROUGH=x-api-key\n"
            f"IMGPROXY_COLOR_PROFILES_DIR={self.profiles}\n")
        self.origin = Origin()
        self.daemon = Daemon(tmp_path / "data")
        self.daemon.start()
        self.daemon.stop()
        self.daemon.start("--local-root", str(self.root), "--imgproxy-key", f"admin:{KEY}:{SALT}",
                          "--imgproxy-sources", self.origin.url + "/open/", "--imgproxy-private-sources",
                          "--imgproxy-settings", str(self.settings))

    def get(self, path, signed=True, **kwargs):
        kwargs.setdefault("timeout", 60)
        method = kwargs.pop("method", "GET")
        url = self.daemon.url + "/imgproxy" + (sign(path) if signed else path)
        return requests.request(method, url, **kwargs)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    h = House(tmp_path_factory.mktemp("imgproxy"))
    yield h
    h.daemon.stop()
    h.origin.close()


def size(answer):
    return Image.open(io.BytesIO(answer.content)).size


# ---- who ----

def test_nothing_without_signature_or_session(house):
    path = "/rs:fit:100:100/plain/local:///a.jpg"
    for signature in ("unsafe", "insecure", "_"):
        answer = house.get(f"/{signature}{path}", signed=False)
        assert answer.status_code == 401 and "image" not in answer.headers["Content-Type"]
    assert house.get("/abc" + path, signed=False).status_code == 403
    assert house.get("/abc" + path, signed=False).text == "Forbidden"
    assert requests.get(house.daemon.url + "/imgproxy" + sign(path, *OTHER), timeout=60).status_code == 403


def test_session_without_signature_is_private(house):
    answer = house.get("/unsafe/rs:fit:100:100/plain/local:///a.jpg", signed=False,
                       headers={"x-api-key": house.daemon.key})
    assert answer.status_code == 200 and size(answer) == (100, 75)
    assert answer.headers["Cache-Control"].startswith("private")


def test_asset_with_the_rights_of_the_key(house):
    body = photo(7, 400, 300)
    asset = house.daemon.upload(body).headers["Albumen-Asset"]
    answer = house.get(f"/rs:fit:100:100/plain/asset://{asset}")
    assert answer.status_code == 200 and size(answer) == (100, 75)
    assert answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["Content-Disposition"] == 'inline; filename="photo.jpg"'
    raw = house.get(f"/raw:1/plain/asset://{asset}")
    assert raw.content == body and "sandbox" in raw.headers["Content-Security-Policy"]
    assert house.get("/w:10/plain/asset://01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404
    assert house.get(f"/unsafe/w:10/plain/asset://{asset}", signed=False).status_code == 401


def test_a_key_that_may_only_look_gets_no_file(house):
    body = photo(8, 300, 200)
    asset = house.daemon.upload(body).headers["Albumen-Asset"]
    key = house.daemon.command("key", "new", "--data", house.daemon.data, "--user", "admin", "--permissions",
                               "asset.view").stdout.strip()

    def get(path, who=key):
        return requests.get(house.daemon.url + "/imgproxy" + path, headers={"x-api-key": who}, timeout=60)

    assert size(get(f"/unsafe/w:30/plain/asset://{asset}")) == (30, 20)
    skipped = get(f"/unsafe/skp:jpeg/plain/asset://{asset}")
    assert skipped.status_code == 200 and skipped.content != body
    assert get(f"/unsafe/skp:jpeg/plain/asset://{asset}", house.daemon.key).content == body
    assert get(f"/unsafe/raw:1/plain/asset://{asset}").status_code == 403
    assert get(f"/info/unsafe/plain/asset://{asset}").status_code == 403
    assert get(f"/info/unsafe/plain/asset://{asset}", house.daemon.key).json()["width"] == 300


def test_a_key_that_may_only_look_gets_no_metadata(house):
    asset = house.daemon.upload(photo(81, 300, 200, exif=exif())).headers["Albumen-Asset"]
    key = house.daemon.command("key", "new", "--data", house.daemon.data, "--user", "admin", "--permissions",
                               "asset.view").stdout.strip()
    url = house.daemon.url + f"/imgproxy/unsafe/sm:0/plain/asset://{asset}"
    for who, facts in ((house.daemon.key, True), (key, False), (house.daemon.key, True)):
        answer = requests.get(url, headers={"x-api-key": who}, timeout=60)
        assert answer.status_code == 200
        made = Image.open(io.BytesIO(answer.content)).getexif()
        assert (made.get(0x010F) == "Albumen") == facts and (b"2021:07:14" in answer.content) == facts


# ---- pictures ----

def test_local_picture_and_its_headers(house):
    answer = house.get("/rs:fill:120:90/plain/local:///a.jpg@png")
    assert answer.status_code == 200 and size(answer) == (120, 90)
    h = answer.headers
    assert h["Content-Type"] == "image/png" and h["Content-Disposition"] == 'inline; filename="a.png"'
    assert h["Cache-Control"] == "max-age=3600, public" and h["ETag"] and h["Last-Modified"]
    assert "sandbox" in h["Content-Security-Policy"] and h["X-Content-Type-Options"] == "nosniff"
    assert h["X-Result-Width"] == "120" and h["X-Result-Height"] == "90"
    assert (h["X-Origin-Width"], h["X-Origin-Height"]) == ("640", "480")
    assert h["X-Origin-Content-Length"] == str((house.root / "a.jpg").stat().st_size)
    assert "Vary" not in h and "Link" not in h


def test_again_and_head_and_not_modified(house):
    path = "/rs:fit:77:77/plain/local:///tall.png"
    first, second = house.get(path), house.get(path)
    assert first.content == second.content and first.headers["ETag"] == second.headers["ETag"]
    head = house.get(path, method="HEAD")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["Content-Length"] == str(len(first.content))
    assert head.headers["ETag"] == first.headers["ETag"]
    same = house.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304 and same.content == b"" and same.headers["ETag"] == first.headers["ETag"]


def test_names_and_attachments(house):
    assert house.get("/fn:cat/att:1/plain/local:///a.jpg").headers["Content-Disposition"] == \
        'attachment; filename="cat.jpg"'


def test_negotiation(house):
    path = "/rs:fit:64:64/plain/local:///a.jpg"

    def kind(accept, path=path):
        answer = house.get(path, headers={"Accept": accept})
        assert answer.status_code == 200
        return answer.headers["Content-Type"], answer.headers.get("Vary")

    assert kind("image/avif,image/webp,*/*;q=0.8") == ("image/avif", "Accept")
    assert kind("image/avif;q=0,image/webp") == ("image/webp", "Accept")
    assert kind("*/*") == ("image/jpeg", "Accept")
    assert kind("image/*") == ("image/jpeg", "Accept")
    assert kind("image/webp", path + "@png") == ("image/png", None)


def test_presets_expires_and_cache(house):
    assert size(house.get("/pr:small/plain/local:///a.jpg")) == (40, 30)
    soon = int(time.time()) + 600
    answer = house.get(f"/w:30/exp:{soon}/plain/local:///a.jpg")
    assert 0 < int(answer.headers["Cache-Control"].split(",")[0].split("=")[1]) <= 600
    assert house.get("/w:30/exp:1000/plain/local:///a.jpg").status_code == 404


def test_watermark_is_laid_over(house):
    plain = house.get("/rs:fit:200:200/plain/local:///a.jpg@png")
    marked = house.get("/rs:fit:200:200/wm:1:ce/plain/local:///a.jpg@png")
    assert marked.status_code == 200 and marked.content != plain.content


def test_watermarks_of_the_url(house):
    base = "/rs:fit:200:200/"
    end = "/plain/local:///a.jpg@png"
    plain = house.get(base.rstrip("/") + end)
    for option in ("wm:1:ce/wmu:" + b64("local:///tall.png"), "wm:1:ce/wmt:" + b64("<b>albumen</b>"),
                   "wm:1:re:10:10/wms:20:20/wmr:30"):
        marked = house.get(base + option + end)
        assert marked.status_code == 200 and size(marked) == (200, 150), marked.text
        assert marked.content != plain.content
    assert house.get(base + "wm:1:ce/wmu:" + b64("local:///none.png") + end).status_code == 404


def test_limits_of_bytes_and_best(house):
    large = house.get("/rs:fit:600:600/plain/local:///a.jpg@jpg")
    small = house.get(f"/rs:fit:600:600/mb:{len(large.content) // 2}/plain/local:///a.jpg@jpg")
    assert small.status_code == 200 and len(small.content) <= len(large.content) // 2
    best = house.get("/rs:fit:60:60/plain/local:///a.jpg@best", headers={"Accept": "image/webp"})
    assert best.status_code == 200 and best.headers["Content-Type"].startswith("image/")
    assert best.headers["Vary"] == "Accept"


def test_profiles_are_plain_names(house):
    (house.profiles / "mine.icc").write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    answer = house.get("/w:20/cp:mine.icc/plain/local:///a.jpg@jpg")
    assert answer.status_code == 200, answer.text
    for name in ("none.icc", ".hidden", "a%2Fmine.icc"):
        assert house.get(f"/w:20/cp:{name}/plain/local:///a.jpg@jpg").status_code == 404


def test_client_hints_are_off_unless_wanted(house):
    answer = house.get("/w:50/plain/local:///a.jpg@png", headers={"DPR": "2"})
    assert size(answer) == (50, 38)


# ---- raw and hash sums ----

def test_raw_with_ranges(house):
    body = (house.root / "a.jpg").read_bytes()
    answer = house.get("/raw:1/plain/local:///a.jpg")
    assert answer.content == body and answer.headers["Content-Type"] == "image/jpeg"
    part = house.get("/raw:1/plain/local:///a.jpg", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == body[10:20]
    words = house.get("/raw:1/plain/local:///words.txt")
    assert words.status_code == 200 and "sandbox" in words.headers["Content-Security-Policy"]
    assert words.headers["X-Content-Type-Options"] == "nosniff"


def test_svg_stays_one_without_scripts(house):
    answer = house.get("/rs:fit:10:10/plain/local:///d.svg")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/svg+xml"
    assert "evil" not in answer.text and "<rect" in answer.text and "sandbox" in answer.headers["Content-Security-Policy"]
    assert house.get("/rs:fit:10:10/plain/local:///d.svg", headers={"If-None-Match": answer.headers["ETag"]}
                     ).status_code == 304
    drawn = house.get("/rs:fit:10:10/plain/local:///d.svg@png")
    assert drawn.headers["Content-Type"] == "image/png" and size(drawn) == (10, 5)
    (house.root / "bad.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><g></svg>")
    bad = house.get("/plain/local:///bad.svg")
    assert (bad.status_code, bad.text) == (422, "Broken or unsupported SVG image")


def test_hashsum(house):
    body = (house.root / "a.jpg").read_bytes()
    for kind in ("md5", "sha1", "sha256", "sha512"):
        good = hashlib.new(kind, body).hexdigest()
        bad = hashlib.new(kind, b"other").hexdigest()
        assert house.get(f"/w:20/hs:{kind}:{good}/plain/local:///a.jpg").status_code == 200
        assert house.get(f"/w:20/hs:{kind}:{bad}/plain/local:///a.jpg").status_code == 422


def test_info(house):
    body = (house.root / "a.jpg").read_bytes()
    answer = requests.get(house.daemon.url + "/imgproxy/info" + sign("/chs:md5:sha256/th:1/cs:1/plain/local:///a.jpg"),
                          timeout=60)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json")
    info = answer.json()
    assert info["size"] == len(body) and info["format"] == "jpeg" and info["mime_type"] == "image/jpeg"
    assert (info["width"], info["height"], info["orientation"]) == (640, 480, 1)
    assert "exif" not in info  # whoever has the URL of the picture has this one too
    own = requests.get(house.daemon.url + "/imgproxy/info/unsafe/plain/local:///a.jpg", timeout=60,
                       headers={"x-api-key": house.daemon.key}).json()
    assert own["exif"]["Manufacturer"] == "Albumen"
    canonical = requests.get(house.daemon.url + "/imgproxy/info/unsafe/exif:1:1/plain/local:///a.jpg", timeout=60,
                             headers={"x-api-key": house.daemon.key}).json()
    assert canonical["exif"]["Make"] == "Albumen" and "Manufacturer" not in canonical["exif"]
    assert info["colorspace"] == "srgb" and info["thumb_hash"]
    assert info["hashsums"] == {"md5": hashlib.md5(body).hexdigest(), "sha256": hashlib.sha256(body).hexdigest()}


def test_info_of_what_it_looks_like(house):
    Image.new("RGB", (30, 20), (255, 0, 0)).save(house.root / "red.png")
    path = sign("/palette:4/avg:1/dc:1/bh:1:1/phash:1/alpha:1:1/bands:1/sf:1/pn:1/plain/local:///red.png")
    info = requests.get(house.daemon.url + "/imgproxy/info" + path, timeout=60).json()
    red = {"R": 255, "G": 0, "B": 0, "A": 255}
    assert info["palette"] == [red] and info["average"] == red and info["dominant_colors"]["vibrant"] == red
    assert info["blurhash"] == "00TI:j" and len(info["perceptual_hash"]) == 16
    assert info["alpha"] == {"has_alpha": False, "has_transparency": False}
    assert (info["bands"], info["sample_format"], info["pages_number"]) == (3, "uchar", 1)
    asset = house.daemon.upload(photo(9, 40, 30)).headers["Albumen-Asset"]
    path = sign(f"/avg:1/plain/asset://{asset}")
    answer = requests.get(house.daemon.url + "/imgproxy/info" + path, timeout=60)
    assert answer.json()["width"] == 40 and answer.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize("crop, at", [
    ("crop:32:0.5", (0.45, 0.25, 0.1, 0.5)),
    ("c:64:48:nowe:32:24", (0.1, 0.1, 0.2, 0.2)),
    ("c:64:48:fp:0.9:0.9", (0.8, 0.8, 0.2, 0.2)),
    ("c:9999:0.0001", (0, 0.5, 1, 1 / 240)),
])
def test_info_of_where_a_crop_is(house, crop, at):
    Image.new("RGB", (320, 240), (90, 90, 90)).save(house.root / "flat.png")
    info = requests.get(house.daemon.url + "/imgproxy/info" + sign(f"/{crop}/plain/local:///flat.png"), timeout=60).json()
    assert [info["crop"][k] for k in ("left", "top", "width", "height")] == pytest.approx(at, abs=0.005)


def test_info_of_where_a_smart_crop_is(house):
    picture = Image.new("RGB", (400, 300), (90, 90, 90))
    picture.paste((250, 20, 30), (300, 200, 340, 240))  # what draws the eye
    picture.save(house.root / "spot.png")
    info = requests.get(house.daemon.url + "/imgproxy/info" + sign("/c:100:100:sm/plain/local:///spot.png"), timeout=60).json()
    crop = info["crop"]
    assert crop["left"] * 400 <= 300 and (crop["left"] + crop["width"]) * 400 >= 340, crop
    assert crop["top"] * 300 <= 200 and (crop["top"] + crop["height"]) * 300 >= 240, crop
    assert "crop" not in requests.get(house.daemon.url + "/imgproxy/info" + sign("/plain/local:///spot.png"), timeout=60).json()


# ---- errors ----

@pytest.mark.parametrize("path, status, text", [
    ("/rs:wrong/plain/local:///a.jpg", 404, "Invalid URL"),
    ("/w:10/plain/local:///none.jpg", 404, "Source is unreachable"),
    ("/w:10/" + b64("local:///../data/lock"), 404, "Source is unreachable"),
    ("/w:10/plain/s3://bucket/key", 404, "Invalid source URL"),
    ("/w:10/plain/http://elsewhere.example/a.jpg", 404, "Invalid source URL"),
    ("/w:10/plain/local:///words.txt", 422, "Invalid source image"),
    ("/w:10/plain/local:///broken.jpg", 422, "Broken or unsupported image"),
    ("/msr:1/plain/local:///a.jpg", 403, "Invalid URL"),
    ("/w:10/plain/local:///a.jpg@svg", 422, "Invalid URL"),
])
def test_errors_are_imgproxys(house, path, status, text):
    answer = house.get(path)
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_options_and_other_methods(house):
    assert house.get("/w:10/plain/local:///a.jpg", method="OPTIONS").status_code == 200
    assert house.get("/w:10/plain/local:///a.jpg", method="POST").status_code in (404, 405)


# ---- http sources ----

def test_http_source_is_fetched_once_and_revalidated(house):
    house.origin.pages["/open/p.jpg"] = (200, {"ETag": '"one"', "Cache-Control": "max-age=100"}, photo(11))
    url = house.origin.url + "/open/p.jpg"
    answer = house.get(f"/rs:fit:50:50/{b64(url)}.png")
    assert answer.status_code == 200 and size(answer) == (50, 38)
    assert answer.headers["Link"] == f'<{url}>; rel="canonical"'
    assert answer.headers["Content-Disposition"] == 'inline; filename="p.png"'
    for width in range(51, 61):
        assert house.get(f"/rs:fit:{width}:50/plain/{url}").status_code == 200
    assert len([1 for path, _ in house.origin.seen if path == "/open/p.jpg"]) == 1


@pytest.mark.parametrize("status, answered", [(404, 404), (403, 403), (500, 502), (204, 404)])
def test_status_of_origins(house, status, answered):
    house.origin.pages[f"/open/{status}"] = (status, {}, b"")
    answer = house.get(f"/w:10/plain/{house.origin.url}/open/{status}")
    assert (answer.status_code, answer.text) == (answered, "Source is unreachable")


def test_redirects_are_held_to_the_list(house):
    house.origin.pages["/open/away"] = (302, {"Location": "/closed/p.jpg"}, b"")
    house.origin.pages["/closed/p.jpg"] = (200, {}, photo(12))
    house.origin.pages["/open/local"] = (302, {"Location": "local:///a.jpg"}, b"")
    assert house.get(f"/w:10/plain/{house.origin.url}/open/away").text == "Invalid source URL"
    assert house.get(f"/w:10/plain/{house.origin.url}/open/local").status_code == 404
    assert "/closed/p.jpg" not in [path for path, _ in house.origin.seen]


def test_credentials_are_told_to_nobody(house):
    house.origin.pages["/open/quiet.jpg"] = (200, {}, photo(13))
    answer = house.get(f"/w:10/plain/{house.origin.url}/open/quiet.jpg",
                       headers={"Cookie": "immich_access_token=secret", "x-api-key": house.daemon.key})
    assert answer.status_code == 200
    told = {name.lower() for path, headers in house.origin.seen if path == "/open/quiet.jpg" for name in headers}
    assert told and not told & {"cookie", "x-api-key", "authorization"}


def test_fallback_picture_of_the_url(house):
    path = f"/w:40/fiu:{b64('local:///tall.png')}/plain/local:///none.jpg"
    answer = house.get(path)
    assert answer.status_code == 200 and size(answer) == (40, 80)


# ---- other settings ----

def test_without_keys_and_with_other_settings(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.jpg").write_bytes(photo(1))
    (root / "spare.png").write_bytes(photo(2, 100, 50, "PNG"))
    settings = tmp_path / "settings"
    settings.write_text("IMGPROXY_ENABLE_CLIENT_HINTS=true\nIMGPROXY_DEVELOPMENT_ERRORS_MODE=true\n"
                        f"IMGPROXY_FALLBACK_IMAGE_PATH={root}/spare.png\nIMGPROXY_FALLBACK_IMAGE_HTTP_CODE=0\n"
                        "IMGPROXY_FALLBACK_IMAGE_TTL=60\nIMGPROXY_USE_ETAG=false\n"
                        "IMGPROXY_MALLOC=jemalloc\nIMGPROXY_PNG_UNLIMITED=true\n")
    daemon = Daemon(tmp_path / "data")
    daemon.start("--local-root", str(root), "--imgproxy-settings", str(settings))
    try:
        def get(path, **headers):
            return requests.get(daemon.url + "/imgproxy" + path, headers={"x-api-key": daemon.key} | headers, timeout=60)

        assert requests.get(daemon.url + "/imgproxy/any/w:9/plain/local:///a.jpg", timeout=60).status_code == 401
        answer = get("/any/w:50/plain/local:///a.jpg@png", DPR="2")
        assert size(answer) == (100, 75) and "ETag" not in answer.headers
        assert answer.headers["Vary"] == "Sec-CH-DPR, DPR, Sec-CH-Width, Width"
        assert size(get("/any/plain/local:///a.jpg@png", **{"Width": "60", "Sec-CH-Width": "30"}))[0] == 30
        told = "\n".join(daemon.log)
        assert "IMGPROXY_MALLOC has no effect" in told and "keep their bounds" in told and "anybody" not in told
        spare = get("/any/w:10/plain/local:///none.jpg")
        assert spare.status_code == 404 and size(spare) == (10, 5)
        assert spare.headers["Cache-Control"] == "private, max-age=60"
        assert get("/any/w:10/plain/http://127.0.0.1:9/a.jpg").text.startswith("Source is unreachable\nhttp sources are")
        assert get("/any/w:x/plain/local:///a.jpg").text.startswith("Invalid URL\n")
    finally:
        daemon.stop()


@pytest.mark.parametrize("option, value, text", [
    ("--imgproxy-key", "admin:xyz:00", "imgproxy-key"),
    ("--imgproxy-key", "nobody:aa:bb", "there is no user nobody"),
    ("--imgproxy-settings", "/nonexistent/settings", "settings"),
    ("--local-root", "/nonexistent", "nonexistent"),
])
def test_what_cannot_be_right_ends_the_start(tmp_path, option, value, text):
    daemon = Daemon(tmp_path / "data")
    with pytest.raises(AssertionError) as failed:
        daemon.start(option, value)
    daemon.process.wait(60)
    assert daemon.process.returncode == 1 and text in str(failed.value)


def test_the_words_of_a_source_end_no_link(house):
    for path in ("/open/odd>;rel=preload,<x.jpg", "/open/odd%3E;rel=preload,%3Cx.jpg"):
        house.origin.pages[path] = (200, {}, photo(92))
    answer = house.get("/w:20/plain/" + house.origin.url + "/open/odd%3E;rel=preload,%3Cx.jpg")
    assert answer.status_code == 200
    assert answer.headers["Link"] == f'<{house.origin.url}/open/odd%3E;rel=preload,%3Cx.jpg>; rel="canonical"'


def test_a_file_that_changes_while_it_is_made_is_made_as_it_is_now(house):
    path = house.root / "changing.jpg"
    path.write_bytes(photo(91, 1600, 1200))
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(house.get("/bl:40/plain/local:///changing.jpg")))
               for _ in range(4)]
    for client in clients:
        client.start()
    deadline = time.monotonic() + 30
    while any(client.is_alive() for client in clients) and time.monotonic() < deadline:
        os.utime(path)
        time.sleep(0.2)
    for client in clients:
        client.join(60)
    assert [a.status_code for a in answers if a.status_code not in (200, 503)] == []
    assert house.get("/bl:40/plain/local:///changing.jpg").status_code == 200


def test_sums_of_a_file_of_many_slices(house):
    picture = io.BytesIO()
    Image.effect_noise((4000, 3000), 60).convert("RGB").save(picture, "BMP")
    body = picture.getvalue()
    assert len(body) > 2 * 16 << 20
    sums = {name: hashlib.new(name, body).hexdigest() for name in ("md5", "sha256")}
    (house.root / "large.bmp").write_bytes(body)
    asset = house.daemon.upload(body).headers["Albumen-Asset"]
    for source in ("local:///large.bmp", f"asset://{asset}"):
        url = house.daemon.url + "/imgproxy/info" + sign(f"/chs:md5:sha256/plain/{source}")
        told = requests.get(url, timeout=60).json()["hashsums"]
        assert told == sums
        assert house.get(f"/w:20/hs:sha256:{sums['sha256']}/plain/{source}").status_code == 200
        assert house.get(f"/w:20/hs:sha256:{sums['sha256'][:-1]}0/plain/{source}").status_code == 422
