# SPDX-License-Identifier: Apache-2.0
"""The disk cache under `albumen serve`: purges over HTTP and by command, and what /health says of a disk that fails."""
import os
import pathlib
import re
import subprocess

import pytest
import requests

import pictures
from daemon import BINARY, Daemon
from imgproxy import Origin
from imgproxy_daemon import Imgproxy, until
from test_disk import fill, small_disk  # noqa: F401


def files(daemon):
    return [p for p in (daemon.data / "cache").glob("*/*") if p.is_file()]


def newest(daemon):
    return daemon.get("/cache/purges").json()["purges"][0]


def pictures_kept(daemon):
    return [p for p in files(daemon) if re.fullmatch("[0-9a-f]{32}", p.name)]


def thumbnails(daemon, asset):
    for size in ("thumbnail", "preview"):
        assert daemon.get(f"/api/assets/{asset}/thumbnail?size={size}").status_code == 200


def test_purges_need_an_administrator_and_remove_files(daemon):
    assets = [daemon.upload(pictures.photo(n, 900, 700)).headers["Albumen-Asset"] for n in range(2)]
    for asset in assets:
        thumbnails(daemon, asset)
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(files(daemon)) >= 4, "all are kept")
    place = daemon.url + "/cache/purge"
    admin = {"x-api-key": daemon.key}
    daemon.command("user", "add", "bob", "--data", daemon.data, "--email", "bob@example.org", input="a long password\n")
    bob = {"x-api-key": daemon.command("key", "new", "--data", daemon.data, "--user", "bob").stdout.strip()}
    source = {"source": f"asset://{assets[0]}"}
    assert requests.post(place, params=source).status_code == 401
    assert requests.post(place, params=source, headers=bob).status_code == 403
    assert requests.get(place, params=source, headers=admin).status_code == 405
    for params in ({}, {"url": "nothing"}, {"tag": ""}, {"prefix": "https://" + "x" * 990}, {"tag": ["a", "b"]},
                   {**source, "tag": "a"}, "tag=%00"):
        assert requests.post(place, params=params, headers=admin).status_code == 400, params
    for kind in ("source", "prefix", "url"):
        refused = requests.post(place, params={kind: "nonsense"}, headers=admin)
        assert refused.status_code == 400 and refused.json()["message"].startswith("this is no"), refused.text
    before = len(files(daemon))
    assert daemon.metric("albumen_cache_purges_total") == 0
    answer = requests.post(place, params=source, headers=admin).json()
    assert answer["purged"] is True
    until(lambda: len(files(daemon)) == before // 2, "those of one asset go")
    until(lambda: newest(daemon)["done"], "and the list says so")
    told = newest(daemon)
    assert told.pop("atMs") > 1_500_000_000_000
    assert told == {"id": answer["id"], "what": "source", "text": source["source"], "by": "admin",
                    "files": before - before // 2, "done": True}
    assert requests.get(daemon.url + "/cache/purges").status_code == 401
    assert requests.get(daemon.url + "/cache/purges", headers=bob).status_code == 403
    misses = daemon.metric("albumen_render_misses_total")
    thumbnails(daemon, assets[1])  # from memory or disk
    assert daemon.metric("albumen_render_misses_total") == misses
    thumbnails(daemon, assets[0])
    assert daemon.metric("albumen_render_misses_total") == misses + 2
    run = daemon.command("cache", "purge", "prefix", "asset://", "--data", daemon.data)
    assert "purged: prefix asset://" in run.stderr
    assert daemon.metric("albumen_cache_purges_total") == 2
    assert (newest(daemon)["what"], newest(daemon)["text"], newest(daemon)["by"]) == ("prefix", "asset://", "command line")
    thumbnails(daemon, assets[1])
    assert daemon.metric("albumen_render_misses_total") == misses + 4
    daemon.stop()
    stats = daemon.command("cache", "stats", "--data", daemon.data).stdout  # without a server
    assert "2 in force" in stats and "results" in stats
    daemon.start()
    thumbnails(daemon, assets[0])
    list_ = daemon.get("/cache/purges").json()
    assert list_["inForce"] == 2 and [p["by"] for p in list_["purges"]] == ["command line", "admin"]
    daemon.command("cache", "purge", "tag", "a tag", "--data", daemon.data)
    assert (newest(daemon)["what"], newest(daemon)["text"]) == ("tag", "a tag")
    url = f"/imgproxy/unsafe/w:20/plain/asset://{assets[0]}"
    assert requests.post(place, params={"url": daemon.url + url}, headers=admin).json()["purged"] is True
    assert (newest(daemon)["what"], newest(daemon)["text"]) == ("url", f"w:20/plain/asset://{assets[0]}")


def cache_stats(daemon):
    answer = daemon.get("/cache/stats")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def row(stats, door, form):
    rows = [r for r in stats["doors"] if (r["door"], r["format"]) == (door, form)]
    assert len(rows) <= 1
    return rows[0] if rows else None


def test_statistics_by_door_and_format(tmp_path):
    """Of one asset that is asked for at three doors: every answer is counted once, where it was given."""
    daemon = Daemon(tmp_path / "data").start()
    place = daemon.url + "/cache/stats"
    assert requests.get(place).status_code == 401
    daemon.command("user", "add", "bob", "--data", daemon.data, "--email", "bob@example.org", input="a long password\n")
    bob = daemon.command("key", "new", "--data", daemon.data, "--user", "bob").stdout.strip()
    assert requests.get(place, headers={"x-api-key": bob}).status_code == 403
    assert requests.post(place, headers={"x-api-key": daemon.key}).status_code == 405
    empty = cache_stats(daemon)
    assert empty["doors"] == empty["top"] == empty["topBytes"] == empty["formats"] == []
    assert empty["asked"]["hitRate"] is None and empty["results"]["folder"] == "cache" and empty["sources"]["files"] == 0
    asset = daemon.upload(pictures.photo(1, 900, 700)).headers["Albumen-Asset"]
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(files(daemon)) == 2, "it is warm")
    warm = row(cache_stats(daemon), "jobs", "webp") or row(cache_stats(daemon), "jobs", "jpeg")
    assert (warm["misses"], warm["hits"], warm["files"]) == (2, 0, 2)
    form = warm["format"]
    url = f"/api/assets/{asset}/thumbnail?size=thumbnail"
    first = daemon.get(url)
    assert first.status_code == 200
    again = daemon.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    immich = row(cache_stats(daemon), "immich", form)
    assert (immich["hits"], immich["misses"], immich["bytes"]) == (2, 0, len(first.content))
    assert immich["unchanged"] == 1 and immich["answers"] == 2
    pngs = [daemon.get(f"/imgproxy/x/w:{w}/plain/asset://{asset}@png") for w in (50, 60, 50)]
    assert [p.status_code for p in pngs] == [200] * 3
    thumbor = daemon.get(f"/imagor/unsafe/40x40/filters:format(gif)/{asset}")
    assert thumbor.status_code == 200 and thumbor.headers["Content-Type"] == "image/gif"
    stats = cache_stats(daemon)
    png, gif = row(stats, "imgproxy", "png"), row(stats, "thumbor", "gif")
    assert (png["hits"], png["misses"], png["bytes"]) == (1, 2, sum(len(p.content) for p in pngs))
    assert (gif["hits"], gif["misses"], gif["bytes"]) == (0, 1, len(thumbor.content))
    assert stats["doors"] == sorted(stats["doors"], key=lambda r: -r["hits"] - r["misses"])
    assert stats["asked"]["made"] == 5 and stats["asked"]["unchanged"] == 1
    assert stats["asked"]["memory"] + stats["asked"]["disk"] == 3  # the thumbnail twice, a PNG once: as render saw it
    assert abs(stats["asked"]["hitRate"] - 3 / 6) < 1e-9
    total = sum(r["bytes"] for r in stats["doors"])
    assert stats["top"] == [{"source": f"asset://{asset}", "hits": 3, "misses": 3, "bytes": total, "over": 0}]
    assert stats["topBytes"][0]["bytes"] == total
    until(lambda: len(files(daemon)) == 5, "all are kept")
    stats = cache_stats(daemon)
    assert {f["format"]: f["files"] for f in stats["formats"]} == {form: 2, "png": 2, "gif": 1}
    assert sum(f["bytes"] for f in stats["formats"]) == stats["results"]["bytes"]
    assert stats["results"]["files"] == stats["results"]["stored"] == 5 and stats["results"]["limitBytes"] > 0
    assert stats["nowMs"] >= stats["startedMs"] > 0 and stats["memory"]["limitBytes"] >= stats["memory"]["bytes"] > 0
    text = daemon.get("/metrics").text
    assert 'albumen_picture_answers_total{door="imgproxy",format="png"} 3\n' in text
    assert 'albumen_picture_renders_total{door="thumbor",format="gif"} 1\n' in text
    shown = daemon.command("cache", "stats", "--data", daemon.data).stdout
    assert re.search(r"imgproxy +png +2 files, \d+ bytes; 3 answers, \d+ bytes: 1 hits, 2 made\n", shown), shown
    assert f"asset://{asset}" in shown
    daemon.stop()
    shown = daemon.command("cache", "stats", "--data", daemon.data).stdout  # what lies there is known by its door still
    assert re.search(r"imgproxy +png +2 files, \d+ bytes\n", shown), shown


def test_what_is_asked_for_all_the_time_expires_too(tmp_path):
    daemon = Daemon(tmp_path / "data").start()
    asset = daemon.upload(pictures.photo(1, 900, 700)).headers["Albumen-Asset"]
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(pictures_kept(daemon)) == 2, "it is warm")
    daemon.stop()
    daemon = Daemon(tmp_path / "data", "--cache-max-age", "1s").start()  # no jobs are left that would make any
    thumbnail = f"/api/assets/{asset}/thumbnail"
    good = daemon.get(thumbnail).content
    made = daemon.metric("albumen_render_misses_total")
    until(lambda: daemon.get(thumbnail).content == good and daemon.metric("albumen_render_misses_total") > made, "it is made again")
    daemon.stop()


