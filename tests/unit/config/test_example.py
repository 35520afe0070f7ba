"""config.ini.example: wants only the user's own UUIDs, and shows every key."""

from __future__ import annotations

import re
from pathlib import Path

from globus_sync_directory.config.keys import CONFIG_KEYS
from globus_sync_directory.config.settings import MailServer

from .samples import accepted, lines

EXAMPLE = Path(__file__).resolve().parents[3].joinpath("config.ini.example").read_text(encoding="utf-8")
FILLED_IN = EXAMPLE.replace("00000000-", "10000000-")


def test_placeholders() -> None:
    """As it is, the example asks for each UUID, and nothing else."""
    assert [re.sub(r"config\.ini:\d+: |: .*", "", line) for line in lines(EXAMPLE)] == [
        "[globus] clientid",
        "[microscope] src_endpoint",
        "[microscope] dst_endpoint",
    ]


def test_filled_in() -> None:
    """With other UUIDs it loads, without any option."""
    config = accepted(FILLED_IN)
    (pair,) = config.pairs
    assert (pair.name, pair.max_age, pair.exclude, pair.time_limit, pair.email) == ("microscope", None, (), None, ())
    assert not pair.allow_empty
    assert (config.email, config.mail) == ((), MailServer())


def test_every_option() -> None:
    """Without the "#" in front of the keys it loads too."""
    config = accepted(re.sub(r"^#(\w+ =)", r"\1", FILLED_IN, flags=re.MULTILINE))
    assert (config.mail.tls, config.mail.port, config.mail.user) == ("starttls", 587, "robot")


def test_every_key_is_shown() -> None:
    """It shows every key except ``delete``, which is rejected, and ``recipients``, which is an older spelling."""
    shown = set(re.findall(r"^#?(\w+) =", EXAMPLE, re.MULTILINE))
    assert shown == {key for keys in CONFIG_KEYS.values() for key in keys} - {"delete", "recipients"}
