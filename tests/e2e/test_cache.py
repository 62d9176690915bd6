# SPDX-License-Identifier: Apache-2.0
"""The disk cache of results: purges hold at once and for all processes, several processes share a folder, damage and
kills do no harm."""
import hashlib
import os
import struct
import subprocess
import threading
import zlib

import pictures
import requests
from daemon import BINARY
from imgproxy import Origin
from imgproxy_daemon import Imgproxy, until

FRESH = {"Cache-Control": "max-age=86400"}


def sizes(answer):
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return pictures.size_of(answer.content)


def folder_of(cache):
    return cache / "albumen/imgproxy"


def files(cache):
    return sorted(p for p in (folder_of(cache) / "cache").glob("*/*") if p.is_file())


def cache_command(cache, *words, status=0):
    run = subprocess.run([BINARY, "cache", *words, "--cache-dir", folder_of(cache)], capture_output=True, text=True,
                         timeout=120)
    assert run.returncode == status, run
    return run.stdout + run.stderr


def tall(n):
    return pictures.photo(n, 300, 600)


def wide(n):
    return pictures.photo(n, 600, 300)


def test_purge_by_source_is_for_all_processes_at_once(tmp_path):
    origin = Origin()
    origin.pages["/a.jpg"] = (200, FRESH, tall(1))
    origin.pages["/b.jpg"] = (200, FRESH, tall(2))
    a, b = origin.url + "/a.jpg", origin.url + "/b.jpg"
    with Imgproxy(tmp_path) as one, Imgproxy(tmp_path) as two:
        for server in (one, two, one, two):
            assert sizes(server.plain(a, "rs:fit:90:90")) == (45, 90)
            assert sizes(server.plain(b, "rs:fit:90:90")) == (45, 90)
        origin.pages["/a.jpg"] = (200, FRESH, wide(1))
        origin.pages["/b.jpg"] = (200, FRESH, wide(2))
        for server in (one, two):
            assert sizes(server.plain(a, "rs:fit:90:90")) == (45, 90)  # fresh for a day
        etag = one.plain(a, "rs:fit:90:90").headers["ETag"]
        cache_command(tmp_path, "purge", "source", a)
        for server in (one, two):
            answer = server.plain(a, "rs:fit:90:90", headers={"If-None-Match": etag})
            assert sizes(answer) == (90, 45)
            assert sizes(server.plain(a, "rs:fit:50:50")) == (50, 25)
            assert sizes(server.plain(b, "rs:fit:90:90")) == (45, 90)  # not asked for
        cache_command(tmp_path, "purge", "prefix", origin.url + "/")
        for server in (one, two):
            assert sizes(server.plain(b, "rs:fit:90:90")) == (90, 45)
        one.stop()
        two.stop()
    with Imgproxy(tmp_path) as again:  # and they hold
        assert sizes(again.plain(a, "rs:fit:90:90")) == (90, 45)
        assert "2 in force" in cache_command(tmp_path, "stats")
        again.stop()
    origin.close()


def test_a_picture_that_is_being_made_is_not_given_after_a_purge(tmp_path):
    """The old bytes come from the origin only after the purge: who had asked before gets them, nobody else ever."""
    origin = Origin()
    asked, go_on = threading.Event(), threading.Event()
    old, new = tall(1), wide(1)

    def slow(handler):
        asked.set()
        go_on.wait(60)
        handler.send_response(200)
        handler.send_header("Cache-Control", "max-age=86400")
        handler.send_header("Content-Length", str(len(old)))
        handler.end_headers()
        handler.wfile.write(old)

    origin.pages["/a.jpg"] = (200, FRESH, slow)
    a = origin.url + "/a.jpg"
    with Imgproxy(tmp_path) as server:
        early = []
        thread = threading.Thread(target=lambda: early.append(server.plain(a, "rs:fit:90:90")))
        thread.start()
        assert asked.wait(60)
        cache_command(tmp_path, "purge", "source", a)
        origin.pages["/a.jpg"] = (200, FRESH, new)
        assert sizes(server.plain(a, "rs:fit:90:90")) == (90, 45)  # it does not join the one before
        go_on.set()
        thread.join(60)
        assert sizes(early[0]) == (45, 90)
        for options in ("rs:fit:90:90", "rs:fit:50:50", "rs:fit:90:90"):
            w, h = sizes(server.plain(a, options))
            assert w > h
        server.stop()
    with Imgproxy(tmp_path) as server:
        for options in ("rs:fit:90:90", "rs:fit:50:50", "rs:fit:40:40"):
            w, h = sizes(server.plain(a, options))
            assert w > h
        server.stop()
    origin.close()


