# SPDX-License-Identifier: Apache-2.0
"""Nothing of the library without a session or a key: every route of the program, asked by everybody who has none.

The routes are read from the doors' own tables, so a new one is asked from its first day on."""
import json
import re
import time

import pytest
import requests

import pictures
from daemon import PASSWORD, ROOT, Daemon

# What everybody may ask: facts about the server, and the ways in. Everything else needs a credential.
OPEN = {("GET", "/health"), ("GET", "/.well-known/immich"), ("GET", "/api/server/ping"), ("GET", "/api/server/version"),
        ("GET", "/api/server/features"), ("GET", "/api/server/config"), ("GET", "/api/server/media-types"),
        ("POST", "/api/auth/login"), ("POST", "/api/auth/admin-sign-up")}
BIT = {"ALB_M_" + m: m for m in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
# Tables that are put together at the start (the place of uploads is an option elsewhere): every method is asked of them, and
# one that is none of theirs is not found or not allowed.
BUILT_IN = {ROOT / "src/doors" / name / "door.c" for name in ("tus", "imgproxy", "thumbor")}
BUILT = {(method, path) for path in ("/files", "/files/", "/files/{id}") for method in
         ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}
PICTURES = {(method, "/imgproxy/" + path + "/plain/asset://{id}") for method in ("GET", "HEAD") for path in
            ("unsafe/rs:fit:50:50", "unsafe/raw:1", "_/wmu:x", "info/unsafe/size:1")}
PICTURES |= {(method, f"/imagor/{path}/asset://{{id}}") for method in ("GET", "HEAD") for path in
             ("unsafe/fit-in/50x50", "50x50", "unsafe/filters:raw()", "A" * 27 + "=/50x50",
              "unsafe/filters:watermark(asset://{id},0,0,0)")}
NAME = "a name that nobody else may read.jpg"


def routes():
    found = set()
    for file in (ROOT / "src/doors").rglob("*.c"):
        text = file.read_text()
        for table in re.findall(r"struct alb_route \w+\[\]\s*=\s*\{(.*?)\n\};", text, re.S):
            rows = re.findall(r'\{\s*"(/[^"]*)",\s*([A-Z_| \n]+?),', table)
            assert len(rows) == len(re.findall(r"^    \{", table, re.M)), f"{file}: a route that is not understood"
            for pattern, methods in rows:
                for bit in methods.replace("\n", " ").split("|"):
                    found.add((BIT[bit.strip()], pattern))
                    if bit.strip() == "ALB_M_GET":
                        found.add(("HEAD", pattern))
    return sorted(found)


ROUTES = sorted({*routes(), *BUILT, *PICTURES})


def is_open(method, pattern):
    return method == "OPTIONS" or (("GET" if method == "HEAD" else method), pattern) in OPEN


CLOSED = [r for r in ROUTES if not is_open(*r)]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A library with a photo and an unfinished upload of the administrator, and people who may see neither."""
    daemon = Daemon(tmp_path_factory.mktemp("strangers") / "data").start()
    daemon.asset = daemon.upload(pictures.photo(7, exif=pictures.exif()), filename=NAME).headers["Albumen-Asset"]
    assert daemon.get(f"/api/assets/{daemon.asset}/thumbnail").status_code == 200  # also in memory now
    begun = requests.post(daemon.url + "/files/", timeout=60, headers={
        "x-api-key": daemon.key, "Tus-Resumable": "1.0.0", "Upload-Length": "1000"})
    daemon.upload_path = begun.headers["Location"].removeprefix(daemon.url)
    daemon.checksum = daemon.get(f"/api/assets/{daemon.asset}").json()["checksum"]
    yield daemon
    assert daemon.get(f"/api/assets/{daemon.asset}").json()["isTrashed"] is False
    head = requests.head(daemon.url + daemon.upload_path, headers={"x-api-key": daemon.key, "Tus-Resumable": "1.0.0"})
    assert head.headers["Upload-Offset"] == "0"
    daemon.stop()


def key_of(daemon, user, *more):
    return daemon.command("key", "new", "--data", daemon.data, "--user", user, *more).stdout.strip()


def sign_in(daemon, user, password):
    answer = requests.post(daemon.url + "/api/auth/login", json={"email": user, "password": password}, timeout=60)
    assert answer.status_code == 201, answer.text
    return answer.json()["accessToken"]


def ask(daemon, method, pattern, **kwargs):
    """One request of that route about the administrator's photo or upload."""
    path = pattern
    if pattern.startswith("/files"):
        path = daemon.upload_path if "{" in pattern else pattern
    path = re.sub(r"\{\w+\*?\}", daemon.asset, path)
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Offset": "0",
               "Content-Type": "application/offset+octet-stream" if path.startswith("/files") else "application/json"}
    body = None if method in ("GET", "HEAD", "OPTIONS") else json.dumps({
        "ids": [daemon.asset], "force": True, "isFavorite": True, "description": "x", "password": "another one",
        "assets": [{"id": "x", "checksum": daemon.checksum}], "originalFileName": NAME})
    params = {"timeBucket": "2021-07-01", "size": "preview"} | kwargs.pop("params", {})
    return requests.request(method, daemon.url + path, data=body, params=params, timeout=60, allow_redirects=False,
                            headers=headers | kwargs.pop("headers", {}), **kwargs)


