#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Storms against the test server, short enough for every run: storms.py SERVERD STORM. See storm.c."""
import subprocess
import sys

import serverd


def main():
    server, storm = sys.argv[1:3]
    with serverd.running(server) as (path, pid, _):
        def run(*words):
            subprocess.run([storm, "unix:" + path, *map(str, words)], check=True, timeout=60)

        for count in (127, 128, 129, 256):
            run("ready", pid, count, 5, "/hello")
            run("ready", pid, count, 5, "/step")
            run("ready", pid, count, 5, f"/flight/{count}?ms=1")
        run("load", 256, 20000, "/hello")
        run("load", 256, 20000, "/step")
        run("hang", 4, 1)
        run("events", 300, 3)
        run("idle", pid, 500)
        run("slow", pid, 300)
        run("upload", 300)
        run("upload", 50, "/upload")


main()
