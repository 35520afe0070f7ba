"""check: each line ok or FAIL with the fix; nothing is started, and nothing written unless asked for."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta

import pytest
from world import NOBODY, World

from globus_sync_directory.commands import check_write
from globus_sync_directory.standin import Fault

LOCK = "config.state.json.lock"


def lines(report: str, mark: str) -> list[str]:
    return [line for line in report.splitlines() if line.startswith(mark)]


def test_all_is_well(world: World) -> None:
    """Config, secret, state, sign-in, clock, collections and directories are ok; what it cannot see is a note."""
    outcome = world.run("check")
    assert outcome.status == 0
    assert lines(outcome.stdout, "FAIL") == []
    printed = "\n".join(lines(outcome.stdout, "ok"))
    for words in (
        f"config file {world.config}",
        "secret file",
        "state file",
        f"signed in as {world.client_id}@clients.auth.globus.org",
        "clock differs from Globus' by 0 s",
        f"collection 'Microscope PC' ({world.source.id}) is a guest collection; its owner is ",
        f"collection 'Archive' ({world.destination.id})",
        "microscope: source '/images' can be read",
        "microscope: destination '/archive/images' does not exist yet; the first task creates it",
    ):
        assert words in printed
    assert "not checked: whether the application can write at the destinations" in outcome.stdout
    assert outcome.stdout.splitlines()[-1].endswith("all is well")


def test_what_administrators_have_set(world: World) -> None:
    """Copies that are not verified, and days without use that delete a collection, are notes with what they mean."""
    settings = {"disable_verify": True, "force_encryption": True, "auto_delete_timeout": 90}
    document = {"id": world.source.id, "display_name": "Lab", "entity_type": "GCSv5_guest_collection", **settings}
    world.globus.faults.add(Fault(path=f"/v0.10/endpoint/{world.source.id}", body=document, times=None))
    outcome = world.run("check")
    assert outcome.status == 0
    lab = f"collection 'Lab' ({world.source.id})"
    assert f"ok    {lab} is a guest collection; transfers from and to it are always encrypted\n" in outcome.stdout
    forbids = f"note  {lab} forbids checksum verification: Globus does not verify files copied from or to it\n"
    assert forbids in outcome.stdout
    assert f"note  {lab} is deleted automatically if nobody uses it for 90 days\n      fix:  before" in outcome.stdout
    assert world.run("-q", "check").stdout == ""


@pytest.mark.promise(5, "check submits and writes nothing")
def test_starts_and_writes_nothing(world: World) -> None:
    """Nothing is submitted, no directory is made, no state or lock file appears."""
    world.run("check")
    assert world.tasks == []
    assert list((world.root / "destination").iterdir()) == []
    assert not world.state_file.exists()
    assert not world.state_file.with_name("config.state.json.lock").exists()
    assert {line.split(" ")[0] for line in world.asked()} <= {"GET", "POST"}
    assert [line for line in world.asked() if line.startswith("POST")] == ["POST /v2/oauth2/token"]


def test_each_is_asked_once(world: World) -> None:
    """Pairs that share directories and collections cost one request for each distinct one."""
    for number in range(20):
        world.pair(f"p{number}", src_path="/images", dst_path=f"/p{number}")
    world.run("check")
    asked = world.asked()
    assert len(asked) == 1 + 2 + 1 + 21
    assert len([line for line in asked if "/v0.10/endpoint/" in line]) == 2


def test_each_failure_has_a_fix(world: World) -> None:
    """Unknown collection, no permission, no directory, not connected: a FAIL for each with a fix, status 1."""
    world.pair("unknown", dst_endpoint=NOBODY)
    world.pair("missing", src_path="/missing")
    world.source.rules[world.client_id, ()] = ""
    outcome = world.run("check")
    assert outcome.status == 1
    report = outcome.stdout
    failed = lines(report, "FAIL")
    assert any(f"Globus does not know the destination collection {NOBODY}" in line for line in failed)
    assert any("permission denied for source '/images' on collection 'Microscope PC'" in line for line in failed)
    assert report.count("fix:") >= len(failed)
    assert f"run:  globus endpoint permission create --identity {world.client_id} --permissions r" in report


def test_not_connected_and_mapped(world: World) -> None:
    """A personal computer that is off, and a mapped collection with a policy: a FAIL each, with the fix."""
    world.source.entity_type = "GCP_guest_collection"
    world.source.online = False
    world.destination.entity_type = "GCSv5_mapped_collection"
    world.destination.authentication_policy_id = NOBODY
    outcome = world.run("check")
    assert outcome.status == 1
    failed = "\n".join(lines(outcome.stdout, "FAIL"))
    assert "is a guest collection on Globus Connect Personal; it is not connected" in failed
    assert "requires a consent, policy or account that an application cannot have" in failed
    assert "start Globus Connect Personal" in outcome.stdout


def test_config_and_secret(world: World) -> None:
    """Problems in the config and secret file are FAIL lines, status 2, and Globus is not asked."""
    world.write_config("[schedule]\ntimelimit = 5\n")
    world.secret_file.chmod(0o644)
    outcome = world.run("check")
    assert outcome.status == 2
    assert len(lines(outcome.stdout, "FAIL")) == 2
    assert "did you mean timelimitmins?" in outcome.stdout
    assert world.asked() == []


def test_sign_in_and_network(world: World) -> None:
    """A wrong secret is 4, no network 75; each one FAIL line with its fix."""
    world.secret_file.write_text("wrong")
    rejected = world.run("check")
    assert (rejected.status, len(lines(rejected.stdout, "FAIL"))) == (4, 1)
    assert "fix:  compare clientid" in rejected.stdout
    world.secret_file.write_text(world.secret)
    world.globus.faults.add(Fault(path="*", times=None, cut=True))
    away = world.run("check")
    assert (away.status, len(lines(away.stdout, "FAIL"))) == (75, 1)
    assert "fix:  check again later" in away.stdout


@pytest.mark.parametrize(("hours", "shown"), [(1, "60 min behind"), (5, "5 h behind"), (-5, "5 h ahead of")])
def test_clock(world: World, hours: int, shown: str) -> None:
    """A clock that is off is a note with the fix, in units that a person can picture, and no failure."""
    world.host_is_behind = timedelta(hours=hours)
    outcome = world.run("check")
    assert outcome.status == 0
    (note,) = [line for line in lines(outcome.stdout, "note") if "clock" in line]
    assert f"this host's clock is {shown} Globus'" in note
    assert "fix:  set the clock of this host\n" in outcome.stdout


def test_date_that_is_not_believed(world: World) -> None:
    """A date more than a day off is a note too, which says that it does not count."""
    world.host_is_behind = timedelta(days=40)
    outcome = world.run("check")
    assert outcome.status == 0
    assert "the date in Globus' reply is 40 d ahead of this host's clock; that is not believed" in outcome.stdout
    assert "fix:  set the clock of this host, if it is the one that is wrong\n" in outcome.stdout


@pytest.mark.parametrize("arguments", [["check"], ["check", "--write-probe"]])
def test_a_wrong_id_fails_once(world: World, arguments: list[str]) -> None:
    """A collection that Globus does not know is one FAIL, however many pairs and directories name it."""
    world.pair("microscope", dst_endpoint=NOBODY)
    world.pair("other", src_endpoint=NOBODY, dst_endpoint=NOBODY, src_path="/a", dst_path="/b")
    outcome = world.run(*arguments)
    assert outcome.status == 1
    assert len(lines(outcome.stdout, "FAIL")) == 1
    assert "1 failed" in outcome.stdout.splitlines()[-1]
    assert "microscope: source '/images' can be read" in outcome.stdout


def test_a_directory_too_large_to_list(world: World) -> None:
    """A directory with more entries than Globus lists counts as readable."""
    world.source.list_limit = 1
    outcome = world.run("check")
    assert (outcome.status, lines(outcome.stdout, "FAIL")) == (0, [])
    assert "microscope: source '/images' can be read" in outcome.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
@pytest.mark.parametrize(("name", "mode"), [("config.state.json", 0), ("config.state.json", 0o400), (LOCK, 0o400)])
def test_state_file_of_another_owner(world: World, name: str, mode: int) -> None:
    """A state file, or its lock file, that this user may not read or write is a FAIL that names --state-file."""
    world.run()
    (world.root / name).chmod(mode)
    outcome = world.run("check")
    (world.root / name).chmod(0o600)
    assert outcome.status == 1
    (failed,) = lines(outcome.stdout, "FAIL")
    assert str(world.root / name) in failed
    assert "another" in outcome.stdout
    assert "--state-file" in outcome.stdout


@pytest.mark.promise(2, "check --write-probe removes what it made and nothing else")
def test_write_probe(world: World) -> None:
    """--write-probe makes one directory at the destination and removes it; nothing else changes there."""
    world.sync()
    (world.archive / "mine").mkdir()
    before = sorted(world.archive.rglob("*"))
    outcome = world.run("check", "--write-probe")
    assert outcome.status == 0
    assert "microscope: can write in '/archive/images' at the destination" in outcome.stdout
    assert sorted(world.archive.rglob("*")) == before
    assert [task.submission.kind for task in world.tasks] == ["transfer", "delete"]


def test_a_probe_that_cannot_be_removed_is_named(world: World) -> None:
    """If the probe cannot be removed its name is printed, so that a person can remove it."""
    world.globus.faults.add(Fault(method="POST", path="/v0.10/delete", times=None, status=503))
    outcome = world.run("check", "--write-probe")
    assert outcome.status == 1
    (left,) = (world.root / "destination").iterdir()
    assert f"can write in '/' at the destination, but cannot remove '/{left.name}/' there" in outcome.stdout


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.3, 30.0])
def test_a_probe_whose_removal_hangs_or_fails(world: World, monkeypatch: pytest.MonkeyPatch, limit: float) -> None:
    """A removal that has not ended is a note with its task; one that failed is a FAIL with what to remove."""
    monkeypatch.setattr(check_write, "PROBE_SECONDS", limit)
    world.globus.hold()

    def fail_it() -> None:
        while not world.live:
            time.sleep(0.02)
        world.globus.fail(world.live[0].id, "ENDPOINT_ERROR")

    if limit > 1:
        threading.Thread(target=fail_it, daemon=True).start()
    outcome = world.run("check", "--write-probe")
    (left,) = (world.root / "destination").iterdir()
    assert f"'/{left.name}/' there" in outcome.stdout
    assert outcome.status == (1 if limit > 1 else 0)
    assert ("is still being removed" in outcome.stdout) is (limit < 1)
    assert world.tasks[0].id in outcome.stdout
    world.globus.release()


def test_write_probe_before_the_first_run(world: World) -> None:
    """If the destination does not exist yet the nearest directory above it is tried."""
    outcome = world.run("check", "--write-probe")
    assert "can write in '/' at the destination" in outcome.stdout
    assert list((world.root / "destination").iterdir()) == []


def test_write_probe_without_the_right(world: World) -> None:
    """No right to write is a FAIL with the permission to give; nothing is made."""
    world.destination.rules[world.client_id, ()] = "r"
    outcome = world.run("check", "--write-probe")
    assert outcome.status == 1
    assert "--permissions rw" in outcome.stdout
    assert list((world.root / "destination").iterdir()) == []


@pytest.mark.parametrize("arguments", ["check -d", "check -n", "check -w", "--write-probe", "nonsense"])
def test_wrong_usage(world: World, arguments: str) -> None:
    """check excludes the other modes, and --write-probe needs check."""
    assert world.run(*arguments.split()).status == 2


def test_in_the_order_of_the_config(world: World) -> None:
    """A slow answer does not change the order: a pair's source comes before its destination."""
    world.globus.faults.add(Fault(path=f"/v0.10/endpoint/{world.source.id}", delay=0.3))
    text = world.run("check").stdout
    assert text.index(world.source.id) < text.index(world.destination.id)


