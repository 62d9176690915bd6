# SPDX-License-Identifier: Apache-2.0
"""What doors refuse: keys without a right, pages of other sites, bodies without bounds; and what their answers
never carry."""
import base64
import json
import socket

import pytest
import requests

import pictures
from daemon import PASSWORD
from imgproxy_daemon import until

TUS = {"Tus-Resumable": "1.0.0"}


def limited_key(daemon, permissions):
    return daemon.command("key", "new", "--data", daemon.data, "--user", "admin", "--permissions",
                          permissions).stdout.strip()


def begin_upload(daemon, length=1000):
    answer = requests.post(daemon.url + "/files/", headers=TUS | {"x-api-key": daemon.key, "Upload-Length": str(length)},
                           timeout=120)
    assert answer.status_code == 201
    return answer.headers["Location"]


def test_uploads_need_their_right_in_every_method(shared_daemon):
    url = begin_upload(shared_daemon)
    headers = TUS | {"x-api-key": limited_key(shared_daemon, "asset.read,asset.view")}
    for method in ("HEAD", "DELETE"):
        assert requests.request(method, url, headers=headers, timeout=120).status_code == 403
    patch = headers | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert requests.patch(url, headers=patch, data=b"x", timeout=120).status_code == 403
    assert requests.post(shared_daemon.url + "/files/", headers=headers | {"Upload-Length": "1"}).status_code == 403
    assert requests.head(url, headers=TUS | {"x-api-key": shared_daemon.key}).headers["Upload-Offset"] == "0"


def test_a_key_may_only_what_it_says(shared_daemon):
    asset = shared_daemon.upload(pictures.photo(900)).headers["Albumen-Asset"]
    headers = {"x-api-key": limited_key(shared_daemon, "asset.read")}
    api = shared_daemon.url + "/api/assets"
    assert requests.get(f"{api}/{asset}", headers=headers).status_code == 200
    for method, path, body in (("GET", f"/{asset}/thumbnail", None), ("GET", f"/{asset}/original", None),
                               ("GET", "/statistics", None), ("PUT", f"/{asset}", {"isFavorite": True}),
                               ("PUT", "", {"ids": [asset], "isFavorite": True}), ("DELETE", "", {"ids": [asset]})):
        answer = requests.request(method, api + path, headers=headers, json=body, timeout=120)
        assert answer.status_code == 403, (method, path, answer.text)
    assert requests.post(shared_daemon.url + "/api/trash/empty", headers=headers, json={}).status_code == 403


@pytest.fixture
def signed_in(shared_daemon):
    http = requests.Session()
    answer = http.post(shared_daemon.url + "/api/auth/login", json={"email": "admin", "password": PASSWORD}, timeout=120)
    assert answer.status_code == 201 and "immich_access_token" in http.cookies
    return http


def test_cookies_count_for_our_own_pages_only(shared_daemon, signed_in):
    url = shared_daemon.url + "/api/assets"
    body = {"ids": [], "isFavorite": True}
    assert signed_in.put(url, json=body, headers={"Origin": shared_daemon.url}).status_code == 204
    assert signed_in.put(url, json=body).status_code == 204  # no browser
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                    {"Origin": shared_daemon.url + ".evil.example"}):
        assert signed_in.put(url, json=body, headers=headers).status_code == 403, headers
    for path in ("/api/auth/login", "/api/auth/admin-sign-up"):  # nor is anybody signed in by another site
        answer = requests.post(shared_daemon.url + path, json={"email": "admin", "password": PASSWORD},
                               headers={"Origin": "https://evil.example"}, timeout=120)
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
    with_key = requests.put(url, json=body, headers={"Origin": "https://evil.example", "x-api-key": shared_daemon.key})
    assert with_key.status_code == 204  # a key is no cookie: no page has it by accident


def test_bodies_are_bounded_before_they_are_parsed(shared_daemon):
    http = shared_daemon.session()
    url = shared_daemon.url + "/api/assets"
    many = '{"ids":[' + ",".join(["0"] * 400_000) + "]}"
    assert http.put(url, data=many).status_code == 413
    assert http.put(url, data='{"ids":' + "[" * 100_000 + "]" * 100_000 + "}").status_code == 400
    assert http.put(url, data=b"x" * 5_000_000).status_code == 413
    assert http.put(url, data='{"ids":[],"ids":[]}').status_code == 400
    assert http.put(url, data="").status_code == 400


def test_nothing_is_smuggled_into_headers(shared_daemon):
    name = 'a"b\r\nX-Evil: 1\u0000;ü\\.jpg'
    asset = shared_daemon.upload(pictures.photo(901), filename=name).headers["Albumen-Asset"]
    answer = shared_daemon.get(f"/api/assets/{asset}/original")
    assert answer.status_code == 200 and "X-Evil" not in answer.headers
    assert "\n" not in answer.headers["Content-Disposition"]
    detail = shared_daemon.get(f"/api/assets/{asset}").json()
    assert "\n" not in detail["originalFileName"] and "\0" not in detail["originalFileName"]


