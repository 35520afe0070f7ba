"""What makes two thousand small tests fast."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one empty directory for all: to make one for each test takes longer than the tests."""
    return tmp_path_factory.mktemp("home")
