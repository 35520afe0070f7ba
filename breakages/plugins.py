"""Plugins of pytest: which tests call which function, and only the tests that do."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest


class Recorder:
    """Writes which tests pass, how long each takes in seconds, and which functions below ``root`` it calls."""

    def __init__(self, root: str, output: Path) -> None:
        self._root = root
        self._output = output
        self._called: set[tuple[str, str]] = set()
        self._tests: dict[str, tuple[float, list[tuple[str, str]]]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._called = set()
        begun = os.times()
        sys.setprofile(self._note)
        threading.setprofile(self._note)
        result = yield
        sys.setprofile(None)
        threading.setprofile(None)
        self._tests[item.nodeid] = (os.times().elapsed - begun.elapsed, sorted(self._called))
        return result

    def pytest_sessionfinish(self) -> None:
        self._output.write_text(json.dumps(self._tests), encoding="utf-8")

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(self._root):
            self._called.add((code.co_filename.removeprefix(self._root), code.co_qualname.partition(".<locals>")[0]))


class Chosen:
    """Leaves out all tests but those with these ids."""

    def __init__(self, ids: frozenset[str]) -> None:
        self._ids = ids

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._ids]
