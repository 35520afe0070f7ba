"""Fixtures: a running stand-in with the real SDK as its client, a plain HTTP client, and a served stand-in."""

import re
import shlex
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from globus_sync_directory.standin import ManualClock, StandIn

from .helpers import BLOCKS, Documented, Http, World, free_port


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with StandIn(clock=ManualClock()) as globus:
        world = World(globus, tmp_path)
        try:
            yield world
        finally:
            world.close()
    assert globus.unknown_routes == []


@pytest.fixture
def http(world: World) -> Iterator[Http]:
    """A plain HTTP client that sends our token to the stand-in."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {world.access_token()}"
        yield lambda method, path, **options: session.request(method, world.globus.url + path, timeout=10, **options)


@pytest.fixture
def new_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Documented]:
    """The stand-in of the section "Start", with the variables that its lines set."""
    monkeypatch.chdir(tmp_path)
    port = free_port()
    start = next(block for block in BLOCKS if " serve " in block).replace("8765", port)
    *before, serve = start.splitlines()
    script = "\n".join([*before, f"echo {serve}"])
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True)
    command = shlex.split(done.stdout)
    assert command[1:4] == ["-m", "globus_sync_directory.standin", "serve"]
    variables = dict(line.split("=") for line in before if re.match(r"[A-Z]+=", line))
    with Documented(*command[4:], variables=variables | {"URL": f"http://127.0.0.1:{port}"}) as served:
        yield served
