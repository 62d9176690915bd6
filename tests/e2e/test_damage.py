# SPDX-License-Identifier: Apache-2.0
"""Bytes that rot on the disk are never served (law 3)."""
import hashlib
import json
import os
import pty
import re
import subprocess

import pytest

import pictures
from daemon import BINARY, Daemon
from imgproxy import Origin
from imgproxy_daemon import until


def cache_files(daemon):
    return [p for p in (daemon.data / "cache").glob("*/*") if p.is_file()]


def one_original(daemon):
    files = [p for p in (daemon.data / "originals").rglob("*") if p.is_file()]
    assert len(files) == 1
    return files[0]


def rewrite(path, change):
    """In one go, under the same name: a worker that has the old file mapped must not see it shrink."""
    fresh = path.with_name(path.name + ".fresh")
    fresh.write_bytes(change(bytearray(path.read_bytes())))
    os.replace(fresh, path)


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


def damaged(path):
    rewrite(path, flip(500))


def cut(path):
    rewrite(path, lambda data: data[:-100])


@pytest.mark.parametrize("harm", [damaged, cut, os.unlink], ids=["flipped", "cut", "missing"])
def test_importing_the_folder_again_mends_an_original(daemon, tmp_path, harm):
    """What `check` found bad is welcome again: its good bytes take the place of the bad ones, nothing else changes."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        (photos / f"{i}.jpg").write_bytes(pictures.photo(40 + i))
        os.utime(photos / f"{i}.jpg", (1700000000 + i, 1700000000 + i))

    def run():
        return json.loads(daemon.command("import", "--json", "--server", daemon.url, "--key", daemon.key, "--journal",
                                         tmp_path / "journal", photos).stdout)

    def items():
        found = daemon.session().post(daemon.url + "/api/search/metadata", json={}).json()["assets"]["items"]
        return {item["checksum"]: item for item in found}

    assert run()["uploaded"]["files"] == 3
    before = items()
    originals = sorted(p for p in (daemon.data / "originals").rglob("*") if p.is_file())
    contents = [p.read_bytes() for p in originals]
    harm(originals[1])
    check = daemon.command("check", "--data", daemon.data, check=False)
    assert check.returncode == 1 and ("1 missing" if harm is os.unlink else "1 damaged") in check.stdout
    report = run()
    assert report["bytesSent"] >= len(contents[1]) and report["failed"]["files"] == 0
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout
    assert [p.read_bytes() for p in originals] == contents
    assert items() == before
    assert run()["bytesSent"] == 0


def test_check_speaks_of_photos(daemon):
    """Whose, which, from when, where, and what to do; nothing twice, and no orders to the terminal in a name."""
    daemon.command("user", "add", "ann", "--data", daemon.data, input="the password of ann\n")
    other = daemon.command("key", "new", "--data", daemon.data, "--user", "ann").stdout.strip()
    lost = pictures.photo(70, exif=pictures.exif("2019:08:07 06:05:04"))
    http = daemon.session()
    first = daemon.upload(lost, filename="lake.jpg").headers["Albumen-Asset"]
    daemon.upload(lost, filename="See.jpg", headers={"x-api-key": other})
    (gone,) = [p for p in (daemon.data / "originals").rglob("*") if p.is_file()]
    daemon.upload(pictures.photo(71, exif=pictures.exif("2018:01:02 03:04:05")), filename="evil\x1b[2J\x9b.jpg")
    (bad,) = [p for p in (daemon.data / "originals").rglob("*") if p.is_file() and p != gone]
    daemon.upload(pictures.photo(72))
    assert http.delete(daemon.url + "/api/assets", json={"ids": [first]}).status_code == 204
    gone.unlink()
    damaged(bad)
    for _ in range(2):  # in the server, and then without
        check = daemon.command("check", "--data", daemon.data, check=False)
        assert check.returncode == 1 and not check.stderr
        lines = check.stdout.splitlines()
        assert "missing    lake.jpg (admin, 2019-08-07 06:05, in the trash)" in lines
        assert "missing    See.jpg (ann, 2019-08-07 06:05)" in lines
        assert any(line.startswith("damaged    evil") and line.endswith("(admin, 2018-01-02 03:04)") for line in lines)
        assert "\x1b" not in check.stdout and "\x9b" not in check.stdout
        for path in (gone, bad):
            assert sum(str(path) in line for line in lines) == 1, check.stdout
        assert check.stdout.count("No such file") <= 1
        assert "catalog    all good" in lines and lines[-1] == "2 problems"
        assert any(re.fullmatch(r"originals  3 checked, .*: 1 damaged, 1 missing", line) for line in lines)
        assert "albumen import" in check.stdout
        daemon.stop()


def all_of(terminal):
    """What was written to it, to its end: the kernel hands that over in pieces, and later."""
    seen = b""
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
    except OSError:  # nobody holds the other side any more
        pass
    return seen


def test_check_shows_how_far_it_is(daemon):
    """On a terminal a line that comes and goes; elsewhere none."""
    daemon.upload(pictures.photo(73))
    ours, theirs = pty.openpty()
    run = subprocess.run([BINARY, "check", "--data", daemon.data], stdout=subprocess.PIPE, stderr=theirs,
                         env=dict(os.environ, TERM="xterm"), timeout=60, text=True)
    os.close(theirs)
    seen = all_of(ours).decode()
    os.close(ours)
    assert run.returncode == 0 and run.stdout.endswith("clean\n") and "\x1b" not in run.stdout
    assert "originals: " in seen and seen.endswith("\r\x1b[K")
    assert not daemon.command("check", "--data", daemon.data).stderr


def wait_marked(daemon, count):
    """The write behind the answer has come (an event in the metrics, looked at until it has)."""
    for _ in range(6000):
        if daemon.metric("albumen_blob_marked_total") >= count:
            return
        os.sched_yield()
    raise AssertionError("the damage was not marked")


@pytest.mark.parametrize("harm", [damaged, cut, os.unlink], ids=["flipped", "cut", "missing"])
@pytest.mark.parametrize("path", ["original", "thumbnail?size=fullsize"])
def test_damage_that_a_request_meets_is_marked_and_mended(daemon, path, harm):
    """No check is needed: who asks for a damaged original makes its bytes welcome again, and the owner sees it."""
    data = pictures.photo(60)
    asset = daemon.upload(data).headers["Albumen-Asset"]
    wait_warm(daemon, 2)
    question = {"assets": [{"id": "x", "checksum": hashlib.sha1(data).hexdigest()}]}

    def action():
        return daemon.session().post(daemon.url + "/api/assets/bulk-upload-check", json=question).json()["results"][0]["action"]

    def is_damaged():
        about = daemon.get(f"/api/assets/{asset}").json()
        month = daemon.get(f"/api/timeline/bucket?timeBucket={about['localDateTime'][:7]}-01").json()
        assert month["isDamaged"] == [about["isDamaged"]] and about["isOriginalDamaged"] == about["isDamaged"]
        return about["isDamaged"]

    assert action() == "reject" and not is_damaged()
    harm(one_original(daemon))
    for _ in range(3):
        assert daemon.get(f"/api/assets/{asset}/{path}").status_code == 500
        wait_marked(daemon, 1)
    assert daemon.metric("albumen_blob_marked_total") == 1
    told = lambda: sum('"original marked as damaged"' in line for line in daemon.log)  # noqa: E731
    until(told, "it is in the log")
    assert told() == 1
    assert action() == "accept" and is_damaged()
    assert daemon.upload(data).headers["Albumen-Asset"] == asset
    assert daemon.get(f"/api/assets/{asset}/original").content == data
    assert action() == "reject" and not is_damaged()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def test_an_upload_in_the_trash_is_not_welcome(daemon, tmp_path):
    """A photo that was thrown away is not asked for again because its original is damaged."""
    data = pictures.photo(50)
    asset = daemon.upload(data).headers["Albumen-Asset"]
    http = daemon.session()
    assert http.delete(daemon.url + "/api/assets", json={"ids": [asset]}).status_code == 204
    damaged(one_original(daemon))
    assert daemon.command("check", "--data", daemon.data, check=False).returncode == 1
    question = {"assets": [{"id": "x", "checksum": hashlib.sha1(data).hexdigest()}]}
    answer = http.post(daemon.url + "/api/assets/bulk-upload-check", json=question).json()["results"][0]
    assert answer["action"] == "reject" and answer["isTrashed"]


@pytest.mark.parametrize("part", ["bodies", "notes"])
def test_check_reads_copies_of_other_servers_pictures(tmp_path, part):
    """In the server and without; what is bad goes to quarantine and is fetched again when asked for."""
    origin = Origin()
    origin.pages = {f"/{n}.jpg": (200, {"Cache-Control": "max-age=1000"}, pictures.photo(60 + n)) for n in range(3)}
    daemon = Daemon(tmp_path / "data")
    options = ("--imgproxy-sources", origin.url + "/", "--imgproxy-private-sources")
    copies = daemon.data / "sources" / part

    def files():
        return sorted(p for p in copies.glob("*/*") if p.is_file())

    def ask(n, width):
        answer = daemon.get(f"/imgproxy/unsafe/w:{width}/plain/{origin.url}/{n}.jpg")
        assert answer.status_code == 200 and pictures.size_of(answer.content)[0] == width, answer.text

    def check(problems):
        run = daemon.command("check", "--data", daemon.data, check=False)
        said = "all good" if not problems else f"{problems} damaged, moved to quarantine (fetched again when asked for)"
        assert re.search(rf"^sources    6 files, .*: {re.escape(said)}$", run.stdout, re.M), run.stdout
        assert run.returncode == (1 if problems else 0)

    def quarantined():
        return len(list((daemon.data / "quarantine").iterdir()))

    try:
        daemon.start(*options)
        for n in range(3):
            ask(n, 30)
        assert len(files()) == 3
        check(0)
        rewrite(files()[1], flip(-3))
        check(1)  # in the server
        assert len(files()) == 2 and quarantined() == 1
        daemon.stop()
        daemon.start(*options)
        for n in range(3):
            ask(n, 40)
        assert len(origin.seen) == 4 and len(files()) == 3
        daemon.stop()
        check(0)
        rewrite(files()[2], flip(20))
        rewrite(files()[0], lambda data: data[:-1])
        check(2)  # without
        assert len(files()) == 1 and quarantined() == 3
        daemon.start(*options)
        for n in range(3):
            ask(n, 50)
        assert len(origin.seen) == 6
        check(0)
    finally:
        daemon.stop()
        origin.close()