def test_a_full_disk_is_told_of_and_heals(small_disk):  # noqa: F811
    daemon = Daemon(small_disk / "data", "--upload-min-free", "0", "--hot-cache-size", "0").start()
    assets = [daemon.upload(pictures.photo(n, 1600, 1200)).headers["Albumen-Asset"] for n in range(3)]
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(pictures_kept(daemon)) == 6, "all is quiet")
    assert daemon.get("/health").json() == {"status": "ok"}
    fill(small_disk, 0)

    def asks():
        for asset in assets:
            assert daemon.get(f"/api/assets/{asset}/thumbnail?size=fullsize").status_code == 200
        return daemon.get("/health")

    until(lambda: "caches" in asks().json(), "the fault is seen")
    health = asks()
    assert health.status_code == 200 and health.json()["status"] == "ok"
    assert health.json()["caches"][0]["error"] == "No space left on device"
    assert daemon.metric("albumen_cache_faults") >= 1
    (small_disk / "filler").unlink()
    until(lambda: daemon.get("/health").json() == {"status": "ok"}, "it heals without anybody asking for a picture")
    assert daemon.metric("albumen_cache_faults") == 0
    stored = daemon.metric("albumen_cache_stored_total")
    asks()
    until(lambda: daemon.metric("albumen_cache_stored_total") >= stored + 3, "and pictures are kept again")
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


