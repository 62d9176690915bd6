# SPDX-License-Identifier: Apache-2.0
"""`albumen imagor`: flags, environment and file; pages; imagor's folders of sources and of results, used as they are."""
import base64
import hashlib
import hmac
import http.client
import io
import os
import shutil
import subprocess
import threading
import time
import urllib.parse

import pictures
import pytest
import requests
from daemon import BINARY
from imagor_daemon import Imagor, refused
from imgproxy_daemon import Sources, until
from PIL import Image

HITS, PUT, UNSOUND = ('albumen_stored_files_total{result="%s"}' % r for r in ("hit", "put", "unsound"))
MADE = "albumen_render_misses_total"


@pytest.fixture
def home(tmp_path):
    return tmp_path


@pytest.fixture
def sources():
    server = Sources()
    yield server
    server.stop()


@pytest.fixture
def folder(home):
    """A loader's folder with a few pictures."""
    for name, seed in (("a.jpg", 1), ("deep/b.jpg", 2), ("my photo.jpg", 3), ("with+plus.jpg", 4)):
        path = home / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.photo(seed, 400, 300))
    return home / "pictures"


def size(answer):
    assert answer.status_code == 200, answer.text
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image.size


def files(folder):
    """Everything that lies there, but albumen's own; name -> bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
            if p.is_file() and ".albumen" not in p.parts}


def unfinished(folder):
    return [p for p in (folder / ".albumen").rglob("*") if p.is_file()]


def command(home, *words):
    run = subprocess.run([BINARY, "cache", *map(str, words), "--cache-dir", home / "cache"], capture_output=True, text=True,
                         timeout=120, stdin=subprocess.DEVNULL)
    assert run.returncode == 0, run.stderr
    return run.stdout


# ---- what is set ----

def test_where_values_come_from(home):
    (home / ".env").write_text('# of the file\nIMAGOR_BASE_PATH_REDIRECT="http://file.example/"\nSERVER_PATH_PREFIX = /pre/\n'
                               "NO_SUCH_THING=1\nVIPS_CONCURRENCY=4\n")
    with Imagor(home) as s:
        assert s.get("/pre/").headers["Location"] == "http://file.example/"
        said = " ".join(w.get("text", "") for w in s.warnings())
        assert "NO_SUCH_THING is nothing" in said and "VIPS_CONCURRENCY has no effect" in said
        s.stop()
    variables = {"IMAGOR_BASE_PATH_REDIRECT": "http://environment.example/", "IMAGOR_NO_SUCH": "1", "HTTP_LOADER_HTTPS_ONLY": "1"}
    with Imagor(home, variables=variables) as s:
        assert s.get("/pre/").headers["Location"] == "http://environment.example/"
        said = " ".join(w.get("text", "") for w in s.warnings())
        assert "IMAGOR_NO_SUCH is nothing" in said and "HTTP_LOADER_HTTPS_ONLY is nothing" in said
    with Imagor(home, "--imagor-base-path-redirect", "http://flag.example/", "-server-path-prefix=", "-vips-max-animation-frames", "-1",
                "--cache-dir", home / "mine", variables=variables) as s:
        assert s.get("/").headers["Location"] == "http://flag.example/"
        assert (home / "mine" / "cache").is_dir()
    with Imagor(home, "-server-path-prefix=/flag/", "start", "-server-path-prefix=/late/") as s:
        assert s.get("/flag/healthcheck").status_code == 200
        assert "start is no flag: it is passed over" in " ".join(w.get("text", "") for w in s.warnings())


def test_what_is_refused(home):
    assert "not defined: -nonsense" in refused(home, "-nonsense=1")
    assert "invalid boolean" in refused(home, "-imagor-auto-webp=maybe")
    assert "invalid value" in refused(home, variables={"IMAGOR_REQUEST_TIMEOUT": "soon"})
    assert "no S3 store" in refused(home, "-s3-result-storage-bucket=x")
    assert "Google Cloud" in refused(home, variables={"GCLOUD_LOADER_BUCKET": "x"})
    assert "regexp" in refused(home, "-http-loader-allowed-source-regexp=(")
    assert "no network" in refused(home, "-http-loader-block-networks=10.0.0.0/99")
    assert "path-style" in refused(home, "-imagor-storage-path-style=suffix")
    assert "file-loader-base-dir" in refused(home, f"-file-loader-base-dir={home}/none")
    assert "-config" in refused(home, "-config=other.env")
    (home / ".env").write_text("nonsense\n")
    assert ".env:1" in refused(home)


def test_secret(home, folder):
    with Imagor(home, f"-file-loader-base-dir={folder}", "-imagor-secret=mysecret", unsafe=False) as s:
        assert s.get("/unsafe/50x50/a.jpg").status_code == 403
        signed = __import__("base64").urlsafe_b64encode(__import__("hmac").digest(b"mysecret", b"50x50/a.jpg", "sha1")).decode()
        assert size(s.get(f"/{signed}/50x50/a.jpg")) == (50, 50)
        s.stop()


# ---- pages and metrics ----

def test_pages(home, folder):
    with Imagor(home, f"-file-loader-base-dir={folder}", "-server-cors", "-server-access-log") as s:
        assert "imagor" in s.get("/").text and s.get("/").headers["Content-Type"].startswith("text/html")
        for method in ("GET", "HEAD"):
            for page in ("/healthcheck", "/favicon.ico"):
                answer = s.get(page, method)
                assert answer.status_code == 200 and answer.content == b""
        missing = s.get("/unsafe/50x50/none.jpg", headers={"Origin": "https://x.example"})
        assert missing.status_code == 404 and missing.json()["status"] == 404
        assert missing.headers["Access-Control-Allow-Origin"] == "*"
        assert s.get("/unsafe/50x50/a.jpg", "PUT").status_code == 405
        size(s.get("/unsafe/50x50/a.jpg"))
        text = requests.get(s.metrics + "/", timeout=120).text
        until(lambda: s.count('imagor_http_request_duration_seconds_count{code="200",method="GET"}') >= 1, "counted")
        assert 'imagor_http_request_duration_seconds_bucket{code="404",method="GET",le="+Inf"} 1' in requests.get(s.metrics + "/").text, text
        assert requests.get(s.metrics + "/other", timeout=120).status_code == 404
        s.stop()
        assert any('"event":"access"' in line and "/unsafe/50x50/none.jpg" in line for line in s.log)


# ---- the loader ----

def test_loader(home, folder):
    (folder / ".hidden.jpg").write_bytes(pictures.photo(5, 40, 30))
    (folder / "escaped+blank.jpg").write_bytes(pictures.photo(6, 40, 30))
    with Imagor(home, f"-file-loader-base-dir={folder}", "-http-loader-disable") as s:
        assert size(s.get("/unsafe/100x50/a.jpg")) == (100, 50)
        assert size(s.get("/unsafe/20x20/deep/b.jpg")) == (20, 20)
        assert size(s.get("/unsafe/20x20/my%20photo.jpg")) == (20, 20)  # as it is called
        assert size(s.get("/unsafe/20x20/escaped%20blank.jpg")) == (20, 20)  # as imagor calls it
        assert size(s.get("/unsafe/20x20/with%2Bplus.jpg")) == (20, 20)
        for path in (".hidden.jpg", "none.jpg", "../imagor", "deep", "deep/../../pictures/../../etc/passwd"):
            assert s.get("/unsafe/20x20/" + path).status_code in (400, 403, 404), path
        s.stop()
    with Imagor(home, f"-file-loader-base-dir={folder}", "-file-loader-path-prefix=pre", "-http-loader-disable") as s:
        assert size(s.get("/unsafe/20x20/pre/a.jpg")) == (20, 20)
        assert s.get("/unsafe/20x20/a.jpg").status_code == 404


# ---- results ----

STYLES = {"original": "fit-in/90x90/filters%3Aquality%2850%29/deep/b.jpg", "digest": None, "suffix": None, "size": None}


def result_name(style, path="fit-in/90x90/filters:quality(50)/deep/b.jpg"):
    digest = hashlib.sha1(path.encode()).hexdigest()
    return {"original": STYLES["original"], "digest": f"{digest[:2]}/{digest[2:4]}/{digest[4:]}",
            "suffix": f"deep/b.{digest[:20]}.jpg", "size": f"deep/b.{digest[:20]}_90x90.jpg"}[style]


@pytest.mark.parametrize("style", STYLES)
def test_results_are_kept_and_used(home, folder, style):
    results = home / "results"
    flags = [f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={results}",
             f"-imagor-result-storage-path-style={style}"]
    url = "/unsafe/fit-in/90x90/filters:quality(50)/deep/b.jpg"
    with Imagor(home, *flags) as s:
        made = s.get(url)
        assert size(made) == (90, 68)
        until(lambda: files(results) == {result_name(style): made.content}, "the result is where imagor looks for it")
        s.stop()
    assert not unfinished(results)
    (folder / "deep/b.jpg").unlink()
    with Imagor(home, *flags, f"--cache-dir={home}/other") as s:
        again = s.get(url)
        assert again.content == made.content and again.headers["Content-Type"] == "image/jpeg"
        assert s.get(url, headers={"If-None-Match": again.headers["ETag"]}).status_code == 304
        assert s.count(HITS) >= 1 and s.count(MADE) == 0
        s.stop()


def test_a_result_that_is_cut_off_is_made_again(home, folder):
    """As imagor leaves it when it is killed: a file of its own that ends too early."""
    results = home / "results"
    name = results / "70x70/a.jpg"
    name.parent.mkdir(parents=True)
    half = pictures.photo(9, 70, 70)
    for cut in (half[:len(half) // 2], b"", half[:-1]):
        name.write_bytes(cut)
        with Imagor(home, f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={results}", "--cache-size=0") as s:
            made = s.get("/unsafe/70x70/a.jpg")
            assert size(made) == (70, 70)
            until(lambda: name.read_bytes() == made.content, "it is replaced")
            assert s.count(UNSOUND) == 1
            s.stop()
    name.write_bytes(half)  # whole, and imagor's: used as it is
    with Imagor(home, f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={results}", "--cache-size=0") as s:
        assert s.get("/unsafe/70x70/a.jpg").content == half


def test_a_byte_of_ours_is_changed(home, folder):
    results = home / "results"
    flags = [f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={results}", "--cache-size=0", "--hot-cache-size=1"]
    with Imagor(home, *flags) as s:
        made = s.get("/unsafe/80x80/a.jpg")
        name = results / "80x80/a.jpg"
        until(name.is_file, "kept")
        if "user.albumen" not in os.listxattr(name):
            pytest.skip("no extended attributes here")
        before = name.stat()
        bad = bytearray(made.content)
        bad[len(bad) // 2] ^= 4
        with name.open("r+b") as f:
            f.write(bad)
        os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert s.get("/unsafe/80x80/a.jpg").content == made.content
        until(lambda: name.read_bytes() == made.content, "it is replaced")
        s.stop()


def under_another_name(way, a, b):
    """With their attributes, as a backup does it that is confused."""
    if "user.albumen" not in os.listxattr(a):
        pytest.skip("no extended attributes here")
    if way == "swapped":
        a.rename(a.with_name("away"))
        b.rename(a)
        a.with_name("away").rename(b)
    else:
        shutil.copy2(a, b)
        os.utime(b)


@pytest.mark.parametrize("way", ["swapped", "copied"])
def test_a_result_under_the_name_of_another(home, folder, way):
    results = home / "results"
    flags = [f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={results}", "--cache-size=0", "--hot-cache-size=1"]
    paths = ["80x80/a.jpg", "80x80/deep/b.jpg"]
    with Imagor(home, *flags) as s:
        made = {path: s.get("/unsafe/" + path).content for path in paths}
        until(lambda: files(results) == made, "kept")
        for _ in range(3):
            under_another_name(way, *(results / path for path in paths))
            for path in paths:
                assert s.get("/unsafe/" + path).content == made[path]
            until(lambda: files(results) == made, "made again")
        assert s.count(UNSOUND) == (6 if way == "swapped" else 3)
        s.stop()


@pytest.mark.parametrize("way", ["swapped", "copied"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_source_under_the_name_of_another(home, sources, shared, way):
    """Nor does the loader give it away, if its folder is the same: so it is in imagor's examples."""
    kept = home / "kept"
    kept.mkdir()
    flags = [f"-file-storage-base-dir={kept}", "--cache-size=0", "--hot-cache-size=1"]
    flags += [f"-file-loader-base-dir={home}/./kept"] if shared else ["-imagor-storage-path-style=digest"]
    with Imagor(home, *flags) as s:
        made = {i: s.get(f"/unsafe/100x75/{sources.url}/photo/{i}.jpg").content for i in (7, 8)}
        names = {i: kept / name for name, content in files(kept).items() for i in (7, 8) if content == sources.photo(i)}
        under_another_name(way, names[7], names[8])
        for _ in range(2):  # kept again, and from there
            for i, content in made.items():
                assert s.get(f"/unsafe/100x75/{sources.url}/photo/{i}.jpg").content == content
        assert all(names[i].read_bytes() == sources.photo(i) for i in (7, 8))
        s.stop()


