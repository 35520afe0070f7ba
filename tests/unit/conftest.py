"""What makes two thousand small tests fast, and lets none fail because the computer is busy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("busy computer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy computer")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one empty directory for all: to make one for each test takes longer than the tests."""
    return tmp_path_factory.mktemp("home")
