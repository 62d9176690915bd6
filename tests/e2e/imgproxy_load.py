# SPDX-License-Identifier: Apache-2.0
"""Requests that hold what there is, for the tests of who may hold what, and for how long."""
import concurrent.futures
import socket

from imgproxy_daemon import until

ENDLESS = "rs:force:{n}:4000/el:1"  # as AVIF at speed 0: minutes
OTHERS = 8


def ask(server, path, receive=None):
    """A client that has asked, and has read nothing."""
    s = socket.socket()
    if receive:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    s.connect(("127.0.0.1", server.port))
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return s


def endless(server, n, file=0):
    return ask(server, f"/x/{ENDLESS.format(n=4000 + n)}/plain/local:///{file}.jpg@avif")


def fill(server):
    """Every slot has a render that takes minutes."""
    slots = int(server.metric("workers"))
    clients = [endless(server, n) for n in range(slots)]
    until(lambda: server.metric("images_in_progress") == slots, "every slot is taken")
    return clients


def leave(clients):
    for s in clients:
        s.close()


def others(server):
    """More pictures at once than there are slots."""
    with concurrent.futures.ThreadPoolExecutor(OTHERS) as pool:
        asked = [pool.submit(server.plain, f"local:///{n}.jpg", "w:300") for n in range(OTHERS)]
    assert {a.result().status_code for a in asked} == {200}


def serving(server, count):
    until(lambda: server.metric("requests_in_progress") == count, f"{count} requests are there")
