"""The stand-in as one object: the running server, and everything that a test or a person can change."""

import threading
from typing import Any, Self

from .api.app import make_app
from .api.context import Context
from .api.task_documents import task_document
from .behaviour import Behaviour
from .clock import Clock
from .engine.accounts import Accounts
from .engine.files import Files
from .engine.scheduler import Scheduler
from .engine.service import Service
from .engine.task import Task
from .engine.tasks import Tasks
from .http.faults import Faults
from .http.request_log import RequestLog
from .http.responder import Responder
from .http.server import HOST, HttpServer

_SERVICES = ("AUTH", "TRANSFER", "TIMER", "GROUPS", "SEARCH", "FLOWS", "COMPUTE", "APP")


class StandIn:
    """
    A running Globus on 127.0.0.1, from ``with`` to its end; afterwards the port is free and no thread is left.

    ``behaviour`` may be assigned, and ``requests`` and ``unknown_routes`` may be cleared, while it runs. Raises OSError
    if the port is in use.
    """

    def __init__(self, clock: Clock | None = None, behaviour: Behaviour | None = None, port: int = 0) -> None:
        self._service = service = Service(clock or Clock(), behaviour or Behaviour())
        self._accounts = Accounts(service)
        self._scheduler = Scheduler(service)
        self._tasks = Tasks(service, self._scheduler)
        self.faults = Faults()
        log = RequestLog()
        context = Context(
            service=service,
            accounts=self._accounts,
            scheduler=self._scheduler,
            tasks=self._tasks,
            files=Files(service),
            faults=self.faults,
            log=log,
        )
        app = make_app()
        self._responder = Responder(app, context, service.clock, self.faults, log)
        self._server = HttpServer(app, self._responder, port)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.01,), name="standin-http", daemon=True)
        self.clock = service.clock
        self.collections = service.collections
        self.requests = log.requests
        self.unknown_routes = log.unknown_routes
        self.add_client = self._accounts.add_client
        self.add_collection = service.add_collection
        self.revoke_tokens = self._accounts.revoke_all
        self.hold = self._scheduler.hold
        self.release = self._scheduler.release
        self.wait = self._scheduler.wait

    def __enter__(self) -> Self:
        self._scheduler.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._responder.closing.set()
        self._scheduler.close()
        self._server.shutdown()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead the SDK, and every program that uses it, to the stand-in instead of Globus."""
        return {f"GLOBUS_SDK_SERVICE_URL_{service}": self.url for service in _SERVICES}

    @property
    def behaviour(self) -> Behaviour:
        return self._service.behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._service.behaviour = behaviour

    @property
    def tasks(self) -> list[Task]:
        """The tasks whose records are kept, in order of submission."""
        return self._tasks.kept()

    def task(self, task_id: str) -> Task:
        """Return one task. Raises KeyError."""
        return {task.id: task for task in self.tasks}[task_id]

    def task_document(self, task: Task) -> dict[str, Any]:
        """Return the document by which Transfer describes a task."""
        return task_document(task)

    def pause(self, collection_id: str, message: str | None) -> None:
        """Set the pause rule of a collection, which pauses its tasks; None removes it."""
        self._service.set_pause(collection_id, message)
        self._scheduler.reconsider()

    def cancel(self, task_id: str) -> None:
        """Cancel a task as its owner does in the web app."""
        self._tasks.cancel(self.task(task_id))

    def cancel_by_admin(self, task_id: str, side: str = "DESTINATION", message: str | None = None) -> None:
        """Cancel a task as an administrator of its SOURCE, its DESTINATION or BOTH does, with a message."""
        self._tasks.cancel_by_admin(self.task(task_id), side, message)

    def fail(self, task_id: str, code: str) -> None:
        """End a live task as FAILED with this fatal error."""
        self._tasks.fail(self.task(task_id), code)

    def forget(self, task_id: str) -> None:
        """Delete the record of a task that has ended, as the service does after 90 days."""
        self._tasks.forget(self.task(task_id))
