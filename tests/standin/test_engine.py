"""The engine by itself, without HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from globus_sync_directory.standin import Behaviour, Collection, ManualClock
from globus_sync_directory.standin.engine.errors import (
    IdenticalPaths,
    NoPermission,
    SubmissionIdRejected,
    UnknownTask,
)
from globus_sync_directory.standin.engine.scheduler import Scheduler
from globus_sync_directory.standin.engine.service import Service
from globus_sync_directory.standin.engine.submission import Item, Submission
from globus_sync_directory.standin.engine.tasks import Tasks

ME, SOMEBODY = "me", "somebody else"


@dataclass(frozen=True)
class Engine:
    """A service with two collections, and its tasks."""

    service: Service
    scheduler: Scheduler
    tasks: Tasks
    source: Collection
    target: Collection

    def submission(self, submission_id: str, **changes: Any) -> Submission:
        fields: dict[str, Any] = {
            "kind": "transfer", "submission_id": submission_id, "label": None, "deadline": None,
            "source": self.source.id, "destination": self.target.id, "items": (Item(source=()),),
            "filter_rules": None, "sync_level": None, "options": {}, "body": {},
        }  # fmt: skip
        return Submission(**(fields | changes))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    service = Service(ManualClock(), Behaviour())
    scheduler = Scheduler(service)
    source = service.add_collection(tmp_path / "source", permissions={ME: "r"})
    target = service.add_collection(tmp_path / "target", permissions={ME: "rw"})
    scheduler.start()
    yield Engine(service, scheduler, Tasks(service, scheduler), source, target)
    scheduler.close()


def test_a_transfer(engine: Engine, tmp_path: Path) -> None:
    """A submission becomes a task that copies the files; the same id again gives the same task."""
    (tmp_path / "source" / "a").write_bytes(b"1")
    task, is_new = engine.tasks.submit(engine.submission("1"), ME)
    engine.scheduler.wait()
    assert (is_new, task.status, task.files_transferred) == (True, "SUCCEEDED", 1)
    assert (tmp_path / "target" / "a").read_bytes() == b"1"
    assert engine.tasks.submit(engine.submission("1"), ME) == (task, False)


def test_errors(engine: Engine) -> None:
    """The engine raises its own errors."""
    engine.scheduler.hold()
    task, _ = engine.tasks.submit(engine.submission("1"), ME)
    with pytest.raises(IdenticalPaths):
        engine.tasks.submit(engine.submission("2"), ME)
    with pytest.raises(NoPermission, match=engine.source.id):
        engine.tasks.submit(engine.submission("1"), SOMEBODY)
    with pytest.raises(UnknownTask, match=task.id):
        engine.tasks.find(task.id, SOMEBODY)
    engine.service.behaviour = Behaviour(own_submission_ids=False)
    with pytest.raises(SubmissionIdRejected, match="Unknown submission_id '3'"):
        engine.tasks.submit(engine.submission("3"), ME)
    engine.scheduler.release()
