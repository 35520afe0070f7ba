"""check: each line ok or FAIL with the cure; nothing is started, and nothing written unless asked for."""

from __future__ import annotations

import threading
import time

import pytest
from world import NOBODY, World

from globus_sync_directory.commands import check
from globus_sync_directory.standin import Fault


def lines(report: str, mark: str) -> list[str]:
    return [line for line in report.splitlines() if line.startswith(mark)]


def test_all_is_well(world: World) -> None:
    """Config, secret, state, sign-in, clock, collections and directories are ok; what it cannot see is said."""
    outcome = world.run("check")
    assert outcome.status == 0
    assert lines(outcome.stdout, "FAIL") == []
    told = "\n".join(lines(outcome.stdout, "ok"))
    for words in (
        f"config file {world.config}",
        "secret file",
        "state file",
        f"signed in as {world.client_id}@clients.auth.globus.org",
        "clock is 0 s away",
        f"collection 'Microscope PC' ({world.source.id}) is a guest collection; its owner is ",
        f"collection 'Archive' ({world.destination.id})",
        "microscope: source '/images' can be read",
        "microscope: destination '/archive/images' is not there yet",
    ):
        assert words in told
    assert "the right to write at a destination cannot be seen" in outcome.stdout
    assert outcome.stdout.splitlines()[-1].endswith("all is well")


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
    """Two hundred pairs that share directories and collections cost one request for each distinct one."""
    for number in range(20):
        world.pair(f"p{number}", src_path="/images", dst_path=f"/p{number}")
    world.run("check")
    asked = world.asked()
    assert len(asked) == 1 + 2 + 1 + 21
    assert len([line for line in asked if "/v0.10/endpoint/" in line]) == 2


def test_each_failure_names_its_cure(world: World) -> None:
    """Unknown collection, no permission, no directory, not connected: a FAIL for each with a cure, status 1."""
    world.pair("unknown", dst_endpoint=NOBODY)
    world.pair("missing", src_path="/missing")
    world.source.rules[world.client_id, ()] = ""
    outcome = world.run("check")
    assert outcome.status == 1
    report = outcome.stdout
    failed = lines(report, "FAIL")
    assert any(f"Globus knows no destination collection {NOBODY}" in line for line in failed)
    assert any("permission denied for source '/images' on collection 'Microscope PC'" in line for line in failed)
    assert report.count("cure:") >= len(failed)
    assert f"run:  globus endpoint permission create --identity {world.client_id} --permissions r" in report


def test_not_connected_and_mapped(world: World) -> None:
    """A personal computer that is off, and a mapped collection that wants a consent, are told with the cure."""
    world.source.entity_type = "GCP_guest_collection"
    world.source.online = False
    world.destination.entity_type = "GCSv5_mapped_collection"
    outcome = world.run("check")
    assert outcome.status == 1
    failed = "\n".join(lines(outcome.stdout, "FAIL"))
    assert "is a guest collection on Globus Connect Personal; it is not connected" in failed
    assert "asks for a consent, policy or account that an application cannot meet" in failed
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
    """A wrong secret is 4, no network 75; each one FAIL line with its cure."""
    world.secret_file.write_text("wrong")
    refused = world.run("check")
    assert (refused.status, len(lines(refused.stdout, "FAIL"))) == (4, 1)
    assert "fix:  compare clientid" in refused.stdout
    world.secret_file.write_text(world.secret)
    world.globus.faults.add(Fault(path="*", times=None, cut=True))
    away = world.run("check")
    assert (away.status, len(lines(away.stdout, "FAIL"))) == (75, 1)
    assert "fix:  check again later" in away.stdout


def test_clock(world: World) -> None:
    """A clock an hour off is a note with the cure, no failure."""
    world.clock.advance(3600)
    outcome = world.run("check")
    assert outcome.status == 0
    assert any("60 minutes away" in line for line in lines(outcome.stdout, "note"))


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
    """Where the removal is refused the directory that is left is told, to be removed by hand."""
    world.globus.faults.add(Fault(method="POST", path="/v0.10/delete", times=None, status=503))
    outcome = world.run("check", "--write-probe")
    assert outcome.status == 1
    (left,) = (world.root / "destination").iterdir()
    assert f"can write in '/' at the destination, but not remove '/{left.name}/' there" in outcome.stdout


@pytest.mark.parametrize("patience", [0.3, 30.0])
def test_a_probe_whose_removal_hangs_or_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """A removal that has not ended is a note with its task; one that failed is a FAIL with what to remove."""
    monkeypatch.setattr(check, "PROBE_PATIENCE_SECONDS", patience)
    world.globus.hold()

    def fail_it() -> None:
        while not world.live:
            time.sleep(0.02)
        world.globus.fail(world.live[0].id, "ENDPOINT_ERROR")

    if patience > 1:
        threading.Thread(target=fail_it, daemon=True).start()
    outcome = world.run("check", "--write-probe")
    (left,) = (world.root / "destination").iterdir()
    assert f"'/{left.name}/' there" in outcome.stdout
    assert outcome.status == (1 if patience > 1 else 0)
    assert ("has not ended yet" in outcome.stdout) is (patience < 1)
    assert world.tasks[0].id in outcome.stdout
    world.globus.release()


def test_write_probe_before_the_first_run(world: World) -> None:
    """Where the destination is not there yet the nearest directory above it is tried."""
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
    """check goes with none of the other modes, --write-probe with nothing else."""
    assert world.run(*arguments.split()).status == 2


def test_in_the_order_of_the_config(world: World) -> None:
    """What takes longer to be answered keeps its place: a pair's source stands before its destination."""
    world.globus.faults.add(Fault(path=f"/v0.10/endpoint/{world.source.id}", delay=0.3))
    text = world.run("check").stdout
    assert text.index(world.source.id) < text.index(world.destination.id)


def test_a_comment_in_a_path(world: World) -> None:
    """A destination that is not there and looks as if a comment got into it is worth a word."""
    world.pair("microscope", src_path="/images", dst_path="/archive/images # mine")
    outcome = world.run("check")
    assert outcome.status == 0
    assert "note  microscope: destination '/archive/images # mine' is not there yet" in outcome.stdout
    assert "a comment in the config needs a line of its own" in outcome.stdout


def test_a_full_destination(world: World) -> None:
    """A directory that cannot be made for want of room is told as that, not as some trouble of the collection."""
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
    """Transfer away is 75, a token that it refuses 4: neither is anything a person has to mend in the config."""
    world.globus.faults.add(Fault(path="/v0.10/*", times=None, status=status, html=html))
    outcome = world.run("check")
    assert outcome.status == ends_with
    assert lines(outcome.stdout, "FAIL")
    assert "next run" not in outcome.stdout


def test_a_probe_whose_answer_is_lost(world: World) -> None:
    """The answer to the probe is lost, it is asked for again and is there: that counts as made, and is removed."""
    world.sync()
    world.globus.faults.add(Fault(method="POST", path="*/mkdir", when="after", cut=True))
    before = sorted(world.archive.rglob("*"))
    outcome = world.run("check", "--write-probe")
    assert (outcome.status, sorted(world.archive.rglob("*"))) == (0, before)
