"""A state file that is damaged, belongs to somebody else, disappears, or is no file of ours at all."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from typing import Any

import pytest
from world import NOBODY, World

from globus_sync_directory.notify import mail
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(4, "a state file that cannot be used")


def test_wrong_client_id(world: World) -> None:
    """A wrong client id is rejected by Globus, and does not change the state file."""
    world.sync()
    before = world.state_file.read_bytes()
    world.client_id = NOBODY
    world.write_config()
    assert world.run().status == 4
    assert world.state_file.read_bytes() == before


def test_state_of_another_client_appears_during_a_run(world: World) -> None:
    """A state file that somebody else puts there during the run is kept, under another name."""
    world.sync()
    foreign = world.state_file.read_bytes().replace(world.client_id.encode(), NOBODY.encode())
    put = Fault(path="/v0.10/submission_id", action=lambda: world.state_file.write_bytes(foreign))
    world.globus.faults.add(put)
    assert world.run().status == 0
    assert [path for path in world.root.glob("*.unusable-*") if path.read_bytes() == foreign]


def test_state_file_disappears_while_mail_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written after the mail holds everything that was known before it."""
    world.sync()
    world.write_config("[notification]\nemail = a@example.org\nsmtp_host = 127.0.0.1\n")
    pair = world.pair("microscope", src_path="/missing")

    def deliver(*_: Any) -> Iterator[tuple[str, str]]:
        world.state_file.unlink()
        yield "a@example.org", ""

    monkeypatch.setattr(mail, "deliver", deliver)
    world.run()
    records = json.loads(world.state_file.read_text())["pairs"]
    assert len(records) == 2  # that of the earlier source too
    assert records[pair.fingerprint]["failed_start"]
    assert records[pair.fingerprint]["mailed"]["a@example.org"]["unsent"] == []


@pytest.mark.parametrize("key", ["pending", "task", "replaced", "success", "failed_start", "left_config"])
def test_empty_entry(world: World, key: str) -> None:
    """A state file with {} where a value or null belongs is damaged, and is set aside."""
    world.sync()
    world.run("-d")
    document = json.loads(world.state_file.read_text())
    for record in document["pairs"].values():
        assert key in record
        record[key] = {}
    world.state_file.write_text(json.dumps(document))
    outcome = world.run()
    assert outcome.status == 0
    assert "is damaged" in outcome.stderr
    (kept,) = world.root.glob("*.unusable-*")
    assert json.loads(kept.read_text()) == document


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFSOCK])
def test_special_file(world: World, kind: int) -> None:
    """A pipe or socket as the state file is a problem with a status; it is neither opened nor renamed."""
    place = world.root / "special"
    os.mknod(place, 0o600 | kind)
    outcome = world.run("-t", str(place))
    assert outcome.status == 1
    assert "is not a regular file" in outcome.stderr
    assert world.tasks == []
    assert world.run("-d", "-t", str(place)).status == 0
    assert stat.S_IFMT(place.lstat().st_mode) == kind


@pytest.mark.parametrize("name", ["config.ini", "secret"])
def test_config_or_secret_as_state_file(world: World, name: str) -> None:
    """The config or secret file named as the state file is a usage error, and is not changed."""
    path = world.root / name
    before = path.read_bytes()
    link = world.root / "link"
    link.symlink_to(path)
    for named in (path, link):
        outcome = world.run("-t", str(named))
        assert outcome.status == 2
        assert "is the config or secret file" in outcome.stderr
    assert path.read_bytes() == before


def test_two_configs_with_one_stem(world: World) -> None:
    """config.ini and config.cfg in one directory have a state file each."""
    world.sync()
    other = world.config.with_suffix(".cfg")
    other.write_text(world.config.read_text().replace("/archive/images", "/archive/other"))
    world.run("-c", str(other))
    world.globus.wait()
    assert other.with_name("config.cfg.state.json").exists()
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[0].id
