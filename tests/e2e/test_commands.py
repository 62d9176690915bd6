# SPDX-License-Identifier: Apache-2.0
"""The command line as people and scripts use it."""
import os
import pty
import re
import signal
import subprocess
import termios

import pytest
import requests

import pictures
from daemon import BINARY, PASSWORD, Daemon, reports


def albumen(*args, **kwargs):
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=60, **kwargs)


@pytest.mark.parametrize("command", ["serve", "user", "key", "import", "check", "sign", "version"])
def test_help(command):
    run = albumen(command, "--help")
    assert run.returncode == 0 and run.stdout.startswith(f"usage: albumen {command}") and not run.stderr


def test_help_of_all():
    run = albumen("--help")
    assert run.returncode == 0
    for command in ("serve", "user", "key", "import", "check", "version"):
        assert re.search(rf"^  {command}\b", run.stdout, re.M)
    assert "Limits" in albumen("serve", "--help").stdout
    manual = albumen("help", "--man").stdout
    assert manual.startswith(".TH ALBUMEN 1") and "listen" in manual


def test_wrong_usage_is_told():
    for args, text in ((["nonsense"], "nonsense"), (["serve", "--no-such-option"], "no-such-option"),
                       (["serve", "--cache-size", "many"], "cache-size"), (["serve", "word"], "word"),
                       (["key", "new", "--data", "/nonexistent/albumen"], "/nonexistent/albumen")):
        run = albumen(*args)
        assert run.returncode in (1, 2) and text in run.stderr, (args, run)
    assert albumen().returncode == 2


def test_key_prints_only_the_key(daemon):
    run = daemon.command("key", "new", "--data", daemon.data, "--user", "admin")
    assert re.fullmatch(r"alb_[\w-]+\n", run.stdout)
    assert daemon.command("key", "new", "--data", daemon.data, "--user", "nobody", check=False).returncode == 1


def test_commands_without_a_server(tmp_path):
    """The same commands, on the data folder itself."""
    daemon = Daemon(tmp_path / "data").start()
    daemon.stop()
    key = daemon.command("key", "new", "--data", daemon.data, "--user", "admin").stdout.strip()
    assert "admin" in daemon.command("user", "list", "--data", daemon.data).stdout
    assert "clean" in daemon.command("check", "--data", daemon.data).stdout
    daemon.start()
    assert requests.get(daemon.url + "/api/users/me", headers={"x-api-key": key}).status_code == 200
    daemon.stop()


def test_second_server_is_refused(daemon):
    run = albumen("serve", "--data", daemon.data, "--listen", "127.0.0.1:0")
    assert run.returncode == 1 and "serve" in run.stderr and str(daemon.process.pid) in run.stderr


def test_password_can_be_changed(daemon):
    daemon.command("user", "passwd", "admin", "--data", daemon.data, input="another password\n")
    login = daemon.url + "/api/auth/login"
    assert requests.post(login, json={"email": "admin", "password": PASSWORD}).status_code == 401
    assert requests.post(login, json={"email": "admin", "password": "another password"}).status_code == 201


class Typist:
    """`albumen user ...` on a terminal of its own, and somebody who answers what it asks."""

    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(BINARY, [str(a) for a in (BINARY, *args)])
        self.seen = ""

    def wait_for(self, text):
        while text not in self.seen:
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                got = b""
            assert got, self.seen
            self.seen += got.decode()
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text):
        assert not self.echoes(), "the password would be seen"
        os.write(self.fd, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        try:
            while got := os.read(self.fd, 4096):
                self.seen += got.decode()
        except OSError:  # how a terminal says that nobody is there any more
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def signs_in(daemon, password):
    return requests.post(daemon.url + "/api/auth/login", json={"email": "admin", "password": password}).status_code == 201


def test_a_typed_password_is_asked_for_twice(daemon):
    who = Typist("user", "passwd", "admin", "--data", daemon.data)
    who.wait_for("New password: ")
    who.type("first try 12345\n")
    who.wait_for("again: ")
    who.type("first tyr 12345\n")
    who.wait_for("not the same")
    who.wait_for("New password: ")
    who.type("second try 12345\n")
    who.wait_for("again: ")
    who.type("second try 12345\n")
    assert who.end() == 0 and "try" not in who.seen and "tyr" not in who.seen
    assert signs_in(daemon, "second try 12345") and not signs_in(daemon, PASSWORD)


@pytest.mark.parametrize("answers", [["one 12345678", "two 12345678"] * 3, ["one 12345678", "\x04"], ["\x04"]],
                         ids=["differs", "end at the second", "end at the first"])
def test_without_two_equal_passwords_nothing_changes(daemon, answers):
    who = Typist("user", "passwd", "admin", "--data", daemon.data)
    for i, answer in enumerate(answers):
        who.wait_for("again: " if i % 2 else "New password: ")
        who.type(answer if answer == "\x04" else answer + "\n")
    assert who.end() == 1 and "nothing is changed" in who.seen
    assert signs_in(daemon, PASSWORD)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_the_terminal_echoes_again_after_a_signal(daemon, number):
    ours, theirs = pty.openpty()  # a second hold on the terminal: it must outlive the program
    # Whoever starts the tests in the background (nohup, &) has these signals ignored, and so would the program.
    process = subprocess.Popen([BINARY, "user", "passwd", "admin", "--data", daemon.data], stdin=theirs, stdout=theirs,
                               stderr=theirs, start_new_session=True,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    seen = b""
    while b"New password: " not in seen:
        seen += os.read(ours, 4096)
    assert not termios.tcgetattr(theirs)[3] & termios.ECHO
    process.send_signal(number)
    assert process.wait(60) == -number
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    os.close(ours)
    os.close(theirs)
    assert signs_in(daemon, PASSWORD)


def test_the_terminal_echoes_while_it_is_stopped(daemon):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BINARY, "user", "passwd", "admin", "--data", daemon.data], stdin=theirs, stdout=theirs,
                               stderr=theirs, preexec_fn=os.setpgrp)
    def asked():
        seen = b""
        while b"New password: " not in seen:
            seen += os.read(ours, 4096)
    asked()
    process.send_signal(signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    process.send_signal(signal.SIGCONT)
    asked()
    assert not termios.tcgetattr(theirs)[3] & termios.ECHO
    os.write(ours, b"after the stop\n")
    seen = b""
    while b"again: " not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, b"after the stop\n")
    assert process.wait(60) == 0
    os.close(ours)
    os.close(theirs)
    assert signs_in(daemon, "after the stop")


