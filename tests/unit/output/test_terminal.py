"""What reaches stdout and stderr, and the exit status whatever happens to the two."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.report import RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output import terminal

from .reports import BY_STATUS, EVIL, LINK, pair_report

WELL = RunReport(exit_status=ExitStatus.OK, pairs=(BY_STATUS[PairStatus.STARTED],))
BAD = RunReport(
    exit_status=ExitStatus.ATTENTION,
    errors=("the lock is held",),
    pairs=(BY_STATUS[PairStatus.STARTED], BY_STATUS[PairStatus.BLOCKED]),
    closing_line="the end",
)


class Stream(io.StringIO):
    """A terminal, or a stream that fails as it is told."""

    def __init__(self, error: OSError | None = None) -> None:
        super().__init__()
        self.error = error

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        if self.error:
            raise self.error


def test_text_goes_to_stdout_and_errors_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal: plain lines, unwrapped."""
    assert terminal.show(BAD, quiet=False, as_json=False) is ExitStatus.ATTENTION
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"microscope: started, 2026-11-25 07:00 NZDT; {LINK}"
    assert out.splitlines()[-2:] == ["2 pairs: 1 started, 1 blocked", "the end"]
    assert err == "the lock is held\n"


def test_every_line_is_sanitised(capsys: pytest.CaptureFixture[str]) -> None:
    """No text from outside steers a terminal, or makes lines of its own."""
    report = RunReport(exit_status=ExitStatus.USAGE, errors=(EVIL,), pairs=(pair_report(name=EVIL),), closing_line=EVIL)
    terminal.show(report, quiet=False, as_json=False)
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), len(err.splitlines())) == (2, 1)
    assert (out + err).replace("\n", "").isprintable()


@pytest.mark.parametrize("as_json", [True, False])
def test_quiet_prints_nothing_while_all_is_well(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """At status 0 nothing at all, else what explains the status; JSON is whole then."""
    assert terminal.show(WELL, quiet=True, as_json=as_json) is ExitStatus.OK
    assert capsys.readouterr() == ("", "")
    assert terminal.show(BAD, quiet=True, as_json=as_json) is ExitStatus.ATTENTION
    out, err = capsys.readouterr()
    assert "blocked" in out
    assert (LINK in out) is as_json
    assert err == ("" if as_json else "the lock is held\n")


def test_json_is_one_object_with_the_errors_inside(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json stderr has no errors."""
    terminal.show(BAD, quiet=False, as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["errors"] == ["the lock is held"]
    assert err == ""


@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False),
        ({}, False),
    ],
)
def test_a_terminal_has_colour_and_width(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_coloured: bool
) -> None:
    """On a terminal the report is wrapped to its width; colour is a matter of NO_COLOR and TERM."""
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "80")
    stream = Stream()
    monkeypatch.setattr(sys, "stdout", stream)
    assert terminal.show(WELL, quiet=False, as_json=False) is ExitStatus.OK
    assert stream.getvalue().endswith(f"\n    task: {LINK}\n")
    assert ("\x1b[32mstarted" in stream.getvalue()) is is_coloured
    assert terminal.is_watched(stream) is is_coloured


def test_a_file_is_not_watched() -> None:
    """Nor is a stream that is closed or was never there."""
    closed = io.StringIO()
    closed.close()
    assert not any(map(terminal.is_watched, (None, io.StringIO(), closed)))


@pytest.mark.parametrize(
    ("error", "status", "complaint"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ExitStatus.ATTENTION, "No space left on device"),
        (OSError(errno.EIO, "Input/output error"), ExitStatus.ATTENTION, "Input/output error"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ExitStatus.OK, ""),
    ],
    ids=["full disk", "terminal gone", "reader left"],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_a_report_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    status: ExitStatus,
    complaint: str,
    as_json: bool,
) -> None:
    """A report that is lost is status 1 where all was well; a reader that left wanted no more of it."""
    monkeypatch.setattr(sys, "stdout", Stream(error))
    assert terminal.show(WELL, quiet=False, as_json=as_json) is status
    assert terminal.show(BAD, quiet=False, as_json=True) is ExitStatus.ATTENTION
    later = RunReport(exit_status=ExitStatus.TRY_LATER)
    assert terminal.show(later, quiet=False, as_json=as_json) is ExitStatus.TRY_LATER
    assert capsys.readouterr().err == f"standard output cannot be written: {complaint}\n" * (3 if complaint else 0)


def test_streams_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stdout wants no report, and a stderr that cannot be written stops nothing."""
    monkeypatch.setattr(sys, "stdout", None)
    for stderr in (None, Stream(OSError(errno.ENOSPC, "full"))):
        monkeypatch.setattr(sys, "stderr", stderr)
        assert terminal.show(BAD, quiet=False, as_json=False) is ExitStatus.ATTENTION
        assert terminal.flush_streams()


SCRIPT = """
import logging, sys
from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.report import PairReport, RunReport
from globus_sync_directory.output import terminal
terminal.prepare_streams()
state = open("/dev/null")
assert state.fileno() > 2, "a file of ours has the place of a standard stream"
logging.raiseExceptions = False
logging.warning("begins")
if sys.argv[1] == "show":
    report = RunReport(exit_status=ExitStatus.OK, errors=("an error",), closing_line="x" * 9999)
    status = terminal.show(report, quiet=False, as_json=False)
else:
    status = ExitStatus.OK
    sys.stdout and sys.stdout.write("help")
logging.warning("ends")
if not terminal.flush_streams() and status is ExitStatus.OK:
    status = ExitStatus.ATTENTION
sys.exit(70 if "rich" in sys.modules else status)
"""


def start(action: str, redirections: str) -> subprocess.Popen[str]:
    """Start the script as a user's shell would, with nothing in the environment."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    command = f'"$0" -c "$1" {action} {redirections}; exit "${{PIPESTATUS[0]}}"'
    arguments = ["bash", "-c", command, sys.executable, SCRIPT]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.promise(7, "closed streams, a full disk behind stdout or stderr, a reader that left")
def test_the_interpreter_ends_with_our_status() -> None:
    """No stream makes it 120, and nothing of the interpreter's is printed; without a terminal rich is not imported."""
    expected = {
        ("show", ">/dev/full"): 1,
        ("show", "2>/dev/full"): 0,
        ("show", "<&- >&- 2>&-"): 0,
        ("show", "| true"): 0,
        ("help", ">/dev/full 2>/dev/full"): 1,
        ("help", "| true"): 0,
    }
    running = {key: start(*key) for key in expected}
    results = {key: (process.communicate(timeout=60), process.returncode) for key, process in running.items()}
    assert {key: status for key, (_, status) in results.items()} == expected
    for (_, stderr), _ in results.values():
        assert "Traceback" not in stderr
        assert "Exception" not in stderr
