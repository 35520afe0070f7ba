"""Writes what came of the breakages into a document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from breakages.changes import Change

HEADING = "\n## Deliberate breakages\n"  # tests/reliability_table.py leaves this and what follows as it is

_TEXT = """
The tool was broken on purpose in {tried} ways, one at a time, in the modules that keep the promises: comparisons turned
round, conditions forced, statements, arguments and elements left out, numbers one off. The quick tests noticed
**{noticed}** of them ({percent} of 100), {endless} of those by not coming to an end. This part is written by

```sh
venv/bin/python -m breakages --report=docs/reliability.md
```

Last run: {today:%Y-%m-%d}. Not noticed were these. Some of them change nothing that matters, such as the length of a
text.

| file | change |
| --- | --- |
"""


def write_report(path: Path, tried: int, endless: int, unnoticed: Sequence[tuple[str, Change]]) -> None:
    """Write the result into the document, in the place of an earlier one."""
    noticed = tried - len(unnoticed)
    text = _TEXT.format(
        tried=tried, noticed=noticed, percent=100 * noticed // tried, endless=endless, today=datetime.now(UTC)
    )
    rows = [
        f"| `{file}:{change.line}` | `` {change.words.replace('|', chr(92) + '|')} `` |\n" for file, change in unnoticed
    ]
    rows = [f"| `{file}:{change.line}` | `` {_cell(change.words)} `` |\n" for file, change in unnoticed]
    above = path.read_text(encoding="utf-8").partition(HEADING)[0]
    path.write_text("".join((above, HEADING, text, *rows)), encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
