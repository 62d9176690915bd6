# SPDX-License-Identifier: Apache-2.0
"""Whose rights count: a credential that may only look at an asset learns no facts of it, a signature is its owner's."""
import contextlib
import io
import sqlite3

import requests
from daemon import Daemon
from imgproxy import sign
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


def test_a_signature_is_good_as_long_as_its_owner_is_there(tmp_path):
    """Whatever the source is: the pair of keys acts for a user, who is asked for with every request."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.jpg").write_bytes(photo(1))
    daemon = Daemon(tmp_path / "data")
    daemon.start()
    daemon.stop()
    for name in ("gone", "stays"):
        daemon.command("user", "add", name, "--data", daemon.data, input="a good password\n")
    keys = {"gone": ("aa" * 8, "bb" * 8), "stays": ("cc" * 8, "dd" * 8)}
    daemon.start("--local-root", str(root), *[w for n, (k, s) in keys.items() for w in ("--imgproxy-key", f"{n}:{k}:{s}")])
    try:
        with contextlib.closing(sqlite3.connect(daemon.data / "catalog.db")) as db, db:  # as a command of another process would
            assert db.execute("UPDATE account SET deleted_at = 1 WHERE name = 'gone'").rowcount == 1
        path = "/w:50/plain/local:///a.jpg"
        for _ in range(2):
            assert requests.get(daemon.url + "/imgproxy" + sign(path, *keys["stays"]), timeout=60).status_code == 200
            answer = requests.get(daemon.url + "/imgproxy" + sign(path, *keys["gone"]), timeout=60)
            assert (answer.status_code, answer.text) == (403, "Forbidden")
    finally:
        daemon.stop()
