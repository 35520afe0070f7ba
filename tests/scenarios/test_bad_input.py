"""Bad files and bad services: a message with name and fix, the right status, no traceback, nothing lost."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from world import NOBODY, SUBMIT, TASK_LIST, Outcome, World, tree

from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(7, "bad files, bad secrets, services that answer nonsense")


def checked(outcome: Outcome, status: int, *words: str) -> str:
    """Check status and words, and that there is no traceback; return all that was printed."""
    text = outcome.stdout + outcome.stderr
    assert outcome.status == status, text
    assert "Traceback" not in text
    for word in words:
        assert word in text, text
    return text


def test_config_and_secret_problems_together(world: World) -> None:
    """The problems of config and secret come at once, each with its file, and Globus is not contacted."""
    world.config.write_text(world.config.read_text().replace("src_path", "src_paht"))
    world.secret_file.chmod(0o644)
    outcome = world.run()
    checked(
        outcome,
        2,
        f"{world.config}:6: [microscope] src_paht: unknown key; did you mean src_path?",
        f"run: chmod 600 {world.secret_file}",
    )
    assert len(outcome.stderr.splitlines()) == 2
    assert world.globus.requests == []
    assert not world.state_file.exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("$HOME/copy", "contains a variable; write the full path instead"),
        ("${SCRATCH}/copy", "contains a variable; write the full path instead"),
        ("%USERPROFILE%/copy", "contains a variable; write the full path instead"),
        ("/{{ user }}/copy", "contains a variable; write the full path instead"),
        ("/copy/$(date +%F)", "contains a command, which nothing runs; write the full path instead"),
        (f"{NOBODY}:/copy", "starts with a collection; write only the path"),
        ("DST:/copy", "starts with a collection; write only the path"),
        ("globus://DST/copy", "is an address; write only the path of the directory on the collection"),
        ("%2Farchive%2F", "is percent-encoded; write the characters themselves"),
        ("/my\\ lab", "contains a backslash; use '/' between names, and write a space as it is"),
        ("/copy/*", "contains '*'; write only the directory, everything in it is copied"),
        ("~alice/copy", "is the home directory of another account; write its full path, or '~/' for your own"),
    ],
)
def test_paths_that_nothing_expands(world: World, path: str, words: str) -> None:
    """A path that a shell or a browser would understand makes no such directory; Globus is not contacted."""
    world.pairs["microscope"]["dst_path"] = path
    world.write_config()
    checked(world.run(), 2, f"{world.config}:8: [microscope] dst_path: '{path}' {words}")
    assert world.globus.requests == []


@pytest.mark.parametrize("path", ["/~/copy", "100%", "/50% done", "cost$", "/~alice", "/backup~"])
def test_paths_that_only_look_like_it(world: World, path: str) -> None:
    """They are names like any others, and the copy is there."""
    world.pair("microscope", dst_path=path)
    world.sync()
    assert len(tree(world.root / "destination")) == 2


def test_missing_config(world: World) -> None:
    """No config file: status 2, its name, and what to copy."""
    world.config.unlink()
    checked(world.run(), 2, str(world.config), "copy config.ini.example")


def test_wrong_secret(world: World) -> None:
    """A wrong secret is status 4, with what to compare; the secret is not shown, and the last success still is."""
    world.sync()
    world.run("-d")
    world.run()
    wrong = "d3Jvbmctd3Jvbmctd3Jvbmc="
    world.secret_file.write_text(wrong)
    outcome = world.run()
    text = checked(outcome, 4, "microscope: sign-in rejected", "Globus Auth rejects the sign-in", "compare clientid")
    assert wrong not in text
    assert "last success: " in text


def test_unknown_client(world: World) -> None:
    """A client id that Globus does not know is a rejected sign-in."""
    world.config.write_text(world.config.read_text().replace(world.client_id, NOBODY))
    checked(world.run(), 4, "Globus Auth rejects the sign-in")


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_no_network(world: World, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody there: 75 for every pair, the reason in plain words, the last success; only since when is remembered."""
    world.sync()
    world.run()
    world.globus.wait()
    before = world.state()["microscope"]
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", f"http://127.0.0.1:{free_port}")
    for arguments in ((), ("-d",)):
        checked(
            world.run(*arguments),
            75,
            "microscope: not reached",
            "no answer from Globus Auth: connection refused",
            "last success: ",
        )
    after = world.state()["microscope"]
    assert datetime.fromisoformat(after["held_up_since"]) == world.clock.now()
    assert after == {**before, "held_up_since": after["held_up_since"]}