def test_hints_never_cost_a_photo(shared_daemon):
    for i, hints in enumerate(({"title": "t" * 6000}, {"tags": "a//b,\u0007,ok"}, {"taken_at": "0001-01-01T00:00:00+18:00"},
                               {"filename": ""}, {"filename": "n" * 600 + ".jpeg"}, {"description": "a\0b"})):
        answer = shared_daemon.upload(pictures.photo(910 + i), **({"filename": "p.jpg"} | hints))
        assert answer.status_code == 201 and answer.headers["Albumen-Result"] == "created", (hints, answer.text)
    broken = shared_daemon.upload(b"x", headers={"Upload-Metadata": "filename !"})
    assert broken.status_code == 400 and "base64" in broken.text


def test_errors_tell_clients_nothing_of_the_inside(shared_daemon):
    http = shared_daemon.session()
    for answer in (http.head(shared_daemon.url + "/files/0123", headers=TUS),
                   http.get(shared_daemon.url + "/api/assets/01234567-89ab-7def-8123-456789abcdef/thumbnail"),
                   http.get(shared_daemon.url + "/api/assets/../../etc/passwd")):
        assert answer.status_code == 404
        assert str(shared_daemon.data) not in answer.text and ".c:" not in answer.text


def test_a_client_that_hangs_up_is_logged_without_harm(shared_daemon):
    """The record of a request that ended by itself is written after all that hung on it is gone."""
    host, port = shared_daemon.url.removeprefix("http://").split(":")
    body = json.dumps({"id": "x"})
    for _ in range(40):
        with socket.create_connection((host, int(port)), timeout=120) as s:
            s.sendall((f"POST /files/ HTTP/1.1\r\nHost: x\r\nx-api-key: {shared_daemon.key}\r\nTus-Resumable: 1.0.0\r\n"
                       "Upload-Length: 1000\r\nContent-Type: application/offset+octet-stream\r\n"
                       f"Content-Length: 1000\r\n\r\n{body}").encode())
    until(lambda: shared_daemon.metric("albumen_http_requests_in_flight") == 1, "all are gone but the one that asks", 120)
    assert shared_daemon.process.poll() is None


def test_an_upload_as_fast_as_it_can_does_not_hold_up_others(shared_daemon):
    """More fast uploads than threads: a small question is answered all the same."""
    import threading
    stop = threading.Event()

    def push():
        zeros = b"\0" * (1 << 20)

        def chunks():
            for _ in range(64):
                if stop.is_set():
                    return
                yield zeros
        url = begin_upload(shared_daemon, 64 << 20)
        try:
            requests.patch(url, data=chunks(), timeout=120, headers=TUS | {
                "x-api-key": shared_daemon.key, "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream"})
        except requests.RequestException:
            pass
    threads = [threading.Thread(target=push) for _ in range(12)]
    for t in threads:
        t.start()
    try:
        for _ in range(10):
            assert shared_daemon.get("/api/assets/statistics", timeout=120).status_code == 200
    finally:
        stop.set()
        for t in threads:
            t.join()


def test_a_filter_that_is_no_filter_finds_nothing(shared_daemon):
    """Else a wrong id would stand for everything."""
    asset = shared_daemon.upload(pictures.photo(950)).headers["Albumen-Asset"]
    http, other = shared_daemon.session(), "01234567-89ab-7def-8123-456789abcdef"
    search = shared_daemon.url + "/api/search/metadata"
    for body in ({"id": "x"}, {"id": 5}, {"id": asset + "0"}, {"albumIds": ["x"]}, {"tagIds": ["x", other]}, {"tagIds": "x"}):
        assert http.post(search, json=body).status_code == 400, body
    assert [a["id"] for a in http.post(search, json={"id": asset}).json()["assets"]["items"]] == [asset]
    for body in ({"id": other}, {"albumIds": [other]}, {"tagIds": [other]}):
        assert http.post(search, json=body).json()["assets"]["items"] == [], body
    assert len(http.post(search, json={"id": None, "albumIds": None}).json()["assets"]["items"]) >= 1
    for query in ("albumId=x", "tagId=x", "albumId=", "albumId=" + other + "0"):
        for path in ("/api/timeline/buckets?", "/api/timeline/bucket?timeBucket=2021-07-01&"):
            assert http.get(shared_daemon.url + path + query).status_code == 400, query


def test_metadata_is_echoed_as_it_came(shared_daemon):
    metadata = "filename " + base64.b64encode(b"e.jpg").decode() + ",flag"
    answer = requests.post(shared_daemon.url + "/files/", timeout=120, headers=TUS | {
        "x-api-key": shared_daemon.key, "Upload-Length": "5", "Upload-Metadata": metadata})
    head = requests.head(answer.headers["Location"], headers=TUS | {"x-api-key": shared_daemon.key})
    assert head.headers["Upload-Metadata"] == metadata and head.headers["Upload-Length"] == "5"