def tells_nothing(daemon, answer):
    assert NAME.encode() not in answer.content and daemon.asset.encode() not in answer.content.replace(
        answer.request.url.encode(), b""), answer.text
    assert b"\xff\xd8\xff" not in answer.content[:3]
    for header in ("Upload-Offset", "Upload-Length", "Location", "Albumen-Asset", "Set-Cookie"):
        assert header not in answer.headers, (answer.request.url, header)


def test_the_tables_are_all_read():
    assert {p.split("/")[1] for _, p in ROUTES} >= {"api", "files", "health", "metrics", ".well-known"}
    assert OPEN <= set(ROUTES) and len(CLOSED) > 25
    sources = [f.read_text() for f in (ROOT / "src/doors").rglob("*.c")]
    tables = {t for text in sources for t in re.findall(r"struct alb_route (\w+)\[\]", text)}
    used = {t for text in sources for t in re.findall(r"alb_http_routes\(\w+,\s*&\w+,\s*(\w+)", text)}
    assert used and used <= tables | {"routes"}
    built = {f for f in (ROOT / "src/doors").rglob("*.c") if "(struct alb_route){" in f.read_text()}
    assert built == BUILT_IN, "a table of another kind: ask its routes too"
    assert {"GET", "PATCH", "DELETE", "HEAD"} <= {m for m, p in CLOSED if p == "/files/{id}"}


@pytest.mark.parametrize("method,pattern", CLOSED)
def test_without_a_credential(house, method, pattern):
    answer = ask(house, method, pattern)
    refused(house, method, pattern, answer, 401)


def refused(daemon, method, pattern, answer, *expected):
    expected += (404, 405) if (method, pattern) in BUILT else ()
    assert answer.status_code in expected, (method, pattern, answer.status_code, answer.text)
    tells_nothing(daemon, answer)


def dead_credentials(daemon):
    """name -> (headers, query) of everything that once was right, or never."""
    revoked = key_of(daemon, "admin", "--name", "lost")
    listed = daemon.command("key", "list", "--data", daemon.data).stdout
    number = next(line.split()[0] for line in listed.splitlines() if " lost " in line)
    assert requests.get(daemon.url + "/api/users/me", headers={"x-api-key": revoked}).status_code == 200
    daemon.command("key", "revoke", number, "--data", daemon.data)
    over = key_of(daemon, "admin", "--expires", "1ms")
    left = sign_in(daemon, "admin", PASSWORD)
    assert requests.get(daemon.url + "/api/users/me", headers={"Authorization": f"Bearer {left}"}).status_code == 200
    assert requests.post(daemon.url + "/api/auth/logout", headers={"Authorization": f"Bearer {left}"}).status_code == 200
    daemon.command("user", "add", "cora", "--data", daemon.data, input="cora's first\n")
    ended = sign_in(daemon, "cora", "cora's first")
    daemon.command("user", "passwd", "cora", "--data", daemon.data, input="cora's second\n")
    good = daemon.key
    found = {}
    for name, token in (("wrong", "alb_" + "A" * 43), ("revoked", revoked), ("over", over), ("signed out", left),
                        ("password changed", ended), ("empty", ""), ("cut", good[:-1]), ("longer", good + "A"),
                        ("prefix", "alb_"), ("begun otherwise", "x" + good), ("other case", good.swapcase()),
                        ("hash", daemon.checksum)):
        places = {"x-api-key": ({"x-api-key": token}, {}), "bearer": ({"Authorization": f"Bearer {token}"}, {}),
                  "cookie": ({"Cookie": f"immich_access_token={token}"}, {}), "query": ({}, {"apiKey": token}),
                  "session": ({}, {"sessionKey": token}), "immich": ({"x-immich-user-token": token}, {})}
        for place in (places if name in ("wrong", "revoked", "signed out") else ("x-api-key", "cookie")):
            found[f"{name} in {place}"] = places[place]
    found["basic"] = ({"Authorization": "Basic YWRtaW46Y29ycmVjdA=="}, {})
    found["a right key behind a wrong one"] = ({"x-api-key": "alb_" + "A" * 43, "Authorization": f"Bearer {good}"}, {})
    return found


