"""
Counts what was tried for each promise of the tool, and writes docs/reliability.md.

    python -m pytest -m "slow or not slow" --reliability=docs/reliability.md -n 3

A test names its promise with ``@pytest.mark.promise(number, fault)``. It counts as one case, unless it calls
``count_cases``.
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

and not by hand. Every case in `scenarios/` runs the real command against the [stand-in](standin.md) over real HTTP with
real files, and also checks that no secret is printed or written (promise 9).

"""

_cases: dict[str, int] = {}


def count_cases(request: pytest.FixtureRequest, count: int) -> None:
    """Make the test of ``request`` count as so many cases, not one."""
    _cases[request.node.nodeid] = count


@dataclass
class _Row:
    """What was tried for one promise under one fault."""

    tests: set[str] = field(default_factory=set)
    cases: int = 0
    failed: int = 0


class Table:
    """The pytest plugin: a row for each promise and fault."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[tuple[int, str], _Row] = defaultdict(_Row)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the promises of a test into its report, which may go to another process (``-n``)."""
        report = yield
        cases = _cases.get(item.nodeid, 1)
        report.user_properties += [("promise", (*mark.args, cases)) for mark in item.iter_markers("promise")]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the cases of a report."""
        for key, value in report.user_properties if report.when == "call" else ():
            if key == "promise" and isinstance(value, tuple | list):
                number, fault, cases = value
                row = self._rows[number, fault]
                row.tests.add(report.nodeid.partition("[")[0].removeprefix("tests/"))
                row.cases += cases
                row.failed += report.outcome != "passed"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file; only the process that starts the others does."""
        if not hasattr(session.config, "workerinput"):
            self._path.write_text("".join(self._lines()), encoding="utf-8")

    def _lines(self) -> Generator[str, None, None]:
        yield HEAD
        yield (
            f"Last run: {datetime.now(UTC):%Y-%m-%d}, globus_sync_directory {version('globus_sync_directory')}, Python "
            f"{platform.python_version()}, globus-sdk {version('globus_sdk')}.\n\n"
        )
        yield "| promise | fault | tests | cases | failed |\n| --- | --- | --- | ---: | ---: |\n"
        for (number, fault), row in sorted(self._rows.items()):
            tests = "<br>".join(f"`{test}`" for test in sorted(row.tests))
            yield f"| {number}. {PROMISES[number]} | {fault} | {tests} | {row.cases:,} | {row.failed} |\n"
        rows = self._rows.values()
        yield f"| | all | | {sum(row.cases for row in rows):,} | {sum(row.failed for row in rows)} |\n"