def test_transfer_out_of_reach(world: World, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-in works and Transfer is not there: 75."""
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_TRANSFER", f"http://127.0.0.1:{free_port}")
    checked(world.run(), 75, "microscope: not reached", "no answer from Globus Transfer: connection refused")


def test_too_old_is_known_without_network(world: World, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """max_age is judged from the state file when Globus cannot be reached: status 3 before 75."""
    world.sync()
    world.run()
    entry = world.state()["microscope"]["success"]["ended_at"]
    world.state_file.write_text(world.state_file.read_text().replace(entry, "2020-01-01T00:00:00+00:00"))
    world.pair("microscope", max_age="36h")
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", f"http://127.0.0.1:{free_port}")
    checked(world.run(), 3, "TOO OLD", "too old: the last success was at ", "; max_age is 1 d 12 h")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v2/oauth2/token", TASK_LIST, "*/stat", "/v0.10/submission_id", SUBMIT])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"html": True},
        {"html": True, "status": 200},
        {"status": 503},
        {"cut": True},
        {"truncate": 20},
        {"body": "[]"},
    ],
    ids=lambda fault: "-".join(fault),
)
def test_service_that_does_not_work(world: World, path: str, fault: dict[str, object]) -> None:
    """A service that fails or talks nonsense is 75 at most and loses nothing: the next run puts everything right."""
    world.globus.faults.add(Fault(path=path, times=None, **fault))  # type: ignore[arg-type]
    outcome = world.sync()
    text = checked(outcome, 0 if path == "*/stat" else 75, "microscope: ")
    assert not re.search(r"<[a-z!]|http\.client|urllib3|Exception|Error\(", text)
    world.globus.faults.clear()
    assert world.sync().status == 0
    assert len({task.submission.submission_id for task in world.tasks}) == len(world.tasks)
    assert (world.archive / "a.txt").read_bytes() == b"first"


def test_outage_begins_no_new_request(world: World) -> None:
    """Once Transfer is down, the other pairs are 75 without a request each."""
    for number in range(50):
        world.pair(f"p{number}")
    world.globus.faults.add(Fault(path="/v0.10/submission_id", times=None, status=503))
    outcome = world.run()
    checked(outcome, 75)
    assert list(outcome.statuses.values()).count("not reached") == 51
    asked = [line for line in world.asked() if line.endswith("/submission_id")]
    assert len(asked) <= 3 * (3 + 8)


@pytest.mark.parametrize("place", ["no/such/directory/state.json", "a file/state.json", ""])
def test_state_that_cannot_be_written(world: World, place: str) -> None:
    """A state file that cannot be written, or is a directory: status 1, its name, the fix, nothing started."""
    (world.root / "a file").write_text("x")
    outcome = world.run("-t", str(world.root / place))
    checked(outcome, 1, str(world.root), "--state-file")
    assert world.tasks == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_lock_file_of_another_owner(world: World) -> None:
    """A lock file that this user may not write: status 1, its name, and nothing started."""
    lock = world.root / "config.state.json.lock"
    lock.touch(mode=0o400)
    checked(world.run(), 1, f"Run the tool as the owner of {lock}, or choose another file with --state-file")
    assert world.tasks == []


def test_state_that_cannot_be_written_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the reservations cannot be written nothing is submitted, status 1, and every pair is still reported."""
    world.sync()
    replace = Path.replace

    def failing(path: Path, target: Path) -> Path:
        if target == world.state_file:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    outcome = world.run()
    checked(outcome, 1, "cannot be written: No space left on device", "microscope: succeeded")
    assert len(world.tasks) == 1


def test_dangling_link_as_state_file(world: World) -> None:
    """A state file that is a link to nowhere yet is made where the link points, and the link stays."""
    target = world.root / "real.json"
    world.state_file.symlink_to(target)
    checked(world.run(), 0, "microscope: started")
    assert world.state_file.is_symlink()
    assert target.exists()


def test_bad_sdk_setting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GLOBUS_SDK_ variable that the SDK cannot use is a config error, and verification off is warned about."""
    monkeypatch.setenv("GLOBUS_SDK_VERIFY_SSL", "perhaps")
    checked(world.run(), 2, "GLOBUS_SDK_")
    monkeypatch.setenv("GLOBUS_SDK_VERIFY_SSL", "false")
    checked(world.run(), 0, "GLOBUS_SDK_VERIFY_SSL is off")
