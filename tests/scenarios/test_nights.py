"""
A year of nights: files, pairs, rights and tasks change at random, runs are killed and state is lost.

Hypothesis invents the stories and shortens one that fails as far as possible. The gate plays a few;
``HYPOTHESIS_PROFILE=year`` plays hundreds.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from reliability_table import count_cases
from world import SUBMIT, Outcome, World, make_world, make_zygote, tree

from globus_sync_directory.config.load import load_settings
from globus_sync_directory.model.pair import fingerprint_in
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.standin import Fault

NAMES = st.sampled_from(["a", "b", "c"])
SOURCES = st.sampled_from(["/s0", "/s1", "/s2"])
FILES = st.sampled_from(["one", "two.tmp", "deep/three", "deep/four.tmp"])
WORDS = {status.words: status for status in PairStatus}
LIVE = {
    PairStatus.STARTED,
    PairStatus.RUNNING,
    PairStatus.QUEUED,
    PairStatus.RUNNING_WITH_ERRORS,
    PairStatus.STUCK,
    PairStatus.PAUSED,
    PairStatus.SUSPENDED,
}

settings.register_profile(
    "gate",
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "year", max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


class Nights(RuleBasedStateMachine):
    """The world, what its owner made at the source, and all that was ever seen at the destination."""

    played = 0  # nights, mornings and killed runs, over all stories

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.world: World = self.stack.enter_context(make_world(root))
        self.zygote = self.stack.enter_context(make_zygote())
        self.stack.enter_context(environment(self.world.globus.environment))
        self.made: dict[str, bytes] = {}
        self.arrived: set[str] = set()
        self.killed = self.other_host = False

    @initialize()
    def begin(self) -> None:
        self.world.pairs.clear()
        for number in range(3):
            (self.world.root / "source" / f"s{number}").mkdir()
        self.made = tree(self.world.root / "source")
        self.add_pair("a", "/s0")

    # What the owner of the files does

    @rule(source=SOURCES, file=FILES, contents=st.binary(max_size=3))
    def write(self, source: str, file: str, contents: bytes) -> None:
        path = self.world.root / "source" / source[1:] / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(contents)
        self.made = tree(self.world.root / "source")

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(sorted(self.made)))
        (self.world.root / "source" / file).unlink()
        self.made = tree(self.world.root / "source")

    # What the operator does to the config

    @rule(name=NAMES, source=SOURCES)
    def add_pair(self, name: str, source: str) -> None:
        """Add a pair, or give it another source; not where a renamed pair has its destination."""
        others = [keys["dst_path"] for other, keys in self.world.pairs.items() if other != name]
        if f"/archive/{name}" not in others:
            self.world.pair(name, src_path=source)

    @precondition(lambda self: len(self.world.pairs) > 1)
    @rule(data=st.data())
    def remove_pair(self, data: st.DataObject) -> None:
        del self.world.pairs[data.draw(st.sampled_from(sorted(self.world.pairs)))]
        self.world.write_config()

    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(sorted(self.world.pairs)))
        self.world.pairs[f"{old}'"[-40:]] = self.world.pairs.pop(old)
        self.world.write_config()

    @rule(data=st.data(), pattern=st.sampled_from(["*.tmp", "deep/", ""]))
    def exclude(self, data: st.DataObject, pattern: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.world.pairs)))
        self.world.pair(name, exclude=pattern)

    @rule(data=st.data(), minutes=st.sampled_from(["30", "600"]))
    def limit(self, data: st.DataObject, minutes: str) -> None:
        self.world.pair(data.draw(st.sampled_from(sorted(self.world.pairs))), timelimitmins=minutes)

    # What happens to collections and tasks

    @rule(side=st.sampled_from(["source", "destination"]), online=st.booleans())
    def connect(self, side: str, online: bool) -> None:
        getattr(self.world, side).online = online

    @rule(allowed=st.booleans())
    def permit(self, allowed: bool) -> None:
        rules = self.world.source.rules
        rules.clear()
        if allowed:
            rules[self.world.client_id, ()] = "r"

    @rule(full=st.booleans())
    def fill(self, full: bool) -> None:
        self.world.destination.full = full

    @rule(number=st.integers(0, 5), how=st.sampled_from(["fail", "cancel", "suspend", "resume", "pause", "unpause"]))
    def interfere(self, number: int, how: str) -> None:
        """Something happens to one of the live tasks, if there are any; after a killed run there may be none."""
        if not self.world.live:
            return
        chosen = self.world.live[number % len(self.world.live)]
        if how == "fail":
            self.world.globus.fail(chosen.id, "ENDPOINT_ERROR")
        elif how == "cancel":
            self.world.globus.cancel(chosen.id)
        else:
            getattr(chosen, how)()

    @rule()
    def forget(self) -> None:
        """Much later Globus deletes the records of all tasks that have ended; it keeps those of new ones."""
        self.world.clock.advance(3600)
        self.world.globus.wait()
        for task in self.world.tasks:
            if not task.is_live:
                self.world.globus.forget(task.id)

    @rule(hours=st.sampled_from([1, 9, 24]), files=st.sampled_from([0, 1, None]))
    def pass_time(self, hours: int, files: int | None) -> None:
        """Tasks work, on some files or to their end, and time passes."""
        self.world.globus.release()
        if files is not None:
            self.world.globus.hold(after_files=files)
        self.world.globus.wait()
        self.world.clock.advance(3600 * hours)
        self.world.globus.wait()
        self.check()

    # What happens to the tool

    @rule()
    def night(self) -> None:
        """An undisturbed run: afterwards every live task of ours is in the state file."""
        self.world.globus.hold()
        outcome = self.world.run("-v")
        assert "Traceback" not in outcome.stderr
        self.check_report(outcome.status, outcome.stdout)
        remembered = {entry["task"]["task_id"] for entry in self.entries() if entry["task"]}
        assert {task.id for task in self.world.live} <= remembered
        assert not [entry["name"] for entry in self.entries() if entry["pending"]]
        self.check()

    @rule(instant=st.integers(1, 80))
    def killed_night(self, instant: int) -> None:
        self.world.globus.hold()
        self.zygote.run(self.world, instant=instant, signal=signal.SIGKILL)
        self.check()

    @rule()
    def night_of_two_hosts(self) -> None:
        """Another host with a state file of its own runs at the moment of our submission."""
        self.world.globus.hold()
        other = str(self.world.root / "other.json")
        action = Fault(method="POST", path=SUBMIT, action=lambda: self.zygote.run(self.world, "-t", other))
        self.world.globus.faults.add(action)
        outcome = self.world.run()
        self.world.globus.faults.clear()
        self.check_report(outcome.status, outcome.stdout)
        self.check()

    @rule(lost=st.sampled_from(["gone", "empty", "half"]))
    def lose_state(self, lost: str) -> None:
        file = self.world.state_file
        if file.exists():
            whole = file.read_bytes()
            file.unlink()
            if lost != "gone":
                file.write_bytes(b"" if lost == "empty" else whole[: len(whole) // 2])

    @rule()
    def morning(self) -> None:
        """-d changes nothing on disk."""
        before = {path.name: path.read_bytes() for path in self.world.root.iterdir() if path.is_file()}
        outcome = self.world.run("-d")
        assert "Traceback" not in outcome.stderr
        self.check_report(outcome.status, outcome.stdout)
        assert {path.name: path.read_bytes() for path in self.world.root.iterdir() if path.is_file()} == before

    # What must be true

    def entries(self) -> list[dict[str, Any]]:
        """All that the state file holds; a pair and an orphaned task may have the same name."""
        document = json.loads(self.world.state_file.read_text(encoding="utf-8"))
        return list(document["pairs"].values())

    def check(self) -> None:
        Nights.played += 1
        assert tree(self.world.root / "source") == self.made
        live = [fingerprint_in(task.label) for task in self.world.live]
        assert len(live) == len(set(live)), "two live tasks for one pair"
        there = set(tree(self.world.root / "destination"))
        assert self.arrived <= there, "something was removed at the destination"
        self.arrived = {name for name in there if not name.rpartition("/")[2].startswith(".standin-")}

    def check_report(self, exit_status: int, report: str) -> None:
        """The exit status follows from the statuses, and each status fits the pair's newest task at Globus."""
        found = {name: WORDS[words] for name, words in Outcome(exit_status, report, "").statuses.items()}
        statuses = {name: status for name, status in found.items() if not name.startswith("orphaned task of")}
        assert set(self.world.pairs) == set(statuses), report
        needs_attention = any(status.exit_status == 1 for status in statuses.values())
        if exit_status in (0, 75):
            assert not needs_attention, report
        if exit_status == 1:
            assert needs_attention or statuses != found, report
        for pair in load_settings(self.world.config, self.world.secret_file).pairs:
            live = [task for task in self.world.live if fingerprint_in(task.label) == pair.fingerprint]
            status = statuses[pair.name]
            if live and status is not PairStatus.START_UNCONFIRMED:
                task = live[0]
                assert status in LIVE, (report, self.world.globus.task_document(task))
                assert (status is PairStatus.SUSPENDED) == (task.status == "INACTIVE"), report
                assert (status is PairStatus.PAUSED) == (task.status == "ACTIVE" and task.is_paused), report
            elif not live:
                assert status not in LIVE, (report, pair)

    def teardown(self) -> None:
        """Once everything works again, a few nights bring every pair in sync, and the report says so."""
        world = self.world
        try:
            self.connect("source", True)
            self.connect("destination", True)
            self.permit(True)
            self.fill(False)
            for task in world.live:
                task.unpause()
                task.resume()
            for name in list(world.pairs):  # its owner may have removed all files
                world.pair(name, allow_empty="true")
            for _ in range(4):
                world.globus.release()
                world.globus.wait()
                world.clock.advance(3600)
                world.globus.wait()
                outcome = world.run()
                assert outcome.status in (0, 1), outcome.stdout + outcome.stderr
            world.globus.release()
            world.globus.wait()
            look = world.run("-d")
            assert look.status == 0, look.stdout
            self.check_report(look.status, look.stdout)
            for pair in load_settings(world.config, world.secret_file).pairs:
                source = tree(world.root / "source" / pair.source.path[1:])
                there = tree(world.root / "destination" / pair.destination.path[1:])
                wanted = {name: data for name, data in source.items() if not is_excluded(name, pair.exclude)}
                assert wanted.items() <= there.items()
            self.check()
        finally:
            self.stack.close()


def is_excluded(path: str, patterns: tuple[str, ...]) -> bool:
    *directories, name = path.split("/")
    return any(
        fnmatch.fnmatchcase(part, pattern.removesuffix("/"))
        for pattern in patterns
        for part in ([*directories] if pattern.endswith("/") else [*directories, name])
    )


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.mark.slow
@pytest.mark.promise(4, "a year of nights: made-up stories of files, pairs, rights, tasks, kills and lost state")
def test_nights(request: pytest.FixtureRequest) -> None:
    """No story breaks a promise."""
    before = Nights.played
    try:
        run_state_machine_as_test(Nights, settings=settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate")))
    finally:
        count_cases(request, Nights.played - before)
