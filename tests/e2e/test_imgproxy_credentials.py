# SPDX-License-Identifier: Apache-2.0
"""Whatever settings say of headers that are passed on: a credential of albumen's own goes to no other server."""
import requests
from daemon import Daemon
from imgproxy import Origin
from pictures import photo

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
