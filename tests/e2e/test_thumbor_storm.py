# SPDX-License-Identifier: Apache-2.0
"""A hundred clients of the thumbor door, a third of whom leave at any moment, with sources that do everything wrong: what
is answered is whole and may be said, and nothing stays behind. ALB_STORM_SECONDS lengthens it."""
import asyncio
import os
import random
import time
import urllib.parse

import pictures
import pytest
import requests
from imgproxy_daemon import Sources, until, write_photos
from test_thumbor import House, sign

SECONDS = float(os.environ.get("ALB_STORM_SECONDS", "5"))
CLIENTS = 100
LEAVING = 0.3
PATIENCE = 120
HOSTILE = ["hang", "early", "cut", "half", "longer", "forever", "slow", "changing", "missing", "text"]
STATUSES = {200, 400, 404, 406, 408, 410, 422, 429, 502, 503}


def target(rng, house, sources):
    path = rng.choice(["{w}x{h}/smart/", "fit-in/{w}x{h}/", "{w}x{h}/filters:blur(3):fill(red)/", "stretch/{w}x{h}/", "meta/{w}x{h}/",
                       "{w}x{h}/filters:format(webp):watermark({mark},0,0,50,30,30)/", "filters:raw()/",
                       "{w}x{h}/filters:expire(1)/", "trim/10x10:90x60/{w}x/filters:rotate(90):format(png)/"])
    mark = urllib.parse.quote(f"{sources.url}/photo/{rng.randrange(4)}.jpg", safe="")
    path = path.format(w=rng.randrange(10, 400), h=rng.randrange(10, 300), mark=mark)
    kind = rng.random()
    if kind < 0.3:
        image = rng.choice([house.flat, "asset://" + house.photo, house.film])
    elif kind < 0.4:
        image = rng.choice(["color:red", "color:none", "local:///1.jpg", "local:///nobody.jpg"])
    elif kind < 0.65:
        image = f"{sources.url}/photo/{rng.randrange(20)}.jpg"
    else:
        image = f"{sources.url}/{rng.choice(HOSTILE)}/{rng.randrange(1, 100)}"
    return "/imagor/" + sign(path + image)


class Storm:
    def __init__(self):
        self.counts = {}

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1


async def judge(answer, storm, path):
    status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else "none"
    storm.count(status)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if status == "none" or len(body) != int(lines[b"content-length"]):
        storm.count("short")
    elif status == 200 and "raw()" not in path and lines[b"content-type"] in (b"image/jpeg", b"image/png"):
        try:
            await asyncio.to_thread(pictures.decoded, body)
        except Exception:
            storm.count("no picture: " + path)
    elif status != 200 and not body.startswith(b'{"message":"'):
        storm.count("no words: " + path)


async def client(port, rng, house, sources, when, storm):
    while time.monotonic() < when:
        leaves = rng.random() < LEAVING
        path = target(rng, house, sources)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            storm.count("refused")
            await asyncio.sleep(0.1)
            continue
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        if leaves and rng.random() < 0.1:
            head = head[:rng.randrange(len(head))]
        try:
            writer.write(head)
            if leaves:
                storm.count("left")
                try:
                    await asyncio.wait_for(reader.read(rng.choice([1, 400, 5000])), rng.choice([0.001, 0.05, 0.3, 1]))
                except asyncio.TimeoutError:
                    pass
            else:
                await judge(await asyncio.wait_for(reader.read(), PATIENCE), storm, path)
        except asyncio.TimeoutError:
            storm.count("stuck")
        except OSError:
            storm.count("left broken" if leaves else "broken")
        finally:
            if rng.random() < 0.5:
                writer.transport.abort()  # RST
            else:
                writer.close()


async def blow(house, sources, seconds):
    storm, when = Storm(), time.monotonic() + seconds
    port = int(house.daemon.url.rsplit(":", 1)[1])
    await asyncio.gather(*(client(port, random.Random(n), house, sources, when, storm) for n in range(CLIENTS)))
    return storm


def at_rest(house):
    for gauge in ("albumen_darkroom_queued_jobs", "albumen_darkroom_busy_workers"):
        until(lambda: house.daemon.metric(gauge) == 0, f"{gauge} is 0 again", PATIENCE)
    until(lambda: house.daemon.metric("albumen_http_requests_in_flight") <= 1, "no request is left", PATIENCE)
    until(lambda: house.daemon.metric("albumen_http_connections") <= 2, "no connection is left", PATIENCE)


@pytest.mark.alone
def test_storm(tmp_path):
    sources = Sources()
    root = write_photos(tmp_path / "local")
    house = House(tmp_path, "--imagor-sources", sources.url[7:], "--imagor-private-sources", "--local-root", str(root),
                  "--source-timeout", "3s")
    try:
        asyncio.run(blow(house, sources, SECONDS / 2))  # now every pool has its size
        at_rest(house)
        fds = house.daemon.fds()
        storm = asyncio.run(blow(house, sources, SECONDS))
        at_rest(house)
        until(lambda: house.daemon.fds() <= fds + 8, f"{fds} descriptors before, {house.daemon.fds()} after", PATIENCE)
        assert requests.get(house.daemon.url + "/health", timeout=PATIENCE).status_code == 200
        assert house.get("44x33/" + house.flat).status_code == 200
        print(dict(sorted(storm.counts.items(), key=str)))
        statuses = {s for s in storm.counts if isinstance(s, int)}
        assert statuses <= STATUSES and 200 in statuses, storm.counts
        assert not {s for s in storm.counts if isinstance(s, str)} - {"left", "left broken"}, storm.counts
    finally:
        sources.stop()
        house.daemon.stop()
