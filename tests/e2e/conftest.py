# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from daemon import Daemon, reports  # noqa: E402

LONG = ["test_page_on_the_real_daemon", "test_numbers_of_every_option", "test_every_byte_arrives", "test_kill_server",
        "test_every_option_has_its_three_places"]


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: storms the machine or measures it; tools/testrun runs it while no other test runs")


def pytest_collection_modifyitems(items):
    """The longest come first, so that no worker has one left when the others are done."""
    items.sort(key=lambda item: not any(item.nodeid.endswith(name) for name in LONG))


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
