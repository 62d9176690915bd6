# SPDX-License-Identifier: Apache-2.0
"""Five hundred clients, a third of whom leave at any moment, and origins that do everything wrong: nothing stays behind.

ALB_STORM_SECONDS lengthens it (the promise of the door is ten minutes). What was seen is printed (pytest -s).
"""
import asyncio
import os
import random
import time

import pictures
import pytest
from imgproxy_daemon import Imgproxy, Sources, until, write_photos

SECONDS = float(os.environ.get("ALB_STORM_SECONDS", "20"))
SANITIZED = any(name in os.environ.get("ALB_TEST_BUILD", "") for name in ("asan", "tsan"))
CLIENTS = 500
LEAVING = 0.3
PATIENCE = 120
DECODED = 40 if SECONDS > 60 else 2  # one picture in so many is looked at to its last pixel
HOSTILE = {"hang": "{n}", "early": "{n}", "cut": "{n}", "half": "{n}", "longer": "{n}", "forever": "{n}", "slow": "{n}",
           "loop": "0", "changing": "{n}", "part": "{n}", "status": "500", "text": "1", "broken": "1", "missing": "{n}"}
STATUSES = {200, 404, 422, 429, 502, 503, 504}  # what may be said; 429 and 503 only because so many ask
CERTAIN = {200, 404, 422, 502, 504}
MEMORY = 64 << 20  # what the server may keep more of after the storm than before
FLAGS = ["--hot-cache-size", "4M", "--cache-size", "64M", "--source-cache-size", "32M"]


class Storm:
    """What was seen of it."""

    def __init__(self):
        self.counts, self.health = {}, []

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    def __getitem__(self, what):
        return self.counts.get(what, 0)


@pytest.fixture
def sources():
    server = Sources()
    yield server
    server.stop()


def target(rng, sources):
    options = rng.choice(["rs:fit:{w}:{h}", "rs:fill:{w}:{h}/g:sm", "rs:force:{w}:{h}/el:1", "w:{w}/blur:2", "c:{w}:{h}/rot:90", "t:10/h:{h}"])
    options = options.format(w=rng.randrange(20, 700), h=rng.randrange(20, 500))
    kind = rng.random()
    if kind < 0.35:
        source = f"{sources.url}/photo/{rng.randrange(60)}.jpg"
    elif kind < 0.6:
        source = f"local:///{rng.randrange(3)}.jpg"
    else:
        way = rng.choice(list(HOSTILE))
        source = f"{sources.url}/{way}/" + HOSTILE[way].format(n=rng.randrange(200))
    return f"/x/{options}/plain/{source}" + rng.choice(["", "@webp", "@png", "@avif"])


def look_at(body):
    if body[4:12] != b"ftypavif":  # not every Pillow can read those
        pictures.decoded(body)


async def judge(answer, rng, storm):
    """An answer that was waited for: whole, and what it says it is."""
    status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else "none"
    storm.count(status)
    if status == "none":
        return
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    if len(body) != length:
        storm.count("short")
    elif status == 200 and rng.randrange(DECODED) == 0:
        storm.count("decoded")
        try:
            await asyncio.to_thread(look_at, body)
        except Exception:
            storm.count("no picture")


async def leave(reader, rng, storm):
    """While it queues, downloads, is rendered or is read."""
    try:
        got = await asyncio.wait_for(reader.read(rng.choice([1, 400, 5000])), rng.choice([0.001, 0.05, 0.3, 1, 3]))
        storm.count("left reading" if got else "left at the end")
    except asyncio.TimeoutError:
        storm.count("left waiting")
    except OSError:
        storm.count("left broken")


async def client(port, rng, sources, when, storm):
    while time.monotonic() < when:
        leaves = rng.random() < LEAVING
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            storm.count("refused")
            await asyncio.sleep(0.1)
            continue
        head = f"GET {target(rng, sources)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        if leaves and rng.random() < 0.1:
            head = head[:rng.randrange(len(head))]
        storm.count("leaving" if leaves else "staying")
        try:
            writer.write(head)
            if leaves:
                await leave(reader, rng, storm)
            else:
                await judge(await asyncio.wait_for(reader.read(), PATIENCE), rng, storm)
        except asyncio.TimeoutError:
            storm.count("stuck")
        except OSError:
            storm.count("broken")
        finally:
            if rng.random() < 0.5:
                writer.transport.abort()  # RST
            else:
                writer.close()


