# SPDX-License-Identifier: Apache-2.0
"""Bytes that rot on the disk are never served (law 3)."""
import os
import stat

import pictures


def cache_files(daemon):
    return [p for p in (daemon.data / "cache").rglob("*") if p.is_file()]


def one_original(daemon):
    files = [p for p in (daemon.data / "originals").rglob("*") if p.is_file()]
    assert len(files) == 1
    return files[0]


def rewrite(path, change):
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data))


def flip(at):
    def change(data):
        data[at] ^= 0x40
        return data
    return change


def wait_warm(daemon, count):
    """The warming job has run: its files are there (an event in the metrics, looked at until it has come)."""
    for _ in range(600):
        if len(cache_files(daemon)) >= count and daemon.metric("albumen_jobs_busy") == 0:
            return
        os.sched_yield()
        daemon.get("/health")
    raise AssertionError("thumbnails were not warmed")


def test_bad_cache_files_are_made_again(daemon):
    asset = daemon.upload(pictures.photo(1, 900, 700)).headers["Albumen-Asset"]
    path = f"/api/assets/{asset}/thumbnail"
    good = daemon.get(path).content
    wait_warm(daemon, 2)
    daemon.stop()
    for change in (flip(-20), flip(0), flip(40), lambda d: d[:-7], lambda d: b"", lambda d: d + b"x"):
        for file in cache_files(daemon):
            rewrite(file, change)
        daemon.start()
        answer = daemon.get(path)
        assert answer.status_code == 200 and answer.content == good
        daemon.stop()
    assert any((daemon.data / "quarantine").iterdir())


def test_bad_original_is_reported_and_never_served(daemon):
    data = pictures.photo(2, 900, 700) + b"\0" * 2_000_000
    asset = daemon.upload(data).headers["Albumen-Asset"]
    wait_warm(daemon, 2)
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout
    rewrite(one_original(daemon), flip(1_500_000))
    daemon.start()
    first = daemon.get(f"/api/assets/{asset}/original", headers={"Range": "bytes=0-99"})
    assert first.status_code == 206 and first.content == data[:100]  # its block is good
    bad = daemon.get(f"/api/assets/{asset}/original", headers={"Range": "bytes=1500000-1500010"})
    assert bad.status_code == 500
    check = daemon.command("check", "--data", daemon.data, check=False)
    assert check.returncode == 1 and "damaged" in check.stdout
    assert daemon.get("/health").status_code == 200


def test_missing_original(daemon):
    asset = daemon.upload(pictures.photo(3)).headers["Albumen-Asset"]
    one_original(daemon).unlink()
    assert daemon.get(f"/api/assets/{asset}/original").status_code == 500
    check = daemon.command("check", "--data", daemon.data, check=False)
    assert check.returncode == 1 and "missing" in check.stdout
