# SPDX-License-Identifier: Apache-2.0
"""What a client of tusd can see on the wire: requests, told as data, and a runner that writes down the answers.

The same cases run against `albumen tusd` and, if one is at hand, against tusd itself, so that the two can be compared
line by line. What differs from run to run (ids, ports, dates) is replaced by a word.
"""
import re
import socket

IGNORED = {"date", "x-request-id", "connection", "server", "keep-alive"}
TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {**TUS, "Content-Type": "application/offset+octet-stream"}


class Step:
    """One request. `target` may hold {0}, {1} ...: paths of the Locations that earlier steps were given."""

    def __init__(self, method, target, headers=None, body=None, raw_length=True):
        self.method, self.target, self.headers, self.body = method, target, dict(headers or {}), body
        self.raw_length = raw_length


def create(size, **headers):
    return Step("POST", "/files/", {**TUS, "Upload-Length": str(size), **{k.replace("_", "-"): v for k, v in headers.items()}})


def patch(offset, body, target="{0}", **headers):
    return Step("PATCH", target, {**OCTETS, "Upload-Offset": str(offset),
                                  **{k.replace("_", "-"): v for k, v in headers.items()}}, body)


def head(target="{0}"):
    return Step("HEAD", target, TUS)


def read_answer(sock, method):
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return None
        data += more
    top, body = data.split(b"\r\n\r\n", 1)
    lines = top.decode("latin-1").split("\r\n")
    headers = [line.split(": ", 1) if ": " in line else [line.rstrip(":"), ""] for line in lines[1:]]
    length = next((int(v) for k, v in headers if k.lower() == "content-length"), None)
    if method != "HEAD" and length is not None:
        while len(body) < length:
            more = sock.recv(65536)
            if not more:
                break
            body += more
    return int(lines[0].split(" ")[1]), headers, b"" if method == "HEAD" else body


def send(port, step, paths):
    target = step.target
    for i, path in enumerate(paths):
        target = target.replace("{%d}" % i, path)
    lines = [f"{step.method} {target} HTTP/1.1"]
    headers = {"Host": f"127.0.0.1:{port}", **step.headers}
    for name, value in headers.items():
        for i, path in enumerate(paths):
            value = value.replace("{%d}" % i, path)
        lines.append(f"{name}: {value}")
    body = step.body or b""
    if step.body is not None and step.raw_length and "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        sock.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return read_answer(sock, step.method)


def run(port, steps):
    """The answers, as text: status line, headers sorted, body."""
    paths, out = [], []
    for step in steps:
        answer = send(port, step, paths)
        if answer is None:
            out.append(f"{step.method}: closed")
            continue
        status, headers, body = answer
        for name, value in headers:
            if name.lower() == "location":
                paths.append(re.sub(r"^https?://[^/]+", "", value))
        shown = sorted(f"{k.title()}: {v}" for k, v in headers if k.lower() not in IGNORED)
        text = "\n".join([f"{step.method} {status}", *shown, "", body.decode("latin-1")]).rstrip()
        text = re.sub(r"[0-9a-f]{32}", "ID", text).replace(f"127.0.0.1:{port}", "HOST")
        out.append(text)
    return out


BIG = "9" * 30
META = "filename YS50eHQ=,filetype dGV4dC9wbGFpbg=="

