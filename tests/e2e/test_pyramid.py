# SPDX-License-Identifier: Apache-2.0
"""The pyramid: levels of a large photo are made once, answers are the same bytes whether a level was there, gone or
damaged, and nothing of it shows through the doors of other servers."""
import concurrent.futures
import os

import pytest
import requests

import pictures
from daemon import Daemon
from imgproxy_daemon import until
from test_damage import flip, one_original, rewrite
from test_thumbor import sign

KIND_AT, LEVEL = 80, 5  # src/blob/derived.h; the door LEVELS in src/render/render.h
SIZES = ("thumbnail", "preview")
SECRET = "my:secret"


@pytest.fixture(scope="module")
def large():
    return pictures.photo(21, 3600, 2400)


@pytest.fixture(scope="module")
def house(tmp_path_factory, large):
    """A daemon without memory of pictures and with one large photo, whose sizes and levels lie on disk."""
    daemon = Daemon(tmp_path_factory.mktemp("pyramid") / "data", "--hot-cache-size", "0", "--imagor-key", f"admin:{SECRET}")
    daemon.start()
    daemon.asset = daemon.upload(large).headers["Albumen-Asset"]
    until(lambda: daemon.metric("albumen_jobs_busy") == 0 and len(files(daemon)) >= 4, "the photo is warmed")
    nothing_follows(daemon)
    yield daemon
    daemon.stop()


def files(daemon, level=None):
    """Of the result cache: all, or levels only, or all but levels."""
    found = [p for p in (daemon.data / "cache").glob("*/*") if p.is_file()]
    return [p for p in found if level is None or (p.read_bytes()[KIND_AT] >> 4 == LEVEL) == level]


def remove(paths):
    for path in paths:
        path.unlink()


def nothing_follows(daemon):
    """The gauge goes up before the answer is out, so after an answer this waits for all that it has caused."""
    until(lambda: daemon.metric("albumen_pictures_ahead") == 0, "what follows is made")


def get(daemon, size):
    answer = daemon.get(f"/api/assets/{daemon.asset}/thumbnail?size={size}")
    assert answer.status_code == 200, answer.text
    return answer.content


def both(daemon):
    contents = [get(daemon, size) for size in SIZES]
    nothing_follows(daemon)
    return contents


def made(daemon):
    return daemon.metric("albumen_levels_made_total")


def test_levels_are_made_once(house):
    assert len(files(house, level=True)) == 2 and len(files(house, level=False)) == 2
    assert made(house) == 2
    good = both(house)
    assert [pictures.size_of(p) for p in good] == [(512, 341), (1440, 960)]
    remove(files(house, level=False))
    assert both(house) == good
    assert made(house) == 2  # what was gone came from levels
    remove(files(house))
    assert both(house) == good
    assert made(house) == 4
    for one in range(2):  # one of them is gone, whichever
        remove(files(house, level=False))
        remove(files(house, level=True)[one:one + 1])
        assert both(house) == good
    assert made(house) == 6


def test_a_damaged_level_is_made_again(house):
    good, before, corrupt = both(house), made(house), house.metric("albumen_cache_corrupt_total")
    for change in (flip(-20), flip(0), lambda data: data[:-100], lambda data: b"", lambda data: data + b"x"):
        remove(files(house, level=False))
        levels = files(house, level=True)
        assert len(levels) == 2
        for level in levels:
            rewrite(level, change)
        assert both(house) == good
        before += 2
        assert made(house) == before
    assert house.metric("albumen_cache_corrupt_total") > corrupt


def test_the_original_is_not_read_for_further_sizes(house):
    good, original = both(house), one_original(house)
    data = original.read_bytes()
    remove(files(house, level=False))
    os.chmod(original, 0o600)
    rewrite(original, flip(len(data) // 2))
    try:
        assert both(house) == good
        remove(files(house))
        answer = house.get(f"/api/assets/{house.asset}/thumbnail")
        assert answer.status_code == 500  # now it has to be read, and what is damaged is not shown
    finally:
        rewrite(original, lambda _: data)
    assert both(house) == good


def test_a_hundred_at_once(house):
    good, before = dict(zip(SIZES, both(house))), made(house)
    remove(files(house))
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        sizes = [SIZES[n % 2] for n in range(100)]
        for size, content in zip(sizes, pool.map(lambda size: get(house, size), sizes)):
            assert content == good[size]
    nothing_follows(house)
    assert made(house) == before + 2


@pytest.mark.parametrize("first, other", [SIZES, SIZES[::-1]])
def test_the_other_size_follows(house, first, other):
    """Where the photo had to be decoded for the one, the other is made too, and then needs neither photo nor level."""
    good, before, renders = dict(zip(SIZES, both(house))), made(house), house.metric("albumen_render_misses_total")
    remove(files(house))
    assert get(house, first) == good[first]
    nothing_follows(house)
    assert len(files(house, level=True)) == 2 and len(files(house, level=False)) == 2
    assert made(house) == before + 2 and house.metric("albumen_render_misses_total") == renders + 2
    remove(files(house, level=True))
    assert get(house, other) == good[other]
    nothing_follows(house)
    assert made(house) == before + 2 and house.metric("albumen_render_misses_total") == renders + 2
    remove(files(house, level=False))  # the levels are gone too
    assert get(house, other) == good[other]
    nothing_follows(house)
    assert made(house) == before + 4 and get(house, first) == good[first]


def test_not_through_other_doors(house):
    before, used = made(house), house.metric("albumen_levels_used_total")
    for path in ("fit-in/512x512/", "100x100/smart/"):
        answer = requests.get(house.url + "/imagor/" + sign(path + house.asset, SECRET), timeout=60)
        assert answer.status_code == 200
    assert made(house) == before and house.metric("albumen_levels_used_total") == used


def test_a_purge_takes_levels_along(house):
    good, before = both(house), made(house)
    answer = requests.post(house.url + "/cache/purge", params={"source": f"asset://{house.asset}"},
                           headers={"x-api-key": house.key}, timeout=60)
    assert answer.json()["purged"] is True
    until(lambda: not files(house), "all of it goes")
    assert both(house) == good
    assert made(house) == before + 2


def test_switched_off(house):
    good = both(house)
    house.stop()
    house.start("--no-pyramid")
    remove(files(house, level=True))
    direct = both(house)
    assert made(house) == 0 and not files(house, level=True)
    assert direct != good and [pictures.size_of(p) for p in direct] == [pictures.size_of(p) for p in good]
    house.stop()
    house.start()
    assert both(house) == good  # its own, still on disk


def test_small_photos_have_none(daemon):
    asset = daemon.upload(pictures.photo(3, 1700, 1100)).headers["Albumen-Asset"]
    for size in SIZES:
        assert daemon.get(f"/api/assets/{asset}/thumbnail?size={size}").status_code == 200
    until(lambda: daemon.metric("albumen_jobs_busy") == 0, "the photo is warmed")
    assert made(daemon) == 0
