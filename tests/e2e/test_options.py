# SPDX-License-Identifier: Apache-2.0
"""Every option of the table at its lowest, at its highest, beyond both, and with nonsense: the server either runs and ends
in order, or says which option is wrong. And all that the table says can be read: --help, the manual page, the environment."""
import concurrent.futures
import os
import re
import socket
import subprocess

from daemon import BINARY, PASSWORD, ROOT

INT64_MAX = 2 ** 63 - 1
COMMANDS = {"ALB_CMD_SERVE": ["serve"], "ALB_CMD_USER": ["user"], "ALB_CMD_KEY": ["key"], "ALB_CMD_IMPORT": ["import"],
            "ALB_CMD_CHECK": ["check"], "ALB_CMD_VERSION": ["version"], "ALB_CMD_IMGPROXY": ["imgproxy"],
            "ALB_CMD_IMAGOR": ["imagor"], "ALB_CMD_STAND_IN": ["imgproxy", "imagor"],
            "ALB_CMD_CACHE": ["cache"], "ALB_CMD_SERVER_SIDE": ["serve", "user", "key", "check", "cache"],
            "ALB_CMD_ALL": ["serve", "user", "key", "import", "check", "version", "cache"]}
# What the right values of a text are, and what is none of them. Free texts (names, paths, passwords) have no wrong value.
TEXTS = {"listen": (["127.0.0.1:0", "localhost:0"], ["nonsense", "127.0.0.1:99999", "127.0.0.1", ":", "unix:", "1.2.3:0"]),
         "log-level": (["debug", "info"], ["loud"]), "log-format": (["logfmt"], ["xml"]),
         "public-url": (["https://photos.example", "http://[::1]:80/"], ["photos", "ftp://x", "https://"]),
         "trusted-proxy": (["10.0.0.0/8", "::1", "unix"], ["10.0.0.0/99", "proxy.example", "10.0.0"]),
         "cors-origin": (["*", "https://app.example"], ["app.example", "https://app.example/", "https://app.example/path", "HTTPS://app.example", "null", "https://",
                                  "https://app.example:443"])}


def table():
    """name -> (type, default, commands), from the table itself."""
    text = (ROOT / "src/tbl/params.h").read_text()
    found = {}
    for name, kind, default, commands in re.findall(r'^ALB_X\(\w+, "([^"]+)", (\w+),\s+"([^"]*)",\s+([A-Z_| ]+),', text, re.M):
        found[name] = (kind, default, {c for word in commands.split(" | ") for c in COMMANDS[word]})
    assert len(found) == len(re.findall(r"^ALB_X\(", text, re.M)) > 60
    return found


OPTIONS = table()
SERVE = sorted(n for n, (_, _, commands) in OPTIONS.items() if "serve" in commands)
NUMBERS = [n for n in SERVE if OPTIONS[n][0] in ("INT", "SIZE", "DURATION")]


def plain_env(**more):
    return {k: v for k, v in os.environ.items() if not k.startswith("ALBUMEN_")} | more


