"""A config that is accepted, in parts, and what the reader says about others."""

from __future__ import annotations

from pathlib import Path

from globus_sync_directory.config.load import as_lines
from globus_sync_directory.config.parse import parse_config
from globus_sync_directory.config.settings import Settings

CLIENT = "3F2A0C52-0000-4000-8000-0000000000aa"
ONE = "763d50ee-e814-4080-878b-6a8be5cf7570"
TWO = "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
GLOBUS = f"[globus]\nclientid = {CLIENT}\n"  # two lines
LAB = f"[lab]\nsrc_endpoint = {ONE}\nsrc_path = /images\ndst_endpoint = {TWO}\n"  # four lines
BOTH = GLOBUS + LAB
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAxMjM="  # as Globus makes them: 32 bytes in base64


def accepted(text: str) -> Settings:
    """What ``text`` says; it has no problem."""
    settings, problems = parse_config(text, Path("/etc/config.ini"))
    assert problems == []
    return settings


def lines(text: str) -> list[str]:
    """The problems of ``text`` as they are printed."""
    return as_lines(Path("config.ini"), parse_config(text, Path("/etc/config.ini"))[1])
