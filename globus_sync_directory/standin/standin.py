"""The stand-in as one object: the running server, and everything that a test or a person turns."""

import threading
import uuid
from collections.abc import Callable, Mapping
from os import PathLike, fsencode, path
from secrets import token_urlsafe
from typing import Self

from flask import Flask
from werkzeug.routing import Rule

from .api.auth import Auth, auth_api
from .api.control import control_api
from .api.documents import Document
from .api.files import files_api
from .api.tasks import tasks_api
from .behaviour import Behaviour
from .clock import Clock
from .engine.collection import GUEST, Collection, PauseRule
from .engine.service import Service
from .engine.task import Task
from .engine.tasks import Engine
from .http.faults import Faults
from .http.server import HOST, Listener, RequestLog
from .storage import Parts

OWNER = "6d7bd1c4-5a3e-4c1b-9f0e-0a51d0c2e8f7"  # the made-up person to whom the collections belong


class _Rule(Rule):
    """A route from which no URL is ever made: to prepare for that is two thirds of what a start takes."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return lambda *_: ("", "")


class StandIn(Service):
    """
    A running Globus on loopback, from ``with`` to its end; the port is free again and no thread is left afterwards.

    ``requests`` and ``unknown_routes`` may be cleared, ``behaviour`` assigned while it runs. ``hold``, ``release`` and
    ``wait`` are the engine's. Raises OSError when the port is taken.
    """

    def __init__(self, clock: Clock | None = None, behaviour: Behaviour | None = None, port: int = 0) -> None:
        super().__init__(clock or Clock(), behaviour or Behaviour())
        self.faults = Faults()
        self._engine = Engine(self)
        self._auth = Auth(self)
        self.hold, self.release, self.wait = self._engine.hold, self._engine.release, self._engine.wait
        self.revoke_tokens = self._auth.tokens.clear
        self.app = app = Flask("globus-standin", static_folder=None)
        app.url_rule_class = _Rule
        app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
        app.url_map.merge_slashes = False
        self._traffic = RequestLog(app, self.clock, self.faults)
        self.requests = self._traffic.requests
        self.unknown_routes = self._traffic.unknown_routes
        app.register_blueprint(auth_api(self._auth))
        for transfer in (tasks_api(self._engine), files_api(self)):
            transfer.before_request(self._auth.authenticate)
            app.register_blueprint(transfer)
        app.register_blueprint(control_api(self))
        self._listener = Listener(app, self._traffic, port)
        serve = self._listener.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.01,), name="standin-http", daemon=True)

    def __enter__(self) -> Self:
        self._engine.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._traffic.closing.set()
        self._engine.close()
        self._listener.shutdown()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._listener.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables through which the SDK, and all that is built on it, finds the stand-in and never Globus."""
        services = ("AUTH", "TRANSFER", "TIMER", "GROUPS", "SEARCH", "FLOWS", "COMPUTE", "APP")
        return {f"GLOBUS_SDK_SERVICE_URL_{service}": self.url for service in services}

    def add_client(self, client_id: str | None = None, secret: str | None = None) -> tuple[str, str]:
        """Register an application and return its client id and secret; what is not given is made up."""
        client_id = str(uuid.UUID(client_id) if client_id else uuid.uuid4())
        self._auth.clients[client_id] = secret = secret or token_urlsafe(32) + "="
        return client_id, secret

    def add_collection(
        self,
        root: str | PathLike[str],
        name: str = "Collection",
        id: str | None = None,
        entity_type: str = GUEST,
        permissions: Mapping[str, str] | None = None,
    ) -> Collection:
        """
        Add and return a collection of the files below ``root``, owned by a made-up person.

        ``permissions`` maps identities to "r" or "rw". Raises NotADirectoryError.
        """
        if not path.isdir(root):
            raise NotADirectoryError(f"no such directory: {root}")
        id = str(uuid.UUID(id) if id else uuid.uuid4())
        if wrong := set((permissions or {}).values()) - {"r", "rw"}:
            raise ValueError(f"a permission is r or rw, not {', '.join(wrong)}")
        rules: dict[tuple[str, Parts], str] = {(identity, ()): right for identity, right in (permissions or {}).items()}
        self.collections[id] = collection = Collection(
            id=id, root=path.realpath(fsencode(root)), name=name, entity_type=entity_type, owner_id=OWNER, rules=rules
        )
        return collection

    @property
    def tasks(self) -> list[Task]:
        """The tasks that there are records of, in order of submission."""
        return self._engine.tasks()

    def task(self, task_id: str) -> Task:
        """Return one task; raises KeyError."""
        return {task.id: task for task in self.tasks}[task_id]

    def pause(self, collection_id: str, message: str | None) -> None:
        """Set the pause rule of a collection, under which its tasks wait; None takes it away."""
        self.collections[collection_id].pause_rules[:] = [PauseRule(message)] if message else []
        self._engine.advance()

    def cancel(self, task_id: str) -> None:
        """Cancel a task as its owner would in the web app."""
        self._engine.cancel(self.task(task_id))

    def fail(self, task_id: str, code: str) -> None:
        """Make a live task FAILED with that fatal error."""
        self._engine.fail(self.task(task_id), code)

    def forget(self, task_id: str) -> None:
        """Delete the record of a task that has ended, as the service does after 90 days."""
        self._engine.forget(self.task(task_id))

    def task_document(self, task: Task) -> Document:
        """Return the document by which Transfer describes a task."""
        return task.document()
