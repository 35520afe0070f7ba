"""The text of config.ini -> what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from globus_sync_directory.config import keys
from globus_sync_directory.config.ini import Section, parse_ini
from globus_sync_directory.config.mail import read_mail_server
from globus_sync_directory.config.pairs import read_pairs
from globus_sync_directory.config.problems import FileProblem
from globus_sync_directory.config.sections import read_values
from globus_sync_directory.config.settings import MailServer
from globus_sync_directory.model.pair import Pair


@dataclass(frozen=True, kw_only=True)
class Config:
    """What config.ini says: the settings without their secrets."""

    client_id: str = ""
    pairs: tuple[Pair, ...] = ()
    email: tuple[str, ...] = ()
    mail: MailServer = field(default_factory=MailServer)


def parse_config(text: str, directory: Path) -> tuple[Config, list[FileProblem]]:
    """
    Return what ``text`` says, and every problem; with a problem, the rest is as complete as can be.

    ``directory`` is the one of the file: a relative path of the password file starts there.
    """
    sections, problems = parse_ini(text, keys.ALL_KEYS)
    by_name = {section.name: section for section in sections}
    fixed = {}
    for name, known in keys.FIXED_SECTIONS.items():
        fixed[name], found = read_values(by_name.get(name, Section(name, 0)), known)
        problems += found
    if not fixed["globus"].has(keys.CLIENT_ID):
        line = by_name["globus"].line if "globus" in by_name else 0
        problems.append(FileProblem(line, "[globus]: clientid is missing; it is the UUID of your Globus application"))
    pairs, found = read_pairs(sections, fixed["schedule"].get(keys.TIME_LIMIT))
    problems += found
    mail, found = read_mail_server(fixed["notification"], directory)
    problems += found
    config = Config(
        client_id=fixed["globus"].get(keys.CLIENT_ID) or "",
        pairs=pairs,
        email=(fixed["notification"].get(keys.EMAIL) or ()) + (fixed["email"].get(keys.RECIPIENTS) or ()),
        mail=mail,
    )
    return config, problems
