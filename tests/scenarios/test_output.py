"""The report of the command itself: on a terminal, in a poor locale."""

from __future__ import annotations

import os

import pytest
from world import World, read_terminal
from rich.cells import cell_len


@pytest.mark.parametrize("width", [40, 200])
def test_on_a_real_terminal(world: World, width: int) -> None:
    """The command itself wraps its report to the terminal it writes to."""
    world.pair("bad", src_path="/missing")
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": str(width)}
    with world.start(stdout=theirs, env=environment) as process:
        os.close(theirs)
        written = read_terminal(ours)
        process.communicate(timeout=30)
    lines = [line for line in written.splitlines() if " " in line.strip()]
    assert max(map(cell_len, lines)) <= width
    assert any("not startable" in line for line in lines)


def test_a_poor_locale(world: World) -> None:
    """LANG=C, without Python's own way round it: names come out whole, in the log escaped; nothing breaks."""
    world.pair("mikroskop größe 顕微鏡", src_path="/images")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    outcome = world.process(env=environment)
    assert outcome.status == 0
    assert "mikroskop größe 顕微鏡: started" in outcome.stdout
    assert "mikroskop gr\\xf6\\xdfe" in outcome.stderr


def test_nothing_would_be_started(world: World) -> None:
    """-n while the task runs says that nothing would be started."""
    world.globus.hold()
    world.run()
    assert world.run("-n").stdout.splitlines()[-1] == "nothing would be started"
    world.globus.release()
