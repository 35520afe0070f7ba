"""
The examples in the documents, from real runs against the stand-in: ``python tests/examples.py`` writes them.

A document has a line ``<!-- made by tests/examples.py: NAME, NAME -->`` above a fenced block; the block holds the
output of these scenes as a terminal of 80 columns shows it. Ids, and the names of temporary directories, are replaced
by others of the same length, so that the same runs give the same text; nothing else is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from scenes import COLUMNS, SCENES, Stage
from world import World, make_world

from globus_sync_directory.globus import transport

ROOT = Path(__file__).resolve().parent.parent
MIDNIGHT = datetime(2026, 11, 23, 11, 0, 20, tzinfo=UTC)  # in New Zealand
# Those of the config in README.md.
CLIENT_ID = "3f2a0c52-11d7-4b4e-9a63-5d0c8f7e2b19"
SOURCE_ID = "5f7c1a9e-0b51-4d0c-9a34-64d7c1e0b2aa"
DESTINATION_ID = "9d6d994a-7a5e-4ae5-9d11-8c2f2b1a7c55"
_HOME = "/home/globus-sync"
_RANDOM = 8  # characters that tempfile puts at the end of a name
_BLOCK = re.compile(
    r"^(?P<head><!-- made by tests/examples\.py: (?P<names>[a-z_, ]+) -->\n\n```text\n)(?P<body>(?:.*\n)*?)```\n",
    re.MULTILINE,
)


def documents() -> list[Path]:
    """Return every document that a reader may open first."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def examples_in(text: str) -> dict[str, str]:
    """Return the text of each example of a document, by the names of its scenes."""
    return {block["names"]: block["body"] for block in _BLOCK.finditer(text)}


def make(names: str) -> str:
    """Return what the tool says today in the scenes with these names, with an empty line between two."""
    return "\n".join(_make(name) for name in names.split(", "))


def rewritten(text: str) -> str:
    """Return a document with all its examples made today."""
    return _BLOCK.sub(lambda block: f"{block['head']}{make(block['names'])}```\n", text)


def _make(name: str) -> str:
    prefix = "g" * (len(_HOME) - len("/tmp/") - _RANDOM)  # the same length on every computer
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir="/tmp") as home,
        _environment(TZ="Pacific/Auckland", HOME=home, COLUMNS=str(COLUMNS), NO_COLOR="1"),
        mock.patch.object(transport, "LONGEST_PAUSE_SECONDS", 0),
    ):
        place = Path(home) / "globus_sync_directory"
        place.mkdir()
        with make_world(place, MIDNIGHT) as world, _environment(**world.globus.environment):
            secret_file = Path(home) / ".globus_sync_directory_secret"
            secret_file.write_bytes(world.secret_file.read_bytes())
            secret_file.chmod(0o600)
            text = SCENES[name](Stage(world, Path(home)))
            world.globus.release()
        assert world.secret not in text
        return _with_fixed_names(text.replace(home, _HOME), world)


def _with_fixed_names(text: str, world: World) -> str:
    """Replace every UUID by one of the README's config, or by one that only depends on its place in the text."""
    known = {world.client_id: CLIENT_ID, world.source.id: SOURCE_ID, world.destination.id: DESTINATION_ID}

    def fixed(match: re.Match[str]) -> str:
        return known.setdefault(match[0], str(uuid.uuid5(uuid.NAMESPACE_URL, f"example {len(known)}")))

    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", fixed, text)


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set these variables, and let the C library know of TZ."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("GLOBUS_SYNC_"):
            del os.environ[name]
    os.environ.update(variables)
    time.tzset()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        time.tzset()


if __name__ == "__main__":
    for path in documents():
        text = path.read_text(encoding="utf-8")
        path.write_text(rewritten(text), encoding="utf-8")
