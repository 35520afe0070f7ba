"""Options -> the settings, pairs and state store that a command works with."""

from __future__ import annotations

import difflib
import logging
import os
from pathlib import Path

from globus_sync_directory.commands.options import Options
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import UsageError
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.state import StateStore
from globus_sync_directory.text import quote

log = logging.getLogger(__name__)


def choose_pairs(settings: Settings, names: tuple[str, ...]) -> tuple[Pair, ...]:
    """Return the pairs with these names, all for none. Raises UsageError for a name that no pair has."""
    known = {pair.name: pair for pair in settings.pairs}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {quote(close[0])}?" if close else "the pairs are " + ", ".join(map(quote, known))
            raise UsageError(f"--pair: no pair {quote(name)} in {settings.path}; {hint}")
    return tuple(pair for pair in settings.pairs if not names or pair.name in names)


def state_store(options: Options, settings: Settings) -> StateStore:
    """Return the store of this config's state file. Raises UsageError if that is the config or secret file."""
    path = options.state_file or default_state_file(settings.path)
    for input_file in (options.config_file, options.secret_file):
        if os.path.realpath(path) == os.path.realpath(input_file):
            raise UsageError(f"{path} is the config or secret file; choose another state file with --state-file")
    return StateStore(path, settings.client_id)


def default_state_file(config_file: Path) -> Path:
    """Return the default state file of a config: ``a.state.json`` for ``a.ini``, ``a.cfg.state.json`` for ``a.cfg``."""
    own = config_file.stem if config_file.suffix == ".ini" else config_file.name
    return config_file.with_name(f"{own}.state.json")


def warn_of_interception() -> None:
    """Warn if the environment weakens TLS, which protects the secret."""
    if os.environ.get("GLOBUS_SDK_VERIFY_SSL", "").strip().lower() in ("0", "false", "no", "off"):
        log.warning(
            "GLOBUS_SDK_VERIFY_SSL is off: TLS verification is off, and the secret can be intercepted; "
            "remove the variable from the environment"
        )
    if file := os.environ.get("SSLKEYLOGFILE"):
        log.warning(
            "SSLKEYLOGFILE is set: whoever can read %s and records the network can read the secret; "
            "remove the variable from the environment",
            file,
        )
