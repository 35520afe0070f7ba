"""The fixtures of all tests, and the table of promises that a run can write."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import reliability_table
import world as worlds
from world import World, Zygote, make_world, make_zygote

from globus_sync_directory.globus import transport
from globus_sync_directory.standin.behaviour import with_option


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--behaviour", action="append", default=[], metavar="NAME=VALUE", help="let the service behave so")
    parser.addoption("--reliability", type=Path, help="write a table of the promises and the cases tried to this file")


def pytest_configure(config: pytest.Config) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup; every child would inherit it
            signal.signal(number, signal.SIG_DFL)
    for setting in config.getoption("--behaviour"):
        name, _, value = setting.partition("=")
        worlds.usual_behaviour = with_option(worlds.usual_behaviour, name, value)
    path = config.getoption("--reliability")
    if path:
        config.pluginmanager.register(reliability_table.Table(path))


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are processors: many tests wait for a process or for a clock."""
    return 1 + (os.cpu_count() or 1)


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    with make_zygote() as started:
        yield started


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty directory."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No home, settings or colours of the caller reach a test, and no request waits for a repeat or for its turn."""
    for name in list(os.environ):
        if name.startswith(("GLOBUS_", "SLURM_", "NO_COLOR")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(transport, "LONGEST_PAUSE_SECONDS", 0)
    monkeypatch.setattr(transport, "WINDOW_SECONDS", 0.0)
    log = logging.getLogger("globus_sync_directory")  # a run in this process has sent it elsewhere
    log.handlers.clear()
    log.setLevel(logging.NOTSET)
    log.propagate = True


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One pair, [microscope], from /images to /archive/images, with two files at its source."""
    with make_world(tmp_path) as world:
        for name, value in world.globus.environment.items():
            monkeypatch.setenv(name, value)
        yield world
