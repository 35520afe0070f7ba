"""The report of the command itself: on a terminal, in a poor locale."""

from __future__ import annotations

import os

import pytest
from rich.cells import cell_len
from tiers import also_slow
from world import World, read_terminal


@pytest.mark.parametrize("width", also_slow(40, 200))
def test_on_a_real_terminal(world: World, width: int) -> None:
    """The command wraps its report to its terminal between words; a link stays whole, to be copied."""
    world.pair("bad", src_path="/missing")
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": str(width)}
    with world.start(stdout=theirs, env=environment) as process:
        os.close(theirs)
        written = read_terminal(ours)
        process.communicate(timeout=30)
    lines = written.splitlines()
    link = f"    task: https://app.globus.org/activity/{world.tasks[0].id}"
    assert link in lines
    assert max(cell_len(line) for line in lines if line != link and " " in line.strip()) <= width
    assert any(line.startswith("bad: blocked") for line in lines)
    assert (len(lines) > 10) is (width < 80)


@pytest.mark.parametrize(
    ("surroundings", "shown"),
    also_slow(
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "mikroskop größe 顕微鏡"),
        ({"PYTHONIOENCODING": "latin-1"}, r"mikroskop größe \u9855\u5fae\u93e1"),
    ),
)
def test_a_poor_locale(world: World, surroundings: dict[str, str], shown: str) -> None:
    """Without Python's own help in a C locale, a name is whole; where it cannot be written it is escaped."""
    world.pair("mikroskop größe 顕微鏡", src_path="/images")
    encoding = surroundings.get("PYTHONIOENCODING", "utf-8")
    outcome = world.process(env={**os.environ, **surroundings}, encoding=encoding)
    assert outcome.status == 0
    assert f"{shown}: started" in outcome.stdout
    assert f"{shown}: started" in outcome.stderr


def test_nothing_would_be_started(world: World) -> None:
    """-n while the task runs says that nothing would be started."""
    world.globus.hold()
    world.run()
    assert world.run("-n").stdout.splitlines()[-1] == "nothing would be started"
    world.globus.release()
