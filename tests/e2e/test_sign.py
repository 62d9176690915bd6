# SPDX-License-Identifier: Apache-2.0
"""albumen sign imgproxy: URLs that imgproxy accepts, and what is wrong with those that it does not."""
import base64
import hashlib
import hmac
import os
import re
import subprocess

import pytest

from daemon import BINARY

KEY, SALT = b"secret", b"hello"
ENVIRONMENT = {"IMGPROXY_KEY": KEY.hex(), "IMGPROXY_SALT": SALT.hex()}
SOURCE = "http://example.com/images/curiosity.jpg"


def run(*args, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IMGPROXY_")}
    return subprocess.run([BINARY, "sign", *args], capture_output=True, text=True, timeout=60, env=clean | env)


def sign(*args, **env):
    made = run("imgproxy", *args, **(ENVIRONMENT | env))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def explain(url, **env):
    told = run("imgproxy", "--explain", url, **(ENVIRONMENT | env))
    return told.returncode, told.stdout


def signature(text, key=KEY, salt=SALT, size=32):
    digest = hmac.new(key, salt + text.encode(), hashlib.sha256).digest()[:size]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_help_tells_the_options():
    told = run("--help")
    assert told.returncode == 0 and not told.stderr
    for word in ("--key", "--salt", "--signature-size", "--base", "--explain"):
        assert word in told.stdout
    manual = subprocess.run([BINARY, "help", "--man"], capture_output=True, text=True, timeout=60).stdout
    assert r"\-\-explain URL" in manual


def test_what_is_made_is_what_imgproxy_signs():
    url = sign("rs:fill:300:400:0", "g:sm", SOURCE)
    path = "/rs:fill:300:400:0/g:sm/plain/" + SOURCE
    assert url == "/" + signature(path) + path
    url = sign("--base", "https://img.example/", "--format", "png", "--base64", "rs:fill:300:400:0", SOURCE)
    found = re.fullmatch(r"https://img\.example/([\w-]+)(/rs:fill:300:400:0/([\w-]+)\.png)", url)
    assert found.group(1) == signature(found.group(2))
    assert base64.urlsafe_b64decode(found.group(3) + "==").decode() == SOURCE


def test_flags_stand_for_variables():
    made = run("imgproxy", "--key", KEY.hex(), "--salt=" + SALT.hex(), "--signature-size", "8", "--prefix", "/img", "w:10",
               SOURCE)
    path = "/w:10/plain/" + SOURCE
    assert made.stdout.strip() == "/img/" + signature(path, size=8) + path
    assert sign("--info", SOURCE) == "/info/" + signature("/plain/" + SOURCE) + "/plain/" + SOURCE


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_an_encrypted_source_is_the_same_each_time_and_comes_back(bits):
    key = "11" * (bits // 8)
    url = sign("--encrypt", "--encryption-key", key, "w:10", SOURCE)
    assert "example.com" not in url and url == sign("--encrypt", "--encryption-key", key, "w:10", SOURCE)
    status, text = explain(url, IMGPROXY_SOURCE_URL_ENCRYPTION_KEY=key)
    assert status == 0 and SOURCE + " (encrypted)" in text
    assert explain(url)[0] == 1
    assert explain(url, IMGPROXY_SOURCE_URL_ENCRYPTION_KEY="22" * (bits // 8))[0] == 1


def test_special_characters_survive():
    source = "http://h/a b?x=1@2%20#z/ü"
    status, text = explain(sign("w:1", source))
    assert status == 0 and source + " (plain)" in text


def test_explain_tells_what_is_asked_for():
    status, text = explain("https://img.example" + sign("rs:fill:300:200:1", "q:80", "bg:f80", "-", "blur:2", "--format",
                                                        "webp", SOURCE))
    assert status == 0
    for line in ("the signature is right (key 1)", "webp", "fill to 300 x 200, enlarge", "ff8800", "pipeline          2",
                 "blur              2"):
        assert line in text, text


PATH = "/rs:fit:30:20/plain/http://example.com/a.jpg"


@pytest.mark.parametrize("url, words", [
    ("/unsafe" + PATH, "not signed"),
    ("/" + signature(PATH)[:-2] + PATH, "cut after it was encoded"),
    ("/" + signature(PATH, size=10) + PATH, "10 bytes"),
    ("/" + signature(PATH) + "=" + PATH, "padding"),
    ("/" + signature(PATH) + "%3D" + PATH, "percent-encoded"),
    ("/" + hmac.new(KEY, SALT + PATH.encode(), hashlib.sha256).hexdigest() + PATH, "hexadecimal digits"),
    ("/" + signature(PATH, SALT, KEY) + PATH, "swapped"),
    ("/" + signature(PATH, KEY.hex().encode(), SALT.hex().encode()) + PATH, "decoded to bytes"),
    ("/" + signature(PATH, salt=b"") + PATH, "left out"),
    ("/" + signature(PATH[1:]) + PATH, "without its first '/'"),
    ("/" + signature(PATH) + PATH.replace(":", "%3a", 1), "lower case"),
    ("/" + signature(PATH.replace(":", "%3A")) + PATH, "%3A"),
    ("/" + signature(PATH.replace("rs:", "rs%3A")) + PATH.replace("rs:", "rs%3A"), "as it arrived"),
    ("/" + signature(PATH + "?v=1") + PATH + "?v=1", "query"),
    ("https://h/" + signature("https://h" + PATH) + PATH, "whole URL"),
    ("/" + signature("/unsafe" + PATH) + PATH, "word in the signature's place"),
    ("/" + signature(PATH) + PATH + "@png", "extension"),
    ("/" + signature(PATH.replace("http://example.com/a", "http%3A%2F%2Fexample.com%2Fa")) + PATH,
     "percent-encoded when it was signed"),
    ("/info/" + signature("/info" + PATH) + PATH, "'/info' was signed"),
    ("/" + signature(PATH, b"another") + PATH, "no usual mistake"),
    ("/rs:fit:30:20/plain/http://example.com/a.jpg", ""),
])
def test_the_usual_mistakes_are_named(url, words):
    status, text = explain(url)
    assert status == 1 and words in text, text


def test_a_prefix_that_was_signed():
    status, text = explain("/img/" + signature("/img" + PATH) + PATH, IMGPROXY_PATH_PREFIX="/img")
    assert status == 1 and "prefix" in text


def test_without_keys_anything_passes():
    told = run("imgproxy", "--explain", "/unsafe" + PATH)
    assert told.returncode == 0 and "every signature passes" in told.stdout
    told = run("imgproxy", "--explain", PATH)
    assert told.returncode == 1 and "where the signature belongs" in told.stdout


def test_what_would_be_refused_is_told():
    for args, words in ((["foo:1", SOURCE], "foo"), (["w:x", SOURCE], "whole number"), (["g:obj:face", SOURCE], "learning"),
                        (["msr:5", SOURCE], "IMGPROXY_ALLOW_SECURITY_OPTIONS")):
        made = run("imgproxy", *args, **ENVIRONMENT)
        assert made.returncode == 1 and words in made.stderr and not made.stdout, made
    status, text = explain(sign("w:1", SOURCE), IMGPROXY_ALLOWED_SOURCES="https://example.org/")
    assert status == 1 and "404" in text and "IMGPROXY_ALLOWED_SOURCES" in text


def test_wrong_usage():
    for args in ([], ["thumbor"], ["imgproxy"], ["imgproxy", "--nonsense", SOURCE], ["imgproxy", "--key"],
                 ["imgproxy", "--key", "zz", "--salt", "00", SOURCE], ["imgproxy", "--base64=1", SOURCE],
                 ["imgproxy", "--explain", "/a/b", "word"]):
        told = run(*args, **ENVIRONMENT)
        assert told.returncode == 2 and "albumen: sign" in told.stderr, told
    assert run("imgproxy", SOURCE).returncode == 2