def test_purged_by_url_and_by_source(home, folder, sources):
    far = f"{sources.url}/photo/3.jpg"
    encoded = urllib.parse.quote(far, safe="")
    mac = hmac.new(b"mysecret", f"24x20/{encoded}".encode(), hashlib.sha1).digest()
    paths = ["/unsafe/20x20/a.jpg", "/unsafe/20x20/my%20photo.jpg", f"/unsafe/20x20/{far}", f"/unsafe/21x20/{encoded}",
             "/unsafe/22x20/a.jpg?x=1", "//unsafe//23x20/a.jpg", f"/{base64.urlsafe_b64encode(mac).decode()}/24x20/{encoded}",
             "/unsafe/25x20/filters:fill(red):format(png)/deep/b.jpg", f"/unsafe/26x20/filters:watermark({encoded})/a.jpg"]
    with Imagor(home, f"-file-loader-base-dir={folder}", "-server-path-prefix=/pre", "-imagor-secret=mysecret",
                "--cache-dir", home / "cache") as s:
        def tags():
            answers = [s.get("/pre" + path) for path in paths]
            assert all(a.status_code == 200 for a in answers), answers
            return [a.headers["ETag"] for a in answers]

        def changed(before, after):
            return [paths[i] for i in range(len(paths)) if before[i] != after[i]]

        for path in paths:
            before = tags()
            command(home, "purge", "url", f"{s.url}/pre{path}")
            assert changed(before, tags()) == [path]
        before = tags()
        command(home, "purge", "source", "local:///deep/b.jpg")
        assert changed(before, tags()) == [paths[7]]
        before = tags()
        command(home, "purge", "source", far)
        assert changed(before, tags()) == [p for p in paths if "photo/3.jpg" in urllib.parse.unquote(p)]
        s.stop()