@pytest.fixture
def failing_disk(tmp_path, monkeypatch):
    """Switches: eio("read"), eio("fsync") make that fail on the cache of a server that is started after this; well() ends
    it."""
    shim, switches = tmp_path / "eio.so", tmp_path / "switches"
    switches.mkdir()
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, pathlib.Path(__file__).with_name("eio.c")], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    monkeypatch.setenv("ALB_TEST_EIO", str(switches))
    monkeypatch.setenv("ALB_TEST_EIO_PATH", "/data/cache/")
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")

    class Disk:
        def eio(self, what):
            (switches / what).touch()

        def well(self):
            for switch in switches.iterdir():
                switch.unlink()

    return Disk()


def faults(daemon):
    health = daemon.get("/health")
    assert health.status_code == 200 and health.json()["status"] == "ok"
    return {(f["folder"], f["doing"]): f["error"] for f in health.json().get("caches", [])}


def test_a_disk_that_cannot_be_read_or_synced(failing_disk, tmp_path):
    """Every answer is as before, from the source; the fault is told of; all is well when the disk is."""
    daemon = Daemon(tmp_path / "data", "--hot-cache-size", "0").start()
    assets = [daemon.upload(pictures.photo(n, 900, 700)).headers["Albumen-Asset"] for n in range(3)]
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(pictures_kept(daemon)) == 6, "it is warm")

    def ask():
        answers = [daemon.get(f"/api/assets/{a}/thumbnail?size={s}") for a in assets for s in ("thumbnail", "preview")]
        assert [a.status_code for a in answers] == [200] * 6
        return [a.content for a in answers]

    good = ask()
    assert faults(daemon) == {} and daemon.metric("albumen_cache_faults") == 0
    made = daemon.metric("albumen_render_misses_total")
    failing_disk.eio("read")
    assert ask() == good
    assert daemon.metric("albumen_render_misses_total") == made + 6
    assert faults(daemon)[("cache", "read")] == "Input/output error"  # of the journal, too
    assert daemon.metric("albumen_cache_faults") >= 1
    failing_disk.well()
    until(lambda: ask() == good and faults(daemon) == {} and len(pictures_kept(daemon)) == 6, "it heals, all are kept again")
    made = daemon.metric("albumen_render_misses_total")
    assert ask() == good and daemon.metric("albumen_render_misses_total") == made

    place, admin = daemon.url + "/cache/purge", {"x-api-key": daemon.key}
    failing_disk.eio("fsync")
    refused = requests.post(place, params={"source": f"asset://{assets[0]}"}, headers=admin)
    assert refused.status_code >= 500, refused.text  # it is not durable: so it is not said
    assert ask() == good
    assert faults(daemon)[("cache", "purge")] == "Input/output error"
    assert daemon.metric("albumen_cache_faults") >= 1
    failing_disk.well()
    until(lambda: faults(daemon) == {}, "the keeper tries")
    assert daemon.metric("albumen_cache_faults") == 0
    assert requests.post(place, params={"source": f"asset://{assets[1]}"}, headers=admin).status_code == 200
    assert ask() == good
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def test_a_start_on_a_disk_that_cannot_be_read_or_synced(failing_disk, tmp_path):
    """The server comes up, answers from the source, tells of it, and heals without a restart."""
    daemon = Daemon(tmp_path / "data", "--hot-cache-size", "0").start()
    assets = [daemon.upload(pictures.photo(n, 900, 700)).headers["Albumen-Asset"] for n in range(2)]
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(pictures_kept(daemon)) == 4, "it is warm")

    def ask():
        answers = [daemon.get(f"/api/assets/{a}/thumbnail?size={s}") for a in assets for s in ("thumbnail", "preview")]
        assert [a.status_code for a in answers] == [200] * 4
        return [a.content for a in answers]

    def purge(asset):
        return requests.post(daemon.url + "/cache/purge", params={"source": f"asset://{asset}"},
                             headers={"x-api-key": daemon.key}).status_code

    good = ask()
    daemon.stop()
    failing_disk.eio("fsync")  # nothing durable says that a server is there, whatever is written meanwhile
    daemon.start()
    for _ in range(2):
        assert faults(daemon)[("cache", "write")] == "Input/output error"
        for picture in pictures_kept(daemon):
            picture.unlink()
        assert ask() == good
        until(lambda: len(pictures_kept(daemon)) == 4, "a picture is kept without fsync")
    assert daemon.metric("albumen_cache_faults") >= 1 and purge(assets[0]) >= 500
    failing_disk.well()
    until(lambda: faults(daemon) == {}, "it heals without a restart")
    assert purge(assets[0]) == 200 and ask() == good

    daemon.kill9()
    failing_disk.eio("read")  # the journal, the list of purges, every picture
    daemon.start()
    assert ask() == good
    assert faults(daemon) != {} and daemon.metric("albumen_cache_faults") >= 1 and purge(assets[0]) >= 500
    assert ask() == good
    failing_disk.well()
    until(lambda: ask() == good and faults(daemon) == {}, "it heals without a restart")
    assert daemon.metric("albumen_cache_faults") == 0 and purge(assets[1]) == 200

    def keeps():
        assert ask() == good
        made = daemon.metric("albumen_render_misses_total")
        assert ask() == good
        return daemon.metric("albumen_render_misses_total") == made

    until(keeps, "and pictures are kept")
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def test_a_disk_that_becomes_read_only(failing_disk, tmp_path):
    """As the kernel does it after an error, with all files open. (A remount by command is refused then: EBUSY.)"""
    daemon = Daemon(tmp_path / "data", "--hot-cache-size", "0").start()
    asset = daemon.upload(pictures.photo(5, 900, 700)).headers["Albumen-Asset"]
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(pictures_kept(daemon)) == 2, "it is warm")
    widths = iter(range(20, 10000))

    def ask(width):
        answer = daemon.get(f"/imgproxy/x/w:{width}/plain/asset://{asset}@png")
        assert answer.status_code == 200 and pictures.size_of(answer.content)[0] == width
        return answer.content

    def purge(tag):
        return requests.post(daemon.url + "/cache/purge", params={"tag": tag}, headers={"x-api-key": daemon.key}).status_code

    first = ask(next(widths))
    until(lambda: len(pictures_kept(daemon)) == 3, "it is kept")
    for _ in range(2):
        failing_disk.eio("readonly")
        made = daemon.metric("albumen_render_misses_total")
        assert ask(20) == first and daemon.metric("albumen_render_misses_total") == made  # it can be read
        ask(next(widths))
        assert faults(daemon)[("cache", "write")] == "Read-only file system"
        assert purge("a tag") >= 500
        assert faults(daemon)[("cache", "purge")] == "Read-only file system"
        assert daemon.metric("albumen_cache_faults") >= 2
        kept = len(pictures_kept(daemon))
        failing_disk.well()
        until(lambda: faults(daemon) == {}, "the keeper tries")
        assert daemon.metric("albumen_cache_faults") == 0 and purge("a tag") == 200

        def keeps():
            ask(next(widths))
            return len(pictures_kept(daemon)) > kept

        until(keeps, "and it keeps pictures again")
    assert ask(20) == first
    daemon.stop()
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout


