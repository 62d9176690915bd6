# SPDX-License-Identifier: Apache-2.0
"""What an origin forbids to keep is offered to no cache, also when its picture is known from elsewhere."""
from imgproxy import Origin
from imgproxy_daemon import Imgproxy
from pictures import photo


def test_no_store_holds_for_pictures_known_from_elsewhere(tmp_path):
    origin = Origin()
    body = photo(31)
    origin.pages["/open.jpg"] = (200, {"Cache-Control": "max-age=60"}, body)
    origin.pages["/secret.jpg"] = (200, {"Cache-Control": "no-store"}, body)
    with Imgproxy(tmp_path / "cache") as server:
        first = server.plain(origin.url + "/open.jpg", "w:20")
        assert "public" in first.headers["Cache-Control"]
        for headers in ({}, {"If-None-Match": first.headers["ETag"]}):
            answer = server.plain(origin.url + "/secret.jpg", "w:20", headers=headers)
            assert answer.status_code == (304 if headers else 200)
            assert answer.headers["Cache-Control"] == "no-store"
        assert server.plain(origin.url + "/open.jpg", "w:20").headers["Cache-Control"] == first.headers["Cache-Control"]
        server.stop()
    origin.close()