def test_modified_time_check_and_expiration(home, folder):
    results = home / "results"
    name = results / "60x60/a.jpg"
    name.parent.mkdir(parents=True)
    theirs = pictures.photo(9, 60, 60)
    old = time.time() - 7200
    flags = [f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={results}", "--cache-size=0"]
    for more, used in (([], True), (["-imagor-modified-time-check"], False), (["-file-result-storage-expiration=1h"], False),
                       (["-file-result-storage-expiration=24h"], True)):
        name.write_bytes(theirs)
        os.utime(name, (old, old))
        with Imagor(home, *flags, *more) as s:
            assert (s.get("/unsafe/60x60/a.jpg").content == theirs) == used, more
            s.stop()
    os.utime(folder / "a.jpg", (old - 100, old - 100))
    name.write_bytes(theirs)
    with Imagor(home, *flags, "-imagor-modified-time-check") as s:
        assert s.get("/unsafe/60x60/a.jpg").content == theirs


# ---- sources ----

@pytest.mark.parametrize("style", ["original", "digest"])
def test_sources_are_kept_and_used(home, sources, style):
    kept = home / "kept"
    flags = [f"-file-storage-base-dir={kept}", f"-imagor-storage-path-style={style}", "-file-storage-write-permission=0640"]
    image = sources.url + "/photo/7.jpg"
    digest = hashlib.sha1(image.encode()).hexdigest()
    name = {"original": image.replace("http://", "http%3A/").replace("127.0.0.1:", "127.0.0.1%3A"),
            "digest": f"{digest[:2]}/{digest[2:4]}/{digest[4:]}"}[style]
    with Imagor(home, *flags) as s:
        assert size(s.get(f"/unsafe/100x75/{image}")) == (100, 75)
        assert files(kept) == {name: sources.photo(7)}  # before the answer
        assert (kept / name).stat().st_mode & 0o777 == 0o640
        s.stop()
    sources.stop()
    with Imagor(home, *flags, f"--cache-dir={home}/other") as s:
        assert size(s.get(f"/unsafe/50x50/{image}")) == (50, 50)
        s.stop()


@pytest.mark.parametrize("kind", ["storage", "result-storage"])
def test_nothing_is_kept_under_the_name_of_another(home, sources, kind):
    """Cleaned of its dots a URL of one server would be a URL of another."""
    other = Sources()
    other.answer = lambda s: other.send(s, 200, sources.photo(2)) if s.recv(65536) else None
    try:
        with Imagor(home, f"-file-{kind}-base-dir={home}/kept") as s:
            mine = f"60x45/{sources.url}/photo/7.jpg".replace("://", ":/")
            url = s.url.removeprefix("http://")
            for path in (f"60x45/{other.url}/../{sources.url.removeprefix('http://')}/photo/7.jpg", f"50x50/{other.url}/../../../{mine}"):
                connection = http.client.HTTPConnection(url, timeout=120)  # it sends dots as they are
                connection.request("GET", "/unsafe/" + path)
                assert connection.getresponse().status == 200
                connection.close()
            s.stop()  # what waits to be kept is
        with Imagor(home, f"-file-{kind}-base-dir={home}/kept", f"--cache-dir={home}/other") as s:
            assert size(s.get(f"/unsafe/60x45/{sources.url}/photo/7.jpg")) == (60, 45)
            s.stop()
        assert len(files(home / "kept")) == 1
        assert sources.asked == {"/photo/7.jpg": 1}
    finally:
        other.stop()


def test_a_source_is_kept_once_for_all_who_wait(home, sources):
    sent, photo = threading.Event(), sources.photo(7)
    sources.do_slow = lambda s, rest: sources.send(s, 200, photo) if sent.wait(120) else None
    with Imagor(home, f"-file-storage-base-dir={home}/kept") as s:
        askers = [threading.Thread(target=s.get, args=(f"/unsafe/50x{50 + i}/{sources.url}/slow/1.jpg",)) for i in range(20)]
        for asker in askers:
            asker.start()
        until(lambda: s.count("albumen_source_joined_total") == 19, "all of them wait for it")
        sent.set()
        for asker in askers:
            asker.join()
        assert s.count(PUT) == 1
        s.stop()
    assert list(files(home / "kept").values()) == [photo]


def test_half_a_source_is_never_kept(home, sources):
    kept = home / "kept"
    with Imagor(home, f"-file-storage-base-dir={kept}", "-imagor-storage-path-style=digest") as s:
        for way in ("half/1.jpg", "status/500", "text/1.jpg"):
            assert s.get(f"/unsafe/50x50/{sources.url}/{way}").status_code >= 400
        assert files(kept) == {}
        image = sources.url + "/photo/3.jpg"
        digest = hashlib.sha1(image.encode()).hexdigest()
        name = kept / digest[:2] / digest[2:4] / digest[4:]
        name.parent.mkdir(parents=True)
        name.write_bytes(sources.photo(3)[:5000])  # imagor was killed here
        assert size(s.get(f"/unsafe/50x50/{image}")) == (50, 50)
        assert name.read_bytes() == sources.photo(3)
        s.stop()


# ---- kill -9 ----

def test_killed_while_it_writes(home, folder):
    """Whatever moment it is: what lies in the folder is whole, and nothing unfinished is left after the next start."""
    results = home / "results"
    flags = [f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={results}"]
    for round in range(4):
        with Imagor(home, *flags) as s:
            begun = threading.Event()

            def ask(n):
                try:
                    for i in range(200):
                        s.get(f"/unsafe/{20 + i}x{20 + 40 * round + n}/a.jpg")
                        begun.set()
                except requests.RequestException:
                    pass
            threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
            for t in threads:
                t.start()
            assert begun.wait(120)
            until(lambda: len(files(results)) > 3 + 5 * round, "some are kept")
            s.kill()
            for t in threads:
                t.join(120)
        for name, body in files(results).items():
            Image.open(io.BytesIO(body)).load()
            assert body[-2:] == b"\xff\xd9", name
    with Imagor(home, *flags, f"--cache-dir={home}/other") as s:
        assert not unfinished(results)
        before = s.count(MADE)
        for name, body in list(files(results).items())[:10]:
            assert s.get("/unsafe/" + name).content == body
        assert s.count(MADE) == before
        s.stop()


# ---- a disk that takes no more ----

@pytest.fixture
def small_disk(home):
    """A file system of half a megabyte."""
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = home / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("no mount here: " + made.stderr)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk(home, folder, small_disk):
    """Requests are answered, the trouble is seen, and it goes with its cause."""
    trouble = 'albumen_storage_trouble{storage="file-result-storage",doing="write"}'
    with Imagor(home, f"-file-loader-base-dir={folder}", f"-file-result-storage-base-dir={small_disk}") as s:
        assert s.get("/healthcheck").content == b"" and s.count(trouble) == 0
        filler = small_disk / "filler"
        with pytest.raises(OSError):
            with filler.open("wb", buffering=0) as f:
                while True:
                    f.write(bytes(4096))
        assert size(s.get("/unsafe/200x150/a.jpg")) == (200, 150)
        until(lambda: s.count(trouble) == 1, "the trouble is counted")
        assert "file-result-storage cannot be written: No space left" in s.get("/healthcheck").text
        assert not [n for n in files(small_disk) if n != "filler"] and not unfinished(small_disk)
        filler.unlink()
        until(lambda: s.get("/healthcheck").content == b"", "it is healed, though nothing is asked for")
        assert s.count(trouble) == 0
        assert size(s.get("/unsafe/201x150/a.jpg")) == (201, 150)
        until(lambda: "201x150/a.jpg" in files(small_disk), "kept")
        s.stop()
