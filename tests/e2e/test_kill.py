# SPDX-License-Identifier: Apache-2.0
"""kill -9 of server or importer at any moment of an import (laws 3 and 5).

Afterwards: `albumen check` is clean, no acknowledged photo is missing, no half photo is visible, and a second import
uploads only what is missing. ALB_KILLS says how many times (20 here; 200 before a release).
"""
import base64
import hashlib
import os
import random
import re
import subprocess
import threading

import pytest
import requests

import pictures
from daemon import BINARY, Daemon

KILLS = int(os.environ.get("ALB_KILLS", "20"))
PHOTOS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos of very different sizes; the name of each is its SHA-1."""
    root = tmp_path_factory.mktemp("photos")
    for i in range(PHOTOS):
        data = pictures.photo(1000 + i, 200 + 7 * i, 150 + 5 * i)
        data += bytes(random.Random(i).randrange(256) for _ in range(200)) * (300 if i % 10 == 0 else 10)
        (root / f"{i:03}.jpg").write_bytes(data)
    return root


def sums(folder):
    return {base64.b64encode(hashlib.sha1(p.read_bytes()).digest()).decode(): p for p in folder.iterdir()}


def assets(daemon):
    found, page = {}, "1"
    while page:
        answer = requests.post(daemon.url + "/api/search/metadata", headers={"x-api-key": daemon.key}, timeout=60,
                               json={"size": 1000, "page": int(page)}).json()["assets"]
        found |= {item["checksum"]: item for item in answer["items"]}
        page = answer["nextPage"]
    return found


def importer(daemon, folder, journal):
    return subprocess.Popen([BINARY, "import", "--server", daemon.url, "--key", daemon.key, "--journal", journal,
                             "--retry-for", "60s", "--json", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def everything_is_there(daemon, folder):
    there = assets(daemon)
    expected = sums(folder)
    assert set(there) == set(expected)
    for checksum, path in list(expected.items())[::7]:
        asset = there[checksum]["id"]
        assert daemon.get(f"/api/assets/{asset}/original").content == path.read_bytes()
        assert daemon.get(f"/api/assets/{asset}/thumbnail").status_code == 200


def half_photos(daemon, folder):
    """Whatever is visible is whole."""
    expected = sums(folder)
    return [c for c, item in assets(daemon).items()
            if c not in expected or item["exifInfo"]["fileSizeInByte"] != expected[c].stat().st_size]


def test_kill_server(tmp_path, folder):
    rng = random.Random(os.environ.get("ALB_SEED", "server"))
    daemon = Daemon(tmp_path / "data").start()
    assert daemon.key
    acknowledged = set()
    for round_number in range(KILLS):
        run = importer(daemon, folder, tmp_path / f"journal-{round_number}")
        timer = threading.Timer(rng.uniform(0.0, 1.2), daemon.kill9)
        timer.start()
        timer.join()
        run.terminate()
        run.communicate()
        daemon.start()
        there = assets(daemon)
        assert acknowledged <= set(there), "an acknowledged photo is missing"
        acknowledged |= set(there)
        assert half_photos(daemon, folder) == []
    run = importer(daemon, folder, tmp_path / "journal-last")
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    everything_is_there(daemon, folder)
    check = daemon.command("check", "--data", daemon.data, check=False)
    assert check.returncode == 0, check.stdout
    run = importer(daemon, folder, tmp_path / "journal-again")
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0 and uploaded(out) == 0, out
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def uploaded(report):
    match = re.search(r'"uploaded"\s*:\s*(?:\{[^}]*"files"\s*:\s*)?(\d+)', report)
    assert match, report
    return int(match.group(1))


def test_kill_importer(tmp_path, folder):
    rng = random.Random(os.environ.get("ALB_SEED", "importer"))
    daemon = Daemon(tmp_path / "data").start()
    assert daemon.key
    for _ in range(KILLS):
        run = importer(daemon, folder, tmp_path / "journal")
        timer = threading.Timer(rng.uniform(0.0, 0.5), run.kill)
        timer.start()
        timer.join()
        run.communicate()
        assert half_photos(daemon, folder) == []
    before = len(assets(daemon))
    run = importer(daemon, folder, tmp_path / "journal")
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert uploaded(out) <= PHOTOS - before
    everything_is_there(daemon, folder)
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def test_the_catalog_answers_for_what_became_a_photo(tmp_path):
    """A finished upload is remembered with its photo: its own record may be lost in a power cut."""
    daemon = Daemon(tmp_path / "data").start()
    data = pictures.photo(7)
    made = daemon.upload(data)
    assert made.status_code == 201
    daemon.kill9()
    for record in (daemon.data / "uploads").iterdir():
        record.unlink()
    daemon.start()
    http = daemon.session()
    http.headers["Tus-Resumable"] = "1.0.0"
    again = http.head(made.headers["Location"])
    assert again.status_code == 200
    assert again.headers["Upload-Offset"] == again.headers["Upload-Length"] == str(len(data))
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout
