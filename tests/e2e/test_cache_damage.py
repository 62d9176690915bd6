# SPDX-License-Identifier: Apache-2.0
"""Bytes of every file of the caches are flipped, cut, zeroed and swapped under a server that reads them at that moment:
every answer is right, purges that were acknowledged hold, and nobody has to help afterwards."""
import os
import random
import threading

import pictures
import requests
from daemon import Daemon
from imgproxy import Origin
from imgproxy_daemon import until

SIZES = ("thumbnail", "preview")
FRESH = {"Cache-Control": "max-age=86400"}
ORIGINS = 4
ASKS = 40  # of each client


def cache_files(daemon):
    return sorted(p for part in ("cache", "sources") for p in (daemon.data / part).rglob("*") if p.is_file())


def flip(path, dice):
    """One bit, some bits of one place, or bits all over."""
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        for _ in range(dice.choice((1, 4, 100)) if data else 0):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        f.seek(0)
        f.write(data)


def cut(path, dice):
    os.truncate(path, dice.randrange(path.stat().st_size + 1))


def zero(path, dice):
    size = path.stat().st_size
    at = dice.randrange(size + 1)
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(bytes(dice.randrange(size - at + 1)))


def swap(path, dice, files):
    """The bytes of two files, or their names."""
    other = dice.choice(files)
    if other == path:
        return
    if dice.random() < 0.5:
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)
        return
    spare = path.with_name("spare")
    os.rename(path, spare)
    os.rename(other, path)
    os.rename(spare, other)


def harm(daemon, dice):
    """One file, in one way; the server may have removed it meanwhile. Half of the time one of those that are no pictures."""
    files = cache_files(daemon)
    books = [p for p in files if p.name in ("journal", "purges", "claims")]
    path = dice.choice(books if books and dice.random() < 0.5 else files)
    how = dice.choice((flip, cut, zero, swap))
    try:
        how(path, dice, files) if how is swap else how(path, dice)
    except FileNotFoundError:
        pass


class House:
    """A server whose every answer comes from its disk, and what its answers have to be."""

    def __init__(self, folder):
        self.origin = Origin()
        self.origin.pages = {f"/{n}.jpg": (200, FRESH, pictures.photo(80 + n, 400, 300)) for n in range(ORIGINS)}
        self.daemon = Daemon(folder / "data", "--hot-cache-size", "0", "--source-entries", "0", "--imgproxy-sources",
                             self.origin.url + "/", "--imgproxy-private-sources").start()
        photos = (pictures.photo(90, 900, 700), pictures.photo(91, 3000, 2000))  # the second one has levels
        assets = [self.daemon.upload(photo).headers["Albumen-Asset"] for photo in photos]
        until(lambda: self.daemon.metric("albumen_jobs_busy") == 0, "all is warm")
        self.paths = [f"/api/assets/{asset}/thumbnail?size={size}" for asset in assets for size in SIZES]
        self.paths += [self.remote(n, width) for n in range(ORIGINS) for width in (60, 90)]
        self.good = {path: self.ask(path) for path in self.paths}

    def remote(self, name, width):
        return f"/imgproxy/unsafe/w:{width}/plain/{self.origin.url}/{name}.jpg"

    def ask(self, path):
        answer = self.daemon.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.content

    def is_well(self):
        for path in self.paths:
            assert self.ask(path) == self.good[path], path
        return True

    def keeps_all(self):
        """What was asked for once is not made again."""
        assert self.is_well()
        made = self.daemon.metric("albumen_render_misses_total")
        assert self.is_well()
        return self.daemon.metric("albumen_render_misses_total") == made

    def purge(self, source):
        return requests.post(self.daemon.url + "/cache/purge", params={"source": source}, timeout=300,
                             headers={"x-api-key": self.daemon.key}).status_code

    def change(self, name, version):
        """A source that changes: who has been told that it was purged never sees the one before. Whether it was told."""
        width, height = 40 + version % 60, 40 + version // 60
        self.origin.pages[f"/{name}.jpg"] = (200, FRESH, pictures.photo(7, width, height))
        if self.purge(f"{self.origin.url}/{name}.jpg") != 200:
            return False
        for _ in range(2):
            assert pictures.size_of(self.ask(self.remote(name, 0))) == (width, height), (name, version)
        return True


def test_any_byte_of_any_cache_file_while_it_is_served(tmp_path):
    house, dice = House(tmp_path), random.Random(6)
    daemon, wrong, over, told = house.daemon, [], threading.Event(), []

    def client(n):
        mine = random.Random(n)
        try:
            for version in range(ASKS):
                path = mine.choice(house.paths)
                if house.ask(path) != house.good[path]:
                    wrong.append(path)
                if version % 4 == 0:
                    told.append(house.change(f"changing{n}", version))
        except (AssertionError, requests.RequestException) as e:
            wrong.append(e)

    def vandal():
        while not over.wait(0.01):
            harm(daemon, dice)

    clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    bad = threading.Thread(target=vandal)
    for thread in (*clients, bad):
        thread.start()
    for thread in clients:
        thread.join()
    over.set()
    bad.join()
    assert not wrong, wrong[:5]
    assert any(told) and daemon.metric("albumen_cache_corrupt_total") > 0

    until(house.keeps_all, "it has healed")
    until(lambda: house.change("changing", 1), "and purges")
    assert daemon.get("/health").json() == {"status": "ok"} and daemon.metric("albumen_cache_faults") == 0
    daemon.stop()
    for again in range(3):  # and all of it while nobody serves
        for path in cache_files(daemon):
            how = (flip, cut, zero)[again]
            how(path, dice)
        daemon.start()
        assert house.is_well()
        until(house.keeps_all, "it has healed")
        assert house.change("changing", 2 + again)
        daemon.kill9()
    daemon.start()
    assert house.is_well()
    daemon.command("check", "--data", daemon.data, check=False)  # takes away what nobody asks for any more
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout
    until(house.keeps_all, "and it keeps things again")
    daemon.stop()
    house.origin.close()
