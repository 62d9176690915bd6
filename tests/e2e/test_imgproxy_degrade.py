# SPDX-License-Identifier: Apache-2.0
"""The cheaper answer when the deadline nears: an AVIF that takes too long is a WebP that nobody keeps, if that is wanted."""
import io
import os
import re

from PIL import Image

from imgproxy_daemon import Imgproxy, until, write_photos
import pictures

SLOW = {"AUTO_AVIF": "true", "AUTO_WEBP": "true", "AVIF_SPEED": "0", "TIMEOUT": "12", "USE_ETAG": "true"}
BOTH = {"headers": {"Accept": "image/avif,image/webp"}}
PATH = "/x/w:2600/plain/local:///large.jpg"


def folder_of(tmp_path):
    root = write_photos(tmp_path / "local", 1)
    (root / "large.jpg").write_bytes(pictures.photo(5, 2600, 1950))
    return root


def results(cache):
    """Pictures in the cache of results, wherever they lie in it; its books lie beside them."""
    return [name for where, _, names in os.walk(cache) for name in names
            if f"{os.sep}cache{os.sep}" in where + os.sep and re.fullmatch("[0-9a-f]{32}", name)]


def in_time(server):
    """A machine that is busy enough has no time for the faster format either, and says so: then once more."""
    for _ in range(4):
        answer = server.get(PATH, **BOTH)
        if answer.status_code != 503:
            break
    assert answer.status_code == 200, (answer.status_code, answer.text[:80])
    return answer


def test_a_slow_picture_is_a_faster_one(tmp_path):
    cache = tmp_path / "cache"
    with Imgproxy(cache, ["--degrade"], LOCAL_FILESYSTEM_ROOT=folder_of(tmp_path), **SLOW) as server:
        small = server.get("/x/w:60/plain/local:///0.jpg", **BOTH)  # in time: what was to be made
        assert small.headers["Content-Type"] == "image/avif" and "max-age" in small.headers["Cache-Control"]
        until(lambda: len(results(cache)) == 1, "the good one is kept")
        first = in_time(server)
        assert first.headers["Content-Type"] == "image/webp"
        assert Image.open(io.BytesIO(first.content)).size == (2600, 1950)
        assert first.headers["Cache-Control"] == "no-store" and "ETag" not in first.headers
        second = in_time(server)  # no copy of it anywhere: made again
        assert second.headers["Cache-Control"] == "no-store" and second.elapsed.total_seconds() > 4
        named = server.get(PATH + "@avif", headers=BOTH["headers"])  # a format that was asked for is not another one
        assert named.status_code == 503 and named.headers.get("Cache-Control") != "public"
        server.stop()
    assert len(results(cache)) == 1


def test_without_the_option_it_is_an_error(tmp_path):
    cache = tmp_path / "cache"
    with Imgproxy(cache, LOCAL_FILESYSTEM_ROOT=folder_of(tmp_path), **SLOW) as server:
        answer = server.get(PATH, **BOTH)
        assert answer.status_code == 503 and answer.text.startswith("Timeout"), (answer.status_code, answer.headers)
        assert int(answer.headers["Retry-After"]) > 0
        assert server.get("/x/w:60/plain/local:///0.jpg", **BOTH).headers["Content-Type"] == "image/avif"
        server.stop()
    assert len(results(cache)) == 1
