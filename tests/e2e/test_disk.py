# SPDX-License-Identifier: Apache-2.0
"""A full disk: uploads get 507 and nothing is lost; pictures are served without being cached."""
import contextlib
import os
import subprocess

import pytest
import requests

import pictures
from daemon import Daemon


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 48 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("no mount here: " + made.stderr)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder, leave):
    """Takes all but `leave` bytes of the disk, also while others write."""
    def free():
        now = os.statvfs(folder)
        return now.f_bavail * now.f_frsize - leave

    with open(folder / "filler", "wb", buffering=0) as f:
        while (size := free()) > 0:
            with contextlib.suppress(OSError):  # somebody else was quicker
                f.write(b"x" * size)


def test_full_disk(small_disk):
    daemon = Daemon(small_disk / "data", "--upload-min-free", "0", "--cache-size", "1G").start()
    first = pictures.photo(1, 1600, 1200)
    asset = daemon.upload(first).headers["Albumen-Asset"]
    fill(small_disk, 300_000)
    big = pictures.photo(2, 2000, 1500, quality=95) + b"\0" * 1_000_000
    answer = daemon.upload(big)
    assert answer.status_code == 507, (answer.status_code, answer.text)
    # What is there is still served, at sizes that cannot be cached any more.
    assert daemon.get(f"/api/assets/{asset}/original").content == first
    for size in ("thumbnail", "preview", "fullsize"):
        assert daemon.get(f"/api/assets/{asset}/thumbnail?size={size}").status_code == 200
    assert daemon.get("/health").status_code == 200
    (small_disk / "filler").unlink()
    # What was acknowledged before the disk was full is taken up again from where it stands.
    if "Location" in answer.headers:
        place = answer.headers["Location"]
        http = daemon.session()
        http.headers["Tus-Resumable"] = "1.0.0"
        offset = int(http.head(place).headers["Upload-Offset"])
        assert offset == int(answer.headers["Upload-Offset"])
        done = http.patch(place, data=big[offset:], headers={"Upload-Offset": str(offset),
                                                            "Content-Type": "application/offset+octet-stream"})
        assert done.status_code == 204
    else:
        done = daemon.upload(big)
        assert done.status_code == 201
    again = daemon.get(f"/api/assets/{done.headers['Albumen-Asset']}/original")
    assert again.content == big
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def test_full_disk_while_resuming(small_disk):
    """Offsets that were reported stay valid through a full disk and a kill -9."""
    daemon = Daemon(small_disk / "data", "--upload-min-free", "0").start()
    data = pictures.photo(3, 1000, 800) + os.urandom(6_000_000)
    http = daemon.session()
    http.headers["Tus-Resumable"] = "1.0.0"
    place = http.post(daemon.url + "/files/", headers={"Upload-Length": str(len(data))}).headers["Location"]
    kind = {"Content-Type": "application/offset+octet-stream"}
    assert http.patch(place, data=data[:1_000_000], headers={"Upload-Offset": "0", **kind}).status_code == 204
    fill(small_disk, 1_000_000)
    full = http.patch(place, data=data[1_000_000:], headers={"Upload-Offset": "1000000", **kind})
    assert full.status_code == 507
    reported = int(http.head(place).headers["Upload-Offset"])
    assert reported >= 1_000_000
    daemon.kill9()
    (small_disk / "filler").unlink()
    daemon.start()
    offset = int(http.head(place).headers["Upload-Offset"])
    assert offset >= reported
    done = http.patch(place, data=data[offset:], headers={"Upload-Offset": str(offset), **kind})
    assert done.status_code == 204
    assert requests.get(daemon.url + f"/api/assets/{done.headers['Albumen-Asset']}/original",
                        headers={"x-api-key": daemon.key}).content == data
    daemon.stop()


def test_who_has_no_quota_left_fills_no_disk(daemon):
    """What was refused is not kept for the sweep either."""
    daemon.command("user", "add", "bob", "--data", daemon.data, "--email", "bob@example.org", "--quota", "60K",
                   input="a long password\n")
    bob = daemon.command("key", "new", "--data", daemon.data, "--user", "bob").stdout.strip()
    photos = [pictures.photo(i, 640, 480) + os.urandom(40_000) for i in range(3)]
    assert daemon.upload(photos[0], headers={"x-api-key": bob}).status_code == 201
    assert daemon.upload(photos[1]).status_code == 201  # somebody else's
    for data in photos[1:]:
        assert daemon.upload(data, headers={"x-api-key": bob}).status_code == 413
    originals = [p.read_bytes() for p in (daemon.data / "originals").rglob("*") if p.is_file()]
    assert sorted(originals) == sorted(photos[:2])
    assert not [p for p in (daemon.data / "uploads").iterdir() if p.suffix == ".data"]
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout
