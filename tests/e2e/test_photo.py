# SPDX-License-Identifier: Apache-2.0
"""One photo in, one photo out: what a person does, over the real interface."""
import hashlib
import base64

import requests

import pictures
from daemon import PASSWORD


def upload(daemon, data, **metadata):
    answer = daemon.upload(data, **metadata)
    assert answer.status_code == 201, (answer.status_code, answer.text)
    return answer.headers["Albumen-Asset"], answer.headers["Albumen-Result"]


def test_health_and_metrics(shared_daemon):
    assert requests.get(shared_daemon.url + "/health").json() == {"status": "ok"}
    assert requests.get(shared_daemon.url + "/health?live").status_code == 200
    assert requests.get(shared_daemon.url + "/metrics").status_code == 401
    text = shared_daemon.get("/metrics").text
    assert "# TYPE albumen_http_requests_total counter" in text


def test_upload_then_see_it_at_any_size(shared_daemon):
    data = pictures.photo(1, 1600, 1200, exif=pictures.exif())
    asset, result = upload(shared_daemon, data, filename="holiday.jpg")
    assert result == "created"
    detail = shared_daemon.get(f"/api/assets/{asset}").json()
    assert detail["originalFileName"] == "holiday.jpg"
    assert detail["checksum"] == base64.b64encode(hashlib.sha1(data).digest()).decode()
    assert detail["exifInfo"]["make"] == "Albumen"
    assert detail["localDateTime"] == "2021-07-14T15:16:17.000Z"
    assert (detail["width"], detail["height"]) == (1600, 1200)
    assert detail["thumbhash"]
    for size, expected in (("thumbnail", (512, 384)), ("preview", (1440, 1080)), ("fullsize", (1600, 1200))):
        answer = shared_daemon.get(f"/api/assets/{asset}/thumbnail?size={size}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert pictures.size_of(answer.content) == expected
        again = shared_daemon.get(f"/api/assets/{asset}/thumbnail?size={size}")
        assert again.content == answer.content
        tag = answer.headers["ETag"]
        unchanged = shared_daemon.get(f"/api/assets/{asset}/thumbnail?size={size}", headers={"If-None-Match": tag})
        assert unchanged.status_code == 304 and not unchanged.content


def test_orientation_is_applied(shared_daemon):
    data = pictures.photo(2, 800, 600, exif=pictures.exif(orientation=6))
    asset, _ = upload(shared_daemon, data)
    answer = shared_daemon.get(f"/api/assets/{asset}/thumbnail")
    assert pictures.size_of(answer.content) == (384, 512)


def test_original_with_ranges(shared_daemon):
    data = pictures.photo(3, 1200, 900, quality=97) * 1 + b"\0" * 2_500_000  # several blocks of 1 MiB
    asset, _ = upload(shared_daemon, data, filename="three blöcks.jpg")
    path = f"/api/assets/{asset}/original"
    whole = shared_daemon.get(path)
    assert whole.content == data
    assert "three%20bl%C3%B6cks.jpg" in whole.headers["Content-Disposition"]
    for first, last in ((0, 0), (5, 1048576 + 5), (len(data) - 10, len(data) - 1), (1048575, 1048576)):
        part = shared_daemon.get(path, headers={"Range": f"bytes={first}-{last}"})
        assert part.status_code == 206
        assert part.content == data[first:last + 1]
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(data)}"
    assert shared_daemon.get(path, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    head = requests.head(shared_daemon.url + path, headers={"x-api-key": shared_daemon.key})
    assert head.headers["Content-Length"] == str(len(data)) and not head.content


def test_nothing_without_a_credential(shared_daemon):
    asset, _ = upload(shared_daemon, pictures.photo(4))
    for path in (f"/api/assets/{asset}", f"/api/assets/{asset}/thumbnail", f"/api/assets/{asset}/original",
                 "/api/timeline/buckets", "/api/users/me", "/api/assets/statistics", "/files/abc"):
        for headers in ({}, {"x-api-key": "alb_wrong"}, {"Authorization": "Bearer nonsense"}):
            answer = requests.get(shared_daemon.url + path, headers=headers)
            if path == "/files/abc":
                answer = requests.head(shared_daemon.url + path, headers={**headers, "Tus-Resumable": "1.0.0"})
            assert answer.status_code == 401, (path, headers, answer.status_code)


def test_sessions(shared_daemon):
    http = requests.Session()
    wrong = http.post(shared_daemon.url + "/api/auth/login", json={"email": "admin", "password": "wrong"})
    assert wrong.status_code == 401 and wrong.json()["message"] == "Incorrect email or password"
    answer = http.post(shared_daemon.url + "/api/auth/login", json={"email": "admin", "password": PASSWORD})
    assert answer.status_code == 201 and answer.json()["isAdmin"] is True
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert http.get(shared_daemon.url + "/api/users/me").json()["name"] == "admin"
    token = answer.json()["accessToken"]
    bearer = {"Authorization": "Bearer " + token}
    assert requests.get(shared_daemon.url + "/api/users/me", headers=bearer).status_code == 200
    forged = http.post(shared_daemon.url + "/api/auth/logout", headers={"Origin": "https://evil.example"})
    assert forged.status_code == 403
    assert http.post(shared_daemon.url + "/api/auth/logout").json()["successful"] is True
    assert requests.get(shared_daemon.url + "/api/users/me", headers=bearer).status_code == 401


def test_duplicate_trash_and_restore(daemon):
    data = pictures.photo(5)
    asset, result = upload(daemon, data)
    assert (asset, result) == (upload(daemon, data)[0], "created")
    assert upload(daemon, data) == (asset, "duplicate")
    assert daemon.get("/api/assets/statistics").json() == {"images": 1, "videos": 0, "total": 1}
    http = daemon.session()
    assert http.delete(daemon.url + "/api/assets", json={"ids": [asset], "force": False}).status_code == 204
    assert daemon.get("/api/assets/statistics").json()["total"] == 0
    assert daemon.get("/api/timeline/buckets").json() == []
    assert len(daemon.get("/api/timeline/buckets?isTrashed=true").json()) == 1
    assert http.post(daemon.url + "/api/trash/restore/assets", json={"ids": [asset]}).json() == {"count": 1}
    assert daemon.get("/api/assets/statistics").json()["total"] == 1
    http.delete(daemon.url + "/api/assets", json={"ids": [asset], "force": False})
    assert upload(daemon, data) == (asset, "restored")
    http.delete(daemon.url + "/api/assets", json={"ids": [asset], "force": False})
    assert http.post(daemon.url + "/api/trash/empty").json() == {"count": 1}
    assert daemon.get(f"/api/assets/{asset}").status_code in (400, 404)


def test_timeline_and_update(daemon):
    taken = ["2020:01:05 10:00:00", "2020:01:20 10:00:00", "2021:12:31 23:30:00"]
    ids = [upload(daemon, pictures.photo(10 + i, exif=pictures.exif(t)))[0] for i, t in enumerate(taken)]
    buckets = daemon.get("/api/timeline/buckets?visibility=timeline").json()
    assert buckets == [{"timeBucket": "2021-12-01", "count": 1}, {"timeBucket": "2020-01-01", "count": 2}]
    month = daemon.get("/api/timeline/bucket?timeBucket=2020-01-01").json()
    assert month["id"] == [ids[1], ids[0]]
    assert all(abs(r - 4 / 3) < 0.01 for r in month["ratio"])
    assert len({len(column) for column in month.values()}) == 1
    http = daemon.session()
    changed = http.put(daemon.url + f"/api/assets/{ids[0]}",
                       json={"isFavorite": True, "description": "Über uns", "rating": 4,
                             "dateTimeOriginal": "2022-02-03T04:05:06+01:00"}).json()
    assert changed["isFavorite"] is True and changed["exifInfo"]["description"] == "Über uns"
    assert changed["exifInfo"]["rating"] == 4 and changed["localDateTime"] == "2022-02-03T04:05:06.000Z"
    assert daemon.get("/api/timeline/buckets?isFavorite=true").json() == [{"timeBucket": "2022-02-01", "count": 1}]
    found = http.post(daemon.url + "/api/search/metadata", json={"takenAfter": "2021-01-01T00:00:00.000Z"}).json()
    assert {item["id"] for item in found["assets"]["items"]} == {ids[0], ids[2]}
    assert http.put(daemon.url + f"/api/assets/{ids[0]}", json={"rating": 9}).status_code == 400


def test_rights_between_users(daemon):
    daemon.command("user", "add", "ben", "--data", daemon.data, input="ben's password\n")
    ben = daemon.command("key", "new", "--data", daemon.data, "--user", "ben").stdout.strip()
    asset, _ = upload(daemon, pictures.photo(20))
    headers = {"x-api-key": ben}
    for path in (f"/api/assets/{asset}", f"/api/assets/{asset}/thumbnail", f"/api/assets/{asset}/original"):
        assert daemon.get(path).status_code == 200
        assert requests.get(daemon.url + path, headers=headers).status_code in (400, 404)
    assert requests.get(daemon.url + "/api/assets/statistics", headers=headers).json()["total"] == 0
    requests.delete(daemon.url + "/api/assets", headers=headers, json={"ids": [asset], "force": True})
    assert daemon.get(f"/api/assets/{asset}").status_code == 200


def test_revoked_key_ends_at_once(daemon):
    asset, _ = upload(daemon, pictures.photo(21))
    key = daemon.command("key", "new", "--data", daemon.data, "--user", "admin", "--name", "temp").stdout.strip()
    path = daemon.url + f"/api/assets/{asset}/thumbnail"
    assert requests.get(path, headers={"x-api-key": key}).status_code == 200
    assert requests.get(path, headers={"x-api-key": key}).status_code == 200  # now from memory
    row = [line for line in daemon.command("key", "list", "--data", daemon.data).stdout.splitlines() if "temp" in line]
    daemon.command("key", "revoke", row[0].split()[0], "--data", daemon.data)
    assert requests.get(path, headers={"x-api-key": key}).status_code == 401
