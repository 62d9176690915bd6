# SPDX-License-Identifier: Apache-2.0
"""Five hundred clients, a third of whom leave at any moment, and origins that do everything wrong: nothing stays behind.

ALB_STORM_SECONDS lengthens it (the promise of the door is ten minutes).
"""
import asyncio
import os
import random
import time

import pytest
from imgproxy_daemon import Imgproxy, Sources, raw, until, write_photos

SECONDS = float(os.environ.get("ALB_STORM_SECONDS", "20"))
CLIENTS = 500
LEAVING = 0.3
HOSTILE = ["hang/{n}", "early/{n}", "cut/{n}", "half/{n}", "longer/{n}", "forever/{n}", "slow/{n}", "loop/0", "changing/{n}",
           "part/{n}", "status/500", "status/404", "text/1", "broken/1"]


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
        source = f"{sources.url}/" + rng.choice(HOSTILE).format(n=rng.randrange(200))
    return f"/x/{options}/plain/{source}" + rng.choice(["", "@webp", "@png", "@avif"])


async def client(port, rng, sources, until_when, counts):
    while time.monotonic() < until_when:
        leaves = rng.random() < LEAVING
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            counts["refused"] = counts.get("refused", 0) + 1
            await asyncio.sleep(0.1)
            continue
        try:
            head = f"GET {target(rng, sources)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            if leaves and rng.random() < 0.1:
                head = head[:rng.randrange(len(head))]
            writer.write(head)
            if leaves:  # while it queues, downloads, is rendered or is read
                await asyncio.wait_for(reader.read(rng.choice([1, 400, 5000])), rng.choice([0.001, 0.05, 0.3, 1, 3]))
                counts["left"] = counts.get("left", 0) + 1
            else:
                answer = await asyncio.wait_for(reader.read(), 120)
                status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
                counts[status] = counts.get(status, 0) + 1
                if b"\r\n\r\n" in answer and status == 200:
                    head, body = answer.split(b"\r\n\r\n", 1)
                    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                    counts["short"] = counts.get("short", 0) + (len(body) != length)
        except asyncio.TimeoutError:
            counts["left" if leaves else "stuck"] = counts.get("left" if leaves else "stuck", 0) + 1
        except OSError:
            counts["broken"] = counts.get("broken", 0) + 1
        finally:
            if rng.random() < 0.5:
                writer.transport.abort()  # RST
            else:
                writer.close()


async def watcher(port, until_when, seen):
    while time.monotonic() < until_when:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        seen.append(int((await reader.read())[9:12]))
        writer.close()
        await asyncio.sleep(0.5)


async def storm(server, sources, seconds):
    counts, seen = {}, []
    when = time.monotonic() + seconds
    await asyncio.gather(watcher(server.port, when, seen),
                         *(client(server.port, random.Random(n), sources, when, counts) for n in range(CLIENTS)))
    return counts, seen


def at_rest(server):
    until(lambda: server.metric("images_in_progress") == 0, "all slots are free", 120)
    until(lambda: server.metric("requests_in_progress") == 0, "no request is left", 120)
    until(lambda: server.metric("albumen_http_requests_in_flight") <= 1, "nor in http", 120)


def test_storm(tmp_path, sources):
    folder = write_photos(tmp_path / "local")
    with Imgproxy(tmp_path, LOCAL_FILESYSTEM_ROOT=folder, MAX_CLIENTS=4096, TIMEOUT=8, DOWNLOAD_TIMEOUT=3) as server:
        asyncio.run(storm(server, sources, min(3, SECONDS)))  # now every pool has its size
        at_rest(server)
        fds, children = server.fds(), len(server.children())
        counts, seen = asyncio.run(storm(server, sources, SECONDS))
        assert counts.get(200, 0) > 0 and counts.get("left", 0) > 0, counts
        assert not counts.get("stuck") and not counts.get("short") and not counts.get(500) and not counts.get(0), counts
        assert set(seen) == {200}, seen  # busy all the time, stuck never
        answer = raw(server.port, b"GET /x/rs:fit:33:33/plain/local:///1.jpg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 "), answer[:300]
        at_rest(server)
        until(lambda: server.fds() <= fds + 8, f"descriptors: {fds} before, {server.fds()} after", 60)
        until(lambda: len(server.children()) <= children + 1, f"processes: {children} before, {len(server.children())} after", 60)
        server.stop()
