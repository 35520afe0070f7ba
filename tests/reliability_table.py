"""
Counts what was tried for each promise of the tool, and writes docs/reliability.md.

    python -m pytest -m "slow or not slow" --reliability=docs/reliability.md -n 3

A test names its promise with ``@pytest.mark.promise(number, fault)``. It counts as one case, unless it calls
``count_cases``. It fails if its set-up, the test itself or what is checked after it fails; then one case has failed.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

PROMISES = {
    1: "The source is never written.",
    2: "Nothing is deleted at the destination.",
    3: "Only what differs is copied, and every copy is verified.",
    4: "One live task per pair, whatever happens; never a task that nobody remembers.",
    5: "`-d` only looks.",
    6: "A problem of one pair never stops another pair.",
    7: "Nothing fails in silence: pair, reason, fix and exit status.",
    8: "Stopping is safe.",
    9: "The secret stays secret.",
    10: "A reason given is true.",
}

HEAD = """# Reliability

What the tool promises, under which fault each promise is tried, by which tests (in `tests/`), and how many cases ran.
This file is written by

```sh
venv/bin/python -m pytest -m "slow or not slow" --reliability=docs/reliability.md -n 3
```

and not by hand. *Over HTTP* are the cases in which the real command asks the [stand-in](standin.md) over real HTTP;
after each of these, no file that is left holds the secret (promise 9). The other cases end before anything is asked, or
try one function.

"""
# What `python -m breakages` writes below the table; a new table leaves it as it is.
BELOW = "\n## Deliberate breakages\n"

_cases: dict[str, int] = {}
_asked = False


def count_cases(request: pytest.FixtureRequest, count: int) -> None:
    """Make the test of ``request`` count as so many cases, not one; call it as each begins."""
    _cases[request.node.nodeid] = count


def note_request_over_http() -> None:
    """Make the test that is running count as one in which the command asked the stand-in."""
    global _asked
    _asked = True


@dataclass
class _Row:
    """What was tried for one promise under one fault."""

    tests: set[str] = field(default_factory=set)
    cases: int = 0
    over_http: int = 0
    failed: int = 0


class Table:
    """The pytest plugin: a row for each promise and fault."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[tuple[int, str], _Row] = defaultdict(_Row)
        self._outcomes: dict[str, set[str]] = defaultdict(set)
        self._lost: list[str] = []  # tests that have ended their process

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the promises of a test into its last report, which may go to another process (``-n``)."""
        global _asked
        report = yield
        if report.when == "setup":
            _asked = False  # what a set-up has asked is no case; worlds end after the test
        if report.when == "teardown":
            cases = _cases.get(item.nodeid, 1)
            report.user_properties += [
                ("promise", (*mark.args, cases, _asked)) for mark in item.iter_markers("promise")
            ]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the cases of a test with its last report; those of a test that was skipped do not count."""
        if report.when not in ("setup", "call", "teardown"):
            self._lost.append(report.nodeid)
            return
        self._outcomes[report.nodeid].add(report.outcome)
        if report.when == "teardown":
            outcomes = self._outcomes.pop(report.nodeid)
            for key, value in report.user_properties:
                if key == "promise" and isinstance(value, tuple | list) and outcomes != {"skipped", "passed"}:
                    number, fault, cases, over_http = value
                    row = self._rows[number, fault]
                    row.tests.add(report.nodeid.partition("[")[0].removeprefix("tests/"))
                    row.cases += cases
                    row.over_http += cases if over_http else 0
                    row.failed += "failed" in outcomes

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the file; only the process that starts the others does, and only if all tests were tried."""
        if hasattr(session.config, "workerinput"):
            return
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or self._lost:
            raise pytest.UsageError(f"{self._path} is not written: not every test came to an end {self._lost or ''}")
        below = self._path.read_text(encoding="utf-8").partition(BELOW) if self._path.exists() else ("", "", "")
        self._path.write_text("".join((*self._lines(), *below[1:])), encoding="utf-8")

    def _lines(self) -> Generator[str, None, None]:
        yield HEAD
        yield (
            f"Last run: {datetime.now(UTC):%Y-%m-%d}, globus_sync_directory {version('globus_sync_directory')}, Python "
            f"{platform.python_version()}, globus-sdk {version('globus_sdk')}.\n\n"
        )
        yield "| promise | fault | tests | cases | over HTTP | failed |\n| --- | --- | --- | ---: | ---: | ---: |\n"
        for (number, fault), row in sorted(self._rows.items()):
            tests = "<br>".join(f"`{test}`" for test in sorted(row.tests))
            numbers = f"{row.cases:,} | {row.over_http:,} | {row.failed}"
            yield f"| {number}. {PROMISES[number]} | {fault} | {tests} | {numbers} |\n"
        cases, over_http, failed = (
            sum(getattr(row, name) for row in self._rows.values()) for name in ("cases", "over_http", "failed")
        )
        yield f"| | all | | {cases:,} | {over_http:,} | {failed} |\n"
