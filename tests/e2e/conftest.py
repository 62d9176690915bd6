# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from daemon import Daemon, reports  # noqa: E402


@pytest.fixture(autouse=True)
def no_reports():
    """No sanitizer has anything to say of any server."""
    yield
    for server in Daemon.all:
        assert not reports(server.log), reports(server.log)


@pytest.fixture
def daemon(tmp_path):
    """A running daemon with a data folder of its own; must end cleanly."""
    server = Daemon(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory):
    """One daemon for the tests of a module that do not disturb each other."""
    server = Daemon(tmp_path_factory.mktemp("shared") / "data")
    server.start()
    yield server
    server.stop()


def pytest_sessionfinish():
    """A test that failed has left its server running."""
    for server in Daemon.all:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait()
