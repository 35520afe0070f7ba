"""A client that answers from tables, and a state file of its own for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from globus_sync_directory.state import StateStore

from .fake_client import FakeClient
from .samples import IDENTITY


@pytest.fixture
def client() -> FakeClient:
    """Return a client that has not been asked anything yet."""
    return FakeClient()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateStore:
    """Return a store whose file does not exist yet; that it is durable is the matter of other tests."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return StateStore(tmp_path / "state.json", IDENTITY[:36])
