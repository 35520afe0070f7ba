"""Options -> the pairs and the state file that a command works with."""

from __future__ import annotations

from pathlib import Path

import pytest

from globus_sync_directory.commands.inputs import choose_pairs, default_state_file, state_store, warn_of_interception
from globus_sync_directory.commands.options import Options
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import UsageError
from globus_sync_directory.model.pair import Directory, Pair

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"


def pair(name: str) -> Pair:
    """Return a pair of this name."""
    end = Directory(collection="763d50ee-e814-4080-878b-6a8be5cf7570", path=f"/{name}")
    return Pair(name=name, source=end, destination=end)


PAIRS = (pair("microscope"), pair("sequencer"), pair("camera 1"))


def settings(path: Path = Path("config.ini")) -> Settings:
    """Return settings with three pairs."""
    return Settings(path=path, client_id=CLIENT, secret="x", pairs=PAIRS)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ((), PAIRS),
        (("microscope",), PAIRS[:1]),
        (("camera 1", "microscope"), (PAIRS[0], PAIRS[2])),  # in the order of the config
        (("sequencer", "sequencer"), PAIRS[1:2]),
    ],
)
def test_choose_pairs(names: tuple[str, ...], chosen: tuple[Pair, ...]) -> None:
    """All pairs unless some are named."""
    assert choose_pairs(settings(), names) == chosen


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("microscop", "did you mean 'microscope'?"),
        ("camera1", "did you mean 'camera 1'?"),
        ("xyz", "the pairs are 'microscope', 'sequencer', 'camera 1'"),
        ("", "the pairs are 'microscope', 'sequencer', 'camera 1'"),
    ],
)
def test_an_unknown_pair(name: str, hint: str) -> None:
    """It is wrong usage, with a suggestion, also beside a known name."""
    with pytest.raises(UsageError) as caught:
        choose_pairs(settings(), ("microscope", name))
    assert caught.value.lines == (f"--pair: no pair '{name}' in config.ini; {hint}",)


@pytest.mark.parametrize(
    ("config_file", "expected"),
    [
        ("config.ini", "config.state.json"),
        ("/etc/a.ini", "/etc/a.state.json"),
        ("a.cfg", "a.cfg.state.json"),
        ("a.ini.ini", "a.ini.state.json"),
        ("a", "a.state.json"),
        (".ini", ".ini.state.json"),
    ],
)
def test_default_state_file(config_file: str, expected: str) -> None:
    """Beside the config, and no two configs of one directory share it."""
    assert default_state_file(Path(config_file)) == Path(expected)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a directory with a config, a secret and a link to each."""
    for name in ("config.ini", "secret"):
        (tmp_path / name).touch()
        (tmp_path / f"link to {name}").symlink_to(name)
    return tmp_path


def options(here: Path, state_file: str | None) -> Options:
    """Return the options with this state file."""
    state = here / state_file if state_file else None
    return Options(config_file=here / "config.ini", secret_file=here / "secret", state_file=state)


@pytest.mark.parametrize(
    ("state_file", "expected"), [(None, "config.state.json"), ("other.json", "other.json"), ("a/b.json", "a/b.json")]
)
def test_state_store(here: Path, state_file: str | None, expected: str) -> None:
    """The state file is the one that was named, or that of the config."""
    store = state_store(options(here, state_file), settings(here / "config.ini"))
    assert store.path == here.resolve() / expected


@pytest.mark.parametrize("state_file", ["config.ini", "secret", "link to config.ini", "link to secret", "x/../secret"])
def test_the_state_file_is_no_input(here: Path, state_file: str) -> None:
    """To write there would destroy the config or the secret."""
    with pytest.raises(UsageError, match="is the config or secret file; choose another state file with --state-file"):
        state_store(options(here, state_file), settings(here / "config.ini"))


@pytest.mark.parametrize(
    ("value", "warns"),
    [
        (None, False),
        ("", False),
        ("1", False),
        ("true", False),
        ("0", True),
        ("false", True),
        (" No ", True),
        ("OFF", True),
    ],
)
def test_warn_of_interception(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str | None, warns: bool
) -> None:
    """Where TLS is not verified the secret can be read by others; that is said each time."""
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    if value is not None:
        monkeypatch.setenv("GLOBUS_SDK_VERIFY_SSL", value)
    warn_of_interception()
    assert [record.levelname for record in caplog.records] == (["WARNING"] if warns else [])
    assert "the secret can be intercepted" in caplog.text or not warns


def test_warn_of_a_key_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where the keys of the connections are written to a file, that is said each time, with its name."""
    monkeypatch.setenv("SSLKEYLOGFILE", "/tmp/keys")
    warn_of_interception()
    assert caplog.messages[-1].startswith("SSLKEYLOGFILE is set: whoever can read /tmp/keys and records the network ")
    caplog.clear()
    monkeypatch.setenv("SSLKEYLOGFILE", "")
    warn_of_interception()
    assert caplog.messages == []
