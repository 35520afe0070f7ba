"""The command that a mail shows."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from globus_sync_directory.commands.options import Options


@pytest.mark.parametrize(
    ("state_file", "more"), [(None, []), (Path("/var/my  state.json"), ["-t", "/var/my  state.json"])]
)
def test_status_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state_file: Path | None, more: list[str]
) -> None:
    """It can be pasted anywhere on this host, whatever the paths."""
    monkeypatch.chdir(tmp_path)
    options = Options(config_file=Path("my  config.ini"), secret_file=Path("/etc/it's"), state_file=state_file)
    assert shlex.split(options.status_command) == [
        sys.executable,
        *("-m", "globus_sync_directory", "-d"),
        *("-c", f"{tmp_path}/my  config.ini"),
        *("-s", "/etc/it's"),
        *more,
    ]  # fmt: skip
