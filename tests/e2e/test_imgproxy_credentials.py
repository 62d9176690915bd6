# SPDX-License-Identifier: Apache-2.0
"""A credential that may only look at an asset learns no facts of it."""
import io

import requests
from daemon import Daemon
from pictures import exif, photo
from PIL import Image


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