async def look_at_health(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return int((await reader.read())[9:12])
    finally:
        writer.close()


async def watcher(port, when, storm):
    while time.monotonic() < when:
        try:
            storm.health.append(await asyncio.wait_for(look_at_health(port), PATIENCE))
        except (asyncio.TimeoutError, OSError, ValueError) as e:
            storm.health.append(repr(e))
        await asyncio.sleep(0.5)


async def blow(server, sources, seconds):
    storm = Storm()
    when = time.monotonic() + seconds
    await asyncio.gather(watcher(server.port, when, storm),
                         *(client(server.port, random.Random(n), sources, when, storm) for n in range(CLIENTS)))
    return storm


def at_rest(server):
    for gauge in ("images_in_progress", "requests_in_progress", "vips_memory_bytes", "workers_utilization",
                  "albumen_darkroom_queued_jobs", "albumen_darkroom_busy_workers"):
        until(lambda: server.metric(gauge) == 0, f"{gauge} is 0 again", PATIENCE)
    until(lambda: server.metric("albumen_http_requests_in_flight") <= 1, "no request is left", PATIENCE)
    until(lambda: server.metric("albumen_http_connections") <= 2, "no connection is left", PATIENCE)


def speed(server, first):
    """The best of some fresh renders, in seconds."""
    best = PATIENCE
    for n in range(first, first + 12):
        begin = time.monotonic()
        answer = server.get(f"/x/rs:force:{701 + n}:501/el:1/plain/local:///1.jpg")  # no client asks for such a size
        assert answer.status_code == 200, answer.text
        best = min(best, time.monotonic() - begin)
    return best


class Held:
    """What the server holds while nobody asks for anything."""

    def __init__(self, server, cache):
        self.fds, self.processes = server.fds(), len(server.children())
        with open(f"/proc/{server.process.pid}/statm") as f:
            self.memory = int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        files = [p for p in (cache / "albumen/imgproxy").rglob("*") if p.is_file()]
        self.temporary = sum("/tmp/" in str(p.relative_to(cache)) for p in files)
        self.disk = sum(p.stat().st_size for p in files)

    def __str__(self):
        return (f"{self.fds} descriptors, {self.processes} processes, {self.memory >> 20} MiB of memory, "
                f"{self.disk >> 20} MiB on disk, {self.temporary} temporary files")


@pytest.mark.alone
def test_storm(tmp_path, sources):
    folder = write_photos(tmp_path / "local")
    with Imgproxy(tmp_path, FLAGS, LOCAL_FILESYSTEM_ROOT=folder, MAX_CLIENTS=4096, TIMEOUT=8, DOWNLOAD_TIMEOUT=3) as server:
        asyncio.run(blow(server, sources, min(60, max(5, SECONDS / 4))))  # now every pool has its size
        at_rest(server)
        normal = speed(server, 0)
        before = Held(server, tmp_path)
        sources.asked.clear()
        storm = asyncio.run(blow(server, sources, SECONDS))
        server.plain("local:///1.jpg", "rs:fit:33:33").raise_for_status()  # at once
        at_rest(server)
        after_speed = speed(server, 100)
        until(lambda: Held(server, tmp_path).fds <= before.fds + 2, f"{before} before, {Held(server, tmp_path)} after", PATIENCE)
        until(lambda: Held(server, tmp_path).processes <= before.processes, "workers of the storm have gone", PATIENCE)
        after = Held(server, tmp_path)
        print(f"\n{SECONDS:.0f} s: {dict(sorted(storm.counts.items(), key=str))}\nhealth: {len(storm.health)} times {set(storm.health)}"
              f"\nbefore: {before}, a render in {normal * 1e3:.0f} ms\nafter:  {after}, a render in {after_speed * 1e3:.0f} ms")

        assert all(sources.asked.get(path) or any(p.startswith(f"/{way}/") for p in sources.asked)
                   for way, path in HOSTILE.items()), sources.asked
        for never in ("none", "stuck", "broken", "refused", "short", "no picture"):
            assert storm[never] == 0, storm.counts
        statuses = {s for s in storm.counts if isinstance(s, int)}
        assert CERTAIN <= statuses <= STATUSES, storm.counts
        assert storm["leaving"] > 0.25 * (storm["leaving"] + storm["staying"]), storm.counts
        assert storm["left waiting"] and storm["left reading"], storm.counts
        assert storm["decoded"] or storm[200] < 10 * DECODED, storm.counts
        assert storm.health and set(storm.health) == {200}, storm.health  # busy all the time, stuck never
        assert after_speed < 10 * normal + 0.5, "the next requests are answered as if nothing had been"
        assert after.temporary == 0 and after.disk < 128 << 20, str(after)
        assert SANITIZED or after.memory < before.memory + MEMORY, f"{before}; {after}"
        server.stop()
