"""
Counts what was tried for each promise of the tool, and writes it down as docs/reliability.md.

    python -m pytest -m "slow or not slow" --reliability=docs/reliability.md -n 3

A test says what it is about with ``@pytest.mark.promise(number, fault)``. It counts as one case unless it says how many
it was, through ``count_cases``.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

PROMISES = {
    1: "The source is never written.",
    2: "Nothing is deleted at the destination.",
    3: "Only what differs is copied, and every copy is verified.",
    4: "One live task per pair, whatever happens; none that nobody remembers.",
    5: "`-d` only looks.",
    6: "One pair's trouble never stops another pair.",
    7: "Nothing fails in silence: pair, cause, cure and exit status.",
    8: "Stopping is safe.",
    9: "The secret stays secret.",
}

HEAD = """# Reliability

What the tool promises, under which fault each promise is tried, and how many cases ran. This file is written by

```sh
venv/bin/python -m pytest -m "slow or not slow" --reliability=docs/reliability.md -n 3
```

and not by hand. Every case runs the real command against the [stand-in](standin.md) over real HTTP with real files.
That no secret is printed or written (promise 9) is checked in every case.

"""

_cases: dict[str, int] = {}


def count_cases(request: pytest.FixtureRequest, count: int) -> None:
    """Say that the test of ``request`` was so many cases, not one."""
    _cases[request.node.nodeid] = count


class Table:
    """The pytest plugin: a row for each promise and fault."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        outcome = yield
        report = outcome.get_result()  # type: ignore[attr-defined]
        cases = _cases.get(item.nodeid, 1)
        report.user_properties += [("promise", (*mark.args, cases)) for mark in item.iter_markers("promise")]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a report, which may come from another process (``-n``)."""
        for key, value in report.user_properties if report.when == "call" else ():
            if key == "promise":
                number, fault, cases = value
                row = self._rows[number, fault]
                row[0] += cases
                row[1] += report.outcome != "passed"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput"):
            return
        lines = [HEAD]
        lines.append(
            f"Last run: {datetime.now(UTC):%Y-%m-%d}, globus_sync_directory {version('globus_sync_directory')}, Python "
            f"{platform.python_version()}, globus-sdk {version('globus_sdk')}.\n\n"
        )
        lines.append("| promise | fault | cases | failed |\n| --- | --- | ---: | ---: |\n")
        for (number, fault), (count, failed) in sorted(self._rows.items()):
            lines.append(f"| {number}. {PROMISES[number]} | {fault} | {count:,} | {failed} |\n")
        total = sum(count for count, _ in self._rows.values())
        lines.append(f"| | all | {total:,} | {sum(failed for _, failed in self._rows.values())} |\n")
        self._path.write_text("".join(lines), encoding="utf-8")