def test_purge_by_tag_and_by_url_removes_files(tmp_path):
    origin = Origin()
    origin.pages["/a.jpg"] = (200, FRESH, tall(1))
    a = origin.url + "/a.jpg"
    with Imgproxy(tmp_path) as server:
        for n in range(4):
            assert sizes(server.plain(a, f"w:{20 + n}/ct:{'odd' if n % 2 else 'even'}"))[0] == 20 + n
        until(lambda: len(files(tmp_path)) == 4, "all are kept")
        cache_command(tmp_path, "purge", "tag", "odd")
        until(lambda: len(files(tmp_path)) == 2, "the keeper removes what bears the tag")
        cache_command(tmp_path, "purge", "url", f"{server.url}/x/w:20/ct:even/plain/{a}")
        until(lambda: len(files(tmp_path)) == 1, "the keeper removes what is of the URL")
        fetched = len(origin.seen)
        for n in range(4):
            assert sizes(server.plain(a, f"w:{20 + n}/ct:{'odd' if n % 2 else 'even'}"))[0] == 20 + n
        until(lambda: len(files(tmp_path)) == 4, "all are made again")
        assert len(origin.seen) == fetched  # the copy of the source is as good as before
        for words in (("purge",), ("purge", "tag"), ("purge", "stone", "x"), ("burn",)):
            cache_command(tmp_path, *words, status=2)
        for kind, text in (("url", "nothing"), ("source", "nonsense"), ("source", "ftp://a/b"), ("source", "https://"),
                           ("source", "asset://12"), ("source", "http:///a.jpg"), ("prefix", "nonsense"), ("tag", "")):
            told = cache_command(tmp_path, "purge", kind, text, status=1)
            assert told.startswith(f"albumen: {text}: this is no") and "purged" not in told, told
        cache_command(tmp_path, "purge", "source", "https://example.com/a", "local:///b.jpg",
                      "asset://01a1fe20-fdb7-73c4-9280-55a6f5d8575e")
        cache_command(tmp_path, "purge", "prefix", "htt", "https://example.com/", "local:///b", "asset://12")
        server.stop()
    origin.close()


def test_what_one_process_made_another_finds_also_when_it_is_killed(tmp_path):
    origin = Origin()
    for n in range(12):
        origin.pages[f"/{n}.jpg"] = (200, FRESH, pictures.photo(n, 400, 300))
    with Imgproxy(tmp_path) as one, Imgproxy(tmp_path) as two:
        good = {n: one.plain(f"{origin.url}/{n}.jpg", "w:100").content for n in range(12)}
        until(lambda: len(files(tmp_path)) == 12, "all are kept")
        one.process.kill()
        one.process.wait()
        leftover = folder_of(tmp_path) / "tmp/123-4"
        leftover.write_bytes(b"of somebody who died")
        before = len(origin.seen)
        for n in range(12):
            assert two.plain(f"{origin.url}/{n}.jpg", "w:100").content == good[n]
        assert len(origin.seen) == before
        with Imgproxy(tmp_path) as three:
            assert not leftover.exists()  # and what two writes at this moment stays
            for n in range(12):
                assert three.plain(f"{origin.url}/{n}.jpg", "w:100").content == good[n]
            assert len(files(tmp_path)) == 12
            three.stop()
        two.stop()
    assert not list((folder_of(tmp_path) / "tmp").iterdir())
    origin.close()