def test_a_comment_in_a_path(world: World) -> None:
    """A destination that does not exist and looks as if a comment got into it is a note."""
    world.pair("microscope", src_path="/images", dst_path="/archive/images # mine")
    outcome = world.run("check")
    assert outcome.status == 0
    assert "note  microscope: destination '/archive/images # mine' does not exist yet" in outcome.stdout
    assert "a comment in the config file needs a line of its own" in outcome.stdout


def test_a_full_destination(world: World) -> None:
    """If there is no room for a directory, that is the reason given."""
    world.destination.full = True
    assert "no space or quota left for destination" in world.run("check", "--write-probe").stdout


def test_quiet(world: World) -> None:
    """-q check prints nothing while all is well, else the failures alone."""
    assert world.run("-q", "check").stdout == ""
    world.pair("bad", src_path="/missing")
    report = world.run("-q", "check").stdout
    assert report.startswith("FAIL  bad: there is no source directory")
    assert "ok   " not in report


@pytest.mark.parametrize(("status", "html", "ends_with"), [(503, True, 75), (401, False, 4)])
def test_an_outage_of_transfer(world: World, status: int, html: bool, ends_with: int) -> None:
    """Transfer unavailable is 75, a token that it rejects 4: neither is a problem of the config."""
    world.globus.faults.add(Fault(path="/v0.10/*", times=None, status=status, html=html))
    outcome = world.run("check")
    assert outcome.status == ends_with
    assert lines(outcome.stdout, "FAIL")
    assert "next run" not in outcome.stdout


@pytest.mark.slow
def test_a_probe_whose_answer_is_lost(world: World) -> None:
    """The answer to the probe is lost, it is sent again and exists: that counts as made, and it is removed."""
    world.sync()
    world.globus.faults.add(Fault(method="POST", path="*/mkdir", when="after", cut=True))
    before = sorted(world.archive.rglob("*"))
    outcome = world.run("check", "--write-probe")
    assert (outcome.status, sorted(world.archive.rglob("*"))) == (0, before)
