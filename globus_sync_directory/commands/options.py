"""What the command line asks for."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Options:
    """The parsed command line; paths are as they were given, with ``~`` expanded."""

    config_file: Path
    secret_file: Path
    state_file: Path | None = None
    pairs: tuple[str, ...] = ()
    dont_start: bool = False
    dry_run: bool = False
    wait: bool = False
    shows_progress: bool = False  # bars, while waiting
    shows_documents: bool = False  # what a dry run would submit
    write_probe: bool = False
    test_mail: bool = False

    @property
    def status_command(self) -> str:
        """The shell command that shows, on this host, how the same pairs are doing."""
        words = [sys.executable, "-m", "globus_sync_directory", "-d", "-c", self.config_file.absolute()]
        words += ["-s", self.secret_file.absolute()]
        words += ["-t", self.state_file.absolute()] if self.state_file else []
        return shlex.join(map(str, words))
