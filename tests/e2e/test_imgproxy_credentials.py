# SPDX-License-Identifier: Apache-2.0
"""Credentials: albumen's own go to no other server, and one that may only look at an asset learns no facts of it."""
import io

import requests
from daemon import Daemon
from imgproxy import Origin
from pictures import exif, photo
from PIL import Image

OURS = {"Cookie": "immich_access_token=secret", "X-Immich-User-Token": "secret", "X-Immich-Session-Token": "secret"}


def test_settings_cannot_give_credentials_away(tmp_path):
    settings = tmp_path / "imgproxy.conf"
    settings.write_text("IMGPROXY_COOKIE_PASSTHROUGH_ALL=true\nIMGPROXY_REQUEST_HEADERS_PASSTHROUGH="
                        "Accept-Language,cookie,Authorization,X-API-Key,x-immich-user-token,X-Immich-Session-Token\n")
    origin = Origin()
    origin.pages["/p.jpg"] = (200, {}, photo(13))
    daemon = Daemon(tmp_path / "data")
    daemon.start("--imgproxy-sources", origin.url + "/", "--imgproxy-private-sources", "--imgproxy-settings", str(settings))
    try:
        answer = requests.get(f"{daemon.url}/imgproxy/unsafe/w:10/plain/{origin.url}/p.jpg", timeout=60,
                              headers={**OURS, "X-API-Key": daemon.key, "Authorization": "Bearer secret", "Accept-Language": "cs"})
        assert answer.status_code == 200, answer.text
        told = {name.lower(): value for _, headers in origin.seen for name, value in headers.items()}
        assert told["accept-language"] == "cs"
        assert not told.keys() & {"cookie", "authorization", "x-api-key", "x-immich-user-token", "x-immich-session-token"}
    finally:
        daemon.stop()
        origin.close()


def test_a_key_that_may_only_look_learns_no_facts(tmp_path):
    daemon = Daemon(tmp_path / "data")
    daemon.start()
    try:
        asset = daemon.upload(photo(8, 300, 200, exif=exif())).headers["Albumen-Asset"]
        key = daemon.command("key", "new", "--data", daemon.data, "--user", "admin", "--permissions", "asset.view").stdout.strip()
        told = {}
        for who in (key, daemon.key):
            answer = requests.get(f"{daemon.url}/imgproxy/unsafe/sm:0/w:50/plain/asset://{asset}@jpg", headers={"x-api-key": who}, timeout=60)
            assert answer.status_code == 200, answer.text
            told[who] = dict(Image.open(io.BytesIO(answer.content)).getexif())
        assert 0x0110 in told[daemon.key] and 0x0110 not in told[key]  # the camera's model
    finally:
        daemon.stop()