def test_any_damage_while_serving_and_every_answer_is_right(tmp_path):
    origin = Origin()
    for n in range(6):
        origin.pages[f"/{n}.jpg"] = (200, FRESH, pictures.photo(n, 400, 300))

    def flip(path):
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 0x10
        path.write_bytes(data)

    def cut(path):
        os.truncate(path, path.stat().st_size // 2)

    def zero(path):
        size = path.stat().st_size
        with open(path, "r+b") as f:
            f.seek(size // 4)
            f.write(bytes(size // 4))

    def swap(path):
        other = next(p for p in files(tmp_path) if p != path)
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)

    with Imgproxy(tmp_path, ["--hot-cache-size", "0", "--source-entries", "0"]) as server:
        def get(n):
            return server.plain(f"{origin.url}/{n}.jpg", "w:100")

        good = [get(n).content for n in range(6)]
        for harm in (flip, cut, zero, swap, flip):
            until(lambda: len(files(tmp_path)) == 6, "all are kept")
            for path in files(tmp_path)[::2]:
                harm(path)
            for path in (folder_of(tmp_path) / "sources").rglob("*"):
                if path.is_file() and harm is not swap:
                    harm(path)
            if harm is not swap:
                harm(folder_of(tmp_path) / "cache/journal")
            for n in (*range(6), *range(6)):
                answer = get(n)
                assert answer.status_code == 200 and answer.content == good[n], (harm.__name__, n)
            # The journal is written anew by the keeper; until then nothing is kept.
            until(lambda: [get(n).content for n in range(6)] == good and len(files(tmp_path)) == 6, "it has healed")
        server.stop()
    origin.close()


def noise(width, height):
    """A PNG that nothing makes smaller."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + os.urandom(width * 3) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


PATIENT = {"TIMEOUT": 600, "WRITE_RESPONSE_TIMEOUT": 600}  # a hundred clients in one program are slow to take their bytes


def test_one_result_of_30_mb_for_a_hundred_clients_of_two_processes(tmp_path):
    """One render per process at most, all answers equal; and one of the two is killed in the middle of it."""
    origin = Origin()
    origin.pages["/a.jpg"] = (200, FRESH, noise(3600, 2900))
    a = origin.url + "/a.jpg"
    options = "rs:force:3590:2890"
    small = ["--hot-cache-size", "0"]
    with Imgproxy(tmp_path, small, **PATIENT) as one, Imgproxy(tmp_path, small, **PATIENT) as two:
        for server in (one, two):
            assert server.plain(a, "w:10").status_code == 200  # the source is there
        made = [server.metric("albumen_render_misses_total") for server in (one, two)]
        answers, lost = {one: [], two: []}, []

        def ask(server):
            try:
                answer = server.plain(a, options, "@png", timeout=300)
                answers[server].append((answer.status_code, len(answer.content), hashlib.sha256(answer.content).digest()))
            except requests.RequestException:
                lost.append(server)

        threads = [threading.Thread(target=ask, args=(one,)) for _ in range(50)]
        for t in threads:
            t.start()
        until(lambda: one.metric("albumen_render_misses_total") > made[0], "the first one is at it")
        late = [threading.Thread(target=ask, args=(two,)) for _ in range(50)]
        for t in late:
            t.start()
        for t in (*threads, *late):
            t.join()
        assert not lost
        good = answers[one][0]
        assert good[0] == 200 and good[1] > 25_000_000
        for server in (one, two):
            assert answers[server] == [good] * 50
        now = [server.metric("albumen_render_misses_total") for server in (one, two)]
        assert now[0] == made[0] + 1 and now[1] <= made[1] + 1
        # Killed while it makes another one: the kernel gives its claim to who waits.
        threads = [threading.Thread(target=ask, args=(one,)) for _ in range(5)]
        late = [threading.Thread(target=ask, args=(two,)) for _ in range(5)]
        options = "rs:force:3580:2880"
        for t in threads:
            t.start()
        until(lambda: one.metric("albumen_render_misses_total") > now[0], "it is at the second one")
        for t in late:
            t.start()
        one.process.kill()
        one.process.wait()
        for t in (*threads, *late):
            t.join()
        last = answers[two][50:]
        assert len(last) == 5 and last == [last[0]] * 5 and last[0][0] == 200
        assert two.metric("albumen_render_misses_total") <= now[1] + 1
        two.stop()
    origin.close()


def test_a_second_process_waits_for_the_one_that_makes_it(tmp_path):
    origin = Origin()
    origin.pages["/a.jpg"] = (200, FRESH, noise(2000, 1500))
    a = origin.url + "/a.jpg"
    waited = 0
    with Imgproxy(tmp_path, **PATIENT) as one, Imgproxy(tmp_path, **PATIENT) as two:
        for server in (one, two):
            assert server.plain(a, "w:10").status_code == 200
        for n in range(20):  # until the second has come in time
            made = [server.metric("albumen_render_misses_total") for server in (one, two)]
            ask = threading.Thread(target=one.plain, args=(a, f"rs:force:{1900 + n}:1400", "@png"))
            ask.start()
            until(lambda: one.metric("albumen_render_misses_total") > made[0], "the first one is at it")
            assert two.plain(a, f"rs:force:{1900 + n}:1400", "@png").status_code == 200
            ask.join()
            waited = two.metric("albumen_cache_claim_waits_total")
            if waited and two.metric("albumen_render_misses_total") == made[1]:
                break
        else:
            raise AssertionError(f"the second made its own each time ({waited} waits)")
        one.stop()
        two.stop()
    origin.close()
