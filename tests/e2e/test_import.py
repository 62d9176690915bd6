# SPDX-License-Identifier: Apache-2.0
"""The importer against a server that fails in every way (mock_server.py). ALB_TEST_BUILD names the build folder;
ALB_TEST_IMPORTER another program (words separated by blanks)."""
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import pytest

from mock_server import MockServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "secret-key-4711"
TIMEOUT = 120


def importer():
    if os.environ.get("ALB_TEST_IMPORTER"):
        return os.environ["ALB_TEST_IMPORTER"].split()
    build = ROOT / os.environ.get("ALB_TEST_BUILD", "build")
    if (build / "albumen").exists():
        return [str(build / "albumen"), "import"]
    return [str(build / "tests/unit/import/import_driver")]


class Import:
    """One folder of photos, one state folder, one mock server."""

    def __init__(self, tmp, server):
        self.tmp = tmp
        self.photos = tmp / "photos"
        self.photos.mkdir()
        self.state = tmp / "state"
        self.server = server

    def env(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("ALBUMEN_")}
        return env | {"XDG_STATE_HOME": str(self.state), "TERM": "dumb"} | more

    def args(self, *options, key=True):
        where = ["--server", self.server.url] + (["--key", KEY] if key else [])
        return importer() + where + [str(o) for o in options]

    def start(self, *options, paths=None, **kwargs):
        paths = [self.photos] if paths is None else paths
        return subprocess.Popen(self.args(*options, *paths), env=self.env(), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **kwargs)

    def run(self, *options, paths=None, expect=0, env=None, key=True, **kwargs):
        paths = [self.photos] if paths is None else paths
        done = subprocess.run(self.args(*options, *paths, key=key), env=self.env(**(env or {})), capture_output=True,
                              timeout=TIMEOUT, **kwargs)
        text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        assert done.returncode == expect, f"exit {done.returncode}, expected {expect}\n{text}"
        assert KEY not in text, "the key was printed"
        return done

    def json(self, *options, **kwargs):
        done = self.run("--json", *options, **kwargs)
        report = json.loads(done.stdout)
        report["stderr"] = done.stderr.decode(errors="replace")
        return report

    def write(self, name, content, age=100):
        path = self.photos / name if isinstance(name, str) else pathlib.Path(os.fsdecode(
            os.path.join(os.fsencode(self.photos), name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        when = time.time() - age
        os.utime(path, (when, when))
        return path

    def fill(self, count, size=20_000, seed=1):
        rng = random.Random(seed)
        return [self.write(f"{i % 7}/IMG_{i:04}.jpg", rng.randbytes(rng.randrange(1, size))) for i in range(count)]

    def contents(self):
        return {hashlib.sha1(p.read_bytes()).hexdigest(): p for p in self.photos.rglob("*.jpg") if p.is_file()}

    def assert_all_there(self):
        """Every photo is stored exactly once and byte for byte."""
        want, state = self.contents(), self.server.state
        assert set(state.assets) == set(want)
        for sha1, asset in state.assets.items():
            assert hashlib.sha1(asset["data"]).hexdigest() == sha1
        assert sorted(state.created) == sorted(want), "something was made twice"

    def journal(self):
        return next((self.state / "albumen").glob("*.journal"))


@pytest.fixture
def imp(tmp_path):
    server = MockServer(KEY).start()
    yield Import(tmp_path, server)
    server.stop()


# --- what is taken ------------------------------------------------------------------------------------------------


def test_takes_everything_once(imp):
    imp.fill(40)
    imp.write("copy.jpg", (imp.photos / "0/IMG_0000.jpg").read_bytes())
    imp.write("notes.txt", b"no photo")
    imp.write("noext", b"?")
    imp.write("empty.jpg", b"")
    imp.write("a.xmp", b"<x/>")
    imp.write("@eaDir/thumb.jpg", b"thumb")
    imp.write("._a.jpg", b"mac")
    report = imp.json()
    assert report["uploaded"]["files"] == 40
    assert report["duplicates"]["files"] == 1
    assert {k: v["files"] for k, v in report["skippedBecause"].items()} == {
        "unknownType": 2, "empty": 1, "sidecar": 1, "banned": 2}
    assert report["failed"]["files"] == 0 and report["complete"] and report["exit"] == 0
    assert len(imp.server.state.assets) == 40
    assert imp.server.state.counts["create"] == 40


def test_second_run_uploads_and_hashes_nothing(imp):
    imp.fill(30)
    imp.run()
    before = imp.server.state.bytes_in
    report = imp.json()
    assert report["uploaded"]["files"] == 0 and report["duplicates"]["files"] == 30
    assert report["hashesKnown"] == 30
    assert imp.server.state.bytes_in == before
    imp.assert_all_there()


def test_server_decides_not_the_journal(imp):
    imp.fill(10)
    imp.run()
    gone = next(iter(imp.server.state.assets))
    del imp.server.state.assets[gone]
    report = imp.json()
    assert report["uploaded"]["files"] == 1 and report["hashesKnown"] == 10
    assert len(imp.server.state.assets) == 10


def test_changed_file_is_hashed_again(imp):
    path = imp.write("a.jpg", b"first")
    imp.run()
    imp.write("a.jpg", b"other", age=50)
    report = imp.json()
    assert report["uploaded"]["files"] == 1 and report["hashesKnown"] == 0
    assert hashlib.sha1(path.read_bytes()).hexdigest() in imp.server.state.assets


def test_metadata(imp):
    path = imp.write("Grüße.jpg", b"x")
    os.utime(path, (1580000000, 1580000000))
    imp.write(b"Gr\xfc\xdfe.jpg", b"y")
    imp.write("line\nbreak.jpg", b"z")
    imp.run()
    by_content = {a["data"]: a["meta"] for a in imp.server.state.assets.values()}
    assert by_content[b"x"]["filename"] == "Grüße.jpg"
    assert by_content[b"x"]["filetype"] == "image/jpeg"
    assert by_content[b"x"]["taken-at"] == "2020-01-26T00:53:20.000Z"
    assert by_content[b"y"]["filename"] == "Grüße.jpg"
    assert by_content[b"z"]["filename"] == "line_break.jpg"


def test_links_and_loops(imp):
    imp.write("real/a.jpg", b"a")
    outside = imp.tmp / "outside"
    outside.mkdir()
    (outside / "b.jpg").write_bytes(b"b")
    (imp.photos / "loop").symlink_to(imp.photos)
    (imp.photos / "real/up").symlink_to("..")
    (imp.photos / "0-link.jpg").symlink_to("real/a.jpg")
    (imp.photos / "other").symlink_to(outside)
    (imp.photos / "dangling.jpg").symlink_to("nowhere.jpg")
    os.link(imp.photos / "real/a.jpg", imp.photos / "hard.jpg")
    os.mkfifo(imp.photos / "pipe.jpg")
    report = imp.json()
    assert report["uploaded"]["files"] == 2
    assert sorted(imp.server.state.names) in (["a.jpg", "b.jpg"], ["b.jpg", "hard.jpg"])
    assert report["skippedBecause"]["link"]["files"] == 4
    assert report["skippedBecause"]["special"]["files"] == 2


def test_single_files_and_not_recursive(imp):
    imp.write("a.jpg", b"a")
    imp.write("deep/b.jpg", b"b")
    assert imp.json("--no-recursive")["uploaded"]["files"] == 1
    assert imp.json(paths=[imp.photos / "deep/b.jpg"])["uploaded"]["files"] == 1
    assert imp.server.state.names == ["a.jpg", "b.jpg"]


def test_selection(imp):
    imp.write("IMG_20230714_120000.jpg", b"in")
    imp.write("IMG_20240101_120000.jpg", b"out")
    imp.write("x.png", b"png")
    imp.write("raw.zzz", b"zzz")
    imp.write("tmp/y.jpg", b"banned")
    report = imp.json("--date-range", "2023", "--exclude-extensions", "PNG", "--ban-file", "TMP/")
    assert imp.server.state.names == ["IMG_20230714_120000.jpg"]
    assert {k: v["files"] for k, v in report["skippedBecause"].items()} == {
        "date": 1, "excluded": 1, "banned": 1, "unknownType": 1}
    report = imp.json("--include-extensions", ".zzz,png")
    assert sorted(imp.server.state.names[1:]) == ["raw.zzz", "x.png"]


def test_unreadable_folder_is_reported_and_the_rest_done():
    if os.geteuid() != 0:
        pytest.skip("changes the user of the importer")
    top = pathlib.Path(tempfile.mkdtemp(prefix="alb-import-"))
    server = MockServer(KEY).start()
    try:
        top.chmod(0o755)
        imp = Import(top, server)
        imp.state.mkdir()
        imp.state.chmod(0o777)
        imp.write("open/a.jpg", b"a")
        imp.write("closed/b.jpg", b"b")
        imp.write("secret.jpg", b"c").chmod(0)
        (imp.photos / "closed").chmod(0)
        program = importer()
        copy = top / "importer"
        shutil.copy(program[0], copy)
        copy.chmod(0o755)
        done = subprocess.run([copy, *program[1:], "--json", "--server", server.url, "--key", KEY, imp.photos],
                              env=imp.env(), capture_output=True, timeout=TIMEOUT, user=65534, group=65534)
        report = json.loads(done.stdout)
        assert done.returncode == 1
        assert report["uploaded"]["files"] == 1
        reasons = {pathlib.Path(f["path"]).name: f["reason"] for f in report["failures"]}
        assert set(reasons) == {"closed", "secret.jpg"}
        assert all("ermission" in r for r in reasons.values())
        assert report["foldersFailed"] == 1 and report["failed"]["files"] == 1
    finally:
        server.stop()
        shutil.rmtree(top)


# --- albums, tags, trash ------------------------------------------------------------------------------------------


def test_album_and_tags_also_for_what_is_there(imp):
    imp.fill(5)
    imp.run()
    state = imp.server.state
    report = imp.json("--album", "Holiday", "--tag", "a/b", "--tag", "c")
    assert state.albums["Holiday"] == set(state.assets) == state.tags["a/b"] == state.tags["c"]
    assert report["duplicates"]["files"] == 5
    before = state.bytes_in
    imp.run("--album", "Holiday", "--tag", "a/b", "--tag", "c")
    assert state.bytes_in == before, "what was put into the album is not sent again"
    imp.assert_all_there()


@pytest.mark.parametrize("mode,names", [
    ("FOLDER", {"photos": 1, "Italy": 2, "Rome": 1}),
    ("PATH", {"photos": 1, "photos / Italy": 2, "photos / Italy / Rome": 1})])
def test_folder_as_album(imp, mode, names):
    imp.write("top.jpg", b"top")
    imp.write("Italy/a.jpg", b"a")
    imp.write("Italy/Rome/b.jpg", b"b")
    imp.write("Italy/again.jpg", b"top")  # the same photo in two albums
    imp.run("--folder-as-album", mode)
    state = imp.server.state
    assert {k: len(v) for k, v in state.albums.items()} == names
    assert len(state.assets) == 3 and len(state.created) == 3


def test_trash(imp):
    imp.fill(3)
    imp.run()
    state = imp.server.state
    sha1 = next(iter(state.assets))
    state.assets[sha1]["trashed"] = True
    report = imp.json()
    assert report["skippedBecause"]["trashed"]["files"] == 1 and state.assets[sha1]["trashed"]
    report = imp.json("--trashed", "restore")
    assert report["restored"]["files"] == 1 and not state.assets[sha1]["trashed"]


# --- bad networks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [
    {"drop_body": 0.3}, {"lose_body": 0.3}, {"drop_answer": 0.3}, {"refuse": 0.3}, {"error": 0.1}, {"forget": 0.3},
    {"drop_body": 0.15, "lose_body": 0.15, "drop_answer": 0.15, "refuse": 0.15, "forget": 0.1}],
    ids=lambda f: "+".join(f))
def test_every_photo_exactly_once_whatever_breaks(imp, fault):
    imp.fill(30)
    rng = random.Random(7)
    for i in range(3):
        imp.write(f"big{i}.jpg", rng.randbytes(9_000_000))
    imp.server.state.faults.update(fault)
    report = imp.json("--concurrent", 6)
    assert report["failed"]["files"] == 0
    imp.assert_all_there()
    imp.server.state.quiet()
    assert imp.json()["uploaded"]["files"] == 0


def test_kill_9_twenty_times(imp):
    imp.fill(120, size=60_000)
    rng = random.Random(3)
    for i in range(4):
        imp.write(f"big{i}.jpg", rng.randbytes(12_000_000))
    state = imp.server.state
    state.faults.update(rate=3_000_000, drop_body=0.03, drop_answer=0.03)
    for i in range(20):
        p = imp.start("--concurrent", 4)
        time.sleep(rng.uniform(0.02, 0.35))
        p.send_signal(signal.SIGKILL)
        p.communicate()
    state.quiet()
    report = imp.json()
    assert report["failed"]["files"] == 0
    imp.assert_all_there()
    before = state.bytes_in
    assert imp.json()["uploaded"]["files"] == 0
    assert state.bytes_in == before


def wait_for(condition, what, timeout=TIMEOUT):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "never happened: " + what
        time.sleep(0.01)


def test_half_an_upload_goes_on_in_the_next_run(imp):
    size = 30_000_000
    imp.write("big.jpg", random.Random(1).randbytes(size))
    state = imp.server.state
    state.faults["hold_at"] = size * 0.6
    p = imp.start()
    wait_for(lambda: state.bytes_in >= size * 0.6, "more than half of it")
    p.send_signal(signal.SIGKILL)
    p.communicate()
    state.quiet()
    report = imp.json()
    assert report["uploaded"]["files"] == 1 and report["resumed"] == 1
    assert state.counts["HEAD"] >= 1 and state.counts["create"] == 1
    assert state.bytes_in < size * 1.05, "bytes were sent again"
    imp.assert_all_there()


def test_the_server_goes_away_and_comes_back(imp):
    imp.fill(60)
    imp.write("big.jpg", random.Random(1).randbytes(9_000_000))
    imp.server.state.faults["rate"] = 1_000_000
    p = imp.start("--json")
    wait_for(lambda: imp.server.state.bytes_in > 300_000, "a start")
    imp.server.stop()
    for u in list(imp.server.state.uploads.values()):  # its connections die with it
        with u["lock"]:
            pass
    time.sleep(1.5)
    imp.server.state.quiet()
    imp.server.start()
    out, err = p.communicate(timeout=TIMEOUT)
    assert p.returncode == 0, err
    assert json.loads(out)["failed"]["files"] == 0
    imp.assert_all_there()


def test_the_server_stays_away(imp):
    imp.fill(20)
    imp.server.state.faults["refuse"] = 1.0
    begin = time.monotonic()
    report = imp.json("--retry-for", "1s", expect=1)
    assert time.monotonic() - begin < 90  # not the minutes that it waits by itself
    assert report["failed"]["files"] == 20 and len(report["failures"]) == 20
    assert "503" in report["failures"][0]["reason"]


def test_retry_after_is_honoured(imp):
    imp.fill(1)
    state = imp.server.state
    state.faults.update(refuse=1.0, retry_after="5")
    begin = time.monotonic()
    p = imp.start("--json")
    wait_for(lambda: state.counts.get("refused"), "a refusal")
    state.quiet()
    p.communicate(timeout=TIMEOUT)
    assert p.returncode == 0 and time.monotonic() - begin >= 5
    assert state.counts["refused"] == 1


def test_a_silent_server_is_noticed(imp):
    imp.write("big.jpg", random.Random(1).randbytes(5_000_000))
    imp.server.state.faults["silent"] = True
    begin = time.monotonic()
    report = imp.json("--stall-timeout", "1s", "--retry-for", "2s", expect=1)
    assert time.monotonic() - begin < 90
    assert "no byte moved" in report["failures"][0]["reason"]


def test_slow_is_not_stalled(imp):
    """Longer than the limit in all, but never without a byte for so long."""
    imp.write("big.jpg", random.Random(1).randbytes(2_500_000))
    imp.server.state.faults["rate"] = 300_000
    assert imp.json("--stall-timeout", "6s")["uploaded"]["files"] == 1
    assert imp.server.state.counts["create"] == 1


# --- refusals and mistakes ----------------------------------------------------------------------------------------


def test_refused_content(imp):
    imp.fill(5)
    imp.write("text.jpg", b"I am text")
    imp.server.state.faults["reject"] = b"I am text"
    report = imp.json(expect=1)
    assert report["uploaded"]["files"] == 5
    assert report["failures"] == [
        {"path": str(imp.photos / "text.jpg"), "reason": "the server refused it: 422: this is no picture",
         "folder": False}]


def test_what_the_network_turns_over_is_sent_again(imp):
    imp.fill(20)
    imp.write("large.jpg", os.urandom(45_000_000))  # two requests after the creation
    imp.server.state.faults["flip"] = 0.3
    assert imp.json()["uploaded"]["files"] == 21
    assert imp.server.state.counts["460"] > 0
    for photo in imp.photos.rglob("*.jpg"):
        data = photo.read_bytes()
        assert imp.server.state.assets[hashlib.sha1(data).hexdigest()]["data"] == data


def test_server_disk_full(imp):
    imp.fill(3)
    imp.server.state.faults["no_space"] = True
    report = imp.json(expect=1)
    assert report["failed"]["files"] == 3 and "disk of the server is full" in report["failures"][0]["reason"]
    imp.server.state.quiet()
    assert imp.json()["uploaded"]["files"] == 3


def test_on_errors(imp):
    for i in range(50):
        imp.write(f"{i:03}.jpg", b"bad%d" % i)
    imp.server.state.faults["reject"] = b"bad"
    report = imp.json("--on-errors", "stop", "--concurrent", 1, expect=1)
    assert report["failed"]["files"] == 1 and 0 <= report["notDone"]["files"] <= 49  # as many as it has found until then
    assert imp.server.state.counts["create"] == 1
    assert "--on-errors" in report["note"]
    report = imp.json("--on-errors", "5", "--concurrent", 1, expect=1)
    assert report["failed"]["files"] == 5
    assert imp.json(expect=1)["failed"]["files"] == 50


def test_wrong_key(imp):
    imp.fill(1)
    done = imp.run("--key", "wrong", key=False, expect=2)
    assert b"does not accept this key" in done.stderr and b"wrong" not in done.stderr


def test_key_revoked_in_the_middle(imp):
    imp.fill(60)
    imp.server.state.faults["rate"] = 30_000
    p = imp.start("--json", "--concurrent", 2)
    wait_for(lambda: len(imp.server.state.assets) > 3, "some photos")
    imp.server.state.faults["unauthorized"] = True
    out, _ = p.communicate(timeout=TIMEOUT)
    report = json.loads(out)
    assert p.returncode == 1 and report["notDone"]["files"] > 0 and "401" in report["note"]


def test_usage(imp):
    imp.fill(1)
    base = imp.run
    assert b"http://127.0.0.1:1: " in base("--server", "http://127.0.0.1:1", "--retry-for", "100ms", expect=2).stderr
    for options, text in [
            (["--concurrent", "21"], b"--concurrent"), (["--on-errors", "maybe"], b"--on-errors"),
            (["--date-range", "2023-13"], b"--date-range"), (["--folder-as-album", "X"], b"--folder-as-album"),
            (["--album", "a", "--folder-as-album", "PATH"], b"exclude each other"), (["--tag", "a,b"], b"--tag"),
            (["--journal", "/x", "--no-journal"], b"exclude each other"), (["--trashed", "x"], b"--trashed"),
            (["--server", "photos.example"], b"http://"), (["--server", "ftp://x"], b"http://"),
            (["--nonsense"], b"--nonsense"), (["--include-extensions", "a/b"], b"extension")]:
        assert text in base(*options, expect=2).stderr, options
    assert b"No such file" in base(paths=[imp.tmp / "nowhere"], expect=2).stderr
    assert b"folders or files" in base(paths=[], expect=2).stderr
    assert b"no key" in base(key=False, expect=2).stderr
    assert imp.server.state.counts.get("create") is None


def test_not_an_albumen_server(imp):
    imp.fill(1)
    done = imp.run("--server", imp.server.url + "/elsewhere", expect=2)
    assert b"no albumen server" in done.stderr


def test_environment_and_key_file(imp):
    imp.fill(2)
    env = {"ALBUMEN_SERVER": imp.server.url + "/", "ALBUMEN_KEY": KEY}
    done = subprocess.run(importer() + [str(imp.photos)], env=imp.env(**env), capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    key = imp.tmp / "key"
    key.write_text(KEY + "\r\n# a comment\n")
    imp.run("--key-file", key, key=False)
    key.write_text("\n")
    assert b"--key-file" in imp.run("--key-file", key, key=False, expect=2).stderr


# --- the run itself -----------------------------------------------------------------------------------------------


def test_dry_run_writes_nothing(imp):
    imp.fill(10)
    imp.write("copy.jpg", (imp.photos / "0/IMG_0000.jpg").read_bytes())
    report = imp.json("--dry-run")
    assert report["wouldUpload"]["files"] == 10 and report["duplicates"]["files"] == 1 and report["dryRun"]
    assert not imp.state.exists()
    assert not imp.server.state.uploads and not imp.server.state.assets
    imp.run()
    before = imp.journal().read_bytes(), imp.journal().stat().st_mtime_ns
    assert imp.json("--dry-run")["hashesKnown"] == 11
    assert (imp.journal().read_bytes(), imp.journal().stat().st_mtime_ns) == before


def test_ctrl_c(imp):
    imp.fill(80)
    imp.write("big.jpg", random.Random(1).randbytes(20_000_000))
    state = imp.server.state
    state.faults["rate"] = 500_000
    p = imp.start("--concurrent", 3)
    wait_for(lambda: len(state.assets) > 3, "some photos")
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=TIMEOUT)
    assert p.returncode == 130
    assert state.bytes_in < 20_000_000  # the large file is not waited for
    assert b"not done" in out and b"interrupted" in out and b"goes on from here" in out
    state.quiet()
    done = len(state.assets)
    report = imp.json()
    assert report["uploaded"]["files"] == 81 - done
    imp.assert_all_there()


GRACE_S = 2  # ALB_IMPORT_GRACE_NS: how long one signal leaves what is under way


def signalled_twice(imp):
    """Both signals are there when the importer looks: it is stopped while they come, and they are two, for two of one
    kind would be one. Returns the exit status and how long the rest took."""
    before = imp.server.state.bytes_in
    p = imp.start()
    wait_for(lambda: imp.server.state.bytes_in > before + 50_000, "a start")
    p.send_signal(signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(p.pid, os.WUNTRACED)[1])
    p.send_signal(signal.SIGTERM)
    p.send_signal(signal.SIGINT)
    begin = time.monotonic()
    p.send_signal(signal.SIGCONT)
    p.communicate(timeout=TIMEOUT)
    return p.returncode, time.monotonic() - begin


def test_the_second_signal_ends_at_once(imp):
    """Who is faster than the grace did not wait for it, however busy the machine is; who is slower was only unlucky."""
    imp.write("big.jpg", random.Random(1).randbytes(20_000_000))
    imp.server.state.faults["rate"] = 100_000
    for _ in range(10):
        status, took = signalled_twice(imp)
        assert status in (130, 143) and not imp.server.state.assets
        if took < GRACE_S:
            return
    raise AssertionError("it always waits for the grace")


def test_a_file_that_changes_is_not_completed(imp):
    content = random.Random(1).randbytes(40_000_000)  # far more than lies on the way
    path = imp.write("big.jpg", content)
    state = imp.server.state
    state.faults["hold_at"] = 1_000_000
    p = imp.start("--json")
    wait_for(lambda: state.bytes_in >= 1_000_000, "a start")
    with open(path, "r+b") as f:
        f.seek(39_900_000)
        f.write(b"changed")
    state.faults["hold_at"] = None
    out, _ = p.communicate(timeout=TIMEOUT)
    assert p.returncode == 1 and "changed" in json.loads(out)["failures"][0]["reason"]
    assert not state.assets
    state.quiet()
    assert imp.json()["uploaded"]["files"] == 1
    imp.assert_all_there()


def test_one_importer_per_journal(imp):
    imp.write("big.jpg", random.Random(1).randbytes(5_000_000))
    imp.server.state.faults["rate"] = 1_000_000
    p = imp.start()
    wait_for(lambda: imp.server.state.bytes_in > 0, "a start")
    assert b"another import uses the journal" in imp.run(expect=2).stderr
    assert imp.json("--no-journal", "--dry-run")["exit"] == 0
    imp.server.state.quiet()
    p.kill()
    p.communicate()


def test_damaged_journal(imp):
    imp.fill(20)
    imp.run()
    journal = imp.journal()
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 0x20
    journal.write_bytes(bytes(data[:-30]))
    imp.write("new.jpg", b"new")
    report = imp.json()
    assert report["uploaded"]["files"] == 1 and report["duplicates"]["files"] == 20
    assert 17 <= report["hashesKnown"] < 20
    assert imp.json()["hashesKnown"] == 21
    journal.write_text("my diary\n")
    done = imp.run("--journal", journal, expect=2)
    assert b"is not a journal" in done.stderr and journal.read_text() == "my diary\n"


def test_journal_that_cannot_be_written(imp):
    imp.fill(3)
    imp.state.write_text("a file where the folder should be")
    done = imp.run()
    assert b"without a journal" in done.stderr
    assert len(imp.server.state.assets) == 3


def test_table(imp):
    imp.fill(12)
    imp.write("notes.txt", b"no photo")
    imp.write("evil\x1b[31m\u202e.jpg", b"reject me")
    imp.server.state.faults["reject"] = b"reject"
    done = imp.run(expect=1)
    out = done.stdout.decode()
    assert "\x1b" not in out and "\u202e" not in out and "\\x1b[31m" in out
    rows = {line.split("  ")[0].strip(): line.split() for line in out.splitlines()}
    assert rows["uploaded"][1] == "12" and rows["failed"][1] == "1" and rows["found"][1] == "14"
    assert ".txt 1" in out and "files/s" in out
    assert imp.run("--quiet", expect=1).stdout.decode().count("\n") == 1


def test_progress_on_a_terminal(imp):
    imp.fill(60, size=200_000)
    imp.server.state.faults["rate"] = 1_500_000
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    p = subprocess.Popen(imp.args(imp.photos, "--concurrent", 2), env=imp.env(TERM="xterm"), stdout=subprocess.PIPE,
                         stderr=side)
    os.close(side)
    seen = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    out, _ = p.communicate(timeout=TIMEOUT)
    os.close(main)
    assert p.returncode == 0
    frames = seen.decode().split("\r\n", 1)[1].split("\r")[1:]
    assert len(frames) > 3 and frames[-1] == "\x1b[K", "the line is taken away at the end"
    texts = [f.removesuffix("\x1b[K") for f in frames]
    assert all(len(t) < 60 and "\n" not in t and "\x1b" not in t for t in texts)
    assert any("files" in t for t in texts) and any("%" in t for t in texts)
    assert b"uploaded" in out


def test_prefix_behind_a_proxy_keeps_the_key_at_home(imp):
    """The mock names http://elsewhere.invalid as its address: what goes there would fail."""
    imp.write("big.jpg", random.Random(1).randbytes(6_000_000))
    assert imp.json()["uploaded"]["files"] == 1
    assert imp.server.state.counts["PATCH"] == 1


def test_many_copies_of_one_file(imp):
    for i in range(300):
        imp.write(f"{i:03}.jpg", b"the same")
    imp.server.state.faults.update(drop_answer=0.2)
    report = imp.json()
    assert report["uploaded"]["files"] == 1 and report["duplicates"]["files"] == 299
    assert imp.server.state.created == [hashlib.sha1(b"the same").hexdigest()]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, *sys.argv[1:]]))
