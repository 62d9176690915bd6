# SPDX-License-Identifier: Apache-2.0
"""What the API answers: places of photos; lists that are packed for the way."""
import gzip

import pytest
import requests

import pictures
from daemon import PASSWORD

XMP = b"http://ns.adobe.com/xap/1.0/\0"


def segment(marker, body):
    return b"\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2, "big") + body


def with_segment(jpeg, marker, body):
    return jpeg[:2] + segment(marker, body) + jpeg[2:]


def xmp(attributes):
    return XMP + (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description rdf:about='' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' "
        f"{attributes}/></rdf:RDF></x:xmpmeta>").encode()


def iim(*records):
    data = b"".join(b"\x1c\x02" + bytes([tag]) + len(v).to_bytes(2, "big") + v for tag, v in records)
    return b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)


PLACED = {
    "xmp": (0xE1, xmp("photoshop:City='Luzern' photoshop:State='LU' photoshop:Country='Schweiz'")),
    "iptc": (0xED, iim((90, b"Luzern"), (95, b"LU"), (101, b"Schweiz"))),
}


@pytest.mark.parametrize("how", PLACED)
def test_a_place_that_is_written_in_the_file_is_shown(shared_daemon, how):
    data = with_segment(pictures.photo(10 + len(how)), *PLACED[how])
    asset = shared_daemon.upload(data).headers["Albumen-Asset"]
    info = shared_daemon.get(f"/api/assets/{asset}").json()["exifInfo"]
    assert (info["city"], info["state"], info["country"]) == ("Luzern", "LU", "Schweiz")
    http = shared_daemon.session()
    for question, found in (({"city": "Luzern"}, True), ({"country": "Schweiz", "state": "LU"}, True), ({"city": "Bern"}, False)):
        items = http.post(shared_daemon.url + "/api/search/metadata", json=question).json()["assets"]["items"]
        assert (asset in [item["id"] for item in items]) == found, question


def raw(daemon, method, path, encoding, **kwargs):
    """The answer with its body as it came."""
    headers = {"x-api-key": daemon.key, "Accept-Encoding": encoding}
    with requests.request(method, daemon.url + path, headers=headers, stream=True, timeout=60, **kwargs) as answer:
        return answer, answer.raw.read(decode_content=False)


@pytest.fixture(scope="module")
def full(shared_daemon):
    assets = [shared_daemon.upload(pictures.photo(100 + i, 64, 48, exif=pictures.exif("2020:02:03 04:05:06"))).headers["Albumen-Asset"]
              for i in range(20)]
    return shared_daemon, assets


@pytest.mark.parametrize("method,path,kwargs", [
    ("GET", "/api/timeline/bucket?timeBucket=2020-02-01", {}), ("POST", "/api/search/metadata", {"json": {}})])
def test_long_lists_are_packed(full, method, path, kwargs):
    daemon, _ = full
    plain, body = raw(daemon, method, path, "identity", **kwargs)
    packed, small = raw(daemon, method, path, "gzip, deflate, br", **kwargs)
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small) == body and len(small) < len(body) // 2
    assert int(packed.headers["Content-Length"]) == len(small)
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_answers_with_secrets_are_not_packed(full):
    """Length tells what a packed secret has in common with what stands beside it (BREACH)."""
    daemon, assets = full
    name = "a" * 3000 + "@example.org"
    login, _ = raw(daemon, "POST", "/api/auth/login", "gzip", json={"email": "admin", "password": PASSWORD})
    assert login.status_code == 201 and "Content-Encoding" not in login.headers
    check, body = raw(daemon, "POST", "/api/assets/bulk-upload-check", "gzip",
                      json={"assets": [{"id": name, "checksum": "0" * 40}]})
    assert len(body) > 3000 and "Content-Encoding" not in check.headers
    for path in (f"/api/assets/{assets[0]}", f"/api/assets/{assets[0]}/original", f"/api/assets/{assets[0]}/thumbnail"):
        assert "Content-Encoding" not in raw(daemon, "GET", path, "gzip")[0].headers, path
