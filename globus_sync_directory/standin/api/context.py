"""What the routes know about the stand-in that was asked, and about the request."""

from dataclasses import dataclass

from flask import request

from ..engine.accounts import Accounts
from ..engine.files import Files
from ..engine.scheduler import Scheduler
from ..engine.service import Service
from ..engine.tasks import Tasks
from ..http.faults import Faults
from ..http.request_log import LoggedRequest, RequestLog
from ..http.responder import CONTEXT, LOGGED_REQUEST


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts of one stand-in. The routes are the same for all stand-ins of a process."""

    service: Service
    accounts: Accounts
    scheduler: Scheduler
    tasks: Tasks
    files: Files
    faults: Faults
    log: RequestLog


def context() -> Context:
    """Return the parts of the stand-in that the present request asks."""
    found: Context = request.environ[CONTEXT]
    return found


def logged_request() -> LoggedRequest:
    """Return the log's entry of the present request."""
    found: LoggedRequest = request.environ[LOGGED_REQUEST]
    return found


def identity() -> str:
    """Return who sent the present request, which has been authenticated."""
    return logged_request().identity or ""
