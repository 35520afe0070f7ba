"""Ctrl-C and other signals at awkward moments."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.promise(8, "a signal at an awkward moment")


def test_signal_while_the_log_is_written(world: World) -> None:
    """A signal that comes in the middle of a log line is not swallowed by the logging."""
    fired: list[int] = []

    class Stderr(io.StringIO):
        def write(self, text: str) -> int:
            if "started task" in text and not fired:
                fired.append(1)
                os.kill(os.getpid(), signal.SIGTERM)
            return super().write(text)

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(Stderr()):
        status = invoke(world.command())
    assert fired
    assert status == 130


def test_interrupted_twice_while_it_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C while the first is told changes nothing: status 130, no traceback."""
    monkeypatch.setattr(session, "_load", lambda _: os.kill(os.getpid(), signal.SIGINT))
    complain = output.complain

    def again(line: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        complain(line)

    monkeypatch.setattr(output, "complain", again)
    outcome = world.run()
    assert outcome.status == 130
    assert "interrupted by SIGINT" in outcome.stderr