def test_with_dead_credentials(house):
    for name, (headers, params) in dead_credentials(house).items():
        some = CLOSED if name in ("wrong in x-api-key", "revoked in x-api-key", "signed out in cookie") else CLOSED[::5]
        for method, pattern in some:
            answer = ask(house, method, pattern, headers=headers, params=params)
            assert answer.status_code != 403, name
            refused(house, method, pattern, answer, 401)


def test_somebody_else(house):
    """Another user, with a key that may everything: the administrator's things are not there."""
    house.command("user", "add", "ben", "--data", house.data, input="the password of ben\n")
    for headers in ({"x-api-key": key_of(house, "ben")}, {"Authorization": f"Bearer {sign_in(house, 'ben', 'the password of ben')}"}):
        for method, pattern in CLOSED:
            if pattern == "/api/auth/logout":
                continue  # is the end of ben's session
            answer = ask(house, method, pattern, headers=headers)
            if "{" in pattern:
                refused(house, method, pattern, answer, 403, 404)
            elif pattern == "/metrics":
                assert answer.status_code == 403
            else:
                assert answer.status_code < 500, (method, pattern, answer.text)
                if not pattern.startswith("/files"):
                    tells_nothing(house, answer)
                else:  # a new upload of ben's own
                    assert house.upload_path not in answer.headers.get("Location", "")


def test_a_key_that_may_nothing(house):
    headers = {"x-api-key": key_of(house, "admin", "--permissions", "nothing.at.all")}
    free = {"/api/api-keys/me", "/api/server/about", "/api/auth/logout", "/metrics"}  # who am I, and the operator's door
    for method, pattern in CLOSED:
        if pattern not in free:
            answer = ask(house, method, pattern, headers=headers)
            refused(house, method, pattern, answer, 403)


# ---- cookies and other sites ----

