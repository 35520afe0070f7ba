"""Problems of a config file, and the lines that report them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HIDDEN = "(hidden)"
_SHORTEST_CONCEALED = 8  # characters; a shorter "secret" is part of ordinary words
_CLIENT_SECRET = re.compile(r"[A-Za-z0-9+/]{43}=(?![A-Za-z0-9=])")  # 32 bytes in base64


@dataclass(frozen=True)
class FileProblem:
    """One problem; line 0 is the file as a whole."""

    line: int
    sentence: str


class UnusableFile(Exception):
    """A file that cannot be used at all, and why."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        super().__init__(sentence)
        self.problem = FileProblem(line, sentence)


def as_lines(path: Path, problems: Iterable[FileProblem]) -> list[str]:
    """Return ``FILE:LINE: sentence`` for each problem, in the order of the file, the file as a whole last."""
    ordered = sorted(problems, key=lambda problem: (problem.line == 0, problem.line))
    return [f"{path}{f':{problem.line}' if problem.line else ''}: {problem.sentence}" for problem in ordered]


def looks_like_client_secret(text: str) -> bool:
    """Return whether ``text`` has the form of a Globus client secret."""
    return _CLIENT_SECRET.fullmatch(text) is not None


def conceal(line: str, secret: str | None) -> str:
    """Return ``line`` on one line, and without this secret or anything that looks like one."""
    line = _CLIENT_SECRET.sub(HIDDEN, " ".join(line.splitlines()))
    if secret and len(secret) >= _SHORTEST_CONCEALED:
        line = re.sub(re.escape(secret.rstrip("=")) + "=*", HIDDEN, line, flags=re.IGNORECASE)
    return line
