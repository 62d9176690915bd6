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