def test_a_read_only_disk(small_disk):  # noqa: F811
    """A server starts on it, reads from it, tells of it, and writes to it when it may again. (The kernel does not take the
    right to write from files that are open: so it begins read-only.)"""
    def remount(how):
        subprocess.run(["mount", "-o", "remount," + how, small_disk], check=True)

    origin = Origin()
    for n in range(4):
        origin.pages[f"/{n}.jpg"] = (200, {"Cache-Control": "max-age=86400"}, pictures.photo(n, 400, 300))
    flags = ["--cache-dir", small_disk / "cache", "--hot-cache-size", "0"]
    server = Imgproxy(small_disk, flags).start()
    good = [server.plain(f"{origin.url}/{n}.jpg", "w:50").content for n in range(2)]
    server.stop()
    remount("ro")
    server = Imgproxy(small_disk, flags).start()
    for n in range(4):
        answer = server.plain(f"{origin.url}/{n}.jpg", "w:50")
        assert answer.status_code == 200 and (n > 1 or answer.content == good[n])
    assert server.metric("albumen_cache_faults") >= 1
    remount("rw")
    until(lambda: server.metric("albumen_cache_faults") == 0, "it heals")
    stored = server.metric("albumen_cache_stored_total")
    widths = iter(range(60, 10000))
    purge = subprocess.run([BINARY, "cache", "purge", "prefix", origin.url, "--cache-dir", small_disk / "cache"],
                           capture_output=True, text=True, timeout=120)
    assert purge.returncode == 0, purge.stderr
    fetched = len(origin.seen)
    assert server.plain(f"{origin.url}/0.jpg", "w:50").content == good[0]
    assert len(origin.seen) > fetched  # it holds in a server that could not write to the list when it began

    def keeps():
        assert server.plain(f"{origin.url}/3.jpg", f"w:{next(widths)}").status_code == 200
        return server.metric("albumen_cache_stored_total") > stored

    until(keeps, "and keeps pictures again")
    server.stop()
    origin.close()
