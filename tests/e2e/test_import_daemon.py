# SPDX-License-Identifier: Apache-2.0
"""The importer and the real daemon: one import lives through a server that dies again and again."""
import base64
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import time

import requests

import pictures
from daemon import BINARY, Daemon

PHOTOS = 80


def fill(folder):
    """Photos of very different sizes: some in one request, some in several."""
    folder.mkdir()
    for i in range(PHOTOS):
        data = pictures.photo(i, 100 + 11 * i, 80 + 7 * i)
        if i % 20 == 0:
            data += random.Random(i).randbytes(6_000_000)
        path = folder / f"{i % 4}" / f"IMG_{i:03}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1700000000 + i, 1700000000 + i))  # hashes of brand-new files are not remembered
    return {hashlib.sha1(p.read_bytes()).digest() for p in folder.rglob("*.jpg")}


def start(daemon, tmp_path, *options):
    return subprocess.Popen([BINARY, "import", "--server", daemon.url, "--key", daemon.key, "--journal",
                             tmp_path / "journal", "--json", *options, tmp_path / "photos"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(run, expect=0):
    out, err = run.communicate(timeout=300)
    assert run.returncode == expect, out + err
    return json.loads(out)


def missing(daemon, sums):
    question = [{"id": s.hex(), "checksum": base64.b64encode(s).decode()} for s in sums]
    answer = requests.post(daemon.url + "/api/assets/bulk-upload-check", json={"assets": question}, timeout=60,
                           headers={"x-api-key": daemon.key}).json()
    return [r["id"] for r in answer["results"] if r["action"] == "accept"]


def total(daemon):
    return daemon.get("/api/assets/statistics").json()["total"]


def test_import_twice(daemon, tmp_path):
    sums = fill(tmp_path / "photos")
    (tmp_path / "photos" / "notes.txt").write_text("no photo")
    (tmp_path / "photos" / "text.jpg").write_text("neither")
    report = finish(start(daemon, tmp_path), expect=1)
    assert report["uploaded"]["files"] == PHOTOS and report["skipped"]["files"] == 1
    assert [f["path"].rsplit("/", 1)[1] for f in report["failures"]] == ["text.jpg"]
    assert "422" in report["failures"][0]["reason"]
    assert total(daemon) == PHOTOS and not missing(daemon, sums)
    (tmp_path / "photos" / "text.jpg").unlink()
    report = finish(start(daemon, tmp_path))
    assert report["duplicates"]["files"] == PHOTOS and report["hashesKnown"] == PHOTOS
    assert report["bytesSent"] == 0


def test_one_import_survives_the_server(daemon, tmp_path):
    sums = fill(tmp_path / "photos")
    assert daemon.key
    run = start(daemon, tmp_path, "--retry-for", "60s")
    rng = random.Random(1)
    for _ in range(5):
        time.sleep(rng.uniform(0.1, 0.8))
        daemon.kill9()
        daemon.start()
    report = finish(run)
    assert report["failed"]["files"] == 0 and report["complete"]
    assert report["uploaded"]["files"] + report["duplicates"]["files"] == PHOTOS
    assert total(daemon) == PHOTOS and not missing(daemon, sums)
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def test_wrong_key_and_no_server(daemon, tmp_path):
    (tmp_path / "photos").mkdir()
    run = subprocess.run([BINARY, "import", "--server", daemon.url, "--key", "wrong", tmp_path / "photos"],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and "does not accept this key" in run.stderr and run.stdout == ""
    run = subprocess.run([BINARY, "import", "--server", "http://127.0.0.1:1", "--key", "x", "--retry-for", "100ms",
                          tmp_path / "photos"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and "http://127.0.0.1:1: " in run.stderr


def test_album_and_tags_come_with_the_photo(tmp_path):
    """--album and --tag: in the transaction that makes the asset; once more for what is there already."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        (photos / f"{i}.jpg").write_bytes(pictures.photo(500 + i))
    daemon = Daemon(tmp_path / "data").start()
    run = daemon.command("import", "--server", daemon.url, "--key", daemon.key, "--journal", tmp_path / "journal",
                         "--album", "Été 2024", "--tag", "trips/sea", photos)
    assert "uploaded" in run.stdout
    catalog = sqlite3.connect(f"file:{daemon.data / 'catalog.db'}?mode=ro", uri=True)
    rows = catalog.execute("SELECT a.name, count(*) FROM album a JOIN album_asset l ON l.album_id = a.id GROUP BY a.id")
    assert rows.fetchall() == [("Été 2024", 3)]
    found = daemon.session().post(daemon.url + "/api/search/metadata", json={}).json()["assets"]["items"]
    assert all([t["value"] for t in item["tags"]] == ["trips/sea"] for item in found) and len(found) == 3
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout
