"""The scripts in docs/monitoring.md, run as they are there, with the real command and a real receiver."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from world import World

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
RECIPES = {
    title.strip().lower(): script
    for title, script in re.findall(r"^## (.+)\n(?:(?!## ).*\n)*?```sh\n((?s:.*?))```$", PAGE, re.MULTILINE)
}


def run(world: World, recipe: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = world.root / recipe
    script.write_text(RECIPES[recipe])
    script.chmod(0o700)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "GLOBUS_SYNC_DIRECTORY_SECRET_FILE": str(world.secret_file)}
    command = [str(script), str(world.config), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A web server on loopback that keeps path and body of each POST."""
    received: list[tuple[str, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_every_script_is_tried() -> None:
    """Each script on the page is one that a test below runs."""
    assert list(RECIPES) == ["nagios", "prometheus", "healthchecks", "chat"]
    assert PAGE.count("```sh") == len(RECIPES)


@pytest.mark.slow
def test_nagios(world: World) -> None:
    """0 is OK; 1 and 3 are CRITICAL; 75 and the rest UNKNOWN, by Nagios' own statuses."""
    world.pair("microscope", max_age="1h")
    world.sync()
    done = run(world, "nagios")
    assert (done.returncode, done.stdout) == (0, "OK\n")
    world.clock.advance(7200)
    done = run(world, "nagios")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (2, "CRITICAL")
    assert "TOO OLD" in done.stdout
    world.secret_file.chmod(0o644)
    assert run(world, "nagios").returncode == 3


def test_prometheus(world: World) -> None:
    """The file holds exit status and age of each pair, and is put in place as a whole."""
    world.sync()
    world.pair('odd "name"', src_path="/missing")
    world.run()
    world.clock.advance(600)
    file = world.root / "globus.prom"
    assert run(world, "prometheus", str(file)).returncode == 0
    lines = file.read_text().splitlines()
    assert 'globus_sync_exit_status{pair="microscope"} 0' in lines
    assert 'globus_sync_exit_status{pair="odd \\"name\\""} 1' in lines
    (age,) = [line for line in lines if line.startswith("globus_sync_age_seconds")]
    assert 600 <= int(age.split()[-1]) < 660
    assert "globus_sync_run_exit_status 1" in lines


@pytest.mark.slow
def test_prometheus_of_a_broken_config(world: World) -> None:
    """A config that cannot be read is a metric as well; where the file cannot be written no other is left."""
    file = world.root / "globus.prom"
    world.config.write_text("nonsense")
    run(world, "prometheus", str(file))
    assert file.read_text() == "globus_sync_run_exit_status 2\n"
    directory = world.root / "in the way"
    directory.mkdir()
    run(world, "prometheus", str(directory / "none" / "globus.prom"))
    assert list(directory.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("status", (1, 0))
def test_healthchecks(world: World, status: int) -> None:
    """The ping's URL ends with the exit status, and its body is the report."""
    if status:
        world.pair("microscope", src_path="/missing")
    world.run()
    with receiver() as (url, received):
        done = run(world, "healthchecks", url)
    assert done.returncode == 0, done.stderr
    ((path, body),) = received
    assert path == f"/{status}"
    assert b"microscope: " in body


@pytest.mark.slow
def test_chat(world: World) -> None:
    """Nothing is sent while all is well; else one message with the report."""
    world.run()
    with receiver() as (url, received):
        assert run(world, "chat", url).returncode == 0
        assert received == []
        world.globus.wait()
        world.pair("microscope", src_path="/missing")
        world.run()
        done = run(world, "chat", url)
        assert done.returncode == 0, done.stderr
    ((_, body),) = received
    assert "there is no source directory '/missing'" in json.loads(body)["text"]


def test_keys_of_the_json(world: World) -> None:
    """The keys that the page explains are in what --json prints."""
    report = json.loads(world.run("--json").stdout)
    rows = re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)
    keys = [key for row in rows for key in re.findall(r"`([\w\[\].]+)`", row)]
    assert len(keys) > 5
    for key in keys:
        of_pair = key.removeprefix("pairs[].")
        assert of_pair in (report if of_pair == key else report["pairs"][0])
