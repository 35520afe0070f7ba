"""The command line: usage, streams, quiet and verbose, exit statuses."""

from __future__ import annotations

import os
import re
from importlib.metadata import version

import pytest
from tiers import also_slow
from world import CLONE, World, read_terminal

from globus_sync_directory.cli import invoke
from globus_sync_directory.standin import Fault


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--help has every option and exit status; --version the installed version."""
    assert invoke(["--help"]) == 0
    text = capsys.readouterr().out
    for word in ("--config-file", "--secret-file", "--state-file", "--pair", "--dont-start", "--dry-run", "130"):
        assert word in text
    assert invoke(["--version"]) == 0
    assert version("globus_sync_directory") in capsys.readouterr().out


def test_help_without_docstrings(world: World) -> None:
    """Where Python removes docstrings, the help is the same."""
    usual, without = (
        world.process("--help", env=world.bare_environment | {"PYTHONOPTIMIZE": level}, cwd=CLONE) for level in "02"
    )
    assert "75   try again later" in usual.stdout
    assert (without.status, without.stdout) == (0, usual.stdout)


@pytest.mark.parametrize("arguments", [["-q", "-v"], ["-n", "-d"], ["--no-such-option"], ["extra"]])
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """A command line that makes no sense is status 2, with usage on stderr and nothing on stdout."""
    assert invoke(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage:" in captured.err


def test_answer_on_stdout_log_on_stderr(world: World) -> None:
    """The report goes to stdout, dated log lines with level and pair to stderr."""
    outcome = world.run()
    assert outcome.stdout.startswith("microscope: started")
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d (INFO|WARNING) \S.*"
    assert outcome.stderr
    assert all(re.fullmatch(line, text) for text in outcome.stderr.splitlines())
    assert "INFO microscope: started task" in outcome.stderr


def test_quiet_while_all_is_well(world: World) -> None:
    """-q prints nothing at status 0."""
    world.pair("other")
    assert world.run("-q") == type(world.run("-d"))(0, "", "")


def test_quiet_shows_only_the_problems(world: World) -> None:
    """-q with pairs that need attention prints those and no other."""
    world.pair("bad", src_path="/missing")
    world.pair("worse", src_path="/missing too")
    outcome = world.run("-q")
    assert outcome.status == 1
    assert outcome.statuses == {"bad": "blocked", "worse": "blocked"}
    assert "microscope" not in outcome.stdout
    assert outcome.stderr == ""


def test_verbose_logs_requests_but_no_secret(world: World) -> None:
    """-v logs each request with status and time; neither secret nor token is in it."""
    outcome = world.run("-v")
    assert re.search(r"DEBUG POST \S+/v2/oauth2/token: 200 after \d+ ms", outcome.stderr)
    assert re.search(r"DEBUG POST \S+/v0.10/transfer: 200 after \d+ ms, request id \w{9}\n", outcome.stderr)
    assert world.secret not in outcome.stdout + outcome.stderr
    assert "Bearer" not in outcome.stderr


def test_variables_in_place_of_options(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Config, secret and state file may be named by environment variables."""
    state = world.root / "elsewhere.json"
    for name, path in (("CONFIG", world.config), ("SECRET", world.secret_file), ("STATE", state)):
        monkeypatch.setenv(f"GLOBUS_SYNC_DIRECTORY_{name}_FILE", str(path))
    assert invoke([]) == 0
    assert "microscope: started" in capsys.readouterr().out
    assert state.exists()
    assert not world.state_file.exists()


def test_options_before_and_after_the_command(world: World) -> None:
    """An option may come before or after the command."""
    world.pair("other")
    before, after = world.run("-p", "other", "check"), world.run("check", "-p", "other")
    assert before == after
    assert (before.status, "other: source" in before.stdout, "microscope" in before.stdout) == (0, True, False)


def test_dry_run_shows_documents_where_asked(world: World) -> None:
    """-n names what would start and why; the documents come with -v or --json only."""
    plain, verbose = world.run("-n"), world.run("-n", "-v")
    assert plain.statuses == verbose.statuses == {"microscope": "would start"}
    assert "DATA_TYPE" not in plain.stdout
    assert '"DATA_TYPE": "transfer"' in verbose.stdout
    assert world.tasks == []


MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"


def test_log_file(world: World) -> None:
    """Each run appends a header with its arguments, its log and report, also with -q, and its exit status."""
    log = world.root / "log"
    first = world.process("--log-file", str(log))
    world.config.write_text(world.config.read_text().replace("src_path", "src_paht"))
    second = world.process("--log-file", str(log), "-q")
    assert (first.status, second.status) == (0, 2)
    patterns = [
        "",
        rf"==== {MOMENT} \S+ \[\d+\]: globus-sync-directory -c \S+ -s \S+ --log-file \S+",
        rf"{MOMENT} \[\d+\] INFO microscope: started task \S+",
        r"microscope: started, .*",
        rf"---- {MOMENT} \[\d+\] exit status 0",
        "",
        r"==== .* -q",
        r"\S+: \[microscope\] src_paht: unknown key; did you mean src_path\?",
        r"---- .* exit status 2",
    ]
    lines = log.read_text().splitlines()
    assert len(lines) == len(patterns), lines
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)
    assert log.stat().st_mode & 0o077 == 0


def test_quiet_run_is_in_the_log_file(world: World) -> None:
    """-q prints nothing while all is well; the log file has the report all the same."""
    log = world.root / "log"
    assert world.run("--log-file", str(log), "-q").stdout == ""
    assert "microscope: started, " in log.read_text()


def test_last_log_file_counts(world: World) -> None:
    """The wrapper names a log file; another one in its arguments replaces that."""
    first, last = world.root / "first", world.root / "last"
    assert world.run("--log-file", str(first), "--log-file", str(last)).status == 0
    assert last.exists()
    assert not first.exists()


def test_log_file_that_cannot_be_written(world: World) -> None:
    """A log file that cannot be written is a warning; the run continues."""
    outcome = world.run("--log-file", str(world.root / "nowhere" / "log"))
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "started"})
    assert outcome.stderr.count("cannot write the log file: No such file or directory; the run continues") == 1


def test_default_places(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without options: config.ini here, the secret in the home directory, the state beside the config."""
    monkeypatch.chdir(world.root)
    secret = world.root / "home" / ".globus_sync_directory_secret"
    secret.write_text(world.secret)
    secret.chmod(0o600)
    assert invoke([]) == 0
    capsys.readouterr()
    assert world.state_file.exists()


def test_bug_is_status_70(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours ends with 70 and a traceback, also in the log file, and asks for a report."""
    monkeypatch.setattr("globus_sync_directory.commands.sync.run", lambda *_: 1 / 0)
    outcome = world.run("--log-file", str(world.root / "log"))
    assert outcome.status == 70
    assert "this is a bug in globus_sync_directory" in outcome.stderr
    assert "ZeroDivisionError" in outcome.stderr
    assert "ZeroDivisionError" in (world.root / "log").read_text()


@pytest.mark.slow
def test_no_colour_without_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output to a file or pipe has no escape sequences, whatever TERM says."""
    monkeypatch.setenv("TERM", "xterm")
    outcome = world.run("-w")
    assert "\x1b" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("variables", "coloured"),
    also_slow(({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1", "TERM": "xterm"}, False)),
)
def test_colour_on_a_terminal(world: World, variables: dict[str, str], coloured: bool) -> None:
    """On a terminal the status has a colour, never with NO_COLOR or a dumb terminal."""
    ours, theirs = os.openpty()
    environment = {**os.environ, **variables}
    with world.start(stdout=theirs, env=environment) as process:
        os.close(theirs)
        written = read_terminal(ours)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert ("microscope: started" in written) is not coloured
    assert ("microscope: \x1b[32mstarted\x1b[0m" in written) is coloured


def test_most_urgent_status_wins(world: World) -> None:
    """Where several statuses apply the first of 4, 1, 3, 75 is it."""
    world.pair("bad", src_path="/missing")
    world.pair("open")
    world.globus.faults.add(Fault(method="POST", path="/v0.10/transfer", times=None, status=500))
    outcome = world.run()
    assert outcome.statuses["bad"] == "blocked"
    assert outcome.statuses["open"] == "start unconfirmed"
    assert outcome.status == 1
    assert world.run("-p", "open").status == 75