OWN, PUBLIC = "{own}", "https://photos.example"
# (headers of the browser, may it change something with the cookie?), {own} = the origin of the server that was asked
SITES = [({}, True), ({"Origin": OWN}, True), ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True),
         ({"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, True), ({"Origin": "https://evil.example"}, False),
         ({"Origin": "null"}, False), ({"Origin": ""}, False), ({"Origin": OWN + "0"}, False), ({"Origin": OWN + ".evil.example"}, False),
         ({"Origin": OWN + "/"}, False), ({"Origin": "evil://"}, False), ({"Origin": "://"}, False),
         ({"Origin": OWN + " https://evil.example"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
         ({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, False), ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
         ({"Origin": "https://other.photos.example", "Sec-Fetch-Site": "same-site"}, False)]
PROXIED = [({"Origin": PUBLIC}, True), ({"Origin": "HTTPS://PHOTOS.example"}, True), ({"Origin": "http://photos.example"}, False),
           ({"Origin": PUBLIC + ":8443"}, False), ({"Origin": PUBLIC + ".evil.example"}, False), ({"Origin": "https://photos.exampl"}, False),
           ({"Origin": PUBLIC + "/"}, False), ({"Origin": "https://app.example"}, False)]


def check_sites(daemon, sites, public):
    http = requests.Session()
    http.headers["Cookie"] = f"immich_access_token={sign_in(daemon, 'admin', PASSWORD)}"
    for headers, may in sites:
        headers = {k: v.replace(OWN, daemon.url) for k, v in headers.items()}
        for method, path in (("PUT", "/api/assets"), ("DELETE", "/api/assets"), ("POST", "/api/trash/restore/assets")):
            answer = http.request(method, daemon.url + path, json={"ids": [], "isFavorite": True}, headers=headers, timeout=60)
            assert (answer.status_code < 300) is may and (may or answer.status_code == 403), (public, method, headers, answer.text)
        assert http.get(daemon.url + "/api/users/me", headers=headers, timeout=60).status_code == 200  # CORS hides it from others
        answer = requests.post(daemon.url + "/api/auth/login", json={"email": "admin", "password": PASSWORD}, headers=headers, timeout=60)
        assert (answer.status_code == 201) is may and ("Set-Cookie" in answer.headers) is may, (public, headers, answer.text)
        key = requests.put(daemon.url + "/api/assets", json={"ids": [], "isFavorite": True}, timeout=60,
                           headers=headers | {"x-api-key": daemon.key})
        assert key.status_code == 204, (headers, key.text)  # no browser adds a key by itself


def test_cookies_of_other_sites(tmp_path):
    daemon = Daemon(tmp_path / "data").start()
    check_sites(daemon, SITES, "")
    check_sites(daemon, [({"Origin": PUBLIC}, False)], "")
    daemon.stop()
    for public in (PUBLIC, PUBLIC + "/", PUBLIC + "/under/a/path"):  # a proxy before it: also that name is ours
        daemon.start("--public-url", public, "--cors-origin", "https://app.example")
        check_sites(daemon, SITES + PROXIED if public == PUBLIC else PROXIED[:3], public)
        daemon.stop()


def test_cookies_behind_a_proxy(tmp_path):
    """What the proxy says of the host counts when the proxy is trusted, and only then."""
    daemon = Daemon(tmp_path / "data").start("--trusted-proxy", "127.0.0.1")
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "photos.example", "X-Forwarded-For": "203.0.113.9"}
    answer = requests.post(daemon.url + "/api/auth/login", json={"email": "admin", "password": PASSWORD}, timeout=60,
                           headers=forwarded | {"Origin": PUBLIC})
    assert answer.status_code == 201 and "Secure" in answer.headers["Set-Cookie"]
    cookie = {"Cookie": f"immich_access_token={answer.json()['accessToken']}"}
    body = {"ids": [], "isFavorite": True}
    put = lambda **headers: requests.put(daemon.url + "/api/assets", json=body, timeout=60, headers=cookie | headers).status_code  # noqa: E731
    assert put(**forwarded, Origin=PUBLIC) == 204
    assert put(**forwarded, Origin=daemon.url) == 403
    assert put(Origin=PUBLIC) == 403
    daemon.stop()
    daemon.start()
    assert put(**forwarded, Origin=PUBLIC) == 403
    assert put(**forwarded, Origin=daemon.url) == 204
    daemon.stop()


# ---- guessing ----

def test_guessing_is_slowed_down(tmp_path):
    daemon = Daemon(tmp_path / "data").start("--trusted-proxy", "127.0.0.1", "--sign-in-tries", "3", "--sign-in-delay", "1s")

    def attempt(user, password, address):
        return requests.post(daemon.url + "/api/auth/login", json={"email": user, "password": password}, timeout=60,
                             headers={"X-Forwarded-For": address})
    token = sign_in(daemon, "admin", PASSWORD)
    for user in ("admin", "nobody"):  # told apart by nothing
        codes = [attempt(user, "wrong", "192.0.2.1").status_code for _ in range(3)]
        assert codes == [401, 401, 401]
    assert attempt("admin", PASSWORD, "192.0.2.2").status_code == 201  # from elsewhere, as ever
    seen = {}
    for user in ("admin", "nobody"):
        answers = [attempt(user, "wrong", "192.0.2.1") for _ in range(8)]  # some of them within the second after a wrong one
        refused = [a for a in answers if a.status_code == 429]
        assert refused and all(a.status_code in (401, 429) for a in answers)
        assert refused[0].headers["Retry-After"] == "1"
        seen[user] = json.loads(refused[0].text) | {"correlationId": ""}
    assert seen["admin"] == seen["nobody"]
    assert requests.get(daemon.url + "/api/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    deadline = time.monotonic() + 60  # and who knows the password comes in after the wait that was told
    while (answer := attempt("admin", PASSWORD, "192.0.2.1")).status_code == 429:
        assert time.monotonic() < deadline
    assert answer.status_code == 201
    text = daemon.get("/metrics").text
    assert int(re.search(r'albumen_sign_ins_total\{result="wrong"\} (\d+)', text)[1]) >= 6
    assert int(re.search(r'albumen_sign_ins_total\{result="too_soon"\} (\d+)', text)[1]) >= 2
    daemon.stop()