CASES = {
    "options": [Step("OPTIONS", "/files/", TUS), Step("OPTIONS", "/files"), Step("OPTIONS", "/files/nothing", TUS)],
    "life": [create(5, Upload_Metadata="filename YS50eHQ="), head(), patch(0, b"ab"), head(), patch(2, b"cde"), head(),
             Step("GET", "{0}"), Step("DELETE", "{0}", TUS), head(), Step("GET", "{0}"), Step("DELETE", "{0}", TUS)],
    "empty": [create(0), head(), Step("GET", "{0}")],
    "without-slash": [Step("POST", "/files", {**TUS, "Upload-Length": "3"}), head()],
    "with-data": [Step("POST", "/files/", {**OCTETS, "Upload-Length": "5"}, b"hello"), head(),
                  Step("POST", "/files/", {**OCTETS, "Upload-Length": "5"}, b"he"), head("{1}")],
    "data-too-long": [Step("POST", "/files/", {**OCTETS, "Upload-Length": "2"}, b"hello")],
    "other-type": [Step("POST", "/files/", {**TUS, "Upload-Length": "5", "Content-Type": "text/plain"}, b"hello"), head()],
    "deferred": [Step("POST", "/files/", {**TUS, "Upload-Defer-Length": "1"}), head(), patch(0, b"ab"), head(),
                 patch(2, b"c", Upload_Length="3"), head()],
    "deferred-wrong": [Step("POST", "/files/", {**TUS, "Upload-Defer-Length": "2"}),
                       Step("POST", "/files/", {**TUS, "Upload-Defer-Length": "1", "Upload-Length": "3"}),
                       Step("POST", "/files/", {**TUS, "Upload-Defer-Length": "1"}), patch(0, b"abc"),
                       patch(3, b"", Upload_Length="2")],
    "no-length": [Step("POST", "/files/", TUS), create("-1"), create("x"), create(BIG)],
    "version": [Step("POST", "/files/", {"Upload-Length": "5"}),
                Step("POST", "/files/", {"Tus-Resumable": "0.2.2", "Upload-Length": "5"}), Step("DELETE", "/files/x")],
    "unknown": [head("/files/nothing"), patch(0, b"a", "/files/nothing"), Step("GET", "/files/nothing"),
                Step("DELETE", "/files/nothing", TUS)],
    "offsets": [create(5), patch(1, b"a"), patch("x", b"a"), patch("-1", b"a"),
                Step("PATCH", "{0}", OCTETS, b"a"), head()],
    "content-type": [create(5), Step("PATCH", "{0}", {**TUS, "Upload-Offset": "0"}, b"a"),
                     Step("PATCH", "{0}", {**TUS, "Upload-Offset": "0", "Content-Type": "text/plain"}, b"a")],
    "too-long": [create(3), patch(0, b"abcd"), head()],
    "complete": [create(3), patch(0, b"abc"), patch(3, b""), patch(3, b"d"), patch(0, b"abc"), head()],
    "methods": [Step("PUT", "/files/", TUS, b""), Step("GET", "/files/", TUS), create(3), Step("PUT", "{0}", TUS, b""),
                Step("POST", "{0}", TUS, b""), Step("HEAD", "/files/", TUS),
                Step("PATCH", "/files/", {**OCTETS, "Upload-Offset": "0"}, b"a"),
                Step("DELETE", "/files/", TUS), Step("DELETE", "/files/"), Step("GET", "/files", TUS)],
    "override": [create(3), Step("POST", "{0}", {**OCTETS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}, b"abc"),
                 Step("POST", "{0}", {**TUS, "X-HTTP-Method-Override": "GET"}, b""),
                 Step("POST", "{0}", {**TUS, "X-HTTP-Method-Override": "OPTIONS"}, b""),
                 Step("POST", "{0}", {**TUS, "X-HTTP-Method-Override": "DELETE"}, b""), head()],
    "metadata": [create(1, Upload_Metadata="a Zm9v"), head(), create(1, Upload_Metadata="flag"), head("{1}"),
                 create(1, Upload_Metadata=""), head("{2}")],
    "metadata-bad": [create(1, Upload_Metadata="a !!!"), head()],
    "download": [create(5, Upload_Metadata=META), patch(0, b"hello"), Step("GET", "{0}", {"Range": "bytes=1-2"}),
                 Step("GET", "{0}", {"Range": "bytes=9-"}), Step("GET", "{0}")],
    "download-types": [create(2, Upload_Metadata="filetype aW1hZ2Uvc3ZnK3htbA=="), patch(0, b"ab"), Step("GET", "{0}"),
                       create(2, Upload_Metadata="filetype bm90IGEgdHlwZQ==,filename YSJiLnR4dA=="),
                       patch(0, b"ab", "{1}"), Step("GET", "{1}"),
                       create(2, Upload_Metadata="filetype aW1hZ2UvcG5n"), patch(0, b"ab", "{2}"), Step("GET", "{2}")],
    "concat": [create(3, Upload_Concat="partial"), create(2, Upload_Concat="partial"), head(), patch(0, b"abc"),
               patch(0, b"de", "{1}"), head(),
               Step("POST", "/files/", {**TUS, "Upload-Concat": "final;{0} {1}"}), head("{2}"), Step("GET", "{2}"),
               patch(5, b"", "{2}"), Step("DELETE", "{2}", TUS)],
    "concat-wrong": [create(3, Upload_Concat="partial"), Step("POST", "/files/", {**TUS, "Upload-Concat": "final;{0}"}),
                     Step("POST", "/files/", {**TUS, "Upload-Concat": "final;/files/nothing"}),
                     Step("POST", "/files/", {**TUS, "Upload-Concat": "final;"}),
                     Step("POST", "/files/", {**TUS, "Upload-Concat": "other", "Upload-Length": "3"})],
    "cors": [Step("OPTIONS", "/files/", {"Origin": "http://a.example", "Access-Control-Request-Method": "POST"}),
             Step("POST", "/files/", {**TUS, "Upload-Length": "3", "Origin": "http://a.example"}),
             Step("HEAD", "/files/nothing", {**TUS, "Origin": "http://a.example"})],
    "greeting-paths": [Step("POST", "/other", {}, b"")],
}