def serve(folder, *args):
    """The server with these options: "runs" (it answered, and ended in order), or the error it gave."""
    listen = [] if "--listen" in args else ["--listen", "127.0.0.1:0"]
    process = subprocess.Popen([BINARY, "serve", "--data", folder / "data", *listen, *args],
                               env=plain_env(ALBUMEN_ADMIN_PASSWORD=PASSWORD), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seen, address = [], None
    for line in process.stderr:
        seen.append(line)
        address = (re.search(r'address"?[:=]"?([^\s"}]+)', line) or [None, address])[1]
        if re.search(r'event"?[:=]"?ready', line):
            host, port = address.rsplit(":", 1)
            with socket.create_connection((host.strip("[]"), int(port))) as http:
                http.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                seen.append(http.recv(15).decode())
            process.terminate()
    process.stderr.close()
    status, text = process.wait(60), "".join(seen)
    if status == 0:
        assert "HTTP/1.1 200" in text, (args, text)
        return "runs"
    assert status in (1, 2), (args, status, text)
    return text


def unit(name, number):
    return f"{number}ms" if OPTIONS[name][0] == "DURATION" else str(number)


def try_numbers(folder, name):
    """None, or what went wrong."""
    for value in (unit(name, 0), unit(name, 1), unit(name, INT64_MAX // 10 ** 6), str(INT64_MAX)):
        if OPTIONS[name][0] == "DURATION" and value == str(INT64_MAX):
            continue
        found = serve(folder, f"--{name}={value}")
        if found != "runs" and name not in found:
            return f"--{name}={value}: {found}"
    for value in (unit(name, -1), str(INT64_MAX + 1), "9" * 40, "many", "", " ", "1e3", "0x10", "1\t", "1,000", "+1", "１"):
        found = serve(folder, f"--{name}={value}")
        if found == "runs" or name not in found:
            return f"--{name}={value!r}: {found}"
    return None


def test_numbers_of_every_option(tmp_path):
    for name in NUMBERS:
        (tmp_path / name).mkdir()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = [w for w in pool.map(lambda name: try_numbers(tmp_path / name, name), NUMBERS) if w]
    assert not wrong, "\n".join(wrong)


def test_texts_that_have_a_form(tmp_path):
    for name, (good, bad) in TEXTS.items():
        for value in good:
            assert serve(tmp_path, f"--{name}", value) == "runs", (name, value)
        for value in bad:
            found = serve(tmp_path, f"--{name}", value)
            assert found != "runs" and name in found and "Sanitizer" not in found, (name, value, found)


def albumen(*args, **env):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=60, env=plain_env(**env))


def test_every_option_has_its_three_places(tmp_path):
    """The flag, the variable and the line of the file mean the same, and a mistake in each is told with its place."""
    config = tmp_path / "albumen.conf"
    for name, (kind, _, commands) in OPTIONS.items():
        command = min(commands, key=lambda c: (c in ("imgproxy", "imagor"), c))
        variable = "ALBUMEN_" + name.upper().replace("-", "_")
        if kind in ("STRING", "LIST"):
            wrong = "\xff".encode("latin-1")  # no UTF-8
        else:
            wrong = b"nonsense"
        for args, env, place in (([f"--{name}=".encode() + wrong], {}, f"--{name}"), ([], {variable: wrong}, variable),
                                 (["--config", str(config)], {}, f"{config}:2")):
            config.write_bytes(b"# a comment\n" + name.encode() + b" = " + wrong + b"\n")
            if args[:1] == ["--config"] and (name == "config" or command == "imgproxy"):
                continue  # the file cannot name itself; who stands in for imgproxy has variables only
            run = subprocess.run([os.fsencode(BINARY), command.encode(), *[a if isinstance(a, bytes) else a.encode() for a in args]],
                                 capture_output=True, timeout=60, env={k.encode(): v.encode() for k, v in plain_env().items()}
                                 | {k.encode(): v for k, v in env.items()}, stdin=subprocess.DEVNULL)
            assert run.returncode == 2 and place.encode() in run.stderr, (args, env, run)
    unknown = albumen("version", ALBUMEN_NO_SUCH_THING="1")
    assert unknown.returncode == 2 and "ALBUMEN_NO_SUCH_THING" in unknown.stderr


def test_help_and_manual_know_every_option():
    manual = albumen("help", "--man").stdout
    parts = dict(re.findall(r"^\.SH ALBUMEN (\w+)\n(.*?)(?=^\.SH )", manual, re.M | re.S))
    markdown = albumen("help", "--markdown").stdout
    overview = albumen("help").stdout
    for command in ("serve", "user", "key", "import", "check", "version"):
        wanted = {name for name, (_, _, commands) in OPTIONS.items() if command in commands}
        text = albumen(command, "--help").stdout
        assert set(re.findall(r"^  --([a-z-]+)", text, re.M)) == wanted, command
        assert set(re.findall(r"^\\fB\\-\\-([a-z\\-]+)\\fR", parts[command], re.M)) == {n.replace("-", "\\-") for n in wanted}
        assert f"\n## albumen {command}" in markdown and re.search(rf"^  {command} ", overview, re.M)
        for name in wanted:
            default = OPTIONS[name][1]
            line = re.search(rf"^  --{name}([ \n].*?)(?=^  --|^\w|\Z)", text, re.M | re.S)[1]
            if default and OPTIONS[name][0] != "BOOL":
                assert f"(default {default})" in re.sub(r"\s+", " ", line), (command, name, line)


def test_papers_name_only_what_there_is():
    """Every flag and variable in the papers and scripts is one of the table."""
    variables = {"ALBUMEN_" + n.upper().replace("-", "_") for n in OPTIONS} | {"ALBUMEN_NAME"}
    flags = set(OPTIONS) | {"help", "version", "man", "markdown"} | {"no-" + n for n, o in OPTIONS.items() if o[0] == "BOOL"}
    papers = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/doors").glob("*.md"),
              *(ROOT / "packaging").iterdir()]
    for paper in papers:
        text = paper.read_text()
        assert set(re.findall(r"ALBUMEN_[A-Z_]+", text)) <= variables, paper
        for line in re.findall(r"^.*\balbumen (?:serve|user|key|import|check|version)\b.*$", text, re.M):
            assert set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", line)) <= flags, (paper, line)
