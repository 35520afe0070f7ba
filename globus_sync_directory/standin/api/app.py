"""The application: all routes, and the answers to requests that fail."""

import logging
from functools import cache

from flask import Flask, request
from werkzeug.exceptions import HTTPException

from ..engine.errors import ServiceError
from ..http.responder import CONTROL
from . import auth, control, files, tasks
from .context import context
from .errors import ApiError, Document, api_error

log = logging.getLogger(__name__)


@cache
def make_app() -> Flask:
    """Return the application, which all stand-ins of a process share: to make its routes takes ten milliseconds."""
    app = Flask("globus-standin", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    for blueprint in (auth.api, tasks.api, files.api, control.api):
        app.register_blueprint(blueprint)
    app.register_error_handler(ApiError, _answer)
    app.register_error_handler(ServiceError, _reject)
    app.register_error_handler(HTTPException, _not_routed)
    app.register_error_handler(Exception, _report_bug)
    return app


def _answer(error: ApiError) -> tuple[Document, int]:
    return error.document(request.path), error.status


def _reject(error: ServiceError) -> tuple[Document, int]:
    return _answer(api_error(error, context().service.behaviour))


def _not_routed(error: HTTPException) -> tuple[Document, int]:
    if error.code not in (404, 405):
        return _answer(ApiError(error.code or 400, "ClientError.BadRequest", error.description or error.name))
    route = f"{request.method} {request.path}"
    if not request.path.startswith(CONTROL):
        context().log.unknown_routes.append(route)
    message = f"The stand-in does not imitate {route}"
    # Flows and Timers have their errors in "error", and globus-cli insists on that.
    extra = {} if request.path.startswith("/v0.10/") else {"error": {"code": "NotImplemented", "detail": message}}
    return _answer(ApiError(501, "NotImplemented", message, **extra))


def _report_bug(error: Exception) -> tuple[Document, int]:
    """Answer as the service would, and log the bug for whoever runs the stand-in."""
    log.error("%s %s: a bug in the stand-in", request.method, request.path, exc_info=error)
    return _answer(ApiError(500, "InternalError", f"{type(error).__name__} in the stand-in"))