def test_first_run_without_a_password(tmp_path):
    """The server prints a link; only its token sets the first password."""
    process = subprocess.Popen([BINARY, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0"],
                               stderr=subprocess.PIPE, text=True)
    seen = ""
    while "#setup=" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    url, token = re.search(r"(http://\S+)/#setup=(\S+)", seen).groups()
    assert requests.get(url + "/api/server/config").json()["isInitialized"] is False
    signup = url + "/api/auth/admin-sign-up"
    body = {"email": "a@example.org", "name": "Anna", "password": "long enough"}
    assert requests.post(signup, json=body).status_code == 403
    assert requests.post(signup, json={**body, "setupToken": "0" * 32}).status_code == 403
    assert requests.post(signup, json={**body, "setupToken": token, "password": "seven77"}).status_code == 400
    assert requests.post(signup, json={**body, "setupToken": token}).status_code == 201
    assert requests.post(signup, json={**body, "setupToken": token}).status_code == 409
    assert requests.get(url + "/api/server/config").json()["isInitialized"] is True
    login = requests.post(url + "/api/auth/login", json={"email": "a@example.org", "password": "long enough"})
    assert login.status_code == 201 and login.json()["name"] == "Anna"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_the_first_password_is_no_short_one(tmp_path):
    """The variable may say no less than the set-up page, nor may who asks without the page."""
    run = subprocess.run([BINARY, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0"], text=True,
                         env=dict(os.environ, ALBUMEN_ADMIN_PASSWORD="seven77"), capture_output=True, timeout=120)
    assert run.returncode == 1 and "ALBUMEN_ADMIN_PASSWORD) is too short: 8 bytes at least" in run.stderr, run.stderr


def test_quit_prints_what_is_in_flight(daemon):
    daemon.upload(pictures.photo(1))
    daemon.process.send_signal(signal.SIGQUIT)
    daemon.get("/health")
    for _ in range(1000):
        if any(line.startswith("-- render") for line in daemon.log):
            break
        daemon.get("/health")
    else:
        raise AssertionError("no dump: " + "\n".join(daemon.log[-20:]))
    assert daemon.get("/health").status_code == 200


def test_term_drains(tmp_path):
    """A request that is under way when SIGTERM comes is answered; the next connection is refused."""
    daemon = Daemon(tmp_path / "data").start()
    asset = daemon.upload(pictures.photo(1, 3000, 2000)).headers["Albumen-Asset"]
    http = daemon.session()
    with http.get(daemon.url + f"/api/assets/{asset}/original", stream=True) as answer:
        begin = next(answer.iter_content(1000))
        daemon.process.terminate()
        assert len(begin + answer.raw.read()) == int(answer.headers["Content-Length"])
    assert daemon.process.wait(60) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(daemon.url + "/health")


def test_other_pages_need_to_be_let_in(tmp_path):
    """--cors-origin: another page may use the API with a key; without the option no page may."""
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "x-api-key, tus-resumable"}
    daemon = Daemon(tmp_path / "data").start()
    for path in ("/api/users/me", "/files/"):
        assert "Access-Control-Allow-Origin" not in requests.options(daemon.url + path, headers=preflight).headers
    daemon.stop()
    daemon.start("--cors-origin", "https://app.example")
    for path in ("/api/users/me", "/files/"):
        answer = requests.options(daemon.url + path, headers=preflight)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example", path
        assert "x-api-key" in answer.headers["Access-Control-Allow-Headers"]
        other = requests.options(daemon.url + path, headers={**preflight, "Origin": "https://evil.example"})
        assert other.headers.get("Access-Control-Allow-Origin") != "https://evil.example"
    me = daemon.get("/api/users/me", headers={"Origin": "https://app.example"})
    assert me.status_code == 200 and me.headers["Access-Control-Allow-Origin"] == "https://app.example"
    daemon.stop()


@pytest.mark.parametrize("line", ["==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1", "WARNING: ThreadSanitizer: data race",
                                  "../src/a.c:1:2: runtime error: signed integer overflow", "==1==ERROR: LeakSanitizer: detected"])
def test_what_a_sanitizer_says_is_seen(line):
    assert reports(['{"event":"ready"}', line, "#0 main"]) == line + "\n#0 main"
    assert not reports(['{"event":"request","path":"/ThreadSanitizer"}'.replace("Sanitizer", "")])
