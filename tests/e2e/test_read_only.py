# SPDX-License-Identifier: Apache-2.0
"""Disks that the kernel makes read-only while they are in use, for real: by a remount where no file is open for writing (it is
refused else: EBUSY), and by itself after an error, which takes the right to write from open files too."""
import itertools
import os
import pathlib
import subprocess
import threading

import pictures
import pytest
import requests
from imagor_daemon import Imagor
from imgproxy import Origin
from imgproxy_daemon import until

FRESH = {"Cache-Control": "max-age=86400"}
HIT, PUT = (f'albumen_stored_files_total{{result="{how}"}}' for how in ("hit", "put"))
SHELVES = {name: f'albumen_storage_trouble{{storage="{name}",doing="write"}}' for name in ("file-storage", "file-result-storage")}
WHY = "Read-only file system"


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.close()


class Crowd:
    """Clients that go on asking, each for another picture every time, until they are told to stop: every answer is right."""

    def __init__(self, ask, count=3):
        self.wrong, self.asked, self.over = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self._go_on, args=(ask, n, count)) for n in range(count)]

    def _go_on(self, ask, n, count):
        try:
            for width in range(100 + n, 100000, count):
                if self.over.is_set():
                    return
                ask(width)
                self.asked += 1
        except (AssertionError, requests.RequestException) as e:
            self.wrong.append(e)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def goes_on(self, answers=5):
        """So many more answers, begun or not."""
        enough = self.asked + answers
        until(lambda: self.asked >= enough or self.wrong, "answers go on")
        assert not self.wrong, self.wrong[:3]


def health(server):
    answer = server.get("/healthcheck")
    assert answer.status_code == 200
    return answer.text


# ---- a remount ----

@pytest.fixture
def disk(tmp_path):
    """A file system that can be remounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder)
    if made.returncode != 0:
        pytest.skip("no mount here: " + made.stderr)
    yield folder
    run("umount", "-l", folder)


def remount(folder, how):
    """Between two files that are being written: with one open the kernel says EBUSY."""
    until(lambda: run("mount", "-o", "remount," + how, folder).returncode == 0, "it is remounted " + how)


def kept(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file() and ".albumen" not in p.parts)


def test_storages_of_imagor_are_remounted(tmp_path, disk, origin):
    """Sources and results come from it while it cannot be written to, new ones are made, both troubles are told and end."""
    pages = origin.pages = {f"/{n}.jpg": (200, FRESH, pictures.photo(n, 200, 150)) for n in range(9)}
    results, sources = disk / "results", disk / "sources"
    with Imagor(tmp_path, f"-file-storage-base-dir={sources}", f"-file-result-storage-base-dir={results}") as s:

        def ask(width, page=0):
            answer = s.get(f"/unsafe/{width}x40/{origin.url}/{page}.jpg")
            assert answer.status_code == 200 and pictures.size_of(answer.content) == (width, 40), answer.text
            return answer.content

        def troubles():
            return [s.count(name) for name in SHELVES.values()]

        good = ask(50)
        until(lambda: len(kept(results)) == 1 and len(kept(sources)) == 1, "both are kept")
        with Crowd(ask) as crowd:
            for round in range(2):
                until(lambda: troubles() == [0, 0] and health(s) == "", "it is well")
                remount(disk, "ro")
                before = kept(disk)
                ask(51 + round, page=1 + round)  # a source that is not kept yet
                until(lambda: troubles() == [1, 1] and all(f"{name} cannot be written: {WHY}" in health(s) for name in SHELVES),
                      "both are told of")
                stored = s.count(HIT)
                assert ask(50) == good
                assert s.count(HIT) > stored
                crowd.goes_on()
                assert kept(disk) == before
                remount(disk, "rw")
                ask(53 + round, page=3 + round)
                until(lambda: troubles() == [0, 0], "it is healed by what is put")
                crowd.goes_on()
        assert ask(50) == good and not crowd.wrong
        until(lambda: len(kept(sources)) >= 1 + 2 and len(kept(results)) > len(before), "and things are kept")
        s.stop()
    assert not [p for p in disk.glob("*/.albumen/**/*") if p.is_file()] and len(pages) == 9


# ---- an error of the file system ----

class Image:
    """A file system in a file, which the kernel makes read-only when it has found an error in it."""

    def __init__(self, home):
        self.file, self.folder = home / "image", home / "mounted"
        self.folder.mkdir()
        with self.file.open("wb") as f:
            f.truncate(32 << 20)
        assert run("mkfs.ext4", "-q", "-F", self.file).returncode == 0

    def mount(self):
        return run("mount", "-o", "loop,errors=remount-ro", self.file, self.folder)

    def trigger(self):
        device = run("findmnt", "-n", "-o", "SOURCE", self.folder).stdout.strip()
        return pathlib.Path("/sys/fs/ext4") / pathlib.Path(device).name / "trigger_fs_error"

    def error(self):
        """As if it had met damage of its own."""
        self.trigger().write_text("1")

    def repair(self):
        run("umount", self.folder)
        assert run("fsck.ext4", "-f", "-y", self.file).returncode in (0, 1)
        assert self.mount().returncode == 0


@pytest.fixture
def image(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    made = Image(tmp_path)
    mounted = made.mount()
    if mounted.returncode != 0:
        pytest.skip("no loop devices here: " + mounted.stderr)
    if not os.access(made.trigger(), os.W_OK):
        run("umount", "-l", made.folder)
        pytest.skip("no way to make the kernel find an error here")
    yield made
    run("umount", "-l", made.folder)


def test_a_disk_with_an_error(tmp_path, image, origin):
    """What is kept there is answered from there, the rest from the source; it is told of, and over when the disk is repaired."""
    origin.pages = {f"/{n}.jpg": (200, FRESH, pictures.photo(n, 300, 200)) for n in range(3)}
    s = Imagor(tmp_path, "--cache-dir", image.folder / "cache", "--hot-cache-size", "0",
               f"-file-result-storage-base-dir={image.folder}/results").start()
    good, widths = {}, itertools.count(50)

    def ask(width, page=0):
        answer = s.get(f"/unsafe/{width}x40/{origin.url}/{page}.jpg")
        assert answer.status_code == 200 and pictures.size_of(answer.content) == (width, 40), answer.text
        assert good.setdefault((width, page), answer.content) == answer.content
        return answer.content

    def keeps():
        stored, put = s.count("albumen_cache_stored_total"), s.count(PUT)
        ask(next(widths))
        return s.count("albumen_cache_stored_total") > stored and s.count(PUT) > put

    def faults():
        return s.count("albumen_cache_faults"), s.count(SHELVES["file-result-storage"])

    until(keeps, "pictures are kept, in both")
    assert faults() == (0, 0) and health(s) == ""
    with Crowd(ask) as crowd:
        crowd.goes_on()
        image.error()
        ask(next(widths), page=1)
        until(lambda: min(faults()) >= 1 and all(f"{what}: {WHY}" in health(s) for what in (
            "cache folder cache, write", "file-result-storage cannot be written")), "both are told of")
        for width in range(50, 55):  # what was kept is read
            ask(width)
        crowd.goes_on()
    assert not crowd.wrong, crowd.wrong[:3]
    s.stop()
    image.repair()
    s.start()
    until(keeps, "pictures are kept, in both")
    assert faults() == (0, 0) and health(s) == ""
    for width, page in list(good)[:20]:
        ask(width, page)
    s.stop()
