# SPDX-License-Identifier: Apache-2.0
"""albumen sign imagor: URLs that imagor accepts, and what is wrong with those that it does not."""
import base64
import hashlib
import hmac
import os
import subprocess

import pytest

from daemon import BINARY

PATH = "500x500/top/raw.githubusercontent.com/cshum/imagor/master/testdata/gopher.png"


def run(*args, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IMAGOR_")}
    return subprocess.run([BINARY, "sign", "imagor", *args], capture_output=True, text=True, timeout=60,
                          env=clean | env)


def test_vectors_of_imagor():
    parts = ("500x500", "top", PATH.split("top/")[1])
    made = run("--secret", "mysecret", *parts)
    assert made.stdout == f"/cST4Ko5_FqwT3BDn-Wf4gO3RFSk=/{PATH}\n" and made.returncode == 0
    for args, env in ((("--signer=sha256:40",), {}),
                      ((), {"IMAGOR_SIGNER_TYPE": "sha256", "IMAGOR_SIGNER_TRUNCATE": "40"})):
        made = run(*args, *parts, IMAGOR_SECRET="mysecret", **env)
        assert made.stdout == f"/IGEn3TxngivD0jy4uuiZim2bdUCvhcnVi1Nm0xGy/{PATH}\n"


def test_a_source_is_escaped_where_it_must_be():
    made = run("--base", "https://img.example/", "fit-in/300x200", "filters:quality(80)", "https://h/a b(1).jpg?x=1+2",
               IMAGOR_SECRET="s").stdout.strip()
    path = "fit-in/300x200/filters:quality(80)/https://h/a%20b%281%29.jpg%3Fx=1%2B2"
    mac = base64.urlsafe_b64encode(hmac.new(b"s", path.encode(), hashlib.sha1).digest()).decode()
    assert made == f"https://img.example/{mac}/{path}"
    told = run("--explain", made, IMAGOR_SECRET="s")
    assert told.returncode == 0 and "its signature is right" in told.stdout
    assert "https://h/a b(1).jpg?x=1+2" in told.stdout


@pytest.mark.parametrize("url, words", [
    ("/unsafe/300x200/a.jpg", "it is not signed: unsafe"), ("/300x200/a.jpg", "it is not signed"),
    ("/AAAAAAAAAAAAAAAAAAAAAAAAAAA=/300x200/a.jpg", "its signature is wrong"),
    ("/unsafe/filters:label(%ff)/a.jpg", "refused: label(): a text is UTF-8"),
    ("/unsafe/filters:watermark(x)/a.jpg?y", "%3F"),
])
def test_what_is_wrong(url, words):
    told = run("--explain", url, IMAGOR_SECRET="s")
    assert told.returncode == 1 and words in told.stdout, told.stdout


def test_wrong_usage():
    for args, env in (((), {"IMAGOR_SECRET": "s"}), (("a.jpg",), {}), (("--signer", "md5", "a"), {"IMAGOR_SECRET": "s"}),
                      (("--nonsense", "a"), {}), (("a", "--secret"), {}), (("--explain", "u", "b"), {})):
        done = run(*args, **env)
        assert done.returncode == 2 and "albumen: sign:" in done.stderr
